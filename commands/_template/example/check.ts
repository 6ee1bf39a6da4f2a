import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';

export const check = defineCheck({
  title: 'What it looks for, in a few words',
  // If it enforces a rule instead: `policy: { rule: 'The rule, in one sentence.', source: 'https://example.com/rule' }`.
  why: 'The outage behind it, in one sentence.',
  // What `saw` counts.
  counts: 'place',
  uses: ['certificates'],
  args: z.object({
    source: z.string().optional().meta({ description: 'only these sources, by name, comma-separated' }),
  }),
  examples: ['', '--source edge'],
  collect,
  diagnose,
});
