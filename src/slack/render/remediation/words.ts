import { cleanText } from '../../../text/clean-text.ts';
import type { Plan, Risk } from '../../../check/define-remediation.ts';
import { exactProof, isComplete, proofInWords } from '../../../check/proof.ts';
import { countInWords, durationInWords, verdictOf } from '../../../check/report-in-words.ts';
import { count, list } from '../../../text/wording.ts';
import {
  countSteps,
  type Observation,
  type RemediationRecord,
  type RemediationState,
  type Vote,
} from '../../../store/remediation/record.ts';
import { utf8Length, truncateMrkdwn, truncate, joinLinesWithin } from '../escape-untrusted.ts';
import { dateToken, mention } from '../blocks.ts';

/** Texts that every message about a remediation shares. */

interface StateLabel {
  readonly word: string;
  readonly emoji: string;
}

/** A color never appears without its word. Only a verified fix is green. */
export const STATE_LABELS: Readonly<Record<RemediationState, StateLabel>> = {
  offered: { word: 'OFFERED', emoji: 'wrench' },
  planning: { word: 'PLANNING', emoji: 'hourglass_flowing_sand' },
  planned: { word: 'PLAN', emoji: 'clipboard' },
  approved: { word: 'APPROVED', emoji: 'ballot_box_with_check' },
  applying: { word: 'APPLYING', emoji: 'hammer_and_wrench' },
  settling: { word: 'VERIFYING', emoji: 'mag' },
  fixed: { word: 'FIXED', emoji: 'white_check_mark' },
  mitigated: { word: 'MITIGATED', emoji: 'adhesive_bandage' },
  unverified: { word: 'UNVERIFIED', emoji: 'warning' },
  failed: { word: 'FAILED', emoji: 'x' },
  paused: { word: 'PAUSED', emoji: 'double_vertical_bar' },
  interrupted: { word: 'INTERRUPTED', emoji: 'rotating_light' },
  rejected: { word: 'REJECTED', emoji: 'no_entry' },
  expired: { word: 'EXPIRED', emoji: 'hourglass' },
  skipped: { word: 'SKIPPED', emoji: 'fast_forward' },
  refused: { word: 'REFUSED', emoji: 'no_entry' },
};

const CONFIRMED: StateLabel = { word: 'CONFIRMED', emoji: 'ballot_box_with_check' };

/** The click that requested a safe fix confirmed it, so neither does it wait for an approval nor is it approved. */
export function stateLabel(remediation: RemediationRecord): StateLabel {
  const { state } = remediation;
  const isConfirmed = state === 'approved' || (state === 'planned' && neededApprovals(remediation) === 0);
  return isConfirmed && remediation.risk === 'safe' ? CONFIRMED : STATE_LABELS[state];
}

/** What a risk means for people. */
export const RISK_LABELS: Readonly<Record<Risk, string>> = {
  safe: 'Safe',
  disruptive: 'Disruptive',
  destructive: 'Irreversible',
};

/** The single affected target, or the cause if there are several. */
export function remediationTarget({ finding: { target, targets = [] } }: RemediationRecord): string {
  const [only] = targets;
  return targets.length === 1 && only !== undefined ? only : target;
}

/** What follows the state's word: the proof of a fix, otherwise the title. */
export function remediationHeadline(remediation: RemediationRecord): string {
  const { state, title, before, after } = remediation;
  if (state !== 'fixed' && state !== 'mitigated') return cleanText(title);
  // The verdict of a report with gaps says what is unknown, and it names what is still wrong: neither proves the fix.
  const isClear = after && after.gaps.length === 0 && !after.report?.findings.length;
  const whole = state === 'fixed' && isClear ? after.verdict : title;
  return cleanText(proofInWords(before?.measures ?? [], after?.measures ?? []) || whole);
}

/** The outcome of a fix that was started, in one line: `UNVERIFIED · Restart doppler_z2/0: applied, but not verified`. */
export function outcomeInWords(remediation: RemediationRecord): string {
  return `${STATE_LABELS[remediation.state].word} · ${outcomeAfterState(remediation)}`;
}

/** The same without the state, for messages that show it themselves. */
export function outcomeAfterState(remediation: RemediationRecord): string {
  const { state, because } = remediation;
  const line = remediationHeadline(remediation);
  switch (state) {
    case 'mitigated':
      return `${line}: this eases the fault but doesn't remove it`;
    case 'unverified':
      return `${line}: applied, but not verified`;
    case 'failed':
      return because === undefined ? line : `${line}: ${cleanText(because)}`;
    case 'paused':
      return `${line}: after ${countInWords(countSteps(remediation), 'step')}`;
    case 'interrupted':
      return `${line}: it's unknown whether it was applied`;
    default:
      return line;
  }
}

const CHECKING_AGAIN =
  "Checking again first: it runs only if the finding is still there and the plan hasn't changed.";

/** A longer reason is cut there, so the card has it too. */
const MAX_SAID_CHARS = 200;

/** Whether the root and the outcome, which is posted in the thread, have the whole reason. */
function isSaidByOutcome(because: string | undefined): boolean {
  return because !== undefined && because.length <= MAX_SAID_CHARS;
}

/** The status on a card, in sentences. Claims no more than is known, and leaves out what {@link outcomeInWords} says. */
export function statusText(remediation: RemediationRecord): readonly string[] {
  const { state, because, after, plan, requested } = remediation;
  const why = because === undefined ? [] : [toSentence(because)];
  switch (state) {
    case 'offered':
      return ['Not requested yet.'];
    case 'planning':
      return ['Working out the plan. Nothing has changed yet.'];
    case 'planned':
      return [
        neededApprovals(remediation) === 0 ? CHECKING_AGAIN : 'Nothing happens until someone approves.',
      ];
    case 'approved':
      return [CHECKING_AGAIN];
    case 'applying':
      return [applyingText(remediation)];
    case 'settling':
      return ['Applied.', ...settlingText(remediation)];
    case 'fixed':
      return after ? [...fixedVerdict(remediation, after), ...exactText(remediation)] : why;
    case 'mitigated':
      return after?.finding === 'found' ? ['The finding is still there.'] : [];
    case 'unverified':
      return [...unverifiedText(remediation), ...why];
    case 'failed':
      return [
        ...(isSaidByOutcome(because) ? [] : why),
        stepsBeforeFailureText(remediation),
        ...recheckText(after),
      ];
    case 'paused':
      return [
        "The completed steps are below. None is half done, and the next wasn't started.",
        'To continue, run the check again and request a new plan.',
      ];
    case 'interrupted':
      return [
        toSentence(because ?? 'the worker stopped while applying the plan'),
        "Wrench won't retry it: check what was applied.",
        ...recheckText(after),
      ];
    case 'expired': {
      const unmet = plan ? "It wasn't approved in time." : "The plan wasn't ready in time.";
      const late = requested ? unmet : "It wasn't requested in time. Run the check again to get a new offer.";
      return [...(why.length > 0 ? why : [late]), stepsText(remediation)];
    }
    case 'rejected':
    case 'skipped':
    case 'refused':
      return [...why, stepsText(remediation)];
  }
}

/** Without measures, the headline has it. */
function fixedVerdict(remediation: RemediationRecord, after: Observation): readonly string[] {
  const verdict = verdictOf(after);
  return cleanText(verdict) === remediationHeadline(remediation) ? [] : [withFullStop(verdict)];
}

/** `Applying 3 of 13.`: each target has one step. */
function applyingText(remediation: RemediationRecord): string {
  const { plan, pausable, pause } = remediation;
  const targets = plan?.parts?.length ?? 1;
  const done = countSteps(remediation);
  if (pause) return `Pausing after the current step. Completed ${countInWords(done, 'step')}.`;
  if (targets > 1) return `Applying ${Math.min(done + 1, targets)} of ${targets}.`;
  return pausable && done > 0 ? `Applying now. Completed ${countInWords(done, 'step')}.` : 'Applying now.';
}

const MAX_MEASURES = 3;

/** What the last check didn't find yet: `The finding is gone. Waiting for metron_agent running on 12 of 12 (now 7).` */
function settlingText({ settling, finding, mitigates }: RemediationRecord): readonly string[] {
  const observed = settling?.observed;
  if (!observed) return ['Verifying that it worked.'];
  const verdict = withFullStop(verdictOf(observed));
  const missing = observed.measures.flatMap(({ label, value, of, unit }) =>
    of !== undefined && value < of ? [`${label} ${unit} on ${of} of ${of} (now ${value})`] : [],
  );
  const waiting = missing.length > 0 ? [`Waiting for ${cleanText(list(missing, MAX_MEASURES))}.`] : [];
  if (mitigates) return [`It hasn't taken effect yet: ${verdict}`, ...waiting];
  switch (observed.finding) {
    case 'found':
      return [stillFoundText(observed, finding, verdict), ...waiting];
    case 'unseen':
      return [`Couldn't verify it yet${uncheckedText(observed)}: ${verdict}`, ...waiting];
    case 'gone':
      return [
        observed.unproven === undefined
          ? 'The finding is gone.'
          : `The finding is gone, which proves nothing yet: ${withFullStop(cleanText(observed.unproven))}`,
        ...(waiting.length > 0 || observed.unproven !== undefined
          ? waiting
          : ['Verifying that it stays so.']),
      ];
  }
}

/** The names of the targets are in the outcome, if they are still found by then. */
function stillFoundText(
  { targets: left = [] }: Observation,
  { targets = [] }: RemediationRecord['finding'],
  verdict: string,
): string {
  return targets.length < 2 || left.length === 0
    ? `The finding is still there: ${verdict}`
    : `The finding is still there for ${left.length} of ${targets.length} targets.`;
}

/** Until when a fix is verified, and how long that was when its card was last changed: a card can't count down. */
export interface SettlingTime {
  readonly before: string;
  readonly until: string;
  readonly after: string;
}

/** `Checks again every 5 s until 14:05:30 (40 s left).` Of more than two minutes, whole minutes are left. */
export function settlingTime({ state, settling }: RemediationRecord): SettlingTime | undefined {
  if (state !== 'settling' || !settling) return undefined;
  const { until, everySeconds, observed } = settling;
  const leftMs = Date.parse(until) - Date.parse(observed?.at ?? '');
  const left = leftMs >= 0 ? ` (${timeLeft(Math.ceil(leftMs / 1_000))} left)` : '';
  const every = Number(everySeconds.toFixed(1));
  return { before: `Checks again every ${every} s until `, until, after: `${left}.` };
}

function timeLeft(seconds: number): string {
  return seconds <= 120 ? `${seconds} s` : count(Math.ceil(seconds / 60), 'minute');
}

/** The proof with exact numbers, if the headline rounds them. */
function exactText({ before, after }: RemediationRecord): readonly string[] {
  const measures = [before?.measures ?? [], after?.measures ?? []] as const;
  const exact = exactProof(...measures);
  return exact === proofInWords(...measures) ? [] : [`Exactly: ${withFullStop(cleanText(exact))}`];
}

/** Why it doesn't count as fixed. The verdict is left out if `because`, which follows, has it. */
function unverifiedText({ after, because, finding, mitigates }: RemediationRecord): readonly string[] {
  if (!after) return ["Applied, but couldn't verify that it worked."];
  const end = because?.includes(after.verdict) ? '.' : `: ${withFullStop(verdictOf(after))}`;
  if (mitigates) return [`Applied, but it hasn't taken effect${end}`];
  switch (after.finding) {
    case 'found':
      return [`Applied, but ${remainingText(after, finding)}${end}`];
    case 'unseen':
      return [`Applied, but couldn't verify that it worked${uncheckedText(after)}${end}`];
    case 'gone':
      if (after.unproven !== undefined)
        return [
          `Applied, and the finding is gone, which proves nothing${because?.includes(after.unproven) ? '.' : `: ${withFullStop(cleanText(after.unproven))}`}`,
        ];
      return [
        isComplete(after.measures)
          ? `Applied, and the finding is gone, but it's too early to verify that it won't come back${end}`
          : `Applied, and the finding is gone, but something is still wrong${end}`,
      ];
  }
}

const MAX_TARGETS = 3;

/** `the finding is still there for 2 of 13 targets (ca/a, ca/b)` */
function remainingText(
  { targets: left = [] }: Observation,
  { targets = [] }: RemediationRecord['finding'],
): string {
  if (targets.length < 2 || left.length === 0) return 'the finding is still there';
  const named = left.slice(0, MAX_TARGETS).map((target) => truncate(cleanText(target), 80));
  const more = left.length > named.length ? ` and ${left.length - named.length} more` : '';
  return `the finding is still there for ${left.length} of ${targets.length} targets (${named.join(', ')}${more})`;
}

const MAX_GAPS = 3;

/** ` (couldn't check doppler_z1/0, doppler_z1/1 and 4 more)` */
function uncheckedText({ gaps }: Observation): string {
  if (gaps.length === 0) return '';
  const left = gaps.length - MAX_GAPS;
  const named = gaps.slice(0, MAX_GAPS).map((gap) => truncate(cleanText(gap), 60));
  return ` (couldn't check ${named.join(', ')}${left > 0 ? ` and ${left} more` : ''})`;
}

function recheckText(after: Observation | undefined): readonly string[] {
  if (!after) return [];
  const seen = {
    found: 'the finding is still there',
    gone: 'the finding is gone',
    unseen: "couldn't check everything",
  }[after.finding];
  return [`Checked again: ${seen}. ${withFullStop(verdictOf(after))}`];
}

function stepsText({ steps }: RemediationRecord): string {
  return steps.length === 0 ? 'Nothing was changed.' : 'The steps completed before that are below.';
}

function stepsBeforeFailureText({ steps }: RemediationRecord): string {
  return steps.length === 0 ? 'No step was confirmed.' : "The completed steps are below; the rest won't run.";
}

/** Capitalizes a first word that is not a name such as `metron_agent`, and ends the text with a full stop. */
export function toSentence(text: string): string {
  return withFullStop(cleanText(text).replace(/^\p{Ll}(?=[\p{Ll}']* )/u, (first) => first.toUpperCase()));
}

/** Ends the text with a full stop. A verdict may begin with a name, so its first letter stays. */
function withFullStop(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** A mention of a person in mrkdwn, by id; words for `terminal` and `wrench`. */
export function mentionActor(id: string): string {
  if (id === 'terminal') return 'someone at a terminal';
  if (id === 'wrench') return 'Wrench';
  return mention(id);
}

const MAX_VOTES = 10;

/** Who requested, approved, rejected and paused it, and when: one line of mrkdwn each. */
export function peopleLines({
  state,
  risk,
  requested,
  approvals,
  rejected,
  pause,
}: RemediationRecord): readonly string[] {
  const paused = pause
    ? [`${state === 'paused' ? 'Paused' : 'Pause requested'} by ${voteInWords(pause)}`]
    : [];
  if (risk === 'safe' && approvals.length > 0) return [`Confirmed by ${votesInWords(approvals)}`, ...paused];
  return [
    ...(requested ? [`Requested by ${voteInWords(requested)}`] : []),
    ...(approvals.length > 0 ? [`Approved by ${votesInWords(approvals)}`] : []),
    ...(rejected ? [`Rejected by ${voteInWords(rejected)}`] : []),
    ...paused,
  ];
}

/** A reason that a person gave. */
export interface Reason {
  readonly by: string;
  readonly reason: string;
  readonly isOfRequester: boolean;
}

const MAX_REASONS = 5;

/** The reasons given with the request and the approvals, in that order. */
export function reasonsIn({ requested, approvals, risk }: RemediationRecord): readonly Reason[] {
  const votes = [
    ...(requested ? [{ ...requested, isOfRequester: true }] : []),
    // The requester of a safe fix approves it with the same click.
    ...(risk === 'safe' ? [] : approvals.map((vote) => ({ ...vote, isOfRequester: false }))),
  ];
  return votes
    .flatMap(({ by, reason, isOfRequester }) => (reason === undefined ? [] : [{ by, reason, isOfRequester }]))
    .slice(0, MAX_REASONS);
}

function voteInWords({ by, at }: Vote): string {
  return `${mentionActor(by)} · ${dateToken(at)}`;
}

function votesInWords(votes: readonly Vote[]): string {
  const rest = votes.length - MAX_VOTES;
  const shown = votes.slice(0, MAX_VOTES).map(voteInWords).join(', ');
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}

const MAX_APPROVERS = 10;

/** `*1 of 2 approvals.* Needs 1 more from <!subteam^S…>, not from <@U…>. Expires …` in mrkdwn. */
export function needsInWords(remediation: RemediationRecord, approvers: readonly string[]): string {
  const { requested, approvals, until } = remediation;
  const open = approvers.filter((one) => approvals.every(({ by }) => by !== one));
  const needed = neededApprovals(remediation);
  const left = Math.max(0, needed - approvals.length);
  const expires = until === undefined ? '' : ` Expires ${dateToken(until)}.`;
  const from = approversInWords(open, requested?.by, left);
  if (needed === 1 && left === 1) return `*Needs 1 approval*${from}.${expires}`;
  return `*${approvals.length} of ${needed} approvals.* Needs ${left} more${from}.${expires}`;
}

/** No one approves their own request. */
function approversInWords(approvers: readonly string[], requester: string | undefined, left: number): string {
  const others = approvers.filter((one) => one !== requester);
  const not = requester === undefined ? '' : mentionActor(requester);
  if (others.length === 0) {
    const whose = left === 1 ? 'someone' : 'people';
    return requester === undefined ? '' : ` from ${whose} other than ${not}`;
  }
  const rest = others.length - MAX_APPROVERS;
  const named = others.slice(0, MAX_APPROVERS).map(mention).join(', ');
  // A group may include them.
  const except =
    requester !== undefined && others.some((one) => one.startsWith('S')) ? `, not from ${not}` : '';
  return ` from ${named}${rest > 0 ? ` or ${rest} more` : ''}${except}`;
}

export function neededApprovals({ approvalsNeeded: needed, risk }: RemediationRecord): number {
  return needed ?? (risk === 'safe' ? 0 : 1);
}

/** `38.2 s from approval to fixed`; empty if unknown. */
export function tookInWords({ state, risk, approvals, requested, endedAt }: RemediationRecord): string {
  const begun = approvals.at(-1)?.at ?? requested?.at;
  if ((state !== 'fixed' && state !== 'mitigated') || begun === undefined || endedAt === undefined) return '';
  const tookMs = Date.parse(endedAt) - Date.parse(begun);
  if (!(tookMs >= 0)) return '';
  const since = risk === 'safe' ? 'confirmation' : approvals.length > 0 ? 'approval' : 'request';
  return `${durationInWords(tookMs)} from ${since} to ${state}`;
}

/** What people still have to do or to know. What was only true until the fix was verified is left out once that is proven. */
export function afterwardsOf(remediation: RemediationRecord): readonly string[] {
  const { state, plan, after } = remediation;
  const { afterwards = [], untilVerified = [], settlesWithinSeconds }: Partial<Plan> = plan ?? {};
  switch (state) {
    case 'planned':
      // Approvers know how long it takes to prove this plan.
      return neededApprovals(remediation) > 0
        ? [...(settlesWithinSeconds === undefined ? [] : untilVerified), ...afterwards]
        : [];
    case 'settling':
    case 'unverified':
      return [...untilVerified, ...afterwards];
    case 'fixed': {
      const isProven = after !== undefined && after.gaps.length === 0 && isComplete(after.measures);
      return isProven ? afterwards : [...untilVerified, ...afterwards];
    }
    case 'mitigated':
    case 'failed':
    case 'paused':
    case 'interrupted':
      return afterwards;
    default:
      return [];
  }
}

/** The share of a text that its end may take, so that the headline fits too. */
const MAX_END_SHARE = 0.7;

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `1.3 GB`; powers of a thousand. */
export function bytesInWords(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'an unknown number of bytes';
  let value = Math.abs(bytes);
  let unit = '';
  for (const larger of UNITS) {
    if (value < 1_000) break;
    value /= 1_000;
    unit = larger;
  }
  return unit === '' ? countInWords(bytes, 'byte') : `${value.toFixed(1)} ${unit}`;
}

/** Joins lines within `maxBytes`, then the end, which is never left out but truncated if it is very long. */
export function joinWithEnd(lines: readonly string[], end: readonly string[], maxBytes: number): string {
  const last = truncateMrkdwn(end.filter(Boolean).join('\n'), Math.floor(maxBytes * MAX_END_SHARE));
  return [joinLinesWithin(lines.filter(Boolean), maxBytes - utf8Length(last) - 1), last]
    .filter(Boolean)
    .join('\n');
}
