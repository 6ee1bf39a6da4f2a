import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { loadLua } from '../../queue/load-lua.ts';
import type { AuditEvent } from './entry.ts';
import type { AuditLog, PreparedEntry } from './audit-log.ts';

/** Whether the refused person gets an answer; `last` is the last one until the window ends. */
export type RefusalReply = 'yes' | 'last' | 'no';

/**
 * The audit of refusals, limited per person: within a window that begins with a person's first refusal, the first few are audited individually and
 * the rest are counted. After the window, one entry has the count. Counts are in Redis, by its clock, so that bots share them and restarts don't lose
 * them.
 */
export interface Refusals {
  /** Audits a refusal of `entry.who[0]`, or counts it. */
  readonly auditRefusal: (entry: RefusedEvent) => Promise<RefusalReply>;
  /** Audits the counts of windows that have ended, once each. */
  readonly sweep: () => Promise<void>;
}

export type RefusedEvent = AuditEvent & { readonly kind: 'refused' };

export interface RefusalLimits {
  readonly windowMs: number;
  /** How many refusals of one person are audited individually within a window. */
  readonly audited: number;
  /** How many of them get an answer. */
  readonly answered: number;
}

const LIMITS: RefusalLimits = { windowMs: 600_000, audited: 5, answered: 30 };
const MAX_ATTEMPTS = 100;
const MAX_PER_SWEEP = 1_000;

const auditRefusal = loadLua(new URL('./lua/audit-refusal.lua', import.meta.url), {
  keys: ['headKey', 'streamKey', 'countsKey', 'endsKey'],
  args: ['prevHash', 'hash', 'seq', 'entry', 'userId', 'audited', 'windowMs'],
  returns: z.string(),
});
const sumUpRefusals = loadLua(new URL('./lua/sum-up-refusals.lua', import.meta.url), {
  keys: ['headKey', 'streamKey', 'countsKey', 'endsKey'],
  args: ['prevHash', 'hash', 'seq', 'entry', 'userId', 'count'],
  returns: z.string(),
});
const forgetRefusals = loadLua(new URL('./lua/forget-refusals.lua', import.meta.url), {
  keys: ['countsKey', 'endsKey'],
  args: ['userId', 'audited'],
  returns: z.literal([0, 1]),
});
const readRefusals = loadLua(new URL('./lua/read-refusals.lua', import.meta.url), {
  keys: ['countsKey'],
  args: ['userId'],
  returns: z.tuple([z.string(), z.number()]),
});
const listEndedRefusals = loadLua(new URL('./lua/list-ended-refusals.lua', import.meta.url), {
  keys: ['endsKey'],
  args: ['limit'],
  returns: z.array(z.string()),
});

export function openRefusals(
  redis: Redis | Cluster,
  prefix: string,
  audit: AuditLog,
  limits: RefusalLimits = LIMITS,
): Refusals {
  const { windowMs, audited, answered } = limits;
  const countsKey = `${prefix}:refusals`;
  const endsKey = `${prefix}:refusals:ends`;
  const appending = ({ prev, hash, seq, json }: PreparedEntry) => ({
    headKey: audit.headKey,
    streamKey: audit.streamKey,
    countsKey,
    endsKey,
    prevHash: prev,
    hash,
    seq,
    entry: json,
  });

  const sumUp = async (who: string): Promise<void> => {
    const [count, nowMs] = await readRefusals(redis, { countsKey, userId: who });
    const more = Number(count) - audited;
    if (more > 0)
      await audit.appendWith(sumOf(who, more, limits, nowMs), (link) =>
        sumUpRefusals(redis, { ...appending(link), userId: who, count }),
      );
    else await forgetRefusals(redis, { countsKey, endsKey, userId: who, audited });
  };
  return {
    auditRefusal: async (entry) => {
      const [who = ''] = entry.who;
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const answer = await audit.appendWith(entry, (link) =>
          auditRefusal(redis, { ...appending(link), userId: who, audited, windowMs }),
        );
        if (answer === 'ok') return 'yes';
        const counted = /^counted (\d+)$/.exec(answer)?.[1];
        if (counted !== undefined) return replyAt(Number(counted), answered);
        await sumUp(who);
      }
      throw new Error('a refusal could neither be audited nor counted');
    },
    sweep: async () => {
      const ended = await listEndedRefusals(redis, { endsKey, limit: MAX_PER_SWEEP });
      for (const who of ended) await sumUp(who);
    },
  };
}

function replyAt(count: number, answered: number): RefusalReply {
  if (count > answered) return 'no';
  return count === answered ? 'last' : 'yes';
}

function sumOf(who: string, more: number, { windowMs, audited }: RefusalLimits, nowMs: number): RefusedEvent {
  const minutes = Math.max(1, Math.round(windowMs / 60_000));
  const refusals =
    more === 1 ? '1 more click or command' : `${more.toLocaleString('en-US')} more clicks or commands`;
  return {
    kind: 'refused',
    at: new Date(nowMs).toISOString(),
    who: [who],
    what: `${refusals} refused within ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`,
    because: `only the first ${audited} refusals of a person are audited individually`,
    count: more,
  };
}

/** Sweeps until it is closed. Several bots may sweep at once. */
export function startSweepingRefusals(
  { sweep }: Refusals,
  everyMs: number,
  onError: (error: unknown) => void,
): { readonly close: () => Promise<void> } {
  let running = sweep().catch(onError);
  const timer = setInterval(() => {
    running = running.then(sweep).catch(onError);
  }, everyMs);
  return {
    close: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
