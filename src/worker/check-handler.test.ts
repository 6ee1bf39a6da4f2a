import { expect, test } from 'vitest';
import { makeFakeSystem, makeFixableCheck } from '../../test/world/fake-system.ts';
import { makeCatalogue, makeCheck } from '../../test/world/lab-checks.ts';
import type { ReadContext } from '../check/context.ts';
import type { AnyCheck } from '../check/define-check.ts';
import type { Report } from '../check/finding.ts';
import type { TrackedFinding } from '../check/tracked-finding.ts';
import type { Readers } from '../ports/readers.ts';
import { type CheckJob, digestPartResultSchema, type OutboxJob, outboxJobSchema } from '../queue/jobs.ts';
import { questionIdOf } from '../queue/queues.ts';
import { NoRetry } from '../queue/workers.ts';
import type { Question } from '../store/history/tracked-findings.ts';
import { makeLog } from '../telemetry/log.ts';
import { makeMetrics } from '../telemetry/metrics.ts';
import { type CheckDeps, enqueueAnswers, handleCheck } from './check-handler.ts';

const asked = { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab a', at: '2026-11-21T03:00:00.000Z' };
const job: CheckJob = { runId: 'r0000000000000001', check: 'lab/a', environment: 'prod', args: {}, asked };
const early = { runId: 'r0000000000000002', asked: { ...asked, channelId: 'C2' } };
const late = { runId: 'r0000000000000003', asked: { ...asked, channelId: 'C3' } };

test('a channel that joins while the report is queued gets it too, and each channel gets it once', async () => {
  const waiting = [early];
  const enqueued: string[] = [];
  const none = async () => undefined;
  const enqueueOutbox = async (id: string, { asked: { channelId } }: OutboxJob) => {
    enqueued.push(`${id} ${channelId}`);
    // As if Redis was unreachable for so long that the mark of the closed run has expired.
    if (enqueued.length === 2) waiting.push(late);
  };

  const audiences = { join: none, read: async () => waiting, close: async () => [...waiting] };
  await enqueueAnswers({ audiences, enqueueOutbox }, job, async (about) => ({
    kind: 'lost',
    ...about,
    jobId: 'x',
  }));

  expect(enqueued).toEqual([
    'report-r0000000000000001 C1',
    'report-r0000000000000002 C2',
    'report-r0000000000000003 C3',
  ]);
});

/** What a worker with this check does: what it saves, queues and logs, in order. */
function makeWorker(check: AnyCheck, changed: Partial<CheckDeps> = {}) {
  const done: string[] = [];
  const outbox: OutboxJob[] = [];
  const log: string[] = [];
  const none = async () => undefined;
  const deps: CheckDeps = {
    catalogue: makeCatalogue({ a: check }),
    readersOf: () => ({}),
    enqueueOutbox: async (id, answer) => {
      done.push(id);
      outbox.push(answer);
    },
    audiences: { join: none, read: async () => [], close: async () => [early] },
    remediations: { saveOffers: async (records) => void done.push(`saved ${records.length}`) },
    historyOf: () => ({ load: async () => [], save: async () => 0 }),
    findings: { load: async () => [], record: async () => [] },
    silences: { apply: async (_, findings) => findings },
    claims: { apply: async (_, findings) => findings },
    redact: (text) => text,
    deadlineMs: 60_000,
    log: makeLog({ level: 'debug', secrets: [], to: { write: (line) => log.push(line) } }),
    metrics: makeMetrics(),
    ...changed,
  };
  const run = (data = job, { signal } = new AbortController()) =>
    handleCheck(deps, { id: 'job-7', data, attempt: 1, queuedAtMs: 0, signal });
  return { deps, done, outbox, log, run };
}

test('the fixes that a report offers are saved before the report is queued, for each channel', async () => {
  const { deps, done, outbox, run } = makeWorker(makeFixableCheck(makeFakeSystem(['fan', 'pump'])));

  await run();

  expect(done).toEqual(['saved 2', 'report-r0000000000000001', 'saved 2', 'report-r0000000000000002']);
  expect(outbox).toMatchObject([
    { kind: 'report', asked: { channelId: 'C1' }, report: { status: 'found' } },
    { kind: 'report', asked: { channelId: 'C2' }, report: { status: 'found' } },
  ]);
  expect(await deps.metrics.registry.metrics()).toMatch(
    /wrench_checks_total\{check="lab\/a",status="found"\} 1/,
  );
});

test('a suggested check that is not a valid command is dropped and logged once as a bug, and the report is queued', async () => {
  const valid = { check: 'lab/a', args: { size: '2' } };
  const check = makeCheck(undefined, 1, [{ check: 'lab/nothing', args: {} }, valid]);
  const { deps, log, outbox, run } = makeWorker(check);

  await run();

  expect(outbox).toMatchObject([
    { kind: 'report', asked: { channelId: 'C1' }, report: { findings: [{ next: [valid] }] } },
    { kind: 'report', asked: { channelId: 'C2' }, report: { findings: [{ next: [valid] }] } },
  ]);
  expect(log.filter((line) => line.includes('lab/nothing'))).toHaveLength(1);
  expect(await deps.metrics.registry.metrics()).toMatch(/wrench_bugs_total\{role="worker"\} 1/);
});

test.each<[string, AnyCheck, Partial<CheckDeps>, Partial<CheckJob>, string]>([
  [
    'a bug in a check',
    makeCheck(async () => {
      throw new TypeError('x is not a function');
    }),
    {},
    {},
    'x is not a function',
  ],
  [
    'a check that this worker does not have',
    makeCheck(),
    {},
    { check: 'lab/b' },
    "doesn't know the check lab/b",
  ],
  [
    'an environment that this worker does not have',
    makeCheck(),
    { readersOf: () => undefined },
    {},
    "doesn't know the environment prod",
  ],
])(
  '%s is logged once with the id of the job, and each channel gets that id',
  async (_, check, changed, different, words) => {
    const { deps, log, outbox, run } = makeWorker(check, changed);

    await run({ ...job, ...different });

    const lines = log.filter((line) => line.includes(words));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('"jobId":"job-7"');
    expect(outbox).toMatchObject([
      { kind: 'bug', asked: { channelId: 'C1' }, jobId: 'job-7' },
      { kind: 'bug', asked: { channelId: 'C2' }, jobId: 'job-7' },
    ]);
    expect(await deps.metrics.registry.metrics()).toMatch(/wrench_bugs_total\{role="worker"\} 1/);
  },
);

const KNOWN: TrackedFinding = {
  reason: 'thing-broken',
  target: 'lab:thing-1',
  state: 'found',
  severity: 'critical',
  summary: 'thing-1 is broken',
  since: '2026-11-20T03:00:00.000Z',
  lastFound: '2026-11-21T03:00:00.000Z',
};
const GONE: TrackedFinding = { ...KNOWN, target: 'lab:thing-2', state: 'gone', goneAt: KNOWN.lastFound };

/** A worker whose Redis has a finding that one person silenced and another works on. */
function makeTrackingWorker(check: AnyCheck, changed: Partial<CheckDeps> = {}) {
  const recorded: [Question, Report][] = [];
  const silence = { id: 's1', by: 'U2', at: KNOWN.since, because: 'known' };
  const claim = { by: 'U3', at: KNOWN.since };
  const worker = makeWorker(check, {
    findings: {
      load: async () => [KNOWN, GONE],
      record: async (question, report) => {
        recorded.push([question, report]);
        return [KNOWN, GONE];
      },
    },
    silences: { apply: async (_, findings) => findings.map((one) => ({ ...one, silence })) },
    claims: { apply: async (_, findings) => findings.map((one) => ({ ...one, claim })) },
    ...changed,
  });
  return { ...worker, recorded, applied: { silence, claim } };
}

const digestPart: CheckJob = { ...job, digestRun: 'r00000000000000d1' };
const never = async () => new Promise<never>(() => undefined);

test('a report has the history of its findings, including this run', async () => {
  const { outbox, recorded, applied, run } = makeTrackingWorker(makeCheck());

  expect(await run({ ...job, args: { size: '2' } })).toBeUndefined();

  const questionId = questionIdOf('lab/a', 'prod', { size: '2' });
  expect(recorded).toMatchObject([
    [{ check: 'lab/a', environment: 'prod', questionId }, { status: 'found' }],
  ]);
  const tracked = [{ ...KNOWN, ...applied }];
  expect(outbox).toMatchObject([
    { kind: 'report', asked: { channelId: 'C1' }, tracked },
    { kind: 'report', asked: { channelId: 'C2' }, tracked },
  ]);
  for (const answer of outbox) expect(outboxJobSchema.safeParse(answer).error).toBeUndefined();
});

test("a report is queued without the history of its findings if they couldn't be recorded", async () => {
  const { log, outbox, run } = makeTrackingWorker(makeCheck(), {
    silences: { apply: async () => Promise.reject(new Error('LOADING')) },
  });

  await run();

  expect(outbox).toMatchObject([{ kind: 'report' }, { kind: 'report' }]);
  for (const answer of outbox) expect(answer).not.toHaveProperty('tracked');
  expect(log.filter((line) => line.includes('findings-not-recorded'))).toHaveLength(1);
});

test('a part of a digest returns its report with all known findings, and posts nothing', async () => {
  const { applied, done, run } = makeTrackingWorker(
    makeCheck(async (_, saw) => saw('lab', 1)),
    { audiences: { join: never, read: never, close: never } },
  );

  const result = await run(digestPart);

  expect(digestPartResultSchema.parse(result)).toMatchObject({
    report: { status: 'found' },
    tracked: [
      { ...KNOWN, ...applied },
      { ...GONE, ...applied },
    ],
  });
  expect(done).toEqual([]);
});

test('a part of a digest that cannot be recorded fails, and is run again', async () => {
  const { log, run } = makeTrackingWorker(makeCheck(), {
    claims: { apply: async () => Promise.reject(new Error('LOADING Redis is loading')) },
  });

  const failed = run(digestPart);

  await expect(failed).rejects.toThrow("couldn't record its findings: LOADING Redis is loading");
  await expect(failed).rejects.not.toBeInstanceOf(NoRetry);
  expect(log).toEqual([]);
});

test.each<[string, AnyCheck, Partial<CheckJob>, string]>([
  [
    'that a bug ended',
    makeCheck(async () => {
      throw new TypeError('x is not a function');
    }),
    {},
    'a bug in Wrench stopped it; see job job-7 in the log',
  ],
  [
    'whose check this worker does not have',
    makeCheck(),
    { check: 'lab/b' },
    "this worker doesn't know the check lab/b",
  ],
])(
  'a part of a digest %s fails immediately with a reason for people, and is logged once',
  async (_, check, different, words) => {
    const { done, log, run } = makeTrackingWorker(check);

    const failed = run({ ...digestPart, ...different });

    await expect(failed).rejects.toThrow(words);
    await expect(failed).rejects.toBeInstanceOf(NoRetry);
    expect(log).toHaveLength(1);
    expect(done).toEqual([]);
  },
);

test('a check explains how findings that are no longer there were resolved', async () => {
  const check = { ...makeCheck(async () => undefined, 0), resolved: () => 'repaired' };
  const { outbox, run } = makeTrackingWorker(check);

  await run();

  const { reason, target } = KNOWN;
  expect(outbox).toMatchObject([
    { report: { status: 'clear', resolved: [{ reason, target, summary: 'repaired' }] } },
    {},
  ]);
});

test('a worker that stops, or loses Redis, requeues the job and posts nothing', async () => {
  const stop = new AbortController();
  const stopped = makeWorker(
    makeCheck(async (signal) => {
      stop.abort(new Error('this worker stops'));
      signal.throwIfAborted();
    }),
  );
  await expect(stopped.run(job, stop)).rejects.toThrow('this worker stops');
  expect(stopped.outbox).toEqual([]);

  const saveOffers = async () => {
    throw new Error('Connection is closed.');
  };
  const cutOff = makeWorker(makeCheck(), { remediations: { saveOffers } });
  await expect(cutOff.run()).rejects.toThrow('Connection is closed.');
  expect(cutOff.outbox).toEqual([]);
  expect(cutOff.log).toEqual([]);
});

test('the progress of a long check is queued for each channel, although its source returns nothing', async () => {
  const shown = Promise.withResolvers<void>();
  const progress: OutboxJob[] = [];
  const check: AnyCheck = {
    ...makeCheck(),
    uses: ['certificates'],
    collect: async ({ read, signal }: ReadContext<'certificates'>) => {
      for (const store of read.certificates) for await (const _ of store.scan({ signal }));
      return 0;
    },
  };
  const hanging: Readers['certificates'][number] = {
    name: 'vault',
    role: 'stored',
    // oxlint-disable-next-line require-yield -- it returns nothing
    scan: async function* () {
      await shown.promise;
    },
  };
  const { run, done } = makeWorker(check, {
    readersOf: () => ({ certificates: [hanging] }),
    audiences: { join: async () => undefined, read: async () => [early], close: async () => [early] },
    enqueueOutbox: async (id, answer) => {
      done.push(id);
      if (answer.kind === 'progress') progress.push(outboxJobSchema.parse(answer));
      if (progress.length === 2) shown.resolve();
    },
  });

  await run();

  const sources = [{ source: 'vault', state: 'waiting', examined: 0 }];
  expect(progress).toMatchObject([
    { asked: { channelId: 'C1' }, progress: { examined: 0, gaps: 0, sources } },
    { asked: { channelId: 'C2' }, progress: { examined: 0, gaps: 0, sources } },
  ]);
  expect(done.at(0)).toBe('progress-r0000000000000001');
  expect(done.at(-1)).toBe('report-r0000000000000002');
});
