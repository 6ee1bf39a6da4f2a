import { afterEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { type AnyCheck, defineCheck } from '../check/define-check.ts';
import type { SampleHistory } from '../store/history/history.ts';
import { makeLog } from '../telemetry/log.ts';
import { loadEarlier, saveNewSamples } from './samples.ts';

const ASKED = { check: 'lab/disk', environment: 'prod' };
const AT = new Date('2026-11-26T12:00:00Z');
const SAMPLES = [{ target: 'a', sample: { disk: 'a' } }];

const forgetful: AnyCheck = defineCheck({
  title: 'Test',
  why: 'Tests.',
  uses: [],
  args: z.object({}),
  collect: async () => undefined,
  diagnose: () => ({ examined: 1, verdict: 'v', findings: [] }),
});
const check: AnyCheck = {
  ...forgetful,
  remembers: {
    sample: z.strictObject({ disk: z.string() }),
    target: ({ disk }: { disk: string }) => disk,
    samples: () => [],
    keep: 3,
    forHours: 1,
    everySeconds: 10,
  },
};

/** What it takes, with what was logged. */
function deps(history: Partial<SampleHistory> = {}) {
  const logged: string[] = [];
  const historyOf = vi.fn<(check: string, environment: string) => SampleHistory>(() => ({
    load: async () => [],
    save: async () => 0,
    ...history,
  }));
  return {
    historyOf,
    logged,
    log: makeLog({ level: 'debug', secrets: [], to: { write: (line) => logged.push(line) } }),
  };
}

afterEach(() => {
  vi.useRealTimers();
});

test('loads and saves the samples of the check in its environment, within its limits', async () => {
  const earlier = [{ at: AT.toISOString(), disk: 'a' }];
  const save = vi.fn<SampleHistory['save']>(async () => 0);
  const given = deps({ load: async () => earlier, save });

  expect(await loadEarlier(given, check, ASKED)).toEqual({ earlier });
  await saveNewSamples(given, check, ASKED, SAMPLES, AT);

  expect(given.historyOf.mock.calls).toEqual([
    ['lab/disk', 'prod'],
    ['lab/disk', 'prod'],
  ]);
  expect(save).toHaveBeenCalledWith(SAMPLES, AT, { keep: 3, forMs: 3_600_000, everyMs: 10_000 });
  expect(given.logged).toEqual([]);
});

test('a check that remembers nothing makes no request to Redis', async () => {
  const given = deps();

  expect(await loadEarlier(given, forgetful, ASKED)).toEqual({});
  await saveNewSamples(given, forgetful, ASKED, [], AT);

  expect(given.historyOf).not.toHaveBeenCalled();
});

test('a failure is logged and fails nothing', async () => {
  const fail = () => Promise.reject(new Error('WRONGTYPE'));
  const given = deps({ load: fail, save: fail });

  expect(await loadEarlier(given, check, ASKED)).toEqual({
    earlier: { unavailable: 'Redis could not be read' },
  });
  await saveNewSamples(given, check, ASKED, SAMPLES, AT);

  expect(given.logged.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual([
    'samples-not-loaded',
    'samples-not-saved',
  ]);
});

test('a Redis that does not respond does not delay a check', async () => {
  vi.useFakeTimers();
  const hang = () => new Promise<never>(() => undefined);
  const given = deps({ load: hang, save: hang });

  const loading = loadEarlier(given, check, ASKED);
  await vi.runAllTimersAsync();
  expect(await loading).toEqual({ earlier: { unavailable: 'Redis could not be read' } });
  const saving = saveNewSamples(given, check, ASKED, SAMPLES, AT);
  await vi.runAllTimersAsync();
  await expect(saving).resolves.toBeUndefined();
});

test('samples that were left out are logged', async () => {
  const given = deps({ save: async () => 2 });
  await saveNewSamples(given, check, ASKED, SAMPLES, AT);

  expect(given.logged.join()).toContain('"unsaved":2');
});
