import type { Redis } from 'ioredis';
import type { Plan } from '../../check/define-remediation.ts';
import { beforeEach, expect, test } from 'vitest';
import {
  anOffer,
  OBSERVED_GONE,
  hashOf,
  OBSERVATION,
  PLAN,
  POLICY,
} from '../../../test/world/remediation.ts';
import { runScriptsTwice } from '../../../test/world/lossy-redis.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import type { AuditEntry } from '../audit/entry.ts';
import { type AuditLog, openAuditLog } from '../audit/audit-log.ts';
import { openFreeze } from './freeze.ts';
import {
  finishExecution,
  startExecution,
  recordStep,
  failExecution,
  recordVerification,
  endOverdue,
} from './transitions/execution.ts';
import { approve, recordPlan, reject, requestPlan, skipRemediation } from './transitions/approval.ts';
import { readWhole } from '../audit/read.ts';
import type { RemediationRecord } from './record.ts';
import { openRemediationStore, type RemediationStore } from './remediation-store.ts';
import { verifyAudit } from '../audit/verify.ts';

const redis = useRedis();

let prefix: string;
let connection: Redis;
let chain: AuditLog;
let remediations: RemediationStore;
beforeEach(() => {
  prefix = `{${crypto.randomUUID()}}`;
  connection = redis.connect();
  chain = openAuditLog(connection, prefix);
  remediations = openRemediationStore(connection, prefix, chain);
});

const LEASE_MS = 30_000;
const kinds = async () => (await chain.page()).map(({ raw }) => (JSON.parse(raw) as AuditEntry).entry.kind);
const stateOf = async ({ id }: RemediationRecord) => (await remediations.read(id))?.record.state;

/** An offer in Redis, requested by Ada and planned. */
async function aPlan(
  changed: Partial<RemediationRecord> = {},
  targets = PLAN.targets,
  plan: Partial<Plan> = {},
): Promise<RemediationRecord> {
  const offer = anOffer(changed);
  await remediations.saveOffers([offer]);
  await remediations.transition(offer.id, requestPlan('U0ADA', POLICY));
  await remediations.transition(offer.id, recordPlan({ ...PLAN, ...plan, targets }, OBSERVATION, POLICY));
  return (await remediations.read(offer.id))?.record ?? offer;
}

/** The same, approved by Grace. */
async function anApproval(
  changed: Partial<RemediationRecord> = {},
  targets = PLAN.targets,
  plan: Partial<Plan> = {},
): Promise<RemediationRecord> {
  const { id, planHash = '' } = await aPlan(changed, targets, plan);
  const result = await remediations.transition(id, approve('U0GRACE', planHash, POLICY));
  if (result.kind !== 'changed') throw new Error(result.because);
  return result.record;
}

const start = async ({ id }: RemediationRecord, policy = POLICY, by = remediations) =>
  by.transition(id, startExecution(await by.nextFencingToken(), OBSERVATION, policy, LEASE_MS));

const begin = async (approved: RemediationRecord): Promise<RemediationRecord> => {
  const result = await start(approved);
  if (result.kind !== 'changed') throw new Error(result.because);
  return result.record;
};

const another = (number: number): Partial<RemediationRecord> => ({
  finding: { reason: 'not-registered', target: `doppler_z2/${number}`, summary: 'It is not.' },
});

test('of fifty workers that start an execution at once over four connections exactly one succeeds, with one audit entry', async () => {
  const approved = await anApproval();
  const processes = Array.from({ length: 4 }, () => openRemediationStore(redis.connect(), prefix));

  const results = await Promise.all(
    Array.from({ length: 50 }, (_, number) => start(approved, POLICY, processes[number % 4])),
  );

  const won = results.filter((one) => one.kind === 'changed');
  expect(won).toHaveLength(1);
  expect(new Set(results.flatMap((one) => (one.kind === 'refused' ? [one.because] : [])))).toEqual(
    new Set(["it's being applied"]),
  );
  await expect(kinds()).resolves.toEqual(['asked', 'planned', 'approved', 'applying']);
  await expect(remediations.read(approved.id)).resolves.toMatchObject({ record: won[0]?.record });
});

test('of fifty people who approve and reject at once one is first, and everyone gets a result', async () => {
  const { id, planHash = '' } = await aPlan();
  const processes = Array.from({ length: 4 }, () => openRemediationStore(redis.connect(), prefix));

  const results = await Promise.all(
    Array.from({ length: 50 }, (_, number) =>
      (processes[number % 4] ?? remediations).transition(
        id,
        number % 2 === 0 ? approve(`U0${number}`, planHash, POLICY) : reject(`U0${number}`, planHash),
      ),
    ),
  );

  const audited = (await kinds()).slice(2);
  expect(results.filter(({ kind }) => kind === 'changed')).toHaveLength(audited.length);
  // A rejection may follow an approval; nothing follows a rejection.
  expect([['rejected'], ['approved', 'rejected'], ['approved']]).toContainEqual(audited);
  const { head, entries } = await readWhole(chain);
  await expect(verifyAudit(entries, head)).resolves.toMatchObject({ kind: 'intact' });
});

test('two people who approve at the same moment are two approvals', async () => {
  const policy = { ...POLICY, destructive: ['etcd/doppler:restart'] };
  const offer = anOffer({ risk: 'destructive' });
  await remediations.saveOffers([offer]);
  await remediations.transition(offer.id, requestPlan('U0ADA', policy));
  await remediations.transition(offer.id, recordPlan(PLAN, OBSERVATION, policy));
  const others = openRemediationStore(redis.connect(), prefix);
  const hash = hashOf(offer);

  await Promise.all([
    remediations.transition(offer.id, approve('U0GRACE', hash, policy)),
    others.transition(offer.id, approve('U0KATE', hash, policy)),
  ]);

  const now = (await remediations.read(offer.id))?.record;
  expect(now?.state).toBe('approved');
  expect(now?.approvals.map(({ by }) => by).toSorted()).toEqual(['U0GRACE', 'U0KATE']);
});

test('a report that is delivered twice is offered once, and does not reset a request', async () => {
  const offer = anOffer();
  await remediations.saveOffers([offer]);
  await remediations.transition(offer.id, requestPlan('U0ADA', POLICY));
  await remediations.saveOffers([offer]);

  await expect(remediations.listByRun('r1')).resolves.toMatchObject([{ id: offer.id, state: 'planning' }]);
});

test('a transition is decided by the clock of Redis, and returns the record with its new revision', async () => {
  const plan = await aPlan();
  const before = await remediations.read(plan.id);
  const [seconds] = await connection.time();

  const result = await remediations.transition(plan.id, (record, nowMs) => ({
    next: { ...record, shownAt: new Date(nowMs).toISOString() },
  }));

  const after = await remediations.read(plan.id);
  expect(result).toEqual({ kind: 'changed', ...after });
  expect(after?.revision).toBe((before?.revision ?? 0) + 1);
  expect(Date.parse(after?.record.shownAt ?? '')).toBeGreaterThanOrEqual(Number(seconds) * 1_000);
});

test('a refused transition returns what is stored', async () => {
  const { id } = await aPlan();

  await expect(remediations.transition(id, () => 'no')).resolves.toEqual({
    kind: 'refused',
    because: 'no',
    current: await remediations.read(id),
  });
});

test('a transition of an unknown remediation is refused with a reason', async () => {
  await expect(remediations.transition('m0000000000000000', endOverdue(POLICY))).resolves.toEqual({
    kind: 'refused',
    because: 'this fix is unknown or too old; run the check again',
  });
});

test('an approval that has expired by the clock of Redis is refused, regardless of the clock of the worker', async () => {
  const approved = await anApproval();
  const { id } = approved;
  await remediations.transition(id, (now) => ({
    next: { ...now, until: new Date(1_000).toISOString() },
    lockTargetsForMs: 1_000,
  }));

  await expect(start(approved)).resolves.toMatchObject({ kind: 'refused', because: 'it has expired' });
  await expect(stateOf(approved)).resolves.toBe('approved');
  await expect(kinds()).resolves.not.toContain('applying');
});

test('while frozen nothing can be requested, approved or started', async () => {
  const approved = await anApproval();
  const freeze = openFreeze(connection, prefix, chain);
  const by = { by: 'terminal', at: OBSERVATION.at, because: '' };
  await freeze.freeze(by);
  const because = 'all fixes are frozen; to resume, run `/wrench unfreeze`';

  await expect(start(approved)).resolves.toMatchObject({ kind: 'refused', because });
  const offer = anOffer(another(9));
  await remediations.saveOffers([offer]);
  const asking = () => remediations.transition(offer.id, requestPlan('U0ADA', POLICY));
  await expect(asking()).resolves.toMatchObject({ kind: 'refused', because });
  await freeze.unfreeze(by);
  await expect(asking()).resolves.toMatchObject({ kind: 'changed' });
  await expect(start(approved)).resolves.toMatchObject({ kind: 'changed' });
});

test('a target is locked by one remediation at a time, and unlocked at its end', async () => {
  const first = await aPlan();
  const second = anOffer(another(1));
  await remediations.saveOffers([second]);
  await remediations.transition(second.id, requestPlan('U0ADA', POLICY));
  const planning = () => remediations.transition(second.id, recordPlan(PLAN, OBSERVATION, POLICY));

  await expect(planning()).resolves.toMatchObject({
    kind: 'refused',
    because: `another fix for the same target is in progress (${first.id})`,
  });
  await remediations.transition(first.id, reject('U0GRACE', first.planHash ?? ''));
  await expect(planning()).resolves.toMatchObject({ kind: 'changed' });
});

test('one locked target is enough to refuse, and the other targets stay unlocked', async () => {
  const first = await aPlan({}, ['b']);
  const second = anOffer(another(1));
  await remediations.saveOffers([second]);
  await remediations.transition(second.id, requestPlan('U0ADA', POLICY));
  await remediations.transition(
    second.id,
    recordPlan({ ...PLAN, targets: ['a', 'b', 'c'] }, OBSERVATION, POLICY),
  );

  expect(first.state).toBe('planned');
  await expect(stateOf(second)).resolves.toBe('planning');
  await expect(aPlan(another(2), ['a', 'c'])).resolves.toMatchObject({ state: 'planned' });
});

test.each([
  ['the same target', ['prod', 'doppler/0'], ['staging', 'doppler/0']],
  ['a pair that joins to the same text', ['prod', 'a b'], ['prod a', 'b']],
  ['a pair that joins to the same text around a quote', ['prod","a', 'b'], ['prod', 'a","b']],
] as const)(
  '%s in another environment has another lock, from the plan to the end',
  async (_, [environment, target], [elsewhere, alike]) => {
    const here = { runId: 'r1', environment };
    const there = { runId: 'r2', environment: elsewhere };
    const planInBoth = [await anApproval(here, [target]), await anApproval(there, [alike])];
    for (const approved of planInBoth)
      await expect(start(approved)).resolves.toMatchObject({ kind: 'changed' });

    const [first] = planInBoth;
    const running = (await remediations.read(first?.id ?? ''))?.record;
    if (!running) throw new Error('the remediation is lost');
    await expect(remediations.renewLease(running, LEASE_MS)).resolves.toBe(true);
    await remediations.transition(running.id, failExecution(running.token ?? 0, 'it timed out', OBSERVATION));
    await expect(stateOf(running)).resolves.toBe('failed');

    // The end of one leaves the other's lock in place, and its own target free.
    await expect(aPlan({ ...there, runId: 'r3' }, [alike])).resolves.toMatchObject({ state: 'planning' });
    await expect(aPlan({ ...here, runId: 'r4' }, [target])).resolves.toMatchObject({ state: 'planned' });
  },
);

test('the caps limit how many fixes per report, and in one environment within an hour, are applied', async () => {
  const policy = { ...POLICY, perRun: 2, perHour: 3 };
  const ofRun = (runId: string, number: number, environment = 'prod') =>
    anApproval({ ...another(number), runId, environment }, [`${environment} ${runId} ${number}`]);
  const begun = async (approved: Promise<RemediationRecord>) => {
    const result = await start(await approved, policy);
    return result.kind === 'changed' ? 'begun' : result.because;
  };

  await expect(begun(ofRun('r1', 1))).resolves.toBe('begun');
  await expect(begun(ofRun('r1', 2))).resolves.toBe('begun');
  await expect(begun(ofRun('r1', 3))).resolves.toBe('`remediations.perRun` allows 2 fixes per report');
  await expect(begun(ofRun('r2', 4))).resolves.toBe('begun');
  await expect(begun(ofRun('r3', 5))).resolves.toBe(
    '`remediations.perHour` allows 3 fixes per hour in this environment',
  );
  await expect(begun(ofRun('r4', 6, 'staging'))).resolves.toBe('begun');
});

test('each line of a plan for many targets counts against the caps', async () => {
  const policy = { ...POLICY, perRun: 5, perHour: 6 };
  const many = (number: number, lines: number, runId: string) => {
    const targets = Array.from({ length: lines }, (_, at) => `${number}-${at}`);
    const parts = targets.map((target) => ({ target, line: target, precondition: { version: '1' } }));
    return anApproval({ ...another(number), runId }, targets, { parts });
  };
  const begin = async (approved: RemediationRecord, rules = policy) => {
    const result = await start(approved, rules);
    return result.kind === 'changed' ? 'begun' : result.because;
  };

  await expect(begin(await many(1, 3, 'r1'))).resolves.toBe('begun');
  await expect(begin(await many(2, 3, 'r1'))).resolves.toBe(
    '`remediations.perRun` allows 5 fixes per report',
  );
  await expect(begin(await many(3, 2, 'r1'))).resolves.toBe('begun');
  await expect(begin(await many(4, 2, 'r2'))).resolves.toBe(
    '`remediations.perHour` allows 6 fixes per hour in this environment',
  );
  // A separate cap is counted separately from all others.
  const own = { ...policy, lines: { 'etcd/doppler:restart': 4 } };
  await expect(begin(await many(5, 3, 'r1'), own)).resolves.toBe('begun');
  await expect(begin(await many(6, 2, 'r3'), own)).resolves.toBe(
    '`remediations.lines` allows 4 lines of `etcd/doppler:restart` per hour in this environment',
  );
  await expect(begin(await many(7, 1, 'r3'))).resolves.toBe('begun');
});

test('of many executions that start at once only as many start as the caps allow', async () => {
  const approved: RemediationRecord[] = [];
  for (let number = 0; number < 12; number++)
    approved.push(await anApproval(another(number), [`t${number}`]));
  const processes = Array.from({ length: 4 }, () => openRemediationStore(redis.connect(), prefix));

  const results = await Promise.all(
    approved.map((one, number) => start(one, { ...POLICY, perHour: 5 }, processes[number % 4])),
  );

  expect(results.filter(({ kind }) => kind === 'changed')).toHaveLength(5);
  expect((await kinds()).filter((kind) => kind === 'applying')).toHaveLength(5);
});

test('a lease that is renewed does not time out; one that expired does, and its worker cannot continue', async () => {
  const record = await begin(await anApproval());
  const { id, token = 0 } = record;
  await connection.zadd(`${prefix}:remediations:due`, 1, id);
  await expect(remediations.listOverdue()).resolves.toEqual([id]);

  await expect(remediations.renewLease(record, LEASE_MS)).resolves.toBe(true);
  await expect(remediations.listOverdue()).resolves.toEqual([]);
  await expect(remediations.transition(id, endOverdue(POLICY))).resolves.toMatchObject({
    because: 'its deadline was extended',
  });

  await connection.zadd(`${prefix}:remediations:due`, 1, id);
  await expect(remediations.transition(id, endOverdue(POLICY))).resolves.toMatchObject({
    record: { state: 'interrupted' },
  });
  await expect(remediations.renewLease(record, LEASE_MS)).resolves.toBe(false);
  await expect(remediations.transition(id, recordStep(token, 'x', LEASE_MS))).resolves.toMatchObject({
    because: 'this worker has lost its lease; it was interrupted',
  });
  await expect(aPlan(another(1))).resolves.toMatchObject({ state: 'planned' });
});

test('a lease is renewed for any text in the record, including half of a surrogate pair', async () => {
  const lines = ['Restart doppler \ud800, "token":1'];
  const record = await begin(await anApproval({}, PLAN.targets, { lines }));

  await expect(remediations.renewLease(record, LEASE_MS)).resolves.toBe(true);
});

test('only the newest fencing token renews a lease', async () => {
  const record = await begin(await anApproval());

  await expect(
    remediations.renewLease({ ...record, token: (record.token ?? 0) - 1 }, LEASE_MS),
  ).resolves.toBe(false);
});

test('a sweep and a renewal at the same time agree on which was first', async () => {
  for (let number = 0; number < 20; number++) {
    const record = await begin(await anApproval(another(number), [`t${number}`]));
    await connection.zadd(`${prefix}:remediations:due`, 1, record.id);
    const others = openRemediationStore(redis.connect(), prefix);

    const [kept, swept] = await Promise.all([
      remediations.renewLease(record, LEASE_MS),
      others.transition(record.id, endOverdue(POLICY)),
    ]);

    expect(kept).toBe(swept.kind === 'refused');
  }
});

test('a change whose reply was lost is recognized, and audited once', async () => {
  const approved = await anApproval();
  const twice = openRemediationStore(runScriptsTwice(redis.connect()), prefix);

  const before = await remediations.read(approved.id);

  await expect(start(approved, POLICY, twice)).resolves.toMatchObject({
    kind: 'changed',
    revision: (before?.revision ?? 0) + 1,
  });
  expect((await kinds()).filter((kind) => kind === 'applying')).toHaveLength(1);
});

test('a card is pending until it shows the change, and again after a newer one', async () => {
  const { id, planHash = '' } = await aPlan();
  const before = await remediations.read(id);
  await remediations.transition(id, reject('U0GRACE', planHash));

  await remediations.markCardShown(id, before?.revision ?? 0);
  await expect(remediations.listCardPending(-1)).resolves.toEqual([id]);
  await remediations.markCardShown(id, (before?.revision ?? 0) + 1);
  await expect(remediations.listCardPending(-1)).resolves.toEqual([]);
});

test('each transition from offer to outcome has one audit entry, in a chain that verifies', async () => {
  const approved = await anApproval();
  const { id, token = 0 } = await begin(approved);
  await remediations.transition(id, recordStep(token, 'restarted', LEASE_MS));
  await remediations.transition(id, finishExecution(token, LEASE_MS));
  await remediations.transition(id, recordVerification(token, OBSERVED_GONE, undefined));

  await expect(stateOf(approved)).resolves.toBe('fixed');
  await expect(kinds()).resolves.toEqual(['asked', 'planned', 'approved', 'applying', 'applied', 'outcome']);
  await expect(remediations.listOverdue()).resolves.toEqual([]);
  const { head, entries } = await readWhole(chain);
  await expect(verifyAudit(entries, head)).resolves.toMatchObject({ kind: 'intact', entries: 6 });
  await expect(remediations.transition(id, skipRemediation('late'))).resolves.toMatchObject({
    because: "it's already fixed",
  });
});
