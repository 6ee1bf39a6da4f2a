import { setTimeout as sleep } from 'node:timers/promises';
import { PREFIX } from '../../src/queue/queues.ts';
import { type DigestStore, openDigests } from '../../src/store/digests/open-digests.ts';
import { MAX_WORLD_WAIT_MS } from '../timeouts.ts';
import { REQUESTERS } from './people.ts';
import { type Post, postsIn } from './posts.ts';
import { type ChaosStage, setChaosStage, type StageSettings } from './stage.ts';

export const NIGHTLY = 'nightly';
const CHANNEL = 'C0CHAOS0';

/** A chaos environment with one digest. It is due once a year, and whenever a test requests it. */
export interface OneDigest {
  readonly stage: ChaosStage;
  readonly digests: DigestStore;
  /** Counts from long ago, so that the run of the first of January is due. */
  readonly makeDue: () => Promise<void>;
  /** Requests a run. */
  readonly ask: () => Promise<void>;
  /** Waits until the channel has this many roots, and the digest's state is idle. @returns them. */
  readonly posted: (count: number) => Promise<readonly Post[]>;
}

export async function setOneDigest(
  cleanup: AsyncDisposableStack,
  settings: Partial<StageSettings> = {},
): Promise<OneDigest> {
  const stage = await setChaosStage(cleanup, {
    batches: 1,
    thingsInBatch: 0,
    workers: 1,
    bots: 1,
    slowMs: 0,
    pace: { approveWithinSeconds: 60, applyWithinSeconds: 20, membershipSeconds: 60, takeOverSeconds: 3 },
    digests: {
      [NIGHTLY]: {
        cron: '30 7 1 1 *',
        timeZone: 'UTC',
        channel: CHANNEL,
        quiet: false,
        checks: [{ check: 'lab/items', args: {} }],
      },
    },
    ...settings,
  });
  const digests = openDigests(stage.connection, PREFIX);
  const [userId = ''] = REQUESTERS;
  const roots = () => postsIn(stage.workspace.requests).filter(({ part }) => part === 'root');
  const isAtRest = async () => {
    const { run, posting } = (await digests.read(NIGHTLY)) ?? {};
    return run?.state === 'finished' && posting === undefined;
  };
  return {
    stage,
    digests,
    makeDue: async () => {
      await until('a worker has seen the digest', async () => (await digests.read(NIGHTLY)) !== undefined);
      await digests.change(
        NIGHTLY,
        (before) => before && { ...before, countedFrom: '2024-06-01T00:00:00.000Z' },
      );
    },
    ask: async () => {
      const text = `digest run ${NIGHTLY}`;
      await stage.workspace.command({ userId, channelId: CHANNEL, command: '/wrench', text });
    },
    posted: async (count) => {
      await until(`${count} digests are posted`, async () => roots().length >= count && (await isAtRest()));
      return roots();
    },
  };
}

const POLL_MS = 50;

/** For concurrent tests, which a global `expect.poll` cannot tell apart. */
export async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + MAX_WORLD_WAIT_MS;
  while (!(await isTrue())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${MAX_WORLD_WAIT_MS} ms: ${what}`);
    await sleep(POLL_MS);
  }
}
