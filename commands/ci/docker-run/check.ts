import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { proposeFix } from './propose-fix.ts';

/**
 * Where to find what:
 * - reading: `collect`, with `survey`; what a command leaves behind is decided in `commands/shared/pipelines`
 * - what commands have left on container engines: `engines`, `left-behind`
 * - the report: `diagnose`, with `groups`, `verdict`, `words` and `evidence`
 * - the fix: `propose-fix`, with `change`, `diff` and `offers`
 */
export const check = defineCheck({
  title: 'Pipelines that leave containers behind: `docker run` without `--rm`, or removed only on success',
  why: 'Stages of pipelines ran `docker run` without `--rm`, and their stopped containers filled the disks of the nodes.',
  counts: 'pipeline file',
  uses: ['pipelines'],
  mayUse: ['engines'],
  args: z.object({
    repository: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'only these repositories, by name or a part of it, comma-separated' }),
    source: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'only these sources of repositories, by name, comma-separated' }),
    match: z.string().min(1).optional().meta({ description: 'only files with this text in their path' }),
    severity: z
      .enum(['warning', 'info'])
      .default('info')
      .meta({ description: 'report this and worse; `info` includes machines that are discarded' }),
  }),
  bareArgument: 'repository',
  examples: ['shop/api', '--severity warning'],
  collect,
  diagnose,
  remediations: { 'propose-fix': proposeFix },
});
