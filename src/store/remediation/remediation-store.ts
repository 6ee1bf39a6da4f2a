import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { loadLua } from '../../queue/load-lua.ts';
import type { AuditEvent } from '../audit/entry.ts';
import { type AuditLog, openAuditLog } from '../audit/audit-log.ts';
import { type RemediationRecord, remediationRecordSchema } from './record.ts';

/** What somebody wants a remediation to become, and what must hold at that very moment. */
export interface Change {
  readonly next: RemediationRecord;
  readonly entry?: AuditEvent;
  /** Refused past this moment, by Redis' own clock. */
  readonly notAfter?: string;
  /** Refused while everything is frozen. */
  readonly unlessFrozen?: true;
  /** Refused where its deadline was moved, or is still to come. */
  readonly onlyIfOverdue?: true;
  /** Counted, and refused where the counts are full. */
  readonly caps?: { readonly perHour: number; readonly perRun: number };
  /** Takes its targets for this long, and is refused where another remediation has one; without it they are let go. */
  readonly lockTargetsForMs?: number;
}

/** Why a move was not made. `because` is for people. */
export interface RefusedTransition {
  readonly kind: 'refused';
  readonly because: string;
  /** As it is now; absent where it is not known at all. */
  readonly remediation?: RemediationRecord;
}

export type TransitionResult =
  | { readonly kind: 'changed'; readonly remediation: RemediationRecord }
  | RefusedTransition;

/** Decides on a move from what is remembered, or says in words why there is none. Pure: it may be asked several times. */
export type Transition = (remediation: RemediationRecord) => Change | string;

export interface StoredRemediation {
  readonly remediation: RemediationRecord;
  /** Grows with every move. */
  readonly revision: number;
}

/** All remediations, as Redis remembers them. */
export interface RemediationStore {
  /** Remembers what a report offers; a second delivery of the same report changes nothing. */
  readonly saveOffers: (offered: readonly RemediationRecord[]) => Promise<void>;
  readonly read: (id: string) => Promise<StoredRemediation | undefined>;
  /** What a run offered, in the order of its report. */
  readonly listByRun: (runId: string) => Promise<readonly RemediationRecord[]>;
  /** Moves it by compare-and-set: `decide` is asked again where somebody else was first. */
  readonly transition: (id: string, transition: Transition) => Promise<TransitionResult>;
  /** Milliseconds of the epoch, by the one clock that all processes share. */
  readonly readClock: () => Promise<number>;
  /** A number greater than any given before. */
  readonly nextFencingToken: () => Promise<number>;
  /** Lengthens the lease; false where it is no longer ours. */
  readonly renewLease: (remediation: RemediationRecord, leaseMs: number) => Promise<boolean>;
  /** Those whose state should have ended by now. */
  readonly listOverdue: () => Promise<readonly string[]>;
  /** Those that moved longer than `afterMs` ago and whose card does not show it yet. */
  readonly listCardPending: (afterMs: number) => Promise<readonly string[]>;
  readonly markCardShown: (id: string, revision: number) => Promise<void>;
}

/** An offer is as good as the look that made it: an hour. Then the question is asked again. */
export const OFFER_MS = 3_600_000;
const KEEP_OFFERED_MS = 24 * 3_600_000;
const KEEP_MS = 90 * 24 * 3_600_000;
const MOST_AT_ONCE = 500;
const TRIES = 200;
const EMPTY: readonly string[] = [];

const offerRemediation = loadLua(new URL('./lua/offer-remediation.lua', import.meta.url), {
  keys: ['recordKey', 'runKey'],
  args: ['id', 'record', 'ttlMs'],
  returns: z.literal([0, 1]),
});
const commitMove = loadLua(new URL('./lua/commit-move.lua', import.meta.url), {
  keys: [
    'recordKey',
    'headKey',
    'streamKey',
    'dueKey',
    'untoldKey',
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
    'dueMs',
    'prevHash',
    'hash',
    'seq',
    'entry',
    'notAfterMs',
    'unlessFrozen',
    'perHour',
    'perRun',
    'holdMs',
    'keepMs',
    'onlyIfOverdue',
  ],
  returns: z.string(),
});
const renewLease = loadLua(new URL('./lua/renew-lease.lua', import.meta.url), {
  keys: ['recordKey', 'dueKey', '...targetKeys'],
  args: ['id', 'token', 'dueMs', 'holdMs'],
  returns: z.literal([0, 1]),
});
const markAnnounced = loadLua(new URL('./lua/mark-announced.lua', import.meta.url), {
  keys: ['recordKey', 'untoldKey'],
  args: ['id', 'revision'],
  returns: z.literal([0, 1]),
});

export function openRemediationStore(
  redis: Redis | Cluster,
  prefix: string,
  audit = openAuditLog(redis, prefix),
): RemediationStore {
  const keys = keysOf(prefix);
  const read = async (id: string): Promise<StoredRemediation | undefined> => {
    const [rev, record] = await redis.hmget(keys.record(id), 'rev', 'record');
    if (!rev || !record) return undefined;
    return { revision: Number(rev), remediation: remediationRecordSchema.parse(JSON.parse(record)) };
  };
  const readClock = () => redisTime(redis);
  return {
    saveOffers: async (offered) => {
      for (const one of offered)
        await offerRemediation(redis, {
          recordKey: keys.record(one.id),
          runKey: keys.run(one.runId),
          id: one.id,
          record: JSON.stringify(one),
          ttlMs: KEEP_OFFERED_MS,
        });
    },
    read,
    listByRun: async (runId) => {
      const ids = await redis.lrange(keys.run(runId), 0, -1);
      const all = await Promise.all(ids.map(read));
      return all.flatMap((stored) => (stored ? [stored.remediation] : []));
    },
    transition: (id, transition) => runTransition({ redis, keys, audit, read }, id, transition),
    readClock,
    nextFencingToken: () => redis.incr(keys.fence),
    renewLease: async (remediation, leaseMs) => {
      const renewed = await renewLease(redis, {
        recordKey: keys.record(remediation.id),
        dueKey: keys.due,
        targetKeys: targetKeysOf(keys, remediation),
        id: remediation.id,
        token: String(remediation.token),
        dueMs: (await readClock()) + leaseMs,
        holdMs: leaseMs * 2,
      });
      return renewed === 1;
    },
    listOverdue: async () =>
      redis.zrangebyscore(keys.due, '-inf', await readClock(), 'LIMIT', 0, MOST_AT_ONCE),
    listCardPending: async (afterMs) =>
      redis.zrangebyscore(keys.untold, '-inf', (await readClock()) - afterMs, 'LIMIT', 0, MOST_AT_ONCE),
    markCardShown: async (id, revision) => {
      await markAnnounced(redis, { recordKey: keys.record(id), untoldKey: keys.untold, id, revision });
    },
  };
}

interface Store {
  readonly redis: Redis | Cluster;
  readonly keys: ReturnType<typeof keysOf>;
  readonly audit: AuditLog;
  readonly read: RemediationStore['read'];
}

async function runTransition(store: Store, id: string, transition: Transition): Promise<TransitionResult> {
  let tried: string | undefined;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const stored = await store.read(id);
    if (!stored)
      return { kind: 'refused', because: 'it is not known here, or too old: ask the question again' };
    const { remediation, revision } = stored;
    // Our own move, whose answer was lost on the way: what was asked for has happened.
    if (tried !== undefined && tried === JSON.stringify(remediation)) return { kind: 'changed', remediation };
    const change = transition(remediation);
    if (typeof change === 'string') return { kind: 'refused', because: change, remediation };
    const next = remediationRecordSchema.parse(change.next);
    tried = JSON.stringify(next);
    const answer = await commit(store, change, tried, next, revision);
    if (answer === 'ok') return { kind: 'changed', remediation: next };
    if (answer !== 'moved') return { kind: 'refused', because: refusalReason(answer, change), remediation };
    await sleep(Math.random() * 5 * Math.min(attempt, 10));
  }
  throw new Error(`remediation ${id} moved ${TRIES} times while it was to be moved`);
}

function commit(
  { redis, keys, audit }: Store,
  { entry, notAfter, unlessFrozen, onlyIfOverdue, caps, lockTargetsForMs }: Change,
  record: string,
  next: RemediationRecord,
  revision: number,
): Promise<string> {
  const { id, state, until, environment, runId } = next;
  return audit.appendWith(entry, ({ prev, hash, seq, json }) =>
    commitMove(redis, {
      recordKey: keys.record(id),
      headKey: audit.headKey,
      streamKey: audit.streamKey,
      dueKey: keys.due,
      untoldKey: keys.untold,
      freezeKey: keys.freeze,
      appliedKey: keys.applied(environment),
      appliedOfRunKey: keys.appliedOfRun(runId),
      targetKeys: targetKeysOf(keys, next),
      id,
      revision,
      record,
      state,
      dueMs: until === undefined || state === 'offered' ? '' : Date.parse(until),
      prevHash: prev,
      hash,
      seq,
      entry: json,
      notAfterMs: notAfter === undefined ? '' : Date.parse(notAfter),
      unlessFrozen: unlessFrozen ? 'yes' : '',
      perHour: caps?.perHour ?? '',
      perRun: caps?.perRun ?? '',
      holdMs: lockTargetsForMs ?? '',
      keepMs: KEEP_MS,
      onlyIfOverdue: onlyIfOverdue ? 'yes' : '',
    }),
  );
}

function refusalReason(answer: string, { caps }: Change): string {
  if (answer === 'late') return 'its time is over';
  if (answer === 'kept') return 'somebody is at it';
  if (answer === 'frozen') return 'all remediations are frozen; `/wrench unfreeze` lets them go on';
  if (answer.startsWith('held '))
    return `another remediation of the same target is under way (${answer.slice(5)})`;
  if (answer === 'capped-hour')
    return `${caps?.perHour} were applied in this environment within the last hour, which is the most`;
  if (answer === 'capped-run') return `${caps?.perRun} of this report were applied, which is the most`;
  throw new Error(`Redis answered a move with ${answer}`);
}

/** The locks that a remediation needs. The same name in two environments is two targets. */
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
    applied: (environment: string) => named(`applied:${environment}`),
    appliedOfRun: (runId: string) => named(`applied-of:${runId}`),
    due: named('remediations:due'),
    untold: named('remediations:untold'),
    fence: named('remediations:token'),
    freeze: named('freeze'),
  };
}

/** Redis' own clock: the one that all processes share. */
async function redisTime(redis: Redis | Cluster): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}
