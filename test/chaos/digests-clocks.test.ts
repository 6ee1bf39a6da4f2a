import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { NIGHTLY, setOneDigest } from './digest-stage.ts';
import { waitUntilIdle } from './evidence.ts';
import { changeItem } from './scripted-findings.ts';

/** Wrong clocks, and a Redis that has lost data. */

vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS });

const MONTH_MS = 31 * 86_400_000;

test.concurrent.each([
  ['a month ahead', MONTH_MS],
  ['a month behind', -MONTH_MS],
] as const)(
  'a worker whose clock is %s catches up once, and a worker whose clock is right continues',
  async (_, aheadMs) => {
    await using cleanup = new AsyncDisposableStack();
    const { stage, digests, makeDue, ask, posted } = await setOneDigest(cleanup, {
      clocksAheadMs: [aheadMs],
    });
    changeItem(stage.folder, 'pump', 'broken');
    await makeDue();

    const first = await posted(1);
    expect(first[0]?.text).toContain('pump is broken');
    const { run } = (await digests.read(NIGHTLY)) ?? {};
    // By the clock of Redis: no older than the test.
    expect(Math.abs(Date.parse(run?.startedAt ?? '') - Date.now())).toBeLessThan(WORLD_TEST_TIMEOUT_MS);
    await stage.fleet.start();
    await stage.fleet.kill(1);
    changeItem(stage.folder, 'pump', 'healthy');
    changeItem(stage.folder, 'valve', 'broken');
    await ask();

    const second = await posted(2);
    expect(second).toHaveLength(2);
    expect(second[1]?.text).toMatch(/New \(1\)\n.*valve is broken[\s\S]*Gone \(1\)\n.*pump is broken/);
  },
);

test.concurrent('a Redis restored from an older copy catches its digest up once, and continues from there', async () => {
  await using cleanup = new AsyncDisposableStack();
  const { stage, makeDue, ask, posted } = await setOneDigest(cleanup);
  changeItem(stage.folder, 'pump', 'broken');
  await ask();
  await posted(1);
  await waitUntilIdle(stage, MAX_WORLD_WAIT_MS);
  await stage.fleet.kill(1);
  await makeDue();
  const [data, copy] = ['appendonlydir', 'older'].map((name) => join(stage.redis.folder, name)) as [
    string,
    string,
  ];
  await stage.redis.kill();
  await cp(data, copy, { recursive: true });
  await stage.redis.start();
  await stage.fleet.restart(1);
  changeItem(stage.folder, 'valve', 'broken');
  expect((await posted(2))[1]?.text).toContain('valve is broken');
  // A bot that still writes about this run would write into the older copy, which would then know that it
  // was posted.
  await waitUntilIdle(stage, MAX_WORLD_WAIT_MS);

  await stage.redis.kill();
  await rm(data, { recursive: true });
  await cp(copy, data, { recursive: true });
  await stage.redis.start();
  // The copy does not know what was posted since.
  expect((await posted(3))[2]?.text).toMatch(/New \(1\)\n.*valve is broken/);
  await ask();

  const all = await posted(4);
  expect(all).toHaveLength(4);
  expect(all[3]?.text).toContain('nothing new');
  expect([...stage.fleet.crashes, ...stage.bots.crashes]).toEqual([]);
});
