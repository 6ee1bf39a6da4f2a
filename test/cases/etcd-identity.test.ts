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

/**
 * Endpoints that do not belong to one cluster: https://github.com/etcd-io/etcd/issues/8788
 * https://github.com/bitnami/charts/issues/901
 */
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

/** Avoids an election. */
const follower = async (etcd: Etcd) => ((await etcd.leader()) === 2 ? 1 : 2);
const urlsOf = ({ access }: Etcd) => access.endpoints.map(({ url }) => url);

describe('endpoints of two clusters', () => {
  test('are reported if one member has another cluster id and leads itself', async () => {
    const report = await runOnFakes({
      members: [{}, {}, { clusterId: OTHER, leader: THREE }],
    });
    expect(criticals(report)).toEqual(['critical several-clusters']);
    expect(report.offers).toEqual([]);
  });

  test('are reported if the odd one out is configured first', async () => {
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

  test('are reported without preferring either of two', async () => {
    const report = await runOnFakes({ members: [{ lists: [0] }, { ...alone, leader: TWO, lists: [1] }] });
    expect(criticals(report)).toEqual(['critical several-clusters']);
  });

  test('are reported if there are three clusters', async () => {
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

  test('are reported if only the member list shows the other cluster', async () => {
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

  test('are reported along with NOSPACE in one of them, and no fix is offered', async () => {
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

  test('do not make the expected member at that address healthy', async () => {
    const report = await runOnFakes({ members: [{}, {}, alone] });
    const measure = report.report.measures?.find(({ label }) => label === 'etcd');
    expect(measure).toMatchObject({ value: 2, of: 3 });
  });

  test('are reported if a real member was started as a separate cluster', async () => {
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
  test('are reported if two endpoints follow one and the third leads itself', async () => {
    const report = await runOnFakes({ members: [{}, {}, { leader: THREE }] });
    expect(criticals(report)).toEqual(['critical several-leaders']);
    expect(report.offers).toEqual([]);
  });

  test('are reported if the second leader lists only itself and serves reads', async () => {
    const report = await runOnFakes(
      { members: [{}, {}, { leader: THREE, lists: [2] }], alarms: [{ memberID: ONE, alarm: 'NOSPACE' }] },
      { allow: { maintain: true } },
    );
    expect(criticals(report).toSorted()).toEqual(['critical no-space', 'critical several-leaders']);
    expect(report.offers).toEqual([]);
  });

  test('are reported if only the metrics of the second show that it leads', async () => {
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

  test('are reported if a real member was started with --force-new-cluster', async () => {
    const etcd = await start();
    const index = await follower(etcd);
    await etcd.kill(index);
    // It listens on a new address: at its old one the other members would send it entries that it no longer
    // has, and it would crash.
    const elsewhere = `http://127.0.0.1:${await freePort()}`;
    await etcd.startWith(index, ['--force-new-cluster', '--listen-peer-urls', elsewhere]);
    await etcd.untilLeading(index);
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(criticals(report)).toEqual(['critical several-leaders']);
    expect(report.offers).toEqual([]);
  });

  test('are not reported during an election', async () => {
    // The first two statuses of each member name another leader than the later ones.
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

  test('are not reported during an election while one member hangs', async () => {
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

  test('are not reported during a real election after the leader is paused', async () => {
    const etcd = await start();
    etcd.pause(await etcd.leader());
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(criticals(report)).toEqual([]);
    expect(faults(report)).toContain('warning member-unreachable');
  });
});

/** A member that was cut off and restarted with --force-new-cluster keeps its cluster id. */
describe('a second leader that is not a configured endpoint', () => {
  const split: FakeClusterOptions = { members: [{}, {}, { leader: THREE, lists: [2] }] };
  const askFirstTwo = async (options: FakeClusterOptions) => {
    const cluster = await serveFakeCluster(options);
    try {
      return await runEtcdHealth({ endpoints: cluster.endpoints.slice(0, 2) });
    } finally {
      await cluster.close();
    }
  };

  test('is found at its advertised address', async () => {
    const report = await askFirstTwo(split);
    expect(criticals(report)).toEqual(['critical several-leaders']);
    expect(report.report.verdict).toContain('members of etcd follow 2 leaders');
    expect(report.text).toContain('"label":"Also leading","value":"n3"');
  });

  test('blocks the fix', async () => {
    const report = await askFirstTwo({ ...split, alarms: [{ memberID: ONE, alarm: 'NOSPACE' }] });
    expect(criticals(report)).toEqual(['critical several-leaders', 'critical no-space']);
    expect(report.offers).toEqual([]);
  });

  test('can be the real leader of the cluster', async () => {
    expect(await askFirstTwo({ leader: THREE, members: [{}, {}, {}] })).toMatchObject({ status: 'clear' });
  });
});

describe('an endpoint that is not a member', () => {
  test('is reported if it was removed and still responds', async () => {
    const report = await runOnFakes({ members: [{}, {}, {}, { isUnlisted: true }] });
    expect(faults(report)).toEqual(['warning endpoint-not-a-member']);
  });

  test('is reported if it was removed and its own list still has it', async () => {
    const report = await runOnFakes({
      members: [{}, {}, {}, { isUnlisted: true, lists: [0, 1, 2, 3], leader: '' }],
    });
    expect(report.status).toBe('found');
    expect(faults(report)).toContain('warning endpoint-not-a-member');
    expect(criticals(report)).toEqual([]);
  });

  test('is not reported as an unreachable member if it was removed and is down', async () => {
    const report = await runOnFakes({ members: [{}, {}, {}, { isUnlisted: true, state: 'down' }] });
    expect(faults(report)).toEqual(['warning endpoint-not-a-member']);
    expect(report.text).not.toContain('1 of 3 members');
  });

  test('is reported if a real member was removed from the cluster', async () => {
    const etcd = await start();
    await etcd.removeMember(await follower(etcd));
    const report = await runEtcdHealth({ endpoints: urlsOf(etcd) });
    expect(faults(report)).toEqual(['warning endpoint-not-a-member']);
  });
});

describe('member lists', () => {
  test('differ if one endpoint missed that a member was added', async () => {
    const report = await runOnFakes({ members: [{}, {}, { lists: [0, 1] }] });
    expect(faults(report)).toContain('warning member-lists-differ');
  });

  test('do not differ by their order', async () => {
    const report = await runOnFakes({ members: [{}, {}, { lists: [2, 0, 1] }] });
    expect(report).toMatchObject({ status: 'clear', findings: [] });
  });

  test('are merged, so that a member that is down is not left out', async () => {
    const report = await runOnFakes({
      members: [{ lists: [0, 1] }, { lists: [0, 1, 2] }, { state: 'down' }],
    });
    expect(faults(report).toSorted()).toEqual(['warning member-lists-differ', 'warning member-unreachable']);
    expect(report.text).not.toContain('is not a member');
  });
});

test('shows ids in hexadecimal, like etcdctl', async () => {
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

test('shows ids of members without a name in hexadecimal', async () => {
  const id = '9372538179322589801';
  const report = await runOnFakes({
    alarms: [{ memberID: id, alarm: 'NOSPACE' }],
    members: [{}, {}, {}, { id, state: 'down', name: '', listed: { clientURLs: [] } }],
  });
  expect(report.text).toContain('8211f1d0f64f3269');
  expect(report.text).not.toContain(id);
  expect(summaryOf(report, 'member-never-started')).toContain('8211f1d0f64f3269');
});
