import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';

export const check = defineCheck({
  title: 'Everything about one certificate or one site',
  why: "The cells' logs said `bad tls` and never which certificate: somebody had to print them all, one by one, with openssl.",
  uses: ['certificates'],
  args: z.object({
    certificate: z.string().trim().min(2, 'at least two characters are needed to find anything').meta({
      description:
        'a site (www.example.com:443), a place (secret/cf/uaa/tls), the beginning of a SHA-256 fingerprint (six digits or more), a serial number, or part of a name; * stands for anything',
    }),
    source: z.string().optional().meta({ description: 'only these sources, by name; several with commas' }),
  }),
  bareArgument: 'certificate',
  example: 'www.example.com:443',
  collect,
  diagnose,
});
