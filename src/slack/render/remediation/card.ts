import { cleanText } from '../../../text/clean-text.ts';
import type { Plan } from '../../../check/define-remediation.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import {
  OUTCOMES,
  type RemediationRecord,
  type RemediationState,
} from '../../../store/remediation/record.ts';
import { encodedLength, truncate, escapeUntrusted } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import {
  type Blocks,
  bold,
  bullets,
  button,
  timeElement,
  timeToken,
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
import {
  afterwardsParts,
  briefPlanParts,
  leftOutParts,
  planFile,
  riskParts,
  smallPrint,
  wholePlanBlocks,
} from './plan.ts';
import {
  afterwardsOf,
  neededApprovals,
  outcomeInWords,
  remediationTarget,
  needsInWords,
  peopleLines,
  reasonsIn,
  RISK_LABELS,
  settlingTime,
  stateLabel,
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
/** Of each line of small print. */
const MAX_PRINT_CHARS = 1_300;
/** The requester's reason is not truncated; each approver's is. */
const MAX_REASON_CHARS = 500;
const MAX_APPROVER_REASON_CHARS = 200;

interface CardOptions {
  /** Who may approve: ids of people and of user groups. */
  readonly approvers?: readonly string[];
}

/**
 * The card of one remediation, edited at each transition: the state in a word first, then its risk while it isn't applied, or its status.
 * A plan that waits for approval ends with who may approve it and the buttons; what identifies it is in small print below.
 */
export function renderCard(remediation: RemediationRecord, { approvers = [] }: CardOptions = {}): Message {
  const { plan } = remediation;
  const isOpen = isWaiting(remediation);
  const people = peopleLines(remediation);
  const needs = isOpen ? [needsInWords(remediation, approvers)] : [];
  const elements = buttonsOf(remediation);
  const actions: Blocks = elements.length > 0 ? [{ type: 'actions', elements: [...elements] }] : [];
  const blocks: Blocks = [rich(...headParts(remediation))];
  if (isOpen && plan) blocks.push(...wholePlanBlocks(remediation, plan));
  else if (plan) blocks.push(...planAndSteps(remediation, plan));
  blocks.push(...reasonBlocks(remediation));
  if (isOpen) blocks.push(mrkdwnSection([...people, ...needs]), ...actions);
  else if (people.length > 0)
    blocks.push(context({ type: 'mrkdwn', text: people.join('\n'), verbatim: true }));
  if (isOpen && plan)
    blocks.push(...smallPrint(plan).map((one) => context(plainTextObject(one, MAX_PRINT_CHARS))));
  blocks.push(context(plainTextObject(footer(remediation))));
  if (!isOpen) blocks.push(...actions);
  return { text: renderText(remediation, approvers), blocks };
}

/** Whether its plan waits for approval. A safe one is confirmed already. */
function isWaiting(remediation: RemediationRecord): boolean {
  return remediation.state === 'planned' && neededApprovals(remediation) > 0;
}

function mrkdwnSection(lines: readonly string[]): Blocks[number] {
  return { type: 'section', text: { type: 'mrkdwn', text: lines.join('\n'), verbatim: true } };
}

/** The text that a card is posted with, before its first edit. It stays true in every later state. */
export function cardPlaceholder({ title, requested }: RemediationRecord): string {
  const by = requested ? ` was requested by ${mentionActor(requested.by)}` : ' was requested';
  return `${escapeUntrusted(title, MAX_TITLE_CHARS)}${by}.`;
}

const SHOWS_RISK: ReadonlySet<RemediationState> = new Set(['planned', 'approved', 'applying']);

/** `FIXED · Restart doppler_z2/0`, then the risk of a plan that isn't applied yet, or the status. The root and the outcome have the proof. */
function headParts(remediation: RemediationRecord): readonly RichTextPart[] {
  const { state, title, finding, plan } = remediation;
  const { word, emoji: sign } = stateLabel(remediation);
  const names = [remediationTarget(remediation), finding.target];
  const status = isWaiting(remediation)
    ? []
    : statusText(remediation).map((one) => truncate(one, MAX_SENTENCE_CHARS));
  return [
    line(
      emoji(sign),
      { ...plain(` ${word} · `), style: { bold: true } },
      ...sentence(cleanText(title), { max: MAX_HEADLINE_CHARS, isBold: true, names }),
    ),
    ...(plan && SHOWS_RISK.has(state) ? riskParts(remediation) : []),
    ...(status.length > 0
      ? [line(...sentence(status.join(' '), { max: MAX_SENTENCE_CHARS * 3, names }))]
      : []),
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
  'planned',
  'approved',
  'applying',
  'interrupted',
  'paused',
  'failed',
  'rejected',
  'expired',
  'skipped',
]);

const SHOWS_LEFT_OUT: ReadonlySet<RemediationState> = new Set([
  'settling',
  'fixed',
  'mitigated',
  'unverified',
  'failed',
  'paused',
  'interrupted',
]);

function planAndSteps(remediation: RemediationRecord, plan: Plan): Blocks {
  const { state } = remediation;
  const groups = [
    SHOWS_PLAN.has(state) ? briefPlanParts(plan) : [],
    stepParts(remediation),
    SHOWS_LEFT_OUT.has(state) ? leftOutParts(plan) : [],
    afterwardsParts(remediation),
  ];
  return groups.filter(({ length }) => length > 0).map((parts) => rich(...parts));
}

/** The steps and their times; the last ones if not all fit. */
function stepParts({ steps, earlierSteps = 0 }: RemediationRecord): readonly RichTextPart[] {
  if (steps.length === 0) return [];
  let usedChars = 0;
  const shown = steps
    .toReversed()
    .map(({ at, line: step }) => ({ at, step: truncate(cleanText(step), MAX_STEP_CHARS) }))
    .filter(({ step }) => (usedChars += encodedLength(step) + 12) <= MAX_STEPS_CHARS)
    .toReversed();
  const left = earlierSteps + steps.length - shown.length;
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
  const { title, environment, check, planHash, id } = remediation;
  const target = cleanText(remediationTarget(remediation));
  const took = tookInWords(remediation);
  return [
    ...(cleanText(title).includes(target) ? [] : [truncate(target, MAX_TARGET_CHARS)]),
    truncate(environment, 80),
    truncate(check, 80),
    ...(planHash === undefined ? [] : [`plan ${planHash.slice(0, HASH_CHARS)}`]),
    id,
    ...(took ? [took] : []),
  ].join('  ·  ');
}

function buttonsOf(remediation: RemediationRecord) {
  const { id, state, planHash, pausable, pause } = remediation;
  if (state === 'applying' && pausable && !pause)
    return [button({ label: 'Pause', action: 'wrench:pause', value: id })];
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
  const what = plan?.impact ?? countInWords(plan?.targets.length ?? 0, 'target');
  return confirmation({
    title: `Approve: ${title}`,
    text: `In ${truncate(environment, 40)}: ${truncate(what, 180)}. This can't be undone. Have you read the whole plan?`,
    confirm: 'Approve',
    isDangerous: true,
  });
}

const MAX_LINE_CHARS = 300;

/** The whole conclusion, for screen readers and notifications. Required approvals and manual steps are never left out. */
function renderText(remediation: RemediationRecord, approvers: readonly string[]): string {
  const { state, title, environment, plan, steps, earlierSteps = 0, finding } = remediation;
  const { word, emoji: sign } = stateLabel(remediation);
  const isFixed = state === 'fixed';
  const where = `in ${escapeUntrusted(environment, 80)}`;
  const hasEnded = OUTCOMES.has(state);
  const says = hasEnded ? outcomeInWords(remediation) : `${word} · ${cleanText(title)}`;
  const head = `:${sign}: ${escapeUntrusted(says, MAX_HEADLINE_CHARS)}`;
  const about = isFixed ? '.' : `: ${escapeUntrusted(finding.summary, MAX_SUMMARY_CHARS)}`;
  const isOpen = isWaiting(remediation) && plan !== undefined;
  const status = statusText(remediation).join(' ');
  const lines = [
    ...(hasEnded
      ? [head, `${escapeUntrusted(title, MAX_TITLE_CHARS)} ${where}${about}`]
      : [`${head} ${where}${about}`]),
    ...(plan && SHOWS_RISK.has(state) ? riskInText(remediation, plan) : []),
    status === '' ? '' : escapeUntrusted(status, 700),
    ...settlingInText(remediation),
    ...(isOpen ? plan.lines.map((one, at) => `${at + 1}. ${escapeUntrusted(one, MAX_LINE_CHARS)}`) : []),
    ...(earlierSteps > 0 ? [`• ${countInWords(earlierSteps, 'earlier step')}`] : []),
    ...steps.map(({ line: step }) => `• ${escapeUntrusted(step, MAX_LINE_CHARS)}`),
  ];
  const file = isOpen ? planFile(remediation) : undefined;
  const end = [
    ...(isOpen ? safetyInText(plan) : []),
    ...(isOpen || SHOWS_LEFT_OUT.has(state) ? leftOutInText(plan) : []),
    ...afterwardsInText(remediation),
    ...(file ? [`The whole plan is in ${file.filename}.`] : []),
    ...peopleLines(remediation),
    ...(isWaiting(remediation) ? [needsInWords(remediation, approvers)] : []),
    ...reasonsInText(remediation),
  ];
  return joinWithEnd(lines, end, MAX_TEXT_BYTES);
}

function riskInText({ risk }: RemediationRecord, { impact, irreversible = [] }: Plan): readonly string[] {
  const what = impact === undefined ? '' : `: ${escapeUntrusted(impact, MAX_LINE_CHARS)}`;
  return [
    `${RISK_LABELS[risk]}${what}`,
    ...(irreversible.length > 0 ? [`Can't be undone: ${escapeUntrusted(irreversible.join(' '), 600)}`] : []),
  ];
}

function leftOutInText({ leftOut = [] }: Pick<Plan, 'leftOut'> = {}): readonly string[] {
  const lines = leftOut.map(({ target, because }) => `${target}: ${because}`);
  return lines.length > 0 ? [`Not in this plan: ${escapeUntrusted(lines.join('; '), 600)}`] : [];
}

function safetyInText({ safety = [] }: Plan): readonly string[] {
  return safety.length > 0
    ? [`Checked again before applying: ${escapeUntrusted(safety.join('; '), 600)}`]
    : [];
}

function afterwardsInText(remediation: RemediationRecord): readonly string[] {
  const afterwards = afterwardsOf(remediation);
  return afterwards.length > 0 ? [`Afterwards: ${escapeUntrusted(afterwards.join(' '), 600)}`] : [];
}
