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
  title: 'Dopplers that are not registered in etcd, and why',
  why: 'One doppler lost its key in etcd, and metron_agent went down on every VM of a Cloud Foundry.',
  counts: 'record',
  uses: ['keyValue'],
  mayUse: ['processes'],
  args: z.object({
    deployment: z.string().optional().meta({
      description: 'only these deployments, by name, comma-separated',
    }),
    expected: names.optional().meta({
      description: 'dopplers to expect if no source lists processes, such as doppler_z1/0,doppler_z2/0',
    }),
    protocols: names.prefault('udp').meta({
      description: 'protocols that metron_agent is configured for; a doppler must support one of them',
    }),
    source: z.string().optional().meta({ description: 'only these etcd sources, by name, comma-separated' }),
  }),
  bareArgument: 'deployment',
  examples: ['cf', '--expected doppler_z1/0,doppler_z2/0'],
  collect,
  diagnose,
  remediations: { restart },
});
