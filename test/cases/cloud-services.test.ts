import { describe, expect, test } from 'vitest';
import { check } from '../../commands/cloud/services/check.ts';
import { disableCompute } from '../../commands/cloud/services/disable-compute.ts';
import { enableCompute } from '../../commands/cloud/services/enable-compute.ts';
import { brokerSource } from '../../commands/shared/fixture-brokers.ts';
import { hostSource, type StoredHost } from '../../commands/shared/fixture-hosts.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { BrokerAlarm } from '../../src/ports/brokers.ts';
import { SourceError } from '../../src/ports/source-error.ts';
import { serviceObject } from '../world/openstack/objects.ts';
import { openLabCloud } from '../world/openstack/open-source.ts';
import type { CloudObject } from '../world/openstack/protocol.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const MEMORY: readonly BrokerAlarm[] = [{ node: 'rabbit@ctl-2', resource: 'memory' }];

interface World {
  readonly services: readonly CloudObject[];
  /** Of the only broker. Absent: no source of brokers is configured. */
  readonly alarms?: readonly BrokerAlarm[] | SourceError;
  readonly hosts?: readonly StoredHost[];
}

/** Runs the check against a Keystone and a Nova on loopback. */
async function ask({ services, alarms, hosts }: World) {
  const lab = await openLabCloud({ services, config: { allow: { disable: {} } } });
  const url = 'https://ctl-1:15671';
  const report = await runCheck(check, {
    check: 'cloud/services',
    environment: 'prod',
    args: {},
    now: NOW,
    signal: new AbortController().signal,
    deadlineMs: 60_000,
    read: {
      cloud: [lab.cloud],
      ...(alarms && {
        brokers: [
          brokerSource({
            name: 'rabbitmq',
            endpoints: [{ url, ...(alarms instanceof SourceError ? { error: alarms } : { alarms }) }],
          }),
        ],
      }),
      ...(hosts && { hosts: [hostSource({ name: 'racks', now: NOW, hosts })] }),
    },
  });
  return { report, requests: lab.openStack.requests };
}

const faultsOf = ({ findings }: Report) => findings.map(({ severity, target }) => `${severity} ${target}`);
const offersIn = ({ findings }: Report) =>
  findings.flatMap(({ offers = [] }) => offers.map(({ title }) => title));
const gapsOf = ({ gaps }: Report) => gaps.map(({ what, because }) => `${what}: ${because}`);

const down = (host: string, at: string, fields: CloudObject = {}) =>
  serviceObject('nova-compute', host, { state: 'down', updated_at: at, ...fields });
const up = (host: string) => serviceObject('nova-compute', host);
const controllers = ['ctl-1', 'ctl-2', 'ctl-3'].flatMap((host) => [
  serviceObject('nova-conductor', host),
  serviceObject('nova-scheduler', host),
]);
const numbered = (amount: number, make: (at: number) => CloudObject) =>
  Array.from({ length: amount }, (_, at) => make(at + 1));

/** https://github.com/rabbitmq/rabbitmq-server/issues/3225 */
describe('computes that stop together', () => {
  const nine = numbered(9, (at) =>
    down(`cmp-0${at}`, `2026-11-26T11:41:0${at}.000000`, {
      ...(at === 9 && { status: 'disabled', disabled_reason: 'ticket 4471 memory swap' }),
    }),
  );
  const fenced = down('cmp-10', '2026-11-23T09:14:30.000000', {
    status: 'disabled',
    disabled_reason: 'fenced, board replaced',
    forced_down: true,
  });

  test('a memory alarm of RabbitMQ is one finding, without the fenced host and with the disabled one', async () => {
    const { report } = await ask({
      services: [...controllers, ...nine, fenced],
      alarms: MEMORY,
      hosts: [
        {
          name: 'cmp-04',
          logs: {
            'service-reports': [
              {
                at: NOW,
                host: 'cmp-04',
                text: 'Lost connection to nova-conductor for reporting service status.',
              },
            ],
          },
        },
      ],
    });

    expect(report.status).toBe('found');
    expect(faultsOf(report)).toEqual(['critical control plane (RabbitMQ)', 'info cmp-10']);
    expect(report.findings[0]!.evidence?.[0]).toMatchObject({
      label: 'Computes',
      value: expect.stringMatching(/^cmp-01, .*cmp-08 and cmp-09$/) as string,
    });
    expect(JSON.stringify(report.findings[0])).toContain('Lost connection to nova-conductor');
    expect(offersIn(report)).toEqual([]);
    expect(report.gaps).toEqual([]);
  });

  test('without an alarm, nothing else explains it', async () => {
    const { report } = await ask({ services: [...controllers, ...nine], alarms: [] });

    expect(faultsOf(report)).toEqual(['critical control plane (RabbitMQ)']);
    expect(report.findings[0]!.summary).toContain('probably RabbitMQ');
  });

  test('an alarm that could not be read is a gap next to the finding', async () => {
    const error = new SourceError('rabbitmq', 'unreachable', 'timed out');
    const { report } = await ask({ services: [...controllers, ...nine], alarms: error });

    expect(faultsOf(report)).toEqual(['critical control plane (RabbitMQ)']);
    expect(gapsOf(report)).toEqual(['rabbitmq: alarms at ctl-1:15671: timed out']);
  });

  test('most of them, while a few still report', async () => {
    const { report } = await ask({
      services: [...controllers, ...nine, up('cmp-20'), up('cmp-21')],
      alarms: MEMORY,
    });

    expect(faultsOf(report)).toEqual(['critical control plane (RabbitMQ)']);
    expect(offersIn(report)).toEqual([]);
  });

  test('conductors and schedulers that stopped too point to the database', async () => {
    const all = controllers.map((one) => ({
      ...one,
      state: 'down',
      updated_at: '2026-11-26T11:41:02.000000',
    }));
    const { report } = await ask({ services: [...all, ...nine], alarms: [] });

    expect(faultsOf(report)).toEqual(['critical control plane']);
    expect(report.findings[0]!.summary).toContain('the database');
  });
});

/** https://opendev.org/openstack/nova/src/branch/master/nova/servicegroup/drivers/db.py compares the absolute difference. */
describe('clocks of conductors', () => {
  const withConductor = (at: string, ...computes: readonly CloudObject[]) => [
    serviceObject('nova-conductor', 'ctl-1'),
    serviceObject('nova-conductor', 'ctl-2'),
    serviceObject('nova-conductor', 'ctl-3', { state: 'down', updated_at: at }),
    ...['cmp-b01', 'cmp-b03', 'cmp-b04'].map(up),
    ...computes,
  ];

  test('a conductor that is ahead is one finding, and the computes are not', async () => {
    const { report } = await ask({
      services: withConductor(
        '2026-11-26T12:14:31.000000',
        down('cmp-b02', '2026-11-26T12:14:27.000000'),
        down('cmp-b05', '2026-11-26T12:14:29.000000'),
      ),
    });

    expect(faultsOf(report)).toEqual(['critical ctl-3']);
    expect(report.findings[0]!.summary).toContain('The clock of ctl-3 is 14 minutes ahead');
    expect(offersIn(report)).toEqual([]);
    expect(JSON.stringify(report)).not.toMatch(/computes? (is|are) down/);
  });

  test('a conductor that is ahead while no compute is affected at the moment', async () => {
    const { report } = await ask({ services: withConductor('2026-11-26T13:00:00.000000') });

    expect(faultsOf(report)).toEqual(['critical ctl-3']);
  });

  test('a conductor that is behind, known from the clock of its host', async () => {
    const services = withConductor('2026-11-26T11:45:31', down('cmp-b02', '2026-11-26T11:45:27'));
    const hosts = [{ name: 'ctl-3', clock: { time: new Date('2026-11-26T11:45:35Z') } }];

    expect(faultsOf((await ask({ services, hosts })).report)).toEqual(['critical ctl-3']);
    const unknown = (await ask({ services })).report;
    expect(faultsOf(unknown)).toEqual(['critical ctl-3']);
    expect(unknown.findings[0]!.summary).toContain('Either the clock of ctl-3 is');
    expect(offersIn(unknown)).toEqual([]);
  });
});

describe('computes that are down alone', () => {
  const services = [
    ...controllers,
    ...['cmp-1', 'cmp-2', 'cmp-3'].map(up),
    down('cmp-4', '2026-11-26T11:20:00'),
  ];

  test('can be disabled, and the report says whether the host responds', async () => {
    const { report } = await ask({ services, hosts: [{ name: 'cmp-4.example.internal' }] });

    expect(faultsOf(report)).toEqual(['critical cmp-4']);
    expect(report.findings[0]!.summary).toContain('but the host responds over ssh');
    expect(report.findings[0]!.next).toEqual([
      { check: 'net/bonds', args: { hosts: 'cmp-4.example.internal' } },
    ]);
    expect(offersIn(report)).toEqual(['Disable compute cmp-4']);
  });

  test('a host that does not respond is evidence, not a gap', async () => {
    const error = new SourceError('racks', 'unreachable', 'timed out');
    const { report } = await ask({ services, hosts: [{ name: 'cmp-4', error }] });

    expect(JSON.stringify(report.findings)).toContain('not reachable from here (racks: timed out)');
    expect(report.gaps).toEqual([]);
  });
});

test('a compute is disabled, and enabled again once it is up', async () => {
  const failed: Record<string, unknown> = { ...down('cmp-4', '2026-11-26T11:20:00') };
  const services = [...controllers, ...['cmp-1', 'cmp-2', 'cmp-3'].map(up), failed];
  const lab = await openLabCloud({ services, config: { allow: { disable: {} } } });
  const signal = new AbortController().signal;
  const read = { cloud: [lab.cloud] };
  const run = () =>
    runCheck(check, {
      check: 'cloud/services',
      environment: 'prod',
      args: {},
      now: NOW,
      signal,
      deadlineMs: 60_000,
      read,
    });
  const context = {
    read,
    now: NOW,
    signal,
    leftMs: () => 60_000,
    attempt: <T>(_: string, __: T, doIt: () => Promise<T>) => doIt(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
    write: { cloud: () => lab.source.writes!.cloud! },
    applyContext: { idempotencyKey: 'm0123456789abcdef', signal },
    recordStep: () => Promise.resolve(),
  };
  const [offer] = (await run()).findings[0]!.offers!;
  const params = disableCompute.params.parse(offer!.params);

  await disableCompute.apply(context, params, await disableCompute.plan(context, params));

  const disabled = await run();
  expect(faultsOf(disabled)).toEqual(['critical cmp-4']);
  expect(disabled.measures).toEqual([{ ...disableCompute.provenBy!(params), unit: 'enabled' }]);
  expect(offersIn(disabled)).toEqual([]);
  await expect(disableCompute.plan(context, params)).rejects.toMatchObject({ kind: 'missing' });

  Object.assign(failed, { state: 'up', updated_at: '2026-11-26T11:59:55' });
  const [undo] = (await run()).findings[0]!.offers!;
  const known = enableCompute.params.parse(undo!.params);
  await enableCompute.apply(context, known, await enableCompute.plan(context, known));

  expect((await run()).status).toBe('clear');
});

describe('what is not known is not clear', () => {
  test('everything is up, which one request shows', async () => {
    const { report, requests } = await ask({
      services: [...controllers, up('cmp-1'), up('cmp-2')],
      alarms: MEMORY,
    });

    expect(report).toMatchObject({
      status: 'clear',
      verdict: '2 of 2 computes are up, and 6 other services',
    });
    expect(requests.filter((one) => one.startsWith('nova GET /os-'))).toEqual(['nova GET /os-services']);
  });

  test.each<[string, readonly CloudObject[], string]>([
    [
      'a cell is down',
      [...controllers, up('cmp-1'), { binary: 'nova-compute', host: 'cmp-2', status: 'UNKNOWN' }],
      'lab: nova-compute on cmp-2: their cell of Nova is down, so their state is unknown',
    ],
    ['there is no compute', controllers, 'lab: computes: Nova lists no nova-compute'],
    [
      'a state is missing',
      [...controllers, up('cmp-1'), { ...up('cmp-2'), state: null }],
      'lab: nova-compute on cmp-2: Nova did not return their state',
    ],
    [
      'the response is old',
      [...controllers, up('cmp-1')].map((one) => ({ ...one, updated_at: '2026-11-26T09:00:00.000000' })),
      'lab: state of 7 services: Nova calls them up, but most last reported 3 hours ago: the response is old, or the clock of Wrench is ahead',
    ],
    ['nothing is listed', [], 'lab: computes: Nova lists no nova-compute'],
  ])('%s', async (_, services, gap) => {
    const { report } = await ask({ services });

    expect(report.status).toBe('unknown');
    expect(gapsOf(report)).toEqual([gap]);
  });

  test('an administrator is needed', async () => {
    const lab = await openLabCloud({ services: [up('cmp-1')], login: { roles: ['reader'] } });
    const report = await runCheck(check, {
      check: 'cloud/services',
      environment: 'prod',
      args: {},
      now: NOW,
      signal: new AbortController().signal,
      deadlineMs: 60_000,
      read: { cloud: [lab.cloud] },
    });

    expect(report.status).toBe('unknown');
    expect(gapsOf(report)[0]).toContain('needs the policy `os_compute_api:os-services:list`');
  });
});
