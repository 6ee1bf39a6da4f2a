import { z } from 'zod';
import { defineCheck, duration } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { disarm } from './disarm.ts';
import { freeSpace } from './free-space.ts';
import { resolved } from './resolved.ts';
import { sampleSchema, samplesOf, sampleTarget } from './samples.ts';

const number = (words: string) =>
  z
    .string()
    .transform(Number)
    .pipe(z.number({ error: words }).gte(0, 'use 0 or more'));

const percent = number('use a percentage such as 80').pipe(z.number().lte(100, 'use at most 100'));
const days = number('use a number of days');

export const check = defineCheck({
  title: 'etcd problems: quorum, members, alarms, space, disks, clocks and certificates',
  why: 'A full etcd rejected every write of a Kubernetes cluster, and looked healthy because reads still worked.',
  counts: 'member',
  uses: ['keyValue'],
  args: z.object({
    source: z.string().optional().meta({ description: 'only these etcd sources, by name, comma-separated' }),
    warningFill: percent.prefault('80').meta({
      description: 'warn when the database reaches this percentage of its quota',
    }),
    criticalFill: percent.prefault('95').meta({
      description: 'critical when the database reaches this percentage of its quota',
    }),
    warningDays: days.prefault('30').meta({
      description: 'warn when the certificate of a client port expires within this many days',
    }),
    criticalDays: days.prefault('7').meta({
      description: 'critical when it expires within this many days',
    }),
    slowShare: number('use a share such as 0.01')
      .pipe(z.number().lte(1, 'use at most 1'))
      .prefault('0.01')
      .meta({
        description:
          'a disk is slow when more than this share of its fsyncs take over 8 ms, or of its backend commits over 32 ms',
      }),
    leaderChanges: number('use a number').prefault('50').meta({
      description: 'report when the leader has changed this many times since a member started',
    }),
    pending: number('use a number').prefault('100').meta({
      description: 'warn when a member has more pending proposals than this',
    }),
    lag: number('use a number').prefault('5000').meta({
      description: 'warn when a member is more than this many entries behind',
    }),
    skew: duration.prefault('1s').meta({
      description: "warn when the members' clocks differ by more than this",
    }),
  }),
  bareArgument: 'source',
  examples: ['', '--warning-fill 60'],
  collect,
  // At least 8 hours of samples, however often the check runs, and 2 days if it runs hourly.
  remembers: {
    sample: sampleSchema,
    target: sampleTarget,
    samples: ({ stores }) => samplesOf(stores),
    keep: 48,
    everySeconds: 600,
  },
  diagnose,
  resolved,
  remediations: { 'free-space': freeSpace, disarm },
});
