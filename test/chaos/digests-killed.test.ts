import { expect, test, vi } from 'vitest';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { NIGHTLY, setOneDigest, until } from './digest-stage.ts';
import type { Program } from './fleet.ts';
import { changeItem } from './scripted-findings.ts';
import { isKillPending, killAt, type Side, type Step, STEPS } from './steps.ts';

/** A worker or a bot is killed at a known point of the run of a digest. */

// Processes are started, killed and restarted, and leases expire meanwhile.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS });

const POINTS = (Object.entries(STEPS) as [Program, readonly Step[]][]).flatMap(([program, steps]) =>
  steps.flatMap((step) =>
    (step === 'collect' ? ['before'] : ['before', 'after']).map(
      (side) => [program, side, step] as [Program, Side, Step],
    ),
  ),
);

test.concurrent.each(POINTS)(
  'if a %s is killed %s the step "%s", the run is posted, and nothing is reported twice',
  async (program, side, step) => {
    await using cleanup = new AsyncDisposableStack();
    const { stage, digests, makeDue, ask, posted } = await setOneDigest(cleanup);
    changeItem(stage.folder, 'pump', 'broken');
    killAt(stage.folder, step, side);
    await makeDue();
    const fleet = program === 'worker' ? stage.fleet : stage.bots;
    await until('the process is dead', async () => fleet.running().length === 0);
    expect(isKillPending(stage.folder, step, side)).toBe(false);
    await fleet.restart(1);

    // A bot that is killed before it has read Slack's reply cannot know that the root is in the channel.
    const count = step === 'post' && side === 'after' ? 2 : 1;
    const first = await posted(count);
    expect(first).toHaveLength(count);
    expect(new Set(first.map(({ runId }) => runId)).size).toBe(1);
    expect(first[0]?.text).toContain('pump is broken');
    expect((await digests.read(NIGHTLY))?.run?.due).toMatch(/-01-01T07:30:00\.000Z$/);

    await ask();
    const second = await posted(count + 1);
    expect(second).toHaveLength(count + 1);
    expect(second.at(-1)?.text).toContain('nothing new');
  },
);
