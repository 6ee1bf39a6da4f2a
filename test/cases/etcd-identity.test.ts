import { afterEach, describe, expect, test } from 'vitest';
import { type Etcd, type EtcdOptions, startEtcd } from '../world/etcd.ts';
import type { FakeAnswer } from '../world/etcd/fake.ts';
import {
  denied,
  type FakeClusterOptions,
  type FakeMember,
  hangs,
  resets,
  serveFakeCluster,
} from '../world/etcd/fake-cluster.ts';
import { freePort } from '../world/free-port.ts';
import { criticals, faults, runEtcdHealth, runOnFakes, summaryOf } from './run-etcd-health.ts';

/** Endpoints that are not one cluster: https://github.com/etcd-io/etcd/issues/8788 https://github.com/bitnami/charts/issues/901 */
const OTHER = '2222222222222222222';
const [ONE, TWO, THREE] = ['1000000000000000001', '1000000000000000002', '1000000000000000003'];
const alone: FakeMember = { clusterId: OTHER, leader: THREE, lists: [2] };

const started: Etcd[] = [];
afterEach(async () => {
  for (const etcd of started.splice(0)) await etcd.close();
});

async function start(options: EtcdOptions = {}): Promise<Etcd> {
  const etcd = await startEtcd({ members: 3, tls: false, ...options });
  started.push(etcd);
  return etcd;
}

/** Without it no election is needed. */
const follower = async (etcd: Etcd) => ((await etcd.leader()) === 2 ? 1 : 2);
const urlsOf = ({ access }: Etcd) => access.endpoints.map(({ url }) => url);

describe('two clusters', () => {
  test('one member has an id of another cluster and leads itself', async () => {
    const report = await runOnFakes({
      members: [{}, {}, { clusterId: OTHER, leader: THREE }],
    });
    expect(criticals(report)).toEqual(['critical several-clusters']);
    expect(report.offers).toEqual([]);
  });

  test('the odd one out is configured first: the other two are still reported', async () => {
    const report = await runOnFakes({
      members: [
        { clusterId: OTHER, leader: ONE, lists: [0] },
        { leader: TWO, lists: [1, 2] },
        { leader: TWO, lists: [1, 2] },
      ],
    });
    expect(criticals(report)).toEqual(['critical several-clusters']);
    expect(report.report.examined).toBeGreaterThan(0);
    expect(report.text).toContain('n2');
  });

  test('one of two endpoints each: neither is preferred in silence', async () => {
    const report = await runOnFakes({ members: [{ lists: [0] }, { ...alone, leader: TWO, lists: [1] }] });
    expect(criticals(report)).toEqual(['critical several-clusters']);
  });

  test('three clusters', async () => {
    const report = await runOnFakes({
      members: [
        { lists: [0] },
        { clusterId: OTHER, leader: TWO, lists: [1] },
        { clusterId: '3333333333333333333', leader: THREE, lists: [2] },
      ],
    });
    expect(criticals(report)).toEqual(['critical several-clusters']);
    expect(report.text).toContain('3 separate clusters');
  });

  test('of the other cluster only the member list says so', async () => {
    const report = await runOnFakes({
      members: [
        {},
        {},
        {
          ...alone,
          answers: { status: { text: '', status: 500 }, 'quorum read': { text: '', status: 500 } },
        },
      ],
    });
    expect(criticals(report)).toEqual(['critical several-clusters']);
  });

  test('and NOSPACE in one of them: both are reported, and no fix is offered', async () => {
    const report = await runOnFakes(
      {
        alarms: [{ memberID: ONE, alarm: 'NOSPACE' }],
        members: [{}, {}, alone],
      },
      { allow: { maintain: true } },
    );
    expect(criticals(report).toSorted()).toEqual(['critical no-space', 'critical several-clusters']);
    expect(report.offers).toEqual([]);
  });

  test('and the member that should be at its address is not called healthy', async () => {
    const report = await runOnFakes({ members: [{}, {}, alone] });
    const measure = report.report.measures?.find(({ label }) => label === 'etcd');
    expect(measure).toMatchObject({ value: 2, of: 3 });
  });

  test('a real member that was started as a cluster of its own', async () => {
    const etcd = await start();
    const index = await follower(etcd);
    await etcd.kill(index);
    await etcd.startAlone(index);
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(criticals(report)).toEqual(['critical several-clusters']);
    const reversed = await runEtcdHealth({ endpoints: urlsOf(etcd).toReversed() });
    expect(criticals(reversed)).toEqual(['critical several-clusters']);
    expect(reversed.report.verdict).toBe(report.report.verdict);
  });
});

describe('two leaders of one cluster', () => {
  test('two endpoints follow one, the third itself', async () => {
    const report = await runOnFakes({ members: [{}, {}, { leader: THREE }] });
    expect(criticals(report)).toEqual(['critical several-leaders']);
    expect(report.offers).toEqual([]);
  });

  test('the one with a leader of its own lists itself alone, and takes reads', async () => {
    const report = await runOnFakes(
      { members: [{}, {}, { leader: THREE, lists: [2] }], alarms: [{ memberID: ONE, alarm: 'NOSPACE' }] },
      { allow: { maintain: true } },
    );
    expect(criticals(report).toSorted()).toEqual(['critical no-space', 'critical several-leaders']);
    expect(report.offers).toEqual([]);
  });

  test('only the metrics of the third say that it leads: its status and its lists are denied', async () => {
    const report = await runOnFakes({
      members: [
        {},
        {},
        {
          ...alone,
          answers: { status: denied, 'member list': denied, 'alarm list': denied, 'quorum read': resets },
        },
      ],
    });
    expect(criticals(report)).toEqual(['critical several-leaders']);
    expect(report.offers).toEqual([]);
  });

  test('a real member that was started with --force-new-cluster', async () => {
    const etcd = await start();
    const index = await follower(etcd);
    await etcd.kill(index);
    // Not where the others would find it: they would send it what it no longer has, and end it.
    const elsewhere = `http://127.0.0.1:${await freePort()}`;
    await etcd.startWith(index, ['--force-new-cluster', '--listen-peer-urls', elsewhere]);
    await etcd.untilLeading(index);
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(criticals(report)).toEqual(['critical several-leaders']);
    expect(report.offers).toEqual([]);
  });

  test('an election that is under way is not two leaders', async () => {
    // The first two statuses that each member gives name another leader than the ones after.
    const changing = (leaders: readonly string[], id: string): FakeAnswer => {
      let asked = 0;
      return (_, response) => {
        const leader = leaders[Math.min(asked++, leaders.length - 1)];
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify({
            header: { cluster_id: '1111111111111111111', member_id: id, revision: '4711' },
            leader,
            raftIndex: '900000',
            raftAppliedIndex: '900000',
          }),
        );
      };
    };
    const report = await runOnFakes({
      members: [
        { answers: { status: changing([ONE, TWO], ONE) } },
        { answers: { status: changing([TWO], TWO) } },
        { answers: { status: changing([ONE, TWO], THREE) } },
      ],
    });
    expect(criticals(report)).toEqual([]);
  });

  test('an election that is under way while one member hangs is not two leaders', async () => {
    let asked = 0;
    const status: FakeAnswer = (_, response) => {
      asked += 1;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({
          header: { cluster_id: '1111111111111111111', member_id: ONE, revision: '4711' },
          leader: asked === 1 ? ONE : TWO,
          raftIndex: '900000',
        }),
      );
    };
    const hanging = { version: hangs, status: hangs, health: hangs, metrics: hangs };
    const report = await runOnFakes({
      leader: TWO,
      members: [
        { answers: { status } },
        {},
        { answers: { ...hanging, 'member list': hangs, 'alarm list': hangs, 'quorum read': hangs } },
      ],
    });
    expect(criticals(report)).toEqual([]);
    expect(faults(report)).toContain('warning member-unreachable');
  });

  test('a real election: the leader is paused', async () => {
    const etcd = await start();
    etcd.pause(await etcd.leader());
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(criticals(report)).toEqual([]);
    expect(faults(report)).toContain('warning member-unreachable');
  });
});

/** A member that was cut off and started again with --force-new-cluster keeps the id of its cluster. */
describe('a second leader that is no configured endpoint', () => {
  const split: FakeClusterOptions = { members: [{}, {}, { leader: THREE, lists: [2] }] };
  const askFirstTwo = async (options: FakeClusterOptions) => {
    const cluster = await serveFakeCluster(options);
    try {
      return await runEtcdHealth({ endpoints: cluster.endpoints.slice(0, 2) });
    } finally {
      await cluster.close();
    }
  };

  test('is found at the address that it advertises', async () => {
    const report = await askFirstTwo(split);
    expect(criticals(report)).toEqual(['critical several-leaders']);
    expect(report.report.verdict).toContain('members of etcd follow 2 leaders');
    expect(report.text).toContain('"label":"Also leading","value":"n3"');
  });

  test('no fix is offered', async () => {
    const report = await askFirstTwo({ ...split, alarms: [{ memberID: ONE, alarm: 'NOSPACE' }] });
    expect(criticals(report)).toEqual(['critical several-leaders', 'critical no-space']);
    expect(report.offers).toEqual([]);
  });

  test('the leader itself may be the one that is not configured', async () => {
    expect(await askFirstTwo({ leader: THREE, members: [{}, {}, {}] })).toMatchObject({ status: 'clear' });
  });
});

describe('endpoints that are no members', () => {
  test('one that was removed and still answers', async () => {
    const report = await runOnFakes({ members: [{}, {}, {}, { isUnlisted: true }] });
    expect(faults(report)).toEqual(['warning endpoint-not-a-member']);
  });

  test('one that was removed, and whose own list still has it', async () => {
    const report = await runOnFakes({
      members: [{}, {}, {}, { isUnlisted: true, lists: [0, 1, 2, 3], leader: '' }],
    });
    expect(report.status).toBe('found');
    expect(faults(report)).toContain('warning endpoint-not-a-member');
    expect(criticals(report)).toEqual([]);
  });

  test('one that was removed and is down: it is no member that does not respond', async () => {
    const report = await runOnFakes({ members: [{}, {}, {}, { isUnlisted: true, state: 'down' }] });
    expect(faults(report)).toEqual(['warning endpoint-not-a-member']);
    expect(report.text).not.toContain('1 of 3 members');
  });

  test('a real member that was removed from the cluster', async () => {
    const etcd = await start();
    await etcd.removeMember(await follower(etcd));
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(faults(report)).toEqual(['warning endpoint-not-a-member']);
  });
});

describe('lists that differ', () => {
  test('one endpoint missed that a member was added', async () => {
    const report = await runOnFakes({ members: [{}, {}, { lists: [0, 1] }] });
    expect(faults(report)).toContain('warning member-lists-differ');
  });

  test('the members are the same, in another order', async () => {
    const report = await runOnFakes({ members: [{}, {}, { lists: [2, 0, 1] }] });
    expect(report).toMatchObject({ status: 'clear', findings: [] });
  });

  test('one list of two knows a member that is down: it is not left out', async () => {
    const report = await runOnFakes({
      members: [{ lists: [0, 1] }, { lists: [0, 1, 2] }, { state: 'down' }],
    });
    expect(faults(report).toSorted()).toEqual(['warning member-lists-differ', 'warning member-unreachable']);
    expect(report.text).not.toContain('is not a member');
  });
});

test('ids are written in hexadecimal, as etcdctl shows them', async () => {
  const report = await runOnFakes({
    members: [
      {},
      {},
      {
        id: '17496614320493254894',
        isUnlisted: true,
        clusterId: OTHER,
        leader: '17496614320493254894',
        lists: [2],
      },
    ],
  });
  expect(criticals(report)).toEqual(['critical several-clusters']);
  expect(report.text).toContain(BigInt(OTHER).toString(16));
  expect(report.text).toContain(BigInt('17496614320493254894').toString(16));
  expect(report.text).not.toContain(OTHER);
  expect(report.text).not.toContain('17496614320493254894');
});

test('ids of members that have no name are written in hexadecimal', async () => {
  const id = '9372538179322589801';
  const report = await runOnFakes({
    alarms: [{ memberID: id, alarm: 'NOSPACE' }],
    members: [{}, {}, {}, { id, state: 'down', name: '', listed: { clientURLs: [] } }],
  });
  expect(report.text).toContain('8211f1d0f64f3269');
  expect(report.text).not.toContain(id);
  expect(summaryOf(report, 'member-never-started')).toContain('8211f1d0f64f3269');
});
