import { z } from 'zod';
import { defineCheck, duration } from '../../kit.ts';
import { bondSamples } from './bond-samples.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { bondSample } from './samples.ts';

export const check = defineCheck({
  title: 'Bonded network links: down, without link monitoring, not aggregated, or disabled by BPDU guard',
  why: 'A guest sent spanning tree packets, and switches with BPDU guard cut off its whole compute node.',
  counts: 'host',
  uses: ['hosts'],
  mayUse: ['logs', 'cloud'],
  reads: { cloud: ['ports', 'server', 'servers'] },
  args: z.object({
    hosts: z.string().optional().meta({ description: 'only these hosts, by name, comma-separated' }),
    source: z
      .string()
      .optional()
      .meta({ description: 'only these sources of hosts, by name, comma-separated' }),
    within: duration.prefault('24h').meta({ description: 'how far back to read the logs of switches' }),
  }),
  bareArgument: 'hosts',
  examples: ['', 'cmp-41 --within 2h'],
  collect,
  diagnose,
  remembers: {
    sample: bondSample,
    target: ({ bond }) => bond,
    samples: bondSamples,
  },
});
