import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { deleteStalePod } from './delete-stale-pod.ts';
import { diagnose } from './diagnose.ts';
import { pinImage } from './pin-image.ts';
import { restartReplicas } from './restart-replicas.ts';

/**
 * Where to find what:
 * - which replicas there are: `collect`, with `find-pods`, `find-containers`, `workload-tree` and `targets`
 * - what they run: `ask-replicas`, `read-build` and `read-build-object`; `build` compares, `image-id` compares images, `expected` has what should run
 * - what is wrong: `judge-service`, with `rollout-progress`; the findings in `workload-findings`, `template-drift` and `drift-finding`
 * - the fixes: `restart-replicas`, `pin-image` and `delete-stale-pod`, with `planned-workload` and `restart-rules`
 */
export const check = defineCheck({
  title: 'Replicas of a service that run another build than expected, or than the others',
  why: 'A deploy that had not reached every host was found by hand, comparing file versions on each of them.',
  counts: 'replica',
  uses: ['builds'],
  mayUse: ['clusters', 'engines'],
  reads: {
    clusters: [
      'services',
      'endpoints',
      'pods',
      'rollouts',
      'nodes',
      'restartPermission',
      'pinPermission',
      'tryImageChange',
      'removePermission',
    ],
  },
  args: z.object({
    service: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'only these services, by name, comma-separated' }),
    expect: z
      .string()
      .regex(/^[\w.+\-:]{1,128}$/, { error: 'use a build number, a version, a commit or a digest' })
      .optional()
      .meta({ description: 'the build that all replicas must run: a number, version, commit or digest' }),
    source: z.string().optional().meta({ description: 'only these sources, by name, comma-separated' }),
  }),
  bareArgument: 'service',
  examples: ['', 'api --expect 209'],
  collect,
  diagnose,
  remediations: {
    'restart-workload': restartReplicas,
    'pin-image': pinImage,
    'delete-stale-pod': deleteStalePod,
  },
});
