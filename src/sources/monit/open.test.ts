import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Monit, startMonit } from '../../../test/world/monit.ts';
import { order, waitForWatched } from '../../../test/world/monit/ask.ts';
import { type FakeMonitOptions, startFakeMonit } from '../../../test/world/monit/fake.ts';
import type { Deployment } from '../../ports/processes.ts';
import type { Source } from '../../ports/source.ts';
import { monitConfig } from './config.ts';
import { openMonit } from './open.ts';
import { parseStatus } from './parse-status.ts';

const AUTH = { username: 'vcap', password: 'random-password' };
const SLEEP = ['/bin/sleep', '1000'] as const;

let monit: Monit;
beforeAll(async () => {
  monit = await startMonit({
    name: 'vm',
    processes: [
      { name: 'doppler', command: SLEEP },
      { name: 'metron_agent', command: SLEEP },
      { name: 'broken', command: ['/bin/false'], failsToStart: true, startSeconds: 1 },
      { name: 'stopped', command: SLEEP },
      { name: 'zähl&er', command: SLEEP },
    ],
  });
  await order(monit, 'stopped', 'stop');
  await order(monit, 'metron_agent', 'unmonitor');
  await waitForWatched(monit, (all) => {
    const is = (name: string, monitor: number, status: number): boolean =>
      all.some((one) => one.name === name && one.monitor === monitor && one.status === status);
    return (
      is('doppler', 1, 0) &&
      is('zähl&er', 1, 0) &&
      is('broken', 1, 4608) &&
      all.filter(({ monitor: watched }) => watched === 0).length === 2
    );
  });
}, 40_000);
afterAll(() => monit?.close());

function open(hosts: readonly object[], more: object = {}): Source {
  const source = openMonit(monitConfig.parse({ kind: 'monit', hosts, auth: AUTH, ...more }));
  onTestFinished(source.close);
  return source;
}

async function read(source: Source): Promise<Deployment> {
  const [deployment] = await source.reads.processes!.deployments({ signal: new AbortController().signal });
  return deployment!;
}

async function fake(options: FakeMonitOptions): Promise<string> {
  const { url, close } = await startFakeMonit(options);
  onTestFinished(close);
  return url;
}

const here = (more: object = {}): object => ({ url: monit.url, instance: 'doppler_z2/0', ...more });
const RUNNING = { status: 0, monitor: 1, pendingAction: 0, pid: 812, uptimeSeconds: 41 };

test('distinguishes running, unmonitored and unstartable processes', async () => {
  const id = 'e0a1f6d0-3a0f-4b64-8f3e-9c1e6ff0a001';
  const source = open([here({ id, zone: 'z2', addresses: ['10.160.55.26'] })]);
  const { instances, gaps, name } = await read(source);
  expect({ name, gaps }).toEqual({ name: 'monit', gaps: undefined });
  expect(instances).toEqual([
    {
      group: 'doppler_z2',
      id,
      index: 0,
      name: 'doppler_z2/0',
      zone: 'z2',
      addresses: ['10.160.55.26'],
      desired: 'started',
      ignored: false,
      state: expect.stringMatching(/^(failing|starting)$/),
      incarnation: expect.stringContaining(`doppler ${await monit.pidOf('doppler')}`),
      processes: [
        {
          name: 'doppler',
          state: 'running',
          uptimeSeconds: expect.any(Number),
        },
        { name: 'metron_agent', state: 'unmonitored' },
        { name: 'broken', state: expect.stringMatching(/^(failing|starting)$/) },
        { name: 'stopped', state: 'unmonitored' },
        {
          name: 'zähl&er',
          state: 'running',
          uptimeSeconds: expect.any(Number),
        },
      ],
      restart: { allowed: false, because: '`allow.restart` is not configured for the source monit' },
    },
  ]);
  expect(source.writes).toBeUndefined();
});

test('both formats of the real monit give the same result', async () => {
  const ask = async (path: string): Promise<string> => {
    const authorization = `Basic ${Buffer.from(`${AUTH.username}:${AUTH.password}`).toString('base64')}`;
    const answer = await fetch(monit.url + path, { headers: { authorization } });
    return Buffer.from(await answer.arrayBuffer()).toString('latin1');
  };
  const namesAndPids = (text: string): unknown =>
    parseStatus(text)?.processes.map(({ name, pid }) => [name, pid]);
  const older = namesAndPids(await ask('/_status?format=xml'));
  expect(older).toHaveLength(5);
  expect(older).toEqual(namesAndPids(await ask('/_status2?format=xml')));
});

test('a process can be restarted if it is configured and exists on the machine', async () => {
  const { instances } = await read(
    open([here()], { allow: { restart: { processes: ['doppler', 'router'] } } }),
  );
  expect(instances[0]).toMatchObject({
    incarnation: `doppler ${await monit.pidOf('doppler')}`,
    restart: {
      allowed: true,
      scope: 'process',
      processes: ['doppler'],
      sideEffects: ["Drain scripts don't run: monit stops the process immediately"],
    },
  });
  const other = await read(open([here()], { allow: { restart: { processes: ['router'] } } }));
  expect(other.instances[0]?.restart).toEqual({
    allowed: false,
    because: 'none of its processes is listed in `allow.restart.processes` of the source monit',
  });
});

test('an unreadable monit is a gap, and the others are read', async () => {
  const nobody = { url: 'http://127.0.0.1:1', instance: 'doppler_z3/0' };
  const stranger = here({ instance: 'doppler_z1/0', auth: { username: 'vcap', password: 'wrong' } });
  const { instances, gaps } = await read(open([stranger, here(), nobody]));
  expect(instances.map(({ name }) => name)).toEqual(['doppler_z2/0']);
  expect(gaps?.map(({ what, error }) => `${what}: ${error.kind}: ${error.message}`)).toEqual([
    `doppler_z1/0: refused: ${new URL(monit.url).host} refused: permission denied (401)`,
    'doppler_z3/0: unreachable: 127.0.0.1:1 refused the connection: nothing listens there',
  ]);
});

test('fails if no monit can be read', async () => {
  const nobody = { url: 'http://127.0.0.1:1', instance: 'doppler_z3/0' };
  await expect(read(open([nobody, { ...nobody, instance: 'doppler_z1/0' }]))).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringMatching(/^couldn't read any of 2 monits: 127\.0\.0\.1:1 refused the connection/),
  });
});

test('reads another version of monit in its own format', async () => {
  const url = await fake({ version: '5.2.5', dialects: [1], processes: [{ name: 'doppler', ...RUNNING }] });
  const { instances } = await read(open([{ url, instance: 'doppler_z1/0' }]));
  expect(instances[0]).toMatchObject({
    state: 'running',
    processes: [{ name: 'doppler', state: 'running', uptimeSeconds: 41 }],
  });
});

test.each([
  ['running', [{}, {}]],
  ['failing', [{}, { status: 512 }]],
  ['failing', [{}, { monitor: 0 }]],
  ['starting', [{ status: 512 }, { monitor: 2 }]],
] as const)('an instance is %s, as for the BOSH agent', async (state, [one, other]) => {
  const processes = [
    { name: 'doppler', ...RUNNING, ...one },
    { name: 'metron_agent', ...RUNNING, ...other },
  ];
  const url = await fake({ processes });
  expect((await read(open([{ url, instance: 'doppler_z1/0' }]))).instances[0]?.state).toBe(state);
});

test('another server is not mistaken for a monit', async () => {
  const url = `${await fake({ processes: [] })}/elsewhere`;
  await expect(read(open([{ url, instance: 'doppler_z1/0' }]))).rejects.toMatchObject({
    kind: 'malformed',
    message: 'doppler_z1/0 sent a response that is not a monit status',
  });
});

test('the health check says which monits respond, and what to do about the others', async () => {
  const signal = new AbortController().signal;
  expect(await open([here()]).healthCheck(signal)).toEqual({
    ok: true,
    summary: '1 of 1 monit responds; read-only',
  });
  const stranger = here({ instance: 'doppler_z1/0', auth: { username: 'vcap', password: 'wrong' } });
  expect(
    await open([here(), stranger], { allow: { restart: { processes: ['doppler'] } } }).healthCheck(signal),
  ).toEqual({
    ok: false,
    summary: `1 of 2 monits respond; can restart doppler; not responding: doppler_z1/0 (${new URL(monit.url).host} refused: permission denied (401))`,
    hint: 'correct `auth`: the user and password after `allow` in the monitrc',
  });
});
