import type { SectionBlock } from '@slack/types';
import { cleanText } from '../../../text/clean-text.ts';
import type { Risk } from '../../../check/define-remediation.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import type { Remediation, State } from '../../../store/remediation/record.ts';
import { code, fit, inert } from '../inert.ts';
import type { Message } from '../message.ts';
import {
  type Blocks,
  bold,
  button,
  confirmation,
  context,
  costOf,
  emoji,
  glue,
  line,
  moment,
  rich,
  ROOM,
  TEXT_ROOM,
} from '../pieces.ts';
import { headlineOf, who, withEnd } from './words.ts';

/** What can be done but is not offered, and why. */
export interface Withheld {
  /** Verb first, as an offer's title: `Free space in etcd`. */
  readonly title: string;
  /** In words, after "off:" or as it stands: ``off until `remediations.destructive` names `etcd/health:free-space` ``. */
  readonly because: string;
}

interface OffersOptions {
  readonly withheld?: readonly Withheld[];
  /** An offer is too old after its `until`. */
  readonly now?: Date;
}

/** Blocks a message takes 50 of: a title, these, and what is said of the rest. */
const MOST_OFFERS = 40;
/** Why something is off: a few reasons, each with a few of what it keeps from being done. */
const MOST_REASONS = 4;
const TITLES_A_REASON = 3;
const TITLE = 150;
const TARGET = 120;
/** For what stands under the offers. */
const REST_ROOM = 2_600;

const RISKS: Readonly<Record<Risk, string>> = {
  safe: 'one click; asks before it acts',
  disruptive: 'makes a plan first; somebody else must approve it',
  destructive: 'takes something away for good; makes a plan first, which others must approve',
};

/** How an offer stands that somebody has taken up; what follows "it is" or "it was". */
const STANDINGS: Readonly<Record<State, string>> = {
  offered: 'offered',
  planning: 'under way; its card below tells how it stands',
  planned: 'under way; its card below tells how it stands',
  approved: 'under way; its card below tells how it stands',
  applying: 'under way; its card below tells how it stands',
  settling: 'under way; its card below tells how it stands',
  fixed: 'fixed',
  unverified: 'done, but not seen to have helped',
  failed: 'failed',
  interrupted: 'interrupted: nobody knows whether it was done',
  rejected: 'rejected',
  expired: 'expired',
  skipped: 'skipped',
  refused: 'refused',
};

/** The end of a report's thread: what can be done about its findings, each with its button while that does something. */
export function renderOffers(
  remediations: readonly Remediation[],
  { withheld = [], now = new Date() }: OffersOptions = {},
): Message {
  const isOnly = remediations.length === 1;
  const heading = headingOf(remediations);
  const top = rich(line(emoji('wrench'), { ...glue(` ${heading}`), style: { bold: true } }));
  const sections: SectionBlock[] = [];
  let spent = costOf(top);
  for (const remediation of remediations.slice(0, MOST_OFFERS)) {
    const section = offerSection(remediation, isOnly, now);
    spent += costOf(section);
    if (spent > ROOM - REST_ROOM) break;
    sections.push(section);
  }
  const rest = remediations.slice(sections.length);
  const blocks: Blocks = [top, ...sections];
  if (rest.length > 0) blocks.push(restBlock(rest));
  if (withheld.length > 0) blocks.push(withheldBlock(withheld));
  return { text: offersText(remediations, withheld, rest.length, now), blocks };
}

function headingOf({ length }: readonly Remediation[]): string {
  return length > 0 ? 'What can be done' : 'What could be done, but is off';
}

function offerSection(remediation: Remediation, isOnly: boolean, now: Date): SectionBlock {
  const { id, title, state, finding } = remediation;
  const isOpen = state === 'offered' && !isTooOld(remediation, now);
  const text = `*${inert(title, TITLE)}*\n${code(finding.target, TARGET)} · ${aboutOffer(remediation, now)}`;
  return {
    type: 'section',
    text: { type: 'mrkdwn', text, verbatim: true },
    ...(isOpen && {
      accessory: button({
        label: title,
        action: 'wrench:request',
        value: id,
        isPrimary: isOnly,
        ...(remediation.risk === 'safe' && { confirm: confirmRequest(remediation) }),
      }),
    }),
  };
}

/** Short: with forty of them in a message every character counts. */
function confirmRequest({ title, environment }: Remediation) {
  const [verb = ''] = cleanText(title).split(' ');
  return confirmation({
    title: `${fit(title, 98)}?`,
    text: `In ${fit(environment, 80)}. It is done at once, if it is still needed.`,
    confirm: /^\p{L}{2,20}$/u.test(verb) ? verb : 'Do it',
  });
}

/** What a click means, or who has clicked and how it stands; mrkdwn. */
function aboutOffer(remediation: Remediation, now: Date): string {
  const { risk, state, requested } = remediation;
  if (isTooOld(remediation, now)) return 'too old: ask the question again';
  if (state === 'offered') return RISKS[risk];
  const asked = requested ? `${who(requested.by)} asked ${moment(requested.at)}: ` : '';
  if (state === 'fixed') return `${asked}fixed · ${inert(headlineOf(remediation), 200)}`;
  return `${asked}${STANDINGS[state]}`;
}

/** Nobody asked for it while it could be asked for. */
function isTooOld({ state, until, requested }: Remediation, now: Date): boolean {
  if (state === 'offered') return until !== undefined && Date.parse(until) <= now.getTime();
  return state === 'expired' && !requested;
}

function restBlock(rest: readonly Remediation[]): Blocks[number] {
  const named = rest.slice(0, 8).map(({ title }) => fit(cleanText(title), 60));
  const more = rest.length > named.length ? ', …' : '';
  return rich(
    line(
      bold(`Not shown: ${countInWords(rest.length, 'more', 'more')}`),
      glue(' ('),
      { ...glue(named.join(', ') + more) },
      glue('). Narrow the question with '),
      { ...glue('--match'), style: { code: true } },
      glue(' to get their buttons.'),
    ),
  );
}

function withheldBlock(withheld: readonly Withheld[]): Blocks[number] {
  return context({ type: 'mrkdwn', text: withheldLines(withheld).join('\n'), verbatim: true });
}

/** By reason, since most are off for the same; mrkdwn. */
function withheldLines(withheld: readonly Withheld[]): readonly string[] {
  const groups = [...Map.groupBy(withheld, ({ because }) => because)];
  const lines = groups.slice(0, MOST_REASONS).map(([because, members]) => {
    const left = members.length - TITLES_A_REASON;
    const titles = members.slice(0, TITLES_A_REASON).map(({ title }) => inert(title, 60));
    return `${titles.join(', ')}${left > 0 ? ` and ${left} more` : ''}: ${inertWithCode(because, 160)}`;
  });
  const left = groups.length - lines.length;
  return left > 0 ? [...lines, `and more, for ${countInWords(left, 'other reason')}`] : lines;
}

/** What our own words put between backticks stays a code span; the rest is inert. */
function inertWithCode(text: string, max: number): string {
  return fit(cleanText(text), max)
    .split('`')
    .map((piece, at, all) => {
      if (piece.trim() === '') return piece;
      const isCode = at % 2 === 1 && at < all.length - 1;
      const [before, after] = [/^ /.exec(piece)?.[0] ?? '', / $/.exec(piece)?.[0] ?? ''];
      return isCode ? code(piece, max * 5) : `${before}${inert(piece, max * 5)}${after}`;
    })
    .join('');
}

function offersText(
  remediations: readonly Remediation[],
  withheld: readonly Withheld[],
  restCount: number,
  now: Date,
): string {
  const lines = remediations.map(
    (one) => `• ${inert(one.title, TITLE)} (${inert(one.finding.target, TARGET)}): ${aboutOffer(one, now)}`,
  );
  const off = withheldLines(withheld).map((one) => `• ${one}`);
  const more =
    restCount > 0
      ? [
          `${countInWords(restCount, 'more', 'more')} without a button here: narrow the question with --match.`,
        ]
      : [];
  return withEnd([`${headingOf(remediations)}:`, ...lines], [...more, ...off], TEXT_ROOM);
}
