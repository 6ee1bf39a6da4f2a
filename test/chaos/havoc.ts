import { setTimeout as sleep } from 'node:timers/promises';
import { openFreeze } from '../../src/store/remediation/freeze.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import { readBegun } from './lab.ts';
import { sendEveryMalformed, sendMalformed } from './malformed.ts';
import { APPROVER_GROUP, STAYING } from './people.ts';
import type { Chance } from './random.ts';
import type { ChaosStage } from './stage.ts';

export interface HavocSettings {
  /** Every so often a worker is killed, and started anew. At most `workerKills` times. */
  readonly workerKills: number;
  readonly workerKillEveryMs: readonly [from: number, to: number];
  readonly redisKills: number;
  readonly redisKillEveryMs: readonly [from: number, to: number];
  readonly freezeEveryMs: readonly [from: number, to: number];
  /** Now and then all workers are away for longer than an approval is good for. */
  readonly blackouts: number;
  readonly blackoutEveryMs: readonly [from: number, to: number];
  readonly blackoutMs: number;
  /** When the leavers are taken out of the group of approvers. */
  readonly leaveAfterMs: number;
}

/** What was done to everybody, for the count afterwards. Times are milliseconds of the epoch. */
export interface Havoc {
  readonly workerKills: number;
  readonly redisKills: number;
  /** Malformed requests that reached a process. */
  readonly malformed: number;
  /** From when a freeze was confirmed until somebody began to thaw it. */
  readonly freezes: readonly { readonly fromMs: number; readonly untilMs: number }[];
  /** Since when the leavers are no approvers. */
  readonly leftAtMs: number | undefined;
}

export interface WreakingHavoc {
  /** Freezes at this moment; joins a freeze that holds. */
  readonly freeze: (forMs: number) => Promise<void>;
  readonly stop: () => Promise<Havoc>;
}

/** Wreaks havoc until it is stopped, then mends everything: Redis and all workers are there, nothing is frozen, Slack is well. */
export function wreakHavoc(stage: ChaosStage, chance: Chance, settings: HavocSettings): WreakingHavoc {
  const stopped = new AbortController();
  const seen = {
    workerKills: 0,
    redisKills: 0,
    blackouts: 0,
    malformed: 0,
    freezes: [] as Havoc['freezes'][number][],
  };
  let freezing: Promise<void> | undefined;
  const freeze = (forMs: number): Promise<void> => {
    freezing ??= freezeFor(stage, forMs)
      .then((frozen) => void seen.freezes.push(frozen))
      .finally(() => (freezing = undefined));
    return freezing;
  };
  let isDark = false;
  let leftAtMs: number | undefined;
  const repeat = async (
    [from, to]: readonly [number, number],
    own: Chance,
    turn: (own: Chance) => Promise<boolean>,
  ): Promise<void> => {
    for (let goesOn = true; goesOn;) {
      await sleep(own.between(from, to), undefined, { signal: stopped.signal }).catch(() => undefined);
      if (stopped.signal.aborted) return;
      goesOn = await turn(own);
    }
  };
  const all = [
    repeat(settings.workerKillEveryMs, chance.apart('workers'), async (own) => {
      if (seen.workerKills >= settings.workerKills) return false;
      if (!isDark && (await killWorker(stage, own, () => isDark))) seen.workerKills += 1;
      return true;
    }),
    repeat(settings.blackoutEveryMs, chance.apart('blackout'), async () => {
      if (seen.blackouts >= settings.blackouts) return false;
      seen.blackouts += 1;
      isDark = true;
      seen.workerKills += await blackOut(stage, settings.blackoutMs);
      isDark = false;
      return true;
    }),
    repeat(settings.redisKillEveryMs, chance.apart('redis'), async (own) => {
      if (seen.redisKills >= settings.redisKills) return false;
      seen.redisKills += 1;
      await stage.redis.kill();
      await sleep(own.between(200, 1_200));
      await stage.redis.start();
      return true;
    }),
    repeat(settings.freezeEveryMs, chance.apart('freeze'), async (own) => {
      await freeze(own.between(800, 2_500));
      return true;
    }),
    repeat([200, 1_000], chance.apart('malformed'), async (own) => {
      if (await sendMalformed(stage, own)) seen.malformed += 1;
      return true;
    }),
    repeat([300, 1_200], chance.apart('slack'), async (own) => {
      troubleSlack(stage, own);
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
    stop: async () => {
      stopped.abort();
      await Promise.all([...all, freezing]);
      stage.workspace.faults.clear();
      // Each of them once more, so that none is left to chance.
      const malformed = seen.malformed + (await sendEveryMalformed(stage));
      const { workerKills, redisKills, freezes } = seen;
      return { workerKills, redisKills, malformed, freezes, leftAtMs };
    },
  };
}

/** How many of the kills wait for a deed to be begun, and meet it somewhere between its beginning and what follows it. */
const IN_A_DEED = 0.7;
const WAITS_FOR_DEED_MS = 3_000;

async function killWorker(stage: ChaosStage, chance: Chance, isDark: () => boolean): Promise<boolean> {
  const { fleet } = stage;
  const busy = chance.happens(IN_A_DEED) ? await nextToBegin(stage) : undefined;
  if (busy !== undefined) await sleep(chance.between(0, 500));
  const running = fleet.running();
  if (isDark() || running.length === 0) return false;
  const number = busy !== undefined && running.includes(busy) ? busy : chance.oneOf(running);
  await fleet.kill(number);
  await fleet.restart(number);
  return true;
}

/** Kills them all, and starts as many after a while. Gives how many. */
async function blackOut({ fleet }: ChaosStage, forMs: number): Promise<number> {
  const all = fleet.running();
  await Promise.all(all.map(fleet.kill));
  await sleep(forMs);
  await Promise.all(all.map(fleet.restart));
  return all.length;
}

/** The worker that next sets about a deed. */
async function nextToBegin({ folder, fleet }: ChaosStage): Promise<number | undefined> {
  const before = readBegun(folder).length;
  for (let waitedMs = 0; waitedMs < WAITS_FOR_DEED_MS; waitedMs += 20) {
    const [next] = readBegun(folder).slice(before);
    if (next) return fleet.numberOf(next.pid);
    await sleep(20);
  }
  return undefined;
}

async function freezeFor({ connection }: ChaosStage, ms: number): Promise<Havoc['freezes'][number]> {
  const { freeze, thaw } = openFreeze(connection, PREFIX);
  const said = () => ({ by: 'terminal', at: new Date().toISOString(), because: 'to see what it holds up' });
  await freeze(said());
  const fromMs = Date.now();
  await sleep(ms);
  const untilMs = Date.now();
  await thaw(said());
  return { fromMs, untilMs };
}

const POSTS = ['chat.postMessage', 'chat.update'] as const;
const LOOKUPS = ['users.info', 'usergroups.users.list'] as const;

/** One more thing that goes wrong with Slack, a few times. Refusals that cannot be shown are in the audit alone, so those are only slow or unsure. */
function troubleSlack({ workspace: { faults } }: ChaosStage, chance: Chance): void {
  const times = chance.between(1, 3);
  const post = chance.oneOf(POSTS);
  const troubles = [
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
  chance.oneOf(troubles)();
}
