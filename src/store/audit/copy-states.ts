import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { claim } from '../claim.ts';

const stoppedSchema = z.strictObject({ because: z.string(), since: z.iso.datetime() });

const stateSchema = z.strictObject({
  /** The host of the bot. */
  bot: z.string(),
  /** `stdout` or the path of a file; absent if the bot keeps no copy and only follows the audit for its head. */
  to: z.string().exactOptional(),
  stopped: stoppedSchema.exactOptional(),
  /** Why the last head seen cannot be written to its file. */
  headProblem: z.string().exactOptional(),
  seq: z.number().int(),
  behind: z.number().int(),
  at: z.iso.datetime(),
});

/** The state of one bot's copy: written by the bot, read by the doctor, which is another process. */
export type CopyState = z.infer<typeof stateSchema>;

const noticeSchema = z.strictObject({
  bot: z.string(),
  to: z.string().exactOptional(),
  ...stoppedSchema.shape,
});

/** A message to people that a copy has stopped. */
export type CopyNotice = z.infer<typeof noticeSchema>;

export interface CopyStates {
  /** The last state that this bot saved for this copy. */
  readonly read: (bot: string, to: string | undefined) => Promise<CopyState | undefined>;
  /** All current states, without those of bots that were not seen for a day or were replaced by another. */
  readonly list: () => Promise<readonly CopyState[]>;
  /** Saves a state. With `notify`, a copy that has stopped since the last one leaves one notice, in the same step. */
  readonly note: (state: CopyState, notify: boolean) => Promise<void>;
  /** Passes each notice to `post`, from one bot at a time, until `post` succeeds. */
  readonly postNotices: (post: (notice: CopyNotice) => Promise<void>) => Promise<void>;
}

const GONE_AFTER_MS = 86_400_000;
const FRESH_MS = 300_000;
/** Bots that stop for the same reason leave one notice. */
const SAME_REASON_MS = 600_000;
const POSTING_MS = 45_000;

/** KEYS: states, notices, reason. ARGV: the copy's id, its state, its notice or nothing, how long a reason counts as the same. */
const NOTE = `
local before = redis.call('hget', KEYS[1], ARGV[1])
local wasNoticed = before and cjson.decode(before).noticed
if ARGV[3] == '' then
  redis.call('hset', KEYS[1], ARGV[1], ARGV[2])
  return
end
redis.call('hset', KEYS[1], ARGV[1], '{"noticed":true,' .. string.sub(ARGV[2], 2))
if wasNoticed or not redis.call('set', KEYS[3], '1', 'NX', 'PX', ARGV[4]) then return end
redis.call('hset', KEYS[2], ARGV[1], ARGV[3])`;

/** Removes a notice, unless it was replaced meanwhile. KEYS: notices. ARGV: id, notice. */
const POSTED = `
if redis.call('hget', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('hdel', KEYS[1], ARGV[1]) end`;

export function openCopyStates(redis: Redis | Cluster, prefix: string): CopyStates {
  const statesKey = `${prefix}:audit:copies`;
  const noticesKey = `${prefix}:audit:notices`;
  const idOf = ({ bot, to = '' }: Pick<CopyState, 'bot' | 'to'>) => `${bot} ${to}`;
  return {
    read: async (bot, to) =>
      parseState(await redis.hget(statesKey, idOf({ bot, ...(to !== undefined && { to }) }))),
    list: async () => {
      const found = Object.entries(await redis.hgetall(statesKey));
      const states = found.map(([id, json]) => ({ id, state: parseState(json) }));
      const gone = states.filter(({ state }) => !state || ageOf(state) > GONE_AFTER_MS);
      if (gone.length > 0) await redis.hdel(statesKey, ...gone.map(({ id }) => id));
      const kept = states.flatMap(({ state }) => (state && ageOf(state) <= GONE_AFTER_MS ? state : []));
      return kept.filter((state) => !isReplaced(state, kept));
    },
    note: async (state, notify) => {
      const { bot, to, stopped } = state;
      const notice = notify && stopped ? JSON.stringify(noticeOf(bot, to, stopped)) : '';
      const reason = createHash('sha256')
        .update(JSON.stringify([to, stopped?.because]))
        .digest('hex');
      const keys = [statesKey, noticesKey, `${prefix}:audit:notice:${reason}`];
      await redis.eval(
        NOTE,
        keys.length,
        ...keys,
        idOf(state),
        JSON.stringify(state),
        notice,
        SAME_REASON_MS,
      );
    },
    postNotices: async (post) => {
      for (const [id, json] of Object.entries(await redis.hgetall(noticesKey))) {
        const posting = `${prefix}:audit:posting:${id}`;
        if (!(await claim(redis, posting, crypto.randomUUID(), POSTING_MS))) continue;
        try {
          const notice = noticeSchema.safeParse(JSON.parse(json));
          if (notice.success) await post(notice.data);
          await redis.eval(POSTED, 1, noticesKey, id, json);
        } finally {
          await redis.del(posting);
        }
      }
    },
  };
}

function noticeOf(
  bot: string,
  to: string | undefined,
  stopped: NonNullable<CopyState['stopped']>,
): CopyNotice {
  return { bot, ...(to !== undefined && { to }), ...stopped };
}

/** @returns undefined for what another version of Wrench, or somebody else, wrote. */
function parseState(json: string | null): CopyState | undefined {
  try {
    const { noticed: _, ...state } = JSON.parse(json ?? 'null') as Record<string, unknown>;
    return stateSchema.safeParse(state).data;
  } catch {
    return undefined;
  }
}

function ageOf({ at }: CopyState): number {
  return Date.now() - Date.parse(at);
}

/** A bot in a container has a new host name after each start: once a bot copies to the same place, older states there no longer count. */
function isReplaced(state: CopyState, all: readonly CopyState[]): boolean {
  return (
    ageOf(state) > FRESH_MS &&
    all.some((other) => other.to === state.to && !other.stopped && ageOf(other) <= FRESH_MS)
  );
}
