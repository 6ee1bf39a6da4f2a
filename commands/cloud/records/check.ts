import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { archiveDeletedRows } from './archive-deleted-rows.ts';
import { collect } from './collect.ts';
import { diagnose, resolved } from './diagnose.ts';
import { recordSample } from './record-sample.ts';
import { recordSamples } from './samples.ts';

export const check = defineCheck({
  title: 'Soft-deleted records of Nova: too many for the API, or only in shadow tables',
  why: 'After an upgrade of OpenStack, requests took minutes, because each searched the records of 300,000 deleted instances.',
  counts: 'database',
  uses: ['databases'],
  mayUse: ['hosts'],
  args: z.object({
    source: z
      .string()
      .optional()
      .meta({ description: 'only these sources of databases, by name, comma-separated' }),
  }),
  bareArgument: 'source',
  examples: ['', '--source nova-db'],
  collect,
  diagnose,
  resolved,
  // Three weeks: records grow slowly.
  remembers: {
    sample: recordSample,
    target: ({ cell }) => cell,
    samples: recordSamples,
    keep: 60,
    forHours: 504,
    everySeconds: 3_600,
  },
  remediations: { 'archive-deleted-rows': archiveDeletedRows },
});
