import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { mtuSample } from './samples.ts';
import { surveyOf } from './survey.ts';

export const check = defineCheck({
  title: 'VLANs and tunnels whose frames do not fit the links below them',
  why: 'A cloud put its VLANs on another VLAN, so every full packet was 4 bytes too large, and sessions hung.',
  counts: 'host',
  uses: ['hosts'],
  mayUse: ['cloud'],
  reads: { cloud: ['networks'] },
  args: z.object({
    hosts: z.string().optional().meta({ description: 'only these hosts, by name, comma-separated' }),
    probe: z.string().optional().meta({
      description: "also send don't-fragment pings between these hosts; from a single one, to up to 4 others",
    }),
    source: z
      .string()
      .optional()
      .meta({ description: 'only these sources of hosts, by name, comma-separated' }),
  }),
  bareArgument: 'hosts',
  examples: ['', 'cmp-11,cmp-12 --probe cmp-11,cmp-12'],
  collect,
  diagnose,
  remembers: {
    sample: mtuSample,
    target: ({ network }) => network,
    samples: (facts) => surveyOf(facts).usualMtus,
  },
});
