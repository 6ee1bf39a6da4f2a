import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { restart } from './restart.ts';

export const check = defineCheck({
  title: 'Processes that do not run, agents that do not answer and VMs that are not there, by their cause',
  why: 'metron_agent had fallen over on every VM of a Cloud Foundry: a hundred failing VMs were one doppler that had lost its key in etcd.',
  uses: ['processes'],
  args: z.object({
    deployment: z.string().min(1).optional().meta({
      description: 'only these deployments, by name; several with commas; * stands for anything',
    }),
    group: z.string().min(1).optional().meta({
      description: 'only these instance groups, by name; several with commas; * stands for anything',
    }),
    source: z.string().min(1).optional().meta({
      description: 'only these sources, by name; several with commas',
    }),
  }),
  bareArgument: 'deployment',
  example: 'cf --group diego_cell*',
  collect,
  diagnose,
  remediations: { restart },
});
