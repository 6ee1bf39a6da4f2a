import { z } from 'zod';
import { defineCheck, duration } from '../../kit.ts';
import { DEFAULT_THRESHOLDS } from '../../shared/certificate-validity.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { renew } from './renew.ts';
import { resolved } from './resolved.ts';

const share = z
  .string()
  .transform(Number)
  .pipe(
    z
      .number({ error: 'enter a share such as 0.33' })
      .gt(0, 'must be more than 0')
      .lte(1, 'must be at most 1'),
  );

const days = z
  .string()
  .transform(Number)
  .pipe(z.number({ error: 'enter a number of days' }).gte(0, 'must be 0 or more'));

const { withinDays, ...defaults } = DEFAULT_THRESHOLDS;

export const check = defineCheck({
  title: 'Expired and expiring certificates, and live sites with certificate problems',
  why: '"Downloading Failed" never says what failed: thirteen expired certificates stopped every push to a Cloud Foundry.',
  uses: ['certificates'],
  args: z.object({
    within: duration.prefault(`${withinDays}d`).meta({
      description: 'how far ahead to check: certificates that expire later are not listed',
    }),
    source: z.string().optional().meta({ description: 'only these sources, by name, comma-separated' }),
    match: z.string().min(1).optional().meta({
      description: 'only certificates whose place, names or subject contain this; * matches anything',
    }),
    warningDays: days.prefault(String(defaults.warningDays)).meta({
      description: 'warning when at most this many days remain, and at most warningShare of the lifetime',
    }),
    warningShare: share.prefault(String(defaults.warningShare)).meta({
      description:
        'a certificate with a larger share of its lifetime remaining is on schedule and not listed: one of 47 days until 15 remain; 1 lists everything within the horizon',
    }),
    criticalDays: days.prefault(String(defaults.criticalDays)).meta({
      description: 'critical when at most this many days remain, and at most criticalShare of the lifetime',
    }),
    criticalShare: share.prefault(String(defaults.criticalShare)).meta({
      description: 'the share of the lifetime for critical; expired certificates are always critical',
    }),
  }),
  bareArgument: 'within',
  example: '14d --source vault --match cell',
  collect,
  diagnose,
  resolved,
  remediations: { renew },
});
