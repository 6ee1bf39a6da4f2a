import { expect, onTestFinished, test } from 'vitest';
import {
  type FakeMonit,
  type FakeMonitOptions,
  type FakeProcess,
  startFakeMonit,
} from '../../../test/world/monit/fake.ts';
import type { RestartResult } from '../../ports/processes.ts';
import { monitConfig } from './config.ts';
import { openMonit } from './open.ts';

const AUTH = { username: 'vcap', password: 'random-password' };
const RUNNING: FakeProcess = {
  name: 'doppler',
  status: 0,
  monitor: 1,
  pendingAction: 0,
  pid: 812,
  uptimeSeconds: 9000,
};

interface ReceivedRequest {
  readonly url: string;
  readonly process?: string;
  readonly id?: string;
  readonly deployment?: string;
  readonly actionSeconds?: number;
  readonly signal?: AbortSignal;
}

function restart({
  url,
  process = 'doppler',
  id = '0',
  deployment = 'monit',
  ...asked
}: ReceivedRequest): Promise<RestartResult> {
  const { signal = new AbortController().signal, ...more } = asked;
  const hosts = [{ url, instance: 'doppler_z2/0' }];
  const opened = openMonit(
    monitConfig.parse({
      kind: 'monit',
      auth: AUTH,
      allow: { restart: { processes: ['doppler'] } },
      hosts,
      ...more,
    }),
  );
  onTestFinished(opened.close);
  const target = { deployment, group: 'doppler_z2', id, process };
  return opened.writes!.processes!.restart(target, { idempotencyKey: 'm0123456789abcdef', signal });
}

async function fake(options: Partial<FakeMonitOptions> = {}): Promise<FakeMonit> {
  const started = await startFakeMonit({ processes: [{ ...RUNNING }], ...options });
  onTestFinished(started.close);
  return started;
}

test.each([
  [{ process: 'sshd' }, 'sshd is not listed in `allow.restart.processes` of the source monit'],
  [{ deployment: 'cf' }, 'the source monit has no deployment cf'],
  [{ id: '7' }, 'the source monit has no host doppler_z2/7'],
])('rejects %o before anything is sent', async (asked, message) => {
  const { url, requests } = await fake();
  await expect(restart({ url, ...asked })).rejects.toMatchObject({ message });
  expect(requests).toEqual([]);
});

test('detects a monit that accepts the action and does nothing', async () => {
  const { url, requests } = await fake();
  await expect(restart({ url, actionSeconds: 1 })).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringMatching(
      /^monit accepted the action \d+ s ago; doppler is the same process as before \(pid 812\)$/,
    ) as string,
  });
  expect(requests.filter((one) => one.startsWith('POST'))).toEqual(['POST /doppler restart']);
});

test('detects a monit that never executes the action', async () => {
  const { url } = await fake({
    onOrder: (process) => {
      process.pendingAction = 2;
      return undefined;
    },
  });
  await expect(restart({ url, actionSeconds: 1 })).rejects.toThrow(
    /^monit accepted the action \d+ s ago; doppler is still pending restart$/,
  );
});

test('does not restart a process with a pending restart again', async () => {
  const { url, requests } = await fake({ processes: [{ ...RUNNING, pendingAction: 2 }] });
  await expect(restart({ url })).rejects.toMatchObject({
    kind: 'refused',
    message: 'doppler on doppler_z2/0 is still pending restart',
  });
  expect(requests).toEqual(['GET /_status2']);
});

test('restarts through a monit version without tokens, where 200 means accepted like 302', async () => {
  const { url } = await fake({
    version: '5.2.5',
    onOrder: (process) => {
      process.pid = 1043;
      process.uptimeSeconds = 0;
      return undefined;
    },
  });
  expect((await restart({ url })).summary).toMatch(/^doppler: pid 812 -> 1043 after/);
});

test.each([
  [
    503,
    'refused',
    'monit on doppler_z2/0 is busy with another action for doppler (503): try again in a minute',
  ],
  [403, 'refused', 'monit on doppler_z2/0 refused to act on doppler: this user is read-only (403)'],
  [400, 'refused', 'monit on doppler_z2/0 rejected the action for doppler (400)'],
])('explains an action that returned %i, and does not repeat it', async (status, kind, message) => {
  const { url, requests } = await fake({ onOrder: () => status });
  await expect(restart({ url })).rejects.toMatchObject({ kind, message });
  expect(requests.filter((one) => one.startsWith('POST'))).toHaveLength(1);
});

test('stops an action once its signal is aborted', async () => {
  const { url } = await fake();
  const reason = new Error('frozen');
  const stop = new AbortController();
  const restarting = restart({ url, signal: stop.signal });
  setTimeout(() => stop.abort(reason), 200);
  await expect(restarting).rejects.toBe(reason);
});

test('recognizes a restarted process with the same pid by its uptime', async () => {
  const { url } = await fake({
    onOrder: (process) => {
      process.uptimeSeconds = 0;
      return undefined;
    },
  });
  expect((await restart({ url })).summary).toMatch(/^doppler: pid 812 -> 812 after/);
});

test('a failed poll does not end the restart', async () => {
  const { url, processes } = await fake({
    onOrder: (process) => {
      process.pid = 1043;
      process.name = 'hidden';
      setTimeout(() => (process.name = 'doppler'), 700);
      return undefined;
    },
  });
  expect((await restart({ url })).summary).toMatch(/^doppler: pid 812 -> 1043 after/);
  expect(processes).toHaveLength(1);
});
