import type { Redis } from 'ioredis';
import type { AnyRemediation, Risk } from '../../src/check/define-remediation.ts';
import { openHistory } from '../../src/store/history/history.ts';
import { openQueues, OUTBOX, PREFIX, REMEDIATIONS } from '../../src/queue/queues.ts';
import { openPeople } from '../../src/store/access/people.ts';
import { openFreeze } from '../../src/store/remediation/freeze.ts';
import { makeAnnounce, makeRemind } from '../../src/store/remediation/announce.ts';
import { readClock } from '../../src/store/read-clock.ts';
import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import {
  openRemediationStore,
  type RemediationStore,
} from '../../src/store/remediation/remediation-store.ts';
import { approve, requestPlan } from '../../src/store/remediation/transitions/approval.ts';
import type { Transition } from '../../src/store/remediation/transitions/common.ts';
import { makeLog } from '../../src/telemetry/log.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import type { JobContext, RemediationDeps } from '../../src/worker/job-context.ts';
import { handleRemediation } from '../../src/worker/remediation-handler.ts';
import { type FakeSystem, makeFakeSystem, makeFixableCheck } from './fake-system.ts';
import { makeCatalogue } from './lab-checks.ts';
import { readQueued } from './queued-jobs.ts';
import { anOffer, POLICY } from './remediation.ts';

const JOB_ID = 'job-7';

/**
 * A remediation worker on a real Redis, with one broken thing whose fix was offered, and the people who may
 * decide about it.
 */
export interface RemediationStage {
  readonly deps: RemediationDeps;
  readonly system: FakeSystem;
  readonly remediations: RemediationStore;
  readonly id: string;
  /** Its log, one JSON record per line. */
  readonly log: readonly string[];
  readonly read: () => Promise<RemediationRecord>;
  readonly change: (transition: Transition) => Promise<RemediationRecord>;
  /** A job about it, with the current state. */
  readonly job: (signal?: AbortSignal, changed?: Partial<RemediationDeps>) => Promise<JobContext>;
  /** Runs the job of this kind, as a worker does. */
  readonly run: (kind: 'plan' | 'apply', changed?: Partial<RemediationDeps>) => Promise<void>;
  /** Ada requests its plan. */
  readonly request: () => Promise<void>;
  /** The same, and the worker plans it. */
  readonly plan: () => Promise<void>;
  /** The same, and Grace approves the plan. */
  readonly approve: () => Promise<void>;
  readonly freeze: () => Promise<void>;
  readonly unfreeze: () => Promise<void>;
  /** The ids of the queued jobs. */
  readonly queued: () => Promise<{ readonly jobs: readonly string[]; readonly cards: readonly string[] }>;
  readonly close: () => Promise<void>;
}

export interface RemediationStageOptions {
  readonly risk?: Risk;
  readonly settlesWithinSeconds?: number;
  readonly deps?: Partial<RemediationDeps>;
  /** The broken things. With several, the fix is one plan for all of them. */
  readonly things?: readonly string[];
  /** Replaces parts of the fix. */
  readonly fix?: Partial<AnyRemediation>;
}

export async function setRemediationStage(
  redis: Redis,
  {
    risk = 'disruptive',
    settlesWithinSeconds = 0,
    things = ['pump'],
    deps: changedDeps,
    fix,
  }: RemediationStageOptions = {},
): Promise<RemediationStage> {
  const system = makeFakeSystem(things);
  system.isGrouped = things.length > 1;
  const check = makeFixableCheck(system, risk, settlesWithinSeconds);
  const mend = { ...(check.remediations?.['mend'] as AnyRemediation), ...fix };
  const remediations = openRemediationStore(redis, PREFIX);
  const queues = openQueues(redis, () => undefined);
  const log: string[] = [];
  const logger = makeLog({ level: 'debug', secrets: [], to: { write: (line) => log.push(line) } });
  const freeze = openFreeze(redis, PREFIX);
  const deps: RemediationDeps = {
    catalogue: makeCatalogue({ things: { ...check, remediations: { mend } } }),
    readersOf: () => ({}),
    writersOf: () => ({}),
    remediations,
    people: openPeople(redis, PREFIX),
    readClock: () => readClock(redis),
    policy: POLICY,
    readFreeze: freeze.read,
    confirmDurability: async () => 'on-disk',
    announce: makeAnnounce(queues, logger),
    remind: makeRemind(queues),
    historyOf: openHistory(redis, PREFIX),
    redact: (text) => text.replaceAll('hunter2', '[redacted]'),
    deadlineMs: 60_000,
    leaseMs: 60_000,
    recheckEveryMs: 10,
    log: logger,
    metrics: makeMetrics(),
    ...changedDeps,
  };
  const { params: _, ...ofLab } = anOffer({
    runId: 'r0123456789abcdef',
    check: 'lab/things',
    remediation: 'mend',
    risk,
    ...(mend.provenBy && { mitigates: true }),
  });
  const reason = 'thing-broken';
  const targets = things.map((thing) => `lab:${thing}`);
  const offer: RemediationRecord = system.isGrouped
    ? {
        ...ofLab,
        title: `Mend all ${things.length}`,
        each: things.map((thing) => ({ target: `lab:${thing}`, params: { thing } })),
        finding: { reason, target: 'lab', targets, summary: `${things.length} things are broken` },
      }
    : {
        ...ofLab,
        title: 'Mend pump',
        params: { thing: 'pump' },
        finding: { reason, target: 'lab:pump', summary: 'pump is broken' },
      };
  const { id } = offer;
  await remediations.saveOffers([offer]);
  await savePeople(deps);
  const read = async () => {
    const stored = await remediations.read(id);
    if (!stored) throw new Error('the remediation is not stored');
    return stored.record;
  };
  const change = async (transition: Transition) => {
    const result = await remediations.transition(id, transition);
    if (result.kind === 'refused') throw new Error(result.because);
    return result.record;
  };
  const job: RemediationStage['job'] = async (signal = new AbortController().signal, changed = {}) => ({
    deps: { ...deps, ...changed },
    jobId: JOB_ID,
    signal,
    record: await read(),
  });
  const run: RemediationStage['run'] = async (kind, changed = {}) => {
    const { signal } = new AbortController();
    const attempt = { id: JOB_ID, data: { kind, id }, attempt: 1, queuedAtMs: 0, signal };
    await handleRemediation({ ...deps, ...changed }, attempt);
  };
  const request = async () => void (await change(requestPlan('U0ADA', POLICY)));
  const plan = async () => {
    await request();
    await run('plan');
  };
  const by = { by: 'U0ADA', at: '2026-11-20T14:03:07.000Z', because: '' };
  return {
    deps,
    system,
    remediations,
    id,
    log,
    read,
    change,
    job,
    run,
    request,
    plan,
    approve: async () => {
      await plan();
      const { planHash = '' } = await read();
      await change(approve('U0GRACE', planHash, POLICY));
    },
    freeze: async () => void (await freeze.freeze(by)),
    unfreeze: async () => void (await freeze.unfreeze(by)),
    queued: async () => ({
      jobs: (await readQueued(redis, REMEDIATIONS)).map((queued) => queued.id),
      cards: (await readQueued(redis, OUTBOX)).map((queued) => queued.id),
    }),
    close: () => queues.close(),
  };
}

async function savePeople({ people, readClock: clock }: RemediationDeps): Promise<void> {
  const account = { teamId: 'T0DEMO', isDeleted: false, isBot: false, isGuest: false, isStranger: false };
  await people.saveWorkspace({ teamId: 'T0DEMO', isEnterpriseInstall: false });
  for (const id of ['U0ADA', 'U0GRACE']) await people.savePerson({ id, ...account, atMs: await clock() });
}
