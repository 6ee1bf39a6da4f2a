import type { RichTextSection } from '@slack/types';
import { cleanText } from '../../../text/clean-text.ts';
import { auditVerb } from '../../../check/audit-in-words.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import type { AuditEntry } from '../../../store/audit/entry.ts';
import { encodedLength, truncate, escapeUntrusted } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import {
  type Blocks,
  bold,
  bullets,
  context,
  countBlockChars,
  dateTimeElement,
  plain,
  line,
  dateToken,
  mentionElement,
  rich,
  MAX_BLOCK_CHARS,
  text,
  MAX_TEXT_BYTES,
} from '../blocks.ts';
import { mentionActor } from '../remediation/words.ts';

/** The start of the excerpt, and how many entries there are. */
export interface AuditPage {
  /** ISO 8601. */
  readonly since: string;
  /** Entries since then, shown or not. */
  readonly total: number;
  /** Whether there may be more than were counted. */
  readonly more: boolean;
}

const MAX_LINES = 60;
const MAX_PEOPLE = 5;
const MAX_WHAT_CHARS = 120;
const MAX_BECAUSE_CHARS = 200;
const RESERVED_CHARS = 600;

/** Who did what, visible to one person: as many of the newest entries as fit, oldest first. */
export function renderAudit(entries: readonly AuditEntry[], page: AuditPage): Message {
  const shown = newestWithin(
    entries,
    entryLine,
    countBlockChars,
    MAX_BLOCK_CHARS - RESERVED_CHARS,
  ).toReversed();
  const left = Math.max(page.total - shown.length, 0);
  const counted = `${countInWords(page.total, 'entry', 'entries')}${page.more ? ' or more' : ''}`;
  const rest =
    left > 0 || page.more
      ? `Showing the last ${shown.length.toLocaleString('en-US')}; wrench audit export has all of them. To verify the audit chain: wrench audit verify`
      : 'To verify the audit chain: wrench audit verify';
  const since = `${dateToken(page.since)}: ${counted}. ${rest}`;
  const blocks: Blocks = [
    rich(
      line(bold('Audit')),
      ...(shown.length > 0
        ? [bullets(shown)]
        : [line(text('Nothing was requested, approved, applied, refused or silenced.'))]),
    ),
    context({ type: 'mrkdwn', text: `Since ${since}`, verbatim: true }),
  ];
  const head = `Audit since ${since}`;
  const lines = newestWithin(
    entries,
    entryInText,
    encodedLength,
    MAX_TEXT_BYTES - head.length - 1,
  ).toReversed();
  return { text: [head, ...lines].join('\n'), blocks };
}

/** The newest first, as many as fit. */
function newestWithin<T>(
  entries: readonly AuditEntry[],
  render: (entry: AuditEntry) => T,
  lengthOf: (drawn: T) => number,
  maxLength: number,
): readonly T[] {
  const shown: T[] = [];
  let used = 0;
  for (const entry of entries.slice(-MAX_LINES).toReversed()) {
    const drawn = render(entry);
    used += lengthOf(drawn) + 1;
    if (used > maxLength) break;
    shown.push(drawn);
  }
  return shown;
}

function entryLine({ entry }: AuditEntry): RichTextSection {
  const { at, what, environment, because } = entry;
  return line(
    dateTimeElement(at),
    plain('  '),
    ...peopleElements(entry.who),
    plain('  '),
    bold(auditVerb(entry), 40),
    plain('  '),
    text(what, MAX_WHAT_CHARS),
    ...(environment === undefined ? [] : [plain(' in '), text(environment, 60)]),
    ...(because === undefined ? [] : [plain(': '), text(because, MAX_BECAUSE_CHARS)]),
  );
}

function peopleElements(ids: readonly string[]): RichTextSection['elements'] {
  const left = ids.length - MAX_PEOPLE;
  const shown = ids
    .slice(0, MAX_PEOPLE)
    .flatMap((id, at) => [...(at > 0 ? [plain(', ')] : []), personElement(id)]);
  return left > 0 ? [...shown, plain(` and ${left} more`)] : shown;
}

function personElement(id: string): RichTextSection['elements'][number] {
  return id === 'terminal' || id === 'wrench' ? plain(mentionActor(id)) : mentionElement(id);
}

function entryInText({ entry }: AuditEntry): string {
  const { at, what, environment, because } = entry;
  const left = entry.who.length - MAX_PEOPLE;
  const people = `${entry.who.slice(0, MAX_PEOPLE).map(mentionActor).join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
  const where = environment === undefined ? '' : ` in ${escapeUntrusted(environment, 60)}`;
  const why =
    because === undefined
      ? ''
      : `: ${escapeUntrusted(truncate(cleanText(because), MAX_BECAUSE_CHARS), MAX_BECAUSE_CHARS)}`;
  return `• ${dateToken(at)} ${people} ${escapeUntrusted(auditVerb(entry), 40)} ${escapeUntrusted(what, MAX_WHAT_CHARS)}${where}${why}`;
}
