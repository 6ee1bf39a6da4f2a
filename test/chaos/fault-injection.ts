import { setTimeout as sleep } from 'node:timers/promises';
import { openFreeze } from '../../src/store/remediation/freeze.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import { readFixEvents } from './fix-log.ts';
import { sendEveryMalformed, sendMalformed } from './malformed.ts';
import { APPROVER_GROUP, STAYING } from './people.ts';
import type { Chance } from './random.ts';
import type { ChaosStage } from './stage.ts';

export interface FaultSettings {
  /** A worker is killed and restarted at most this many times. */
  readonly workerKills: number;
  readonly workerKillEveryMs: readonly [from: number, to: number];
  readonly redisKills: number;
  readonly redisKillEveryMs: readonly [from: number, to: number];
  /** How long it is down: one of these each time. A lease that expires meanwhile is lost. */
  readonly redisDownMs: readonly (readonly [from: number, to: number])[];
  readonly freezeEveryMs: readonly [from: number, to: number];
  /** All workers are down for longer than an approval is valid at most this many times. */
  readonly blackouts: number;
  readonly blackoutEveryMs: readonly [from: number, to: number];
  readonly blackoutMs: number;
  /** When the leavers are removed from the approvers' group. */
  readonly leaveAfterMs: number;
}

/** The injected faults, for the invariants. Times are milliseconds since the epoch. */
export interface InjectedFaults {
  readonly workerKills: number;
  readonly redisKills: number;
  /** Malformed requests that reached a process. */
  readonly malformed: number;
  /** From the confirmation of a freeze to the request for its end. */
  readonly freezes: readonly { readonly fromMs: number; readonly untilMs: number }[];
  /** When the leavers stopped being approvers. */
  readonly leftAtMs: number | undefined;
}

export interface FaultInjector {
  /** Freezes now, or joins a freeze in force. */
  readonly freeze: (forMs: number) => Promise<void>;
  /** Kills the worker with this process id and restarts it. Does nothing while all workers are down. */
  readonly killWorkerOf: (pid: number) => Promise<void>;
  readonly stop: () => Promise<InjectedFaults>;
}

/**
 * Injects faults until it is stopped. After that Redis and all workers run, nothing is frozen, and Slack
 * works.
 */
export function startFaultInjection(
  stage: ChaosStage,
  chance: Chance,
  settings: FaultSettings,
): FaultInjector {
  const stopped = new AbortController();
  const counts = {
    workerKills: 0,
    redisKills: 0,
    blackouts: 0,
    malformed: 0,
    freezes: [] as InjectedFaults['freezes'][number][],
  };
  let freezing: Promise<void> | undefined;
  const freeze = (forMs: number): Promise<void> => {
    freezing ??= freezeFor(stage, forMs)
      .then((frozen) => void counts.freezes.push(frozen))
      .finally(() => (freezing = undefined));
    return freezing;
  };
  let isBlackout = false;
  let killing: Promise<void> = Promise.resolve();
  /** One kill at a time: a worker must not be started twice. */
  const killInTurn = (kill: () => Promise<boolean>): Promise<void> => {
    const killUnlessDown = async () => {
      if (!isBlackout && (await kill())) counts.workerKills += 1;
    };
    const done = killing.then(killUnlessDown);
    killing = done.catch(() => undefined);
    return done;
  };
  let leftAtMs: number | undefined;
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
  const faults = [
    repeat(settings.workerKillEveryMs, chance.apart('workers'), async (own) => {
      if (counts.workerKills >= settings.workerKills) return false;
      const busy = own.happens(SHARE_DURING_APPLY) ? await nextToApply(stage) : undefined;
      if (busy !== undefined) await sleep(own.between(0, 500));
      await killInTurn(() => killWorker(stage, own, busy));
      return true;
    }),
    repeat(settings.blackoutEveryMs, chance.apart('blackout'), async () => {
      if (counts.blackouts >= settings.blackouts) return false;
      counts.blackouts += 1;
      isBlackout = true;
      counts.workerKills += await killAllWorkers(stage, settings.blackoutMs);
      isBlackout = false;
      return true;
    }),
    repeat(settings.redisKillEveryMs, chance.apart('redis'), async (own) => {
      if (counts.redisKills >= settings.redisKills) return false;
      counts.redisKills += 1;
      await stage.redis.kill();
      await sleep(own.between(...own.oneOf(settings.redisDownMs)));
      await stage.redis.start();
      return true;
    }),
    repeat(settings.freezeEveryMs, chance.apart('freeze'), async (own) => {
      await freeze(own.between(800, 2_500));
      return true;
    }),
    repeat([200, 1_000], chance.apart('malformed'), async (own) => {
      if (await sendMalformed(stage, own)) counts.malformed += 1;
      return true;
    }),
    repeat([300, 1_200], chance.apart('slack'), async (own) => {
      injectSlackFault(stage, own);
      return true;
    }),
    repeat([settings.leaveAfterMs, settings.leaveAfterMs], chance.apart('leave'), async () => {
      stage.workspace.setGroup(APPROVER_GROUP, STAYING);
      leftAtMs = Date.now();
      return false;
    }),
  ];
  return {
    freeze,
    killWorkerOf: (pid) =>
      killInTurn(async () => {
        const number = stage.fleet.numberOf(pid);
        if (number === undefined) return false;
        await stage.fleet.kill(number);
        await stage.fleet.restart(number);
        return true;
      }),
    stop: async () => {
      stopped.abort();
      await Promise.all([...faults, freezing]);
      stage.workspace.faults.clear();
      // Each malformed request once more, so that none depends on chance.
      const malformed = counts.malformed + (await sendEveryMalformed(stage));
      const { workerKills, redisKills, freezes } = counts;
      return { workerKills, redisKills, malformed, freezes, leftAtMs };
    },
  };
}

/** The share of kills that wait for a worker to start a fix and kill it while it applies it. */
const SHARE_DURING_APPLY = 0.7;
const WAIT_FOR_APPLY_MS = 3_000;

async function killWorker({ fleet }: ChaosStage, chance: Chance, busy: number | undefined): Promise<boolean> {
  const running = fleet.running();
  if (running.length === 0) return false;
  const number = busy !== undefined && running.includes(busy) ? busy : chance.oneOf(running);
  await fleet.kill(number);
  await fleet.restart(number);
  return true;
}

/** Kills all workers and restarts them later. @returns how many. */
async function killAllWorkers({ fleet }: ChaosStage, forMs: number): Promise<number> {
  const all = fleet.running();
  await Promise.all(all.map(fleet.kill));
  await sleep(forMs);
  await Promise.all(all.map(fleet.restart));
  return all.length;
}

/** The worker that starts the next fix. */
async function nextToApply({ folder, fleet }: ChaosStage): Promise<number | undefined> {
  const before = readFixEvents(folder, 'started').length;
  for (let waitedMs = 0; waitedMs < WAIT_FOR_APPLY_MS; waitedMs += 20) {
    const [next] = readFixEvents(folder, 'started').slice(before);
    if (next) return fleet.numberOf(next.pid);
    await sleep(20);
  }
  return undefined;
}

async function freezeFor({ connection }: ChaosStage, ms: number): Promise<InjectedFaults['freezes'][number]> {
  const { freeze, unfreeze } = openFreeze(connection, PREFIX);
  const freezeBy = () => ({
    by: 'terminal',
    at: new Date().toISOString(),
    because: 'fault injection',
  });
  await freeze(freezeBy());
  const fromMs = Date.now();
  await sleep(ms);
  const untilMs = Date.now();
  await unfreeze(freezeBy());
  return { fromMs, untilMs };
}

const POSTS = ['chat.postMessage', 'chat.update'] as const;
const LOOKUPS = ['users.info', 'usergroups.users.list'] as const;

/**
 * Injects one Slack fault, a few times. A refusal that is never shown would be in the audit alone, so
 * private replies are only slow or lose their response.
 */
function injectSlackFault({ workspace: { faults } }: ChaosStage, chance: Chance): void {
  const times = chance.between(1, 3);
  const post = chance.oneOf(POSTS);
  const injections = [
    () => faults.rateLimit(post, { retryAfterSeconds: 1, times }),
    () => faults.serverError(post, { status: chance.oneOf([500, 502, 503]), times }),
    () => faults.loseAnswer(post, { times }),
    () => faults.slow(post, { ms: chance.between(100, 2_000), times }),
    () => faults.rateLimit(chance.oneOf(LOOKUPS), { retryAfterSeconds: 1, times: 1 }),
    () => faults.serverError(chance.oneOf(LOOKUPS), { times: 1 }),
    () => faults.slow(chance.oneOf(LOOKUPS), { ms: chance.between(100, 1_500), times }),
    () => faults.loseAnswer('chat.postEphemeral', { times }),
    () => faults.slow('chat.postEphemeral', { ms: chance.between(100, 1_500), times }),
  ];
  chance.oneOf(injections)();
}
