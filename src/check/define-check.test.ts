import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineCheck, originOf } from './define-check.ts';
import { duration } from '../text/duration.ts';

/** The compiler runs these tests: an unused `@ts-expect-error` is an error, and so is an invalid line without one. */
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

test('a check gets the samples it remembers, with their time, wherever `collect` is declared', () => {
  const sample = z.strictObject({ disk: z.string(), usedBytes: z.number() });
  const check = defineCheck({
    ...nothing,
    uses: [],
    args: z.object({}),
    collect: ({ earlier }) =>
      Promise.resolve({ used: earlier.map(({ at, usedBytes }) => usedBytes / at.getTime()), total: 3 }),
    remembers: {
      sample,
      target: ({ disk }) => disk,
      samples: ({ total }) => [{ disk: 'a', usedBytes: total }],
    },
    diagnose: ({ used }) => ({ ...diagnosis, examined: used.length }),
  });
  expect(check.remembers?.samples({ used: [], total: 3 }, new Date(0))).toEqual([
    { disk: 'a', usedBytes: 3 },
  ]);
});

test('a check exists because of an outage, or to enforce a policy', () => {
  const body = {
    title: 't',
    uses: [],
    args: z.object({}),
    collect: () => Promise.resolve(1),
    diagnose: () => diagnosis,
  } as const;
  const policy = { rule: 'Servers must not negotiate TLS 1.0.', source: 'https://example.com/rule' } as const;

  expect(originOf(defineCheck({ ...body, why: 'TLS 1.0 was turned off.' }))).toBe('TLS 1.0 was turned off.');
  expect(originOf(defineCheck({ ...body, policy }))).toBe(
    'Servers must not negotiate TLS 1.0. https://example.com/rule',
  );
  const mistakes = () => [
    // @ts-expect-error -- neither an outage nor a policy
    defineCheck({ ...body }),
    // @ts-expect-error -- an outage and a policy
    defineCheck({ ...body, why: 'TLS 1.0 was turned off.', policy }),
    // @ts-expect-error -- a policy without its source
    defineCheck({ ...body, policy: { rule: policy.rule } }),
    // @ts-expect-error -- a source that is not a URL
    defineCheck({ ...body, policy: { rule: policy.rule, source: 'RFC 9325' } }),
  ];
  expect(mistakes).toBeTypeOf('function');
});

test('mistakes in a declaration don’t compile', () => {
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
        // @ts-expect-error -- an unknown severity
        findings: [{ reason: 'r', severity: 'fatal', target: 't', summary: 's' }],
      }),
    }),
    defineCheck({
      ...nothing,
      uses: [],
      args: z.object({}),
      // @ts-expect-error -- it does not declare that it remembers anything
      collect: ({ earlier }) => Promise.resolve(earlier),
      diagnose: () => diagnosis,
    }),
    defineCheck({
      ...nothing,
      uses: [],
      args: z.object({}),
      collect: () => Promise.resolve(1),
      remembers: {
        sample: z.strictObject({ disk: z.string() }),
        target: ({ disk }) => disk,
        // @ts-expect-error -- not what the schema describes
        samples: (facts) => [{ disk: facts }],
      },
      diagnose: () => diagnosis,
    }),
    defineCheck({
      ...nothing,
      uses: [],
      args: z.object({}),
      collect: () => Promise.resolve(1),
      remembers: {
        // @ts-expect-error -- `at` is the time of the run
        sample: z.strictObject({ disk: z.string(), at: z.string() }),
        target: ({ disk }) => disk,
        samples: () => [{ disk: 'a', at: '' }],
      },
      diagnose: () => diagnosis,
    }),
  ];
  expect(mistakes).toBeTypeOf('function');
});
