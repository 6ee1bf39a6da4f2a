import { z } from 'zod';
import { defineCheck, duration } from '../../kit.ts';
import { DEFAULT_THRESHOLDS } from '../../shared/certificate-validity.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { renew } from '../../shared/renew.ts';
import { resolved } from './resolved.ts';

const share = z
  .string()
  .transform(Number)
  .pipe(z.number({ error: 'use a share such as 0.33' }).gt(0, 'use more than 0').lte(1, 'use at most 1'));

const days = z
  .string()
  .transform(Number)
  .pipe(z.number({ error: 'use a number of days' }).gte(0, 'use 0 or more'));

const { withinDays, ...defaults } = DEFAULT_THRESHOLDS;

export const check = defineCheck({
  title: 'Expired and expiring certificates, and live sites with certificate problems',
  why: 'Thirteen expired certificates stopped every push to a Cloud Foundry, and the error said only "Downloading Failed".',
  counts: 'place',
  uses: ['certificates'],
  args: z.object({
    within: duration.prefault(`${withinDays}d`).meta({
      description: 'how far ahead to look; certificates that expire later are not listed',
    }),
    source: z.string().optional().meta({ description: 'only these sources, by name, comma-separated' }),
    match: z.string().min(1).optional().meta({
      description: 'only certificates whose place, names or subject contain this text; * matches anything',
    }),
    warningDays: days.prefault(String(defaults.warningDays)).meta({
      description: 'warn when at most this many days and at most --warning-share of the lifetime remain',
    }),
    warningShare: share.prefault(String(defaults.warningShare)).meta({
      description:
        'leave out certificates with a larger share of their lifetime left, such as a 47-day certificate with 16 days left; 1 leaves out none',
    }),
    criticalDays: days.prefault(String(defaults.criticalDays)).meta({
      description: 'critical when at most this many days and at most --critical-share of the lifetime remain',
    }),
    criticalShare: share.prefault(String(defaults.criticalShare)).meta({
      description:
        'critical when at most this share of the lifetime is left; expired certificates are always critical',
    }),
  }),
  bareArgument: 'within',
  examples: ['14d', '--source vault --match cell'],
  collect,
  diagnose,
  resolved,
  remediations: { renew },
});
