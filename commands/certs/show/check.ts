import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';

export const check = defineCheck({
  title: 'Details of one certificate or site',
  why: 'Logs said only "bad tls", so every certificate had to be printed with openssl to find the one that had expired.',
  counts: 'place',
  uses: ['certificates'],
  args: z.object({
    certificate: z.string().trim().min(2, 'use at least 2 characters').meta({
      description:
        'a site (www.example.com:443), a place (secret/cf/uaa/tls), a prefix of a SHA-256 fingerprint (6 digits or more), a serial number, or part of a name; * matches anything',
    }),
    source: z.string().optional().meta({ description: 'only these sources, by name, comma-separated' }),
  }),
  bareArgument: 'certificate',
  examples: ['www.example.com:443', 'secret/cf/uaa/tls --source vault'],
  collect,
  diagnose,
});
