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
    .pipe(z.number({ error: words }).gte(0, 'must not be negative'));

const percent = number('write a percentage such as 80').pipe(
  z.number().lte(100, 'write at most 100 percent'),
);
const days = number('write a number of days');

export const check = defineCheck({
  title:
    'Whether etcd accepts writes: one cluster, quorum, members, alarms, space, disks, clocks, certificates',
  why: 'A full etcd still answers every read, so it looks healthy until someone deploys. A split cluster answers from both halves. Slow disks and clock skew look like dopplers that come and go.',
  uses: ['keyValue'],
  args: z.object({
    source: z.string().optional().meta({ description: 'only these etcds, by name, comma-separated' }),
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
    slowShare: number('write a share such as 0.01')
      .pipe(z.number().lte(1, 'a share is at most 1'))
      .prefault('0.01')
      .meta({
        description:
          'a disk is slow when more than this share of its fsyncs takes over 8 ms, or of its backend commits over 32 ms',
      }),
    leaderChanges: number('write a number').prefault('50').meta({
      description: 'report when the leader has changed this often since a member started',
    }),
    pending: number('write a number').prefault('100').meta({
      description: 'warn when a member has more pending proposals than this',
    }),
    lag: number('write a number').prefault('5000').meta({
      description: 'warn when a member is more than this many entries behind',
    }),
    skew: duration.prefault('1s').meta({
      description: "warn when the members' clocks differ by more than this",
    }),
  }),
  bareArgument: 'source',
  example: '--warning-fill 60',
  collect,
  // At least eight hours, however often it runs, and two days where it runs once an hour.
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
