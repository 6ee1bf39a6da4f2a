import { setTimeout as sleep } from 'node:timers/promises';
import { deliveryIdOf } from '../../src/slack/access/delivery.ts';
import { runIdOf } from '../../src/queue/queues.ts';
import { shownIn, waitUntilIdle } from './evidence.ts';
import { REQUESTERS } from './people.ts';
import { repliesOutOfOrder, rootsOutOfOrder, withoutAnswer } from './posts.ts';
import { type Chance, makeChance } from './random.ts';
import { type ChaosReport, figuresOfPosts } from './run-chaos.ts';
import { type ChaosStage, setChaosStage } from './stage.ts';
import { checkPosts } from './invariants.ts';

export interface BusySettings {
  readonly seed: number;
  /** With different arguments, so that none joins another. */
  readonly questions: number;
  /** Slack responds with 429 or 5xx, or its response is lost. */
  readonly hasFaults: boolean;
  readonly idleWithinMs: number;
}

const BOTS = 2;
const WORKERS = 2;

/**
 * Requests many checks in one channel, at Slack's rate of one message a second. Each must get exactly one
 * report, in the order of the requests, and nothing else may be left in the channel.
 */
export async function runBusyChannel(
  { seed, questions, hasFaults, idleWithinMs }: BusySettings,
  log: (line: string) => void = () => undefined,
): Promise<ChaosReport> {
  const startedAt = performance.now();
  let isClean = false;
  await using cleanup = new AsyncDisposableStack();
  const stage = await setChaosStage(
    cleanup,
    {
      batches: 1,
      thingsInBatch: 0,
      workers: WORKERS,
      bots: BOTS,
      slowMs: 0,
      pace: { approveWithinSeconds: 60, applyWithinSeconds: 60, membershipSeconds: 60, takeOverSeconds: 30 },
    },
    () => !isClean,
  );
  stage.workspace.faults.paceLikeSlack(true);
  const faults = hasFaults ? makeFaults(stage, makeChance(seed)) : undefined;
  cleanup.defer(async () => faults?.stop());
  const runIds = await ask(stage, questions);
  log(`requesting ${questions} checks`);
  await waitForAnswers(stage, runIds, idleWithinMs);
  // Slack works for the last posts, so that everything pending can be posted.
  await faults?.stop();
  await waitUntilIdle(stage, idleWithinMs);
  const report = summarizeChannel(stage, runIds, performance.now() - startedAt);
  isClean = report.invariants.every(({ cases }) => cases.length === 0);
  return report;
}

function summarizeChannel(stage: ChaosStage, runIds: readonly string[], tookMs: number): ChaosReport {
  const shown = shownIn(stage);
  const { posts } = shown;
  const refused = stage.workspace.requests.filter(({ status }) => status !== 200);
  return {
    invariants: [
      {
        what: 'checks without a report',
        cases: withoutAnswer(shown, runIds),
      },
      { what: 'reports out of order', cases: rootsOutOfOrder(posts, runIds) },
      { what: 'replies out of order', cases: repliesOutOfOrder(posts) },
      ...checkPosts(shown),
      { what: 'crashes', cases: [...stage.fleet.crashes, ...stage.bots.crashes] },
    ],
    figures: [
      { what: 'questions', count: runIds.length },
      ...figuresOfPosts(shown),
      { what: 'responses of Slack with 429', count: refused.filter(({ status }) => status === 429).length },
      { what: 'responses of Slack with 5xx', count: refused.filter(({ status }) => status >= 500).length },
      { what: 'seconds', count: Math.round(tookMs / 1_000) },
    ],
    folder: stage.folder,
  };
}

/** One after another, so that the order is known. @returns the runs, in that order. */
async function ask(
  { workspace, channels: [channelId = ''] }: ChaosStage,
  questions: number,
): Promise<readonly string[]> {
  const [userId = ''] = REQUESTERS;
  const runIds: string[] = [];
  for (let number = 0; number < questions; number++) {
    const asked = { userId, channelId, command: '/lab', text: `question ${number}` };
    const { payload } = await workspace.command(asked);
    const { team_id: teamId, trigger_id: triggerId } = payload as Record<string, string>;
    runIds.push(runIdOf(deliveryIdOf({ teamId: teamId ?? '', triggerId: triggerId ?? '' })));
  }
  return runIds;
}

const POLL_MS = 500;

/** Waits until each request has its report in the channel, or the time is over. */
async function waitForAnswers(
  stage: ChaosStage,
  runIds: readonly string[],
  timeoutMs: number,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs) {
    if (withoutAnswer(shownIn(stage), runIds).length === 0) return;
    await sleep(POLL_MS);
  }
}

/** Posts and edits get a rate limit, an outage, or a lost reply, one at a time. */
function makeFaults({ workspace: { faults } }: ChaosStage, chance: Chance): { stop: () => Promise<void> } {
  const stopped = new AbortController();
  const working = (async () => {
    for (;;) {
      await sleep(chance.between(500, 2_500), undefined, { signal: stopped.signal }).catch(() => undefined);
      if (stopped.signal.aborted) return;
      const method = chance.oneOf(['chat.postMessage', 'chat.postMessage', 'chat.update']);
      const times = chance.between(1, 2);
      chance.oneOf([
        () => faults.rateLimit(method, { retryAfterSeconds: 1, times }),
        () => faults.serverError(method, { status: chance.oneOf([500, 502, 503]), times }),
        () => faults.loseAnswer(method, { times: 1 }),
        () => faults.slow(method, { ms: chance.between(100, 1_000), times }),
      ])();
    }
  })();
  return {
    stop: async () => {
      stopped.abort();
      await working;
      faults.clear();
      faults.paceLikeSlack(true);
    },
  };
}
