import { cleanText } from '../../../text/clean-text.ts';
import { exactProof, proofInWords } from '../../../check/proof.ts';
import { countInWords, durationInWords, verdictOf } from '../../../check/report-in-words.ts';
import type {
  Observation,
  RemediationRecord,
  RemediationState,
  Vote,
} from '../../../store/remediation/record.ts';
import { utf8Length, truncateMrkdwn, truncate, joinLinesWithin } from '../escape-untrusted.ts';
import { dateToken, mention } from '../blocks.ts';

/** Words that every message about a remediation shares. */

interface StateLabel {
  readonly word: string;
  readonly emoji: string;
}

/** A colour never appears without its word. Only what was verified is green. */
export const STATE_LABELS: Readonly<Record<RemediationState, StateLabel>> = {
  offered: { word: 'OFFERED', emoji: 'wrench' },
  planning: { word: 'PLANNING', emoji: 'hourglass_flowing_sand' },
  planned: { word: 'PLAN', emoji: 'clipboard' },
  approved: { word: 'APPROVED', emoji: 'ballot_box_with_check' },
  applying: { word: 'APPLYING', emoji: 'hammer_and_wrench' },
  settling: { word: 'LOOKING AGAIN', emoji: 'mag' },
  fixed: { word: 'FIXED', emoji: 'white_check_mark' },
  mitigated: { word: 'MITIGATED', emoji: 'adhesive_bandage' },
  unverified: { word: 'UNVERIFIED', emoji: 'warning' },
  failed: { word: 'FAILED', emoji: 'x' },
  interrupted: { word: 'INTERRUPTED', emoji: 'rotating_light' },
  rejected: { word: 'REJECTED', emoji: 'no_entry' },
  expired: { word: 'EXPIRED', emoji: 'hourglass' },
  skipped: { word: 'SKIPPED', emoji: 'fast_forward' },
  refused: { word: 'REFUSED', emoji: 'no_entry' },
};

/** The one of many targets that it is for, or the cause of all. */
export function remediationTarget({ finding: { target, targets = [] } }: RemediationRecord): string {
  const [only] = targets;
  return targets.length === 1 && only !== undefined ? only : target;
}

/** What follows the state's word: the proof of a fix, otherwise the title. */
export function remediationHeadline(remediation: RemediationRecord): string {
  const { state, title, before, after } = remediation;
  if (state !== 'fixed' && state !== 'mitigated') return cleanText(title);
  // A report with gaps begins with what it does not know, and that is no headline. After a mitigation it begins with the fault.
  const whole = state === 'fixed' && after && after.gaps.length === 0 ? after.verdict : title;
  return cleanText(proofInWords(before?.measures ?? [], after?.measures ?? []) || whole);
}

/** The status, in sentences. States no more than is known. */
export function statusText(remediation: RemediationRecord): readonly string[] {
  const { state, because, after, plan, requested } = remediation;
  const why = because === undefined ? [] : [toSentence(because)];
  switch (state) {
    case 'offered':
      return ['Nobody has asked for it yet.'];
    case 'planning':
      return ['Looking at what it would do. Nothing is changed by that.'];
    case 'planned':
      return ['Nothing is done before it is approved.'];
    case 'approved':
      return [
        'Looking again first: it is done only if the finding is still there and the plan is still the same.',
      ];
    case 'applying':
      return ['It is being done now.'];
    case 'settling':
      return ['It was done. Looking whether it helped.'];
    case 'fixed':
      return after ? [withFullStop(verdictOf(after)), ...exactText(remediation)] : why;
    case 'mitigated':
      return [
        after?.finding === 'found'
          ? 'This eases the fault and does not remove it: the finding is still there.'
          : 'This eases the fault and does not remove it.',
      ];
    case 'unverified':
      return [...unverifiedText(remediation), ...why];
    case 'failed':
      return [...why, stepsBeforeFailureText(remediation), ...recheckText(after)];
    case 'interrupted':
      return [
        toSentence(
          `${because ?? 'its worker was lost while it applied the plan'}: nobody knows whether it was done`,
        ),
        'It is not done again by itself.',
        ...recheckText(after),
      ];
    case 'expired': {
      const unmet = plan ? 'It was not approved in time.' : 'It was not planned in time.';
      const late = requested
        ? unmet
        : 'Nobody asked for it in time. Ask the question again to get a fresh offer.';
      return [...(why.length > 0 ? why : [late]), stepsText(remediation)];
    }
    case 'rejected':
    case 'skipped':
    case 'refused':
      return [...why, stepsText(remediation)];
  }
}

/** The proof with exact numbers, if the headline rounds them. */
function exactText({ before, after }: RemediationRecord): readonly string[] {
  const measures = [before?.measures ?? [], after?.measures ?? []] as const;
  const exact = exactProof(...measures);
  return exact === proofInWords(...measures) ? [] : [`Exactly: ${withFullStop(cleanText(exact))}`];
}

/** Why it does not count as fixed. */
function unverifiedText({ after, finding, mitigates }: RemediationRecord): readonly string[] {
  if (!after) return ['It was done. Whether it helped has not been seen.'];
  const verdict = withFullStop(verdictOf(after));
  if (mitigates) return [`It was done, but it has not had its effect: ${verdict}`];
  switch (after.finding) {
    case 'found':
      return [`It was done, but ${remainingText(after, finding)}: ${verdict}`];
    case 'unseen':
      return [`It was done, but whether it helped could not be seen${uncheckedText(after)}: ${verdict}`];
    case 'gone':
      return [`It was done and the finding is gone, but not all is as it should be: ${verdict}`];
  }
}

const MAX_TARGETS = 3;

/** `2 of 13 are still found (ca/a, ca/b)` where it was for many targets. */
function remainingText(
  { targets: left = [] }: Observation,
  { targets = [] }: RemediationRecord['finding'],
): string {
  if (targets.length < 2 || left.length === 0) return 'the finding is still there';
  const named = left.slice(0, MAX_TARGETS).map((target) => truncate(cleanText(target), 80));
  const more = left.length > named.length ? ` and ${left.length - named.length} more` : '';
  return `${left.length} of ${targets.length} ${left.length === 1 ? 'is' : 'are'} still found (${named.join(', ')}${more})`;
}

const MAX_GAPS = 3;

/** ` (doppler_z1/0, doppler_z1/1 and 4 more couldn't be checked)` */
function uncheckedText({ gaps }: Observation): string {
  if (gaps.length === 0) return '';
  const left = gaps.length - MAX_GAPS;
  const named = gaps.slice(0, MAX_GAPS).map((gap) => truncate(cleanText(gap), 60));
  return ` (${named.join(', ')}${left > 0 ? ` and ${left} more` : ''} couldn't be checked)`;
}

function recheckText(after: Observation | undefined): readonly string[] {
  if (!after) return [];
  const seen = {
    found: 'the finding is still there',
    gone: 'the finding is gone',
    unseen: 'not everything could be checked',
  }[after.finding];
  return [`Looked at again since: ${seen}. ${withFullStop(verdictOf(after))}`];
}

function stepsText({ steps }: RemediationRecord): string {
  return steps.length === 0 ? 'Nothing was done.' : 'What was done until then is below.';
}

function stepsBeforeFailureText({ steps }: RemediationRecord): string {
  return steps.length === 0
    ? 'No step was completed before that.'
    : 'What was done until then is below; nothing more is done.';
}

/** Capitalizes a first word that is not a name such as `metron_agent`, and ends the text with a full stop. */
export function toSentence(text: string): string {
  return withFullStop(cleanText(text).replace(/^\p{Ll}(?=\p{Ll}* )/u, (first) => first.toUpperCase()));
}

/** Ends the text with a full stop. A verdict may begin with a name, so its first letter stays. */
function withFullStop(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** Mentions a person in mrkdwn, by id; `terminal` and `wrench` in words. */
export function mentionActor(id: string): string {
  if (id === 'terminal') return 'somebody at a terminal';
  if (id === 'wrench') return 'Wrench';
  return mention(id);
}

const MAX_VOTES = 10;

/** Who asked, approved and rejected, and when: one line of mrkdwn each. */
export function peopleLines({ requested, approvals, rejected }: RemediationRecord): readonly string[] {
  return [
    ...(requested ? [`Asked by ${voteInWords(requested)}`] : []),
    ...(approvals.length > 0 ? [`Approved by ${votesInWords(approvals)}`] : []),
    ...(rejected ? [`Rejected by ${voteInWords(rejected)}`] : []),
  ];
}

/** A reason that somebody gave. */
export interface Reason {
  readonly by: string;
  readonly reason: string;
  readonly isOfRequester: boolean;
}

const MAX_REASONS = 5;

/** The reasons that people gave when they asked for and approved it, in that order. */
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

/** `Needs 2 approvals by different people other than <@U…>: 1 of 2 so far. Open until …` in mrkdwn; empty if it needs none. */
export function needsInWords(remediation: RemediationRecord): string {
  const { risk, requested, approvals, until } = remediation;
  const needed = neededApprovals(remediation);
  const open = until === undefined ? '' : ` Open until ${dateToken(until)}.`;
  if (needed === 0) return `Needs no approval.${open}`;
  const whose = needed === 1 ? 'somebody' : 'different people';
  const others = risk !== 'safe' && requested ? ` by ${whose} other than ${mentionActor(requested.by)}` : '';
  const votes = needed > 1 || approvals.length > 0 ? `: ${approvals.length} of ${needed} so far` : '';
  return `Needs ${countInWords(needed, 'approval')}${others}${votes}.${open}`;
}

export function neededApprovals({ approvalsNeeded: needed, risk }: RemediationRecord): number {
  return needed ?? (risk === 'safe' ? 0 : 1);
}

/** `38.2 s from approval to fixed`; empty where that is not known. */
export function tookInWords({ state, approvals, requested, endedAt }: RemediationRecord): string {
  const begun = approvals.at(-1)?.at ?? requested?.at;
  if ((state !== 'fixed' && state !== 'mitigated') || begun === undefined || endedAt === undefined) return '';
  const tookMs = Date.parse(endedAt) - Date.parse(begun);
  if (!(tookMs >= 0)) return '';
  return `${durationInWords(tookMs)} from ${approvals.length > 0 ? 'approval' : 'the click'} to ${state}`;
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
