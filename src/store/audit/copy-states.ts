import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { loadLua } from '../../queue/load-lua.ts';
import { claim } from '../claim.ts';

const stoppedSchema = z.strictObject({ because: z.string(), since: z.iso.datetime() });

const copyStatusSchema = z.strictObject({
  /** Why copying has stopped; a person must resolve it. */
  stopped: stoppedSchema.exactOptional(),
  /** The number of the last entry copied, or seen if there is no copy. */
  seq: z.number().int(),
  /** The number of entries in Redis after that one. */
  behind: z.number().int(),
  /** Why the last head seen can't be written to its file. */
  headProblem: z.string().exactOptional(),
});

/** The progress of copying, and what prevents it. */
export type CopyStatus = z.infer<typeof copyStatusSchema>;

const stateSchema = copyStatusSchema.extend({
  /** The host of the bot. */
  bot: z.string(),
  /** `stdout` or the path of a file; absent if the bot keeps no copy and only follows the audit for its head. */
  to: z.string().exactOptional(),
  at: z.iso.datetime(),
});

/** The state of one bot's copy: written by the bot, read by the doctor, which is another process. */
export type AuditCopyState = z.infer<typeof stateSchema>;

const noticeSchema = stateSchema.pick({ bot: true, to: true }).extend(stoppedSchema.shape);

/** A notice to people that a copy has stopped. */
export type CopyNotice = z.infer<typeof noticeSchema>;

export interface AuditCopyStates {
  /** The last state that this bot saved for this copy. */
  readonly read: (bot: string, to: string | undefined) => Promise<AuditCopyState | undefined>;
  /** All current states, without those of bots that were not seen for a day or were replaced by another. */
  readonly list: () => Promise<readonly AuditCopyState[]>;
  /** Saves a state. With `notify`, a copy that has stopped since its last state leaves one notice, atomically. */
  readonly save: (state: AuditCopyState, notify: boolean) => Promise<void>;
  /** Passes each notice to `post`, from one bot at a time, until `post` succeeds. */
  readonly postNotices: (post: (notice: CopyNotice) => Promise<void>) => Promise<void>;
}

const GONE_AFTER_MS = 86_400_000;
const FRESH_MS = 300_000;
/** Bots that stop for the same reason leave one notice. */
const SAME_REASON_MS = 600_000;
const POSTING_MS = 45_000;

const saveCopyState = loadLua(new URL('./lua/save-copy-state.lua', import.meta.url), {
  keys: ['statesKey', 'noticesKey', 'reasonKey'],
  args: ['copyId', 'state', 'notice', 'sameReasonMs'],
  returns: z.null(),
});
const removeNotice = loadLua(new URL('./lua/remove-notice.lua', import.meta.url), {
  keys: ['noticesKey'],
  args: ['copyId', 'notice'],
  returns: z.null(),
});

export function openAuditCopyStates(redis: Redis | Cluster, prefix: string): AuditCopyStates {
  const statesKey = `${prefix}:audit:copies`;
  const noticesKey = `${prefix}:audit:notices`;
  const idOf = ({ bot, to = '' }: Pick<AuditCopyState, 'bot' | 'to'>) => `${bot} ${to}`;
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
    save: async (state, notify) => {
      const { bot, to, stopped } = state;
      const notice = notify && stopped ? JSON.stringify(noticeOf(bot, to, stopped)) : '';
      const reason = createHash('sha256')
        .update(JSON.stringify([to, stopped?.because]))
        .digest('hex');
      await saveCopyState(redis, {
        statesKey,
        noticesKey,
        reasonKey: `${prefix}:audit:notice:${reason}`,
        copyId: idOf(state),
        state: JSON.stringify(state),
        notice,
        sameReasonMs: SAME_REASON_MS,
      });
    },
    postNotices: async (post) => {
      for (const [id, json] of Object.entries(await redis.hgetall(noticesKey))) {
        const posting = `${prefix}:audit:posting:${id}`;
        if (!(await claim(redis, posting, crypto.randomUUID(), POSTING_MS))) continue;
        try {
          const notice = noticeSchema.safeParse(JSON.parse(json));
          if (notice.success) await post(notice.data);
          await removeNotice(redis, { noticesKey, copyId: id, notice: json });
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
  stopped: NonNullable<AuditCopyState['stopped']>,
): CopyNotice {
  return { bot, ...(to !== undefined && { to }), ...stopped };
}

/** @returns undefined for anything that this version of Wrench didn't write. */
function parseState(json: string | null): AuditCopyState | undefined {
  try {
    const { noticed: _, ...state } = JSON.parse(json ?? 'null') as Record<string, unknown>;
    return stateSchema.safeParse(state).data;
  } catch {
    return undefined;
  }
}

function ageOf({ at }: AuditCopyState): number {
  return Date.now() - Date.parse(at);
}

/** A bot in a container has a new host name after each start. So once a bot copies to a place, older states for that place don't count. */
function isReplaced(state: AuditCopyState, all: readonly AuditCopyState[]): boolean {
  return (
    ageOf(state) > FRESH_MS &&
    all.some((other) => other.to === state.to && !other.stopped && ageOf(other) <= FRESH_MS)
  );
}
