import type { Thread, Where } from '../../store/thread/threads.ts';
import { type Policy, withheld } from '../../store/remediation/policy.ts';
import { ENDED, type Remediation } from '../../store/remediation/record.ts';
import { shown, withdraw } from '../../store/remediation/transitions/approval.ts';
import type { Remediations, Remembered } from '../../store/remediation/remediations.ts';
import type { OutboxJob } from '../../queue/contracts.ts';
import { Later } from '../../queue/work.ts';
import { attachOnce, edit, type Place, type Posting, postOnce } from './post.ts';
import { withFixes } from '../render/remediation/fixes.ts';
import type { Message } from '../render/message.ts';
import { renderOffers, type DisabledOffer } from '../render/remediation/offers.ts';
import { planFile } from '../render/remediation/plan.ts';
import { cardPlaceholder, renderCard } from '../render/remediation/card.ts';
import { renderCardNotPosted } from '../render/remediation/card-not-posted.ts';
import { safely } from './safely.ts';
import { SlackRefused } from './slack-call.ts';

/** What it takes to show remediations. */
export interface Showing extends Posting {
  readonly remediations: Remediations;
  readonly policy: Policy;
  /** Whether an answer of the run is queued or being posted. */
  readonly isAnswerQueued: (runId: string) => Promise<boolean>;
}

/** Part names: the message with the offers of a run, and the card of one remediation. */
export const OFFERS = 'offers';
export const cardOf = (id: string): string => `card-${id}`;
/** A card waits for the thread that it stands in. */
const NO_THREAD_MS = 500;

/** The end of a report's thread: what can be done, with a button each, and what the configuration does not let be done. Edited where it stands already. */
export async function showOffers(showing: Showing, place: Place): Promise<void> {
  const offered = await showing.remediations.ofRun(place.runId);
  if (offered.length === 0) return;
  const off = offered.flatMap((one): DisabledOffer[] => {
    const because = one.state === 'offered' ? withheld(showing.policy, one) : undefined;
    return because === undefined ? [] : [{ title: one.title, because }];
  });
  const open = offered.filter((one) => one.state !== 'offered' || !withheld(showing.policy, one));
  const now = renderOffers(open, { disabled: off });
  await putPart(showing, OFFERS, place, { first: 'What can be done about it:', now });
}

/**
 * The root of a report with what became of it since. The report's own words are kept, for every edit begins with them; where the report
 * offers nothing, it will never be edited.
 */
export async function rootNow(
  showing: Showing,
  runId: string,
  root: Message,
): Promise<{ readonly message: Message; readonly isFinal: boolean }> {
  const { remediations, policy } = showing;
  const offered = await remediations.ofRun(runId);
  const open = offered.filter((one) => one.state === 'offered' && withheld(policy, one) === undefined);
  return { message: withFixes(root, offered, open.length), isFinal: offered.length === 0 };
}

export const ROOT_WORDS = 'root';

/** Who reads the channel alone sees how it ended. A root that is no longer there is nobody's loss. */
async function updateRoot(showing: Showing, thread: Thread, place: Place): Promise<void> {
  const kept = thread.kept(ROOT_WORDS);
  const { root } = thread;
  if (kept === undefined || !root) return;
  const { runId } = place;
  const now = await rootNow(showing, runId, JSON.parse(kept) as Message);
  await safely(showing, place, now.message, (message) => edit(showing, place, root, message)).catch(
    (error: unknown) => {
      if (!(error instanceof SlackRefused)) throw error;
      showing.log.debug({ err: error, runId }, 'the root could not be edited');
    },
  );
}

/**
 * Shows a remediation as it is now, whatever it was when the job was queued; a newer job shows a newer move. If Slack refuses the card, it is
 * retried, then reported to the requester privately. A plan that nobody can see is withdrawn.
 */
export async function showCard(
  showing: Showing,
  { id, runId, revision }: Extract<OutboxJob, { kind: 'card' }>,
  place: Place,
): Promise<void> {
  const { remediations, threads } = showing;
  const remembered = await remediations.read(id);
  if (!remembered || (remembered.revision > revision && !ENDED.has(remembered.remediation.state))) return;
  const { remediation } = remembered;
  const { root, answered, elsewhere } = await threads.read(runId);
  try {
    if (elsewhere) throw new SlackRefused('not_in_channel', '');
    if (!root || !answered) {
      if (Date.now() - place.from.queuedAtMs < NO_THREAD_AT_MOST_MS) throw new Later(NO_THREAD_MS);
      throw new SlackRefused('thread_not_found', '');
    }
    const shown = await showInThread(showing, { ...place, threadTs: root.ts }, remediation);
    if (shown) await remediations.told(id, shown.revision);
    else await remediations.told(id, remembered.revision);
  } catch (error) {
    if (!(error instanceof SlackRefused)) throw error;
    if (!elsewhere && place.from.attempt < TRIES) throw error;
    await reportPrivately(showing, place, remediation, error);
    await remediations.told(id, (await remediations.read(id))?.revision ?? remembered.revision);
  }
}

/** How often a card that Slack refuses is tried: somebody may be about to invite the bot. */
const TRIES = 3;
/** How long a card waits for its thread before it is reported privately. */
const NO_THREAD_AT_MOST_MS = 600_000;

/** @returns the new revision if showing the plan created one. */
async function showInThread(
  showing: Showing,
  place: Place & { readonly threadTs: string },
  remediation: Remediation,
): Promise<Remembered | undefined> {
  const { threads } = showing;
  const { id, runId, state } = remediation;
  const part = cardOf(id);
  const put = (now: Remediation) =>
    putPart(showing, part, place, { first: cardPlaceholder(now), now: renderCard(now) });
  // The button goes away first: nobody should click what is taken up already.
  if (!(await threads.read(runId)).where(part)) await showOffers(showing, place);
  await put(remediation);
  const moved = state === 'planned' ? await noteShown(showing, remediation) : undefined;
  if (moved && moved.remediation.until !== remediation.until) await put(moved.remediation);
  await attachPlan(showing, place, remediation);
  if (ENDED.has(state)) {
    await showOffers(showing, place);
    await updateRoot(showing, await threads.read(runId), place);
  }
  return moved;
}

/** The time to approve begins now. */
async function noteShown(
  { remediations, policy }: Showing,
  { id, shownAt }: Remediation,
): Promise<Remembered | undefined> {
  if (shownAt !== undefined) return undefined;
  const moved = await remediations.move(id, shown(policy, await remediations.clock()));
  return moved.kind === 'moved' ? remediations.read(id) : undefined;
}

/** Tells the requester in a direct message that the plan was withdrawn, or how the remediation ended. */
async function reportPrivately(
  showing: Showing,
  place: Place,
  remediation: Remediation,
  { code }: SlackRefused,
): Promise<void> {
  const { remediations, log } = showing;
  const { id, asked, requested } = remediation;
  const because = `its plan could not be posted in <#${asked.channelId}> (${code})`;
  const moved = await remediations.move(id, withdraw(because, await remediations.clock()));
  const now = moved.remediation ?? remediation;
  log.warn({ remediation: id, state: now.state, code }, 'a remediation could not be shown in its channel');
  if (!ENDED.has(now.state)) return;
  const to = requested?.by ?? asked.by;
  const direct = { runId: place.runId, from: place.from, channelId: to };
  const message = renderCardNotPosted(now, {
    channelId: asked.channelId,
    code,
    isWithdrawn: moved.kind === 'moved',
  });
  try {
    await postOnce(showing, `direct-${id}-${now.state}`, direct, message);
  } catch (error) {
    if (!(error instanceof SlackRefused)) throw error;
    log.error({ err: error, remediation: id }, 'the requester could not be notified either');
  }
}

async function attachPlan(
  showing: Showing,
  place: Place & { readonly threadTs: string },
  remediation: Remediation,
): Promise<void> {
  const file = remediation.state === 'planned' ? planFile(remediation) : undefined;
  if (!file) return;
  await attachOnce(showing, `plan-${remediation.id}`, place, file).catch((error: unknown) => {
    if (!(error instanceof SlackRefused)) throw error;
    showing.log.warn({ err: error, remediation: remediation.id }, 'a long plan could not be attached');
  });
}

/**
 * Shows a part of a thread, edited where it stands. It is posted as a line without buttons and edited at once: after a lost answer it may be
 * posted twice, and the copy that nobody edits must stay true and offer nothing. One that somebody deleted is posted anew.
 */
async function putPart(
  showing: Showing,
  part: string,
  place: Place,
  { first, now }: { readonly first: string; readonly now: Message },
): Promise<void> {
  const { threads } = showing;
  const post = async (): Promise<Where> => ({
    channelId: place.channelId,
    ts: await postOnce(showing, part, place, { text: first, blocks: [] }),
  });
  const show = (where: Where) =>
    safely(showing, place, now, (message) => edit(showing, place, where, message));
  try {
    await show((await threads.read(place.runId)).where(part) ?? (await post()));
  } catch (error) {
    if (!(error instanceof SlackRefused && GONE.has(error.code))) throw error;
    await threads.forget(place.runId, part);
    await show(await post());
  }
}

/** The message was deleted, or Slack does not allow this edit. */
const GONE = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed', 'block_mismatch']);
