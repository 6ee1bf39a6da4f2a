import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { namespaceArgument } from '../../shared/namespace-argument.ts';
import { collect } from './collect.ts';
import { deleteEvicted } from './delete-evicted.ts';
import { diagnose } from './diagnose.ts';
import { resolved } from './resolved.ts';

/**
 * Where to find what:
 * - reading: `collect`, with `pod-survey`
 * - what was evicted, and why: `groups`, with `messages`; how urgent it is: `urgency`
 * - the report: `diagnose`, with `summary` and `details`
 * - the fix: `delete-evicted`, with `offers`, `removable` and `find-evicted`
 */
export const check = defineCheck({
  title: 'Evicted pods, by owner and cause: pressure on the node, their own limits, or refused by the node',
  why: 'A Jenkins that had run for 113 days was evicted, because stopped containers of builds had filled the disk of its node.',
  counts: 'pod',
  uses: ['clusters'],
  reads: { clusters: ['pods', 'nodes', 'replicaSets', 'removePermission', 'workload'] },
  args: z.object({
    namespace: namespaceArgument.meta({ description: 'only this namespace' }),
    source: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'only these clusters, by name, comma-separated' }),
  }),
  bareArgument: 'namespace',
  examples: ['', 'jenkins --source prod-eu'],
  collect,
  resolved,
  diagnose,
  remediations: { 'delete-evicted': deleteEvicted },
});
