import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { cordon } from './cordon.ts';
import { diagnose } from './diagnose.ts';
import { uncordon } from './uncordon.ts';

export const check = defineCheck({
  title: 'Whether component versions are within the supported version skew',
  why: 'A node that is newer than its API server, or a kube-proxy that every upgrade forgot, can fail at the next change. And in an outage, the one node with another version is the first suspect: a node that is one minor version behind is supported, and rarely the cause.',
  uses: ['clusters'],
  reads: { clusters: ['version', 'nodes', 'pods', 'daemonSets', 'cordonPermission'] },
  args: z.object({
    node: z
      .string()
      .optional()
      .meta({ description: 'only the kubelets of these nodes, by name, comma-separated' }),
    source: z.string().optional().meta({ description: 'only these clusters, by name, comma-separated' }),
  }),
  bareArgument: 'node',
  example: '--source prod-eu',
  collect,
  diagnose,
  remediations: { cordon, uncordon },
});
