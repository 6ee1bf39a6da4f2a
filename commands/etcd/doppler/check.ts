import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { restart } from './restart.ts';

const names = z.string().transform((list) =>
  list
    .split(/[\s,]+/)
    .map((name) => name.trim())
    .filter(Boolean),
);

export const check = defineCheck({
  title: 'Dopplers that do not announce themselves in etcd, and why',
  why: 'One doppler without its key in etcd, and metron_agent fell over on every VM of a Cloud Foundry: every deployment was failing, and every VM but one was innocent.',
  uses: ['keyValue'],
  mayUse: ['processes'],
  args: z.object({
    deployment: z.string().optional().meta({
      description: 'only these deployments, by name; several with commas',
    }),
    expected: names.optional().meta({
      description:
        'dopplers that should be there, doppler_z1/0,doppler_z2/0, for places where no source keeps processes',
    }),
    protocols: names.prefault('udp').meta({
      description: 'what the metron agents speak, by their configuration; any of these will do',
    }),
    source: z.string().optional().meta({ description: 'only these etcds, by name; several with commas' }),
  }),
  bareArgument: 'deployment',
  example: '--deployment cf',
  collect,
  diagnose,
  remediations: { restart },
});
