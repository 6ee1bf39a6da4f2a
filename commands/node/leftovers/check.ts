import { z } from 'zod';
import { defineCheck, duration } from '../../kit.ts';
import { splitNames } from '../../shared/sources.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { type Includable, INCLUDABLE, isIncludable } from '../../shared/container-owners.ts';
import { removeContainers } from './remove-containers.ts';
import { removeImages } from './remove-images.ts';

/** Someone may still read the results of a build that has just finished: `docker cp`, `docker logs`. */
const MIN_OLDER_MS = 600_000;

const owners = z.string().transform((list, context): readonly Includable[] => {
  const names = splitNames(list);
  const unknown = names.find((name) => !(INCLUDABLE as readonly string[]).includes(name));
  if (unknown !== undefined)
    context.addIssue({ code: 'custom', message: `use one or more of ${INCLUDABLE.join(', ')}` });
  return names.filter((name): name is Includable => isIncludable(name as Includable));
});

export const check = defineCheck({
  title:
    'Leftovers on container engines: stopped containers without an owner, dangling images and build cache',
  why: 'Builds ran `docker run` without `--rm` for months, nothing removed the stopped containers, and the disks of the nodes filled up.',
  counts: 'container engine',
  uses: ['engines'],
  mayUse: ['clusters', 'pipelines'],
  reads: { clusters: ['nodes', 'kubeletStats'] },
  args: z.object({
    node: z.string().min(1).optional().meta({
      description: 'only these hosts, by name of the engine or its node, comma-separated',
    }),
    older: duration
      .refine((ms) => ms >= MIN_OLDER_MS, { error: 'use at least 10m' })
      .prefault('1h')
      .meta({ description: 'only what finished or was last used at least this long ago; at least 10m' }),
    include: owners
      .optional()
      .meta({ description: `treat these as leftovers too, comma-separated: ${INCLUDABLE.join(', ')}` }),
    source: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'only these sources of container engines, by name, comma-separated' }),
  }),
  bareArgument: 'node',
  examples: ['build-2', '--older 1d --include testcontainers'],
  collect: (context, { older, include = [], ...args }) =>
    collect(context, { ...args, include, olderMs: older }),
  diagnose,
  remediations: { 'remove-containers': removeContainers, 'remove-images': removeImages },
});
