import { readFile, stat } from 'node:fs/promises';
import { test } from 'vitest';
import { startMonit } from './monit.ts';
import { order, waitForWatched } from './monit/ask.ts';

const SLEEPER = { name: 'sleeper', command: ['/bin/sleep', '1000'] } as const;

const runs = async (pid: number): Promise<boolean> =>
  /^State:\s*[^Z\s]/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''));

// Monit checks at most once a second, so these tests wait concurrently.
test.concurrent('monit starts its processes, and closing it stops them and leaves nothing behind', async ({
  expect,
  onTestFinished,
}) => {
  const monit = await startMonit({ name: 'vm', processes: [SLEEPER] });
  onTestFinished(monit.close);
  await waitForWatched(monit, ([sleeper]) => sleeper?.status === 0 && sleeper.pid !== undefined);
  const pid = await monit.pidOf('sleeper');
  expect(await runs(pid)).toBe(true);
  await monit.close();
  expect(await runs(pid)).toBe(false);
  await expect(stat(monit.folder)).rejects.toMatchObject({ code: 'ENOENT' });
});

test.concurrent('a killed process is restarted, and one that cannot be started is reported', async ({
  expect,
  onTestFinished,
}) => {
  const broken = { name: 'broken', command: ['/bin/false'], failsToStart: true, startSeconds: 1 } as const;
  const monit = await startMonit({ name: 'vm', processes: [SLEEPER, broken] });
  onTestFinished(monit.close);
  await waitForWatched(monit, (all) => all[0]?.status === 0 && all[1]?.status === 4608);
  const pid = await monit.pidOf('sleeper');
  process.kill(pid, 'SIGKILL');
  await waitForWatched(
    monit,
    ([sleeper]) => sleeper?.status === 0 && sleeper.pid !== undefined && sleeper.pid !== pid,
  );
  expect(await runs(await monit.pidOf('sleeper'))).toBe(true);
});

test.concurrent('a restart is done when a new process runs', async ({ expect, onTestFinished }) => {
  const monit = await startMonit({ name: 'vm', processes: [SLEEPER] });
  onTestFinished(monit.close);
  await waitForWatched(monit, ([sleeper]) => sleeper?.status === 0 && sleeper.monitor === 1);
  const pid = await monit.pidOf('sleeper');
  await order(monit, 'sleeper', 'restart');
  await waitForWatched(
    monit,
    ([sleeper]) => sleeper?.pendingAction === 0 && sleeper.pid !== undefined && sleeper.pid !== pid,
  );
  expect(await runs(pid)).toBe(false);
  await order(monit, 'sleeper', 'stop');
  await waitForWatched(monit, ([sleeper]) => sleeper?.monitor === 0);
});
