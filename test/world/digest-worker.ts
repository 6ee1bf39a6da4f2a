import { EventEmitter, once } from 'node:events';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import type { DigestRun } from '../../src/check/digest-run.ts';
import type { Report } from '../../src/check/finding.ts';
import type { TrackedFinding } from '../../src/check/tracked-finding.ts';
import { type DigestFlows, openDigestFlows } from '../../src/queue/digest-flows.ts';
import type { CheckJob, OutboxJob } from '../../src/queue/jobs.ts';
import { openQueues, PREFIX, type Queues } from '../../src/queue/queues.ts';
import { type RunningWorker, startCheckWorker, startDigestWorker } from '../../src/queue/workers.ts';
import type { DigestDefinition, DigestRunState } from '../../src/store/digests/digest-state.ts';
import { type DigestStore, openDigests } from '../../src/store/digests/open-digests.ts';
import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import { makeLog } from '../../src/telemetry/log.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { tickDigests } from '../../src/worker/digests/digest-schedule.ts';
import type { DigestWorkerDeps } from '../../src/worker/digests/finish-run.ts';
import { handleDigest } from '../../src/worker/digests/run-digest.ts';
import { makeCatalogue, makeCheck } from './lab-checks.ts';

/** Checks one disk in two environments, every day at 07:30 in Berlin. */
export const NIGHTLY: DigestDefinition = {
  name: 'nightly',
  cron: '30 7 * * *',
  timeZone: 'Europe/Berlin',
  channel: 'C0PLATFORM',
  isQuiet: false,
  questions: [
    { check: 'lab/disk', environment: 'prod', args: { size: '1' } },
    { check: 'lab/disk', environment: 'stage', args: { size: '1' } },
  ],
};
/** The first time that {@link NIGHTLY} is due: 07:30 in Berlin is 06:30 in UTC. */
export const DUE = '2026-11-28T06:30:00.000Z';
const BEFORE = '2026-11-27T12:00:00Z';

/** Digest workers on a real Redis, with a clock that the test sets. */
export interface DigestStage {
  readonly queues: Queues;
  readonly flows: DigestFlows;
  readonly digests: DigestStore;
  /** A worker's dependencies, some of them replaced. */
  readonly deps: (changed?: Partial<DigestWorkerDeps>) => DigestWorkerDeps;
  /** Sets the clock, and lets these workers process their digests at the same time. */
  readonly passTo: (time: string, ...workers: readonly DigestWorkerDeps[]) => Promise<void>;
  /** Starts a process that runs checks and, by default, finishes digests. */
  readonly startProcess: (deps: DigestWorkerDeps, takes?: 'everything' | 'checks') => void;
  /** The checks' behaviour; by default each finds one thing. */
  work: (job: CheckJob) => Promise<unknown>;
  /** The checks that were run. */
  readonly asked: readonly CheckJob[];
  /** What was queued for the bot, in order. */
  readonly outbox: readonly { readonly id: string; readonly job: DigestOutboxJob }[];
  /** The fixes that were saved. */
  readonly offers: readonly RemediationRecord[];
  readonly log: readonly string[];
  readonly run: () => Promise<DigestRunState>;
  /** Waits until this many checks have started. */
  readonly untilAsked: (count: number) => Promise<void>;
  /** Waits until this many runs were queued for the bot and the last one is finished. @returns it. */
  readonly finished: (count?: number) => Promise<DigestRun>;
  readonly reportOf: (job: CheckJob) => Report;
  readonly close: () => Promise<void>;
}

type DigestOutboxJob = Extract<OutboxJob, { kind: 'digest' }>;

/** Fails as if the process were killed there. */
export class Killed extends Error {}

/** The process dies at this step. */
export async function killed(): Promise<never> {
  throw new Killed();
}

export function trackedPump(changed: Partial<TrackedFinding> = {}): TrackedFinding {
  return {
    reason: 'thing-broken',
    target: 'lab:pump',
    state: 'found',
    severity: 'critical',
    summary: 'pump is broken',
    since: '2026-11-26T06:30:00.000Z',
    lastFound: DUE,
    ...changed,
  };
}

const ignore = () => undefined;

export function setDigestStage(redis: Redis): DigestStage {
  let nowMs = Date.parse(BEFORE);
  const queues = openQueues(redis, ignore);
  const flows = openDigestFlows(redis, ignore);
  const digests = openDigests(redis, PREFIX, async () => nowMs);
  const running: RunningWorker[] = [];
  const outbox: { readonly id: string; readonly job: DigestOutboxJob }[] = [];
  const asked: CheckJob[] = [];
  const offers: RemediationRecord[] = [];
  const log: string[] = [];
  const events = new EventEmitter();
  const run = async () => {
    const state = await digests.read('nightly');
    if (!state?.run) throw new Error('the digest has not run');
    return state.run;
  };
  const reportOf = (job: CheckJob) => reportPump(job, nowMs);
  const stage: DigestStage = {
    queues,
    flows,
    digests,
    deps: (changed) => ({
      definitions: [NIGHTLY],
      digests,
      flows,
      enqueueOutbox: async (id, job) => {
        if (job.kind === 'digest') outbox.push({ id, job });
        await queues.enqueueOutbox(id, job);
        events.emit('outbox');
      },
      findings: { load: async () => [] },
      silences: { apply: async (_, findings) => findings, endedSince: async () => [] },
      claims: { apply: async (_, findings) => findings },
      remediations: {
        saveOffers: async (records) => {
          offers.push(...records);
        },
      },
      catalogue: makeCatalogue({ disk: makeCheck() }),
      readClock: async () => nowMs,
      redact: (text) => text.replaceAll('hunter2', '[redacted]'),
      deadlineMs: 60_000,
      log: makeLog({ level: 'debug', secrets: [], to: { write: (line) => log.push(line) } }),
      metrics: makeMetrics(),
      ...changed,
    }),
    passTo: async (time, ...workers) => {
      nowMs = Date.parse(time);
      await Promise.all(workers.map(tickDigests));
    },
    startProcess: (deps, takes = 'everything') => {
      const common = { connection: redis, concurrency: 5, lockMs: 30_000, onFailed: ignore, onError: ignore };
      const handle = async (data: CheckJob) => {
        asked.push(data);
        events.emit('asked');
        return stage.work(data);
      };
      running.push(startCheckWorker({ ...common, handle: ({ data }) => handle(data) }));
      if (takes === 'everything')
        running.push(startDigestWorker({ ...common, handle: (job) => handleDigest(deps, job) }));
    },
    work: async (job) => ({ report: reportOf(job), tracked: [trackedPump()] }),
    asked,
    outbox,
    offers,
    log,
    run,
    untilAsked: async (count) => {
      while (asked.length < count) await once(events, 'asked');
    },
    finished: async (count = 1) => {
      while (outbox.length < count) await once(events, 'outbox');
      // It is marked as finished after it was queued.
      await expect.poll(async () => (await run()).state).toBe('finished');
      return outbox[count - 1]?.job.run as DigestRun;
    },
    reportOf,
    close: async () => {
      await Promise.all(running.map((worker) => worker.close(1_000)));
      await Promise.all([queues.close(), flows.close()]);
    },
  };
  return stage;
}

/** Finds one broken pump, and offers a fix. */
function reportPump({ check, environment, args }: CheckJob, nowMs: number): Report {
  const offer = { remediation: 'mend', params: { thing: 'pump' }, title: 'Mend pump', risk: 'safe' as const };
  const { reason, severity, target, summary } = trackedPump();
  return {
    check,
    environment,
    args,
    status: 'found',
    verdict: '1 of 41 things is broken',
    examined: 41,
    findings: [{ reason, severity, target, summary, offers: [offer] }],
    gaps: [],
    coverage: [{ source: 'lab', examined: 41 }],
    at: new Date(nowMs).toISOString(),
    durationMs: 5,
  };
}
