import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditEvent } from '../../src/store/audit/entry.ts';
import { parseEntry } from '../../src/store/audit/audit-log.ts';
import { readWhole } from '../../src/store/audit/read.ts';
import { FINAL_STATES, type RemediationRecord } from '../../src/store/remediation/record.ts';
import { type VerifyResult, verifyAudit } from '../../src/store/audit/verify.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import type { Message } from '../workspace/model.ts';
import { buttonsOf, type RecordedClick, readCard, type ShownButton } from './buttons.ts';
import { type CardEdit, cardEditsIn } from './card-edits.ts';
import type { InjectedFaults } from './fault-injection.ts';
import { type FixEvent, type InjectedDisturbance, readFixEvents } from './fix-log.ts';
import { type Removal, removalsOf, otherRequestsTo } from './engines.ts';
import { removalsAsFixes } from './removals-as-fixes.ts';
import { postsIn, type Shown } from './posts.ts';
import type { ChaosStage } from './stage.ts';
import type { CapSettings, Timing } from './role-options.ts';

/** An audit entry and when Redis stored it. */
export interface AuditRecord {
  readonly atMs: number;
  readonly entry: AuditEvent;
}

export interface ShownCard {
  readonly word: string;
  readonly id: string;
}

/** Everything that the invariants are checked against, gathered once the system is idle. */
export interface Evidence {
  readonly remediations: readonly RemediationRecord[];
  readonly entries: readonly AuditRecord[];
  readonly chain: VerifyResult;
  readonly applied: readonly FixEvent[];
  /** Fixes that a worker started, applied or not. */
  readonly started: readonly FixEvent[];
  /** Fixes that the fake system refused. */
  readonly failed: readonly FixEvent[];
  /** Calls of Wrench's own code that removes a container. */
  readonly removing: readonly FixEvent[];
  /** The removals that engines received. */
  readonly removals: readonly Removal[];
  /** Other requests that change an engine. */
  readonly otherRequests: readonly string[];
  readonly disturbances: readonly InjectedDisturbance[];
  /** The locks of targets that are still in Redis. */
  readonly locks: readonly string[];
  readonly cards: readonly ShownCard[];
  /** What each card has shown, one after the other. */
  readonly cardEdits: readonly CardEdit[];
  readonly buttons: readonly ShownButton[];
  readonly clicks: readonly RecordedClick[];
  /** Each private reply that a click could not be processed. */
  readonly notTaken: readonly { readonly userId: string; readonly channelId: string }[];
  /** What was posted, and what the channels show. */
  readonly shown: Shown;
  /** Exits that the test did not cause. */
  readonly crashes: readonly string[];
  /** Refusals of a person that were counted instead of audited one by one, and are not summed up yet. */
  readonly counted: Readonly<Record<string, number>>;
  readonly faults: InjectedFaults;
  readonly limits: Timing & CapSettings;
  readonly idleAfterMs: number;
}

const POLL_MS = 400;
/** A click is acknowledged before it has an effect, so several polls in a row must find the system idle. */
const QUIET_POLLS = 5;

/**
 * Waits until every requested remediation has ended, every card was posted, and the queues are empty.
 * @returns the time it took.
 */
export async function waitUntilIdle(
  stage: Pick<ChaosStage, 'remediations' | 'queues' | 'connection'>,
  timeoutMs: number,
): Promise<number> {
  const fromMs = performance.now();
  for (let quiet = 0; quiet < QUIET_POLLS && performance.now() - fromMs < timeoutMs;) {
    const [all, pendingSummaries, depths] = await Promise.all([
      readAll(stage),
      stage.remediations.listCardPending(0),
      stage.queues.depth(),
    ]);
    const isQuiet = depths.every(({ state, jobs }) => state === 'failed' || jobs === 0);
    const isDone = all.every(({ state }) => state === 'offered' || FINAL_STATES.has(state));
    quiet = isDone && isQuiet && pendingSummaries.length === 0 ? quiet + 1 : 0;
    await sleep(POLL_MS);
  }
  return performance.now() - fromMs;
}

export async function readAll({
  remediations,
  connection,
}: Pick<ChaosStage, 'remediations' | 'connection'>): Promise<readonly RemediationRecord[]> {
  const runs = await connection.keys(`${PREFIX}:remediations-of:*`);
  const all = await Promise.all(runs.map((key) => remediations.listByRun(key.split(':').at(-1) ?? '')));
  return all.flat();
}

export async function gatherEvidence(
  stage: ChaosStage,
  clicks: readonly RecordedClick[],
  {
    faults,
    limits,
    disturbances,
    idleAfterMs,
  }: Pick<Evidence, 'faults' | 'limits' | 'disturbances' | 'idleAfterMs'>,
): Promise<Evidence> {
  const { workspace, chain, folder, channels, engines } = stage;
  const started = readFixEvents(folder, 'started');
  const removals = removalsOf(engines);
  const messages = channels.flatMap((channelId) =>
    workspace.messages(channelId).flatMap(({ ts }) => workspace.thread(channelId, ts)),
  );
  const whole = await readWhole(chain);
  return {
    remediations: await readAll(stage),
    entries: await readEntries(stage),
    chain: await verifyAudit(whole.entries, whole.head),
    applied: [...readFixEvents(folder, 'applied'), ...removalsAsFixes(removals, started)],
    started,
    failed: readFixEvents(folder, 'failed'),
    removing: readFixEvents(folder, 'removing'),
    removals,
    otherRequests: otherRequestsTo(engines),
    disturbances,
    locks: await stage.connection.keys(`${PREFIX}:target:*`),
    cards: messages.flatMap((message) => readCard(message) ?? []),
    cardEdits: cardEditsIn(workspace.requests),
    buttons: messages.flatMap(buttonsOf),
    clicks,
    notTaken: notTakenReplies(stage, clicks),
    shown: shownIn(stage),
    crashes: [...stage.fleet.crashes, ...stage.bots.crashes],
    counted: await readCounted(stage),
    faults,
    limits,
    idleAfterMs,
  };
}

export function shownIn({ workspace, channels }: Pick<ChaosStage, 'workspace' | 'channels'>): Shown {
  return {
    posts: postsIn(workspace.requests),
    messages: channels.flatMap((channelId) => workspace.messages(channelId)),
  };
}

export async function readEntries({ chain }: ChaosStage): Promise<readonly AuditRecord[]> {
  const records: AuditRecord[] = [];
  for (let after: string | undefined; ;) {
    const page = await chain.page(after);
    for (const { id, raw } of page) {
      const entry = parseEntry(raw)?.entry;
      if (entry) records.push({ atMs: Number(id.split('-')[0]), entry });
    }
    after = page.at(-1)?.id;
    if (after === undefined) return records;
  }
}

/** Within a window, only the first five are audited; the rest are counted. */
async function readCounted({ connection }: ChaosStage): Promise<Readonly<Record<string, number>>> {
  const counts = Object.entries(await connection.hgetall(`${PREFIX}:refusals`));
  return Object.fromEntries(counts.map(([userId, count]) => [userId, Math.max(0, Number(count) - 5)]));
}

function notTakenReplies({ workspace, channels }: ChaosStage, clicks: readonly RecordedClick[]) {
  const saysSo = ({ text }: Message) => text.includes("couldn't process this click");
  return channels.flatMap((channelId) =>
    [...new Set(clicks.map(({ userId }) => userId))].flatMap((userId) =>
      workspace
        .ephemerals(userId, channelId)
        .filter(saysSo)
        .map(() => ({ userId, channelId })),
    ),
  );
}
