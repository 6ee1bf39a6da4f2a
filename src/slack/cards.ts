import type { Thread } from '../memory/threads.ts';
import { type Policy, withheld } from '../memory/policy.ts';
import { ENDED, type Remediation } from '../memory/remediation.ts';
import type { Remediations } from '../memory/remediations.ts';
import type { OutboxJob } from '../queue/contracts.ts';
import { Later } from '../queue/work.ts';
import { attachOnce, edit, type Place, type Posting, postOnce } from './post.ts';
import { withFixes } from './render/fixes.ts';
import type { Message } from './render/message.ts';
import { renderOffers, type Withheld } from './render/offers.ts';
import { planFile } from './render/remediation-plan.ts';
import { renderAsked, renderRemediation } from './render/remediation.ts';
import { safely } from './safely.ts';
import { SlackRefused } from './slack-call.ts';

/** What it takes to show remediations. */
export interface Showing extends Posting {
  readonly remediations: Remediations;
  readonly policy: Policy;
}

/** Part names: the message with the offers of a run, and the card of one remediation. */
export const OFFERS = 'offers';
export const cardOf = (id: string): string => `card-${id}`;
/** A card waits for the thread that it stands in. */
const NO_THREAD_MS = 500;

/** The end of a report's thread: what can be done, with a button each, and what the configuration does not let be done. Edited where it stands already. */
export async function showOffers(showing: Showing, thread: Thread, place: Place): Promise<void> {
  const offered = await showing.remediations.ofRun(place.runId);
  if (offered.length === 0) return;
  const off = offered.flatMap((one): Withheld[] => {
    const because = one.state === 'offered' ? withheld(showing.policy, one) : undefined;
    return because === undefined ? [] : [{ title: one.title, because }];
  });
  const open = offered.filter((one) => one.state !== 'offered' || !withheld(showing.policy, one));
  const now = renderOffers(open, { withheld: off });
  await put(showing, thread, OFFERS, place, { first: 'What can be done about it:', now });
}

/** The root of a report with what became of it since. The report's own words are kept, for every edit begins with them. */
export async function rootNow(showing: Showing, runId: string, root: Message): Promise<Message> {
  const { remediations, policy } = showing;
  const offered = await remediations.ofRun(runId);
  const open = offered.filter((one) => one.state === 'offered' && withheld(policy, one) === undefined);
  return withFixes(root, offered, open.length);
}

export const ROOT_WORDS = 'root';

/** Who reads the channel alone sees how it ended. A root that is no longer there is nobody's loss. */
async function updateRoot(showing: Showing, thread: Thread, runId: string): Promise<void> {
  const kept = thread.kept(ROOT_WORDS);
  const { root } = thread;
  if (kept === undefined || !root) return;
  const now = await rootNow(showing, runId, JSON.parse(kept) as Message);
  await safely(showing, { runId }, now, (message) => edit(showing, root, message)).catch((error: unknown) => {
    if (!(error instanceof SlackRefused)) throw error;
    showing.log.debug({ err: error, runId }, 'the root could not be edited');
  });
}

/** Shows a remediation as it is now, whatever it was when the job was made; a newer job shows a newer move. */
export async function showCard(
  showing: Showing,
  thread: Thread,
  { id, runId, asked, revision }: Extract<OutboxJob, { kind: 'card' }>,
): Promise<void> {
  const { remediations } = showing;
  const remembered = await remediations.read(id);
  if (!remembered || (remembered.revision > revision && !ENDED.has(remembered.remediation.state))) return;
  const { remediation } = remembered;
  if (thread.elsewhere) return remediations.told(id, remembered.revision);
  const { root } = thread;
  if (!root || !thread.answered) throw new Later(NO_THREAD_MS);
  const place = { runId, channelId: asked.channelId, threadTs: root.ts };
  const part = cardOf(id);
  // The button goes away first: nobody should click what is taken up already.
  if (!thread.where(part)) await showOffers(showing, thread, place);
  const now = renderRemediation(remediation);
  await put(showing, thread, part, place, { first: renderAsked(remediation), now });
  await attachPlan(showing, thread, place, remediation);
  if (ENDED.has(remediation.state)) {
    await showOffers(showing, thread, place);
    await updateRoot(showing, thread, runId);
  }
  await remediations.told(id, remembered.revision);
}

async function attachPlan(
  showing: Showing,
  thread: Thread,
  place: Place & { readonly threadTs: string },
  remediation: Remediation,
): Promise<void> {
  const file = remediation.state === 'planned' ? planFile(remediation) : undefined;
  if (!file) return;
  await attachOnce(showing, thread, `plan-${remediation.id}`, place, file).catch((error: unknown) => {
    if (!(error instanceof SlackRefused)) throw error;
    showing.log.warn({ err: error, remediation: remediation.id }, 'a long plan could not be attached');
  });
}

/**
 * Shows a part of a thread, edited where it stands. It is posted as a line without buttons and edited at once: after a lost answer it may be
 * posted twice, and the copy that nobody edits must stay true and offer nothing. One that somebody deleted is posted anew.
 */
async function put(
  showing: Showing,
  thread: Thread,
  part: string,
  place: Place,
  { first, now }: { readonly first: string; readonly now: Message },
): Promise<void> {
  const show = (where: Where) => safely(showing, place, now, (message) => edit(showing, where, message));
  try {
    await show(thread.where(part) ?? (await post(showing, thread, part, place, first)));
  } catch (error) {
    if (!(error instanceof SlackRefused && GONE.has(error.code))) throw error;
    await showing.threads.refused(place.runId, part);
    const fresh = await showing.threads.read(place.runId);
    await show(await post(showing, fresh, part, place, first));
  }
}

interface Where {
  readonly channelId: string;
  readonly ts: string;
}

/** Somebody deleted it, or the workspace does not let it be edited any more. */
const GONE = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed']);

async function post(
  showing: Showing,
  thread: Thread,
  part: string,
  place: Place,
  text: string,
): Promise<Where> {
  const ts = await postOnce(showing, thread, part, place, { text, blocks: [] });
  return { channelId: place.channelId, ts: ts ?? '' };
}
