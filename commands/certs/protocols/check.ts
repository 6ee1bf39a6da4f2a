import { z } from 'zod';
import { defineCheck } from '../../kit.ts';
import { collect } from './collect.ts';
import { diagnose } from './diagnose.ts';

export const check = defineCheck({
  title: 'Live sites that do not negotiate TLS 1.3',
  why: 'Clients drop old protocols: when Firefox 74 turned off TLS 1.0 and 1.1, government sites stopped opening. Reports what a site negotiates when every version is offered, not what else it accepts.',
  uses: ['certificates'],
  args: z.object({
    source: z.string().optional().meta({ description: 'only these sources, by name, comma-separated' }),
  }),
  collect,
  diagnose,
});
