import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from './random.ts';
import type { Fleet, Program } from './fleet.ts';
import type { ChaosStage } from './stage.ts';
import { cancelKill, isKillPending, killAt, STEPS, type Side, type Step } from './steps.ts';

export interface DigestFaultSettings {
  readonly killEveryMs: readonly [from: number, to: number];
  readonly redisKills: number;
  readonly redisKillEveryMs: readonly [from: number, to: number];
  readonly redisDownMs: readonly [from: number, to: number];
}

export interface InjectedDigestFaults {
  readonly kills: number;
  readonly killsAtSteps: number;
  readonly redisKills: number;
  /** When Redis was killed, in milliseconds of the epoch. */
  readonly redisDeaths: readonly number[];
}

/** The share of kills that wait for a process at a step of a digest. */
const SHARE_AT_STEP = 0.8;
/** How long they wait. */
const WAIT_FOR_STEP_MS = 6_000;

/**
 * Kills workers, bots and Redis, and makes Slack fail, until it is stopped. After that all run, and Slack
 * works.
 */
export function startDigestFaults(
  stage: ChaosStage,
  chance: Chance,
  settings: DigestFaultSettings,
): { readonly stop: () => Promise<InjectedDigestFaults> } {
  const stopped = new AbortController();
  const counts = { kills: 0, killsAtSteps: 0, redisKills: 0, redisDeaths: [] as number[] };
  const repeat = async (
    [from, to]: readonly [number, number],
    own: Chance,
    inject: (own: Chance) => Promise<boolean>,
  ): Promise<void> => {
    for (let isRunning = true; isRunning;) {
      await sleep(own.between(from, to), undefined, { signal: stopped.signal }).catch(() => undefined);
      if (stopped.signal.aborted) return;
      isRunning = await inject(own);
    }
  };
  const killOne = async (fleet: Fleet, program: Program, own: Chance): Promise<boolean> => {
    if (own.happens(SHARE_AT_STEP)) {
      if (await killAtStep(stage, program, own)) counts.killsAtSteps += 1;
      else return true;
    } else {
      const running = fleet.running();
      if (running.length === 0) return true;
      await fleet.kill(own.oneOf(running));
    }
    counts.kills += 1;
    // Its owner restarts it a little later.
    await sleep(own.between(0, 1_500));
    await restartAll(fleet, program);
    return true;
  };
  const faults = [
    repeat(settings.killEveryMs, chance.apart('workers'), (own) => killOne(stage.fleet, 'worker', own)),
    repeat(settings.killEveryMs, chance.apart('bots'), (own) => killOne(stage.bots, 'bot', own)),
    repeat(settings.redisKillEveryMs, chance.apart('redis'), async (own) => {
      if (counts.redisKills >= settings.redisKills) return false;
      counts.redisKills += 1;
      await stage.redis.kill();
      counts.redisDeaths.push(Date.now());
      await sleep(own.between(...settings.redisDownMs));
      await stage.redis.start();
      return true;
    }),
    repeat([500, 2_500], chance.apart('slack'), async (own) => {
      failSlack(stage, own);
      return true;
    }),
  ];
  return {
    stop: async () => {
      stopped.abort();
      await Promise.all(faults);
      stage.workspace.faults.clear();
      await Promise.all([restartAll(stage.fleet, 'worker'), restartAll(stage.bots, 'bot')]);
      return counts;
    },
  };
}

const COUNTS: Readonly<Record<Program, number>> = { worker: 3, bot: 2 };

async function restartAll(fleet: Fleet, program: Program): Promise<void> {
  for (let number = 1; number <= COUNTS[program]; number += 1) await fleet.restart(number);
}

/** @returns whether a process reached the step and was killed. */
async function killAtStep({ folder }: ChaosStage, program: Program, chance: Chance): Promise<boolean> {
  const step = chance.oneOf<Step>(STEPS[program]);
  const side = chance.oneOf<Side>(step === 'collect' ? ['before'] : ['before', 'after']);
  killAt(folder, step, side);
  for (let waitedMs = 0; waitedMs < WAIT_FOR_STEP_MS; waitedMs += 50) {
    if (!isKillPending(folder, step, side)) return true;
    await sleep(50);
  }
  const isLate = isKillPending(folder, step, side);
  cancelKill(folder, step, side);
  return !isLate;
}

/** Posts and edits get a rate limit, an outage, or a lost reply. */
function failSlack({ workspace: { faults } }: ChaosStage, chance: Chance): void {
  const method = chance.oneOf(['chat.postMessage', 'chat.postMessage', 'chat.update']);
  const times = chance.between(1, 2);
  chance.oneOf([
    () => faults.rateLimit(method, { retryAfterSeconds: 1, times }),
    () => faults.serverError(method, { status: chance.oneOf([500, 502, 503]), times }),
    () => faults.loseAnswer(method, { times: 1 }),
    () => faults.slow(method, { ms: chance.between(100, 1_000), times }),
  ])();
}
