import type { RichTextSection } from '@slack/types';
import { cleanText } from '../../../text/clean-text.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import type { AuditEntry } from '../../../store/audit/entry.ts';
import { cost, fit, inert } from '../inert.ts';
import type { Message } from '../message.ts';
import {
  type Blocks,
  bold,
  bullets,
  context,
  costOf,
  dateAndTime,
  glue,
  line,
  moment,
  personElement,
  rich,
  ROOM,
  say,
  TEXT_ROOM,
} from '../pieces.ts';
import { who } from '../remediation/words.ts';

/** What was asked for, and how much of it there is. */
export interface AuditAsked {
  /** ISO 8601. */
  readonly since: string;
  /** Entries since then, shown or not. */
  readonly total: number;
  /** Whether there may be more than were counted. */
  readonly more: boolean;
}

const MOST_LINES = 60;
const MOST_PEOPLE = 5;
const WHAT = 120;
const BECAUSE = 200;
const HEAD_ROOM = 600;

/** Who did what, for one person: the newest last, and of those as many as fit. */
export function renderAudit(entries: readonly AuditEntry[], asked: AuditAsked): Message {
  const shown = newest(entries, entryLine, costOf, ROOM - HEAD_ROOM).toReversed();
  const left = Math.max(asked.total - shown.length, 0);
  const counted = `${countInWords(asked.total, 'entry', 'entries')}${asked.more ? ' or more' : ''}`;
  const rest =
    left > 0 || asked.more
      ? `The last ${shown.length.toLocaleString('en-US')} are shown. wrench audit export has all; wrench audit verify checks their chain.`
      : 'wrench audit verify checks their chain.';
  const since = `${moment(asked.since)}: ${counted}. ${rest}`;
  const blocks: Blocks = [
    rich(
      line(bold('Audit')),
      ...(shown.length > 0
        ? [bullets(shown)]
        : [line(say('Nothing was asked for, approved, applied or refused.'))]),
    ),
    context({ type: 'mrkdwn', text: `Since ${since}`, verbatim: true }),
  ];
  const head = `Audit since ${since}`;
  const lines = newest(entries, entryInText, cost, TEXT_ROOM - head.length - 1).toReversed();
  return { text: [head, ...lines].join('\n'), blocks };
}

/** The newest first, as many as fit. */
function newest<T>(
  entries: readonly AuditEntry[],
  draw: (entry: AuditEntry) => T,
  costs: (drawn: T) => number,
  room: number,
): readonly T[] {
  const shown: T[] = [];
  let spent = 0;
  for (const entry of entries.slice(-MOST_LINES).toReversed()) {
    const drawn = draw(entry);
    spent += costs(drawn) + 1;
    if (spent > room) break;
    shown.push(drawn);
  }
  return shown;
}

function entryLine({ entry }: AuditEntry): RichTextSection {
  const { at, kind, outcome, what, environment, because } = entry;
  return line(
    dateAndTime(at),
    glue('  '),
    ...peopleElements(entry.who),
    glue('  '),
    bold(kindInWords(kind, outcome), 40),
    glue('  '),
    say(what, WHAT),
    ...(environment === undefined ? [] : [glue(' in '), say(environment, 60)]),
    ...(because === undefined ? [] : [glue(': '), say(because, BECAUSE)]),
  );
}

function peopleElements(ids: readonly string[]): RichTextSection['elements'] {
  const left = ids.length - MOST_PEOPLE;
  const shown = ids
    .slice(0, MOST_PEOPLE)
    .flatMap((id, at) => [...(at > 0 ? [glue(', ')] : []), inPerson(id)]);
  return left > 0 ? [...shown, glue(` and ${left} more`)] : shown;
}

function inPerson(id: string): RichTextSection['elements'][number] {
  return id === 'terminal' || id === 'wrench' ? glue(who(id)) : personElement(id);
}

/** How it came out is told by its own word: `fixed`, not "outcome". */
function kindInWords(kind: string, outcome: string | undefined): string {
  return kind === 'outcome' && outcome !== undefined ? cleanText(outcome) : kind;
}

function entryInText({ entry }: AuditEntry): string {
  const { at, kind, outcome, what, environment, because } = entry;
  const left = entry.who.length - MOST_PEOPLE;
  const people = `${entry.who.slice(0, MOST_PEOPLE).map(who).join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
  const where = environment === undefined ? '' : ` in ${inert(environment, 60)}`;
  const why = because === undefined ? '' : `: ${inert(fit(cleanText(because), BECAUSE), BECAUSE)}`;
  return `• ${moment(at)} ${people} ${inert(kindInWords(kind, outcome), 40)} ${inert(what, WHAT)}${where}${why}`;
}
