import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { renew } from '../../shared/renew.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { restartWorkload } from './restart-workload.ts';
import { restart } from './running-process.ts';

/**
 * Where to find what:
 * - reading: `collect`, with the survey in `shared/`
 * - where the certificate of a site comes from: `match`
 * - what is wrong: one file for each kind of drift, called by `diagnose`; `verdict` has the first line
 * - the fixes: `restart-workload`, `restart` in `running-process`, and `shared/renew`
 */
export const check = defineCheck({
  title: 'Certificates that are renewed but not deployed, and other differences between stored and served',
  why: 'Thirteen certificates were renewed, and the deploy hung at the first cell: its peers had the new ones, and it still had the expired one.',
  counts: 'certificate',
  uses: ['certificates'],
  mayUse: ['processes', 'clusters', 'hosts', 'logs'],
  reads: { clusters: ['ingresses', 'pods', 'workload', 'restartPermission'] },
  args: z.object({
    source: z.string().optional().meta({ description: 'only these sources, by name, comma-separated' }),
    match: z.string().min(1).optional().meta({
      description: 'only findings whose target or summary contains this text; * matches anything',
    }),
  }),
  bareArgument: 'match',
  examples: ['', 'diego-cell'],
  collect,
  diagnose,
  remediations: { renew, restart, 'restart-workload': restartWorkload },
});
