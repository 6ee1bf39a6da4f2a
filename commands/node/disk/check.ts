import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { sampleSchema, samplesOf, sampleTarget } from './growth.ts';

export const check = defineCheck({
  title: 'Nodes that run out of disk or inodes by the limits of their kubelet, and what fills them',
  why: 'Builds left stopped containers on the nodes. Kubernetes does not know them and could not collect their images, the disks filled, and Jenkins was evicted after 113 days.',
  uses: ['clusters'],
  reads: { clusters: ['nodes', 'kubeletStats', 'kubeletConfig', 'pods', 'events'] },
  args: z.object({
    node: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'only these nodes, by name; several with commas' }),
    pool: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'only the nodes of these pools, by name; several with commas' }),
    source: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'only these clusters, by name; several with commas' }),
  }),
  bareArgument: 'node',
  example: 'node-b',
  collect,
  // A run once an hour is kept for two days.
  remembers: {
    sample: sampleSchema,
    target: sampleTarget,
    samples: ({ nodes }) => samplesOf(nodes),
    keep: 48,
    everySeconds: 600,
  },
  diagnose,
});
