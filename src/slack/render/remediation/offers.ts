import type { SectionBlock } from '@slack/types';
import { cleanText } from '../../../text/clean-text.ts';
import type { Risk } from '../../../check/define-remediation.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import type { RemediationRecord, RemediationState } from '../../../store/remediation/record.ts';
import { code, truncate, escapeUntrusted } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import {
  type Blocks,
  bold,
  button,
  confirmation,
  context,
  countBlockChars,
  emoji,
  plain,
  line,
  dateToken,
  rich,
  MAX_BLOCK_CHARS,
  MAX_TEXT_BYTES,
} from '../blocks.ts';
import { remediationHeadline, remediationTarget, mentionActor, joinWithEnd } from './words.ts';

/** A fix that isn't offered, and why. */
export interface DisabledOffer {
  /** Begins with a verb, like the title of an offer: `Free space in etcd`. */
  readonly title: string;
  /** A clause: ``off until `remediations.destructive` names `etcd/health:free-space` ``. */
  readonly because: string;
}

interface OffersOptions {
  readonly disabled?: readonly DisabledOffer[];
  /** An offer expires at its `until`. */
  readonly now?: Date;
}

/** A message has at most 50 blocks: a title, these, and a summary of the rest. */
const MAX_OFFERS = 40;
/** A few reasons, each with a few titles. */
const MAX_REASONS = 4;
const MAX_TITLES_PER_REASON = 3;
const MAX_TITLE_CHARS = 150;
const MAX_TARGET_CHARS = 120;
/** For the blocks below the offers. */
const RESERVED_CHARS = 2_600;

const RISK_TEXT: Readonly<Record<Risk, string>> = {
  safe: 'applies immediately',
  disruptive: "needs a plan and someone else's approval",
  destructive: "irreversible; needs a plan and others' approval",
};

const BUTTON_LABEL: Readonly<Record<Risk, string>> = {
  safe: 'Apply',
  disruptive: 'Request plan',
  destructive: 'Request plan',
};

/** The status of an offer that someone requested; follows "requested by …:". */
const OFFER_STATUS: Readonly<Record<RemediationState, string>> = {
  offered: 'offered',
  planning: 'working out the plan; nothing has changed yet',
  planned: 'in progress, see its card below',
  approved: 'in progress, see its card below',
  applying: 'in progress, see its card below',
  settling: 'in progress, see its card below',
  fixed: 'fixed',
  mitigated: 'mitigated, but the finding is still there',
  unverified: 'applied, but not verified',
  failed: 'failed',
  interrupted: "interrupted; it's unknown whether it was applied",
  rejected: 'rejected',
  expired: 'expired',
  skipped: 'skipped',
  refused: 'refused',
};

/** The end of a report's thread: the fixes for its findings, each with a button while it can be requested. */
export function renderOffers(
  remediations: readonly RemediationRecord[],
  { disabled = [], now = new Date() }: OffersOptions = {},
): Message {
  const isOnly = remediations.length === 1;
  const heading = headingOf(remediations);
  const top = rich(line(emoji('wrench'), { ...plain(` ${heading}`), style: { bold: true } }));
  const sections: SectionBlock[] = [];
  let usedChars = countBlockChars(top);
  for (const remediation of remediations.slice(0, MAX_OFFERS)) {
    const section = offerSection(remediation, isOnly, now);
    usedChars += countBlockChars(section);
    if (usedChars > MAX_BLOCK_CHARS - RESERVED_CHARS) break;
    sections.push(section);
  }
  const rest = remediations.slice(sections.length);
  const blocks: Blocks = [top, ...sections];
  if (rest.length > 0) blocks.push(restBlock(rest));
  if (disabled.length > 0) blocks.push(disabledBlock(disabled));
  return { text: offersText(remediations, disabled, rest.length, now), blocks };
}

function headingOf({ length }: readonly RemediationRecord[]): string {
  return length > 0 ? 'Fixes' : 'Unavailable fixes';
}

function offerSection(remediation: RemediationRecord, isOnly: boolean, now: Date): SectionBlock {
  const { id, title, state } = remediation;
  const isOpen = state === 'offered' && !isTooOld(remediation, now);
  const text = `*${escapeUntrusted(title, MAX_TITLE_CHARS)}*\n${code(remediationTarget(remediation), MAX_TARGET_CHARS)} · ${aboutOffer(remediation, now)}`;
  return {
    type: 'section',
    text: { type: 'mrkdwn', text, verbatim: true },
    ...(isOpen && {
      accessory: button({
        label: BUTTON_LABEL[remediation.risk],
        describes: title,
        action: 'wrench:request',
        value: id,
        isPrimary: isOnly,
        ...(remediation.risk === 'safe' && { confirm: confirmRequest(remediation) }),
      }),
    }),
  };
}

/** The dialog of a safe fix: what will be written and where, because no one reads its plan first. Short: a message may have forty of them. */
function confirmRequest({ title, environment, each, effect }: RemediationRecord) {
  const [verb = ''] = cleanText(title).split(' ');
  const where = `In ${truncate(environment, 80)}`;
  const what =
    effect === undefined
      ? `${where}${each ? `, ${countInWords(each.length, 'target')}` : ''}. Applies immediately, if it's still needed.`
      : `${where}: ${cleanText(effect)}`;
  return confirmation({
    title: `${truncate(title, 98)}?`,
    text: what,
    confirm: /^\p{L}{2,20}$/u.test(verb) ? verb : 'Apply',
  });
}

/** What a click does, or who requested it and the status; mrkdwn. */
function aboutOffer(remediation: RemediationRecord, now: Date): string {
  const { risk, mitigates, state, requested } = remediation;
  if (isTooOld(remediation, now)) return 'expired; run the check again';
  if (state === 'offered')
    return mitigates ? `${RISK_TEXT[risk]}; eases the fault but doesn't remove it` : RISK_TEXT[risk];
  const asked = requested ? `requested by ${mentionActor(requested.by)} ${dateToken(requested.at)}: ` : '';
  if (state === 'fixed') return `${asked}fixed · ${escapeUntrusted(remediationHeadline(remediation), 200)}`;
  return `${asked}${OFFER_STATUS[state]}`;
}

/** It expired before anyone requested it. */
function isTooOld({ state, until, requested }: RemediationRecord, now: Date): boolean {
  if (state === 'offered') return until !== undefined && Date.parse(until) <= now.getTime();
  return state === 'expired' && !requested;
}

function restBlock(rest: readonly RemediationRecord[]): Blocks[number] {
  const named = rest.slice(0, 8).map(({ title }) => truncate(cleanText(title), 60));
  const more = rest.length > named.length ? ', …' : '';
  return rich(
    line(
      bold(`${countInWords(rest.length, 'more', 'more')} not shown`),
      plain(' ('),
      { ...plain(named.join(', ') + more) },
      plain('). To get their buttons, narrow the check with '),
      { ...plain('--match'), style: { code: true } },
      plain('.'),
    ),
  );
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

function offersText(
  remediations: readonly RemediationRecord[],
  disabled: readonly DisabledOffer[],
  restCount: number,
  now: Date,
): string {
  const lines = remediations.map(
    (one) =>
      `• ${escapeUntrusted(one.title, MAX_TITLE_CHARS)} (${escapeUntrusted(remediationTarget(one), MAX_TARGET_CHARS)}): ${aboutOffer(one, now)}`,
  );
  const off = disabledLines(disabled).map((one) => `• ${one}`);
  const more =
    restCount > 0
      ? [
          `${countInWords(restCount, 'more', 'more')} without a button. To get their buttons, narrow the check with --match.`,
        ]
      : [];
  return joinWithEnd([`${headingOf(remediations)}:`, ...lines], [...more, ...off], MAX_TEXT_BYTES);
}
