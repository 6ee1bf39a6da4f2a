import { z } from 'zod';
import { defineCheck, duration } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { renew } from './renew.ts';

const share = z
  .string()
  .transform(Number)
  .pipe(
    z
      .number({ error: 'write a share such as 0.33' })
      .gt(0, 'a share is more than 0')
      .lte(1, 'a share is at most 1'),
  );

const days = z
  .string()
  .transform(Number)
  .pipe(z.number({ error: 'write a number of days' }).gte(0, 'days are not negative'));

export const check = defineCheck({
  title: 'Certificates that have expired or soon will, and live sites whose certificates do not hold',
  why: '"Downloading Failed" never says what failed: thirteen expired certificates stopped every push to a Cloud Foundry.',
  uses: ['certificates'],
  args: z.object({
    within: duration.prefault('30d').meta({
      description: 'how far to look ahead: nothing that ends later is listed',
    }),
    source: z.string().optional().meta({ description: 'only these sources, by name; several with commas' }),
    match: z.string().min(1).optional().meta({
      description: 'only certificates with this in their place, a name or the subject; * stands for anything',
    }),
    warningDays: days.prefault('30').meta({
      description: 'a warning when no more days are left, and no more than warningShare of the lifetime',
    }),
    warningShare: share.prefault('0.33').meta({
      description:
        'a certificate with a greater share of its lifetime left is on schedule and not listed, so that one of 47 days is left alone until 15 are left; 1 lists all within the horizon',
    }),
    criticalDays: days.prefault('7').meta({
      description: 'critical when no more days are left, and no more than criticalShare of the lifetime',
    }),
    criticalShare: share.prefault('0.1').meta({
      description: 'the share of the lifetime for critical; what has expired is critical in any case',
    }),
  }),
  bareArgument: 'within',
  example: '14d --source vault --match cell',
  collect,
  diagnose,
  remediations: { renew },
});
