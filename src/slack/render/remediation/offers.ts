import type { SectionBlock } from '@slack/types';
import { cleanText } from '../../../text/clean-text.ts';
import type { Risk } from '../../../check/define-remediation.ts';
import { type Finding, SEVERITIES } from '../../../check/finding.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import {
  OUTCOMES,
  type RemediationRecord,
  type RemediationState,
} from '../../../store/remediation/record.ts';
import { code, truncate, escapeUntrusted } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import {
  type Blocks,
  button,
  confirmation,
  context,
  countBlockChars,
  emoji,
  plain,
  line,
  dateToken,
  rich,
  plainTextObject,
  MAX_BLOCK_CHARS,
  MAX_TEXT_BYTES,
} from '../blocks.ts';
import { remediationTarget, mentionActor, joinWithEnd } from './words.ts';

/** A fix that isn't offered, and why. */
export interface DisabledOffer {
  /** Begins with a verb, like the title of an offer: `Free space in etcd`. */
  readonly title: string;
  /** A clause: ``off until `remediations.destructive` names `etcd/health:free-space` ``. */
  readonly because: string;
}

/** The fixes of a report. */
export interface Fixes {
  /** The most severe findings first. */
  readonly remediations: readonly RemediationRecord[];
  /** Those that the configuration disables. */
  readonly disabled?: readonly DisabledOffer[];
  /** An offer expires at its `until`. */
  readonly now?: Date;
  /** The message says the outcomes of fixes elsewhere. */
  readonly hasOutcomes?: boolean;
}

/** More buttons would hide the evidence. */
const MAX_BUTTONS = 5;
/** A message has at most 50 blocks: a title, these, and a summary of the rest. */
const MAX_LISTED = 40;
/** A few reasons, each with a few titles. */
const MAX_REASONS = 4;
const MAX_TITLES_PER_REASON = 3;
const MAX_TITLE_CHARS = 150;
const MAX_TARGET_CHARS = 120;
const MAX_LABEL_CHARS = 30;
const RUN_ID = /^[\w-]{1,100}$/;
/** For the blocks below the offers. */
const RESERVED_CHARS = 2_600;

const RISK_TEXT: Readonly<Record<Risk, string>> = {
  safe: 'applies immediately',
  disruptive: 'needs approval',
  destructive: 'irreversible, needs approval',
};

/** The status of an offer that someone requested; its card says more. */
const OFFER_STATUS: Readonly<Record<RemediationState, string>> = {
  offered: 'offered',
  planning: 'working out the plan; nothing has changed yet',
  planned: 'in progress',
  approved: 'in progress',
  applying: 'in progress',
  settling: 'in progress',
  fixed: 'fixed',
  mitigated: 'mitigated',
  unverified: 'unverified',
  failed: 'failed',
  paused: 'paused',
  interrupted: 'interrupted',
  rejected: 'rejected',
  expired: 'expired',
  skipped: 'skipped',
  refused: 'refused',
};

/** The first reply of a thread: the fixes for its findings. */
export function renderOffers(
  remediations: readonly RemediationRecord[],
  options: Omit<Fixes, 'remediations'> = {},
): Message {
  const fixes = { ...options, remediations };
  const heading = remediations.length > 0 ? 'Fixes' : 'Unavailable fixes';
  const top = rich(line(emoji('wrench'), { ...plain(` ${heading}`), style: { bold: true } }));
  const maxChars = MAX_BLOCK_CHARS - RESERVED_CHARS - countBlockChars(top);
  return {
    text: joinWithEnd([`${heading}:`, ...offerLines(fixes)], offersEnd(fixes), MAX_TEXT_BYTES),
    blocks: [top, ...offerBlocks(fixes, { maxChars })],
  };
}

interface OfferLimits {
  readonly maxChars: number;
  readonly maxListed?: number;
  /** A message that may be posted twice has none: the copy would keep them. */
  readonly hasButtons?: boolean;
  /** The target that the message is about and names elsewhere. */
  readonly about?: string;
}

/** Whether a fix is listed in a message that says the outcomes of fixes elsewhere. */
function isUnsaid({ state }: RemediationRecord, hasOutcomes: boolean): boolean {
  return !hasOutcomes || !OUTCOMES.has(state);
}

/** One section for each fix, with a button while it can be requested. */
export function offerBlocks(
  { remediations, disabled = [], now = new Date(), hasOutcomes = false }: Fixes,
  { maxChars, maxListed = MAX_LISTED, hasButtons = true, about }: OfferLimits,
): Blocks {
  const { listed: all, choices } = arrangeFixes(remediations, now);
  const listed = all.filter((one) => isUnsaid(one, hasOutcomes));
  const isOnly = listed.filter((one) => isOpen(one, now)).length === 1;
  const sections: SectionBlock[] = [];
  let charsLeft = maxChars;
  for (const remediation of listed.slice(0, maxListed)) {
    const section = offerSection(remediation, {
      isPrimary: isOnly,
      hasButton: hasButtons,
      isTargetSaid: remediationTarget(remediation) === about,
      now,
    });
    charsLeft -= countBlockChars(section);
    if (charsLeft < 0) break;
    sections.push(section);
  }
  const rest = listed.slice(sections.length);
  const others = [...rest.filter((one) => isOpen(one, now)), ...choices];
  const closed = rest.length + choices.length - others.length;
  return [
    ...sections,
    ...(others.length > 0 ? [chooseSection(others, hasButtons)] : []),
    ...(closed > 0 ? [rich(line(plain(`${countInWords(closed, 'more', 'more')} not shown`)))] : []),
    ...(disabled.length > 0 ? [disabledBlock(disabled)] : []),
  ];
}

/** In the order of a report's findings, the most severe first. */
export function mostSevereFirst(
  remediations: readonly RemediationRecord[],
  findings: readonly Pick<Finding, 'severity' | 'reason' | 'target'>[],
): readonly RemediationRecord[] {
  const rankOf = ({ finding }: RemediationRecord) => {
    const of = findings.find(({ reason, target }) => reason === finding.reason && target === finding.target);
    return of ? SEVERITIES.indexOf(of.severity) : SEVERITIES.length;
  };
  return remediations.toSorted((a, b) => rankOf(a) - rankOf(b));
}

interface ArrangedFixes {
  /** Those with a button or a status of their own. */
  readonly listed: readonly RemediationRecord[];
  /** Those that can be requested in a form. */
  readonly choices: readonly RemediationRecord[];
}

/** One fix per cause: a fix for all targets of a finding goes before the fixes for single ones, and only a few have a button of their own. */
function arrangeFixes(remediations: readonly RemediationRecord[], now: Date): ArrangedFixes {
  const listed: RemediationRecord[] = [];
  const choices: RemediationRecord[] = [];
  let buttons = 0;
  for (const one of remediations) {
    const forAll = one.each ? undefined : remediations.find((other) => includes(other, one));
    const isNew = one.state === 'offered' || isTooOld(one, now);
    if (isNew && forAll) {
      if (isOpen(one, now) && forAll.state !== 'fixed') choices.push(one);
    } else if (isNew && buttons >= MAX_BUTTONS) {
      if (isOpen(one, now)) choices.push(one);
    } else {
      if (isNew) buttons += 1;
      listed.push(one);
    }
  }
  return { listed, choices };
}

/** Whether `all` is the same fix for all targets of a finding and `one` is for some of them. */
function includes(all: RemediationRecord, one: RemediationRecord): boolean {
  return (
    all.each !== undefined &&
    all.remediation === one.remediation &&
    all.finding.reason === one.finding.reason &&
    all.finding.target === one.finding.target &&
    (one.finding.targets ?? []).every((target) => all.finding.targets?.includes(target))
  );
}

/** The fixes that can be requested, those for all targets of a finding first. */
export function openFixes(
  remediations: readonly RemediationRecord[],
  now: Date,
): readonly RemediationRecord[] {
  const { listed, choices } = arrangeFixes(remediations, now);
  return [...listed, ...choices].filter((one) => isOpen(one, now));
}

/** How many faults have a fix that can be requested. */
export function countOpenFixes(remediations: readonly RemediationRecord[], now: Date): number {
  return openFixes(remediations, now).filter(
    (one) => one.each !== undefined || !remediations.some((other) => includes(other, one)),
  ).length;
}

interface OfferSectionOptions {
  readonly isPrimary: boolean;
  readonly hasButton: boolean;
  readonly isTargetSaid: boolean;
  readonly now: Date;
}

function offerSection(
  remediation: RemediationRecord,
  { isPrimary, hasButton, isTargetSaid, now }: OfferSectionOptions,
): SectionBlock {
  const { id, title } = remediation;
  const target = remediationTarget(remediation);
  const isNamed = isTargetSaid || cleanText(title).includes(cleanText(target));
  const status = aboutOffer(remediation, now);
  const below = isNamed
    ? status.charAt(0).toUpperCase() + status.slice(1)
    : `${code(target, MAX_TARGET_CHARS)} · ${status}`;
  const text = `*${escapeUntrusted(title, MAX_TITLE_CHARS)}*\n${below}`;
  return {
    type: 'section',
    text: { type: 'mrkdwn', text, verbatim: true },
    ...(hasButton &&
      isOpen(remediation, now) && {
        accessory: button({
          label: labelOf(remediation),
          describes: title,
          action: 'wrench:request',
          value: id,
          isPrimary,
          ...(remediation.risk === 'safe' && { confirm: confirmRequest(remediation) }),
        }),
      }),
  };
}

/** What a click does: `Renew all 13`, `Renew`, or only a plan. */
function labelOf({ title, risk, each }: RemediationRecord): string {
  if (risk !== 'safe') return 'Request plan';
  return each && title.length <= MAX_LABEL_CHARS ? title : verbOf(title);
}

function verbOf(title: string): string {
  const [verb = ''] = cleanText(title).split(' ');
  return /^\p{L}{2,20}$/u.test(verb) ? verb : 'Apply';
}

function isOpen(remediation: RemediationRecord, now: Date): boolean {
  return remediation.state === 'offered' && !isTooOld(remediation, now);
}

function choicesInWords({ length }: readonly RemediationRecord[]): string {
  return `${countInWords(length, 'more fix', 'more fixes')}, one at a time`;
}

/** The value of its button is the run, whose fixes are looked up at the click. */
function chooseSection(others: readonly RemediationRecord[], hasButton: boolean): SectionBlock {
  const runId = others[0]?.runId ?? '';
  const canChoose = hasButton && RUN_ID.test(runId);
  return {
    type: 'section',
    text: plainTextObject(choicesInWords(others)),
    ...(canChoose && { accessory: button({ label: 'Choose…', action: 'wrench:choose', value: runId }) }),
  };
}

/** The dialog of a safe fix: what will be written and where, because no one reads its plan first. Short: a message may have forty of them. */
function confirmRequest({ title, environment, each, effect }: RemediationRecord) {
  const where = `In ${truncate(environment, 80)}`;
  const what =
    effect === undefined
      ? `${where}${each ? `, ${countInWords(each.length, 'target')}` : ''}. Applies immediately, if it's still needed.`
      : `${where}: ${cleanText(effect)}`;
  return confirmation({
    title: `${truncate(title, 98)}?`,
    text: what,
    confirm: verbOf(title),
  });
}

/** What a click does, or who requested it and the status; mrkdwn. */
function aboutOffer(remediation: RemediationRecord, now: Date): string {
  const { risk, mitigates, state, requested } = remediation;
  if (isTooOld(remediation, now)) return 'expired; run the check again';
  if (state === 'offered')
    return mitigates ? `${RISK_TEXT[risk]}; eases the fault but doesn't remove it` : RISK_TEXT[risk];
  const asked = requested ? `requested by ${mentionActor(requested.by)} ${dateToken(requested.at)}: ` : '';
  return `${asked}${OFFER_STATUS[state]}`;
}

/** It expired before anyone requested it. */
function isTooOld({ state, until, requested }: RemediationRecord, now: Date): boolean {
  if (state === 'offered') return until !== undefined && Date.parse(until) <= now.getTime();
  return state === 'expired' && !requested;
}

function disabledBlock(disabled: readonly DisabledOffer[]): Blocks[number] {
  return context({ type: 'mrkdwn', text: disabledLines(disabled).join('\n'), verbatim: true });
}

/** Grouped by reason; mrkdwn. */
function disabledLines(disabled: readonly DisabledOffer[]): readonly string[] {
  const groups = [...Map.groupBy(disabled, ({ because }) => because)];
  const lines = groups.slice(0, MAX_REASONS).map(([because, members]) => {
    const left = members.length - MAX_TITLES_PER_REASON;
    const titles = members.slice(0, MAX_TITLES_PER_REASON).map(({ title }) => escapeUntrusted(title, 60));
    return `${titles.join(', ')}${left > 0 ? ` and ${left} more` : ''}: ${escapeKeepingCode(because, 160)}`;
  });
  const left = groups.length - lines.length;
  return left > 0 ? [...lines, `and more, for ${countInWords(left, 'other reason')}`] : lines;
}

/** Keeps what is between backticks as code spans and escapes the rest. */
function escapeKeepingCode(text: string, max: number): string {
  return truncate(cleanText(text), max)
    .split('`')
    .map((piece, at, all) => {
      if (piece.trim() === '') return piece;
      const isCode = at % 2 === 1 && at < all.length - 1;
      const [before, after] = [/^ /.exec(piece)?.[0] ?? '', / $/.exec(piece)?.[0] ?? ''];
      return isCode ? code(piece, max * 5) : `${before}${escapeUntrusted(piece, max * 5)}${after}`;
    })
    .join('');
}

/** The same as lines of top-level text. */
export function offerLines({
  remediations,
  now = new Date(),
  hasOutcomes = false,
}: Fixes): readonly string[] {
  const { listed, choices } = arrangeFixes(remediations, now);
  return [
    ...listed
      .filter((one) => isUnsaid(one, hasOutcomes))
      .map(
        (one) =>
          `• ${escapeUntrusted(one.title, MAX_TITLE_CHARS)} (${escapeUntrusted(remediationTarget(one), MAX_TARGET_CHARS)}): ${aboutOffer(one, now)}`,
      ),
    ...(choices.length > 0 ? [`• ${choicesInWords(choices)}`] : []),
  ];
}

/** The fixes that are disabled, as lines of top-level text. */
function offersEnd({ disabled = [] }: Fixes): readonly string[] {
  return disabledLines(disabled).map((one) => `• ${one}`);
}
