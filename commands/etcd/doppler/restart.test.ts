import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { restart } from './restart.ts';
import { announced, BY_DIRECTOR, deployment, doppler, tree } from './builders.ts';

const ASKED = {
  source: 'bosh',
  deployment: 'cf',
  group: 'doppler_z2',
  id: 'abe6a4e9-cd8f-4b1c-8a0e-5f6a3c1b7e02',
  name: 'doppler_z2/0',
  process: 'doppler',
};
const APPLY_CONTEXT = { idempotencyKey: 'm0123456789abcdef', signal: new AbortController().signal };
const BY_MONIT: typeof BY_DIRECTOR = {
  allowed: true,
  scope: 'process',
  processes: ['doppler'],
  sideEffects: ["Drain scripts don't run: monit stops the process immediately"],
};

function z2(known: Partial<Parameters<typeof doppler>[0]> = {}): ports.Instance {
  return doppler({ name: ASKED.name, id: ASKED.id, incarnation: 'vm-7 agent-9', ...known });
}

const OTHERS = [
  doppler({ name: 'doppler_z1/0', id: 'id-1', address: '10.0.1.1' }),
  doppler({ name: 'doppler_z3/0', id: 'id-3', address: '10.0.3.1' }),
];
const KEYS = [announced('z1/doppler_z1/id-1', '10.0.1.1'), announced('z3/doppler_z3/id-3', '10.0.3.1')];

/** An etcd with these keys, or that fails with this error. */
function keyValue(keys: readonly ReturnType<typeof announced>[] | SourceError, name = 'etcd') {
  const read = (prefix: string) =>
    keys instanceof SourceError
      ? Promise.reject(keys)
      : Promise.resolve(
          tree(
            prefix,
            keys.filter(({ key }) => key.startsWith(prefix)),
          ),
        );
  return { name, tree: read } as unknown as ports.KeyValueStore;
}

function context(
  instances: readonly ports.Instance[],
  known: Partial<ports.Deployment> = {},
  now = new Date('2016-12-06T18:35:50Z'),
  stores: readonly ports.KeyValueStore[] = [keyValue(KEYS)],
): ReadContext<'processes' | 'keyValue'> {
  const deployments = () => Promise.resolve([deployment(instances, known)]);
  return {
    read: { processes: [{ name: 'bosh', supervisor: 'director', deployments }], keyValue: stores },
    now,
    signal: new AbortController().signal,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    leftMs: () => 60_000,
    note: () => undefined,
    saw: () => undefined,
  };
}

test('through a director, the plan names everything that stops, and is bound to this machine', async () => {
  const sideEffects = ['its drain scripts run first, for as long as they take'];
  const plan = await restart.plan(context([z2({ restart: { ...BY_DIRECTOR, sideEffects } })]), ASKED);
  expect(plan).toEqual({
    lines: [
      'Restart doppler_z2/0 of cf: 4 processes (consul_agent, doppler, metron_agent and syslog_drain_binder) stop and start again',
      ...sideEffects,
    ],
    targets: [`bosh:cf/doppler_z2/${ASKED.id}`],
    precondition: { incarnation: 'vm-7 agent-9' },
    impact: 'Stops the only doppler until it has restarted',
    untilVerified: [
      'It should register within 5 s of starting.',
      'Start each metron_agent that stays unmonitored separately.',
    ],
    details: { scope: 'instance' },
  });
});

const plannedWith = (instances: readonly ports.Instance[], ...stores: ports.KeyValueStore[]) =>
  restart.plan(context([z2(), ...instances], {}, undefined, stores), ASKED);
const down = new SourceError('etcd', 'unreachable', 'timeout');
const noV2 = new SourceError('etcd-v3', 'missing', 'it has no v2 API');

const OTHERS_REGISTERED = 'At least one other doppler is registered in etcd';

test.each<readonly [string, ports.KeyValueStore[], string, string | undefined]>([
  ['two others are registered', [keyValue(KEYS)], '; 2 others are registered', OTHERS_REGISTERED],
  [
    'one other is registered, and another etcd has no v2 API',
    [keyValue(KEYS.slice(1)), keyValue(noV2, 'etcd-v3')],
    '; 1 other is registered',
    OTHERS_REGISTERED,
  ],
  ['no other is registered', [keyValue([])], '; no other doppler is registered', undefined],
  [
    'etcd does not respond',
    [keyValue(down)],
    "; couldn't check whether another one is registered",
    undefined,
  ],
  [
    'one of two stores does not respond',
    [keyValue([]), keyValue(down, 'other')],
    "; couldn't check whether another one is registered",
    undefined,
  ],
  [
    'the key of another has expired',
    [keyValue([announced('z1/doppler_z1/id-1', '10.0.1.1', { ttl: -1 })])],
    '; no other doppler is registered',
    undefined,
  ],
])('the plan says whether clients still find a doppler if %s', async (_, stores, impact, safety) => {
  const plan = await plannedWith(OTHERS, ...stores);
  expect(plan.impact).toBe(`Stops 1 of 3 dopplers until it has restarted${impact}`);
  expect(plan.safety).toEqual(safety === undefined ? undefined : [safety]);
});

test('dopplers of another deployment, and its own key, do not count', async () => {
  const own = announced(`z2/doppler_z2/${ASKED.id}`, '10.0.2.1');
  const plan = await plannedWith(
    [doppler({ name: 'doppler_z1/0', id: 'id-1', desired: 'stopped' })],
    keyValue([own]),
  );
  expect(plan.impact).toBe('Stops the only doppler until it has restarted');
});

test('through monit, the plan names the one process, and is bound to its pid', async () => {
  const read = context([z2({ restart: BY_MONIT, incarnation: 'doppler 812' })]);
  expect(await restart.plan(read, ASKED)).toMatchObject({
    lines: [
      'Restart the process doppler on doppler_z2/0 of cf; no other process is affected',
      "Drain scripts don't run: monit stops the process immediately",
    ],
    precondition: { incarnation: 'doppler 812' },
    details: { scope: 'process' },
  });
});

test('a plan made later is identical, although another process came and went', async () => {
  const before = await restart.plan(context([z2()]), ASKED);
  const later = new Date('2016-12-06T18:55:50Z');
  const fallen = z2({ state: 'starting', processes: { metron_agent: 'starting' } });
  expect(await restart.plan(context([fallen], {}, later), ASKED)).toEqual(before);
  const failing = z2({ state: 'failing', processes: { doppler: 'unmonitored' } });
  expect(await restart.plan(context([failing], {}, later), ASKED)).toEqual(before);
});

test('after another restart, the plan differs', async () => {
  const of = (incarnation: string) => restart.plan(context([z2({ incarnation })]), ASKED);
  expect(await of('doppler 812')).not.toEqual(await of('doppler 1043'));
});

test('while a task locks the deployment, nothing is planned, and the task is named', async () => {
  const lock = { taskId: '1180', description: 'create deployment' };
  await expect(restart.plan(context([z2()], { lock }), ASKED)).rejects.toMatchObject({
    name: 'SourceError',
    kind: 'refused',
    message:
      'cannot restart doppler_z2/0: its deployment is locked by task 1180 (create deployment); try again when the task ends',
  });
});

const NOT_ALLOWED = 'doppler_z2 is not one of the instance groups that can be restarted';

test.each<[string, ports.Instance[], string]>([
  [
    'is gone',
    [doppler({ name: 'doppler_z1/0' })],
    'cannot restart doppler_z2/0: it no longer exists (deleted or recreated)',
  ],
  ['is ignored', [z2({ ignored: true })], 'it is ignored (`bosh ignore`)'],
  ['was stopped on purpose', [z2({ desired: 'stopped' })], 'it is stopped on purpose'],
  ['has no machine', [z2({ state: 'absent' })], 'it has no VM'],
  ['has an unresponsive agent', [z2({ state: 'unresponsive' })], 'its agent is not responding'],
  ['has an unresponsive monit', [z2({ state: 'unknown' })], 'its monit is not responding'],
  ['is not on the list', [z2({ restart: { allowed: false, because: NOT_ALLOWED } })], NOT_ALLOWED],
  [
    'may have only other processes restarted',
    [z2({ restart: { ...BY_MONIT, processes: ['metron_agent'] } })],
    'the configuration does not allow restarting doppler',
  ],
  [
    'no longer runs one',
    [{ ...z2(), processes: [{ name: 'metron_agent', state: 'running' }] }],
    'it no longer has the process doppler',
  ],
])('a doppler that %s is not restarted', async (_, instances, because) => {
  const planned = restart.plan(context(instances), ASKED);
  await expect(planned).rejects.toThrow(because);
  await expect(planned).rejects.toMatchObject({ name: 'SourceError', kind: 'refused' });
});

test('an offer that names another process is refused, whatever the machine runs', async () => {
  const asked = { ...ASKED, process: 'consul_agent' };
  await expect(restart.plan(context([z2()]), asked)).rejects.toThrow(
    'this fix restarts only doppler, not consul_agent',
  );
});

test('what could not be read is not reported as deleted', async () => {
  const error = new SourceError('bosh', 'unreachable', 'task 1181 did not end within 60 s');
  await expect(restart.plan(context([], { gaps: [{ what: 'cf', error }] }), ASKED)).rejects.toThrow(
    "cf couldn't be read (task 1181 did not end within 60 s)",
  );
});

test.each([
  [{ ...ASKED, source: 'other' }, 'the source other is no longer configured'],
  [{ ...ASKED, deployment: 'other' }, 'the deployment other no longer exists'],
])('a removed source or deployment is refused', async (asked, because) => {
  await expect(restart.plan(context([z2()]), asked)).rejects.toThrow(because);
});

test.each<[string, ports.RestartPermission, object]>([
  ['the whole instance', BY_DIRECTOR, {}],
  ['the one process', BY_MONIT, { process: 'doppler' }],
])('apply sends one request, for %s, and reports the result', async (_, permission, what) => {
  const read = context([z2({ restart: permission })]);
  const plan = await restart.plan(read, ASKED);
  const travelled = JSON.parse(JSON.stringify(plan)) as typeof plan;
  const sent: unknown[] = [];
  const recorded: string[] = [];
  const send = (...call: unknown[]) => {
    sent.push(call);
    return Promise.resolve({ summary: 'task 1180 done after 41 s' });
  };
  const recordStep = (line: string) => Promise.resolve(void recorded.push(line));
  const write = {
    processes: (source: string) => ({ restart: (...call: unknown[]) => send(source, ...call) }),
  };
  await restart.apply({ ...read, write, applyContext: APPLY_CONTEXT, recordStep }, ASKED, travelled);
  const { source, group, id } = ASKED;
  expect(sent).toEqual([[source, { deployment: 'cf', group, id, ...what }, APPLY_CONTEXT]]);
  expect(recorded).toEqual(['doppler_z2/0 restarted: task 1180 done after 41 s']);
});

test('a restart that the director refuses is not reported as done', async () => {
  const read = context([z2()]);
  const plan = await restart.plan(read, ASKED);
  const recorded: string[] = [];
  const recordStep = (line: string) => Promise.resolve(void recorded.push(line));
  const refused = new SourceError('bosh', 'refused', 'task 1180 ended in error');
  const write = { processes: () => ({ restart: () => Promise.reject(refused) }) };
  await expect(
    restart.apply({ ...read, write, applyContext: APPLY_CONTEXT, recordStep }, ASKED, plan),
  ).rejects.toBe(refused);
  expect(recorded).toEqual([]);
});

test('the button says what it restarts', () => {
  expect(restart.title(ASKED)).toBe('Restart doppler_z2/0');
});
