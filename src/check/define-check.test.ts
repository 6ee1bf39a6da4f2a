import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineCheck } from './define-check.ts';
import { duration } from '../text/duration.ts';

/** The compiler is the judge here: an unused `@ts-expect-error` fails the gate as surely as a wrong line without one. */
const nothing = { title: 't', why: 'w' } as const;
const diagnosis = { examined: 0, verdict: 'v', findings: [] };

test('a check may read what it declares', () => {
  const check = defineCheck({
    ...nothing,
    uses: ['certificates'],
    args: z.object({ within: duration }),
    bareArgument: 'within',
    collect: ({ read }) => Promise.resolve(read.certificates.length),
    diagnose: (stores, { within }) => ({ ...diagnosis, examined: stores + within }),
  });
  expect(check.diagnose(1, { within: 2 }, new Date(0)).examined).toBe(3);
});

test('what would go wrong at night does not compile by day', () => {
  const mistakes = () => [
    defineCheck({
      ...nothing,
      // @ts-expect-error -- there is no such port
      uses: ['vault'],
      args: z.object({}),
      collect: () => Promise.resolve(1),
      diagnose: () => diagnosis,
    }),
    defineCheck({
      ...nothing,
      uses: [],
      args: z.object({}),
      // @ts-expect-error -- reads a port that it does not declare in `uses`
      collect: ({ read }) => Promise.resolve(read.certificates),
      diagnose: () => diagnosis,
    }),
    defineCheck({
      ...nothing,
      uses: ['certificates'],
      args: z.object({}),
      // @ts-expect-error -- nothing that `collect` is given can write
      collect: ({ write }) => Promise.resolve(write),
      diagnose: () => diagnosis,
    }),
    defineCheck({
      ...nothing,
      uses: [],
      args: z.object({ within: duration }),
      collect: () => Promise.resolve(1),
      // @ts-expect-error -- a duration is a number by the time it is read
      diagnose: (_facts: number, { within }: { within: string }) => ({ ...diagnosis, verdict: within }),
    }),
    defineCheck({
      ...nothing,
      uses: [],
      args: z.object({}),
      // @ts-expect-error -- gathers other facts than `diagnose` takes
      collect: () => Promise.resolve('text'),
      diagnose: (facts: number) => ({ ...diagnosis, examined: facts }),
    }),
    defineCheck({
      ...nothing,
      uses: [],
      args: z.object({ site: z.string() }),
      // @ts-expect-error -- no argument of that name
      bareArgument: 'sight',
      collect: () => Promise.resolve(1),
      diagnose: () => diagnosis,
    }),
    defineCheck({
      ...nothing,
      uses: [],
      args: z.object({}),
      collect: () => Promise.resolve(1),
      diagnose: () => ({
        ...diagnosis,
        // @ts-expect-error -- a severity that nobody knows
        findings: [{ reason: 'r', severity: 'fatal', target: 't', summary: 's' }],
      }),
    }),
  ];
  expect(mistakes).toBeTypeOf('function');
});
