import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { restart } from './restart.ts';
import { idOf, instance } from './builders.ts';

const ASKED = {
  source: 'bosh',
  deployment: 'cf',
  group: 'doppler_z2',
  id: idOf('doppler_z2/0'),
  name: 'doppler_z2/0',
};
const NAMES = ['metron_agent', 'doppler', 'consul_agent'];

function dopplerZ2(known: Parameters<typeof instance>[2] = {}): ports.Instance {
  return instance('doppler_z2/0', NAMES, known);
}

function context(
  instances: readonly ports.Instance[],
  known: Partial<ports.Deployment> = {},
): ReadContext<'processes'> {
  const deployment = { source: 'bosh', name: 'cf', instances, ...known };
  return {
    read: {
      processes: [{ name: 'bosh', supervisor: 'director', deployments: () => Promise.resolve([deployment]) }],
    },
    now: new Date('2016-12-06T18:35:50Z'),
    signal: new AbortController().signal,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    leftMs: () => 60_000,
    note: () => undefined,
    saw: () => undefined,
  };
}

function allowing(
  permission: Partial<Extract<ports.RestartPermission, { allowed: true }>>,
): ports.RestartPermission {
  return { allowed: true, scope: 'instance', processes: NAMES, sideEffects: [], ...permission };
}

const BY_DIRECTOR = allowing({});
const BY_MONIT = allowing({ scope: 'process', processes: ['doppler'] });

test('the plan says what stops and starts, and is bound to this machine', async () => {
  const sideEffects = ['its drain scripts run first, for as long as they take'];
  const plan = await restart.plan(context([dopplerZ2({ restart: allowing({ sideEffects }) })]), ASKED);
  expect(plan).toEqual({
    lines: [
      'Restart doppler_z2/0 of cf: 3 processes (consul_agent, doppler and metron_agent) stop and start again',
      'its drain scripts run first, for as long as they take',
    ],
    targets: [`bosh:cf/doppler_z2/${idOf('doppler_z2/0')}`],
    precondition: { incarnation: `vm-${idOf('doppler_z2/0').slice(0, 8)}` },
    impact: 'Stops the only instance of doppler_z2 until it has restarted',
  });
});

const other = (name: string, known: Parameters<typeof instance>[2] = {}) =>
  instance(`doppler_z2/${name}`, NAMES, known);

test.each<readonly [string, readonly ports.Instance[], string, readonly string[] | undefined]>([
  [
    'run',
    [other('1'), other('2'), instance('router/0', NAMES)],
    'Stops 1 of 3 instances of doppler_z2 until it has restarted; it runs on 2 of 2 others',
    ['doppler_z2 runs on at least one other instance'],
  ],
  [
    'run in part',
    [other('1', { state: 'failing' }), other('2')],
    'Stops 1 of 3 instances of doppler_z2 until it has restarted; it runs on 1 of 2 others',
    ['doppler_z2 runs on at least one other instance'],
  ],
  [
    'are all down',
    [other('1', { state: 'unresponsive' })],
    'Stops 1 of 2 instances of doppler_z2 until it has restarted; it runs on no other one',
    undefined,
  ],
])('the plan says if others of the group %s', async (_, others, impact, safety) => {
  const plan = await restart.plan(context([dopplerZ2({ restart: BY_DIRECTOR }), ...others]), ASKED);
  expect(plan.impact).toBe(impact);
  expect(plan.safety).toEqual(safety);
});

test('nothing is counted if not all instances could be read', async () => {
  const error = new SourceError('bosh', 'unreachable', 'timeout');
  const plan = await restart.plan(
    context([dopplerZ2(), other('1')], { gaps: [{ what: 'cf', error }] }),
    ASKED,
  );
  expect(plan.impact).toBe('Stops doppler_z2/0 until it has restarted');
  expect(plan).not.toHaveProperty('safety');
});

test('a plan made later is identical, although processes came and went', async () => {
  const before = await restart.plan(context([dopplerZ2({ state: 'failing' })]), ASKED);
  const fallen = instance(
    'doppler_z2/0',
    NAMES.map((name) => ({ [name]: 'failing' as const })),
  );
  expect(await restart.plan(context([fallen]), ASKED)).toEqual(before);
});

test('a plan for one process names only that process', async () => {
  const { lines } = await restart.plan(context([dopplerZ2({ restart: BY_MONIT })]), {
    ...ASKED,
    process: 'doppler',
  });
  expect(lines).toEqual(['Restart the process doppler on doppler_z2/0 of cf; no other process is affected']);
});

test('a process that the instance no longer has is not restarted', async () => {
  const without = instance('doppler_z2/0', ['metron_agent'], { restart: BY_MONIT });
  await expect(restart.plan(context([without]), { ...ASKED, process: 'doppler' })).rejects.toThrow(
    'cannot restart doppler_z2/0: it no longer has the process doppler',
  );
});

test('while a task locks the deployment, nothing is planned, and the task is named', async () => {
  const lock = { taskId: '1180', description: 'create deployment' };
  await expect(restart.plan(context([dopplerZ2()], { lock }), ASKED)).rejects.toMatchObject({
    name: 'SourceError',
    kind: 'refused',
    message:
      'cannot restart doppler_z2/0: its deployment is locked by task 1180 (create deployment); try again when the task ends',
  });
});

test.each<[string, ports.Instance[], string]>([
  ['is gone', [instance('doppler_z2/1')], 'no longer exists'],
  ['is ignored', [dopplerZ2({ ignored: true })], 'is ignored (`bosh ignore`)'],
  ['was stopped on purpose', [dopplerZ2({ desired: 'stopped' })], 'it is stopped on purpose'],
  ['has no machine', [dopplerZ2({ state: 'absent' })], ': it has no VM'],
  ['has an unresponsive agent', [dopplerZ2({ state: 'unresponsive' })], 'its agent is not responding'],
  ['has an unresponsive monit', [dopplerZ2({ state: 'unknown' })], 'its monit is not responding'],
  [
    'is not on the list',
    [dopplerZ2({ restart: { allowed: false, because: 'its job is not in restart.jobs' } })],
    ': its job is not in restart.jobs',
  ],
  [
    'may only have single processes restarted',
    [dopplerZ2({ restart: allowing({ scope: 'process' }) })],
    'can restart only single processes',
  ],
])('an instance that %s is refused', async (_, instances, because) => {
  const planned = restart.plan(context(instances), ASKED);
  await expect(planned).rejects.toThrow(because);
  await expect(planned).rejects.toBeInstanceOf(SourceError);
});

test('an offer for one process does not restart the whole instance or another process', async () => {
  const asked = { ...ASKED, process: 'doppler' };
  await expect(restart.plan(context([dopplerZ2()]), asked)).rejects.toThrow(
    'can restart only whole instances',
  );
  const others = allowing({ scope: 'process', processes: ['metron_agent'] });
  await expect(restart.plan(context([dopplerZ2({ restart: others })]), asked)).rejects.toThrow(
    'the configuration does not allow restarting doppler',
  );
});

test('what could not be read is not reported as deleted', async () => {
  const error = new SourceError('bosh', 'unreachable', 'task 1181 did not end within 60 s');
  await expect(restart.plan(context([], { gaps: [{ what: 'cf', error }] }), ASKED)).rejects.toMatchObject({
    kind: 'unreachable',
    message: "cannot restart doppler_z2/0: cf couldn't be read (task 1181 did not end within 60 s)",
  });
});

test.each([
  [{ ...ASKED, source: 'other' }, 'the source other is no longer configured'],
  [{ ...ASKED, deployment: 'other' }, 'the deployment other no longer exists'],
])('a removed source or deployment is refused', async (asked, because) => {
  await expect(restart.plan(context([dopplerZ2()]), asked)).rejects.toThrow(because);
});

test.each([
  ['that instance', ASKED, BY_DIRECTOR, {}, 'doppler_z2/0'],
  [
    'the one process that was named',
    { ...ASKED, process: 'doppler' },
    BY_MONIT,
    { process: 'doppler' },
    'doppler on doppler_z2/0',
  ],
])(
  'apply restarts %s once, with its apply context, and reports the result',
  async (_, params, permission, what, name) => {
    const read = context([dopplerZ2({ restart: permission })]);
    const plan = await restart.plan(read, params);
    expect(plan).not.toHaveProperty('details');
    const asked: unknown[] = [];
    const recorded: string[] = [];
    const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: read.signal };
    const write = {
      processes: (source: string) => ({
        restart: (...call: unknown[]) => {
          asked.push([source, ...call]);
          return Promise.resolve({ summary: 'task 1180 done after 41 s' });
        },
      }),
    };
    const recordStep = (line: string) => Promise.resolve(void recorded.push(line));
    await restart.apply({ ...read, write, applyContext, recordStep }, params, plan);
    expect(asked).toEqual([
      ['bosh', { deployment: 'cf', group: 'doppler_z2', id: ASKED.id, ...what }, applyContext],
    ]);
    expect(recorded).toEqual([`${name} restarted: task 1180 done after 41 s`]);
  },
);

test('a button says what it restarts, and fits the limit of Slack', () => {
  expect(restart.title(ASKED)).toBe('Restart doppler_z2/0');
  expect(restart.title({ ...ASKED, process: 'doppler' })).toBe('Restart doppler on doppler_z2/0');
  const long = {
    ...ASKED,
    group: 'diego-cell',
    name: `diego-cell/${ASKED.id}`,
    process: 'vxlan-policy-agent',
  };
  expect(restart.title(long)).toBe(`Restart vxlan-policy-agent on diego-cell/${ASKED.id.slice(0, 8)}`);
  expect(restart.title({ ...ASKED, name: 'x'.repeat(100) })).toHaveLength(75);
});
