import { z } from 'zod';
import { defineCheck, duration } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { rescueBase } from './rescue-base.ts';

export const check = defineCheck({
  title: 'Base images of instances: missing, or about to be removed from shared storage',
  why: 'A compute node was down for repair, and another one deleted the base images of its instances from shared storage as unused.',
  counts: 'host',
  uses: ['hosts'],
  mayUse: ['cloud'],
  reads: {
    hosts: ['instanceDisks', 'novaSettings', 'diskErrors', 'openFiles'],
    cloud: ['image', 'server', 'servers', 'services'],
  },
  args: z.object({
    hosts: z.string().optional().meta({ description: 'only these hosts, by name, comma-separated' }),
    source: z
      .string()
      .optional()
      .meta({ description: 'only these sources of hosts, by name, comma-separated' }),
    within: duration
      .prefault('7d')
      .meta({ description: 'how far back to read who removed a base image that is missing' }),
  }),
  bareArgument: 'hosts',
  examples: ['', 'cmp-12 --within 30d'],
  collect,
  diagnose,
  remediations: { 'rescue-base': rescueBase },
});
