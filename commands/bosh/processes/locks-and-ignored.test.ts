import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { diagnose } from './diagnose.ts';
import { deployment, factsOf, instance } from './builders.ts';

const DEPLOY = { lock: { taskId: '1180', description: 'create deployment' } };
const BACK = 'task 1180 (create deployment) is changing cf';

function said(
  instances: readonly ports.Instance[],
  known: Parameters<typeof factsOf>[1] = {},
): readonly string[] {
  return diagnose(factsOf(instances, known)).findings.map(
    ({ severity, target, summary }) => `${severity} ${target}: ${summary}`,
  );
}

function worstOf(instances: readonly ports.Instance[], known: Parameters<typeof factsOf>[1] = {}) {
  return diagnose(factsOf(instances, known)).findings[0]?.severity;
}

const ignored = (name: string, more: Parameters<typeof instance>[1] = [], known: object = {}) =>
  instance(name, more, { ignored: true, ...known });
const silent = { state: 'unresponsive' } as const;

test('ignored instances that do not respond are one finding of severity info, not a shared cause', () => {
  const facts = factsOf([
    ignored('cell/0', [], silent),
    ignored('cell/1', [], silent),
    instance('cell/2', ['rep']),
  ]);
  expect(diagnose(facts)).toMatchObject({
    verdict: '2 ignored instances are not responding',
    findings: [
      {
        reason: 'agent-unresponsive',
        severity: 'info',
        target: 'bosh:cf ignored',
        summary: 'cf: 2 ignored instances are not responding',
      },
    ],
  });
  expect(JSON.stringify(diagnose(facts).findings)).not.toContain('certs expiring');
});

test('a single ignored instance is shown by its name', () => {
  expect(said([ignored('cell/0', [], silent), instance('cell/1', ['rep'])])).toEqual([
    'info bosh:cf/cell/0: cell/0 is ignored and is not responding',
  ]);
});

test.each([
  ['has no VM', [], { state: 'absent' }],
  ['has an unresponsive monit', [], { state: 'unknown' }],
  ['is stopped but should be running', [], { state: 'stopped' }],
  ['has processes that are not running', [{ rep: 'failing' }, 'garden'], {}],
  ['is failing', ['rep', 'garden'], { state: 'failing' }],
  ['is still starting', [{ rep: 'starting' }, 'garden'], {}],
] as const)('an ignored instance that %s is information', (words, processes, known) => {
  const { verdict, findings } = diagnose(
    factsOf([ignored('cell/0', processes, known), instance('cell/1', ['rep', 'garden'])]),
  );
  expect(verdict).toBe(`1 ignored instance ${words}`);
  expect(findings.map(({ severity }) => severity)).toEqual(['info']);
  expect(findings[0]).not.toHaveProperty('offers');
});

test('ignored instances count neither as affected nor in the total', () => {
  const two = [instance('cell/0', [], silent), instance('cell/1', [], silent)];
  const well = [instance('cell/2', ['rep']), instance('cell/3', ['rep'])];
  const reasons = (instances: readonly ports.Instance[]) =>
    diagnose(factsOf(instances)).findings.map(({ reason }) => reason);
  expect(reasons([...two, ...well])).toEqual(['agent-unresponsive', 'agent-unresponsive']);
  // Two of four remain two of four, however many ignored instances do not respond.
  expect(reasons([...two, ...well, ignored('cell/4', [], silent), ignored('cell/5', [], silent)])).toEqual([
    'agent-unresponsive',
    'agent-unresponsive',
    'agent-unresponsive',
  ]);
  // Two of three are most, however many ignored instances are healthy.
  expect(reasons([...two, well[0]!, ignored('cell/4', ['rep']), ignored('cell/5', ['rep'])])).toEqual([
    'agents-unresponsive',
  ]);
});

test('ignored instances do not count for processes, machines or directors', () => {
  const down = (name: string, known: object = {}) => instance(name, ['garden', { rep: 'failing' }], known);
  const dead = (name: string, known: object = {}) =>
    instance(name, [{ garden: 'failing', rep: 'failing' }], known);
  const well = ['cell/7', 'cell/8', 'cell/9'].map((name) => instance(name, ['garden', 'rep']));
  const off = { ignored: true };
  for (const make of [down, dead])
    expect(
      worstOf([make('cell/0'), make('cell/1', off), make('cell/2', off), make('cell/3', off), ...well]),
    ).toBe('warning');
  const { findings } = diagnose({
    deployments: [
      deployment([instance('a/0', [], silent), instance('a/1', ['x'])]),
      deployment([ignored('b/0', [], silent), ignored('b/1', [], silent)], { name: 'mysql' }),
    ],
  });
  expect(findings.map(({ reason, severity }) => `${severity} ${reason}`)).toEqual([
    'warning agent-unresponsive',
    'info agent-unresponsive',
  ]);
});

test('if only an ignored instance is still running, it does not count, but is mentioned', () => {
  expect(said([instance('uaa/0', [{ uaa: 'failing' }, 'x']), ignored('uaa/1', ['uaa', 'x'])])).toEqual([
    'critical bosh:cf/uaa/0: uaa/0: uaa is failing; uaa is running only on ignored instances of cf',
  ]);
  expect(said([instance('uaa/0', [], silent), ignored('uaa/1', ['uaa'])])[0]).toContain(
    'critical bosh:cf/uaa/0: uaa/0: its agent is not responding, and only ignored instances of uaa are running',
  );
});

test('a deployment with only healthy ignored instances is clear', () => {
  expect(diagnose(factsOf([ignored('a/0', ['x'])]))).toMatchObject({
    verdict: 'Nothing to check: 1 instance is ignored',
    findings: [],
  });
  expect(diagnose(factsOf([instance('a/0', ['x']), ignored('a/1', ['x'])])).verdict).toBe(
    'The only process on 1 instance is running; 1 more is ignored',
  );
});

const stopped = (name: string) =>
  instance(name, [{ rep: 'unmonitored', garden: 'unmonitored' }], { state: 'stopped' });
const absent = (name: string) => instance(name, [], { state: 'absent' });
const wellCell = (name: string) => instance(name, ['rep', 'garden']);

test('an instance that a running deploy stopped is expected back', () => {
  const { verdict, findings } = diagnose(
    factsOf([stopped('cell/0'), wellCell('cell/1'), wellCell('cell/2')], DEPLOY),
  );
  expect(verdict).toBe('1 of 3 instances is stopped but should be running; task 1180 is changing cf');
  expect(findings).toMatchObject([
    {
      severity: 'info',
      summary: `cell/0: it is stopped, but should be running; ${BACK}: it is expected back before the task ends`,
    },
  ]);
  expect(findings[0]).not.toHaveProperty('offers');
  expect(JSON.stringify(findings)).not.toContain('does not restart');
});

test.each([
  ['a VM that is being created', 'info', [absent('cell/0'), wellCell('cell/1'), wellCell('cell/2')]],
  ['the only VM of its group, stopped', 'warning', [stopped('db/0'), wellCell('cell/1'), wellCell('cell/2')]],
  [
    'the only VM of its group, being created',
    'warning',
    [absent('db/0'), wellCell('cell/1'), wellCell('cell/2')],
  ],
  [
    'all processes of one VM',
    'warning',
    [
      instance('cell/0', [{ rep: 'unmonitored', garden: 'unmonitored' }]),
      wellCell('cell/1'),
      wellCell('cell/2'),
    ],
  ],
  [
    'all processes of the only VM of its group',
    'warning',
    [instance('db/0', [{ mysqld: 'unmonitored', x: 'failing' }]), wellCell('cell/1'), wellCell('cell/2')],
  ],
  [
    'one that is starting',
    'info',
    [instance('cell/0', [{ rep: 'starting' }, 'garden']), wellCell('cell/1'), wellCell('cell/2')],
  ],
  [
    'one process of the only VM of its group',
    'warning',
    [instance('db/0', [{ mysqld: 'failing' }, 'x']), wellCell('cell/1'), wellCell('cell/2')],
  ],
  ['most VMs, stopped', 'warning', [stopped('cell/0'), stopped('cell/1'), wellCell('cell/2')]],
  ['most VMs, being created', 'warning', [absent('cell/0'), absent('cell/1'), wellCell('cell/2')]],
] as const)('while a task changes the deployment, %s: %s', (_, severity, instances) => {
  expect(worstOf(instances, DEPLOY)).toBe(severity);
  const { findings } = diagnose(factsOf(instances, DEPLOY));
  for (const { summary, evidence } of findings) {
    expect(summary).toContain(BACK);
    expect(JSON.stringify(evidence)).toContain(BACK);
  }
});

const EVERYTHING_DOWN: readonly (readonly [string, readonly ports.Instance[]])[] = [
  ['stopped', [stopped('a/0'), stopped('b/0')]],
  ['absent', [absent('a/0'), absent('b/0')]],
  ['half stopped, half absent', [stopped('a/0'), absent('a/1'), stopped('b/0'), absent('b/1')]],
  [
    'starting',
    [
      instance('a/0', [{ x: 'starting', m: 'starting' }]),
      instance('b/0', [{ y: 'starting', m: 'starting' }]),
    ],
  ],
  [
    'starting, one process each',
    [instance('a/0', [{ x: 'starting' }]), instance('b/0', [{ y: 'starting' }])],
  ],
  ['stopped and starting', [stopped('a/0'), instance('a/1', [{ rep: 'starting', garden: 'starting' }])]],
  [
    'not monitored',
    [
      instance('a/0', [{ x: 'unmonitored', m: 'unmonitored' }]),
      instance('b/0', [{ y: 'unmonitored', m: 'unmonitored' }]),
    ],
  ],
  ['one VM alone, stopped', [stopped('a/0')]],
];

test.each(EVERYTHING_DOWN)(
  'if everything is down (%s), a running task does not lower the severity',
  (_, instances) => {
    expect(worstOf(instances, DEPLOY)).toBe('warning');
  },
);

test.each([
  ['agents that do not respond on most VMs', ['a/0', 'b/0', 'c/0'].map((name) => instance(name, [], silent))],
  [
    'one process down on most VMs whose others run',
    ['a/0', 'b/0', 'c/0'].map((name) => instance(name, ['x', { metron_agent: 'unmonitored' }])),
  ],
  [
    'a group of which one process is down on most VMs',
    ['a/0', 'a/1', 'a/2'].map((name) => instance(name, ['x', { uaa: 'failing' }])),
  ],
])('a deploy does not cause this: %s stays critical', (_, instances) => {
  expect(worstOf(instances, DEPLOY)).toBe('critical');
});

test('a task that stops no instances explains no finding', () => {
  const errand = { lock: { taskId: '7', description: 'run errand smoke-tests from deployment cf' } };
  const { verdict, findings } = diagnose(factsOf([stopped('db/0'), wellCell('cell/1')], errand));
  expect(verdict).toBe('1 of 2 instances is stopped but should be running; task 7 holds the lock on cf');
  expect(findings[0]).toMatchObject({
    severity: 'critical',
    summary: expect.stringContaining('does not restart automatically') as string,
  });
});

test('a deployment that is being deleted is not expected back', () => {
  const gone = { lock: { taskId: '8', description: 'delete deployment cf' } };
  expect(said([absent('a/0'), absent('b/0')], gone)).toEqual([
    'warning bosh:cf: 2 of 2 instances have no VM; task 8 (delete deployment cf) is changing cf: run the check again when the task ends',
  ]);
});

test('a task that these credentials cannot see has no number', () => {
  const { verdict } = diagnose(factsOf([wellCell('a/0')], { lock: { taskId: 'unknown' } }));
  expect(verdict).toBe(
    'Both processes on 1 instance are running; a task that these credentials cannot see is changing cf',
  );
});
