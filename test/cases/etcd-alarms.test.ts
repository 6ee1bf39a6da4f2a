import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Etcd, startEtcd } from '../world/etcd.ts';
import type { FakeAlarm, FakeMember } from '../world/etcd/fake-cluster.ts';
import { criticals, faults, runEtcdHealth, runOnFakes, summaryOf } from './run-etcd-health.ts';

const [ONE, TWO] = ['1000000000000000001', '1000000000000000002'];
const three: readonly FakeMember[] = [{}, {}, {}];
const maintain = { allow: { maintain: true } };
const noSpace: FakeAlarm = { memberID: ONE, alarm: 'NOSPACE' };
const corrupt: FakeAlarm = { memberID: TWO, alarm: 'CORRUPT' };
const GIB = 1024 ** 3;

const whole = (bytes: number) => String(Math.round(bytes));

/** Every member's file size, and how much of it is in use. */
function sized(sizeBytes: number, inUseBytes: number): readonly FakeMember[] {
  const status = { dbSize: whole(sizeBytes), dbSizeInUse: whole(inUseBytes) };
  return [{ status }, { status }, { status }];
}

describe('on a real cluster', () => {
  let etcd: Etcd;
  beforeAll(async () => {
    etcd = await startEtcd({ members: 3, tls: false });
  });
  afterAll(() => etcd.close());

  const raise = async (memberID: string, alarm: string) =>
    expect(await etcd.ask.v3('maintenance/alarm', { action: 'ACTIVATE', memberID, alarm })).toMatchObject({
      status: 200,
    });

  // https://github.com/etcd-io/etcd/issues/14849: the gateway omits an id of 0.
  test('reports CORRUPT without a member id, and then NOSPACE too', async () => {
    const config = { endpoints: etcd.access.endpoints, ...maintain };
    await raise('0', 'CORRUPT');
    const report = await runEtcdHealth(config);
    expect(faults(report)).toEqual(['critical corrupt']);
    expect(report.offers).toEqual([]);

    await raise('1', 'NOSPACE');
    const both = await runEtcdHealth(config);
    expect(faults(both)).toEqual(['critical corrupt', 'critical no-space']);
    expect(both.offers).toEqual([]);
  });
});

describe('an alarm without a member id', () => {
  test('offers the fix for NOSPACE, and says that the alarm names no member', async () => {
    const report = await runOnFakes(
      { members: sized(1.9 * GIB, 0.2 * GIB), alarms: [{ alarm: 'NOSPACE' }] },
      maintain,
    );
    expect(criticals(report)).toEqual(['critical no-space']);
    expect(report.offers).toEqual(['free-space']);
    expect(report.text).not.toContain('undefined');
  });

  test('reports CORRUPT from the status alone if listing alarms is denied', async () => {
    const report = await runOnFakes(
      {
        members: three,
        alarms: [{ alarm: 'CORRUPT' }],
        answers: {
          'alarm list': { status: 403, json: { message: 'etcdserver: permission denied', code: 7 } },
        },
      },
      { ...maintain, auth: { username: 'reader', password: 'x' } },
    );
    expect(faults(report)).toEqual(['critical corrupt']);
  });

  test('reports CORRUPT if only one member lists it', async () => {
    const report = await runOnFakes({
      members: [{}, { answers: { 'alarm list': { json: { alarms: [{ alarm: 'CORRUPT' }] } } } }, {}],
    });
    expect(faults(report)).toEqual(['critical corrupt']);
  });

  test('reports an alarm without any fields', async () => {
    const report = await runOnFakes({
      members: three,
      answers: { 'alarm list': { json: { alarms: [{}] } } },
    });
    expect(faults(report)).toEqual(['warning unknown-alarm']);
  });
});

describe('an alarm of unknown kind', () => {
  test('is reported by its name: READONLY of 3.7', async () => {
    const report = await runOnFakes({
      version: '3.7.0',
      members: [{}, {}],
      alarms: [{ memberID: ONE, alarm: 'READONLY' }],
    });
    expect(faults(report)).toEqual(['warning unknown-alarm']);
    expect(summaryOf(report, 'unknown-alarm')).toContain('READONLY');
  });

  test('is reported by its number if the gateway has no name for it', async () => {
    const report = await runOnFakes({ members: three, alarms: [{ memberID: ONE, alarm: 3 }] });
    expect(faults(report)).toEqual(['warning unknown-alarm']);
    expect(summaryOf(report, 'unknown-alarm')).toContain('3');
  });

  test('is reported together with NOSPACE, and no fix is offered', async () => {
    const report = await runOnFakes(
      { members: three, alarms: [noSpace, { memberID: TWO, alarm: 'READONLY' }] },
      maintain,
    );
    expect(faults(report)).toEqual(['critical no-space', 'warning unknown-alarm']);
    expect(report.offers).toEqual([]);
  });

  test('is reported twice: once from a removed member, once without a member', async () => {
    const report = await runOnFakes({
      members: three,
      alarms: [{ memberID: '9372538179322589801', alarm: 'FROZEN' }, { alarm: 'READONLY' }],
    });
    expect(faults(report)).toEqual(['warning unknown-alarm', 'warning unknown-alarm']);
    expect(report.text).toContain('8211f1d0f64f3269');
  });

  test('is shown without its name if that is not a plain word', async () => {
    const report = await runOnFakes({
      members: three,
      alarms: [{ memberID: ONE, alarm: '<!channel> *x*\u202e' }],
    });
    expect(faults(report)).toEqual(['warning unknown-alarm']);
    expect(summaryOf(report, 'unknown-alarm')).not.toMatch(/channel|\u202e/);
  });
});

describe('an alarm that only some responses show', () => {
  test('is reported from the status while the list is empty', async () => {
    const report = await runOnFakes({
      members: three,
      alarms: [noSpace],
      answers: { 'alarm list': { json: { header: {} } } },
    });
    expect(criticals(report)).toEqual(['critical no-space']);
  });

  test('is reported from one status, without a trailing space and among other errors', async () => {
    const errors = ['etcdserver: no leader', `memberID:${ONE} alarm:CORRUPT`, 'something new'];
    const report = await runOnFakes({ members: [{ status: { errors } }, {}, {}] });
    expect(criticals(report)).toContain('critical corrupt');
  });

  test('is reported verbatim if the error in the status is unknown', async () => {
    const report = await runOnFakes({
      members: [{ status: { errors: ['etcdserver: corrupt cluster'] } }, {}, {}],
    });
    expect(report.status).not.toBe('clear');
    expect(report.text).toContain('corrupt cluster');
  });

  test('is reported from /health alone', async () => {
    const health = { status: 503, json: { health: 'false', reason: 'ALARM CORRUPT' } };
    const report = await runOnFakes({ members: three, answers: { health } });
    expect(report.status).toBe('found');
    expect(report.text).toContain('CORRUPT');
  });
});

describe('NOSPACE', () => {
  test('offers no fix without permission, and reports the missing permission', async () => {
    const report = await runOnFakes({ members: sized(1.9 * GIB, 0.2 * GIB), alarms: [noSpace] });
    expect(report.offers).toEqual([]);
    expect(report.text).toContain('`allow.maintain` is not configured for the source etcd');
  });

  test('offers the fix with permission', async () => {
    const report = await runOnFakes({ members: sized(1.9 * GIB, 0.2 * GIB), alarms: [noSpace] }, maintain);
    expect(report.offers).toEqual(['free-space']);
    expect(report.text).not.toContain('No fix offered');
  });

  test('offers only disarming once space was freed', async () => {
    const report = await runOnFakes({ members: sized(0.4 * GIB, 0.39 * GIB), alarms: [noSpace] }, maintain);
    expect(criticals(report)).toEqual(['critical no-space']);
    expect(report.offers).toEqual(['disarm']);
    expect(summaryOf(report, 'no-space')).toMatch(/[Dd]isarm/);
    expect(report.text).not.toMatch(/[Cc]ompact/);
  });

  test('offers nothing without permission, even once space was freed', async () => {
    const report = await runOnFakes({ members: sized(0.4 * GIB, 0.39 * GIB), alarms: [noSpace] });
    expect(report.offers).toEqual([]);
    expect(summaryOf(report, 'no-space')).toMatch(/[Dd]isarm/);
    expect(report.text).toContain('`allow.maintain` is not configured for the source etcd');
  });

  test('offers disarming once the quota was raised on all members', async () => {
    const report = await runOnFakes(
      { members: sized(2 * GIB, 1.95 * GIB), metrics: [{ quotaBytes: 8 * GIB }], alarms: [noSpace] },
      maintain,
    );
    expect(report.offers).toEqual(['disarm']);
  });

  test('does not offer disarming if one of three members still has the old quota and would raise the alarm again', async () => {
    const [one, two, last] = sized(2 * GIB, 1.95 * GIB);
    const raised = [{ quotaBytes: 8 * GIB }];
    const report = await runOnFakes(
      { members: [{ ...one, metrics: raised }, { ...two, metrics: raised }, last!], alarms: [noSpace] },
      maintain,
    );
    expect(report.offers).not.toContain('disarm');
  });

  test('does not offer disarming if one of three members is still full', async () => {
    const [free] = sized(0.4 * GIB, 0.39 * GIB);
    const [full] = sized(2 * GIB, 0.39 * GIB);
    const report = await runOnFakes({ members: [free!, free!, full!], alarms: [noSpace] }, maintain);
    expect(report.offers).toEqual(['free-space']);
  });

  test('does not know whether there is space if one member does not report its size', async () => {
    const [free] = sized(0.4 * GIB, 0.39 * GIB);
    const answers = { status: { status: 500, text: '' } };
    const report = await runOnFakes({ members: [free!, free!, { answers }], alarms: [noSpace] }, maintain);
    expect(criticals(report)).toEqual(['critical no-space']);
    expect(report.offers).not.toContain('disarm');
  });

  test('offers nothing while a member is down, and says why', async () => {
    const [one, two] = sized(1.9 * GIB, 0.2 * GIB);
    const report = await runOnFakes(
      { members: [one!, two!, { state: 'down' }], alarms: [noSpace] },
      maintain,
    );
    expect(criticals(report)).toEqual(['critical no-space']);
    expect(report.offers).toEqual([]);
    expect(report.text).toContain('n3 is not healthy');
  });

  test('offers no fix while CORRUPT is raised', async () => {
    const report = await runOnFakes(
      { members: sized(1.9 * GIB, 0.2 * GIB), alarms: [noSpace, corrupt] },
      maintain,
    );
    expect(criticals(report)).toEqual(['critical corrupt', 'critical no-space']);
    expect(report.offers).toEqual([]);
  });

  test('on a real member, offers disarming once space was freed', async () => {
    const etcd = await startEtcd({ tls: false });
    try {
      const alarm = { action: 'ACTIVATE', memberID: '0', alarm: 'NOSPACE' };
      await etcd.ask.v3('maintenance/alarm', alarm);
      const report = await runEtcdHealth({ endpoints: etcd.access.endpoints, ...maintain });
      expect(criticals(report)).toEqual(['critical no-space']);
      expect(report.offers).toEqual(['disarm']);
    } finally {
      await etcd.close();
    }
  });
});

describe('database space', () => {
  test('is judged by the member closest to its own quota, not by the largest file', async () => {
    const [large] = sized(6 * GIB, 5.9 * GIB);
    const [small] = sized(1.9 * GIB, 0.3 * GIB);
    const report = await runOnFakes(
      {
        members: [
          { ...large, metrics: [{ quotaBytes: 16 * GIB }] },
          { ...small, metrics: [{ quotaBytes: 2 * GIB }] },
          { ...large, metrics: [{ quotaBytes: 16 * GIB }] },
        ],
      },
      maintain,
    );
    expect(faults(report)).toEqual(['critical database-filling']);
    expect(summaryOf(report, 'database-filling')).toContain('2 GB of 2.1 GB');
    expect(report.offers).toEqual(['free-space']);
  });

  test('is not full if the largest file belongs to a member with a larger quota', async () => {
    const [large] = sized(6 * GIB, 5.9 * GIB);
    const [small] = sized(1 * GIB, 0.9 * GIB);
    const report = await runOnFakes({
      members: [{ ...large, metrics: [{ quotaBytes: 16 * GIB }] }, small!, small!],
    });
    expect(faults(report)).toEqual([]);
  });

  test('uses the quota in the status of 3.6', async () => {
    const status = {
      dbSize: whole(7.8 * GIB),
      dbSizeInUse: whole(7.7 * GIB),
      dbSizeQuota: whole(8 * GIB),
    };
    const answers = { metrics: { status: 404, text: '404 page not found\n' } };
    const report = await runOnFakes({
      version: '3.6.1',
      answers,
      members: [{ status }, { status }, { status }],
    });
    expect(report.findings).toContain('critical database-filling');
    expect(report.offers).toEqual([]);
  });

  test('is still reported if another member does not respond', async () => {
    const [full] = sized(1.95 * GIB, 1.9 * GIB);
    const report = await runOnFakes({ members: [full!, full!, { state: 'down' }] });
    expect(faults(report)).toEqual(['critical database-filling', 'warning member-unreachable']);
  });
});
