import { cleanText } from '../../../text/clean-text.ts';
import type { Plan } from '../../../check/define-remediation.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import type { RemediationRecord, RemediationState } from '../../../store/remediation/record.ts';
import { encodedLength, truncate, escapeUntrusted } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import {
  type Blocks,
  bold,
  bullets,
  button,
  timeElement,
  timeToken,
  codeSpan,
  confirmation,
  context,
  emoji,
  plain,
  line,
  plainTextObject,
  type RichTextPart,
  mentionElement,
  rich,
  text,
  MAX_TEXT_BYTES,
} from '../blocks.ts';
import { afterwardsParts, briefPlanParts, leftOutParts, planFile, wholePlanBlocks } from './plan.ts';
import {
  neededApprovals,
  remediationHeadline,
  remediationTarget,
  needsInWords,
  peopleLines,
  reasonsIn,
  settlingTime,
  STATE_LABELS,
  statusText,
  tookInWords,
  mentionActor,
  joinWithEnd,
} from './words.ts';
import { sentence } from '../sentence.ts';

const MAX_HEADLINE_CHARS = 400;
const MAX_TITLE_CHARS = 150;
const MAX_TARGET_CHARS = 200;
const MAX_SUMMARY_CHARS = 300;
/** Of each sentence of the status. */
const MAX_SENTENCE_CHARS = 500;
const MAX_STEP_CHARS = 300;
const MAX_STEPS_CHARS = 2_400;
const HASH_CHARS = 12;
const MAX_APPROVERS = 10;
/** The requester's reason is not truncated; each approver's is. */
const MAX_REASON_CHARS = 500;
const MAX_APPROVER_REASON_CHARS = 200;

interface CardOptions {
  /** Who may approve it: ids of people and user groups. */
  readonly approvers?: readonly string[];
}

/**
 * The card of one remediation, edited at each transition: the state in a word first, then its status.
 * Buttons are shown only while they can do something.
 */
export function renderCard(remediation: RemediationRecord, { approvers = [] }: CardOptions = {}): Message {
  const { plan, state, finding } = remediation;
  const people = peopleLines(remediation);
  const blocks: Blocks = [rich(...headParts(remediation))];
  if (state === 'planned' && plan) blocks.push(...wholePlanBlocks(remediation, plan));
  else if (plan) blocks.push(...planAndSteps(remediation, plan));
  if (state === 'planned')
    blocks.push({
      type: 'section',
      text: {
        type: 'mrkdwn',
        text: [needsInWords(remediation), ...approversLine(remediation, approvers)].join('\n'),
        verbatim: true,
      },
    });
  if (people.length > 0) blocks.push(context({ type: 'mrkdwn', text: people.join('\n'), verbatim: true }));
  blocks.push(...reasonBlocks(remediation));
  blocks.push(context(plainTextObject(footer(remediation))));
  const elements = buttonsOf(remediation);
  if (elements.length > 0) blocks.push({ type: 'actions', elements: [...elements] });
  return { text: renderText(remediation, finding.summary), blocks };
}

/** Who may approve it, as mentions. */
function approversLine(remediation: RemediationRecord, approvers: readonly string[]): readonly string[] {
  if (neededApprovals(remediation) === 0 || approvers.length === 0) return [];
  const left = approvers.length - MAX_APPROVERS;
  const shown = approvers.slice(0, MAX_APPROVERS).map(mentionActor).join(' ');
  return [`Approvers: ${shown}${left > 0 ? ` and ${left} more` : ''}`];
}

/** The text that a card is posted with, before its first edit. It stays true in every later state. */
export function cardPlaceholder({ title, requested }: RemediationRecord): string {
  const by = requested ? ` was requested by ${mentionActor(requested.by)}` : ' was requested';
  return `${escapeUntrusted(title, MAX_TITLE_CHARS)}${by}.`;
}

/** `FIXED · doppler_z2: 0 -> 1 registered`, the finding, the status. */
function headParts(remediation: RemediationRecord): readonly RichTextPart[] {
  const { state, title, finding } = remediation;
  const { word, emoji: sign } = STATE_LABELS[state];
  const target = remediationTarget(remediation);
  const names = [target, finding.target];
  const said =
    state === 'fixed'
      ? [bold(title, MAX_TITLE_CHARS)]
      : sentence(finding.summary, { max: MAX_SUMMARY_CHARS, names });
  const isNamed = said.some((piece) => piece.text.includes(cleanText(target)));
  const about = isNamed ? said : [codeSpan(target, MAX_TARGET_CHARS), plain(' '), ...said];
  return [
    line(
      emoji(sign),
      { ...plain(` ${word} · `), style: { bold: true } },
      ...sentence(remediationHeadline(remediation), { max: MAX_HEADLINE_CHARS, isBold: true, names }),
    ),
    line(...about),
    line(
      ...sentence(
        statusText(remediation)
          .map((one) => truncate(one, MAX_SENTENCE_CHARS))
          .join(' '),
        { max: MAX_SENTENCE_CHARS * 3, names },
      ),
    ),
    ...settlingParts(remediation),
  ];
}

function settlingParts(remediation: RemediationRecord): readonly RichTextPart[] {
  const time = settlingTime(remediation);
  return time ? [line(plain(time.before), timeElement(time.until), plain(time.after))] : [];
}

function settlingInText(remediation: RemediationRecord): readonly string[] {
  const time = settlingTime(remediation);
  return time ? [`${time.before}${timeToken(time.until)}${time.after}`] : [];
}

const SHOWS_PLAN: ReadonlySet<RemediationState> = new Set([
  'approved',
  'applying',
  'interrupted',
  'failed',
  'rejected',
  'expired',
  'skipped',
]);
/** In the other states nothing was changed, so there is nothing to do afterwards. */
const SHOWS_AFTERWARDS: ReadonlySet<RemediationState> = new Set([
  'settling',
  'fixed',
  'mitigated',
  'unverified',
  'failed',
  'interrupted',
]);

function planAndSteps(remediation: RemediationRecord, plan: Plan): Blocks {
  const { state } = remediation;
  const groups = [
    SHOWS_PLAN.has(state) ? briefPlanParts(plan, 'Plan') : [],
    stepParts(remediation),
    ...(SHOWS_AFTERWARDS.has(state) ? [leftOutParts(plan), afterwardsParts(plan)] : []),
  ];
  return groups.filter(({ length }) => length > 0).map((parts) => rich(...parts));
}

/** The steps and their times; the last ones if not all fit. */
function stepParts({ steps }: RemediationRecord): readonly RichTextPart[] {
  if (steps.length === 0) return [];
  let usedChars = 0;
  const shown = steps
    .toReversed()
    .map(({ at, line: step }) => ({ at, step: truncate(cleanText(step), MAX_STEP_CHARS) }))
    .filter(({ step }) => (usedChars += encodedLength(step) + 12) <= MAX_STEPS_CHARS)
    .toReversed();
  const left = steps.length - shown.length;
  const items = shown.map(({ at, step }) => line(timeElement(at), plain('  '), text(step, MAX_STEP_CHARS)));
  const before =
    left > 0 ? [line({ ...text(countInWords(left, 'earlier step')), style: { italic: true } })] : [];
  return [line(bold('Steps completed')), bullets([...before, ...items])];
}

/** Reasons are untrusted text: in `rich_text` nothing in them is markup. */
function reasonBlocks(remediation: RemediationRecord): Blocks {
  const lines = reasonsIn(remediation).map(({ by, reason, isOfRequester }) =>
    isOfRequester
      ? line(bold('Reason:'), plain(' '), text(reason, MAX_REASON_CHARS))
      : line(
          bold('Reason from'),
          plain(' '),
          mentionElement(by),
          bold(':'),
          plain(' '),
          text(reason, MAX_APPROVER_REASON_CHARS),
        ),
  );
  return lines.length > 0 ? [rich(...lines)] : [];
}

/** The same in the top-level text. */
function reasonsInText(remediation: RemediationRecord): readonly string[] {
  return reasonsIn(remediation).map(({ by, reason, isOfRequester }) =>
    isOfRequester
      ? `Reason: ${escapeUntrusted(reason, MAX_APPROVER_REASON_CHARS)}`
      : `Reason from ${mentionActor(by)}: ${escapeUntrusted(reason, MAX_APPROVER_REASON_CHARS)}`,
  );
}

function footer(remediation: RemediationRecord): string {
  const { environment, check, planHash, id } = remediation;
  const hash =
    planHash === undefined ? [] : [`plan ${truncate(planHash, HASH_CHARS + 1).slice(0, HASH_CHARS)}`];
  const took = tookInWords(remediation);
  return [truncate(environment, 80), truncate(check, 80), ...hash, id, ...(took ? [took] : [])].join('  ·  ');
}

function buttonsOf(remediation: RemediationRecord) {
  const { id, state, planHash } = remediation;
  if (state === 'interrupted' || state === 'unverified' || state === 'failed')
    return [button({ label: 'Check now', action: 'wrench:look', value: id })];
  if (state !== 'planned' || planHash === undefined || neededApprovals(remediation) === 0) return [];
  const value = `${id} ${planHash}`;
  const confirm = confirmApproval(remediation);
  return [
    button({
      label: 'Approve',
      action: 'wrench:approve',
      value,
      isPrimary: true,
      ...(confirm && { confirm }),
    }),
    button({ label: 'Reject', action: 'wrench:reject', value }),
  ];
}

function confirmApproval({ risk, title, environment, plan }: RemediationRecord) {
  if (risk !== 'destructive') return undefined;
  const targets = countInWords(plan?.targets.length ?? 0, 'target');
  return confirmation({
    title: `Approve: ${title}`,
    text: `In ${truncate(environment, 80)}, ${targets}. This is irreversible. Have you read the whole plan?`,
    confirm: 'Approve',
    isDangerous: true,
  });
}

const MAX_LINE_CHARS = 300;

/** The whole conclusion, for screen readers and notifications. Required approvals and manual steps are never left out. */
function renderText(remediation: RemediationRecord, summary: string): string {
  const { state, title, environment, plan, steps } = remediation;
  const { word, emoji: sign } = STATE_LABELS[state];
  const about =
    state === 'fixed'
      ? `${escapeUntrusted(title, MAX_TITLE_CHARS)} in ${escapeUntrusted(environment, 80)}.`
      : '';
  const where =
    state === 'fixed'
      ? ''
      : ` in ${escapeUntrusted(environment, 80)}: ${escapeUntrusted(summary, MAX_SUMMARY_CHARS)}`;
  const isOpen = state === 'planned' && plan !== undefined;
  const lines = [
    `:${sign}: ${word} · ${escapeUntrusted(remediationHeadline(remediation), MAX_HEADLINE_CHARS)}${where}`,
    about,
    escapeUntrusted(statusText(remediation).join(' '), 700),
    ...settlingInText(remediation),
    ...(isOpen ? plan.lines.map((one, at) => `${at + 1}. ${escapeUntrusted(one, MAX_LINE_CHARS)}`) : []),
    ...steps.map(({ line: step }) => `• ${escapeUntrusted(step, MAX_LINE_CHARS)}`),
  ];
  const file = isOpen ? planFile(remediation) : undefined;
  const end = [
    ...(isOpen ? safetyInText(plan) : []),
    ...(SHOWS_AFTERWARDS.has(state) || isOpen ? [...leftOutInText(plan), ...afterwardsInText(plan)] : []),
    ...(file ? [`The whole plan is in ${file.filename}.`] : []),
    ...(state === 'planned' ? [needsInWords(remediation)] : []),
    ...peopleLines(remediation),
    ...reasonsInText(remediation),
  ];
  return joinWithEnd(lines, end, MAX_TEXT_BYTES);
}

function leftOutInText({ leftOut = [] }: Pick<Plan, 'leftOut'> = {}): readonly string[] {
  const lines = leftOut.map(({ target, because }) => `${target}: ${because}`);
  return lines.length > 0 ? [`Not in this plan: ${escapeUntrusted(lines.join('; '), 600)}`] : [];
}

function safetyInText({ safety = [] }: Plan): readonly string[] {
  return safety.length > 0 ? [`Before you approve: ${escapeUntrusted(safety.join(' '), 600)}`] : [];
}

function afterwardsInText(plan: Plan | undefined): readonly string[] {
  const afterwards = plan?.afterwards ?? [];
  return afterwards.length > 0 ? [`Afterwards: ${escapeUntrusted(afterwards.join('; '), 600)}`] : [];
}
