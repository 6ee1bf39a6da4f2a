import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { SourceError } from '../ports/source-error.ts';
import { makeRedact } from '../text/redact.ts';
import type { ReadContext } from './context.ts';
import { type AnyCheck, defineCheck } from './define-check.ts';
import type { NewSample, SavedSample } from './remembers.ts';
import { runCheck, type CheckRun } from './run-check.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const sample = z.strictObject({ disk: z.string(), usedBytes: z.number() });
type Sample = z.output<typeof sample>;
type Context = ReadContext<never, never, Sample>;

const remembers = {
  sample,
  target: ({ disk }: Sample) => `lab:${disk}`,
  samples: (facts: readonly Sample[]) => facts,
};

/** A check whose facts are samples, and whose findings list the samples it remembered. */
function remembering(collect: (context: Context) => Promise<readonly Sample[]>): AnyCheck {
  let remembered: Context['earlier'] = [];
  return defineCheck({
    title: 'Test',
    why: 'Tests.',
    uses: [],
    args: z.object({}),
    collect: async (context) => {
      remembered = context.earlier;
      return collect(context);
    },
    remembers,
    diagnose: (facts) => ({
      examined: facts.length,
      verdict: 'see the findings',
      findings: remembered.map(({ at, disk, usedBytes }) => ({
        reason: 'remembered',
        severity: 'info',
        target: disk,
        summary: `${usedBytes} at ${at.toISOString()}`,
      })),
    }),
  });
}

const seeing =
  (...facts: readonly Sample[]) =>
  async () =>
    facts;
const nothing = seeing();

const RUN: CheckRun = {
  check: 'test/remembering',
  environment: 'prod',
  args: {},
  read: {},
  now: NOW,
  signal: new AbortController().signal,
  deadlineMs: 10_000,
};

async function run(check: AnyCheck, more: Partial<CheckRun> = {}) {
  const saved: (readonly NewSample[])[] = [];
  const report = await runCheck(check, { ...RUN, onSamples: (samples) => saved.push(samples), ...more });
  return { report, saved, remembered: report.findings.map(({ target, summary }) => `${target}: ${summary}`) };
}

test('earlier samples come with their time, oldest first', async () => {
  const { report, remembered } = await run(remembering(nothing), {
    earlier: [
      { at: '2026-11-26T10:00:00Z', disk: 'a', usedBytes: 2 },
      { at: '2026-11-25T12:00:00.5+01:00', disk: 'b', usedBytes: 1 },
    ],
  });

  expect(remembered).toEqual(['b: 1 at 2026-11-25T11:00:00.500Z', 'a: 2 at 2026-11-26T10:00:00.000Z']);
  expect(report).not.toHaveProperty('notes');
});

test.each<[string, SavedSample]>([
  ['another version saved', { at: '2026-11-26T10:00:00Z', disk: 'a', used: 1 }],
  ['has a field more', { at: '2026-11-26T10:00:00Z', disk: 'a', usedBytes: 1, more: 1 }],
  ['has no valid time', { at: 'yesterday', disk: 'a', usedBytes: 1 }],
  ['is older than it may be', { at: '2026-11-24T11:59:59Z', disk: 'a', usedBytes: 1 }],
  ['is from now', { at: NOW.toISOString(), disk: 'a', usedBytes: 1 }],
  ['is from the future', { at: '2026-11-26T12:00:01Z', disk: 'a', usedBytes: 1 }],
])('a sample that %s is ignored', async (_, other) => {
  const { remembered } = await run(remembering(nothing), {
    earlier: [other, { at: '2026-11-26T11:00:00Z', disk: 'a', usedBytes: 7 }],
  });

  expect(remembered).toEqual(['a: 7 at 2026-11-26T11:00:00.000Z']);
});

test('the check declares how long a sample is kept', async () => {
  const hourly = { ...remembering(nothing), remembers: { ...remembers, forHours: 1 } };
  const { remembered } = await run(hourly, {
    earlier: [
      { at: '2026-11-26T10:59:59Z', disk: 'a', usedBytes: 1 },
      { at: '2026-11-26T11:00:00Z', disk: 'a', usedBytes: 2 },
    ],
  });

  expect(remembered).toEqual(['a: 2 at 2026-11-26T11:00:00.000Z']);
});

test('samples that could not be loaded are a note, and do not change the status', async () => {
  const { report, remembered } = await run(remembering(seeing({ disk: 'a', usedBytes: 1 })), {
    earlier: { unavailable: 'Redis is unreachable' },
  });

  expect(remembered).toEqual([]);
  expect(report).toMatchObject({ status: 'clear', notes: ['No earlier samples: Redis is unreachable'] });
});

test('a check that remembers nothing has no earlier samples, and no note about them', async () => {
  let context: object = {};
  const { remembers: _, ...forgetful } = remembering(async (given) => {
    context = given;
    return [];
  });
  const { report, saved } = await run(
    { ...forgetful, diagnose: () => ({ examined: 1, verdict: 'v', findings: [] }) },
    {
      earlier: { unavailable: 'Redis is unreachable' },
    },
  );

  expect(context).not.toHaveProperty('earlier');
  expect(report).not.toHaveProperty('notes');
  expect(saved).toEqual([]);
});

test('the samples of a run are given once, each with its target', async () => {
  const { saved } = await run(remembering(seeing({ disk: 'a', usedBytes: 1 }, { disk: 'b', usedBytes: 2 })));

  expect(saved).toEqual([
    [
      { target: 'lab:a', sample: { disk: 'a', usedBytes: 1 } },
      { target: 'lab:b', sample: { disk: 'b', usedBytes: 2 } },
    ],
  ]);
});

test('a run with gaps has samples of what it read', async () => {
  const { report, saved } = await run(
    remembering(async ({ gap }) => {
      gap('b', new SourceError('lab', 'unreachable', 'no response within 4 s'));
      return [{ disk: 'a', usedBytes: 1 }];
    }),
  );

  expect(report.gaps).toHaveLength(1);
  expect(saved.flat().map(({ target }) => target)).toEqual(['lab:a']);
});

test('a run that was stopped at its deadline has samples of what it read', async () => {
  const { report, saved } = await run(
    remembering(async ({ attempt, signal }) => {
      const cut = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => cut.reject(signal.reason as Error));
      await attempt('b', undefined, () => cut.promise);
      return [{ disk: 'a', usedBytes: 1 }];
    }),
    { deadlineMs: 20 },
  );

  expect(report.gaps).toMatchObject([{ kind: 'unfinished' }]);
  expect(saved.flat().map(({ target }) => target)).toEqual(['lab:a']);
});

test('a run without facts has no samples', async () => {
  const { saved } = await run(
    remembering(async ({ signal }) => {
      const cut = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => cut.reject(signal.reason as Error));
      return cut.promise;
    }),
    { deadlineMs: 20 },
  );

  expect(saved).toEqual([]);
});

test('a sample that does not match its schema is a bug', async () => {
  const wrong = remembering(seeing({ disk: 'a', usedBytes: Number.NaN }));

  await expect(run(wrong)).rejects.toThrow('usedBytes');
});

test('a secret in a sample or in its target is redacted', async () => {
  const { saved } = await run(remembering(seeing({ disk: 'hunter2-hunter2', usedBytes: 1 })), {
    redact: makeRedact(['hunter2-hunter2']),
  });

  expect(saved).toEqual([[{ target: 'lab:[secret]', sample: { disk: '[secret]', usedBytes: 1 } }]]);
});

test('a run without `onSamples` makes no samples', async () => {
  const samples = vi.fn<() => readonly Sample[]>(() => []);
  await runCheck({ ...remembering(nothing), remembers: { ...remembers, samples } }, RUN);

  expect(samples).not.toHaveBeenCalled();
});
