import { expect, test } from 'vitest';
import { SourceError, type Story, type ports } from '../../kit.ts';
import { certificate } from '../../shared/builders.ts';
import { check } from './check.ts';
import type { Facts, StoreState } from './collect.ts';
import { diagnose } from './diagnose.ts';
import {
  MB,
  QUOTA,
  alarm,
  factsOf,
  leader,
  member,
  neverStarted,
  old,
  serving,
  silent,
  store,
} from './builders.ts';
import { countersBetween, type EarlierSample } from './samples.ts';
import * as stories from './stories.ts';

type FactsAt = Pick<Story<Facts>, 'facts' | 'now'>;

function ask({ facts, now }: FactsAt, args: Record<string, string> = {}) {
  return diagnose(facts, check.args.parse(args), now);
}

function askOf(...stores: readonly StoreState[]) {
  return ask({ facts: factsOf(...stores), now: new Date('2026-02-20T12:00:00Z') });
}

const lines = ({ findings }: ReturnType<typeof ask>) =>
  findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);

const FREE = [{ remediation: 'free-space', params: { store: 'etcd' } }];
const FULL = { healthy: false, unhealthyBecause: 'ALARM NOSPACE' };
const three = [member('n1'), member('n2'), leader('n3')] as const;

test('a full etcd is one finding, not three unhealthy members, and offers to free space', () => {
  const report = ask(stories.databaseSpaceExceeded);

  expect(report.verdict).toBe('etcd accepts no writes: NOSPACE');
  expect(lines(report)).toEqual(['critical no-space etcd']);
  expect(report.findings[0]).toMatchObject({
    summary:
      "etcd accepts no writes: NOSPACE (2.1 GB of 2.1 GB used). Reads and deletes still work. Free space, then disarm the alarm; it won't clear by itself",
    offers: FREE,
  });
  expect(report.findings[0]?.evidence).toContainEqual({
    kind: 'field',
    label: 'Raised by',
    value: 'etcd-a and etcd-b',
  });
  expect(report.measures).toEqual([
    { label: 'etcd', value: 0, of: 3, unit: 'healthy' },
    { label: 'etcd database', value: 2_149, unit: 'MB' },
  ]);
});

test('after its space is freed, all members are healthy, and the measures show the change', () => {
  const report = ask(stories.spaceFreed);

  expect(report.verdict).toBe('All 3 members of etcd are healthy, etcd-c leads, 211 MB of 2.1 GB used');
  expect(report.findings).toEqual([]);
  expect(report.examined).toBe(3);
  expect(report.measures).toEqual([
    { label: 'etcd', value: 3, of: 3, unit: 'healthy' },
    { label: 'etcd database', value: 211, unit: 'MB' },
  ]);
});

test('a lost quorum comes first, then the slow disk that may be its cause, and members that are down are not reported', () => {
  const report = ask(stories.quorumLost);

  expect(report.verdict).toBe(
    'etcd has lost its quorum: 1 of 3 members responds; the disk of etcd-z1-0 is slow',
  );
  expect(lines(report)).toEqual(['critical quorum-lost etcd', 'warning slow-disk etcd/etcd-z1-0']);
  expect(report.findings[0]?.summary).toBe(
    "etcd has lost its quorum: 1 of 3 members responds. Nothing can be written, and keys don't expire. Bring back 1 of etcd-z2-0 and etcd-z3-0 first",
  );
  expect(report.findings[1]?.summary).toBe(
    'The disk of etcd-z1-0 is slow: 18% of the fsyncs since it started took longer than 8 ms, and the leader has changed often; etcd needs 99% of them below 10 ms',
  );
});

test('clocks that differ are reported, with the members that are ahead and behind', () => {
  const report = ask(stories.clocksApart);

  expect(report.verdict).toBe(`The clocks of etcd's members differ by 8.9 s`);
  expect(lines(report)).toEqual(['warning clock-skew etcd']);
  expect(report.findings[0]?.evidence).toContainEqual({
    kind: 'field',
    label: 'etcd-z2-0',
    value: '7.4 s ahead of Wrench',
  });
  expect(lines(ask(stories.clocksApart, { skew: '10s' }))).toEqual([]);
});

test('a member that does not respond because its certificate expired is reported only by its certificate', () => {
  const report = ask(stories.certificateForgotten);

  expect(report.verdict).toBe(
    '1 of 3 member certificates of etcd has expired; the certificates of etcd-a and etcd-b expire in 18 days',
  );
  expect(lines(report)).toEqual([
    'critical certificate-expired etcd/etcd-c',
    'warning certificate-expiring etcd',
  ]);
  expect(lines(ask(stories.certificateForgotten, { criticalDays: '20' }))).toContain(
    'critical certificate-expiring etcd',
  );
  expect(lines(ask(stories.certificateForgotten, { warningDays: '10' }))).toEqual([
    'critical certificate-expired etcd/etcd-c',
  ]);
});

test('a member that was added but never started counts toward the quorum, and no space is freed before that is fixed', () => {
  const report = ask(stories.addedTooEarly);

  expect(lines(report)).toEqual([
    'warning member-never-started etcd/8211f1d0f64f3269',
    'warning member-lagging etcd/n2',
    'warning database-filling etcd',
  ]);
  expect(report.findings[0]?.summary).toContain('3 of 4 must agree');
  expect(report.findings[2]?.offers).toBeUndefined();
  expect(report.findings[2]?.evidence).toContainEqual({
    kind: 'field',
    label: 'No fix offered',
    value: '8211f1d0f64f3269 was added but never started',
  });
});

test('a healthy cluster shows the leader, and how much of the quota is used', () => {
  expect(askOf(store(three))).toMatchObject({
    verdict: 'All 3 members of etcd are healthy, n3 leads, 210 kB of 2.1 GB used',
    findings: [],
    examined: 3,
  });
  expect(askOf(store([leader('n1')])).verdict).toBe(
    'The only member of etcd is healthy, 210 kB of 2.1 GB used',
  );
});

test('one of three that does not respond is one finding, which says what losing one more would mean', () => {
  const report = askOf(
    store([leader('n1'), member('n2'), silent('n3', 'n3:2379 did not respond within 10 s')]),
  );

  expect(report.verdict).toBe('1 of 3 members of etcd is not responding');
  expect(lines(report)).toEqual(['warning member-unreachable etcd/n3']);
  expect(report.findings[0]?.summary).toBe(
    'n3 is not responding (n3:2379 did not respond within 10 s): writes continue, but losing one more member would stop them',
  );
  expect(report.measures?.[0]).toEqual({ label: 'etcd', value: 2, of: 3, unit: 'healthy' });
});

test('of five members two may be lost, and two that are down are one finding about their store', () => {
  const five = ['n1', 'n2', 'n3', 'n4'].map((name) => member(name));
  expect(askOf(store([...five, silent('n5')])).findings[0]?.summary).toContain(
    'the cluster can lose 1 more and still accept writes',
  );
  expect(lines(askOf(store([...five.slice(1), silent('n5'), silent('n1')])))).toEqual([
    'warning member-unreachable etcd',
  ]);
});

test('if all respond and none leads, there is no leader, not a lost majority', () => {
  const leaderless = ['n1', 'n2', 'n3'].map((name) =>
    member(name, { hasLeader: false, healthy: false, unhealthyBecause: 'RAFT NO LEADER' }),
  );
  const report = askOf(store(leaderless, { hasQuorum: false }));
  expect(lines(report)).toEqual(['critical no-leader etcd']);
  expect(report.verdict).toBe('etcd has no leader, although 3 of 3 members respond');
});

test('a failed quorum read with a leader is not a lost member', () => {
  const report = askOf(store(three, { hasQuorum: false, quorumError: 'etcdserver: leader changed' }));
  expect(lines(report)).toEqual(['critical quorum-lost etcd']);
  expect(report.verdict).toBe(
    'etcd cannot complete a quorum read, although 3 of 3 members respond and n3 leads',
  );
});

test('without a quorum, expired certificates and corruption are still reported, and no fix is offered', () => {
  const ended = serving('n2', '2026-02-19T12:00:00Z');
  const report = askOf(
    store([leader('n1'), silent('n2', 'shows a certificate that has expired', ended), silent('n3')], {
      hasQuorum: false,
      alarms: [alarm('n1', 'CORRUPT'), alarm('n1')],
    }),
  );
  expect(lines(report)).toEqual([
    'critical quorum-lost etcd',
    'critical corrupt etcd',
    'critical no-space etcd',
    'critical certificate-expired etcd/n2',
  ]);
  expect(report.findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
});

test('an unhealthy member is shown with its reason, and one without a leader is cut off', () => {
  const [ill] = askOf(
    store([leader('n1'), member('n2', { healthy: false, unhealthyBecause: 'LEARNER' }), member('n3')]),
  ).findings;
  expect(ill).toMatchObject({ reason: 'member-unhealthy', target: 'etcd/n2' });
  expect(ill?.summary).toBe(
    'n2 is not healthy (LEARNER), although the others have a quorum. Check its log and disk',
  );
  const [cut] = askOf(
    store([leader('n1'), member('n2', { healthy: false, hasLeader: false }), member('n3')]),
  ).findings;
  expect(cut?.summary).toContain('it is cut off from them');
});

test('the report says that the others, or the cluster, have a quorum only if that is known', () => {
  const bad = { healthy: false, unhealthyBecause: 'RAFT NO LEADER' };
  const summaryOf = (...args: Parameters<typeof store>) =>
    askOf(store(...args)).findings.find(({ reason }) => reason === 'member-unhealthy')?.summary;
  expect(summaryOf([leader('n1', bad), member('n2', bad), silent('n3')])).toBe(
    'n1 and n2 are not healthy, although the cluster has a quorum. Check their logs and disks',
  );
  const lost = { healthy: false, hasLeader: false };
  expect(summaryOf([member('n1', lost), member('n2', lost), member('n3', lost)])).toBe(
    'n1, n2 and n3 are not healthy, although the cluster has a quorum. Check their logs and disks',
  );
  const { hasQuorum: _, ...unknown } = store([leader('n1', bad)]);
  const report = askOf(unknown);
  expect(report.verdict).toBe('The only member of etcd is not healthy');
  expect(report.findings[0]?.summary).toBe('n1 is not healthy (RAFT NO LEADER). Check its log and disk');
});

test('if no member list is available, the endpoints are reported as endpoints', () => {
  const host = (name: string) => new URL(member(name).url!).host;
  const [n1, n2, n3] = [
    { ...leader('n1'), name: host('n1') },
    { ...silent('n2'), name: host('n2') },
    { ...silent('n3'), name: host('n3') },
  ];
  const settled = store([n1, n2, n3], { hasQuorum: false });
  const endpoints = settled.endpoints.map(({ lists: _lists, memberId: _memberId, ...known }) => known);
  expect(askOf({ ...settled, endpoints }).verdict).toBe(
    'etcd has lost its quorum: 1 of 3 endpoints responds',
  );
  expect(askOf(store([n1])).verdict).toContain('The only endpoint of etcd is healthy');
});

test('the report says that there is no leader only if a member reports it', () => {
  const mute = ['n1', 'n2', 'n3'].map((name) => {
    const { hasLeader: _, ...known } = member(name);
    return known;
  });
  expect(askOf(store(mute, { hasQuorum: false })).verdict).toBe(
    'etcd cannot complete a quorum read, although 3 of 3 members respond',
  );
});

test('if the quorum is unknown, no fix is offered for that reason', () => {
  const { hasQuorum: _, ...unknown } = store([leader('n1', FULL)], { alarms: [alarm('n1')] });
  expect(askOf(unknown).findings[0]?.evidence).toContainEqual({
    kind: 'field',
    label: 'No fix offered',
    value: 'it is unknown whether it has a quorum',
  });
});

test('a verdict that begins with an address keeps it as it is', () => {
  const settled = store([leader('n1')]);
  const error = new SourceError('etcd', 'unreachable', 'refused');
  const left = { address: 'localhost:2379', error, failureMode: 'not-listening' } as const;
  expect(askOf({ ...settled, endpoints: [...settled.endpoints, left] }).verdict).toMatch(/^localhost:2379 /);
});

test('an alarm explains why a member calls itself unhealthy, but not that it knows no leader', () => {
  const full = [leader('n1', FULL), member('n2', FULL), member('n3', { ...FULL, hasLeader: false })];
  const report = askOf(store(full, { alarms: [alarm('n1')] }));
  expect(lines(report)).toEqual(['critical no-space etcd', 'warning member-unhealthy etcd/n3']);
  expect(report.findings[0]?.offers).toBeUndefined();
  // Before 3.5 no reason is reported.
  const mute = ['n1', 'n2', 'n3'].map((name) => member(name, { healthy: false }));
  expect(lines(askOf(store(mute, { alarms: [alarm('n1')] })))).toEqual(['critical no-space etcd']);
});

test('CORRUPT is critical, says what to do first, and has no fix', () => {
  const report = askOf(store(three, { alarms: [alarm('n2', 'CORRUPT'), alarm('n1')] }));
  expect(lines(report)).toEqual(['critical corrupt etcd', 'critical no-space etcd']);
  expect(report.verdict).toBe(
    'etcd accepts no writes: CORRUPT; etcd accepts no writes: NOSPACE is still raised, although there is space again',
  );
  expect(report.findings[0]?.summary).toContain('CORRUPT, raised by n2');
  expect(report.findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
});

test.each([
  [0.79, 0.2, [], []],
  [0.8, 0.2, ['warning database-filling etcd'], FREE],
  [0.96, 0.2, ['critical database-filling etcd'], FREE],
  [0.96, 0.95, ['critical database-filling etcd'], []],
])('a database of %d of its quota, with %d in use, is %j', (size, inUse, expected, offers) => {
  const sizes = { dbSizeBytes: size * QUOTA, dbInUseBytes: inUse * QUOTA };
  const report = ask({
    facts: factsOf(store([leader('n1', sizes), member('n2'), member('n3')])),
    now: new Date(0),
  });
  expect(lines(report).filter((line) => !line.startsWith('info'))).toEqual(expected);
  expect(report.findings.flatMap((finding) => finding.offers ?? [])).toEqual(offers);
});

test('empty pages are information in a large database, and not reported in a small one', () => {
  const report = askOf(store([leader('n1', { dbSizeBytes: 900 * MB, dbInUseBytes: 100 * MB })]));
  expect(lines(report)).toEqual(['info database-fragmented etcd']);
  expect(report.verdict).toBe('The only member of etcd is healthy, 900 MB of 2.1 GB used; 1 minor finding');
  expect(askOf(store([leader('n1', { dbSizeBytes: 9 * MB, dbInUseBytes: MB })])).findings).toEqual([]);
});

test('a learner is information, and no vote is missing if it does not respond', () => {
  const learner = member('n4', { isLearner: true });
  expect(lines(askOf(store([...three, learner])))).toEqual(['info member-learner etcd/n4']);
  const [finding] = askOf(store([...three, silent('n4', 'refused', { isLearner: true })])).findings;
  expect(finding?.summary).toContain('it has no vote, so writes continue');
});

/** 1,000 or more since start are enough to judge; what was counted while the check ran is better. */
function diskOf(sinceStart: ports.DiskCounters, meanwhile?: ports.DiskCounters) {
  const n1 = leader('n1', { disk: sinceStart });
  const interval = meanwhile && { seconds: 3, disks: { [n1.id]: meanwhile } };
  return askOf(store([n1, member('n2'), member('n3')], { ...(interval && { interval }) }));
}
const fsyncs = (slow: number, total: number) => ({ fsyncs: { slow, total } });
const commits = (slow: number, total: number) => ({ commits: { slow, total } });

test.each<[string, ports.DiskCounters, ports.DiskCounters | undefined, readonly string[]]>([
  ['too few since start', fsyncs(450, 900), undefined, []],
  ['1 % since start', fsyncs(900, 90_000), undefined, []],
  ['2 % since start', fsyncs(1_800, 90_000), undefined, ['info slow-disk etcd/n1']],
  ['6 % since start', fsyncs(5_400, 90_000), undefined, ['warning slow-disk etcd/n1']],
  [
    '60 % of the commits since start, nothing written now',
    commits(600, 1_000),
    commits(0, 0),
    ['warning slow-disk etcd/n1'],
  ],
  ['a bad hour weeks ago, fast now', fsyncs(9_000, 90_000), fsyncs(0, 400), []],
  ['fast for weeks, slow now', fsyncs(10, 9_000_000), fsyncs(80, 400), ['warning slow-disk etcd/n1']],
  [
    'fast for weeks, slow commits now',
    commits(10, 9_000_000),
    commits(10, 40),
    ['warning slow-disk etcd/n1'],
  ],
  ['one slow one of a few now', fsyncs(10, 9_000_000), fsyncs(1, 30), []],
  [
    'many slow applies now',
    fsyncs(0, 9_000),
    { ...fsyncs(0, 400), slowApplies: 12 },
    ['info slow-disk etcd/n1'],
  ],
])('a disk with %s', (_, sinceStart, meanwhile, expected) => {
  expect(lines(diskOf(sinceStart, meanwhile))).toEqual(expected);
});

test('a slow disk is shown with both counts, those of the last seconds first', () => {
  const [finding] = diskOf(fsyncs(10, 9_000_000), fsyncs(80, 400)).findings;
  expect(finding?.summary).toBe(
    'The disk of n1 is slow: 20% of the fsyncs in the last 3 s took longer than 8 ms; etcd needs 99% of them below 10 ms',
  );
  expect(finding?.evidence).toContainEqual({
    kind: 'table',
    columns: ['Member', 'Operations', 'Slow', 'Last 3 s', 'Since start'],
    rows: [
      ['n1', 'fsyncs', 'above 8 ms', '80 of 400 (20%)', '10 of 9000000 (less than 1%)'],
      ['n1', 'backend commits', 'above 32 ms', '', ''],
    ],
  });
});

const HOUR_MS = 3_600_000;

/** The disk of a leader since it started, what it did while the check ran, and the counters of earlier runs. */
function diskBetweenRuns(
  sinceStart: ports.DiskCounters,
  meanwhile: ports.DiskCounters,
  ...earlier: readonly Omit<EarlierSample, 'memberId'>[]
) {
  const n1 = leader('n1', { disk: sinceStart });
  return askOf(
    store([n1, member('n2'), member('n3')], {
      interval: { seconds: 3, disks: { [n1.id]: meanwhile } },
      earlier: earlier.map((sample) => ({ ...sample, memberId: n1.id })),
    }),
  );
}

test.each<[string, ports.DiskCounters, ports.DiskCounters, ports.DiskCounters, readonly string[]]>([
  [
    'fast now and slow since then',
    fsyncs(400, 9_004_000),
    fsyncs(0, 400),
    fsyncs(0, 9_000_000),
    ['warning slow-disk etcd/n1'],
  ],
  ['slow once and fast since then', fsyncs(9_000, 94_000), fsyncs(0, 0), fsyncs(9_000, 90_000), []],
  ['slow once, with too few since then', fsyncs(9_000, 90_100), fsyncs(0, 400), fsyncs(9_000, 90_000), []],
  ['restarted since then', fsyncs(200, 4_000), fsyncs(0, 400), fsyncs(10, 9_000_000), []],
  [
    'restarted since then, and nothing written now',
    fsyncs(400, 4_000),
    fsyncs(0, 0),
    fsyncs(10, 9_000_000),
    ['warning slow-disk etcd/n1'],
  ],
])('a disk is also judged since an earlier run: %s', (_, sinceStart, meanwhile, before, expected) => {
  expect(lines(diskBetweenRuns(sinceStart, meanwhile, { ageMs: 2 * HOUR_MS, disk: before }))).toEqual(
    expected,
  );
});

test('the latest run after which enough was written is used, and the table shows the counters since then', () => {
  const [finding] = diskBetweenRuns(
    fsyncs(700, 20_000),
    fsyncs(0, 400),
    { ageMs: 600_000, disk: fsyncs(690, 19_500) },
    { ageMs: 2 * HOUR_MS, disk: fsyncs(300, 16_000) },
    { ageMs: 9 * HOUR_MS, disk: fsyncs(0, 1_000) },
  ).findings;
  expect(finding?.summary).toBe(
    'The disk of n1 is slow: 10% of the fsyncs in the last 2 hours took longer than 8 ms; etcd needs 99% of them below 10 ms',
  );
  expect(finding?.evidence).toContainEqual({
    kind: 'table',
    columns: ['Member', 'Operations', 'Slow', 'Last 3 s', 'Since an earlier run', 'Since start'],
    rows: [
      ['n1', 'fsyncs', 'above 8 ms', '0 of 400 (0%)', '400 of 4000 (10%) in 2 hours', '700 of 20000 (3%)'],
      ['n1', 'backend commits', 'above 32 ms', '', '', ''],
    ],
  });
});

test('a restart between two earlier runs is detected, although the counters are higher than before it', () => {
  const report = diskBetweenRuns(
    fsyncs(30, 1_150),
    fsyncs(0, 400),
    { ageMs: HOUR_MS, disk: fsyncs(5, 200) },
    { ageMs: 3 * HOUR_MS, disk: fsyncs(20, 1_000) },
    { ageMs: 4 * HOUR_MS, disk: fsyncs(0, 100) },
  );
  expect(lines(report)).toEqual([]);
});

/** A database that had these sizes in MB, an hour apart, the last one now. */
function growing(...sizes: readonly number[]) {
  const inUse = (sizes.at(-1) ?? 0) * 0.95 * MB;
  const n1 = leader('n1', {
    dbSizeBytes: (sizes.at(-1) ?? 0) * MB,
    dbInUseBytes: inUse,
    quotaBytes: 2_000 * MB,
  });
  const earlier = sizes.slice(0, -1).map((size, at) => ({
    memberId: n1.id,
    ageMs: (sizes.length - 1 - at) * HOUR_MS,
    dbSizeBytes: size * MB,
  }));
  return askOf(store([n1], { earlier }));
}

test('a database that grows steadily is a warning before it is full', () => {
  const report = growing(1_400, 1_440, 1_480, 1_520, 1_560);
  expect(report.verdict).toBe('etcd reaches its quota in about 11 hours if it keeps growing');
  expect(lines(report)).toEqual(['warning database-growing etcd']);
  expect(report.findings[0]?.summary).toContain(
    'etcd grows by 40 MB an hour. If that continues, it reaches its quota of 2 GB in about 11 hours and stops accepting writes',
  );
  expect(report.findings[0]?.evidence).toContainEqual({
    kind: 'field',
    label: 'Growth',
    value: '40 MB an hour over the last 4 hours, by 5 samples',
  });
});

test('it is information if days are left, and not reported beyond that', () => {
  expect(lines(growing(1_400, 1_410, 1_420, 1_430, 1_440))).toEqual(['info database-growing etcd']);
  expect(lines(growing(1_400, 1_401, 1_402, 1_403, 1_404))).toEqual([]);
});

test('one that is almost full is one finding, which says when it will be full', () => {
  const report = growing(1_500, 1_540, 1_580, 1_620, 1_660);
  expect(lines(report)).toEqual(['warning database-filling etcd']);
  expect(report.findings[0]?.summary).toBe(
    'etcd is 83% full, 1.7 GB of 2 GB used: at its quota it stops accepting writes, in about 8 hours if it keeps growing by 40 MB an hour. Defragmenting would free little. Find out what writes so much, or raise the quota',
  );
});

test('counters that were reset say nothing about the time in between', () => {
  expect(countersBetween(fsyncs(10, 500), fsyncs(0, 20))).toBeUndefined();
  expect(countersBetween(fsyncs(10, 500), fsyncs(12, 700))).toEqual(fsyncs(2, 200));
});

function endpointsOf(...those: readonly Partial<ports.StoreEndpoint>[]) {
  const { endpoints } = store(three);
  return endpoints.map((endpoint, at) => ({ ...endpoint, ...those[at] }));
}

test.each<[string, readonly Partial<ports.StoreEndpoint>[], string, string]>([
  [
    'two clusters',
    [{}, {}, { clusterId: 'bad', lists: ['c'] }],
    'critical several-clusters etcd',
    'are 2 separate clusters',
  ],
  [
    'three clusters',
    [{ clusterId: 'a' }, { clusterId: 'b' }, { clusterId: 'c' }],
    'critical several-clusters etcd',
    'are 3 separate clusters',
  ],
  ['two leaders', [{}, {}, { leaderId: 'f00' }], 'critical several-leaders etcd', 'follow 2 leaders'],
  [
    'lists that differ',
    [{}, { lists: ['a', 'b'] }],
    'warning member-lists-differ etcd',
    'list different members',
  ],
  [
    'a member of something else',
    [{}, {}, { memberId: 'f00' }],
    'warning endpoint-not-a-member etcd/n3.example.com:2379',
    'is not a member',
  ],
])('endpoints that are %s', (_, changed, line, words) => {
  const report = askOf(store(three, { endpoints: endpointsOf(...changed) }));
  expect(lines(report)).toEqual([line]);
  expect(report.verdict).toContain(words);
});

test('an endpoint that does not respond and is no member is reported, and no member is reported as down', () => {
  const gone: ports.StoreEndpoint = {
    address: 'n4.example.com:2379',
    error: new SourceError('etcd', 'unreachable', 'connection refused'),
    failureMode: 'not-listening',
  };
  const report = askOf(store(three, { endpoints: [...store(three).endpoints, gone] }));
  expect(lines(report)).toEqual(['warning endpoint-not-a-member etcd/n4.example.com:2379']);
});

function nobody(...absences: readonly ports.FailureMode[]) {
  const endpoints = absences.map((failureMode, at) => ({
    address: `n${at + 1}.example.com:2379`,
    error: new SourceError('etcd', 'unreachable', failureMode),
    failureMode,
  }));
  const { hasQuorum: _, ...known } = store([], { endpoints });
  return askOf(known);
}

test.each<[readonly ports.FailureMode[], readonly string[], string]>([
  [
    ['not-listening', 'not-listening', 'hung'],
    ['critical quorum-lost etcd'],
    'etcd has no quorum: none of its 3 endpoints responds (2 refuse connections and 1 accepts connections but does not respond)',
  ],
  [['hung', 'hung', 'unreachable'], ['critical quorum-lost etcd'], 'etcd has no quorum'],
  [
    ['not-listening', 'unreachable', 'unreachable'],
    ['warning endpoints-down etcd'],
    'etcd is not responding',
  ],
  [
    ['not-listening'],
    ['critical quorum-lost etcd'],
    'etcd is not responding: its only endpoint refuses connections',
  ],
  [['unreachable', 'unreachable', 'unreachable'], [], ''],
  [['rejected', 'rejected', 'rejected'], [], ''],
])('endpoints that are all %j', (absences, expected, verdict) => {
  const report = nobody(...absences);
  expect(lines(report)).toEqual(expected);
  expect(report.verdict).toContain(verdict);
  expect(report.examined).toBe(absences.filter((one) => one === 'hung' || one === 'not-listening').length);
});

test('expired certificates of all members are worse than one of three', () => {
  const endpoints = ['n1', 'n2', 'n3'].map((name) => ({
    address: `${name}.example.com:2379`,
    error: new SourceError('etcd', 'unreachable', 'shows a certificate that has expired'),
    failureMode: 'rejected' as const,
    ...serving(name, '2026-02-19T12:00:00Z'),
  }));
  const report = askOf(store([], { endpoints }));
  expect(lines(report)).toEqual(['critical certificate-expired etcd']);
  expect(report.verdict).toBe('All 3 endpoint certificates of etcd have expired');
});

test('two of three that are unreachable at their advertised addresses are not down, because a quorum read succeeded', () => {
  const elsewhere = (name: string) =>
    silent(name, `${name} has no address: the name was not found`, {
      isConfigured: false,
      failureMode: 'unreachable',
    });
  const report = askOf(store([leader('n1'), elsewhere('n2'), elsewhere('n3')]));
  expect(report.findings).toEqual([]);
  expect(report.examined).toBe(1);
});

test('configured members that cannot all be down are running, although their ports refuse connections', () => {
  const report = askOf(store([leader('n1'), silent('n2'), silent('n3')]));
  expect(lines(report)).toEqual(['warning member-unreachable etcd']);
  expect(report.findings[0]?.summary).toContain('but the cluster has a quorum, so they are running');
});

test('a member that is unreachable from here is not reported as down', () => {
  const away = silent('n3', 'n3 did not accept the connection in time', { failureMode: 'unreachable' });
  const report = askOf(store([leader('n1'), member('n2'), away]));
  expect(report.verdict).toBe('1 of 3 members of etcd is unreachable from here');
});

test('an alarm of no member and one of an unknown kind both count, and no fix is offered', () => {
  const corrupted = askOf(store(three, { alarms: [{ kind: 'CORRUPT' }, alarm('n1')] }));
  expect(lines(corrupted)).toEqual(['critical corrupt etcd', 'critical no-space etcd']);
  expect(corrupted.findings[0]?.summary).toContain('differ (CORRUPT).');
  const unknown = askOf(store(three, { alarms: [alarm('n1', 'READONLY')] }));
  expect(lines(unknown)).toEqual(['warning unknown-alarm etcd/n1']);
  expect(unknown.verdict).toBe('etcd has raised the alarm READONLY');
  for (const { findings } of [corrupted, unknown])
    expect(findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
});

test('space is judged by the member that is nearest to its quota, not by the largest file', () => {
  const large = leader('n1', { dbSizeBytes: 4_000 * MB, dbInUseBytes: 3_900 * MB, quotaBytes: 8_000 * MB });
  const small = member('n2', { dbSizeBytes: 1_990 * MB, dbInUseBytes: 1_980 * MB, quotaBytes: 2_000 * MB });
  const report = askOf(store([large, small, member('n3')]));
  expect(report.verdict).toBe('etcd is 99% full');
});

test('after space is freed, only disarming is offered, if it is allowed', () => {
  const alarms = [alarm('n1')];
  expect(ask(stories.alarmForgotten).findings[0]).toMatchObject({
    reason: 'no-space',
    summary:
      'etcd accepts no writes: NOSPACE is still raised, although there is space again (211 MB of 2.1 GB used). Disarm the alarm; nothing else is needed',
    offers: [{ remediation: 'disarm', params: { store: 'etcd' } }],
  });
  const [locked] = askOf(store(three, { alarms, maintain: false })).findings;
  expect(locked?.offers).toBeUndefined();
  expect(locked?.evidence).toContainEqual({
    kind: 'field',
    label: 'No fix offered',
    value: '`allow.maintain` is not configured for the source etcd',
  });
});

test('a learner has no vote, started or not; one that the list calls a voter is a warning and is not to be promoted', () => {
  const never = { ...neverStarted(), isLearner: true };
  expect(askOf(store([...three, never])).findings[0]?.summary).toBe(
    '8211f1d0f64f3269 was added to etcd but never started. As a learner it has no vote. Start or remove it',
  );
  const [behind] = askOf(
    store([...three, member('n4', { isLearner: true, raftAppliedIndex: 9 })]),
  ).findings.filter(({ reason }) => reason === 'member-learner');
  expect(behind?.summary).toContain("etcd won't promote it until it has caught up");
  const unlisted = askOf(store([...three, member('n4', { isLearnerByStatus: true })]));
  expect(lines(unlisted)).toEqual(['warning member-learner-unlisted etcd/n4']);
  expect(unlisted.findings[0]?.summary).toContain("etcd won't promote it");
  const down = [member('n1', { isLearnerByStatus: true }), silent('n2'), leader('n3')];
  expect(askOf(store(down, { hasQuorum: false })).verdict).toContain('1 of 2 members responds');
});

test('Wrench’s client certificate that is not valid yet is the cause, not that it expires soon', () => {
  const ours = certificate('client', '2026-02-28T12:00:00Z');
  const clientCertificate = { ...ours, notBefore: new Date('2026-02-21T12:00:00Z') };
  const report = askOf(store([leader('n1')], { clientCertificate }));
  expect(lines(report)).toEqual(['critical client-certificate-not-yet-valid etcd']);
  expect(report.verdict).toBe("Wrench's client certificate for etcd is not valid yet, for another 24 hours");
});

test.each([
  [
    '2026-02-19T12:00:00Z',
    'critical client-certificate-expired etcd',
    "Wrench's client certificate for etcd expired 24 hours ago",
  ],
  [
    '2026-02-22T12:00:00Z',
    'critical client-certificate-expiring etcd',
    "Wrench's client certificate for etcd expires in 2 days",
  ],
  [
    '2026-03-10T12:00:00Z',
    'warning client-certificate-expiring etcd',
    "Wrench's client certificate for etcd expires in 18 days",
  ],
])('Wrench’s client certificate that expires on %s is reported', (until, line, verdict) => {
  const report = askOf(store(three, { clientCertificate: certificate('client', until) }));
  expect(lines(report)).toEqual([line]);
  expect(report.verdict).toBe(verdict);
});

test('without a leader, expired peer certificates are named as the cause, otherwise as a possible cause', () => {
  const leaderless = (known: Partial<ports.StoreMember>) =>
    ['n1', 'n2', 'n3'].map((name) => member(name, { hasLeader: false, healthy: false, ...known }));
  const peerCertificate = certificate('peer', '2026-02-19T12:00:00Z');
  expect(askOf(store(leaderless({ peerCertificate }), { hasQuorum: false })).verdict).toBe(
    'etcd has no leader: the peer certificates of n1, n2 and n3 have expired',
  );
  expect(askOf(store(leaderless({}), { hasQuorum: false })).findings[0]?.summary).toContain(
    'peer certificates',
  );
});

test('frequent leader changes are reported if no disk is slow, with the failed proposals', () => {
  const report = askOf(store([leader('n1', { leaderChanges: 60, proposalsFailed: 41 }), member('n2')]));
  expect(lines(report)).toEqual(['info leader-changes etcd']);
  expect(report.findings[0]?.evidence).toContainEqual({
    kind: 'table',
    columns: ['Member', 'Leader changes', 'Failed proposals'],
    rows: [
      ['n1', '60', '41'],
      ['n2', '2', '0'],
    ],
  });
});

test('writes that wait are reported', () => {
  const report = askOf(store([leader('n1', { proposalsPending: 240 }), member('n2'), member('n3')]));
  expect(report.verdict).toBe('Writes are queuing at n1');
  expect(lines(report)).toEqual(['warning proposals-pending etcd/n1']);
});

test('what an etcd 2 does not report is neither judged nor a gap', () => {
  const report = askOf(store([old('z1'), old('z2'), old('z3', { isLeader: true })]));
  expect(report).toMatchObject({
    verdict: 'All 3 members of etcd are healthy, z3 leads',
    findings: [],
    measures: [{ label: 'etcd', value: 3, of: 3, unit: 'healthy' }],
  });
});

test('a member that rejects us is not reported as healthy', () => {
  const error = new SourceError('etcd', 'refused', 'n3:2379 requires a client certificate that it trusts');
  const report = askOf(store([leader('n1'), member('n2'), silent('n3', '', { error })]));
  expect(report).toMatchObject({ examined: 2, findings: [] });
  expect(report.verdict).toContain('2 of 3 members of etcd are healthy');
  expect(report.measures?.[0]).toMatchObject({ value: 2, of: 3 });
});

test('of several stores, those with findings are named, and the others are reported as healthy', () => {
  const events = store([leader('e1', { proposalsPending: 240 })], { name: 'events' });
  expect(askOf(store(three), events).verdict).toBe(
    'Writes are queuing at e1 (events); all 3 members of etcd are healthy, n3 leads, 210 kB of 2.1 GB used',
  );
  expect(askOf(store(three), store([leader('e1')], { name: 'events' })).verdict).toBe(
    'All 4 members of etcd and events are healthy',
  );
  const error = new SourceError('etcd', 'refused', 'n3:2379 requires a client certificate that it trusts');
  const partly = store([leader('n1'), silent('n2', '', { error }), silent('n3', '', { error })]);
  expect(askOf(partly, store([leader('e1')], { name: 'events' })).verdict).toBe(
    '2 of 4 members of etcd and events are healthy',
  );
  expect(askOf(store([...three, neverStarted()]), events).verdict).toBe(
    '1 member of etcd was added but never started; writes are queuing at e1 (events)',
  );
});

test.each([
  [{ warningFill: '120' }, 'use at most 100'],
  [{ slowShare: '2' }, 'use at most 1'],
  [{ lag: 'much' }, 'use a number'],
])('%o is rejected with a hint', (args, words) => {
  expect(() => check.args.parse(args)).toThrow(words);
});
