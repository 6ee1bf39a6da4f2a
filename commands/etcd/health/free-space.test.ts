import { expect, test } from 'vitest';
import { type ReadContext, SourceError, type ports } from '../../kit.ts';
import { freeSpace, freeSpaceWithin } from './free-space.ts';
import { MB, QUOTA, alarm, idOf, leader, member, neverStarted, silent, store } from './builders.ts';

const ASKED = { store: 'etcd' };
const FULL = {
  healthy: false,
  unhealthyBecause: 'ALARM NOSPACE',
  dbSizeBytes: QUOTA + MB,
  dbInUseBytes: 600 * MB,
};
const fullMembers = [leader('n1', FULL), member('n2', FULL), member('n3', FULL)];
const full = store(fullMembers, { alarms: [alarm('n1'), alarm('n3')], revision: '3847' });
const loose = { dbSizeBytes: 1_800 * MB, dbInUseBytes: 600 * MB };

function context(reported: ports.StoreMembers, name = 'etcd'): ReadContext<'keyValue'> {
  return reading({
    name,
    tree: () => Promise.reject(new Error('no key is read')),
    maintain: true,
    members: () => Promise.resolve(reported),
    diskCounters: () => Promise.resolve(new Map()),
  });
}

function reading(one: ports.KeyValueStore): ReadContext<'keyValue'> {
  return {
    read: { keyValue: [one] },
    now: new Date('2026-02-20'),
    signal: new AbortController().signal,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    leftMs: () => 60_000,
    note: () => undefined,
    saw: () => undefined,
  };
}

interface Behaviour {
  /** What defragmenting leaves of a file. */
  readonly leavesBytes?: number;
  /** The leader after the first member was defragmented. */
  readonly nextLeader?: string;
  /** Does not respond once after its defragmentation. */
  readonly isSlow?: boolean;
  /** The member that does not come back. */
  readonly staysAway?: string;
  readonly fails?: (step: string) => SourceError | undefined;
}

/** An etcd in memory that records each action. */
function etcdOf(from: ports.StoreMembers, behaves: Behaviour = {}) {
  const { leavesBytes = 600 * MB, nextLeader, isSlow, staysAway, fails } = behaves;
  let reported: ports.StoreMembers = from;
  let away: string | undefined;
  const steps: string[] = [];
  const memberName = (id = '') => reported.members.find((one) => one.id === id)?.name ?? id;
  const perform = (step: string) => {
    const error = fails?.(step);
    if (error) return Promise.reject(error);
    steps.push(step);
    return Promise.resolve();
  };
  const alter = (change: (one: ports.StoreMember) => Partial<ports.StoreMember>) => {
    reported = { ...reported, members: reported.members.map((one) => ({ ...one, ...change(one) })) };
  };
  const elect = (leader: string) => {
    alter(({ name }) => ({ isLeader: name === leader }));
    reported = {
      ...reported,
      endpoints: reported.endpoints.map((one) => ({ ...one, leaderId: idOf(leader) })),
    };
  };
  const write: ports.Writers['keyValue'] = (name) => ({
    compact: (revision) => perform(`compact ${name} ${revision}`),
    defragment: async (id) => {
      await perform(`defragment ${memberName(id)}`);
      alter((one) => (one.id === id ? { dbSizeBytes: leavesBytes } : {}));
      if (nextLeader !== undefined) elect(nextLeader);
      if (isSlow || memberName(id) === staysAway) away = memberName(id);
    },
    disarm: async ({ memberId, kind }) => {
      await perform(`disarm ${kind} ${memberName(memberId)}`);
      const left = reported.alarms.filter((one) => one.memberId !== memberId || one.kind !== kind);
      reported = { ...reported, alarms: left };
      if (left.length === 0) alter(() => ({ healthy: true }));
    },
  });
  const members = (): Promise<ports.StoreMembers> => {
    const gone = away;
    if (gone !== staysAway) away = undefined;
    const list = reported.members.map((one) => (one.name === gone ? silent(gone) : one));
    return Promise.resolve({ ...reported, members: list });
  };
  return {
    steps,
    write,
    members,
    set: (next: Partial<ports.StoreMembers>) => (reported = { ...reported, ...next }),
  };
}

async function apply(
  etcd: ReturnType<typeof etcdOf>,
  { remediation = freeSpace, reported = [] as string[], recordStep = (_line: string) => {} } = {},
): Promise<readonly string[]> {
  const read = reading({
    name: 'etcd',
    tree: () => Promise.reject(new Error('no')),
    members: etcd.members,
    maintain: true,
    diskCounters: () => Promise.resolve(new Map()),
  });
  const plan = { lines: [], targets: [], precondition: {} };
  const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: read.signal };
  const doing = {
    ...read,
    write: { keyValue: etcd.write },
    applyContext,
    recordStep: (line: string) => {
      reported.push(line);
      recordStep(line);
      return Promise.resolve();
    },
  };
  await remediation.apply(doing, ASKED, plan);
  return reported;
}

test('the plan lists every action in order, what stops, and what is irreversible', async () => {
  expect(await freeSpace.plan(context(full), ASKED)).toEqual({
    lines: [
      'Compact the history up to the revision at that moment',
      'Defragment n1, n2 and n3, one at a time, the leader last; each does not respond until it is done',
      'Disarm every NOSPACE alarm, if each database is then below its quota',
    ],
    targets: ['etcd:etcd', 'etcd:etcd/n1', 'etcd:etcd/n2', 'etcd:etcd/n3'],
    precondition: {
      alarms: 'NOSPACE',
      members: `n1 (${idOf('n1')}), n2 (${idOf('n2')}), n3 (${idOf('n3')})`,
    },
    impact: "1 of 3 members of etcd at a time doesn't respond while it is defragmented",
    irreversible: [expect.stringContaining('The history is deleted') as string],
    safety: ["All 3 members are healthy: the quorum of 2 stays while one doesn't respond"],
    afterwards: [expect.stringContaining('--auto-compaction-retention') as string],
  });
});

test('the plan is the same after writes, with another leader, another alarm and another order of responses', async () => {
  const moved = store(
    [member('n3', FULL), leader('n2', { ...FULL, dbSizeBytes: QUOTA + 2 * MB }), member('n1', FULL)],
    { alarms: [alarm('n2')], revision: '3911' },
  );
  expect(await freeSpace.plan(context(moved), ASKED)).toEqual(await freeSpace.plan(context(full), ASKED));
});

test('the plan differs after a member was replaced', async () => {
  const replaced = { ...full, members: [...fullMembers.slice(1), member('n4', FULL)] };
  expect(await freeSpace.plan(context(replaced), ASKED)).not.toEqual(
    await freeSpace.plan(context(full), ASKED),
  );
});

test('without an alarm, nothing is disarmed, and the plan says that a single member stops', async () => {
  const { lines, precondition, impact, safety } = await freeSpace.plan(
    context(store([leader('n1', loose)])),
    ASKED,
  );
  expect(lines).toEqual([
    'Compact the history up to the revision at that moment',
    'Defragment n1; it does not respond until that is done',
  ]);
  expect(precondition).toMatchObject({ alarms: 'none' });
  expect(impact).toBe("etcd has one member: it doesn't respond while it is defragmented");
  expect(safety).toBeUndefined();
});

test('the plan for two members says that the quorum is lost meanwhile', async () => {
  const two = store([leader('n1', loose), member('n2', loose)]);
  const { impact, safety } = await freeSpace.plan(context(two), ASKED);
  expect(impact).toBe(
    "1 of 2 members of etcd at a time doesn't respond while it is defragmented; etcd has no quorum in that time",
  );
  expect(safety).toBeUndefined();
});

const [n1, n2] = [leader('n1', loose), member('n2', loose)];
const { dbSizeBytes: _size, dbInUseBytes: _inUse, ...unmeasured } = leader('n1');
const ALARMS_LATE = {
  query: 'alarm list',
  error: new SourceError('etcd', 'unreachable', 'n2:2379 did not respond within 3 s'),
  isDenied: false,
} as const;
const twoClusters = store([n1, n2]);
const [first, second] = twoClusters.endpoints;
Object.assign(twoClusters, { endpoints: [first, { ...second, clusterId: 'bad' }] });
test.each<[string, ports.StoreMembers, string]>([
  ['has no quorum', { ...full, hasQuorum: false }, 'it has no quorum'],
  ['is corrupt', { ...full, alarms: [...full.alarms, alarm('n2', 'CORRUPT')] }, 'CORRUPT'],
  ['has a member that does not respond', store([n1, n2, silent('n3')]), 'n3 is not healthy'],
  ['has an unhealthy member', store([n1, member('n2', { healthy: false })]), 'n2 is not healthy'],
  ['has a member without a leader', store([n1, member('n2', { hasLeader: false })]), 'n2 is not healthy'],
  ['has a member that never started', store([n1, n2, neverStarted()]), 'was added but never started'],
  ['has a learner', store([n1, n2, member('n3', { isLearner: true })]), 'n3 is still a learner'],
  ['has nothing to reclaim', store([leader('n1', { dbInUseBytes: 1 })]), 'hardly any space to reclaim'],
  ['reports no sizes', store([unmeasured]), 'do not report their sizes'],
  [
    'has an alarm of another kind',
    store([n1, n2], { alarms: [alarm('n1', 'READONLY')] }),
    'READONLY is raised',
  ],
  ['is two clusters', twoClusters, 'its endpoints are separate clusters'],
  [
    'did not list all alarms',
    store([n1, member('n2', { unanswered: [ALARMS_LATE] })]),
    'n2 did not list its alarms',
  ],
])('an etcd that %s is refused, with the reason', async (_, reported, because) => {
  const planned = freeSpace.plan(context(reported), ASKED);
  await expect(planned).rejects.toThrow(because);
  await expect(planned).rejects.toMatchObject({ name: 'SourceError', kind: 'refused' });
  const etcd = etcdOf(reported);
  await expect(apply(etcd)).rejects.toThrow(because);
  expect(etcd.steps).toEqual([]);
});

test('a full etcd that reports no quota is refused: it is unknown whether space was freed', async () => {
  const members = fullMembers.map(withoutQuota);
  await expect(freeSpace.plan(context({ ...full, members }), ASKED)).rejects.toThrow(
    'do not report their size and quota',
  );
  const planned = freeSpace.plan(context({ ...full, members, quotaBytes: QUOTA }), ASKED);
  expect((await planned).lines).toHaveLength(3);
});

test('one that does not report its revision, and a source that was removed, are refused', async () => {
  const { revision: _, ...untold } = full;
  await expect(freeSpace.plan(context(untold), ASKED)).rejects.toThrow('does not report its revision');
  await expect(freeSpace.plan(context(full, 'other'), ASKED)).rejects.toThrow(
    'the source etcd is no longer configured',
  );
});

test('compacts first, then defragments one member after the other with the leader last, then disarms; records each step', async () => {
  const etcd = etcdOf(full, { isSlow: true });
  expect(await apply(etcd)).toEqual([
    'History of etcd compacted up to revision 3847',
    'n2 defragmented',
    'n3 defragmented',
    'n1 defragmented',
    'NOSPACE alarm of n1 disarmed',
    'NOSPACE alarm of n3 disarmed',
  ]);
  expect(etcd.steps).toEqual([
    'compact etcd 3847',
    'defragment n2',
    'defragment n3',
    'defragment n1',
    'disarm NOSPACE n1',
    'disarm NOSPACE n3',
  ]);
});

test('the leader is determined before each step: a new leader comes last', async () => {
  const etcd = etcdOf(full, { nextLeader: 'n3' });
  await apply(etcd);
  expect(etcd.steps.slice(1, 4)).toEqual(['defragment n2', 'defragment n1', 'defragment n3']);
});

test('compacts to the current revision, not to the one of the plan', async () => {
  const etcd = etcdOf(full);
  etcd.set({ revision: '4001' });
  await apply(etcd);
  expect(etcd.steps[0]).toBe('compact etcd 4001');
});

test('if it is still full, the alarm stays, and the sizes are reported', async () => {
  const etcd = etcdOf(full, { leavesBytes: QUOTA + MB });
  await expect(apply(etcd)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('still full: n1 uses 2.1 GB of 2.1 GB, n2') as string,
  });
  expect(etcd.steps.filter((step) => step.startsWith('disarm'))).toEqual([]);
});

test('if a member does not come back, the fix stops, and the steps so far are recorded', async () => {
  const etcd = etcdOf(full, { staysAway: 'n2' });
  const reported: string[] = [];
  await expect(apply(etcd, { remediation: freeSpaceWithin(50), reported })).rejects.toThrow(
    'not all members were healthy within 0.05 s after n2 was defragmented, so the fix stopped',
  );
  expect(etcd.steps).toEqual(['compact etcd 3847', 'defragment n2']);
  expect(reported).toEqual(['History of etcd compacted up to revision 3847', 'n2 defragmented']);
});

test('if corruption is found, the fix stops, and the alarm stays', async () => {
  const etcd = etcdOf(full);
  const recordStep = (line: string) => {
    if (line === 'n3 defragmented') etcd.set({ alarms: [...full.alarms, alarm('n3', 'CORRUPT')] });
  };
  await expect(apply(etcd, { recordStep })).rejects.toThrow(
    'stopped before the next member of etcd: CORRUPT is raised',
  );
  expect(etcd.steps).toEqual(['compact etcd 3847', 'defragment n2', 'defragment n3']);
});

test('if an action fails, or recording it fails, the next one is not started', async () => {
  const error = new SourceError('etcd', 'unreachable', 'n3:2379 did not respond within 600 s');
  const failing = etcdOf(full, { fails: (step) => (step === 'defragment n3' ? error : undefined) });
  await expect(apply(failing)).rejects.toBe(error);
  expect(failing.steps).toEqual(['compact etcd 3847', 'defragment n2']);

  const frozen = etcdOf(full);
  const recordStep = () => {
    throw new Error('frozen');
  };
  await expect(apply(frozen, { recordStep })).rejects.toThrow('frozen');
  expect(frozen.steps).toEqual(['compact etcd 3847']);
});

test('after it is done, a second plan finds nothing to do', async () => {
  const etcd = etcdOf(full);
  await apply(etcd);
  await expect(freeSpace.plan(context(await etcd.members()), ASKED)).rejects.toThrow(
    'hardly any space to reclaim',
  );
});

test('a button says what it does, and fits the limit of Slack', () => {
  expect(freeSpace.title(ASKED)).toBe('Free space in etcd');
  expect(freeSpace.title({ store: 'x'.repeat(100) })).toHaveLength(75);
  expect(freeSpace.risk).toBe('destructive');
});

function withoutQuota(one: ports.StoreMember): ports.StoreMember {
  const { quotaBytes: _, ...rest } = one;
  return rest;
}
