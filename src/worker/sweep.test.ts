import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dropQueued } from '../../test/world/queued-jobs.ts';
import { type RemediationStage, setRemediationStage } from '../../test/world/remediation-worker.ts';
import { OBSERVATION, POLICY } from '../../test/world/remediation.ts';
import { useRedis } from '../../test/world/use-redis.ts';
import { OUTBOX, PREFIX, REMEDIATIONS } from '../queue/queues.ts';
import type { RemediationRecord } from '../store/remediation/record.ts';
import { markPlanShown } from '../store/remediation/transitions/approval.ts';
import { finishExecution, startExecution } from '../store/remediation/transitions/execution.ts';
import { type RunningSweep, startSweep } from './sweep.ts';

const LEASE_MS = 60_000;

const server = useRedis();
let redis: Redis;
let stage: RemediationStage;
let sweep: RunningSweep;
beforeEach(async () => {
  redis = server.connect();
  stage = await setRemediationStage(redis);
});
afterEach(async () => {
  await sweep.close();
  await stage.close();
});

const start = (deps = stage.deps) => {
  sweep = startSweep(deps, 10);
};
const stateOf = async () => (await stage.read()).state;
const makeOverdue = () => redis.zadd(`${PREFIX}:remediations:due`, 1, stage.id);
/** As if it changed a while ago, and its jobs were lost on the way to their queues. */
const loseJobs = async () => {
  await dropQueued(redis, REMEDIATIONS);
  await dropQueued(redis, OUTBOX);
  await redis.zadd(`${PREFIX}:remediations:untold`, 1, stage.id);
};

const begin = async () => {
  await stage.approve();
  await stage.change(startExecution(7, OBSERVATION, stage.deps.policy, LEASE_MS));
};
const STATES: readonly (readonly [
  RemediationRecord['state'],
  () => Promise<unknown>,
  RemediationRecord['state'],
])[] = [
  ['planning', () => stage.request(), 'expired'],
  ['planned', () => stage.plan().then(() => stage.change(markPlanShown(stage.deps.policy))), 'expired'],
  ['approved', () => stage.approve(), 'expired'],
  ['applying', begin, 'interrupted'],
  ['settling', () => begin().then(() => stage.change(finishExecution(7, LEASE_MS))), 'unverified'],
];

test.each(STATES)('%s that is overdue ends, and its card is queued', async (state, bring, end) => {
  await bring();
  expect(await stateOf()).toBe(state);
  await makeOverdue();

  start();

  await expect.poll(stateOf).toBe(end);
  const { revision } = (await stage.remediations.read(stage.id)) ?? {};
  await expect
    .poll(() => stage.queued())
    .toMatchObject({
      cards: expect.arrayContaining([`card-${stage.id}-${revision}`]),
    });
  expect(await stage.read()).toMatchObject({ because: expect.any(String), endedAt: expect.any(String) });
});

test('a plan that is not posted yet gets more time', async () => {
  await stage.plan();
  await makeOverdue();

  start();

  const due = async () => Number(await redis.zscore(`${PREFIX}:remediations:due`, stage.id));
  await expect.poll(due).toBeGreaterThan(Date.now());
  expect(await stateOf()).toBe('planned');
});

test('the job `plan` and the card of a requested plan are queued again if they were lost', async () => {
  await stage.request();
  await loseJobs();

  start();

  const { revision } = (await stage.remediations.read(stage.id)) ?? {};
  await expect
    .poll(() => stage.queued())
    .toEqual({ jobs: [`plan-${stage.id}`], cards: [`card-${stage.id}-${revision}`] });
});

test('the job `apply` of an approved plan is queued again if it was lost', async () => {
  await stage.approve();
  await loseJobs();

  start();

  await expect.poll(() => stage.queued()).toMatchObject({ jobs: [`apply-${stage.id}`] });
});

test('a card that is shown is not queued again', async () => {
  await stage.plan();
  const { revision = 0 } = (await stage.remediations.read(stage.id)) ?? {};
  await stage.remediations.markCardShown(stage.id, revision);
  const announced: number[] = [];
  let sweeps = 0;
  const remediations = {
    ...stage.remediations,
    listCardPending: async (afterMs: number) => {
      sweeps += 1;
      return stage.remediations.listCardPending(afterMs);
    },
  };

  start({ ...stage.deps, remediations, announce: async (_, at) => void announced.push(at) });

  await expect.poll(() => sweeps).toBeGreaterThan(2);
  expect(announced).toEqual([]);
});

const reminders = async () => (await stage.queued()).cards.filter((id) => id.startsWith('reminder-'));
const dueIn = (ms: number) => redis.zadd(`${PREFIX}:remediations:due`, Date.now() + ms, stage.id);
const LEAD_MS = 5 * 60_000;

test('a plan that is posted and expires soon is reminded of once, also by two workers', async () => {
  await stage.plan();
  await stage.change(markPlanShown(stage.deps.policy));
  await dueIn(LEAD_MS - 1_000);
  let queued = 0;
  const remind = async (record: RemediationRecord) => {
    await stage.deps.remind(record);
    queued += 1;
  };
  const second = startSweep({ ...stage.deps, remind }, 10);
  let sweeps = 0;
  const remediations = {
    ...stage.remediations,
    listCardPending: async (afterMs: number) => {
      sweeps += 1;
      return stage.remediations.listCardPending(afterMs);
    },
  };

  start({ ...stage.deps, remind, remediations });

  await expect.poll(() => queued).toBe(2);
  const before = sweeps;
  await expect.poll(() => sweeps).toBeGreaterThan(before + 3);
  await second.close();
  expect(queued).toBe(2);
  expect(await reminders()).toEqual([`reminder-${stage.id}`]);
});

test.each<[string, number, () => Promise<unknown>, Partial<typeof POLICY>]>([
  ['that still has more time', LEAD_MS + 60_000, () => stage.change(markPlanShown(POLICY)), {}],
  ['that is not posted yet', LEAD_MS - 1_000, async () => undefined, {}],
  ['if no one is to be notified', 1_000, () => stage.change(markPlanShown(POLICY)), { notify: 'none' }],
  [
    'if reminders are off',
    1_000,
    () => stage.change(markPlanShown(POLICY)),
    { remind: { beforeMinutes: 0, alsoNotify: [] } },
  ],
])('no one is reminded of a plan %s', async (_, leftMs, prepare, changed) => {
  await stage.plan();
  await prepare();
  await dueIn(leftMs);
  let sweeps = 0;
  const remediations = {
    ...stage.remediations,
    listCardPending: async () => {
      sweeps += 1;
      return [];
    },
  };

  start({ ...stage.deps, remediations, policy: { ...POLICY, ...changed } });

  await expect.poll(() => sweeps).toBeGreaterThan(3);
  expect(await reminders()).toEqual([]);
});

test('an approved plan is not reminded of', async () => {
  await stage.approve();
  await dueIn(1_000_000);
  let sweeps = 0;
  const remediations = {
    ...stage.remediations,
    listDueWithin: async () => {
      sweeps += 1;
      return [stage.id];
    },
  };

  start({ ...stage.deps, remediations });

  await expect.poll(() => sweeps).toBeGreaterThan(3);
  expect(await reminders()).toEqual([]);
});

test('two sweeps at once end it once', async () => {
  await stage.request();
  const before = await stage.remediations.read(stage.id);
  await makeOverdue();
  const second = startSweep(stage.deps, 10);

  start();

  await expect.poll(stateOf).toBe('expired');
  await Promise.all([second.close(), sweep.close()]);
  const after = await stage.remediations.read(stage.id);
  expect(after?.revision).toBe((before?.revision ?? 0) + 1);
});

test('a sweep that failed is followed by the next', async () => {
  await stage.request();
  await makeOverdue();
  let failures = 0;
  const remediations = {
    ...stage.remediations,
    listOverdue: async () => {
      if (failures++ < 2) throw new Error('Connection is closed.');
      return stage.remediations.listOverdue();
    },
  };

  start({ ...stage.deps, remediations });

  await expect.poll(stateOf).toBe('expired');
});

test('closing waits for the running sweep, and starts no new one', async () => {
  const gate = Promise.withResolvers<void>();
  let [begun, ended] = [0, 0];
  const remediations = {
    ...stage.remediations,
    listCardPending: async () => {
      begun += 1;
      await gate.promise;
      ended += 1;
      return [];
    },
  };
  start({ ...stage.deps, remediations });
  await expect.poll(() => begun).toBe(1);

  const closed = sweep.close().then(() => ended);
  gate.resolve();

  expect(await closed).toBe(begun);
});

test('a remediation that cannot be read does not keep others from ending', async () => {
  await stage.plan();
  await stage.change(markPlanShown(stage.deps.policy));
  await makeOverdue();
  const unreadable = 'm0000000000000000';
  await redis.hset(`${PREFIX}:remediation:${unreadable}`, {
    rev: '1',
    state: 'planned',
    record: '{"of":"0.9"}',
  });
  await redis.zadd(`${PREFIX}:remediations:due`, 0, unreadable);

  start();

  await expect.poll(stateOf).toBe('expired');
});
