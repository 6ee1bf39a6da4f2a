import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { resolved } from './resolved.ts';
import { sampleSchema, samplesOf, sampleTarget } from './growth.ts';

export const check = defineCheck({
  title: 'Nodes that are short of disk space or inodes, and what fills them',
  why: 'Stopped containers that Kubernetes could not see filled the nodes of a CI cluster until Jenkins was evicted.',
  counts: 'node',
  uses: ['clusters'],
  mayUse: ['engines'],
  reads: { clusters: ['nodes', 'kubeletStats', 'kubeletConfig', 'pods', 'events'] },
  args: z.object({
    node: z.string().min(1).optional().meta({ description: 'only these nodes, by name, comma-separated' }),
    pool: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'only the nodes of these pools, by name, comma-separated' }),
    source: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'only these clusters, by name, comma-separated' }),
  }),
  bareArgument: 'node',
  examples: ['node-b', '--pool workers'],
  collect,
  // Three weeks, for the chart. Of hourly runs, those of the last two days are a few hours apart at most, which the forecast needs.
  remembers: {
    sample: sampleSchema,
    target: sampleTarget,
    samples: ({ nodes }) => samplesOf(nodes),
    keep: 72,
    forHours: 21 * 24,
    everySeconds: 600,
  },
  diagnose,
  resolved,
});
