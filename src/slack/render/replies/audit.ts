import type { RichTextSection } from '@slack/types';
import { cleanText } from '../../../text/clean-text.ts';
import { auditVerb } from '../../../check/audit-in-words.ts';
import { countInWords, formatCount } from '../../../check/report-in-words.ts';
import { type AuditEvent, stepsOf } from '../../../store/audit/entry.ts';
import type { AuditedFix, AuditLine } from './summarize-audit.ts';
import { encodedLength, escapeUntrusted, code as codeText, truncate } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import {
  bold,
  bullets,
  codeSpan,
  context,
  countBlockChars,
  dateTimeElement,
  dateToken,
  line,
  MAX_BLOCK_CHARS,
  MAX_TEXT_BYTES,
  mentionElement,
  plain,
  rich,
  text,
} from '../blocks.ts';
import { mentionActor } from '../remediation/words.ts';

/** The start of the excerpt, and how many lines there are. */
export interface AuditPage {
  /** ISO 8601. */
  readonly since: string;
  /** Whether there may be more than were read. */
  readonly more: boolean;
}

const MAX_LINES = 60;
const MAX_PEOPLE = 5;
const MAX_WHAT_CHARS = 120;
const MAX_BECAUSE_CHARS = 200;
const MAX_STEP_CHARS = 400;
const RESERVED_CHARS = 800;
/** Enough of an id to find the fix. */
const SHORT_ID_CHARS = 9;
export const EXPORT_HINT = '`wrench audit export` in a terminal has all entries.';

/** What a line consists of: our own words as text, the rest escaped. */
type Piece =
  | string
  | { readonly at: string }
  | { readonly person: string }
  | { readonly outcome: string }
  | { readonly id: string }
  | { readonly untrusted: string; readonly max: number };

type Line = readonly Piece[];

/** One line for each fix and each other entry, visible to one person: as many of the newest as fit, oldest first. */
export function renderAudit(lines: readonly AuditLine[], { since, more }: AuditPage): Message {
  const fixes = lines.filter(({ kind }) => kind === 'fix').length;
  const others = lines.length - fixes;
  const counted = [
    ...(fixes > 0 ? [countInWords(fixes, 'fix', 'fixes')] : []),
    ...(others > 0 || fixes === 0
      ? [countInWords(others, fixes > 0 ? 'other entry' : 'entry', fixes > 0 ? 'other entries' : 'entries')]
      : []),
  ].join(', ');
  const hint = fixes > 0 ? ' For the steps of a fix: `/wrench audit --fix ID`.' : '';
  return renderLines(lines.map(lineOf), {
    title: 'Audit',
    empty: 'Nothing was requested, approved, applied, refused or silenced.',
    about: `since ${dateToken(since)}: ${counted}${more ? ' or more' : ''}.${hint}`,
    hasMore: more,
  });
}

/** Everything that was audited about one fix, oldest first. `hasMore`: its first entries may not have been read. */
export function renderAuditedFix(
  fix: AuditedFix,
  { hasMore = false }: { readonly hasMore?: boolean } = {},
): Message {
  const { what, environment, id, events } = fix;
  const said = new Set<string>();
  // An outcome is audited with the verdict before and the steps of the entries before it.
  const lines = events.flatMap((event) => eventLines(event, (words) => !said.has(words) && said.add(words)));
  return renderLines(lines, {
    title: truncate(cleanText(`${what}${environment === undefined ? '' : ` in ${environment}`}`), 300),
    empty: '',
    about: `of fix ${codeText(id, 40)}: ${countInWords(events.length, 'entry', 'entries')}.`,
    hasMore,
  });
}

interface Frame {
  readonly title: string;
  readonly empty: string;
  /** mrkdwn after the word `Audit`. */
  readonly about: string;
  readonly hasMore: boolean;
}

function renderLines(lines: readonly Line[], { title, empty, about, hasMore }: Frame): Message {
  const shown = newestWithin(lines.map(elementsOf), countBlockChars, MAX_BLOCK_CHARS - RESERVED_CHARS);
  const isCut = shown.length < lines.length || hasMore;
  const rest = isCut ? ` Showing the last ${formatCount(shown.length)}; ${EXPORT_HINT}` : '';
  const head = `Audit ${about}${rest}`;
  const spoken = newestWithin(lines.map(textOf), encodedLength, MAX_TEXT_BYTES - encodedLength(head) - 1);
  return {
    text: [head, ...spoken].join('\n'),
    blocks: [
      rich(line(bold(title)), ...(shown.length > 0 ? [bullets(shown)] : [line(text(empty))])),
      context({ type: 'mrkdwn', text: head, verbatim: true }),
    ],
  };
}

/** The newest that fit, in their order. */
function newestWithin<T>(lines: readonly T[], lengthOf: (drawn: T) => number, max: number): readonly T[] {
  const shown: T[] = [];
  let used = 0;
  for (const one of lines.slice(-MAX_LINES).toReversed()) {
    used += lengthOf(one) + 1;
    if (used > max) break;
    shown.push(one);
  }
  return shown.toReversed();
}

function lineOf(one: AuditLine): Line {
  return one.kind === 'fix' ? fixLine(one.fix) : eventLine(one.event);
}

/** `14:07 Restart doppler_z2/0 in prod: fixed, requested by @ada, approved by @grace (m1234567)` */
function fixLine(fix: AuditedFix): Line {
  const { at, state, requestedBy, approvedBy, isConfirmed, rejectedBy, id } = fix;
  return [
    { at },
    '  ',
    ...whatPieces(fix),
    ': ',
    { outcome: STATES[state] ?? state },
    ...(isConfirmed
      ? byPieces(', confirmed by ', approvedBy)
      : [...byPieces(', requested by ', requestedBy), ...byPieces(', approved by ', approvedBy)]),
    ...byPieces(', rejected by ', rejectedBy),
    ...becausePieces(fix),
    '  ',
    { id: id.slice(0, SHORT_ID_CHARS) },
  ];
}

/** States of a fix that is not finished. The others are shown by their own word. */
const STATES: Readonly<Record<string, string>> = {
  asked: 'being planned',
  planned: 'planned',
  approved: 'not applied yet',
  applying: 'being applied',
  applied: 'applied, being verified',
};

function eventLine(event: AuditEvent): Line {
  return [...actPieces(event), ' ', ...whatPieces(event), ...becausePieces(event)];
}

/** `14:07 @ada requested` */
function actPieces(event: AuditEvent): Line {
  return [{ at: event.at }, '  ', ...peoplePieces(event.who), ' ', { outcome: auditVerb(event) }];
}

/** An entry of a single fix, without its title, and its steps: those that are new. */
function eventLines(event: AuditEvent, isNew: (words: string) => unknown): readonly Line[] {
  const { before, after, planHash } = event;
  const facts: readonly Line[] = [
    ...(before !== undefined && isNew(`before ${before}`)
      ? [['before: ', { untrusted: before, max: MAX_STEP_CHARS }]]
      : []),
    ...(planHash !== undefined && isNew(`plan ${planHash}`)
      ? [['plan hash ', { id: planHash.slice(0, 12) }]]
      : []),
    ...(after !== undefined ? [['after: ', { untrusted: after, max: MAX_STEP_CHARS }]] : []),
  ];
  return [
    [...actPieces(event), ...becausePieces(event), ...facts.flatMap((fact) => [', ', ...fact])],
    ...stepsOf(event)
      .filter((step) => isNew(`step ${step}`))
      .map((step): Line => ['step: ', { untrusted: step, max: MAX_STEP_CHARS }]),
  ];
}

function whatPieces({ what, environment }: Pick<AuditEvent, 'what' | 'environment'>): readonly Piece[] {
  return [
    { untrusted: what, max: MAX_WHAT_CHARS },
    ...(environment === undefined ? [] : [' in ', { untrusted: environment, max: 60 } as const]),
  ];
}

function becausePieces({ because }: Pick<AuditEvent, 'because'>): readonly Piece[] {
  return because === undefined ? [] : [': ', { untrusted: because, max: MAX_BECAUSE_CHARS }];
}

function byPieces(words: string, ids: readonly string[]): readonly Piece[] {
  return ids.length === 0 ? [] : [words, ...peoplePieces(ids)];
}

function peoplePieces(ids: readonly string[]): readonly Piece[] {
  const left = ids.length - MAX_PEOPLE;
  const shown = ids.slice(0, MAX_PEOPLE).flatMap((person, at) => [...(at > 0 ? [', '] : []), { person }]);
  return left > 0 ? [...shown, ` and ${left} more`] : shown;
}

function elementsOf(pieces: Line): RichTextSection {
  return line(
    ...pieces.map((piece) => {
      if (typeof piece === 'string') return plain(piece);
      if ('at' in piece) return dateTimeElement(piece.at);
      if ('outcome' in piece) return bold(piece.outcome, 40);
      if ('id' in piece) return codeSpan(piece.id, 40);
      if ('untrusted' in piece) return text(piece.untrusted, piece.max);
      const { person } = piece;
      return person === 'terminal' || person === 'wrench'
        ? plain(mentionActor(person))
        : mentionElement(person);
    }),
  );
}

function textOf(pieces: Line): string {
  const words = pieces.map((piece) => {
    if (typeof piece === 'string') return piece;
    if ('at' in piece) return dateToken(piece.at);
    if ('outcome' in piece) return escapeUntrusted(piece.outcome, 40);
    if ('id' in piece) return codeText(piece.id, 40);
    return 'person' in piece ? mentionActor(piece.person) : escapeUntrusted(piece.untrusted, piece.max);
  });
  return `• ${words.join('')}`;
}
