import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { count } from '../../text/wording.ts';
import { loadLua } from '../../queue/load-lua.ts';
import type { Denial } from '../access/authorize.ts';
import { type AuditLog, openAuditLog } from '../audit/audit-log.ts';
import { readClock, type RedisTime, toEpochMs } from '../read-clock.ts';
import type { Caps } from './policy.ts';
import {
  countLines,
  recordFromJson,
  recordToJson,
  type RemediationRecord,
  remediationRecordSchema,
} from './record.ts';
import { type Change, denialOf, isRefused, type Transition } from './transitions/common.ts';

/** A remediation as it is in Redis. */
export interface StoredRemediation {
  readonly record: RemediationRecord;
  /** Incremented by every change. */
  readonly revision: number;
}

/** Why a transition was refused, for people. */
export interface RefusedTransition extends Denial {
  readonly kind: 'refused';
  /** What is in Redis instead; absent if there is none. */
  readonly current?: StoredRemediation;
}

export type TransitionResult = ({ readonly kind: 'changed' } & StoredRemediation) | RefusedTransition;

/** All remediations, in Redis. */
export interface RemediationStore {
  /** Stores what a report offers. A second delivery of the same report changes nothing. */
  readonly saveOffers: (records: readonly RemediationRecord[]) => Promise<void>;
  readonly read: (id: string) => Promise<StoredRemediation | undefined>;
  /** What a run offered, in the order of its report. */
  readonly listByRun: (runId: string) => Promise<readonly RemediationRecord[]>;
  /**
   * Changes it by compare-and-set. `transition` is called with the record and the time of Redis, both read in one round trip, and again if
   * another process was first.
   */
  readonly transition: (id: string, transition: Transition) => Promise<TransitionResult>;
  /** A number greater than all earlier ones. */
  readonly nextFencingToken: () => Promise<number>;
  /** Extends the lease of an execution. False if the record has another fencing token, or is neither applying nor settling. */
  readonly renewLease: (record: RemediationRecord, leaseMs: number) => Promise<boolean>;
  /** The ids of remediations whose state has timed out. */
  readonly listOverdue: () => Promise<readonly string[]>;
  /** The ids of remediations whose state will time out within this time, by the clock of Redis. */
  readonly listDueWithin: (withinMs: number) => Promise<readonly string[]>;
  /** The ids of remediations that changed more than `afterMs` ago and whose card doesn't show it yet. */
  readonly listCardPending: (afterMs: number) => Promise<readonly string[]>;
  /** Records that the card shows this revision. Does nothing if there is a newer one. */
  readonly markCardShown: (id: string, revision: number) => Promise<void>;
}

/** How long an offer may be requested. After that its finding may have changed, and the check must be run again. */
export const OFFER_MS = 3_600_000;
/** The same for offers of a digest, which many people read hours later. Requesting one runs the check again. */
export const DIGEST_OFFER_MS = 24 * 3_600_000;
const KEEP_OFFERED_MS = 24 * 3_600_000;
const KEEP_MS = 90 * 24 * 3_600_000;
const MAX_LISTED = 500;
const MAX_ATTEMPTS = 200;
const EMPTY: readonly string[] = [];

const offerRemediation = loadLua(new URL('./lua/offer-remediation.lua', import.meta.url), {
  keys: ['recordKey', 'runKey'],
  args: ['id', 'record', 'ttlMs'],
  returns: z.literal([0, 1]),
});
const commitChange = loadLua(new URL('./lua/commit-change.lua', import.meta.url), {
  keys: [
    'recordKey',
    'headKey',
    'streamKey',
    'dueKey',
    'cardPendingKey',
    'freezeKey',
    'appliedKey',
    'appliedOfRunKey',
    '...targetKeys',
  ],
  args: [
    'id',
    'revision',
    'record',
    'state',
    'token',
    'dueMs',
    'prevHash',
    'hash',
    'seq',
    'entry',
    'notAfterMs',
    'unlessFrozen',
    'perHour',
    'perRun',
    'lines',
    'lockMs',
    'keepMs',
    'onlyIfOverdue',
    'keepsLease',
  ],
  returns: z.string(),
});
const renewLease = loadLua(new URL('./lua/renew-lease.lua', import.meta.url), {
  keys: ['recordKey', 'dueKey', '...targetKeys'],
  args: ['id', 'token', 'leaseMs', 'lockMs'],
  returns: z.literal([0, 1]),
});
const markCardShown = loadLua(new URL('./lua/mark-card-shown.lua', import.meta.url), {
  keys: ['recordKey', 'cardPendingKey'],
  args: ['id', 'revision'],
  returns: z.literal([0, 1]),
});

export function openRemediationStore(
  redis: Redis | Cluster,
  prefix: string,
  audit = openAuditLog(redis, prefix),
): RemediationStore {
  const keys = keysOf(prefix);
  const read: RemediationStore['read'] = async (id) =>
    toStored(await redis.hmget(keys.record(id), ...FIELDS));
  const idsUntil = async (key: string, afterMs: number) =>
    redis.zrangebyscore(key, '-inf', (await readClock(redis)) - afterMs, 'LIMIT', 0, MAX_LISTED);
  return {
    saveOffers: async (records) => {
      for (const record of records)
        await offerRemediation(redis, {
          recordKey: keys.record(record.id),
          runKey: keys.run(record.runId),
          id: record.id,
          record: recordToJson(record),
          ttlMs: KEEP_OFFERED_MS,
        });
    },
    read,
    listByRun: async (runId) => {
      const ids = await redis.lrange(keys.run(runId), 0, -1);
      const all = await Promise.all(ids.map(read));
      return all.flatMap((stored) => (stored ? [stored.record] : []));
    },
    transition: (id, transition) => runTransition({ redis, keys, audit }, id, transition),
    nextFencingToken: () => redis.incr(keys.fence),
    renewLease: async (record, leaseMs) => {
      const renewed = await renewLease(redis, {
        recordKey: keys.record(record.id),
        dueKey: keys.due,
        targetKeys: targetKeysOf(keys, record),
        id: record.id,
        token: String(record.token),
        leaseMs,
        lockMs: leaseMs * 2,
      });
      return renewed === 1;
    },
    listOverdue: () => idsUntil(keys.due, 0),
    listDueWithin: async (withinMs) => {
      const nowMs = await readClock(redis);
      return redis.zrangebyscore(keys.due, nowMs + 1, nowMs + withinMs, 'LIMIT', 0, MAX_LISTED);
    },
    listCardPending: (afterMs) => idsUntil(keys.cardPending, afterMs),
    markCardShown: async (id, revision) => {
      await markCardShown(redis, {
        recordKey: keys.record(id),
        cardPendingKey: keys.cardPending,
        id,
        revision,
      });
    },
  };
}

interface StoreContext {
  readonly redis: Redis | Cluster;
  readonly keys: ReturnType<typeof keysOf>;
  readonly audit: AuditLog;
}

async function runTransition(
  store: StoreContext,
  id: string,
  transition: Transition,
): Promise<TransitionResult> {
  let tried: string | undefined;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { current, nowMs } = await readWithTime(store, id);
    if (!current) return { kind: 'refused', because: 'this fix is unknown or too old; run the check again' };
    const { record, revision } = current;
    // This is our own change, committed by an attempt whose reply was lost; or another process made the same change in the same millisecond.
    if (tried !== undefined && tried === recordToJson(record)) return { kind: 'changed', record, revision };
    const change = transition(record, nowMs);
    if (isRefused(change)) return { kind: 'refused', ...denialOf(change), current };
    const next = remediationRecordSchema.parse(change.next);
    tried = recordToJson(next);
    const answer = await commit(store, change, tried, next, revision);
    if (answer === 'ok') return { kind: 'changed', record: next, revision: revision + 1 };
    if (answer !== 'conflict') return { kind: 'refused', because: refusalReason(answer, change), current };
    await sleep(Math.random() * 5 * Math.min(attempt, 10));
  }
  throw new Error(`remediation ${id} changed ${MAX_ATTEMPTS} times while a transition was tried`);
}

const FIELDS = ['rev', 'record'] as const;

function toStored([revision, record]: readonly (string | null)[]): StoredRemediation | undefined {
  if (!revision || !record) return undefined;
  return { revision: Number(revision), record: recordFromJson(record) };
}

/** The current record and the time, in one round trip to the node that has the record. */
async function readWithTime(
  { redis, keys }: StoreContext,
  id: string,
): Promise<{ readonly current: StoredRemediation | undefined; readonly nowMs: number }> {
  const answers = await redis
    .pipeline()
    .hmget(keys.record(id), ...FIELDS)
    .time()
    .exec();
  const [fields, time] = (answers ?? []).map(([error, answer]) => {
    if (error) throw error;
    return answer;
  }) as [readonly (string | null)[], RedisTime];
  return { current: toStored(fields), nowMs: toEpochMs(time) };
}

function commit(
  { redis, keys, audit }: StoreContext,
  { entry, notAfter, unlessFrozen, onlyIfOverdue, caps, lockTargetsForMs, keepsLease }: Change,
  record: string,
  next: RemediationRecord,
  revision: number,
): Promise<string> {
  const { id, state, token, until, environment, runId } = next;
  return audit.appendWith(entry, ({ prev, hash, seq, json }) =>
    commitChange(redis, {
      recordKey: keys.record(id),
      headKey: audit.headKey,
      streamKey: audit.streamKey,
      dueKey: keys.due,
      cardPendingKey: keys.cardPending,
      freezeKey: keys.freeze,
      appliedKey: keys.applied(environment, caps?.own),
      appliedOfRunKey: keys.appliedOfRun(runId, caps?.own),
      targetKeys: targetKeysOf(keys, next),
      id,
      revision,
      record,
      state,
      token: token ?? '',
      dueMs: until === undefined || state === 'offered' ? '' : Date.parse(until),
      prevHash: prev,
      hash,
      seq,
      entry: json,
      notAfterMs: notAfter === undefined ? '' : Date.parse(notAfter),
      unlessFrozen: unlessFrozen ? 'yes' : '',
      perHour: caps?.perHour ?? '',
      perRun: caps?.perRun ?? '',
      lines: countLines(next.plan),
      lockMs: lockTargetsForMs ?? '',
      keepMs: KEEP_MS,
      onlyIfOverdue: onlyIfOverdue ? 'yes' : '',
      keepsLease: keepsLease ? 'yes' : '',
    }),
  );
}

function refusalReason(answer: string, { caps }: Change): string {
  if (answer === 'late') return 'it has expired';
  if (answer === 'kept') return 'its deadline was extended';
  if (answer === 'frozen') return 'all fixes are frozen; to resume, run `/wrench unfreeze`';
  if (answer.startsWith('held '))
    return `another fix for the same target is in progress (${answer.slice(5)})`;
  if (caps && answer === 'capped-hour') return `${allowance(caps, 'perHour')} per hour in this environment`;
  if (caps && answer === 'capped-run') return `${allowance(caps, 'perRun')} per report`;
  throw new Error(`unexpected reply to a transition: ${answer}`);
}

function allowance(caps: Caps, setting: 'perHour' | 'perRun'): string {
  return caps.own === undefined
    ? `\`remediations.${setting}\` allows ${count(caps[setting], 'fix', 'fixes')}`
    : `\`remediations.lines\` allows ${count(caps[setting], 'line')} of \`${caps.own}\``;
}

/** The locks of its targets. The same name in two environments is two targets. */
function targetKeysOf(
  keys: ReturnType<typeof keysOf>,
  { plan, environment }: RemediationRecord,
): readonly string[] {
  return (plan?.targets ?? EMPTY).map((target) => keys.target(environment, target));
}

function keysOf(prefix: string) {
  const named = (name: string) => `${prefix}:${name}`;
  return {
    record: (id: string) => named(`remediation:${id}`),
    run: (runId: string) => named(`remediations-of:${runId}`),
    // As JSON, so that no two pairs of environment and target have the same key.
    target: (environment: string, target: string) =>
      named(
        `target:${createHash('sha256')
          .update(JSON.stringify([environment, target]))
          .digest('hex')
          .slice(0, 32)}`,
      ),
    // A remediation with its own cap is counted separately.
    applied: (environment: string, own?: string) =>
      named(own === undefined ? `applied:${environment}` : `applied-lines:${environment}:${own}`),
    appliedOfRun: (runId: string, own?: string) =>
      named(own === undefined ? `applied-of:${runId}` : `applied-lines-of:${runId}:${own}`),
    due: named('remediations:due'),
    // The name in Redis dates from 0.2.
    cardPending: named('remediations:untold'),
    fence: named('remediations:token'),
    freeze: named('freeze'),
  };
}
