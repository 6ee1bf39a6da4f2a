import { afterEach, expect, test } from 'vitest';
import { type BoshUnderTest, startBosh } from '../../../test/world/bosh/under-test.ts';
import { makeMemoryVms, makeVm } from '../../../test/world/bosh/vms.ts';
import type { Deployment } from '../../ports/processes.ts';
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

/** `kind: message` of a failure, without ports. */
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

test('a redirect to a host that cannot be reached is followed by its path alone, at the director', async () => {
  bosh = await startBosh({ redirectOrigin: 'https://10.255.255.1:25555' });
  expect((await readOne(bosh.open())).gaps).toBeUndefined();
});

test('a redirect that names no task is no answer', async () => {
  bosh = await startBosh({ redirectOrigin: 'https://elsewhere.example.com/?to=' });
  const { gaps } = await readOne(bosh.open());
  expect(gaps?.map(({ error }) => said(error))).toEqual([
    'malformed: the director did not report the task that it started',
  ]);
});

test('not monitored, unresponsive and absent are distinguished', async () => {
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

test('an agent whose monit does not answer is unknown, and a stopped instance is meant to be so', async () => {
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

test('an errand without a VM is as it should be', async () => {
  bosh = await startBosh();
  bosh.vms.change('doppler_z2/0', { errand: true, jobState: null, vmCid: null, agentId: null });
  const { instances } = await readOne(bosh.open());
  expect(instances[1]).toMatchObject({
    state: 'absent',
    desired: 'detached',
    restart: { allowed: false, because: 'it is an errand, which only runs on request' },
  });
});

test('the lock of a deployment names its task and what it does', async () => {
  bosh = await startBosh();
  const { taskId } = bosh.director.hold('cf', 'create deployment');
  expect((await readOne(bosh.open())).lock).toEqual({
    taskId: String(taskId),
    description: 'create deployment',
  });
});

test('without permission to see locks, a lock is still reported', async () => {
  bosh = await startBosh();
  bosh.director.allow(bosh.director.reader.id, ['bosh.teams.cf.admin']);
  bosh.director.hold('cf', 'create deployment');
  expect((await readOne(bosh.open())).lock).toEqual({ taskId: 'unknown' });
});

test('the release says which age of Cloud Foundry it is', async () => {
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

test('only a task that is done counts: one that fails is a gap with the words of its error event', async () => {
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

test('a task that never ends is waited for until the time is up, and named', async () => {
  bosh = await startBosh();
  bosh.director.fail({ task: 'vms', ends: 'never' });
  const { gaps } = await readOne(bosh.open({ taskSeconds: 0.3 }));
  expect(said(gaps![0]!.error)).toMatch(
    /^unreachable: task \d+ \(retrieve vm-stats\) is still processing after 0\.3 s$/,
  );
});

test('a cancelled query ends at once', async () => {
  bosh = await startBosh();
  bosh.director.fail({ task: 'vms', ends: 'never' });
  const controller = new AbortController();
  const reading = read(bosh.open(), controller.signal);
  await expect.poll(() => bosh.director.tasks.length).toBe(1);
  const reason = new Error('nobody asks any more');
  controller.abort(reason);
  await expect(reading).rejects.toBe(reason);
});

test('one deployment that cannot be read does not hide the others', async () => {
  const other = makeMemoryVms([makeVm('etcd_z1', 0)]);
  bosh = await startBosh({ deployments: { cf: makeMemoryVms([]), logging: other } });
  bosh.director.fail({ path: '/deployments/cf/', status: 500 });
  const found = await read(bosh.open({ deployments: ['logging', 'gone', 'cf'] }));
  expect(
    found.map(({ name, instances, gaps }) => [name, instances.length, gaps?.map(({ error }) => said(error))]),
  ).toEqual([
    ['cf', 0, ['unreachable: HOST answered 500']],
    ['gone', 0, ["missing: the director says: Deployment 'gone' doesn't exist (70000)"]],
    ['logging', 1, undefined],
  ]);
});

test('a deployment that is named twice is read once', async () => {
  bosh = await startBosh();
  expect((await read(bosh.open({ deployments: ['cf', 'cf'] }))).map(({ name }) => name)).toEqual(['cf']);
});

test('all readable deployments are checked when none is named', async () => {
  bosh = await startBosh({ deployments: { b: makeMemoryVms([]), a: makeMemoryVms([]) } });
  expect((await read(bosh.open())).map(({ name }) => name)).toEqual(['a', 'b']);
});

test('an unreadable line is counted, and the others are returned', async () => {
  bosh = await startBosh();
  bosh.vms.change('doppler_z2/0', { group: '' });
  const { instances, gaps } = await readOne(bosh.open());
  expect(instances).toHaveLength(2);
  expect(gaps?.map(({ what }) => what)).toEqual(['cf: 1 of its instances']);
});

test('an instance that the director lists and its full answer leaves out is a gap, and never counts as running', async () => {
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
    'cf: 2 of its instances: malformed: the director lists them, and left them out when it asked their agents',
  ]);
});

test('something that is no director', async () => {
  bosh = await startBosh();
  bosh.director.fail({ path: '/info', status: 200, body: '{}' });
  expect(await failure(read(bosh.open()))).toBe('malformed: HOST does not respond like a BOSH director');
});

test('a result with text of any kind is cut and cleaned', async () => {
  bosh = await startBosh();
  bosh.vms.change('doppler_z2/0', { group: 'dopp\u0007ler\u202e' });
  const { instances } = await readOne(bosh.open());
  expect(instances[1]!.group).toBe('dopp\uFFFDler\uFFFD');
});
