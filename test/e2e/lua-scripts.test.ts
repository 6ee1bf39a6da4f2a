import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Cluster, type Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fingerprint, type Report } from '../../src/check/finding.ts';
import { findingIdOf } from '../../src/check/finding-id.ts';
import type { TrackedFinding } from '../../src/check/tracked-finding.ts';
import { openAudiences } from '../../src/queue/audiences.ts';
import { connectBlocking, type RedisConnection } from '../../src/queue/connection.ts';
import { readLua, sha1Of } from '../../src/queue/load-lua.ts';
import { openPastRuns } from '../../src/queue/past-runs.ts';
import { runIdOf } from '../../src/queue/queues.ts';
import { openRate } from '../../src/store/access/rate.ts';
import { openAuditLog } from '../../src/store/audit/audit-log.ts';
import { openAuditCopyStates } from '../../src/store/audit/copy-states.ts';
import { readWhole } from '../../src/store/audit/read.ts';
import { openRefusals } from '../../src/store/audit/refusals.ts';
import { verifyAudit } from '../../src/store/audit/verify.ts';
import { claim } from '../../src/store/claim.ts';
import { openDigests } from '../../src/store/digests/open-digests.ts';
import { claimRequestedRun } from '../../src/store/digests/schedule.ts';
import { openClaims } from '../../src/store/claims/claims.ts';
import { openFindingHistory } from '../../src/store/history/finding-history.ts';
import { openHistory } from '../../src/store/history/history.ts';
import { openFreeze } from '../../src/store/remediation/freeze.ts';
import { openRemediationStore } from '../../src/store/remediation/remediation-store.ts';
import { approve, recordPlan, requestPlan } from '../../src/store/remediation/transitions/approval.ts';
import { startExecution } from '../../src/store/remediation/transitions/execution.ts';
import { openSilences } from '../../src/store/silences/open-silences.ts';
import { openChannelOrder } from '../../src/store/thread/channel-order.ts';
import { openThreads } from '../../src/store/thread/threads.ts';
import { startRedis } from '../world/redis.ts';
import { startCluster, type Topology } from '../world/redis-topologies.ts';
import { anOffer, hashOf, OBSERVATION, PLAN, POLICY } from '../world/remediation.ts';

const AT = '2026-11-21T03:00:00.000Z';

/**
 * Calls of every script through the function that runs it. `prefix` is unused so far and may be in any
 * slot.
 */
const SCENARIOS: Readonly<Record<string, (redis: RedisConnection, prefix: string) => Promise<void>>> = {
  'channels join a run until it is closed': async (redis, prefix) => {
    const audiences = openAudiences(redis, prefix);
    const audience = (runId: string) => ({
      runId,
      asked: { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab', at: AT },
    });

    expect(await audiences.join('r1', audience('r2'))).toEqual(audience('r2'));
    expect(await audiences.join('r1', audience('r3'))).toEqual(audience('r2'));
    expect(await audiences.close('r1')).toEqual([audience('r2')]);
    expect(await audiences.join('r1', audience('r3'))).toBeUndefined();
  },

  'a past run is remembered': async (redis, prefix) => {
    const past = openPastRuns(redis, prefix);
    const runId = runIdOf('one');

    expect(await past.read(runId)).toBeUndefined();
    await past.record(runId, 'queued');
    expect(await past.read(runId)).toBe('queued');
    await past.record(runId, 'answered');
    await past.record(runId, 'queued');
    expect(await past.read(runId)).toBe('answered');
  },

  'a key has one owner': async (redis, prefix) => {
    const claimBy = (owner: string) => claim(redis, `${prefix}:claimed`, owner, 60_000);

    expect(await claimBy('a')).toBe(true);
    expect(await claimBy('b')).toBe(false);
    expect(await claimBy('a')).toBe(true);
  },

  'deliveries of a person are counted': async (redis, prefix) => {
    const { count } = openRate(redis, prefix, 1);
    const numbers = [];
    for (const id of ['a', 'b', 'a', 'c']) numbers.push(await count('U1', id));

    expect(numbers).toEqual([1, 2, 1, 3]);
  },

  'entries of two processes are one audit chain': async (redis, prefix) => {
    const [chain, other] = [openAuditLog(redis, prefix), openAuditLog(redis, prefix)];
    for (const [at, by] of [chain, other, chain].entries())
      await by.append({ kind: 'refused', at: AT, who: ['U1'], what: `click ${at}` });

    const { head, entries } = await readWhole(chain);
    expect(await verifyAudit(entries, head)).toMatchObject({ kind: 'intact', entries: 3 });
  },

  'refusals are audited, counted and summed up': async (redis, prefix) => {
    const chain = openAuditLog(redis, prefix);
    const limits = { windowMs: 3_600_000, audited: 1, answered: 2 };
    const { auditRefusal, sweep } = openRefusals(redis, prefix, chain, limits);
    const refuse = (who: string) => auditRefusal({ kind: 'refused', at: AT, who: [who], what: 'a click' });
    const answers = [await refuse('U1'), await refuse('U1'), await refuse('U1'), await refuse('U2')];
    for (const who of ['U1', 'U2']) await redis.zadd(`${prefix}:refusals:ends`, 'XX', 1, who);

    await sweep();

    expect(answers).toEqual(['yes', 'last', 'no', 'yes']);
    const entries = (await chain.page()).map(({ raw }) => JSON.parse(raw) as object);
    expect(entries).toMatchObject([
      { entry: { who: ['U1'] } },
      { entry: { who: ['U2'] } },
      { entry: { who: ['U1'], count: 2 } },
    ]);
    expect(await redis.exists(`${prefix}:refusals`, `${prefix}:refusals:ends`)).toBe(0);
  },

  'a copy that stopped leaves one notice': async (redis, prefix) => {
    const states = openAuditCopyStates(redis, prefix);
    const state = { bot: 'b', seq: 1, behind: 0, at: new Date().toISOString() };
    const stopped = { because: 'the disk is full', since: AT };
    const posted: object[] = [];
    const post = async (notice: object) => void posted.push(notice);

    await states.save(state, true);
    await states.save({ ...state, stopped }, true);
    await states.save({ ...state, stopped }, true);
    await states.postNotices(post);
    await states.postNotices(post);

    expect(await states.list()).toEqual([{ ...state, stopped }]);
    expect(posted).toEqual([{ bot: 'b', ...stopped }]);
  },

  'a check remembers samples': async (redis, prefix) => {
    const history = openHistory(redis, prefix)('lab/disk', 'prod');
    const limits = { keep: 2, forMs: 3_600_000, everyMs: 0 };
    for (const minutes of [3, 2, 1])
      await history.save(
        [{ target: 'a', sample: { minutes } }],
        new Date(Date.now() - minutes * 60_000),
        limits,
      );

    expect((await history.load()).map(({ minutes }) => minutes)).toEqual([3, 1]);
  },

  'a run of a digest is claimed and saved': async (redis, prefix) => {
    const digests = openDigests(redis, prefix);
    const asked = { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/wrench digest run nightly', at: AT };
    const definition = {
      name: 'nightly',
      cron: '30 7 * * *',
      timeZone: 'UTC',
      channel: 'C1',
      isQuiet: false,
      questions: [],
    };
    const claimBy = (runId: string) =>
      digests.change('nightly', (state) =>
        claimRequestedRun(
          state,
          definition,
          { runId, asked },
          { nowMs: Date.parse(AT), tickedMs: undefined },
        ),
      );
    const part = { check: 'lab/disk', environment: 'prod', args: {}, failure: 'lost', tracked: [] };
    const run = {
      name: 'nightly',
      at: AT,
      durationMs: 1,
      isQuiet: false,
      parts: [part],
      endedSilences: [],
    };

    const [one] = await Promise.all(['r1', 'r2'].map(claimBy));
    const runId = one?.after?.run?.runId ?? '';
    expect(await digests.saveRun('nightly', runId, run)).toBe(true);
    expect(await digests.lastRun('nightly')).toEqual(run);
    expect(await digests.beginPosting('nightly', runId)).toBe('go');
    await digests.recordPosted('nightly', runId, { at: AT, questions: [] });
    expect(await digests.beginPosting('nightly', runId)).toBe('posted');
  },

  'what a check finds is recorded over its runs': async (redis, prefix) => {
    const history = openFindingHistory(redis, prefix, 3_600_000);
    const question = { check: 'lab/disk', environment: 'prod', questionId: 'q1' };
    const finding = { reason: 'full', target: 'a', severity: 'warning', summary: 'a is full' } as const;
    const report: Report = {
      check: 'lab/disk',
      environment: 'prod',
      args: {},
      status: 'found',
      verdict: '1 disk is full',
      examined: 1,
      findings: [finding],
      gaps: [],
      coverage: [],
      at: AT,
      durationMs: 60_000,
    };

    await history.record(question, report);
    expect(await history.list()).toMatchObject([{ finding: { ...finding, state: 'found' } }]);
    await history.record(question, { ...report, findings: [], durationMs: 0 });
    expect(await history.find(findingIdOf(fingerprint(question, finding)))).toMatchObject({
      finding: { ...finding, state: 'gone' },
    });
  },

  'a remediation is approved, frozen, started and kept by its holder': async (redis, prefix) => {
    const chain = openAuditLog(redis, prefix);
    const freeze = openFreeze(redis, prefix, chain);
    const remediations = openRemediationStore(redis, prefix, chain);
    const { id } = anOffer();
    const approved = { ...PLAN, targets: ['bosh:cf/doppler_z1/0', 'bosh:cf/doppler_z2/0'] };
    const start = () => remediations.transition(id, startExecution(7, OBSERVATION, POLICY, 30_000));

    await remediations.saveOffers([anOffer(), anOffer()]);
    expect(await remediations.listByRun('r1')).toEqual([anOffer()]);
    await remediations.transition(id, requestPlan('U0ADA', POLICY));
    await remediations.transition(id, recordPlan(approved, OBSERVATION, POLICY));
    await remediations.transition(id, approve('U0GRACE', hashOf(anOffer(), approved), POLICY));

    const said = { by: 'U0ADA', at: AT, because: '' };
    expect(await freeze.freeze(said)).toBe(true);
    expect(await freeze.freeze(said)).toBe(false);
    expect(await start()).toMatchObject({ kind: 'refused', because: /frozen/ });
    expect(await freeze.unfreeze(said)).toBe(true);
    expect(await freeze.unfreeze(said)).toBe(false);

    const begun = await start();
    if (begun.kind !== 'changed') throw new Error(begun.because);
    expect(await remediations.renewLease(begun.record, 30_000)).toBe(true);
    expect(await remediations.renewLease({ ...begun.record, token: 6 }, 30_000)).toBe(false);

    expect(await remediations.listCardPending(-60_000)).toEqual([id]);
    await remediations.markCardShown(id, (await remediations.read(id))?.revision ?? 0);
    expect(await remediations.listCardPending(-60_000)).toEqual([]);
    const { head, entries } = await readWhole(chain);
    expect(await verifyAudit(entries, head)).toMatchObject({ kind: 'intact', entries: 6 });
  },

  'a silence begins, follows its findings and ends with them': async (redis, prefix) => {
    const silences = openSilences(redis, prefix);
    const question = { check: 'lab/disk', environment: 'prod', questionId: 'q1' };
    const disk = (target: string): TrackedFinding => ({
      reason: 'full',
      target,
      state: 'found',
      severity: 'warning',
      summary: 'It is full',
      since: AT,
      lastFound: AT,
    });
    const gone = (target: string): TrackedFinding => ({
      ...disk(target),
      state: 'gone',
      goneAt: new Date().toISOString(),
    });
    const scope = { kind: 'pattern', reason: 'full', targetPattern: 'disk-*' } as const;
    const until = new Date(Date.now() + 3_600_000).toISOString();

    const silence = await silences.add(scope, { by: 'U0ADA', because: 'known', until }, [
      { ...question, finding: disk('disk-a') },
    ]);
    expect(silence).toMatchObject({ by: 'U0ADA', until });
    expect(await silences.apply(question, [disk('disk-b')])).toMatchObject([{ silence: { until } }]);
    await silences.apply(question, [gone('disk-a'), gone('disk-b')]);

    expect(await silences.list()).toEqual([]);
    expect(await silences.endedSince(0, [question])).toMatchObject([{ because: 'gone' }]);
  },

  'a person has a finding until it is gone': async (redis, prefix) => {
    const claims = openClaims(redis, prefix);
    const question = { check: 'lab/disk', environment: 'prod', questionId: 'q1' };
    const taken = { by: 'U0ADA', at: AT };
    const gone: TrackedFinding = {
      reason: 'full',
      target: 'a',
      state: 'gone',
      severity: 'warning',
      summary: 'It is full',
      since: AT,
      lastFound: AT,
      goneAt: '2100-01-01T00:00:00.000Z',
      replacedBy: { reason: 'down', target: 'a' },
    };

    expect(await claims.take(fingerprint(question, gone), taken)).toBeUndefined();
    await claims.apply(question, [gone]);

    expect(await claims.read(fingerprint(question, gone))).toBeUndefined();
    expect(await claims.read(fingerprint(question, { reason: 'down', target: 'a' }))).toEqual(taken);
  },

  'the lease holder posts to a thread': async (redis, prefix) => {
    const threads = openThreads(redis, prefix);
    const lease = await threads.acquireLease('r1');

    expect(await threads.acquireLease('r1')).toBeUndefined();
    expect(await lease?.isHeld()).toBe(true);
    expect(await lease?.beginPost('root')).toBe(true);
    await lease?.recordPosted('root', { channelId: 'C1', ts: '1.2' }, 'hash');
    expect(await lease?.beginPost('root')).toBe(false);
    expect(await lease?.beginPost('evidence')).toBe(true);
    await lease?.recordRefused('evidence');
    await lease?.release();

    const thread = await threads.read('r1');
    expect(thread.root).toEqual({ channelId: 'C1', ts: '1.2' });
    expect(thread.shows('1.2', 'hash')).toBe(true);
    expect(thread.part('evidence')).toBe('unposted');
    expect(await threads.saveNewest('r1', 'status', 'second', 2_000)).toBe('second');
    expect(await threads.saveNewest('r1', 'status', 'first', 1_000)).toBe('second');
    expect((await threads.read('r1')).savedText('status')).toBe('second');
    const next = await threads.acquireLease('r1');
    expect(next?.fence).toBe((lease?.fence ?? 0) + 1);
    await next?.release();
  },

  'calls to Slack take turns': async (redis, prefix) => {
    const line = openChannelOrder(redis, prefix);
    const lane = { method: 'chat.postMessage', channelId: 'C1' } as const;

    await line.reserve(lane, 'first');
    expect(await line.requestTurn(lane, 'second')).toBeGreaterThan(0);
    expect(await line.requestTurn(lane, 'first')).toBe(0);
    await line.leave(lane, 'first');
    expect(await line.requestTurn(lane, 'second')).toBe(0);
  },
};

const SCRIPTS = globSync('src/**/lua/*.lua', { cwd: fileURLToPath(new URL('../../', import.meta.url)) });

describe.each<[string, () => Promise<Topology>]>([
  ['one Redis', startOne],
  ['a Redis Cluster', startCluster],
])('on %s', (_, start) => {
  let topology: Topology;
  let redis: RedisConnection;
  beforeAll(async () => {
    topology = await start();
    redis = connectBlocking(topology.settings, () => undefined);
  });
  afterAll(async () => {
    redis.disconnect();
    await topology.close();
  });

  const nodes = (): readonly Redis[] => (redis instanceof Cluster ? redis.nodes('master') : [redis]);
  /** With two prefixes, which a Cluster may store on two nodes. */
  const play = async (scenario: (typeof SCENARIOS)[string] = async () => undefined) => {
    for (let times = 0; times < 2; times++) await scenario(redis, `{${crypto.randomUUID()}}`);
  };

  test.each(Object.keys(SCENARIOS))('%s', async (name) => {
    await expect(play(SCENARIOS[name])).resolves.toBeUndefined();
  });

  test('every script still works after SCRIPT FLUSH, and every script was run', async () => {
    await Promise.all(nodes().map((node) => node.script('FLUSH')));
    expect(await scriptsNotOn(nodes())).toEqual(SCRIPTS);

    for (const scenario of Object.values(SCENARIOS)) await play(scenario);

    expect(await scriptsNotOn(nodes())).toEqual([]);
  });
});

async function startOne(): Promise<Topology> {
  const { url, close } = await startRedis();
  return { settings: { url }, close };
}

/** Scripts that no node has run since it started or was flushed. */
async function scriptsNotOn(nodes: readonly Redis[]): Promise<readonly string[]> {
  const sha1s = SCRIPTS.map((path) => sha1Of(readLua(new URL(`../../${path}`, import.meta.url))));
  const known = (await Promise.all(
    nodes.map((node) => node.script('EXISTS', ...sha1s)),
  )) as readonly number[][];
  return SCRIPTS.filter((__, at) => known.every((of) => of[at] !== 1));
}
