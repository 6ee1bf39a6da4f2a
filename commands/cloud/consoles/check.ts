import { z } from 'zod';
import { defineCheck, duration } from '../../kit.ts';
import { collect } from './collect.ts';
import { consoleLogsIn } from './console-logs.ts';
import { diagnose } from './diagnose.ts';
import { consoleSample } from './samples.ts';
import { truncateConsole } from './truncate-console.ts';

const MAX_WATCH_MS = 300_000;
/** The largest: they are the same in the next run, so that their growth is known. */
const MAX_SAMPLES = 500;

export const check = defineCheck({
  title: 'Console logs of instances: large on disk, growing, or left behind by instances that are gone',
  why: 'A broken guest filled its console log with 5.5 GB, and showing that log on the dashboard took RabbitMQ down.',
  counts: 'host',
  uses: ['hosts'],
  mayUse: ['cloud'],
  reads: { hosts: ['fileSizes', 'openFiles', 'novaSettings'], cloud: ['server', 'servers'] },
  args: z.object({
    hosts: z.string().optional().meta({ description: 'only these hosts, by name, comma-separated' }),
    source: z
      .string()
      .optional()
      .meta({ description: 'only these sources of hosts, by name, comma-separated' }),
    watch: duration
      .refine((ms) => ms <= MAX_WATCH_MS, { error: 'use at most 5m' })
      .prefault('20s')
      .meta({
        description: 'how long to measure the growth; at most a third of the time that the check may take',
      }),
  }),
  bareArgument: 'hosts',
  examples: ['', 'cmp-12 --watch 1m'],
  collect,
  diagnose,
  remediations: { 'truncate-console': truncateConsole },
  remembers: {
    sample: consoleSample,
    target: ({ console }) => console,
    samples: (facts) =>
      consoleLogsIn({ ...facts, earlier: [] }, new Date(0))
        .toSorted((a, b) => b.diskBytes - a.diskBytes)
        .slice(0, MAX_SAMPLES)
        .map(({ target, diskBytes }) => ({ console: target, diskBytes })),
  },
});
