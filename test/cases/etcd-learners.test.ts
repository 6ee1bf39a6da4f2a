import { afterEach, describe, expect, test } from 'vitest';
import { type Etcd, startEtcd } from '../world/etcd.ts';
import { criticals, faults, runEtcdHealth, runOnFakes, summaryOf } from './run-etcd-health.ts';

/** https://github.com/siderolabs/talos/issues/13710 https://github.com/etcd-io/etcd/issues/18347 */
const started: Etcd[] = [];
afterEach(async () => {
  for (const etcd of started.splice(0)) await etcd.close();
});

async function start(): Promise<Etcd> {
  const etcd = await startEtcd({ members: 3, tls: false });
  started.push(etcd);
  return etcd;
}

const learner = { isLearner: true };
const listedLearner = { listed: learner, status: learner, metrics: [{ isLearner: true }] };

describe('on a real cluster', () => {
  test('a learner that was added and never started has no vote', async () => {
    const etcd = await start();
    const { id } = await etcd.add({ isLearner: true, isStarted: false });
    const report = await runEtcdHealth({ endpoints: etcd.access.endpoints });
    expect(faults(report)).toEqual(['warning member-never-started']);
    expect(summaryOf(report, 'member-never-started')).toContain('no vote');
    expect(report.text).not.toContain('counts toward the quorum');
    expect(report.text).toContain(BigInt(id).toString(16));
  });

  test('a voting member that was added and never started has a vote', async () => {
    const etcd = await start();
    await etcd.add({ isLearner: false, isStarted: false });
    const report = await runEtcdHealth({ endpoints: etcd.access.endpoints });
    expect(faults(report)).toEqual(['warning member-never-started']);
    expect(summaryOf(report, 'member-never-started')).toContain('3 of 4 must agree');
  });

  test('a running learner is a hint, and the quorum survives with one voter fewer', async () => {
    const etcd = await start();
    const { url } = await etcd.add({ isLearner: true, isStarted: true });
    const endpoints = [...etcd.access.endpoints.map((one) => one.url), url];
    const report = await runEtcdHealth({ endpoints });
    expect(report.findings).toEqual(['info member-learner']);

    await etcd.kill((await etcd.leader()) === 0 ? 1 : 0);
    await etcd.leader();
    const without = await runEtcdHealth({ endpoints });
    expect(criticals(without)).toEqual([]);
    expect(summaryOf(without, 'member-unreachable')).toContain('losing one more member would stop them');
  });
});

describe('the quorum', () => {
  test('is complete if only a learner is down', async () => {
    const report = await runOnFakes({ members: [{}, {}, {}, { listed: learner, state: 'down' }] });
    expect(criticals(report)).toEqual([]);
    expect(summaryOf(report, 'member-unreachable')).toContain('no vote');
  });

  test('is lost if two of three voters are down, even with two running learners', async () => {
    const report = await runOnFakes({
      leader: '',
      members: [{}, { state: 'down' }, { state: 'down' }, listedLearner, listedLearner],
    });
    expect(criticals(report)).toEqual(['critical quorum-lost']);
    expect(summaryOf(report, 'quorum-lost')).toContain('1 of 3 members');
  });

  test('survives no further loss if one voter is down, even with a running learner', async () => {
    const report = await runOnFakes({ members: [{}, {}, { state: 'down' }, listedLearner] });
    expect(criticals(report)).toEqual([]);
    expect(summaryOf(report, 'member-unreachable')).toContain('losing one more member would stop them');
  });
});

describe('a learner by its status that is a voter in the member list', () => {
  test('is a warning', async () => {
    const report = await runOnFakes({ members: [{}, {}, { status: learner }] });
    expect(faults(report)).toEqual(['warning member-learner-unlisted']);
  });

  test('is a warning even if only its metrics show it', async () => {
    const report = await runOnFakes(
      {
        members: [{}, {}, { metrics: [{ isLearner: true }] }],
        answers: { status: { status: 403, json: { message: 'etcdserver: permission denied', code: 7 } } },
      },
      { auth: { username: 'reader', password: 'x' } },
    );
    expect(faults(report)).toEqual(['warning member-learner-unlisted']);
  });

  test('is reported together with a listed learner', async () => {
    const report = await runOnFakes({ members: [{}, {}, {}, { status: learner }, listedLearner] });
    expect(report.findings).toContain('warning member-learner-unlisted');
    expect(report.text).toContain('n5');
  });

  test('does not count as a vote while another voter is down', async () => {
    const report = await runOnFakes({
      members: [{}, {}, { state: 'down' }, { status: learner }],
    });
    expect(faults(report).toSorted()).toEqual([
      'warning member-learner-unlisted',
      'warning member-unreachable',
    ]);
  });
});

describe('a lagging learner', () => {
  test('is reported as behind, and etcd refuses to promote it', async () => {
    const report = await runOnFakes({
      members: [
        {},
        {},
        {},
        { ...listedLearner, status: { ...learner, raftIndex: '1000', raftAppliedIndex: '1000' } },
      ],
    });
    expect(report.findings).toEqual(['warning member-lagging', 'info member-learner']);
    expect(summaryOf(report, 'member-learner')).toContain("won't promote");
  });
});
