import type { Thread, Where } from '../memory/threads.ts';
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
  /** Whether an answer of the run waits to be posted, or is being posted. */
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
  const off = offered.flatMap((one): Withheld[] => {
    const because = one.state === 'offered' ? withheld(showing.policy, one) : undefined;
    return because === undefined ? [] : [{ title: one.title, because }];
  });
  const open = offered.filter((one) => one.state !== 'offered' || !withheld(showing.policy, one));
  const now = renderOffers(open, { withheld: off });
  await put(showing, OFFERS, place, { first: 'What can be done about it:', now });
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

/** Shows a remediation as it is now, whatever it was when the job was made; a newer job shows a newer move. */
export async function showCard(
  showing: Showing,
  { id, runId, revision }: Extract<OutboxJob, { kind: 'card' }>,
  { channelId, from }: Place,
): Promise<void> {
  const { remediations, threads } = showing;
  const remembered = await remediations.read(id);
  if (!remembered || (remembered.revision > revision && !ENDED.has(remembered.remediation.state))) return;
  const { remediation } = remembered;
  const thread = await threads.read(runId);
  if (thread.elsewhere) return remediations.told(id, remembered.revision);
  const { root } = thread;
  if (!root || !thread.answered) throw new Later(NO_THREAD_MS);
  const place = { runId, channelId, threadTs: root.ts, from };
  const part = cardOf(id);
  // The button goes away first: nobody should click what is taken up already.
  if (!thread.where(part)) await showOffers(showing, place);
  const now = renderRemediation(remediation);
  await put(showing, part, place, { first: renderAsked(remediation), now });
  await attachPlan(showing, place, remediation);
  if (ENDED.has(remediation.state)) {
    await showOffers(showing, place);
    await updateRoot(showing, thread, place);
  }
  await remediations.told(id, remembered.revision);
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
async function put(
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

/** Somebody deleted it, or the workspace does not let it be edited any more. */
const GONE = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed']);
