import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Monit, startMonit } from '../../../test/world/monit.ts';
import { waitForStatus } from '../../../test/world/monit/ask.ts';
import {
  type FakeMonit,
  type FakeMonitOptions,
  startFakeMonit,
  statusText,
} from '../../../test/world/monit/fake.ts';
import type { Deployment } from '../../ports/processes.ts';
import { SourceError } from '../../ports/source-error.ts';
import { monitConfig } from './config.ts';
import { openMonit } from './open.ts';

const AUTH = { username: 'vcap', password: 'random-password' };
const RUNNING = { status: 0, monitor: 1, pendingAction: 0, pid: 812, uptimeSeconds: 41 };

let monit: Monit;
beforeAll(async () => {
  monit = await startMonit({
    name: 'faults',
    processes: [{ name: 'rep', command: ['/bin/sleep', '1000'] }],
    checks: (folder) => [
      `check process "x<y" with pidfile ${folder}/nowhere.pid\n  group vcap`,
      `check file "store.log" with path ${folder}/nowhere.log\n  group vcap`,
      `check file "a&b" with path ${folder}/monitrc\n  if size > 1 B then alert\n  group vcap`,
      `check program "probe" with path "/bin/sh -c 'echo 1<2; exit 3'"\n  if status != 0 then alert\n  group vcap`,
      'check host "db" with address 127.0.0.1\n  if failed port 1 then alert\n  group vcap',
      `check directory "elsewhere" with path ${folder}/nowhere\n`,
      'check system "box"\n  if memory usage > 0.01% then alert',
    ],
  });
  const seen = [
    /name="box">.*?<status>2</s,
    /name="probe">.*?<status>2097152</s,
    /name="db">.*?<status>32</s,
  ];
  await waitForStatus(monit, (status) => seen.every((one) => one.test(status)));
});
afterAll(() => monit?.close());

async function read(hosts: readonly object[], signal = new AbortController().signal): Promise<Deployment> {
  const source = openMonit(monitConfig.parse({ kind: 'monit', hosts, auth: AUTH }));
  onTestFinished(source.close);
  const [deployment] = await source.reads.processes!.deployments({ signal });
  return deployment!;
}

const fakes = new Map<string, FakeMonit>();

async function fake(options: FakeMonitOptions): Promise<string> {
  const started = await startFakeMonit(options);
  onTestFinished(started.close);
  fakes.set(started.url, started);
  return started.url;
}

/** Waits until a fake has received this many requests. */
async function asked(url: string, times: number): Promise<void> {
  await expect.poll(() => fakes.get(url)?.requests.length, { timeout: 40_000 }).toBe(times);
}

function gapsOf({ gaps = [] }: Deployment): readonly string[] {
  return gaps.map(({ what, error }) => `${what}: ${error.kind}: ${error.message}`);
}

test('like the BOSH agent, counts every service of the group, and each fault says what failed', async () => {
  const { instances, gaps } = await read([{ url: monit.url, instance: 'cell/0' }]);
  expect(gaps).toBeUndefined();
  expect(instances[0]).toMatchObject({
    state: 'failing',
    processes: [
      { name: 'rep', state: 'running' },
      { name: 'x<y', state: 'failing' },
    ],
    faults: [
      {
        name: 'store.log',
        type: 'file',
        state: 'failing',
        failures: ['it does not exist'],
        failsInstance: true,
      },
      { name: 'a&b', type: 'file', state: 'failing', failures: ['its size is wrong'], failsInstance: true },
      {
        name: 'probe',
        type: 'program',
        state: 'failing',
        failures: ['its program exited with an unexpected status'],
        failsInstance: true,
      },
      {
        name: 'db',
        type: 'host',
        state: 'failing',
        failures: ['the connection failed'],
        failsInstance: true,
      },
      {
        name: 'box',
        type: 'system',
        state: 'failing',
        failures: ['a resource limit is exceeded'],
        failsInstance: false,
      },
    ],
  });
});

test.each([
  ['failing', { status: 1, monitor: 1 }],
  ['failing', { status: 0, monitor: 0 }],
  ['starting', { status: 512, monitor: 2 }],
  ['running', { status: 0, monitor: 1 }],
] as const)('an instance is %s if a disk of the group has %o', async (state, disk) => {
  const url = await fake({
    processes: [{ name: 'rep', ...RUNNING }],
    others: [{ name: 'data', type: 0, ...disk }],
  });
  expect((await read([{ url, instance: 'cell/0' }])).instances[0]?.state).toBe(state);
});

test('without groups, only monitored services can make a machine fail, and unmonitored ones are shown', async () => {
  const processes = [{ name: 'rep', ...RUNNING }];
  const off = await fake({
    processes,
    dialects: [1],
    others: [{ name: 'log', type: 2, status: 0, monitor: 0 }],
  });
  const bad = await fake({
    processes,
    dialects: [1],
    others: [{ name: 'log', type: 2, status: 1, monitor: 1 }],
  });
  const { instances } = await read([
    { url: off, instance: 'cell/0' },
    { url: bad, instance: 'cell/1' },
  ]);
  expect(
    instances.map(({ state, faults }) => [state, faults?.map((one) => [one.state, one.failsInstance])]),
  ).toEqual([
    ['running', [['unmonitored', false]]],
    ['failing', [['failing', true]]],
  ]);
});

test('shows unknown bits and types of newer monits as numbers', async () => {
  const url = await fake({
    processes: [],
    others: [{ name: 'new', type: 11, status: 2 ** 33 + 512, monitor: 1 }],
  });
  expect((await read([{ url, instance: 'cell/0' }])).instances[0]?.faults).toMatchObject([
    {
      type: 'service of type 11',
      failures: ['it does not exist', "status 0x200000000, which Wrench doesn't know"],
    },
  ]);
});

test('an unreadable service is a gap with its name, and the other services of the host are read', async () => {
  const url = await fake({
    processes: [
      { name: 'x">y', ...RUNNING },
      { name: 'rep', ...RUNNING, status: 512 },
    ],
  });
  const deployment = await read([{ url, instance: 'cell/0' }]);
  expect(deployment.instances[0]).toMatchObject({ state: 'failing', processes: [{ name: 'rep' }] });
  expect(gapsOf(deployment)).toContain('cell/0: x: malformed: its entry in the response is malformed');
});

test.each([1, 2] as const)(
  'format %i: if the connection ends in the middle, complete services are read and the rest is a gap',
  async (dialect) => {
    const processes = ['nats', 'rep', 'garden'].map((name) => ({ name, ...RUNNING }));
    const cutAt = statusText(processes, '5.33.0', dialect).indexOf('garden') + 80;
    const url = await fake({ processes, dialects: [dialect], cutAt });
    const deployment = await read([{ url, instance: 'cell/0' }]);
    expect(deployment.instances[0]?.processes.map(({ name }) => name)).toEqual(['nats', 'rep']);
    expect(gapsOf(deployment)).toEqual([
      'cell/0: garden: malformed: its entry in the response is cut off',
      'cell/0: other services: malformed: the response is cut off: what comes after is unknown',
    ]);
  },
);

test('a response without any complete service is an unreadable host', async () => {
  const processes = [{ name: 'rep', ...RUNNING }];
  const url = await fake({ processes, cutAt: statusText(processes, '5.33.0', 2).indexOf('rep') + 20 });
  await expect(read([{ url, instance: 'cell/0' }])).rejects.toMatchObject({
    kind: 'malformed',
    message:
      'cell/0 responded, but no service in the response could be parsed: its entry in the response is cut off',
  });
});

test('a host that has not responded at the deadline does not affect the others', async () => {
  const processes = [{ name: 'rep', ...RUNNING }];
  const silent = await fake({ processes, isSilent: true });
  const url = await fake({ processes });
  const deadline = new AbortController();
  const source = openMonit(
    monitConfig.parse({
      kind: 'monit',
      auth: AUTH,
      // Fifty hosts are queried at once; the last one follows when the first has responded.
      hosts: [
        { url, instance: 'cell/0' },
        ...Array.from({ length: 50 }, (_, at) => ({ url: silent, instance: `cell/${at + 1}` })),
      ],
    }),
  );
  onTestFinished(source.close);
  const reading = source.reads.processes!.deployments({ signal: deadline.signal });
  await asked(silent, 50);
  deadline.abort(new SourceError('deadline', 'unreachable', 'not finished within 10 s'));
  const [deployment] = await reading;
  expect(deployment!.instances.map(({ name }) => name)).toEqual(['cell/0']);
  expect(gapsOf(deployment!)).toHaveLength(50);
  expect(gapsOf(deployment!)[0]).toBe('cell/1: unreachable: not finished within 10 s');
});
