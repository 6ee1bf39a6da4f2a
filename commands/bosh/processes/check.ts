import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { resolved } from './resolved.ts';
import { restart } from './restart.ts';

export const check = defineCheck({
  title: 'Processes that are not running, unresponsive agents and missing VMs, grouped by cause',
  why: 'A hundred VMs of a Cloud Foundry were failing, and the one cause was a doppler that had lost its key in etcd.',
  counts: 'instance',
  uses: ['processes'],
  args: z.object({
    deployment: z.string().min(1).optional().meta({
      description: 'only these deployments, by name, comma-separated; * matches anything',
    }),
    group: z.string().min(1).optional().meta({
      description: 'only these instance groups, by name, comma-separated; * matches anything',
    }),
    source: z.string().min(1).optional().meta({
      description: 'only these sources, by name, comma-separated',
    }),
  }),
  bareArgument: 'deployment',
  examples: ['cf', 'cf --group "diego_cell*"'],
  collect,
  diagnose,
  resolved,
  remediations: { restart },
});
