import { z } from 'zod';
import { defineCheck, duration } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { disarm } from './disarm.ts';
import { freeSpace } from './free-space.ts';

const number = (words: string) =>
  z
    .string()
    .transform(Number)
    .pipe(z.number({ error: words }).gte(0, 'it is not negative'));

const percent = number('write a number of percent such as 80').pipe(
  z.number().lte(100, 'write at most 100 percent'),
);
const days = number('write a number of days');

export const check = defineCheck({
  title:
    'Whether etcd takes writes: one cluster, quorum, members, alarms, space, disks, clocks, certificates',
  why: 'A full etcd still answers every read, so a cluster that takes no writes looks healthy until somebody deploys. One that has split in two answers from both halves. Slow disks and unequal clocks look like dopplers that come and go.',
  uses: ['keyValue'],
  args: z.object({
    source: z.string().optional().meta({ description: 'only these etcds, by name; several with commas' }),
    warningFill: percent.prefault('80').meta({
      description: 'a warning when the database is this full, in percent of its quota',
    }),
    criticalFill: percent.prefault('95').meta({
      description: 'critical when the database is this full, in percent of its quota',
    }),
    warningDays: days.prefault('30').meta({
      description: 'a warning when the certificate of a client port ends within so many days',
    }),
    criticalDays: days.prefault('7').meta({
      description: 'critical when it ends within so many days',
    }),
    slowShare: number('write a share such as 0.01')
      .pipe(z.number().lte(1, 'a share is at most 1'))
      .prefault('0.01')
      .meta({
        description:
          'a disk is slow when a greater share of its fsyncs takes longer than 8 ms, or of its backend commits longer than 32 ms',
      }),
    leaderChanges: number('write how many').prefault('50').meta({
      description: 'mentioned when the leader has changed so often since a member started',
    }),
    pending: number('write how many').prefault('100').meta({
      description: 'a warning when more writes than this wait to be agreed on',
    }),
    lag: number('write how many').prefault('5000').meta({
      description: 'a warning when a member is more than so many entries behind',
    }),
    skew: duration.prefault('1s').meta({
      description: "a warning when the members' clocks differ by more",
    }),
  }),
  bareArgument: 'source',
  example: '--warning-fill 60',
  collect,
  diagnose,
  remediations: { 'free-space': freeSpace, disarm },
});
