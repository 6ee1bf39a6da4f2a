import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';

export const check = defineCheck({
  title: 'What it looks for, in a few words',
  why: 'The outage behind it, in a sentence or two.',
  uses: ['certificates'],
  args: z.object({
    source: z.string().optional().meta({ description: 'only these sources, by name, comma-separated' }),
  }),
  collect,
  diagnose,
});
