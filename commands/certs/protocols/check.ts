import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';

export const check = defineCheck({
  title: 'Live sites that negotiate a TLS version older than 1.3',
  policy: {
    rule: 'Servers must not negotiate TLS 1.0 or 1.1, and should support TLS 1.3.',
    source: 'https://www.rfc-editor.org/rfc/rfc9325#section-3.1.1',
  },
  counts: 'site',
  uses: ['certificates'],
  args: z.object({
    source: z.string().optional().meta({ description: 'only these sources, by name, comma-separated' }),
  }),
  examples: ['', '--source edge'],
  collect,
  diagnose,
});
