import { cleanText } from '../../../text/clean-text.ts';
import type { Plan } from '../../../check/define-remediation.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import type { Remediation, State } from '../../../store/remediation/record.ts';
import { cost, fit, inert } from '../inert.ts';
import type { Message } from '../message.ts';
import {
  type Blocks,
  bold,
  bullets,
  button,
  clock,
  codeSpan,
  confirmation,
  context,
  emoji,
  glue,
  line,
  note,
  type Part,
  personElement,
  rich,
  say,
  TEXT_ROOM,
} from '../pieces.ts';
import { afterwardsOf, briefPlan, planFile, wholePlan } from './plan.ts';
import {
  approvalsNeeded,
  headlineOf,
  needsInWords,
  peopleLines,
  reasonsIn,
  SIGNS,
  standing,
  tookInWords,
  who,
  withEnd,
} from './words.ts';

const HEADLINE = 400;
const TITLE = 150;
const TARGET = 200;
const SUMMARY = 300;
/** Of each sentence on how it stands. */
const SENTENCE = 500;
const DEED = 300;
const DEEDS_ROOM = 2_400;
const HASH_SHOWN = 12;
/** Characters shown of the requester's reason, which is not cut, and of each approver's. */
const REASON = 500;
const APPROVER_REASON = 200;

/**
 * The card of one remediation, edited through its whole life: the state in a word first, then what is true of it.
 * Buttons are there only while they can do something.
 */
export function renderRemediation(remediation: Remediation): Message {
  const { plan, state, finding } = remediation;
  const people = peopleLines(remediation);
  const blocks: Blocks = [rich(...head(remediation))];
  if (state === 'planned' && plan) blocks.push(...wholePlan(remediation, plan));
  else if (plan) blocks.push(...laterPlan(remediation, plan));
  if (state === 'planned')
    blocks.push({
      type: 'section',
      text: { type: 'mrkdwn', text: needsInWords(remediation), verbatim: true },
    });
  if (people.length > 0) blocks.push(context({ type: 'mrkdwn', text: people.join('\n'), verbatim: true }));
  blocks.push(...reasonBlocks(remediation));
  blocks.push(context(note(footer(remediation))));
  const elements = buttonsOf(remediation);
  if (elements.length > 0) blocks.push({ type: 'actions', elements: [...elements] });
  return { text: renderText(remediation, finding.summary), blocks };
}

/** What stays true of a remediation whatever becomes of it: the card's first words, before it is edited for the first time. */
export function renderAsked({ title, requested }: Remediation): string {
  const by = requested ? ` was asked for by ${who(requested.by)}` : ' was asked for';
  return `${inert(title, TITLE)}${by}.`;
}

/** `FIXED · doppler_z2: 0 -> 1 registered`, what it was about, how it stands. */
function head(remediation: Remediation): readonly Part[] {
  const { state, title, finding } = remediation;
  const { word, emoji: sign } = SIGNS[state];
  const said = state === 'fixed' ? bold(title, TITLE) : say(finding.summary, SUMMARY);
  const isNamed = said.text.includes(cleanText(finding.target));
  const about = isNamed ? [said] : [codeSpan(finding.target, TARGET), glue(' '), said];
  return [
    line(
      emoji(sign),
      { ...glue(` ${word} · `), style: { bold: true } },
      bold(headlineOf(remediation), HEADLINE),
    ),
    line(...about),
    line(
      say(
        standing(remediation)
          .map((one) => fit(one, SENTENCE))
          .join(' '),
        SENTENCE * 3,
      ),
    ),
  ];
}

const SHOWS_PLAN: ReadonlySet<State> = new Set([
  'approved',
  'applying',
  'interrupted',
  'failed',
  'rejected',
  'expired',
  'skipped',
]);
/** Until then nothing was changed, so there is nothing to do afterwards. */
const SHOWS_AFTERWARDS: ReadonlySet<State> = new Set([
  'settling',
  'fixed',
  'unverified',
  'failed',
  'interrupted',
]);

function laterPlan(remediation: Remediation, plan: Plan): Blocks {
  const { state } = remediation;
  const groups = [
    SHOWS_PLAN.has(state) ? briefPlan(plan, 'The plan') : [],
    deedsOf(remediation),
    SHOWS_AFTERWARDS.has(state) ? afterwardsOf(plan) : [],
  ];
  return groups.filter(({ length }) => length > 0).map((parts) => rich(...parts));
}

/** What was done and when: the last deeds, where there are more than fit. */
function deedsOf({ deeds }: Remediation): readonly Part[] {
  if (deeds.length === 0) return [];
  let spent = 0;
  const shown = deeds
    .toReversed()
    .map(({ at, line: told }) => ({ at, told: fit(cleanText(told), DEED) }))
    .filter(({ told }) => (spent += cost(told) + 12) <= DEEDS_ROOM)
    .toReversed();
  const left = deeds.length - shown.length;
  const items = shown.map(({ at, told }) => line(clock(at), glue('  '), say(told, DEED)));
  const before =
    left > 0 ? [line({ ...say(`${countInWords(left, 'more deed')} before`), style: { italic: true } })] : [];
  return [line(bold('What was done')), bullets([...before, ...items])];
}

/** Reasons are untrusted text: in `rich_text` nothing in them is markup. */
function reasonBlocks(remediation: Remediation): Blocks {
  const lines = reasonsIn(remediation).map(({ by, reason, isOfRequester }) =>
    isOfRequester
      ? line(bold('Reason:'), glue(' '), say(reason, REASON))
      : line(
          bold('Reason from'),
          glue(' '),
          personElement(by),
          bold(':'),
          glue(' '),
          say(reason, APPROVER_REASON),
        ),
  );
  return lines.length > 0 ? [rich(...lines)] : [];
}

/** The same in the top-level text. */
function reasonsInText(remediation: Remediation): readonly string[] {
  return reasonsIn(remediation).map(({ by, reason, isOfRequester }) =>
    isOfRequester
      ? `Reason: ${inert(reason, APPROVER_REASON)}`
      : `Reason from ${who(by)}: ${inert(reason, APPROVER_REASON)}`,
  );
}

function footer(remediation: Remediation): string {
  const { environment, check, planHash, id } = remediation;
  const hash = planHash === undefined ? [] : [`plan ${fit(planHash, HASH_SHOWN + 1).slice(0, HASH_SHOWN)}`];
  const took = tookInWords(remediation);
  return [fit(environment, 80), fit(check, 80), ...hash, id, ...(took ? [took] : [])].join('  ·  ');
}

function buttonsOf(remediation: Remediation) {
  const { id, state, planHash } = remediation;
  if (state === 'interrupted' || state === 'unverified' || state === 'failed')
    return [button({ label: 'Check now', action: 'wrench:look', value: id })];
  if (state !== 'planned' || planHash === undefined || approvalsNeeded(remediation) === 0) return [];
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

function confirmApproval({ risk, title, environment, plan }: Remediation) {
  if (risk !== 'destructive') return undefined;
  const targets = countInWords(plan?.targets.length ?? 0, 'target');
  return confirmation({
    title: `Approve: ${title}`,
    text: `In ${fit(environment, 80)}, ${targets}. What this takes away is gone for good. Have you read the whole plan?`,
    confirm: 'Approve',
    isDangerous: true,
  });
}

const TEXT_LINES = 300;

/** The whole conclusion: what a screen reader reads and a phone shows. Who must do what is never what is left out. */
function renderText(remediation: Remediation, summary: string): string {
  const { state, title, environment, plan, deeds } = remediation;
  const { word, emoji: sign } = SIGNS[state];
  const about = state === 'fixed' ? `${inert(title, TITLE)} in ${inert(environment, 80)}.` : '';
  const where = state === 'fixed' ? '' : ` in ${inert(environment, 80)}: ${inert(summary, SUMMARY)}`;
  const isOpen = state === 'planned' && plan !== undefined;
  const lines = [
    `:${sign}: ${word} · ${inert(headlineOf(remediation), HEADLINE)}${where}`,
    about,
    inert(standing(remediation).join(' '), 700),
    ...(isOpen ? plan.lines.map((one, at) => `${at + 1}. ${inert(one, TEXT_LINES)}`) : []),
    ...deeds.map(({ line: told }) => `• ${inert(told, TEXT_LINES)}`),
  ];
  const file = isOpen ? planFile(remediation) : undefined;
  const end = [
    ...(SHOWS_AFTERWARDS.has(state) || isOpen ? afterwardsInText(plan) : []),
    ...(file ? [`The whole plan is in ${file.filename}.`] : []),
    ...(state === 'planned' ? [needsInWords(remediation)] : []),
    ...peopleLines(remediation),
    ...reasonsInText(remediation),
  ];
  return withEnd(lines, end, TEXT_ROOM);
}

function afterwardsInText(plan: Plan | undefined): readonly string[] {
  const afterwards = plan?.afterwards ?? [];
  return afterwards.length > 0 ? [`Afterwards: ${inert(afterwards.join('; '), 600)}`] : [];
}
