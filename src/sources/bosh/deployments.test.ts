import { afterEach, expect, test } from 'vitest';
import { type BoshUnderTest, startBosh } from '../../../test/world/bosh/under-test.ts';
import { makeMemoryVms, makeVm } from '../../../test/world/bosh/vms.ts';
import type { Deployment } from '../../ports/processes.ts';
import type { ReadProgress } from '../../ports/read-options.ts';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';

let bosh: BoshUnderTest;
afterEach(() => bosh.close());

function read(source: Source, signal = new AbortController().signal): Promise<readonly Deployment[]> {
  return source.reads.processes!.deployments({ signal });
}

async function readOne(source: Source): Promise<Deployment> {
  const [only, ...others] = await read(source);
  expect(others).toEqual([]);
  return only!;
}

/** A failure as `kind: message`, with the address replaced by HOST. */
async function failure(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(SourceError);
  return said(error as SourceError);
}

function said({ kind, message }: SourceError): string {
  return `${kind}: ${message.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')}`;
}

test('instances are returned with their group, addresses, zone and processes', async () => {
  bosh = await startBosh();
  const { instances, ...deployment } = await readOne(bosh.open());
  expect(deployment).toEqual({ source: 'bosh', name: 'cf' });
  expect(instances.map(({ name, state }) => [name, state])).toEqual([
    ['cell_z1/0', 'running'],
    ['doppler_z2/0', 'running'],
    ['router_z1/0', 'running'],
  ]);
  expect(instances[1]).toMatchObject({
    group: 'doppler_z2',
    index: 0,
    zone: 'z2',
    desired: 'started',
    ignored: false,
    addresses: [expect.stringMatching(/^10\.0\./)],
    incarnation: expect.stringMatching(/^vm-\d+ d9270000-/) as string,
    processes: [
      { name: 'doppler', state: 'running', uptimeSeconds: 1_212_184 },
      { name: 'metron_agent', state: 'running', uptimeSeconds: 1_212_180 },
    ],
  });
});

test('follows only the path of a redirect, and stays at the director', async () => {
  bosh = await startBosh({ redirectOrigin: 'https://10.255.255.1:25555' });
  expect((await readOne(bosh.open())).gaps).toBeUndefined();
});

test('a redirect without a task id is an error', async () => {
  bosh = await startBosh({ redirectOrigin: 'https://elsewhere.example.com/?to=' });
  const { gaps } = await readOne(bosh.open());
  expect(gaps?.map(({ error }) => said(error))).toEqual([
    'malformed: the director did not report the task that it started',
  ]);
});

test('distinguishes unmonitored, unresponsive and absent', async () => {
  bosh = await startBosh();
  bosh.vms.change('doppler_z2/0', {
    jobState: 'failing',
    processes: [
      { name: 'doppler', state: 'running' },
      { name: 'metron_agent', state: 'unknown' },
    ],
  });
  bosh.vms.change('cell_z1/0', { jobState: 'unresponsive agent' });
  bosh.vms.change('router_z1/0', { jobState: null, vmCid: null, agentId: null });
  const { instances } = await readOne(bosh.open());
  expect(instances.map(({ name, state, processes }) => [name, state, processes])).toEqual([
    ['cell_z1/0', 'unresponsive', []],
    [
      'doppler_z2/0',
      'failing',
      [
        { name: 'doppler', state: 'running' },
        { name: 'metron_agent', state: 'unmonitored' },
      ],
    ],
    ['router_z1/0', 'absent', []],
  ]);
  expect(instances[2]).not.toHaveProperty('incarnation');
});

test('the state is unknown if monit does not respond to the agent, and a stopped instance should be stopped', async () => {
  bosh = await startBosh();
  bosh.vms.change('doppler_z2/0', { jobState: 'unknown' });
  bosh.vms.change('cell_z1/0', { jobState: 'stopped', state: 'stopped', index: null });
  const { instances } = await readOne(bosh.open());
  expect(instances[0]).toMatchObject({
    name: expect.stringMatching(/^cell_z1\/abe6a4e9-/) as string,
    state: 'stopped',
    desired: 'stopped',
  });
  expect(instances[0]).not.toHaveProperty('index');
  expect(instances[1]).toMatchObject({ state: 'unknown' });
});

test('an errand needs no VM', async () => {
  bosh = await startBosh();
  bosh.vms.change('doppler_z2/0', { errand: true, jobState: null, vmCid: null, agentId: null });
  const { instances } = await readOne(bosh.open());
  expect(instances[1]).toMatchObject({
    state: 'absent',
    desired: 'detached',
    restart: { allowed: false, because: 'it is an errand, which only runs on request' },
  });
});

test('a lock names its task and the description of the task', async () => {
  bosh = await startBosh();
  const { taskId } = bosh.director.hold('cf', 'create deployment');
  expect((await readOne(bosh.open())).lock).toEqual({
    taskId: String(taskId),
    description: 'create deployment',
  });
});

test('reports a lock without permission to list locks', async () => {
  bosh = await startBosh();
  bosh.director.allow(bosh.director.reader.id, ['bosh.teams.cf.admin']);
  bosh.director.hold('cf', 'create deployment');
  expect((await readOne(bosh.open())).lock).toEqual({ taskId: 'unknown' });
});

test('reads the version of Cloud Foundry from its release', async () => {
  bosh = await startBosh({
    releases: {
      cf: [
        { name: 'etcd', version: '96' },
        { name: 'cf', version: '245' },
      ],
    },
  });
  expect((await readOne(bosh.open())).version).toBe('cf/245');
});

test('a failed task is a gap with the message of its error event', async () => {
  bosh = await startBosh();
  for (const ends of ['error', 'cancelled', 'timeout'] as const) {
    bosh.director.fail({ task: 'vms', ends, message: 'NATS is not responding' }, 1);
    const { instances, gaps } = await readOne(bosh.open());
    expect(instances).toEqual([]);
    const words = ends === 'error' ? ': NATS is not responding' : '';
    expect(gaps?.map(({ what, error }) => [what, said(error)])).toEqual([
      [
        'cf: its instances',
        expect.stringMatching(
          new RegExp(`^unreachable: task \\d+ \\(retrieve vm-stats\\) ended as ${ends}${words}$`),
        ),
      ],
    ]);
  }
});

test('gives up on a task at the time limit, and names it', async () => {
  bosh = await startBosh();
  bosh.director.fail({ task: 'vms', ends: 'never' });
  const { gaps } = await readOne(bosh.open({ taskSeconds: 0.3 }));
  expect(said(gaps![0]!.error)).toMatch(
    /^unreachable: task \d+ \(retrieve vm-stats\) is still processing after 0\.3 s$/,
  );
});

test('a canceled query ends immediately', async () => {
  bosh = await startBosh();
  bosh.director.fail({ task: 'vms', ends: 'never' });
  const controller = new AbortController();
  const reading = read(bosh.open(), controller.signal);
  await expect.poll(() => bosh.director.tasks.length).toBe(1);
  const reason = new Error('the caller gave up');
  controller.abort(reason);
  await expect(reading).rejects.toBe(reason);
});

test('an unreadable deployment does not affect the others', async () => {
  const other = makeMemoryVms([makeVm('etcd_z1', 0)]);
  bosh = await startBosh({ deployments: { cf: makeMemoryVms([]), logging: other } });
  bosh.director.fail({ path: '/deployments/cf/', status: 500 });
  const found = await read(bosh.open({ deployments: ['logging', 'gone', 'cf'] }));
  expect(
    found.map(({ name, instances, gaps }) => [name, instances.length, gaps?.map(({ error }) => said(error))]),
  ).toEqual([
    ['cf', 0, ['unreachable: HOST returned 500']],
    ['gone', 0, ["missing: the director says: Deployment 'gone' doesn't exist (70000)"]],
    ['logging', 1, undefined],
  ]);
});

test('reads a deployment that is configured twice only once', async () => {
  bosh = await startBosh();
  expect((await read(bosh.open({ deployments: ['cf', 'cf'] }))).map(({ name }) => name)).toEqual(['cf']);
});

test('reads all readable deployments by default', async () => {
  bosh = await startBosh({ deployments: { b: makeMemoryVms([]), a: makeMemoryVms([]) } });
  expect((await read(bosh.open())).map(({ name }) => name)).toEqual(['a', 'b']);
});

test('counts unreadable lines, and returns the others', async () => {
  bosh = await startBosh();
  bosh.vms.change('doppler_z2/0', { group: '' });
  const { instances, gaps } = await readOne(bosh.open());
  expect(instances).toHaveLength(2);
  expect(gaps?.map(({ what }) => what)).toEqual(['cf: 1 of its instances']);
});

test('an instance that is missing in the full response is a gap, and never counts as running', async () => {
  bosh = await startBosh();
  const [cell, doppler, router] = await bosh.vms.vms();
  const lost = [
    { id: '11111111-2222-4333-8444-555555555555', job: 'api', index: 0 },
    { id: null, job: 'api', index: 1 },
  ];
  const listed = [cell, doppler, router].map((vm) => ({ id: vm!.id, job: vm!.group, index: vm!.index }));
  const body = JSON.stringify([...listed, ...lost]);
  bosh.director.fail({ path: '/deployments/cf/instances', status: 200, body }, 1);
  const { instances, gaps } = await readOne(bosh.open());
  expect(instances).toHaveLength(3);
  expect(gaps?.map(({ what, error }) => `${what}: ${said(error)}`)).toEqual([
    "cf: 2 of its instances: malformed: the director lists them, but its full response doesn't include them",
  ]);
});

test('a server that is not a director is an error', async () => {
  bosh = await startBosh();
  bosh.director.fail({ path: '/info', status: 200, body: '{}' });
  expect(await failure(read(bosh.open()))).toBe('malformed: HOST does not respond like a BOSH director');
});

test('shortens and cleans any text in a result', async () => {
  bosh = await startBosh();
  bosh.vms.change('doppler_z2/0', { group: 'dopp\u0007ler\u202e' });
  const { instances } = await readOne(bosh.open());
  expect(instances[1]!.group).toBe('dopp\uFFFDler\uFFFD');
});

test('reports which task it waits for', async () => {
  const halves = Promise.withResolvers<void>();
  bosh = await startBosh({ betweenHalves: () => halves.promise });
  const reported: ReadProgress[] = [];
  const reading = bosh.open().reads.processes!.deployments({
    signal: new AbortController().signal,
    onProgress: (progress) => reported.push(progress),
  });
  const some = { of: 1, unit: 'deployments' };
  await expect.poll(() => reported).toHaveLength(2);
  halves.resolve();
  await reading;
  expect(reported).toEqual([
    { read: 0, ...some },
    { read: 0, ...some, waitingFor: 'task 1180' },
    { read: 0, ...some },
    { read: 1, ...some },
  ]);
});
