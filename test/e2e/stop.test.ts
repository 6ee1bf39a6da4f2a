import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterEach, expect, test } from 'vitest';
import { freePort } from '../world/free-port.ts';
import { ADA, INCIDENT, setStage, type Stage } from './harness.ts';
import { makeCatalogue, makeCheck } from '../world/lab-checks.ts';

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

const catalogue = makeCatalogue({ broken: makeCheck() });

/** Both roles, connected, with their background work in progress. */
async function startBoth() {
  const started = await setStage({ delivery: 'http', catalogue });
  stage = started;
  const { workspace, redis, log } = started;
  const worker = await started.startWorker();
  const bot = await started.startBot();
  await workspace.command({ userId: ADA, channelId: INCIDENT, command: '/lab', text: 'broken' });
  await workspace.waitFor(() => workspace.messages(INCIDENT)[0]?.text.includes('1 of 41'));
  return { roles: [bot, worker], redis, log };
}

test('both roles stop while Redis is down', { timeout: 90_000 }, async () => {
  const { roles, redis, log } = await startBoth();
  await redis.kill();
  // The worker's sweep, every two seconds, is waiting for Redis by now.
  await sleep(2_500);

  await Promise.all(roles.map((role) => role.close()));

  expect(log.filter((line) => line.includes('unhandled-rejection'))).toEqual([]);
});

test.each([0, 20, 60, 150])(
  'both roles stop %i ms after Redis is back',
  { timeout: 90_000 },
  async (afterMs) => {
    const { roles, redis, log } = await startBoth();
    await redis.kill();
    await redis.start();
    await sleep(afterMs);

    await Promise.all(roles.map((role) => role.close()));

    expect(log.filter((line) => line.includes('unhandled-rejection'))).toEqual([]);
  },
);

test('a worker that never reached Redis stops on request', { timeout: 90_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-stop-'));
  const config = join(folder, 'wrench.yaml');
  await writeFile(
    config,
    "environments: { prod: { sources: [{ kind: tls, name: edge, sites: ['127.0.0.1:1'] }] } }\nlimits: { stopSeconds: 0 }\n",
  );
  const worker = execa(process.execPath, ['src/main.ts', 'worker'], {
    reject: false,
    extendEnv: false,
    all: true,
    env: {
      HEALTH_PORT: '0',
      REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
      WRENCH_CONFIG: config,
      WRENCH_DATA: folder,
    },
  });
  let output = '';
  worker.all.on('data', (text: Buffer) => (output += text.toString()));
  await expect.poll(() => output).toContain('redis-error');

  worker.kill('SIGTERM');

  expect(await worker).toMatchObject({ exitCode: 0 });
  await rm(folder, { recursive: true });
});
