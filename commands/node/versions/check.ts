import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { cordon } from './cordon.ts';
import { diagnose } from './diagnose.ts';
import { uncordon } from './uncordon.ts';

export const check = defineCheck({
  title: 'Kubernetes components outside the supported version skew, and nodes that differ from their pool',
  policy: {
    rule: 'No component may be newer than its API server, or more than 1 to 3 minor versions older, depending on the component.',
    source: 'https://kubernetes.io/releases/version-skew-policy/',
  },
  counts: 'node',
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
  examples: ['', '--source prod-eu'],
  collect,
  diagnose,
  remediations: { cordon, uncordon },
});
