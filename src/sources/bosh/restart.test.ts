import { afterEach, expect, test } from 'vitest';
import { type BoshUnderTest, startBosh } from '../../../test/world/bosh/under-test.ts';
import { makeMemoryVms, makeVm } from '../../../test/world/bosh/vms.ts';
import type { Instance, RestartResult, RestartTarget } from '../../ports/processes.ts';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';

const DOPPLER = makeVm('doppler_z2', 0);
const TARGET: RestartTarget = {
  deployment: 'cf',
  group: 'doppler_z2',
  id: DOPPLER.id,
};

let bosh: BoshUnderTest;
afterEach(() => bosh.close());

function restart(
  source: Source,
  target: Partial<RestartTarget> = {},
  { idempotencyKey = 'm0123456789abcdef', signal = new AbortController().signal } = {},
): Promise<RestartResult> {
  return source.writes!.processes!.restart({ ...TARGET, ...target }, { idempotencyKey, signal });
}

async function failure(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(SourceError);
  const { kind, message } = error as SourceError;
  return `${kind}: ${message.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST').replaceAll(/task \d+/g, 'task N')}`;
}

async function readInstance(source: Source, name: string): Promise<Instance> {
  const [cf] = await source.reads.processes!.deployments({ signal: new AbortController().signal });
  return cf!.instances.find((instance) => instance.name === name)!;
}

test('restarts an instance with the second credential only, and sends the idempotency key as context', async () => {
  bosh = await startBosh();
  bosh.vms.change('doppler_z2/0', {
    jobState: 'failing',
    processes: [{ name: 'doppler', state: 'failing' }],
  });
  const source = bosh.open();
  expect(await restart(source)).toEqual({
    summary: expect.stringMatching(/^task \d+ done after \d+ s$/) as string,
  });
  const { reader, admin, restarts, asked } = bosh.director;
  expect(restarts).toMatchObject([
    { call: 'POST', id: DOPPLER.id, skipDrain: false, contextId: 'm0123456789abcdef', user: admin.id },
  ]);
  expect(asked.filter(({ user }) => user === reader.id)).toEqual([]);
  expect((await readInstance(source, 'doppler_z2/0')).state).toBe('running');
});

test('checks never use the restart credential', async () => {
  bosh = await startBosh();
  await readInstance(bosh.open(), 'doppler_z2/0');
  expect(new Set(bosh.director.asked.map(({ user }) => user))).toEqual(
    new Set([undefined, bosh.director.reader.id]),
  );
});

test("the read credential can't restart anything", async () => {
  bosh = await startBosh();
  const { id, secret } = bosh.director.reader;
  const source = bosh.open({ allow: { restart: { auth: { client: { id, secret } }, groups: ['*'] } } });
  expect(await failure(restart(source))).toBe(
    'refused: the director says: Require one of the scopes: bosh.admin, bosh.teams.cf.admin (600000)',
  );
  expect(bosh.director.restarts).toEqual([]);
});

test('a source without `allow.restart` has no writer', async () => {
  bosh = await startBosh();
  expect(bosh.open({ allow: {} }).writes).toBeUndefined();
});

test.each<[string, Partial<RestartTarget>, string]>([
  [
    'a group that is not listed',
    { group: 'cell_z1' },
    'cell_z1 is not one of the instance groups that can be restarted (`allow.restart.groups`: doppler*)',
  ],
  [
    'a group that only contains a listed name',
    { group: 'my_doppler' },
    'my_doppler is not one of the instance groups that can be restarted (`allow.restart.groups`: doppler*)',
  ],
  [
    'another deployment',
    { deployment: 'logging' },
    'the deployment logging is not configured (`deployments`: cf)',
  ],
  ['a single process', { process: 'doppler' }, 'BOSH restarts whole instances, not single processes'],
  ['an invalid id', { id: '../../x' }, 'doppler_z2/../../x is not a valid instance: use a UUID or an index'],
])('rejects %s before anything is sent', async (_, target, because) => {
  bosh = await startBosh();
  expect(await failure(restart(bosh.open({ deployments: ['cf'] }), target))).toBe(`refused: ${because}`);
  expect(bosh.director.asked).toEqual([]);
});

test('refuses a locked deployment, and names the task that locks it', async () => {
  bosh = await startBosh();
  const { taskId } = bosh.director.hold('cf', 'create deployment');
  const error = restart(bosh.open());
  await expect(error).rejects.toThrow(`cf is locked by task ${taskId} (create deployment)`);
  expect(bosh.director.restarts).toEqual([]);
});

test("also refuses a locked deployment to a team admin, who can't list locks", async () => {
  bosh = await startBosh();
  bosh.director.allow(bosh.director.admin.id, ['bosh.teams.cf.admin']);
  const { end } = bosh.director.hold('cf', 'create deployment');
  expect(await failure(restart(bosh.open()))).toBe(
    'refused: cf is locked by a task that this credential cannot see',
  );
  end();
  await restart(bosh.open());
  expect(bosh.director.restarts).toHaveLength(1);
});

test('if the deployment is locked in between, the task fails and nothing was changed', async () => {
  bosh = await startBosh();
  const source = bosh.open();
  const taken = Promise.withResolvers<void>();
  bosh.director.fail({ path: '/deployments/cf/instance_groups', method: 'POST', until: taken.promise });
  const error = failure(restart(source));
  await expect.poll(() => bosh.director.asked.some(({ path }) => path === '/locks')).toBe(true);
  bosh.director.hold('cf', 'create deployment');
  taken.resolve();
  expect(await error).toMatch(
    /^refused: task N \(restart instance\) ended as error: Failed to acquire lock for lock:deployment:cf .*description: 'create deployment'$/,
  );
});

test('of two restarts of one deployment, the second is refused or waits, and both report how they ended', async () => {
  bosh = await startBosh({
    deployments: { cf: makeMemoryVms([DOPPLER, makeVm('doppler_z1', 0)]) },
    lockWaitMs: 5_000,
  });
  const source = bosh.open();
  const outcomes = await Promise.allSettled([
    restart(source, {}, { idempotencyKey: 'm1' }),
    restart(source, { group: 'doppler_z1', id: makeVm('doppler_z1', 0).id }, { idempotencyKey: 'm2' }),
  ]);
  const done = outcomes.filter(({ status }) => status === 'fulfilled');
  expect(done.length).toBeGreaterThan(0);
  expect(bosh.director.restarts).toHaveLength(done.length);
});

test('an ignored instance is not offered, and the director refuses it too', async () => {
  bosh = await startBosh();
  bosh.vms.change('doppler_z2/0', { ignore: true });
  const source = bosh.open();
  expect(await readInstance(source, 'doppler_z2/0')).toMatchObject({
    ignored: true,
    restart: {
      allowed: false,
      because: 'it is ignored (`bosh ignore`)',
    },
  });
  expect(await failure(restart(source))).toMatch(
    /^refused: task N \(restart instance\) ended as error: You are trying to change the state of the ignored instance/,
  );
});

test.each<[string, Partial<typeof DOPPLER>, string]>([
  [
    'that someone stopped',
    { state: 'stopped', jobState: 'stopped' },
    'it should be stopped, but a restart would start it',
  ],
  ['without a VM', { jobState: null, vmCid: null }, 'it has no VM'],
  [
    'with an unresponsive agent',
    { jobState: 'unresponsive agent' },
    "its agent isn't responding, and a restart goes through the agent",
  ],
])('does not offer to restart an instance %s', async (_, change, because) => {
  bosh = await startBosh();
  bosh.vms.change('doppler_z2/0', change);
  expect((await readInstance(bosh.open(), 'doppler_z2/0')).restart).toEqual({ allowed: false, because });
});

test('an offer lists the processes that restart, and whether drain scripts run', async () => {
  bosh = await startBosh();
  const { auth } = { auth: { client: { id: bosh.director.admin.id, secret: bosh.director.admin.secret } } };
  const permission = { allowed: true, scope: 'instance', processes: ['doppler', 'metron_agent'] };
  expect((await readInstance(bosh.open(), 'doppler_z2/0')).restart).toEqual({
    ...permission,
    sideEffects: ['Its drain scripts run first, for as long as they take'],
  });
  const source = bosh.open({ allow: { restart: { auth, groups: ['doppler*'], skipDrain: ['doppler_z2'] } } });
  expect((await readInstance(source, 'doppler_z2/0')).restart).toEqual({
    ...permission,
    sideEffects: ['Its drain scripts are not run'],
  });
  await restart(source);
  expect(bosh.director.restarts).toMatchObject([{ skipDrain: true }]);
});

test('the plan says that an old director deploys the whole manifest', async () => {
  bosh = await startBosh({ version: '257.3.0' });
  const source = bosh.open();
  expect((await readInstance(source, 'doppler_z2/0')).restart).toMatchObject({
    sideEffects: [
      'Its drain scripts run first, for as long as they take',
      expect.stringMatching(
        /^The whole stored manifest is deployed: this director \(257\.3\.0\) cannot restart one/,
      ),
    ],
  });
  await restart(source);
  expect(bosh.director.restarts).toMatchObject([{ call: 'PUT', id: DOPPLER.id }]);
});

test('a director that is older than it reports fails the restart, and the whole manifest is not deployed', async () => {
  bosh = await startBosh();
  const path = '/deployments/cf/instance_groups';
  bosh.director.fail({ path, status: 404, body: `Endpoint '${path}' not found.` });
  expect(await failure(restart(bosh.open()))).toBe(
    "missing: the director doesn't support this call (404): it is too old, or HOST is not a director",
  );
  expect(bosh.director.restarts).toEqual([]);
});

test('a task that does not end as done fails with the message of its event', async () => {
  bosh = await startBosh();
  for (const ends of ['error', 'cancelled', 'timeout'] as const) {
    bosh.director.fail(
      { task: 'update_instance', ends, message: "'doppler_z2/0' is not running after update" },
      1,
    );
    const words = ends === 'error' ? ": 'doppler_z2/0' is not running after update" : '';
    expect(await failure(restart(bosh.open(), {}, { idempotencyKey: ends }))).toBe(
      `unreachable: task N (restart instance) ended as ${ends}${words}`,
    );
  }
});

test('fails if the instance does not run after its restart', async () => {
  const vms = makeMemoryVms([DOPPLER]);
  bosh = await startBosh({
    deployments: {
      cf: {
        vms: async () => (await vms.vms()).map((vm) => ({ ...vm, jobState: 'failing' })),
        restart: vms.restart,
      },
    },
  });
  expect(await failure(restart(bosh.open()))).toMatch(
    /ended as error: 'doppler_z2\/.* is not running after update$/,
  );
});

test('gives up on a restart at the time limit, and says what the task is doing', async () => {
  const vms = makeMemoryVms([DOPPLER]);
  bosh = await startBosh({ deployments: { cf: { vms: vms.vms, restart: () => new Promise(() => {}) } } });
  expect(await failure(restart(bosh.open({ actionSeconds: 0.3 })))).toMatch(
    /^unreachable: task N \(restart instance\) is still processing after 0\.3 s, at: Updating instance doppler_z2\/\S+ \(0\) started$/,
  );
});

test('the context id prevents a second restart: finds and follows the existing task', async () => {
  bosh = await startBosh();
  const first = await restart(bosh.open());
  const second = await restart(bosh.open());
  expect(second.summary.split(' done')[0]).toBe(first.summary.split(' done')[0]);
  expect(bosh.director.restarts).toHaveLength(1);
  await restart(bosh.open(), {}, { idempotencyKey: 'mffffffffffffffff' });
  expect(bosh.director.restarts).toHaveLength(2);
});

test('finds restarts among the tasks that a director hides by default', async () => {
  bosh = await startBosh({ version: '271.0.0' });
  await restart(bosh.open());
  await restart(bosh.open());
  expect(bosh.director.restarts).toHaveLength(1);
});

test('ignores the tasks of a director without context ids, which returns all of them', async () => {
  bosh = await startBosh({ version: '257.3.0' });
  await restart(bosh.open(), {}, { idempotencyKey: 'm1' });
  await restart(bosh.open(), {}, { idempotencyKey: 'm2' });
  expect(bosh.director.restarts).toHaveLength(2);
});

test('if the response is lost, finds and follows the task instead of sending the restart again', async () => {
  bosh = await startBosh();
  bosh.director.fail({ path: '/deployments/cf/instance_groups', lose: 'answer' }, 1);
  expect((await restart(bosh.open())).summary).toMatch(/^task \d+ done/);
  expect(bosh.director.restarts).toHaveLength(1);
});

test('if no task is found after a lost response, reports that and does not send the restart again', async () => {
  bosh = await startBosh();
  bosh.director.fail({ path: '/deployments/cf/instance_groups', lose: 'question' }, 1);
  expect(await failure(restart(bosh.open()))).toMatch(
    /^unreachable: HOST closed the connection .*; no task was found for it, but the restart may have started$/,
  );
  expect(bosh.director.restarts).toEqual([]);
});

test('keeps polling while the director is briefly unavailable', async () => {
  bosh = await startBosh();
  bosh.director.fail({ path: '/tasks/', status: 503 }, 4);
  expect((await restart(bosh.open())).summary).toMatch(/done/);
});

test('a canceled restart sends no more requests', async () => {
  bosh = await startBosh();
  const controller = new AbortController();
  const reason = new Error('canceled');
  const called = Promise.withResolvers<void>();
  bosh.director.fail({ path: '/locks', until: called.promise });
  const restarting = restart(bosh.open(), {}, { idempotencyKey: 'm1', signal: controller.signal });
  await expect.poll(() => bosh.director.asked.length).toBeGreaterThan(0);
  controller.abort(reason);
  await expect(restarting).rejects.toBe(reason);
  called.resolve();
  expect(bosh.director.restarts).toEqual([]);
});
