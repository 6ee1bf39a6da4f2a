import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { compute, controllers, factsOf, service } from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { Facts, HostFacts } from './facts.ts';
import { clockAhead, memoryAlarm, oneComputeDown } from './stories.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const FRESH = '2026-11-26T11:59:52Z';
const CONTROL = controllers(3, FRESH);
const DOWN = { isUp: false } as const;

const reportOf = (services: readonly ports.CloudService[], known: Partial<Facts> = {}) =>
  diagnose(factsOf(services, known), {}, NOW);
const shortOf = ({ findings }: ReturnType<typeof diagnose>) =>
  findings.map(({ severity, target, reason }) => `${severity} ${target}: ${reason}`);
const offersOf = ({ findings }: ReturnType<typeof diagnose>) =>
  findings.flatMap(({ offers = [] }) =>
    offers.map(({ remediation, params }) => `${remediation} ${params.host}`),
  );
const textOf = (report: ReturnType<typeof diagnose>) => JSON.stringify(report);

const many = (amount: number, at: string, known: Partial<ports.CloudService> = {}, from = 1) =>
  Array.from({ length: amount }, (_, number) => compute(`cmp-${number + from}`, at, known));

describe('stories', () => {
  const of = ({ facts, now }: typeof memoryAlarm) => diagnose(facts, {}, now);

  test('a memory alarm of RabbitMQ takes all computes down', () => {
    const report = of(memoryAlarm);

    expect(shortOf(report)).toEqual([
      'critical control plane (RabbitMQ): control-plane',
      'info compute-12: fenced',
    ]);
    expect(report.verdict).toBe('All 11 computes stopped reporting together: RabbitMQ has an alarm');
    expect(report.findings[0]).toMatchObject({
      summary: expect.stringContaining(
        'its alarm (memory on rabbit@ctl-2) blocks publishers. Check `/rabbit health`',
      ),
      next: [{ check: 'rabbit/health' }],
    });
    expect(report.findings[0]).not.toHaveProperty('targets');
    const [computes] = report.findings[0]!.evidence ?? [];
    expect(computes).toMatchObject({
      label: 'Computes',
      value: expect.stringContaining('compute-5') as string,
    });
    expect(JSON.stringify(computes)).not.toContain('compute-12');
    expect(offersOf(report)).toEqual([]);
  });

  test('the clock of one conductor is ahead', () => {
    const report = of(clockAhead);

    expect(shortOf(report)).toEqual(['critical ctl-2: conductor-clock']);
    expect(report.verdict).toBe('The clock of ctl-2 is 9 minutes ahead, so Nova misjudges 2 computes');
    expect(report.findings[0]!.summary).toContain('cmp-2 and cmp-4 count as down only because it saved');
    expect(textOf(report)).not.toMatch(/computes? (is|are) down/);
    expect(offersOf(report)).toEqual([]);
  });

  test('one compute is down, and another one can be enabled again', () => {
    const report = of(oneComputeDown);

    expect(shortOf(report)).toEqual(['critical server38: compute-down', 'info server39: still-disabled']);
    expect(offersOf(report)).toEqual(['disable-compute server38', 'enable-compute server39']);
    expect(report.findings[0]).toMatchObject({ next: [{ check: 'net/bonds', args: { hosts: 'server38' } }] });
    expect(report.measures).toEqual([
      { label: 'server38 in openstack', value: 1, unit: 'enabled' },
      { label: 'server39 in openstack', value: 0, unit: 'enabled' },
    ]);
  });
});

test('that a host responds over ssh is said once, and what to check there', () => {
  const { facts, now } = oneComputeDown;
  const hosts = facts.hosts.map(({ host, sshName, reports }) => ({ host, sshName, reports }));
  const report = diagnose({ ...facts, hosts }, {}, now);

  expect(textOf(report).match(/responds over ssh/g)).toHaveLength(1);
  expect(textOf(report)).toContain('On server38, check `systemctl status nova-compute`');
});

describe('what is broken is never clear', () => {
  test.each([
    [
      'no scheduler is up',
      [
        ...CONTROL.filter(({ binary }) => binary === 'nova-conductor'),
        service('nova-scheduler', 'ctl-1', FRESH, DOWN),
        ...many(3, FRESH),
      ],
      ['critical nova-scheduler: no-scheduler'],
    ],
    [
      'all computes are disabled',
      [...CONTROL, ...many(2, FRESH, { isEnabled: false, disabledReason: 'moving' })],
      ['critical nova-compute: all-disabled'],
    ],
    [
      'the only compute is fenced',
      [...CONTROL, compute('cmp-1', FRESH, { ...DOWN, isForcedDown: true })],
      ['critical nova-compute: all-disabled', 'info cmp-1: fenced'],
    ],
    [
      'one conductor is down',
      [service('nova-conductor', 'ctl-9', '2026-11-26T10:00:00Z', DOWN), ...CONTROL, ...many(3, FRESH)],
      ['warning ctl-9: service-down'],
    ],
    [
      'a controller is down',
      [
        ...controllers(1, '2026-11-26T10:00:00Z').map((one) => ({ ...one, host: 'ctl-9', isUp: false })),
        ...CONTROL,
        ...many(3, FRESH),
      ],
      ['warning ctl-9: service-down'],
    ],
    [
      'no conductor is up, and computes are about to go down',
      [
        service('nova-conductor', 'ctl-1', '2026-11-26T11:58:00Z', DOWN),
        service('nova-scheduler', 'ctl-1', FRESH),
        ...many(3, FRESH),
      ],
      ['critical control plane: no-conductor'],
    ],
    [
      'Nova has disabled a compute itself',
      [
        ...CONTROL,
        ...many(3, FRESH),
        compute('cmp-9', FRESH, { isEnabled: false, disabledReason: 'AUTO: Connection to libvirt lost: 1' }),
      ],
      ['warning cmp-9: disabled-by-nova'],
    ],
    [
      'a compute that Wrench disabled is still down',
      [
        ...CONTROL,
        ...many(3, FRESH),
        compute('cmp-9', '2026-11-26T10:00:00Z', {
          ...DOWN,
          isEnabled: false,
          disabledReason: 'wrench m0123456789abcdef: nova-compute is down',
        }),
      ],
      ['critical cmp-9: compute-down'],
    ],
    [
      'a compute is down and was disabled without a reason',
      [
        ...CONTROL,
        ...many(3, FRESH),
        compute('cmp-9', '2026-11-26T10:00:00Z', { ...DOWN, isEnabled: false }),
      ],
      ['warning cmp-9: compute-down'],
    ],
  ] as const)('%s', (_, services, expected) => {
    expect(shortOf(reportOf(services))).toEqual(expected);
  });

  test('computes without conductors in the answer', () => {
    expect(shortOf(reportOf(many(4, '2026-11-26T11:30:00Z', DOWN)))).toEqual([
      'critical control plane: control-plane',
    ]);
  });
});

const { updatedAt: _, ...NEVER_SEEN } = compute('cmp-9', FRESH, DOWN);

describe('what is healthy is never critical', () => {
  test.each([
    ['a new compute that has never reported', NEVER_SEEN, 'info cmp-9: never-reported'],
    [
      'planned maintenance with a reason',
      compute('cmp-9', '2026-11-20T08:00:00Z', { ...DOWN, isEnabled: false, disabledReason: 'ticket 7' }),
      'info cmp-9: disabled',
    ],
    [
      'a disabled compute that is up',
      compute('cmp-9', FRESH, { isEnabled: false, disabledReason: 'canary' }),
      'info cmp-9: disabled',
    ],
    [
      'a fenced compute',
      compute('cmp-9', '2026-11-20T08:00:00Z', { ...DOWN, isForcedDown: true }),
      'info cmp-9: fenced',
    ],
  ] as const)('%s', (_, one, expected) => {
    const report = reportOf([...CONTROL, ...many(3, FRESH), one]);

    expect(shortOf(report)).toEqual([expected]);
    expect(offersOf(report)).toEqual([]);
  });

  test('old times of services that Nova calls up, and many computes', () => {
    const report = reportOf([...CONTROL, ...many(40, '2026-11-26T11:57:00Z')]);

    expect(report.findings).toEqual([]);
    expect(report.verdict).toBe('40 of 40 computes are up, and 6 other services');
  });

  test('many computes that people shut down together on purpose', () => {
    const off = many(5, '2026-11-25T08:00:00Z', { ...DOWN, isEnabled: false, disabledReason: 'rack move' });

    expect(
      new Set(
        shortOf(reportOf([...CONTROL, compute('cmp-9', FRESH), ...off])).map((one) => one.split(' ')[0]),
      ),
    ).toEqual(new Set(['info']));
  });
});

describe('computes that stop together', () => {
  const AT = '2026-11-26T11:41:05Z';

  test('most of them are one finding, without an alarm too', () => {
    const report = reportOf([...CONTROL, ...many(2, FRESH), ...many(5, AT, DOWN, 10)]);

    expect(shortOf(report)).toEqual(['critical control plane (RabbitMQ): control-plane']);
    expect(offersOf(report)).toEqual([]);
  });

  test('one that was down before is another finding, without an offer', () => {
    const old = compute('cmp-99', '2026-11-26T02:00:00Z', DOWN);
    const report = reportOf([...CONTROL, ...many(5, AT, DOWN), old]);

    expect(shortOf(report)).toEqual([
      'critical cmp-99: compute-down',
      'critical control plane (RabbitMQ): control-plane',
    ]);
    expect(offersOf(report)).toEqual([]);
    expect(textOf(report)).toContain('not offered: the control plane is the cause');
  });

  test('all of them, one after another', () => {
    const services = [0, 1, 2, 3].map((at) =>
      compute(`cmp-${at}`, `2026-11-26T11:${10 + 10 * at}:00Z`, DOWN),
    );

    expect(shortOf(reportOf([...CONTROL, ...services]))).toEqual([
      'critical control plane (RabbitMQ): control-plane',
    ]);
  });

  test('with the conductors, the database or the conductors are the cause', () => {
    const all = [
      ...CONTROL.map((one) => ({ ...one, isUp: false, updatedAt: new Date(AT) })),
      ...many(4, AT, DOWN),
    ];
    const alarms = [{ broker: 'rabbitmq', alarms: [{ node: 'rabbit@ctl-2', resource: 'memory' }] }];

    const [first, ...others] = reportOf(all, { alarms }).findings;
    expect(first).toMatchObject({ target: 'control plane', severity: 'critical' });
    expect(first!.summary).toContain('the database');
    expect(others).toEqual([]);
    const schedulersUp = all.map((one) =>
      one.binary === 'nova-scheduler' ? { ...one, isUp: true, updatedAt: new Date(FRESH) } : one,
    );
    expect(reportOf(schedulersUp).findings).toMatchObject([
      { target: 'control plane', summary: expect.stringContaining('the conductors: all 3 are down') },
    ]);
  });

  test('hosts that are not reachable either point to what they share', () => {
    const hosts = (unreachable?: string) =>
      ['cmp-1', 'cmp-2'].map((host): HostFacts => ({
        host,
        sshName: host,
        reports: [],
        ...(unreachable !== undefined && { unreachable }),
      }));
    const services = [...CONTROL, ...many(4, AT, DOWN)];

    expect(shortOf(reportOf(services, { hosts: hosts('racks: timed out') }))).toEqual([
      'critical control plane: control-plane',
    ]);
    const reachable = reportOf(services, { hosts: hosts() });
    expect(shortOf(reachable)).toEqual(['critical control plane (RabbitMQ): control-plane']);
    expect(textOf(reachable)).toContain('Reachable over ssh');
  });

  test('few of many are one finding each, which name each other', () => {
    const report = reportOf([...CONTROL, ...many(20, FRESH), ...many(2, AT, DOWN, 50)]);

    expect(shortOf(report)).toEqual(['critical cmp-50: compute-down', 'critical cmp-51: compute-down']);
    expect(offersOf(report)).toEqual(['disable-compute cmp-50', 'disable-compute cmp-51']);
    expect(textOf(report)).toContain('At the same time');
  });

  describe('some of many', () => {
    const up20 = many(20, FRESH);

    test('are one finding without an offer, and the others are judged alone', () => {
      const alone = compute('cmp-99', '2026-11-26T02:00:00Z', DOWN);
      const report = reportOf([...CONTROL, ...up20, ...many(4, AT, DOWN, 50), alone]);

      expect(shortOf(report)).toEqual([
        'critical cmp-99: compute-down',
        'critical nova-compute: computes-together',
      ]);
      expect(report.findings[1]?.targets).toEqual(['cmp-50', 'cmp-51', 'cmp-52', 'cmp-53']);
      expect(offersOf(report)).toEqual(['disable-compute cmp-99']);
    });

    test('are named by their zone if all of it is down', () => {
      const report = reportOf([...CONTROL, ...up20, ...many(4, AT, { ...DOWN, zone: 'az2' }, 50)]);

      expect(shortOf(report)).toEqual(['critical zone az2: computes-together']);
      expect(textOf(report)).toContain('all of the zone az2');
    });

    test('point to RabbitMQ if it has an alarm', () => {
      const alarms = [{ broker: 'rabbitmq', alarms: [{ node: 'rabbit@ctl-2', resource: 'memory' }] }];

      expect(shortOf(reportOf([...CONTROL, ...up20, ...many(4, AT, DOWN, 50)], { alarms }))).toEqual([
        'critical control plane (RabbitMQ): computes-together',
      ]);
    });

    test('are no group if people shut them down, or if they stopped at different times', () => {
      const planned = many(4, AT, { ...DOWN, isEnabled: false, disabledReason: 'rack move' }, 50);
      const apart = ['08', '09', '10'].map((hour) =>
        compute(`cmp-${hour}`, `2026-11-26T${hour}:30:00Z`, DOWN),
      );

      for (const services of [planned, apart])
        expect(textOf(reportOf([...CONTROL, ...up20, ...services]))).not.toContain('together');
    });
  });

  test('a cloud is named if there are several', () => {
    const cloud = {
      name: 'west',
      services: [...CONTROL, ...many(4, AT, DOWN)],
      changes: { allowed: true },
    } as const;

    expect(
      shortOf(diagnose({ clouds: [cloud], hasSeveralClouds: true, alarms: [], hosts: [] }, {}, NOW)),
    ).toEqual(['critical west:control plane (RabbitMQ): control-plane']);
  });
});

describe('clocks', () => {
  const conductor = (host: string, at: string, known = {}) => service('nova-conductor', host, at, known);

  test('each conductor that is ahead is one finding, with the computes whose reports it saved', () => {
    const report = reportOf([
      conductor('ctl-1', FRESH),
      conductor('ctl-2', '2026-11-26T12:07:10Z', DOWN),
      conductor('ctl-3', '2026-11-26T12:14:31Z', DOWN),
      ...many(4, FRESH),
      compute('cmp-7', '2026-11-26T12:07:04Z', DOWN),
      compute('cmp-8', '2026-11-26T12:14:29Z', DOWN),
    ]);

    expect(shortOf(report)).toEqual(['critical ctl-2: conductor-clock', 'critical ctl-3: conductor-clock']);
    expect(report.findings.map(({ summary }) => /cmp-\d/.exec(summary)?.[0])).toEqual(['cmp-7', 'cmp-8']);
  });

  test('a compute that is really down is not explained by a clock, and nothing is offered for it', () => {
    const report = reportOf([
      conductor('ctl-1', FRESH),
      conductor('ctl-3', '2026-11-26T12:14:31Z', DOWN),
      ...many(4, FRESH),
      compute('cmp-8', '2026-11-26T12:14:29Z', DOWN),
      compute('cmp-9', '2026-11-26T09:00:00Z', DOWN),
    ]);

    expect(shortOf(report)).toEqual(['critical cmp-9: compute-down', 'critical ctl-3: conductor-clock']);
    expect(offersOf(report)).toEqual([]);
    expect(textOf(report)).toContain('not offered: a wrong clock may be the cause');
  });

  test('a compute with a time in the future and no such conductor is one finding about clocks', () => {
    const services = [
      conductor('ctl-1', FRESH),
      ...many(4, FRESH),
      compute('cmp-8', '2026-11-26T12:14:29Z', DOWN),
    ];

    expect(shortOf(reportOf(services))).toEqual(['critical nova-conductor: conductor-clock']);
  });

  test('the clock of Wrench decides nothing while services are up', () => {
    // Wrench is 15 minutes behind, and one compute is down.
    const late = new Date('2026-11-26T11:45:00Z');
    const services = [...CONTROL, ...many(4, FRESH), compute('cmp-8', '2026-11-26T11:55:00Z', DOWN)];

    expect(shortOf(diagnose(factsOf(services), {}, late))).toEqual(['critical cmp-8: compute-down']);
  });

  const BEHIND = [
    conductor('ctl-1', FRESH),
    conductor('ctl-3', '2026-11-26T11:45:31Z', DOWN),
    ...many(4, FRESH),
    compute('cmp-8', '2026-11-26T11:45:29Z', DOWN),
  ];
  const hosts = (clockAheadMs: number): readonly HostFacts[] => [
    { host: 'ctl-3', sshName: 'ctl-3', clockAheadMs, reports: [] },
  ];

  test('a conductor and a compute that stopped together may be a clock that is behind', () => {
    const report = reportOf(BEHIND);

    expect(shortOf(report)).toEqual(['critical ctl-3: conductor-and-computes']);
    expect(offersOf(report)).toEqual([]);
    expect(report.findings[0]!.summary).toContain('check time sync on ctl-3 first');
  });

  test('the clock of the host decides whether it is behind', () => {
    const right = reportOf(BEHIND, { hosts: hosts(200) });
    expect(offersOf(right)).toEqual([]);
    expect(shortOf(reportOf(BEHIND, { hosts: hosts(-870_000) }))).toEqual([
      'critical ctl-3: conductor-clock',
    ]);
    expect(shortOf(reportOf(BEHIND, { hosts: hosts(200) }))).toEqual([
      'critical cmp-8: compute-down',
      'warning ctl-3: service-down',
    ]);
  });
});

describe('what is offered', () => {
  const one = compute('cmp-9', '2026-11-26T10:00:00Z', DOWN);

  test('nothing if more than half of the computes that are up would be disabled', () => {
    expect(offersOf(reportOf([...CONTROL, ...many(2, FRESH), one]))).toEqual(['disable-compute cmp-9']);
    const few = reportOf([...CONTROL, ...many(1, FRESH), one]);
    expect(offersOf(few)).toEqual([]);
    expect(textOf(few)).toContain('not offered: 1 compute that is down would be disabled, and only 1 is up');
    const disabled = compute('cmp-8', '2026-11-26T09:00:00Z', {
      ...DOWN,
      isEnabled: false,
      disabledReason: 'wrench m0123456789abcdef: nova-compute is down',
    });
    expect(offersOf(reportOf([...CONTROL, ...many(3, FRESH), disabled, one]))).toEqual([]);
  });

  test('nothing if it is not allowed, or without an id', () => {
    const changes = { allowed: false, because: '`allow.disable` is not configured' } as const;
    const services = [...CONTROL, ...many(4, FRESH), one];
    const report = reportOf([], { clouds: [{ name: 'openstack', services, changes }] });

    expect(offersOf(report)).toEqual([]);
    expect(textOf(report)).toContain('not offered: `allow.disable` is not configured');
    const { id: _, ...unnamed } = one;
    expect(offersOf(reportOf([...CONTROL, ...many(4, FRESH), unnamed]))).toEqual([]);
  });

  test.each(['ticket 4471', 'wrench: out of order', 'wrench mX: y', ''])(
    'no enabling of what was disabled by others: %s',
    (disabledReason) => {
      const services = [
        ...CONTROL,
        ...many(4, FRESH),
        compute('cmp-9', FRESH, { isEnabled: false, disabledReason }),
      ];

      expect(offersOf(reportOf(services))).toEqual([]);
    },
  );
});

test('no services at all are not examined', () => {
  expect(reportOf([])).toMatchObject({ examined: 0, findings: [] });
});
