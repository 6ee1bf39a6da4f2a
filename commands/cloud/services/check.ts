import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { disableCompute } from './disable-compute.ts';
import { enableCompute } from './enable-compute.ts';

export const check = defineCheck({
  title: 'Services of Nova that are down, and why: a host, RabbitMQ, the database or a wrong clock',
  why: 'A memory alarm in RabbitMQ made Nova call hundreds of healthy computes down at the same moment.',
  counts: 'service',
  uses: ['cloud'],
  mayUse: ['brokers', 'hosts'],
  reads: { cloud: ['services'], brokers: ['alarms'], hosts: ['clock', 'logLines'] },
  args: z.object({
    source: z.string().optional().meta({ description: 'only these clouds, by name, comma-separated' }),
  }),
  bareArgument: 'source',
  examples: ['', 'openstack'],
  collect,
  diagnose,
  remediations: { 'disable-compute': disableCompute, 'enable-compute': enableCompute },
});
