import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Readers } from '../ports/readers.ts';
import { SourceError } from '../ports/source-error.ts';
import { ArgumentsError } from './arguments.ts';
import type { Progress, ReadContext } from './context.ts';
import { type AnyCheck, defineCheck } from './define-check.ts';
import { reportSchema } from './finding.ts';
import { makeRedact } from './redact.ts';
import { runCheck, type Run } from './run-check.ts';

type Context = ReadContext<'certificates'>;

const certificates: Readers['certificates'] = { stores: [] };
const forbidden = new SourceError('vault', 'refused', 'permission denied');

/** A check that counts what its `collect` says it saw, and finds each of `bad`. */
function counting(collect: (context: Context) => Promise<readonly string[]>): AnyCheck {
  return defineCheck({
    title: 'Test',
    why: 'Tests.',
    uses: ['certificates'],
    args: z.object({ limit: z.string().prefault('3').meta({ description: 'how many' }) }),
    collect: async (context) => ({ bad: await collect(context) }),
    diagnose: ({ bad }) => ({
      examined: 3,
      verdict: `${bad.length} of 3 are bad`,
      findings: bad.map((target) => ({
        reason: 'bad',
        severity: 'warning',
        target,
        summary: `${target} is bad`,
      })),
    }),
  });
}

function run(check: AnyCheck, more: Partial<Run> = {}) {
  return runCheck(check, {
    check: 'test/counting',
    environment: 'prod',
    args: {},
    read: { certificates },
    now: new Date('2026-02-20T07:00:00Z'),
    signal: new AbortController().signal,
    deadlineMs: 10_000,
    ...more,
  });
}

test('all looked at and nothing wrong is clear', async () => {
  const report = await run(
    counting(({ saw }) => {
      saw('vault', 2);
      saw('edge');
      saw('vault');
      return Promise.resolve([]);
    }),
    { args: { limit: '5' } },
  );
  expect(report).toMatchObject({
    check: 'test/counting',
    environment: 'prod',
    args: { limit: '5' },
    status: 'clear',
    verdict: '0 of 3 are bad',
    coverage: [
      { source: 'vault', examined: 3 },
      { source: 'edge', examined: 1 },
    ],
    at: '2026-02-20T07:00:00.000Z',
  });
  expect(reportSchema.parse(report)).toEqual(report);
});

test('nothing wrong in what was seen, and something not seen, is unknown and never clear', async () => {
  const report = await run(
    counting(({ gap }) => {
      gap('secret/hidden', forbidden);
      return Promise.resolve([]);
    }),
  );
  expect(report.status).toBe('unknown');
  expect(report.verdict).toBe('Unknown: 1 place could not be looked at. In what was seen: 0 of 3 are bad');
  expect(report.gaps).toEqual([{ what: 'secret/hidden', because: 'permission denied', kind: 'refused' }]);
});

test('something wrong is found, and the gaps are told beside it', async () => {
  const report = await run(
    counting(({ gap }) => {
      gap('secret/hidden', forbidden);
      return Promise.resolve(['a']);
    }),
  );
  expect(report.status).toBe('found');
  expect(report.verdict).toBe('1 of 3 are bad');
  expect(report.gaps).toHaveLength(1);
});

test('nothing examined is unknown, and says whether there was nothing, or nothing of the kind', async () => {
  const nothing = (look: (context: Context) => void): AnyCheck => ({
    ...counting((context) => Promise.resolve(look(context)).then(() => [])),
    diagnose: () => ({ examined: 0, verdict: 'All 0 are good', findings: [] }),
  });
  const verdict = async (look: (context: Context) => void) => {
    const report = await run(nothing(look));
    expect(report.status).toBe('unknown');
    return report.verdict;
  };
  expect(await verdict(() => {})).toBe('Unknown: there was nothing to look at');
  expect(await verdict(({ gap }) => gap('vault', forbidden))).toBe(
    'Unknown: nothing could be looked at. vault: permission denied',
  );
  expect(await verdict(({ saw }) => saw('vault', 7))).toBe(
    'Unknown: nothing of the kind is at the 7 places that could be looked at',
  );
  expect(
    await verdict(({ gap, saw }) => {
      saw('vault', 7);
      gap('b', forbidden);
      gap('uua', new SourceError('x', 'missing', 'no such name'));
    }),
  ).toBe('Unknown: uua: no such name; besides, 1 place could not be looked at');
});

test('a port without a source is said instead of guessed', async () => {
  const never = counting(() => Promise.reject(new Error('was run')));
  const report = await run(never, { read: {} });
  expect(report).toMatchObject({
    status: 'unknown',
    examined: 0,
    gaps: [
      { what: 'certificates', because: 'environment prod has no source for it', kind: 'not-configured' },
    ],
  });
});

test('attempt turns a source’s refusal into a gap, and goes on with the fallback', async () => {
  const report = await run(
    counting(({ attempt }) => attempt('secret/x', ['fallback'], () => Promise.reject(forbidden))),
  );
  expect(report.findings.map(({ target }) => target)).toEqual(['fallback']);
  expect(report.gaps).toEqual([{ what: 'secret/x', because: 'permission denied', kind: 'refused' }]);
});

test('any other error is a bug and is thrown, whether attempted, told or in the open', async () => {
  const bug = new TypeError('x is undefined');
  const attempts: ((context: Context) => Promise<readonly string[]>)[] = [
    ({ attempt }) => attempt('x', [], () => Promise.reject(bug)),
    ({ gap }) => {
      gap('x', bug);
      return Promise.resolve([]);
    },
    () => Promise.reject(bug),
  ];
  for (const collect of attempts) await expect(run(counting(collect))).rejects.toBe(bug);
  const pure: AnyCheck = {
    ...counting(() => Promise.resolve([])),
    diagnose: () => {
      throw bug;
    },
  };
  await expect(run(pure)).rejects.toBe(bug);
});

test('a source that refuses outside of any attempt is a bug of the check, not a silent gap', async () => {
  await expect(run(counting(() => Promise.reject(forbidden)))).rejects.toBe(forbidden);
});

test('a check is handed the readers it declares, and no others', async () => {
  const more = { certificates, vaults: { secret: true } };
  const seen: string[] = [];
  await run(
    counting(({ read }) => {
      seen.push(...Object.keys(read));
      return Promise.resolve([]);
    }),
    { read: more },
  );
  expect(seen).toEqual(['certificates']);
});

test('at the deadline what was seen so far counts, and the rest is a gap that says unfinished', async () => {
  const report = await run(
    counting(async ({ attempt, saw, signal }) => {
      saw('edge', 2);
      await attempt('silent.example.com', undefined, () => sleep(60_000, undefined, { signal }));
      return ['a'];
    }),
    { deadlineMs: 30 },
  );
  expect(report.status).toBe('found');
  expect(report.coverage).toEqual([{ source: 'edge', examined: 2 }]);
  expect(report.gaps).toEqual([
    { what: 'silent.example.com', because: 'not finished within 0.03 s', kind: 'unfinished' },
  ]);
});

test('a check that throws at its deadline is unfinished, not broken', async () => {
  const report = await run(
    counting(({ signal }) => sleep(60_000, [], { signal })),
    { deadlineMs: 30 },
  );
  expect(report).toMatchObject({ status: 'unknown', examined: 0, gaps: [{ kind: 'unfinished' }] });
});

test('a check that ignores its signal is left behind', async () => {
  const hung = Promise.withResolvers<readonly string[]>();
  const report = await run(
    counting(() => hung.promise),
    { deadlineMs: 30 },
  );
  expect(report.status).toBe('unknown');
  expect(report.gaps).toEqual([
    { what: 'test/counting', because: 'not finished within 0.03 s', kind: 'unfinished' },
  ]);
  hung.resolve([]);
});

test('when the worker must stop, the run throws its reason at once, however deaf the check is', async () => {
  const stop = new AbortController();
  const reason = new Error('the worker stops');
  const hung = Promise.withResolvers<readonly string[]>();
  const running = run(
    counting(() => hung.promise),
    { signal: stop.signal },
  );
  stop.abort(reason);
  await expect(running).rejects.toBe(reason);
  await expect(
    run(
      counting(() => Promise.resolve([])),
      { signal: stop.signal },
    ),
  ).rejects.toBe(reason);
  hung.resolve([]);
});

test('a check cut short by the worker’s stop does not call that a bug of its own', async () => {
  const stop = new AbortController();
  const reason = new Error('the worker stops');
  const running = run(
    counting(({ attempt, signal }) => attempt('x', [], () => sleep(60_000, [], { signal }))),
    { signal: stop.signal },
  );
  stop.abort(reason);
  await expect(running).rejects.toBe(reason);
});

test('arguments that the check does not take are the asker’s error, before anything is looked at', async () => {
  const check: AnyCheck = {
    ...counting(() => Promise.reject(new Error('was run'))),
    args: z.object({ limit: z.string().regex(/^\d+$/, 'write a number') }),
  };
  await expect(run(check, { args: { limit: 'many' } })).rejects.toThrow(ArgumentsError);
});

test('people who wait are told how far it has come', async () => {
  const told: Progress[] = [];
  await run(
    counting(({ saw, gap }) => {
      saw('edge');
      gap('x', forbidden);
      saw('vault', 2);
      return Promise.resolve([]);
    }),
    { onProgress: (progress) => told.push({ ...progress }) },
  );
  expect(told).toEqual([
    { examined: 1, gaps: 0 },
    { examined: 1, gaps: 1 },
    { examined: 3, gaps: 1 },
  ]);
});

test('no secret of this process and no key leaves in a report, wherever it hides', async () => {
  const secret = 'canary-s3cr3t-value';
  const key = '-----BEGIN RSA PRIVATE KEY-----\nCANARYCANARY\n-----END RSA PRIVATE KEY-----';
  const leaky: AnyCheck = {
    ...counting(({ gap, saw }) => {
      saw(`vault ${secret}`);
      gap(`path ${secret}`, new SourceError('vault', 'refused', `denied for ${secret} ${key}`));
      return Promise.resolve([]);
    }),
    diagnose: () => ({
      examined: 1,
      verdict: `verdict ${secret}`,
      findings: [
        {
          reason: 'bad',
          severity: 'info',
          target: `t ${secret}`,
          summary: key,
          evidence: [
            { kind: 'field', label: 'l', value: `hvs.CANARYCANARYCANARY` },
            { kind: 'log', lines: [secret, key] },
            { kind: 'table', columns: [secret], rows: [[key]] },
          ],
        },
      ],
    }),
  };
  const report = await run(leaky, { args: { limit: secret }, redact: makeRedact([secret]) });
  expect(JSON.stringify(report).toLowerCase()).not.toContain('canary');
  expect(reportSchema.safeParse(report).success).toBe(true);
});
