import { setTimeout as sleep } from 'node:timers/promises';
import type { Audited } from '../../src/store/audit/entry.ts';
import { parseEntry } from '../../src/store/audit/chain.ts';
import { readWhole } from '../../src/store/audit/read.ts';
import { ENDED, type Remediation } from '../../src/store/remediation/record.ts';
import { type Verified, verifyAudit } from '../../src/store/audit/verify.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import type { Message } from '../workspace/model.ts';
import { buttonsOf, type Clicked, readCard, type ShownButton } from './clicker.ts';
import type { Havoc } from './havoc.ts';
import { type Deed, readBegun, readDeeds } from './lab.ts';
import { postsIn, type Shown } from './posts.ts';
import type { ChaosStage } from './stage.ts';
import type { Pace } from './worker-orders.ts';

/** An audit entry, in the order of the chain, and when Redis took it. */
export interface Told {
  readonly atMs: number;
  readonly entry: Audited;
}

export interface ShownCard {
  readonly word: string;
  readonly id: string;
}

/** Everything there is to judge by, once all is at rest. */
export interface Evidence {
  readonly remediations: readonly Remediation[];
  readonly entries: readonly Told[];
  readonly chain: Verified;
  readonly deeds: readonly Deed[];
  /** Deeds that a worker set about. */
  readonly begun: readonly Deed[];
  readonly cards: readonly ShownCard[];
  readonly buttons: readonly ShownButton[];
  readonly clicks: readonly Clicked[];
  /** Who was told in which channel that a click could not be taken, once for each time. */
  readonly notTaken: readonly { readonly userId: string; readonly channelId: string }[];
  /** What was posted, and what the channels show. */
  readonly shown: Shown;
  /** Exits that the test did not cause. */
  readonly crashes: readonly string[];
  /** Refusals of a person that were counted and not audited one by one, and are not summed up yet. */
  readonly counted: Readonly<Record<string, number>>;
  readonly havoc: Havoc;
  readonly limits: Pace;
  readonly restMs: number;
}

const LOOK_EVERY_MS = 400;
/** A click is acknowledged before anything comes of it: rest is what lasts for some looks. */
const QUIET_LOOKS = 5;

/** Waits until nothing moves any more: everything taken up has ended, every card was told, nothing is left to post. */
export async function waitForRest(
  stage: Pick<ChaosStage, 'remediations' | 'queues' | 'connection'>,
  patienceMs: number,
): Promise<number> {
  const fromMs = performance.now();
  for (let quiet = 0; quiet < QUIET_LOOKS && performance.now() - fromMs < patienceMs;) {
    const [all, untold, depths] = await Promise.all([
      readAll(stage),
      stage.remediations.untold(0),
      stage.queues.depth(),
    ]);
    const isQuiet = depths.every(({ state, jobs }) => state === 'failed' || jobs === 0);
    const isDone = all.every(({ state }) => state === 'offered' || ENDED.has(state));
    quiet = isDone && isQuiet && untold.length === 0 ? quiet + 1 : 0;
    await sleep(LOOK_EVERY_MS);
  }
  return performance.now() - fromMs;
}

export async function readAll({
  remediations,
  connection,
}: Pick<ChaosStage, 'remediations' | 'connection'>): Promise<readonly Remediation[]> {
  const runs = await connection.keys(`${PREFIX}:remediations-of:*`);
  const all = await Promise.all(runs.map((key) => remediations.ofRun(key.split(':').at(-1) ?? '')));
  return all.flat();
}

export async function gatherEvidence(
  stage: ChaosStage,
  clicks: readonly Clicked[],
  { havoc, limits, restMs }: Pick<Evidence, 'havoc' | 'limits' | 'restMs'>,
): Promise<Evidence> {
  const { workspace, chain, folder, channels } = stage;
  const messages = channels.flatMap((channelId) =>
    workspace.messages(channelId).flatMap(({ ts }) => workspace.thread(channelId, ts)),
  );
  const whole = await readWhole(chain);
  return {
    remediations: await readAll(stage),
    entries: await readEntries(stage),
    chain: await verifyAudit(whole.entries, whole.head),
    deeds: readDeeds(folder),
    begun: readBegun(folder),
    cards: messages.flatMap((message) => readCard(message) ?? []),
    buttons: messages.flatMap(buttonsOf),
    clicks,
    notTaken: whoWasNotTaken(stage, clicks),
    shown: shownIn(stage),
    crashes: [...stage.fleet.crashes, ...stage.bots.crashes],
    counted: await readCounted(stage),
    havoc,
    limits,
    restMs,
  };
}

export function shownIn({ workspace, channels }: Pick<ChaosStage, 'workspace' | 'channels'>): Shown {
  return {
    posts: postsIn(workspace.requests),
    messages: channels.flatMap((channelId) => workspace.messages(channelId)),
  };
}

async function readEntries({ chain }: ChaosStage): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (let after: string | undefined; ;) {
    const page = await chain.page(after);
    for (const { id, raw } of page) {
      const entry = parseEntry(raw)?.entry;
      if (entry) told.push({ atMs: Number(id.split('-')[0]), entry });
    }
    after = page.at(-1)?.id;
    if (after === undefined) return told;
  }
}

/** Of what is counted within a window the first five are in the audit. */
async function readCounted({ connection }: ChaosStage): Promise<Readonly<Record<string, number>>> {
  const counts = Object.entries(await connection.hgetall(`${PREFIX}:refusals`));
  return Object.fromEntries(counts.map(([userId, count]) => [userId, Math.max(0, Number(count) - 5)]));
}

function whoWasNotTaken({ workspace, channels }: ChaosStage, clicks: readonly Clicked[]) {
  const isSaid = ({ text }: Message) => text.includes('could not process this click');
  return channels.flatMap((channelId) =>
    [...new Set(clicks.map(({ userId }) => userId))].flatMap((userId) =>
      workspace
        .ephemerals(userId, channelId)
        .filter(isSaid)
        .map(() => ({ userId, channelId })),
    ),
  );
}
