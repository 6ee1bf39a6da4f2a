import { ENDED, type Remediation } from '../../src/store/remediation/record.ts';
import { SIGNS } from '../../src/slack/render/remediation/words.ts';
import type { Evidence } from './evidence.ts';
import { isStubborn } from './lab.ts';
import { doubledRoots, postsWithoutLease, progressLeft, type Shown } from './posts.ts';
import { unanswered } from './unanswered.ts';
import { type DeedCase, stepsOf, stepsOutOfOrder } from './steps.ts';
import { whyNotApproved } from './valid-approval.ts';

/** One line of the table. What must never happen lists each time it did. */
export interface Row {
  readonly what: string;
  readonly cases: readonly string[];
}

/** All that must be zero, counted. Pure: the same evidence gives the same rows. */
export function tally(evidence: Evidence): readonly Row[] {
  const { remediations, chain } = evidence;
  return [
    { what: 'deeds done twice', cases: doneTwice(evidence) },
    { what: 'deeds without a valid approval', cases: deedsThat(evidence, whyNotApproved) },
    { what: 'deeds after expiry', cases: deedsThat(evidence, whyTooLate) },
    { what: 'deeds begun while frozen', cases: deedsThat(evidence, whyFrozen) },
    { what: 'deeds after a rejection', cases: deedsThat(evidence, whyRejected) },
    {
      what: 'moves without their audit entry',
      cases: eachOf(remediations, (one) => stepsOutOfOrder(one, evidence)),
    },
    { what: 'breaks in the audit chain', cases: chain.kind === 'broken' ? [chain.because] : [] },
    {
      what: 'threads without a true last word',
      cases: eachOf(remediations, (one) => whyUntrue(one, evidence)),
    },
    { what: 'remediations that never ended', cases: eachOf(remediations, whyOpen) },
    { what: 'buttons left on ended cards', cases: leftButtons(evidence) },
    { what: 'clicks without an answer', cases: unanswered(evidence) },
    ...tallyPosts(evidence.shown),
    { what: 'crashes by a request', cases: evidence.crashes },
  ];
}

/** What must never be seen in a channel, whatever is posted there. */
export function tallyPosts(shown: Shown): readonly Row[] {
  return [
    { what: 'doubled roots', cases: doubledRoots(shown.posts) },
    { what: 'progress messages left behind', cases: progressLeft(shown) },
    { what: 'posts by the holder of a lost lease', cases: postsWithoutLease(shown.posts) },
  ];
}

function eachOf(
  remediations: readonly Remediation[],
  judge: (remediation: Remediation) => string | undefined,
): readonly string[] {
  return remediations.flatMap((one) => {
    const because = judge(one);
    return because === undefined ? [] : [`${one.id} (${one.title}): ${because}`];
  });
}

/** By its name, and by the thing: two remediations of one thing would be two deeds as well. What was set about twice counts, done or not. */
function doneTwice({ deeds, begun }: Evidence): readonly string[] {
  const twice = (all: Evidence['deeds'], named: 'order' | 'thing', word: string) =>
    [...Map.groupBy(all, (deed) => deed[named])]
      .filter(([, same]) => same.length > 1)
      .map(([name, same]) => `${name}: ${word} at ${same.map(({ atMs }) => atMs).join(', ')}`);
  return [
    ...twice(deeds, 'order', 'done'),
    ...twice(deeds, 'thing', 'done'),
    ...twice(begun, 'order', 'set about'),
  ];
}

function deedsThat(evidence: Evidence, judge: (one: DeedCase) => string | undefined): readonly string[] {
  return evidence.deeds.flatMap((deed) => {
    const remediation = evidence.remediations.find(({ id }) => id === deed.order);
    if (!remediation) return [`${deed.order}: a deed of nobody's`];
    const because = judge({ remediation, deed, evidence, steps: stepsOf(evidence, deed.order) });
    return because === undefined ? [] : [`${deed.order} (${deed.thing}): ${because}`];
  });
}

/** Begun past the moment up to which the approval, or the plan that was approved, was good; by Redis' own clock. */
function whyTooLate({ remediation, steps, evidence: { limits } }: DeedCase): string | undefined {
  const at = (kind: string) => steps.find(({ entry }) => entry.kind === kind);
  const [planned, approved, applying] = [at('planned'), at('approved'), at('applying')];
  if (!planned || !approved || !applying) return 'its audit does not say when it was approved and begun';
  // A plan that had to wait until it was posted has its whole time from then on.
  const shownAtMs = Date.parse(remediation.shownAt ?? planned.entry.at);
  const planGoodUntilMs =
    Math.max(Date.parse(planned.entry.at), shownAtMs) + limits.approveWithinSeconds * 1_000;
  const goodUntilMs = Date.parse(approved.entry.at) + limits.applyWithinSeconds * 1_000;
  if (approved.atMs > planGoodUntilMs) return `approved ${approved.atMs - planGoodUntilMs} ms too late`;
  return applying.atMs > goodUntilMs ? `begun ${applying.atMs - goodUntilMs} ms too late` : undefined;
}

/** Begun between the entries of a freeze and a thaw, or while a freeze was known to hold. */
function whyFrozen({ remediation, evidence: { entries, havoc } }: DeedCase): string | undefined {
  const at = entries.findIndex(
    ({ entry }) => entry.kind === 'applying' && entry.remediation === remediation.id,
  );
  const begun = entries[at];
  if (!begun) return undefined;
  const last = entries
    .slice(0, at)
    .findLast(({ entry }) => entry.kind === 'frozen' || entry.kind === 'thawed');
  if (last?.entry.kind === 'frozen') return 'begun between a freeze and its thaw';
  const isHeld = havoc.freezes.some(({ fromMs, untilMs }) => begun.atMs > fromMs && begun.atMs < untilMs);
  return isHeld ? 'begun after a freeze was confirmed' : undefined;
}

function whyRejected({ steps }: DeedCase): string | undefined {
  return steps.some(({ entry }) => entry.kind === 'rejected') ? 'it was rejected' : undefined;
}

/** What the words of an end say of the deed, against the file that deeds are written to. */
function whyUntrue({ id, state }: Remediation, { cards, deeds }: Evidence): string | undefined {
  if (state === 'offered') return undefined;
  const mine = cards.filter((card) => card.id === id);
  if (mine.length !== 1) return `${mine.length} cards`;
  const { word } = SIGNS[state];
  if (mine[0]?.word !== word) return `its card says ${mine[0]?.word}, and it is ${state}`;
  const [deed] = deeds.filter(({ order }) => order === id);
  if (state === 'interrupted') return undefined;
  const isDone = state === 'fixed' || state === 'unverified';
  if (isDone && !deed) return `${state} without a deed`;
  if (!isDone && deed) return `${state}, but the deed was done`;
  if (state === 'fixed' && deed && isStubborn(deed.thing)) return 'fixed, but nothing was mended';
  return undefined;
}

function whyOpen({ state }: Remediation): string | undefined {
  return state === 'offered' || ENDED.has(state) ? undefined : `it is still ${state}`;
}

const OPEN_ENDS = new Set(['interrupted', 'unverified', 'failed']);

/** Buttons that can do nothing any more. */
function leftButtons({ buttons, remediations }: Evidence): readonly string[] {
  const byId = new Map(remediations.map((one) => [one.id, one]));
  return buttons.flatMap(({ button, value }) => {
    const { state = 'unknown' } = byId.get(value.split(' ')[0] ?? '') ?? {};
    const isOf = button === 'request' ? state === 'offered' : button === 'look' && OPEN_ENDS.has(state);
    return isOf ? [] : [`${button} on ${value.slice(0, 17)}, which is ${state}`];
  });
}
