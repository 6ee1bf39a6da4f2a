import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { diagnose } from './diagnose.ts';
import { factsOf, instance } from './builders.ts';

const MONIT = { supervisor: 'host', source: 'edge', name: 'edge' } as const;

function fault(name: string, known: Partial<ports.ServiceFault> = {}): ports.ServiceFault {
  return {
    name,
    type: 'filesystem',
    state: 'failing',
    failures: ['a resource limit is exceeded'],
    failsInstance: true,
    ...known,
  };
}

function machine(name: string, faults: readonly ports.ServiceFault[], known: object = {}): ports.Instance {
  const restart = { allowed: true, scope: 'process', processes: ['rep'], sideEffects: [] } as const;
  const state = faults.some(({ failsInstance }) => failsInstance) ? 'failing' : 'running';
  return instance(name, ['rep'], { state, faults, restart, ...known });
}

function report(instances: readonly ports.Instance[]) {
  return diagnose(factsOf(instances, MONIT));
}

function lines(instances: readonly ports.Instance[]): readonly string[] {
  return report(instances).findings.map(
    ({ severity, reason, target, summary }) => `${severity} ${reason} ${target}: ${summary}`,
  );
}

test('a disk and a file that fail are shown with their type and the reason, and offer no restart', () => {
  const instances = [
    machine('cell/0', [
      fault('data-disk', { message: 'space usage 98.4% matches resource limit' }),
      fault('store.log', { type: 'file', failures: ['it does not exist'] }),
    ]),
  ];
  const { verdict, findings } = report(instances);
  expect(verdict).toBe('1 instance has failing services (filesystem data-disk and file store.log)');
  expect(lines(instances)).toEqual([
    'warning service-failing edge:cell/0 filesystem data-disk: cell/0: filesystem data-disk is failing: a resource limit is exceeded',
    'warning service-failing edge:cell/0 file store.log: cell/0: file store.log is failing: it does not exist',
  ]);
  expect(findings[0]?.evidence).toContainEqual({
    kind: 'field',
    label: 'monit says',
    value: 'space usage 98.4% matches resource limit',
  });
  expect(findings.some(({ offers }) => offers !== undefined)).toBe(false);
});

test('a machine that exceeds a limit is a warning, although no job depends on it', () => {
  const box = fault('box', { type: 'system', failsInstance: false });
  expect(lines([machine('cell/0', [box]), machine('cell/1', [])])).toEqual([
    'warning service-failing edge:cell/0 system box: cell/0: system box is failing: a resource limit is exceeded',
  ]);
});

test.each([
  [{ state: 'unmonitored', failsInstance: true }, 'warning', 'has failing services'],
  [{ state: 'unmonitored', failsInstance: false }, 'info', 'has services that are not monitored'],
  [{ state: 'starting', failsInstance: true }, 'info', 'is still starting'],
] as const)('a file that is %o is %s', (known, severity, words) => {
  const { verdict, findings } = report([
    machine('cell/0', [fault('log', { ...known, type: 'file', failures: [] })]),
  ]);
  expect(findings.map((one) => one.severity)).toEqual([severity]);
  expect(verdict).toBe(`1 instance ${words} (file log)`);
});

test('a service that fails on most machines is one finding', () => {
  const full = ['cell/0', 'cell/1', 'cell/2'].map((name) => machine(name, [fault('data')]));
  const { verdict, findings } = report([...full, machine('cell/3', [])]);
  expect(verdict).toBe('Filesystem data fails on 3 of 4 machines');
  expect(findings.map(({ severity, reason }) => `${severity} ${reason}`)).toEqual([
    'critical service-failing-on-many',
  ]);
});

test('an instance with a process and a disk that fail has two findings, and counts once', () => {
  const both = {
    ...machine('cell/0', [fault('data')]),
    processes: [{ name: 'rep', state: 'failing' as const }],
  };
  const { verdict, findings } = report([both, machine('cell/1', [])]);
  expect(verdict).toBe('1 of 2 instances has processes that are not running');
  expect(findings.map(({ reason }) => reason)).toEqual(['processes-not-running', 'service-failing']);
});

const failing = (name: string, known: object = {}) =>
  instance(name, ['rep', 'garden'], { state: 'failing', ...known });

test.each([
  [
    'one of several',
    [failing('cell/0'), instance('cell/1', ['rep', 'garden'])],
    ['warning instance-failing'],
  ],
  [
    'half of them',
    [failing('a/0'), failing('b/0'), instance('c/0', ['x']), instance('d/0', ['x'])],
    ['warning instance-failing', 'warning instance-failing'],
  ],
  ['most of them', [failing('a/0'), failing('b/0'), instance('c/0', ['x'])], ['critical instances-failing']],
  ['an ignored one', [failing('a/0', { ignored: true }), instance('c/0', ['x'])], ['info instance-failing']],
  [
    'one without processes',
    [instance('a/0', [], { state: 'failing' }), instance('c/0', ['x'])],
    ['warning instance-failing'],
  ],
  [
    'one next to a shared cause',
    [
      failing('a/0'),
      ...['b/0', 'c/0', 'd/0'].map((name) => instance(name, ['x', { metron_agent: 'failing' }])),
    ],
    ['critical process-not-running-on-many', 'warning instance-failing'],
  ],
  [
    'one while nothing is running on most others',
    [failing('a/0'), ...['b/0', 'c/0'].map((name) => instance(name, [{ x: 'failing', y: 'failing' }]))],
    ['critical nothing-runs', 'warning instance-failing'],
  ],
] as const)(
  'an agent that reports failing while every process is running is reported: %s',
  (_, instances, expected) => {
    for (const lock of [undefined, { taskId: '1180', description: 'create deployment' }]) {
      const { findings } = diagnose(factsOf(instances, lock ? { lock } : {}));
      const said = findings.map(({ severity, reason }) => `${severity} ${reason}`);
      expect(
        lock
          ? said.map((one) => one.replace('critical nothing', 'warning nothing')).toSorted()
          : said.toSorted(),
      ).toEqual(
        (lock
          ? expected.map((one) => one.replace('critical nothing', 'warning nothing'))
          : [...expected]
        ).toSorted(),
      );
    }
  },
);
