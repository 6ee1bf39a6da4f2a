import { expect, test } from 'vitest';
import { type Story, SourceError } from '../../kit.ts';
import { check } from './check.ts';
import type { Facts, StoreLook } from './collect.ts';
import { diagnose } from './diagnose.ts';
import {
  alarm,
  certificate,
  factsOf,
  leader,
  MB,
  member,
  neverStarted,
  old,
  QUOTA,
  silent,
  store,
} from './sightings.ts';
import * as stories from './stories.ts';

type Told = Pick<Story<Facts>, 'facts' | 'now'>;

function ask({ facts, now }: Told, args: Record<string, string> = {}) {
  return diagnose(facts, check.args.parse(args), now);
}

function askOf(...stores: readonly StoreLook[]) {
  return ask({ facts: factsOf(...stores), now: new Date('2026-02-20T12:00:00Z') });
}

const lines = ({ findings }: ReturnType<typeof ask>) =>
  findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);

const FREE = [{ remediation: 'free-space', params: { store: 'etcd' } }];
const FULL = { healthy: false, unhealthyBecause: 'ALARM NOSPACE' };
const three = [member('n1'), member('n2'), leader('n3')] as const;

test('a full etcd takes no writes: that is one finding and not three unhealthy members, and its space is offered to be freed', () => {
  const report = ask(stories.databaseSpaceExceeded);

  expect(report.verdict).toBe('etcd takes no writes: NOSPACE');
  expect(lines(report)).toEqual(['critical no-space etcd']);
  expect(report.findings[0]).toMatchObject({
    summary:
      'etcd takes no writes: NOSPACE, 2.1 GB of 2.1 GB. Reads and deletes still work. Make room, then take the alarm back: it does not go by itself',
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

test('once its space is freed all members are healthy, and the measures show what it gave', () => {
  const report = ask(stories.spaceFreed);

  expect(report.verdict).toBe('All 3 members of etcd are healthy, etcd-c leads, 211 MB of 2.1 GB');
  expect(report.findings).toEqual([]);
  expect(report.examined).toBe(3);
  expect(report.measures).toEqual([
    { label: 'etcd', value: 3, of: 3, unit: 'healthy' },
    { label: 'etcd database', value: 211, unit: 'MB' },
  ]);
});

test('without a quorum that is said first, then the slow disk it may come from, and not that members are down', () => {
  const report = ask(stories.quorumLost);

  expect(report.verdict).toBe(
    'etcd has lost its quorum: 1 of 3 members answers; the disk of etcd-z1-0 is slow',
  );
  expect(lines(report)).toEqual(['critical quorum-lost etcd', 'warning slow-fsyncs etcd/etcd-z1-0']);
  expect(report.findings[0]?.summary).toBe(
    'etcd has lost its quorum: 1 of 3 members answers. Nothing can be written, and keys do not expire; bring 1 of etcd-z2-0 and etcd-z3-0 back first',
  );
  expect(report.findings[1]?.summary).toBe(
    'The disk of etcd-z1-0 is slow: 18 % of the fsyncs took longer than 8 ms, and the leader has changed often. etcd wants 99 % below 10 ms',
  );
});

test('clocks apart are told, with who is ahead and who is behind', () => {
  const report = ask(stories.clocksApart);

  expect(report.verdict).toBe(`The clocks of etcd's members differ by 8.9 s`);
  expect(lines(report)).toEqual(['warning clock-skew etcd']);
  expect(report.findings[0]?.evidence).toContainEqual({
    kind: 'field',
    label: 'etcd-z2-0',
    value: '7.4 s ahead of ours',
  });
  expect(lines(ask(stories.clocksApart, { skew: '10s' }))).toEqual([]);
});

test('a member that is silent since its certificate ended is told by its certificate alone', () => {
  const report = ask(stories.certificateForgotten);

  expect(report.verdict).toBe(
    'The certificate of 1 of 3 members of etcd has expired; the certificates of etcd-a and etcd-b expire in 18 days',
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

test('a member that was added and never started counts for the quorum, and nothing is freed before it is dealt with', () => {
  const report = ask(stories.addedTooEarly);

  expect(lines(report)).toEqual([
    'warning member-never-started etcd/9372538179322589801',
    'warning member-lagging etcd/n2',
    'warning database-filling etcd',
  ]);
  expect(report.findings[0]?.summary).toContain('3 of 4 must agree');
  expect(report.findings[2]?.offers).toBeUndefined();
  expect(report.findings[2]?.evidence).toContainEqual({
    kind: 'field',
    label: 'No fix is offered',
    value: '9372538179322589801 was added and never started',
  });
});

test('all is well: who leads, and how much of the quota is used', () => {
  expect(askOf(store(three))).toMatchObject({
    verdict: 'All 3 members of etcd are healthy, n3 leads, 210 kB of 2.1 GB',
    findings: [],
    examined: 3,
  });
  expect(askOf(store([leader('n1')])).verdict).toBe('The one member of etcd is healthy, 210 kB of 2.1 GB');
});

test('one of three that does not answer is one finding, and it says what one more would mean', () => {
  const report = askOf(
    store([leader('n1'), member('n2'), silent('n3', 'n3:2379 did not answer within 10 s')]),
  );

  expect(report.verdict).toBe('1 of 3 members of etcd does not answer');
  expect(lines(report)).toEqual(['warning member-unreachable etcd/n3']);
  expect(report.findings[0]?.summary).toBe(
    'n3 does not answer (n3:2379 did not answer within 10 s): the others carry on, but with one more gone nothing can be written',
  );
  expect(report.measures?.[0]).toEqual({ label: 'etcd', value: 2, of: 3, unit: 'healthy' });
});

test('of five one may be lost and one more, and two that are down are one finding about their store', () => {
  const five = ['n1', 'n2', 'n3', 'n4'].map((name) => member(name));
  expect(askOf(store([...five, silent('n5')])).findings[0]?.summary).toContain(
    '1 more may be lost before nothing can be written',
  );
  expect(lines(askOf(store([...five.slice(1), silent('n5'), silent('n1')])))).toEqual([
    'warning member-unreachable etcd',
  ]);
});

test('all answer and none leads: there is no leader, which is not the same as too few', () => {
  const leaderless = ['n1', 'n2', 'n3'].map((name) =>
    member(name, { hasLeader: false, healthy: false, unhealthyBecause: 'RAFT NO LEADER' }),
  );
  const report = askOf(store(leaderless, { hasQuorum: false }));
  expect(lines(report)).toEqual(['critical no-leader etcd']);
  expect(report.verdict).toBe('etcd has no leader, though 3 of 3 members answer');
});

test('a read that is not agreed on while somebody leads is no lost member', () => {
  const report = askOf(store(three, { hasQuorum: false, quorumError: 'etcdserver: leader changed' }));
  expect(lines(report)).toEqual(['critical quorum-lost etcd']);
  expect(report.verdict).toBe('etcd does not agree on a read, though 3 of 3 members answer and n3 leads');
});

test('without a quorum its expired certificates and a found corruption are still told, and no fix is offered', () => {
  const ended = certificate('n2', '2026-02-19T12:00:00Z');
  const report = askOf(
    store([leader('n1'), silent('n2', 'shows a certificate that has expired', ended), silent('n3')], {
      hasQuorum: false,
      alarms: [alarm('n1', 'CORRUPT'), alarm('n1')],
    }),
  );
  expect(lines(report)).toEqual([
    'critical quorum-lost etcd',
    'critical corrupt etcd',
    'critical certificate-expired etcd/n2',
  ]);
  expect(report.findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
});

test('a member is unhealthy in its own words, and one that knows no leader is cut off', () => {
  const [ill] = askOf(
    store([leader('n1'), member('n2', { healthy: false, unhealthyBecause: 'LEARNER' }), member('n3')]),
  ).findings;
  expect(ill).toMatchObject({ reason: 'member-unhealthy', target: 'etcd/n2' });
  expect(ill?.summary).toBe(
    'n2 is not healthy (LEARNER), though the others agree; look at its log and disks',
  );
  const [cut] = askOf(
    store([leader('n1'), member('n2', { healthy: false, hasLeader: false }), member('n3')]),
  ).findings;
  expect(cut?.summary).toContain('it is cut off from them');
});

test('an alarm explains why a member calls itself unhealthy, but not that it knows no leader', () => {
  const full = [leader('n1', FULL), member('n2', FULL), member('n3', { ...FULL, hasLeader: false })];
  const report = askOf(store(full, { alarms: [alarm('n1')] }));
  expect(lines(report)).toEqual(['critical no-space etcd', 'warning member-unhealthy etcd/n3']);
  expect(report.findings[0]?.offers).toBeUndefined();
  // Before 3.5 nobody says why.
  const mute = ['n1', 'n2', 'n3'].map((name) => member(name, { healthy: false }));
  expect(lines(askOf(store(mute, { alarms: [alarm('n1')] })))).toEqual(['critical no-space etcd']);
});

test('CORRUPT is critical, says what not to do, and has no fix', () => {
  const report = askOf(store(three, { alarms: [alarm('n2', 'CORRUPT'), alarm('n1')] }));
  expect(lines(report)).toEqual(['critical corrupt etcd', 'critical no-space etcd']);
  expect(report.verdict).toBe('etcd takes no writes: CORRUPT; etcd takes no writes: NOSPACE');
  expect(report.findings[0]?.summary).toContain('CORRUPT of n2');
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

test('empty pages in a large database are to be known and nothing more; in a small one they are nothing', () => {
  const report = askOf(store([leader('n1', { dbSizeBytes: 900 * MB, dbInUseBytes: 100 * MB })]));
  expect(lines(report)).toEqual(['info database-fragmented etcd']);
  expect(report.verdict).toBe('The one member of etcd is healthy, 900 MB of 2.1 GB; 1 thing to know');
  expect(askOf(store([leader('n1', { dbSizeBytes: 9 * MB, dbInUseBytes: MB })])).findings).toEqual([]);
});

test('a learner is to be known, and no vote is missed where it is silent', () => {
  const learner = member('n4', { isLearner: true });
  expect(lines(askOf(store([...three, learner])))).toEqual(['info member-learner etcd/n4']);
  const [finding] = askOf(store([...three, silent('n4', 'refused', { isLearner: true })])).findings;
  expect(finding?.summary).toContain('1 more may be lost');
});

test('disks that are slow are told from a thousand fsyncs on, and clearly slow ones as a warning', () => {
  const disk = (share: number, total: number) =>
    lines(askOf(store([leader('n1', { slowFsyncs: { share, total } }), member('n2'), member('n3')])));
  expect(disk(0.5, 900)).toEqual([]);
  expect(disk(0.01, 90_000)).toEqual([]);
  expect(disk(0.02, 90_000)).toEqual(['info slow-fsyncs etcd/n1']);
  expect(disk(0.06, 90_000)).toEqual(['warning slow-fsyncs etcd/n1']);
});

test('leaders that change often are told by themselves where no disk is slow, with the proposals that failed meanwhile', () => {
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

test('writes that wait are told', () => {
  const report = askOf(store([leader('n1', { proposalsPending: 240 }), member('n2'), member('n3')]));
  expect(report.verdict).toBe('Writes wait at n1');
  expect(lines(report)).toEqual(['warning proposals-pending etcd/n1']);
});

test('what an etcd 2 does not tell is not judged, and nothing is missing', () => {
  const report = askOf(store([old('z1'), old('z2'), old('z3', { isLeader: true })]));
  expect(report).toMatchObject({
    verdict: 'All 3 members of etcd are healthy, z3 leads',
    findings: [],
    measures: [{ label: 'etcd', value: 3, of: 3, unit: 'healthy' }],
  });
});

test('a member that will not tell how it is, is not called healthy', () => {
  const error = new SourceError('etcd', 'refused', 'n3:2379 asks for a client certificate that it trusts');
  const report = askOf(store([leader('n1'), member('n2'), silent('n3', '', { error })]));
  expect(report).toMatchObject({ examined: 2, findings: [] });
  expect(report.verdict).toContain('2 of 3 members of etcd are healthy');
  expect(report.measures?.[0]).toMatchObject({ value: 2, of: 3 });
});

test('of several stores those with trouble are named, and the others said to be healthy', () => {
  const events = store([leader('e1', { proposalsPending: 240 })], { name: 'events' });
  expect(askOf(store(three), events).verdict).toBe(
    'Writes wait at e1 (events); all 3 members of etcd are healthy, n3 leads, 210 kB of 2.1 GB',
  );
  expect(askOf(store(three), store([leader('e1')], { name: 'events' })).verdict).toBe(
    'All 4 members of etcd and events are healthy',
  );
  expect(askOf(store([...three, neverStarted()]), events).verdict).toBe(
    '1 member of etcd was added and never started; writes wait at e1 (events)',
  );
});

test.each([
  [{ warningFill: '120' }, 'at most 100 percent'],
  [{ slowShare: '2' }, 'at most 1'],
  [{ lag: 'much' }, 'write how many'],
])('%o is refused in words', (args, words) => {
  expect(() => check.args.parse(args)).toThrow(words);
});
