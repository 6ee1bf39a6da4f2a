import type { Story } from '../../kit.ts';
import type { Facts } from './collect.ts';
import { MB, alarm, factsOf, leader, member, neverStarted, old, serving, silent, store } from './builders.ts';

const FULL = { healthy: false, unhealthyBecause: 'ALARM NOSPACE' };

/** Every write of a Kubernetes cluster fails with "mvcc: database space exceeded", while reads still work. */
export const databaseSpaceExceeded: Story<Facts> = {
  title: 'mvcc: database space exceeded, on a public holiday',
  source:
    'https://mattermost.com/blog/troubleshooting-kubernetes-etcd-server/ ("Public Holiday Alert"); the fix is https://etcd.io/docs/v3.4/op-guide/maintenance/#space-quota',
  now: new Date('2022-05-01T18:20:00Z'),
  facts: factsOf(
    store(
      [
        member('etcd-a', { ...FULL, version: '3.5.3', dbSizeBytes: 2_147 * MB, dbInUseBytes: 604 * MB }),
        leader('etcd-b', { ...FULL, version: '3.5.3', dbSizeBytes: 2_149 * MB, dbInUseBytes: 604 * MB }),
        member('etcd-c', { ...FULL, version: '3.5.3', dbSizeBytes: 2_146 * MB, dbInUseBytes: 604 * MB }),
      ],
      { alarms: [alarm('etcd-a'), alarm('etcd-b')], revision: '91827364' },
    ),
  ),
};

/** The same evening, after the history was compacted, the members were defragmented and the alarms disarmed. */
export const spaceFreed: Story<Facts> = {
  title: 'The same etcd after its space was freed',
  source: 'https://etcd.io/docs/v3.4/op-guide/maintenance/#space-quota, where writes are allowed again',
  now: new Date('2022-05-01T18:31:00Z'),
  facts: factsOf(
    store(
      ['etcd-a', 'etcd-b', 'etcd-c'].map((name) =>
        member(name, {
          version: '3.5.3',
          isLeader: name === 'etcd-c',
          dbSizeBytes: 211 * MB,
          dbInUseBytes: 210 * MB,
        }),
      ),
      { revision: '91827364' },
    ),
  ),
};

/** Someone compacted and defragmented, but every write still fails: the alarm does not clear by itself. */
export const alarmForgotten: Story<Facts> = {
  title: 'Space is free again, and every write still fails with NOSPACE',
  source: 'https://etcd.io/docs/v3.4/op-guide/maintenance/#space-quota: "Disarm alarm" is a separate step',
  now: new Date('2022-05-01T18:27:00Z'),
  facts: factsOf(
    store(
      ['etcd-a', 'etcd-b', 'etcd-c'].map((name) =>
        member(name, {
          ...FULL,
          version: '3.5.3',
          isLeader: name === 'etcd-b',
          dbSizeBytes: 211 * MB,
          dbInUseBytes: 210 * MB,
        }),
      ),
      { alarms: [alarm('etcd-a')], revision: '91827364' },
    ),
  ),
};

/** Slow disks under etcd, leaders that change, and in the end two unreachable members. From outside, it looks as if metron_agent panics. */
export const quorumLost: Story<Facts> = {
  title: 'Slow disks, one election after the other, and then no quorum',
  source:
    'https://github.com/cloudfoundry/loggregator-release/issues/127: slow etcd disks and unequal clocks behind the panics of metron_agent (also 175 and 200)',
  now: new Date('2016-05-31T09:00:00Z'),
  facts: factsOf(
    store(
      [
        old('etcd-z1-0', {
          hasLeader: false,
          healthy: false,
          unhealthyBecause: 'etcdserver: no leader',
          leaderChanges: 312,
          proposalsFailed: 874,
          disk: { fsyncs: { slow: 220_426, total: 1_204_511 } },
        }),
        silent('etcd-z2-0', 'etcd-z2-0:4001 did not respond within 10 s'),
        silent('etcd-z3-0', 'connection refused'),
      ],
      {
        hasQuorum: false,
        quorumError: 'etcdserver: request timed out',
      },
    ),
  ),
};

/** All members of an etcd 2 respond, but TTLs differ between them. */
export const clocksApart: Story<Facts> = {
  title: 'The clocks of the members drift apart',
  source: 'https://github.com/cloudfoundry/loggregator-release/issues/127: clock drift between etcd nodes',
  now: new Date('2016-06-02T14:30:00Z'),
  facts: factsOf(
    store([
      old('etcd-z1-0', { isLeader: true }),
      old('etcd-z2-0', { clockAheadMs: 7_400 }),
      old('etcd-z3-0', { clockAheadMs: -1_500 }),
    ]),
  ),
};

/** One certificate was not renewed: clients can no longer connect to that member, and only to that one. */
export const certificateForgotten: Story<Facts> = {
  title: 'A member that clients cannot connect to, because its certificate has expired',
  source:
    'https://github.com/kubernetes/kubeadm/issues/2177: etcd is Unhealthy, "certificate has expired or is not yet valid"',
  now: new Date('2021-03-02T06:10:00Z'),
  facts: factsOf(
    store([
      leader('etcd-a', serving('etcd-a', '2021-03-20T10:00:00Z')),
      member('etcd-b', serving('etcd-b', '2021-03-20T10:00:00Z')),
      silent(
        'etcd-c',
        'the certificate of etcd-c.example.com:2379 has expired',
        serving('etcd-c', '2021-03-01T23:59:59Z'),
      ),
    ]),
  ),
};

/** A member is replaced: the new one is added before the old one is removed, and does not start. */
export const addedTooEarly: Story<Facts> = {
  title: 'A new member is added before the old one is removed, and never starts',
  source:
    'https://etcd.io/docs/v3.4/faq/#should-i-add-a-member-before-removing-an-unhealthy-member: three of four must agree now, so one more loss breaks the quorum',
  now: new Date('2023-11-14T03:12:00Z'),
  facts: factsOf(
    store([
      leader('n1', { dbSizeBytes: 1_790 * MB, dbInUseBytes: 640 * MB }),
      member('n2', { dbSizeBytes: 1_788 * MB, dbInUseBytes: 640 * MB, raftAppliedIndex: 4_803_001 }),
      member('n3', { dbSizeBytes: 1_789 * MB, dbInUseBytes: 640 * MB }),
      neverStarted(),
    ]),
  ),
};
