import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { ADA, INCIDENT, makeCatalogue, makeCheck, setStage, type Stage } from './harness.ts';

let stage: Stage;
afterEach(async () => {
  await stage.close();
});

const catalogue = makeCatalogue({ broken: makeCheck() });

/** Both roles, connected, with their background work under way. */
async function startBoth() {
  stage = await setStage({ delivery: 'http', catalogue });
  const worker = await stage.startWorker();
  const bot = await stage.startBot();
  await stage.workspace.command({ userId: ADA, channelId: INCIDENT, command: '/lab', text: 'broken' });
  await stage.workspace.waitFor(() => stage.workspace.messages(INCIDENT)[0]?.text.includes('1 of 41'));
  return [bot, worker];
}

test('both roles stop while Redis is away', { timeout: 90_000 }, async () => {
  const roles = await startBoth();
  await stage.redis.kill();
  // The worker's sweep, once in two seconds, is waiting for Redis by now.
  await sleep(2_500);

  await Promise.all(roles.map((role) => role.close()));

  expect(stage.log.filter((line) => line.includes('nothing handled it'))).toEqual([]);
});

test.each([0, 20, 60, 150])(
  'both roles stop %i ms after Redis is back',
  { timeout: 90_000 },
  async (afterMs) => {
    const roles = await startBoth();
    await stage.redis.kill();
    await stage.redis.start();
    await sleep(afterMs);

    await Promise.all(roles.map((role) => role.close()));

    expect(stage.log.filter((line) => line.includes('nothing handled it'))).toEqual([]);
  },
);
