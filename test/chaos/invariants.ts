import { FINAL_STATES, type RemediationRecord } from '../../src/store/remediation/record.ts';
import { STATE_LABELS } from '../../src/slack/render/remediation/words.ts';
import { cardsSetBack, editsInWords } from './card-edits.ts';
import type { Evidence } from './evidence.ts';
import type { FixEvent } from './fix-log.ts';
import {
  casesOf,
  whyAfterEnd,
  whyAfterFailure,
  whyNotChecked,
  whyNotPlanned,
  whyStartedFrozen,
} from './begun-lines.ts';
import { beyondCaps } from './caps.ts';
import {
  doubledNotices,
  doubledRoots,
  isAsked,
  isEndPosted,
  postsWithoutLease,
  progressLeft,
  type Shown,
} from './posts.ts';
import { type InvariantResult } from './invariant-result.ts';
import { checkRemovals } from './removals.ts';
import { ROLES } from './people.ts';
import { unansweredClicks } from './unanswered-clicks.ts';
import { whyNotFixed, whyNotMitigated } from './proven-outcomes.ts';
import { isByOthers, whyNotDone, whyUnrecorded, whyWronglySkipped } from './recorded-lines.ts';
import { type AppliedCase, stepsOf, stepsOutOfOrder } from './audit-steps.ts';
import { whyNotApproved } from './valid-approval.ts';

/** Checks every invariant. Pure: the same evidence gives the same results. */
export function checkInvariants(evidence: Evidence): readonly InvariantResult[] {
  const { remediations, chain } = evidence;
  return [
    { what: 'fixes applied twice', cases: appliedTwice(evidence) },
    { what: 'fixes without a valid approval', cases: appliedFixesThat(evidence, whyNotApproved) },
    { what: 'fixes after expiry', cases: appliedFixesThat(evidence, whyTooLate) },
    { what: 'fixes started while frozen', cases: appliedFixesThat(evidence, whyFrozen) },
    { what: 'fixes after a rejection', cases: appliedFixesThat(evidence, whyRejected) },
    ...checkLines(evidence),
    ...checkRemovals(evidence),
    {
      what: 'changes without an audit entry',
      cases: eachOf(remediations, (one) => stepsOutOfOrder(one, evidence)),
    },
    { what: 'breaks in the audit chain', cases: chain.kind === 'broken' ? [chain.because] : [] },
    {
      what: 'threads with a wrong final status',
      cases: eachOf(remediations, (one) => whyUntrue(one, evidence)),
    },
    { what: 'outcomes without a message', cases: eachOf(remediations, (one) => whyNotPosted(one, evidence)) },
    {
      what: 'plans that asked no approver',
      cases: eachOf(remediations, (one) => whyNotAsked(one, evidence)),
    },
    { what: 'cards that went back to an earlier state', cases: cardsSetBack(evidence.cardEdits) },
    { what: 'remediations that never ended', cases: eachOf(remediations, whyOpen) },
    { what: 'buttons left on final cards', cases: uselessButtons(evidence) },
    { what: 'clicks without a response', cases: unansweredClicks(evidence) },
    ...checkPosts(evidence.shown),
    { what: 'crashes caused by a request', cases: evidence.crashes },
  ];
}

/** The invariants of plans for many targets. A plan for one target has one line. */
function checkLines(evidence: Evidence): readonly InvariantResult[] {
  const { remediations, locks } = evidence;
  const begun = casesOf(evidence, [...evidence.started, ...evidence.applied], (id) => stepsOf(evidence, id));
  const linesThat = (judge: (one: AppliedCase) => string | undefined) =>
    begun.flatMap((one) => {
      const because = judge(one);
      return because === undefined ? [] : [`${one.remediation.id} (${one.fix.thing}): ${because}`];
    });
  const remediationsThat = (judge: (one: RemediationRecord, all: Evidence) => string | undefined) =>
    eachOf(remediations, (one) => judge(one, evidence));
  return [
    { what: 'lines that were not planned', cases: linesThat(whyNotPlanned) },
    { what: 'lines that were not checked again', cases: linesThat(whyNotChecked) },
    { what: 'lines after a failure', cases: linesThat(whyAfterFailure) },
    { what: 'lines after the end of their fix', cases: linesThat(whyAfterEnd) },
    { what: 'lines started while frozen', cases: linesThat(whyStartedFrozen) },
    { what: 'applied lines without a step', cases: remediationsThat(whyUnrecorded) },
    { what: 'steps without an applied line', cases: remediationsThat(whyNotDone) },
    { what: 'lines skipped wrongly', cases: remediationsThat(whyWronglySkipped) },
    { what: 'fixed but still broken', cases: remediationsThat(whyNotFixed) },
    { what: 'mitigations without proof', cases: remediationsThat(whyNotMitigated) },
    { what: 'lines beyond the caps', cases: beyondCaps(evidence) },
    { what: 'locks left on targets', cases: locks },
  ];
}

/** The invariants of channel messages. */
export function checkPosts(shown: Shown): readonly InvariantResult[] {
  return [
    { what: 'duplicate roots', cases: doubledRoots(shown.posts) },
    { what: 'duplicate notices', cases: doubledNotices(shown.posts) },
    { what: 'progress messages left behind', cases: progressLeft(shown) },
    { what: 'posts by the holder of a lost lease', cases: postsWithoutLease(shown.posts) },
  ];
}

function eachOf(
  remediations: readonly RemediationRecord[],
  judge: (remediation: RemediationRecord) => string | undefined,
): readonly string[] {
  return remediations.flatMap((one) => {
    const because = judge(one);
    return because === undefined ? [] : [`${one.id} (${one.title}): ${because}`];
  });
}

/**
 * By the line of a remediation, and by the change to a version of a thing, since two remediations could
 * apply the same fix too. A line started twice counts even if it was not applied.
 */
function appliedTwice({ applied, started }: Evidence): readonly string[] {
  const twice = (all: Evidence['applied'], nameOf: (fix: FixEvent) => string, word: string) =>
    [...Map.groupBy(all, nameOf)]
      .filter(([, same]) => same.length > 1)
      .map(([name, same]) => `${name}: ${word} at ${same.map(({ atMs }) => atMs).join(', ')}`);
  const line = (fix: FixEvent) => `${fix.remediationId} line ${fix.line}`;
  return [
    ...twice(applied, line, 'applied'),
    ...twice(applied, ({ action, thing, version }) => `${action} ${thing} ${version}`, 'applied'),
    ...twice(started, line, 'started'),
  ];
}

function appliedFixesThat(
  evidence: Evidence,
  judge: (one: AppliedCase) => string | undefined,
): readonly string[] {
  return evidence.applied.flatMap((fix) => {
    const remediation = evidence.remediations.find(({ id }) => id === fix.remediationId);
    if (!remediation) return [`${fix.remediationId}: an applied fix without a remediation`];
    const because = judge({ remediation, fix, evidence, steps: stepsOf(evidence, fix.remediationId) });
    return because === undefined ? [] : [`${fix.remediationId} (${fix.thing}): ${because}`];
  });
}

/**
 * Started after the approval had expired, or approved after the plan had expired, by the clock of Redis.
 */
function whyTooLate({ remediation, steps, evidence: { limits } }: AppliedCase): string | undefined {
  const at = (kind: string) => steps.find(({ entry }) => entry.kind === kind);
  const [planned, applying] = [at('planned'), at('applying')];
  const approved = steps.findLast(({ entry }) => entry.kind === 'approved');
  if (!planned || !approved || !applying) return 'its audit does not say when it was approved and started';
  // A plan that was posted late has its whole time from then on.
  const shownAtMs = Date.parse(remediation.shownAt ?? planned.entry.at);
  const planGoodUntilMs =
    Math.max(Date.parse(planned.entry.at), shownAtMs) + limits.approveWithinSeconds * 1_000;
  const goodUntilMs = Date.parse(approved.entry.at) + limits.applyWithinSeconds * 1_000;
  if (approved.atMs > planGoodUntilMs) return `approved ${approved.atMs - planGoodUntilMs} ms too late`;
  return applying.atMs > goodUntilMs ? `started ${applying.atMs - goodUntilMs} ms too late` : undefined;
}

/** Started between the audit entries of a freeze and its end, or while a freeze was in force. */
function whyFrozen({ remediation, evidence: { entries, faults } }: AppliedCase): string | undefined {
  const at = entries.findIndex(
    ({ entry }) => entry.kind === 'applying' && entry.remediation === remediation.id,
  );
  const started = entries[at];
  if (!started) return undefined;
  const last = entries
    .slice(0, at)
    .findLast(({ entry }) => entry.kind === 'frozen' || entry.kind === 'thawed');
  if (last?.entry.kind === 'frozen') return 'started between a freeze and its end';
  const isFrozen = faults.freezes.some(
    ({ fromMs, untilMs }) => started.atMs > fromMs && started.atMs < untilMs,
  );
  return isFrozen ? 'started after a freeze was confirmed' : undefined;
}

/** Its thread has no message with its outcome, so no one was notified. */
function whyNotPosted({ id, state }: RemediationRecord, { shown }: Evidence): string | undefined {
  if (!FINAL_STATES.has(state) || isEndPosted(shown.posts, id, state)) return undefined;
  return `${state}, and no message says so`;
}

/** Its plan was shown, and no post mentioned the approvers. */
function whyNotAsked(
  { id, shownAt, approvalsNeeded = 0 }: RemediationRecord,
  { shown }: Evidence,
): string | undefined {
  if (shownAt === undefined || approvalsNeeded === 0) return undefined;
  return isAsked(shown.posts, id, ROLES.approver) ? undefined : 'no post mentions its approvers';
}

function whyRejected({ steps }: AppliedCase): string | undefined {
  return steps.some(({ entry }) => entry.kind === 'rejected') ? 'it was rejected' : undefined;
}

/** Compares the final status with the card and with the log of applied fixes. */
function whyUntrue({ id, state, plan, steps }: RemediationRecord, evidence: Evidence): string | undefined {
  const { cards, cardEdits, applied } = evidence;
  if (state === 'offered') return undefined;
  const mine = cards.filter((card) => card.id === id);
  if (mine.length !== 1) return `${mine.length} cards`;
  const { word } = STATE_LABELS[state];
  if (mine[0]?.word !== word) {
    const edits = editsInWords(cardEdits.filter((edit) => edit.id === id));
    return `its card says ${mine[0]?.word}, and it is ${state}; its edits: ${edits}`;
  }
  const [fix] = applied.filter(({ remediationId }) => remediationId === id);
  // Some of many targets may have changed before one failed.
  if (state === 'interrupted' || (state === 'failed' && plan?.parts)) return undefined;
  const isDone = state === 'fixed' || state === 'mitigated' || state === 'unverified';
  const isSkipped = steps.length > 0 && steps.every(({ line }) => isByOthers(line, evidence));
  // What an interrupted fix had started may have disappeared before it was checked again.
  const wasInterrupted = stepsOf(evidence, id).some(({ entry }) => entry.outcome === 'interrupted');
  const isProvenLater = state === 'fixed' && wasInterrupted;
  if (isDone && !fix && !isSkipped && !isProvenLater) return `${state} without an applied fix`;
  return !isDone && fix ? `${state}, but the fix was applied` : undefined;
}

function whyOpen({ state }: RemediationRecord): string | undefined {
  return state === 'offered' || FINAL_STATES.has(state) ? undefined : `it is still ${state}`;
}

const RECHECKABLE = new Set(['interrupted', 'unverified', 'failed']);

/** Buttons that no longer do anything. */
function uselessButtons({ buttons, remediations }: Evidence): readonly string[] {
  const byId = new Map(remediations.map((one) => [one.id, one]));
  return buttons.flatMap(({ button, value }) => {
    const { state = 'unknown' } = byId.get(value.split(' ')[0] ?? '') ?? {};
    const isOf = button === 'request' ? state === 'offered' : button === 'look' && RECHECKABLE.has(state);
    return isOf ? [] : [`${button} on ${value.slice(0, 17)}, which is ${state}`];
  });
}
