import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, test } from 'vitest';
import { type Monit, startMonit } from '../../../test/world/monit.ts';
import { order as tell, waitForWatched, type Watched } from '../../../test/world/monit/ask.ts';
import type { RestartResult } from '../../ports/processes.ts';
import { monitConfig } from './config.ts';
import { openMonitClient } from './client.ts';
import { openMonit } from './open.ts';

const AUTH = { username: 'vcap', password: 'random-password' };
const SLEEP = ['/bin/sleep', '1000'] as const;
const PROCESSES = ['doppler', 'unwatched', 'stopped', 'zähler'];

let monit: Monit;
beforeAll(async () => {
  monit = await startMonit({
    name: 'vm',
    processes: PROCESSES.map((name) => ({ name, command: SLEEP, startSeconds: 5 })),
  });
  await tell(monit, 'stopped', 'stop');
  await waitForWatched(monit, (all) => all.every(({ name, pid }) => name === 'stopped' || pid !== undefined));
  await tell(monit, 'unwatched', 'unmonitor');
  await waitForWatched(monit, (all) => all.filter(({ monitor }) => monitor === 0).length === 2);
}, 40_000);
afterAll(() => monit?.close());

interface ReceivedRequest {
  readonly url?: string;
  readonly process?: string;
  readonly more?: object;
}

async function restart({
  url = monit.url,
  process = 'doppler',
  more,
}: ReceivedRequest): Promise<RestartResult> {
  const hosts = [{ url, instance: 'doppler_z2/0' }];
  const source = openMonit(
    monitConfig.parse({
      kind: 'monit',
      auth: AUTH,
      allow: { restart: { processes: [process] } },
      hosts,
      ...more,
    }),
  );
  const target = { deployment: 'monit', group: 'doppler_z2', id: '0', process };
  const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: new AbortController().signal };
  try {
    return await source.writes!.processes!.restart(target, applyContext);
  } finally {
    await source.close();
  }
}

async function watched(name: string): Promise<Watched> {
  return (await monit.summary()).find((one) => one.name === name)!;
}

// Monit checks once a second at most, so these tests wait in parallel.
test.concurrent('a restart is done when another process runs, and reports its pid', async ({ expect }) => {
  const before = await monit.pidOf('doppler');
  const { summary } = await restart({});
  const after = await monit.pidOf('doppler');
  expect(after).not.toBe(before);
  expect(summary).toMatch(new RegExp(`^doppler: pid ${before} -> ${after} after \\d+ s$`));
  expect(await watched('doppler')).toMatchObject({ monitor: 1, status: 0, pendingAction: 0, pid: after });
});

test.concurrent('a stopped process is running and monitored afterwards', async ({ expect }) => {
  const { summary } = await restart({ process: 'stopped' });
  expect(summary).toMatch(/^stopped: not running -> pid \d+ after \d+ s$/);
  expect(await watched('stopped')).toMatchObject({ monitor: 1, status: 0 });
});

test.concurrent('replaces an unmonitored process, although monit itself would only monitor it again', async ({
  expect,
}) => {
  const before = await monit.pidOf('unwatched');
  await expect.poll(() => secondsOf(before)).toBeGreaterThan(4);
  const { summary } = await restart({ process: 'unwatched' });
  expect(summary).toMatch(new RegExp(`^unwatched: pid ${before} -> \\d+ after \\d+ s$`));
  expect(await watched('unwatched')).toMatchObject({ monitor: 1, status: 0 });
});

test.concurrent('restarts a process with a name that is not ASCII', async ({ expect }) => {
  expect((await restart({ process: 'zähler' })).summary).toMatch(/^zähler: pid \d+ -> \d+ after/);
});

test.concurrent('does not report a process that can’t be started as restarted', async ({
  expect,
  onTestFinished,
}) => {
  const broken = await startMonit({
    name: 'vm',
    processes: [{ name: 'broken', command: SLEEP, failsToStart: true, startSeconds: 1 }],
  });
  onTestFinished(broken.close);
  const { url } = broken;
  await expect(restart({ url, process: 'broken', more: { actionSeconds: 3 } })).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringMatching(
      /^monit accepted the action \d+ s ago; broken (could not be started or stopped|is starting|does not run|is still pending restart)$/,
    ),
  });
});

test.concurrent('monit rejects an action without its token', async ({ expect, onTestFinished }) => {
  const config = monitConfig.parse({
    kind: 'monit',
    auth: AUTH,
    hosts: [{ url: monit.url, instance: 'doppler_z2/0' }],
  });
  const client = openMonitClient(config);
  onTestFinished(client.close);
  const order = { host: config.hosts[0]!, process: 'doppler', action: 'restart' } as const;
  await expect(client.send(order, new AbortController().signal)).rejects.toMatchObject({
    kind: 'refused',
    message: 'monit on doppler_z2/0 refused to act on doppler: it rejected its own CSRF token (403)',
  });
});

test.concurrent('reports a wrong password, and a process that monit does not have', async ({ expect }) => {
  await expect(restart({ more: { auth: { username: 'vcap', password: 'wrong' } } })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(/refused: permission denied \(401\)$/),
  });
  await expect(restart({ process: 'router' })).rejects.toMatchObject({
    kind: 'missing',
    message: 'monit on doppler_z2/0 has no process router',
  });
});

/** The time since it started, according to Linux. */
async function secondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const startedTicks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  const uptime = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]);
  return uptime - startedTicks / 100;
}
