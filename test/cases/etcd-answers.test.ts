import { describe, expect, test } from 'vitest';
import type { FakeAnswer } from '../world/etcd/fake.ts';
import {
  denied,
  type FakeAlarm,
  type FakeMember,
  grpcError,
  hangs,
  later,
  noQuorum,
  resets,
  tooManyRequests,
} from '../world/etcd/fake-cluster.ts';
import { criticals, faults, isFinished, runOnFakes, summaryOf } from './run-etcd-health.ts';

/** A failed request must not discard the responses to the others. */
const three: readonly FakeMember[] = [{}, {}, {}];
const auth = { auth: { username: 'reader', password: 'x' } };
const gone: FakeAlarm = { memberID: '1000000000000000009', alarm: 'NOSPACE' };
const raised: FakeAlarm = { memberID: '1000000000000000001', alarm: 'NOSPACE' };

/** 7000 entries behind in applying; etcd refuses requests from 5000 on. */
const behind: readonly FakeMember[] = [
  { status: { raftAppliedIndex: '893000' } },
  { status: { raftAppliedIndex: '893500' } },
  { status: { raftAppliedIndex: '893400' } },
];

describe('if alarms cannot be listed', () => {
  test.each<[string, FakeAnswer]>([
    // https://github.com/etcd-io/etcd/issues/14379 https://github.com/etcd-io/etcd/issues/17318
    ['it times out', noQuorum],
    ['it hangs', hangs],
    ['it is denied', denied],
    ['the connection is reset', resets],
    ['a proxy does not know the path', { text: '404 page not found\n', status: 404 }],
    ['something else answers', { text: '<html>Welcome to nginx!</html>' }],
    ['an empty answer', { text: '' }],
  ])('because %s: reports NOSPACE from the status', async (_, answer) => {
    const report = await runOnFakes({ members: three, alarms: [gone], answers: { 'alarm list': answer } });
    expect(criticals(report)).toEqual(['critical no-space']);
    expect(report.text).not.toContain('lost its quorum');
    expect(report.offers).toEqual([]);
    expect(isFinished(report)).toBe(true);
  });

  test('by one member only, the others list the alarm', async () => {
    const report = await runOnFakes({
      members: [{}, { answers: { 'alarm list': hangs, status: hangs } }, {}],
      alarms: [raised],
    });
    expect(criticals(report)).toEqual(['critical no-space']);
    expect(report.gapsAt).toEqual(['etcd/n2: alarm list', 'etcd/n2: status']);
  });

  test('and nothing else shows alarms, the report is not clear', async () => {
    const report = await runOnFakes({
      members: three,
      answers: { 'alarm list': noQuorum, status: tooManyRequests },
    });
    expect(report.status).toBe('unknown');
    expect(report.findings).toEqual([]);
  });

  test.each<[string, FakeAnswer]>([
    ['a proxy does not know the path', { text: '404 page not found\n', status: 404 }],
    ['something else answers', { text: '<html>Welcome to nginx!</html>' }],
    ['JSON that is no answer', { json: 'ok' }],
    ['alarms that are no list', { json: { alarms: 'NOSPACE' } }],
  ])('because %s, and the status shows no alarm, the report is not clear', async (_, answer) => {
    const report = await runOnFakes({ members: three, answers: { 'alarm list': answer } });
    expect(report).toMatchObject({ status: 'unknown', findings: [] });
  });
});

describe('a 429 response', () => {
  // https://github.com/etcd-io/etcd/issues/8931 https://github.com/etcd-io/etcd/issues/15477
  test('to the alarm list is reported as lag, not as missing permission', async () => {
    const report = await runOnFakes({
      version: '3.5.7',
      members: behind,
      answers: { 'alarm list': tooManyRequests },
    });
    expect(report.findings).toEqual(['warning member-lagging']);
    expect(summaryOf(report, 'member-lagging')).toContain('7000 entries');
    expect(report.gapsAt).toEqual(['n1', 'n2', 'n3'].map((name) => `etcd/${name}: alarm list`));
    expect(report.text).not.toMatch(/requires a user|not available to this user/);
  });

  test('to the quorum read too leaves the majority unknown, and the lag is still reported', async () => {
    const report = await runOnFakes({
      members: behind,
      answers: { 'alarm list': tooManyRequests, 'quorum read': tooManyRequests },
    });
    expect(report.findings).toContain('warning member-lagging');
    expect(report.gapsAt).toContain('etcd/n1: quorum read');
    expect(report.text).not.toContain('lost its quorum');
  });

  test('to the status of the one lagging member does not make it healthy because of its metrics', async () => {
    const report = await runOnFakes({
      members: [{}, {}, { answers: { status: tooManyRequests, 'alarm list': tooManyRequests } }],
    });
    expect(report.status).toBe('unknown');
    expect(report.gapsAt).toEqual(['etcd/n3: alarm list', 'etcd/n3: status']);
  });
});

describe('permission denied', () => {
  // https://github.com/etcd-io/etcd/issues/21666
  test('for the status falls back to /health, /metrics and a quorum read', async () => {
    const report = await runOnFakes({ version: '3.5.28', members: three, answers: { status: denied } }, auth);
    expect(report).toMatchObject({ status: 'clear', findings: [], gapsAt: [] });
    expect(report.report.notes?.join()).toContain('The status of n1, n2 and n3');
  });

  test('for the status has no fallback if /metrics is served elsewhere', async () => {
    const report = await runOnFakes(
      { members: three, answers: { status: denied, metrics: { text: '404 page not found\n', status: 404 } } },
      auth,
    );
    expect(report).toMatchObject({ status: 'unknown', findings: [] });
  });

  test('for the status, with a member without a leader, reports it from /health and /metrics', async () => {
    const report = await runOnFakes({ members: [{}, {}, { leader: '' }], answers: { status: denied } }, auth);
    expect(faults(report)).toEqual(['warning member-unhealthy']);
    expect(summaryOf(report, 'member-unhealthy')).toContain('n3');
  });

  test('for the alarm list is no gap if the status shows no alarm', async () => {
    const report = await runOnFakes({ members: three, answers: { 'alarm list': denied } }, auth);
    expect(report).toMatchObject({ status: 'clear', findings: [], gapsAt: [] });
    expect(report.report.notes?.join()).toContain('alarm list');
  });

  test('for the alarm list and the status still reports the alarm that /health shows', async () => {
    const report = await runOnFakes(
      { members: three, alarms: [raised], answers: { status: denied, 'alarm list': denied } },
      auth,
    );
    expect(report.status).toBe('found');
    expect(report.text).toContain('NOSPACE');
    expect(report.offers).toEqual([]);
  });

  test('for the alarm list and the status, with an unusable /health, leaves alarms unknown', async () => {
    const health = grpcError(503, 14, 'etcdserver: too many requests');
    const report = await runOnFakes(
      { members: three, answers: { status: denied, 'alarm list': denied, health } },
      auth,
    );
    expect(report).toMatchObject({ status: 'unknown', findings: [] });
  });

  test('for the member list of one member uses the lists of the others', async () => {
    const report = await runOnFakes({ members: [{}, { answers: { 'member list': denied } }, {}] }, auth);
    expect(report).toMatchObject({ status: 'clear', findings: [], gapsAt: [] });
  });

  test('for all member lists leaves the other members unknown', async () => {
    const report = await runOnFakes({ members: three, answers: { 'member list': denied } }, auth);
    expect(report.status).toBe('unknown');
    expect(report.findings).toEqual([]);
  });

  test('for all member lists does not hide NOSPACE', async () => {
    const report = await runOnFakes(
      { members: three, alarms: [raised], answers: { 'member list': denied } },
      auth,
    );
    expect(criticals(report)).toEqual(['critical no-space']);
    expect(report.offers).toEqual([]);
  });

  test('for the quorum read still proves a majority', async () => {
    const report = await runOnFakes({ members: three, answers: { 'quorum read': denied } }, auth);
    expect(report).toMatchObject({ status: 'clear', findings: [], gapsAt: [] });
  });

  test('for everything leaves everything unknown', async () => {
    const answers = { status: denied, 'member list': denied, 'alarm list': denied, 'quorum read': denied };
    const report = await runOnFakes({ members: three, answers }, auth);
    expect(report).toMatchObject({ status: 'unknown', findings: [] });
  });

  test('because of a wrong password is reported, and nothing counts as healthy', async () => {
    const login = grpcError(400, 3, 'etcdserver: authentication failed, invalid user ID or password');
    const report = await runOnFakes({ members: three, answers: { login } }, auth);
    expect(report.status).toBe('unknown');
    expect(report.findings).toEqual([]);
    expect(report.text).toContain('wrong username or password');
  });
});

describe('/health', () => {
  // https://github.com/etcd-io/etcd/issues/13144
  const cannotRead: FakeAnswer = {
    status: 503,
    json: { health: 'false', reason: 'QGET ERROR:etcdserver: user name is empty' },
  };

  test('of 3.5.0 with authentication does not count against the member', async () => {
    const report = await runOnFakes(
      { version: '3.5.0', members: three, answers: { health: cannotRead } },
      auth,
    );
    expect(report).toMatchObject({ status: 'clear', findings: [], gapsAt: [] });
    expect(report.text).toMatch(/health of n1, n2 and n3/);
  });

  test('of 3.5.0 with authentication shows NOSPACE, and no other fault', async () => {
    const report = await runOnFakes(
      { version: '3.5.0', members: three, alarms: [raised], answers: { health: cannotRead } },
      auth,
    );
    expect(report.findings).toEqual(['critical no-space']);
  });

  test('of 3.5.0 with authentication does not hide a member without a leader', async () => {
    const report = await runOnFakes(
      { version: '3.5.0', members: [{}, {}, { leader: '' }], answers: { health: cannotRead } },
      auth,
    );
    expect(report.findings).toEqual(['warning member-unhealthy']);
    expect(summaryOf(report, 'member-unhealthy')).toContain('n3');
  });

  test('with an unknown reason is a fault of that member', async () => {
    const health: FakeAnswer = { status: 503, json: { health: 'false', reason: 'QGET ERROR:disk I/O' } };
    const report = await runOnFakes({ members: [{}, {}, { answers: { health } }] });
    expect(report.findings).toEqual(['warning member-unhealthy']);
    expect(summaryOf(report, 'member-unhealthy')).toContain('n3');
    expect(report.text).toContain('disk I/O');
  });

  test('is unhealthy if it says so with status 200', async () => {
    const health: FakeAnswer = { json: { health: 'false', reason: 'RAFT NO LEADER' } };
    const report = await runOnFakes({ members: [{}, {}, { answers: { health } }] });
    expect(report.findings).toEqual(['warning member-unhealthy']);
  });
});

describe('slow responses', () => {
  test('of one second each are no fault', async () => {
    const slow = (answer: FakeAnswer) => later(1_000, answer);
    const report = await runOnFakes({
      members: three,
      answers: {
        health: slow({ json: { health: 'true', reason: '' } }),
        'alarm list': slow({ json: { header: {} } }),
      },
    });
    expect(report).toMatchObject({ status: 'clear', findings: [], gapsAt: [] });
  });

  test('to /version do not hide an alarm', async () => {
    const report = await runOnFakes({ members: three, alarms: [raised], answers: { version: hangs } });
    expect(criticals(report)).toEqual(['critical no-space']);
    expect(isFinished(report)).toBe(true);
  });

  test('to every status, which start and never end, do not hide an alarm', async () => {
    const status: FakeAnswer = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"header":{');
    };
    const report = await runOnFakes({ members: three, alarms: [raised], answers: { status } });
    expect(criticals(report)).toEqual(['critical no-space']);
    expect(isFinished(report)).toBe(true);
  });
});

describe('an unreadable status', () => {
  test.each<[string, FakeAnswer]>([
    ['something else answers', { text: '<html>Welcome to nginx!</html>' }],
    ['an empty object', { json: {} }],
    ['a list', { json: [] }],
  ])('says nothing about a leader: %s', async (_, status) => {
    const report = await runOnFakes({ members: [{}, {}, { answers: { status } }] });
    expect(report).toMatchObject({ status: 'unknown', findings: [], gapsAt: ['etcd/n3: status'] });
  });

  test('with invalid numbers does not count as 0, so the member is not a million entries behind', async () => {
    const report = await runOnFakes({
      members: [{}, {}, { status: { raftIndex: 'many', raftAppliedIndex: null, dbSize: '-1' } }],
    });
    expect(report.findings).toEqual([]);
  });
});
