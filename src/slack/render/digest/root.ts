import type { RichTextSection } from '@slack/types';
import { cleanText } from '../../../text/clean-text.ts';
import type { DigestChanges } from '../../../check/compare-digest.ts';
import type { DigestRun } from '../../../check/digest-run.ts';
import {
  digestCoverage,
  digestHeadline,
  type DigestLine,
  type DigestSection,
  digestSections,
  digestVerdict,
  endOf,
  lateSince,
  notesOfParts,
  persistingInWords,
  uncheckedInWords,
} from '../../../check/digest-in-words.ts';
import { durationInWords, SEVERITY_WORDS } from '../../../check/report-in-words.ts';
import { momentInWords } from '../../../check/tracked-in-words.ts';
import {
  type Blocks,
  bold,
  bullets,
  context,
  countBlockChars,
  dateTimeElement,
  dateToken,
  emoji,
  EMOJI,
  headlineBlock,
  line,
  MAX_TEXT_BYTES,
  plain,
  noteContext,
  plainTextObject,
  rich,
  text,
} from '../blocks.ts';
import { escapeUntrusted, joinLinesWithin, truncateMrkdwn, utf8Length } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import { factElements, factInMrkdwn } from '../report/tracked.ts';
import { sentence, sentenceInMrkdwn } from '../sentence.ts';

const MAX_LINE_CHARS = 300;
/** For all lists together. The outcome of fixes is added to the message later. */
const MAX_LIST_CHARS = 5_500;
const MAX_UNCHECKED = 8;
const MAX_UNCHECKED_CHARS = 300;
const MAX_NOTES = 3;
const MAX_NOTE_CHARS = 200;
const MAX_END_BYTES = 1_200;

export interface DigestRoot {
  readonly message: Message;
  /** Something is left out or shortened. */
  readonly isCut: boolean;
}

/** The message in the channel: what has changed, what persists, what couldn't be checked. A run without news is one line. */
export function renderDigestRoot(run: DigestRun, changes: DigestChanges): DigestRoot {
  if (!changes.hasNews) return { message: renderNothingNew(run, changes), isCut: false };
  const headline = digestHeadline(changes);
  const verdict = digestVerdict(run, changes);
  const sections = digestSections(run, changes);
  const lists = renderSections(sections);
  const missing = renderUnchecked(changes);
  return {
    message: {
      text: rootText(run, changes, sections),
      blocks: [headlineBlock(headline, verdict), ...lists.blocks, ...missing, ...renderEnd(run, changes)],
    },
    isCut: lists.isCut,
  };
}

function renderNothingNew(run: DigestRun, changes: DigestChanges): Message {
  const headline = digestHeadline(changes);
  const { since = run.at } = changes;
  const due = lateSince(run);
  const name = cleanText(run.name);
  const now = endOf(run);
  const sinceWords = momentInWords(since, now);
  const persisting = persistingInWords(run, changes);
  const sign = emoji(EMOJI[headline]);
  return {
    text: truncateMrkdwn(
      `:${EMOJI[headline]}: ${headline}: ${escapeUntrusted(name, 100)}: nothing new since ${dateToken(since, sinceWords)}, ${escapeUntrusted(persisting, 1_500)}${due === undefined ? '' : ` · was due ${dateToken(due)}`}`,
      MAX_TEXT_BYTES,
    ),
    blocks: [
      rich(
        line(
          sign,
          { ...plain(` ${headline}  `), style: { bold: true } },
          text(name, 100),
          plain(': nothing new since '),
          dateTimeElement(since, sinceWords),
          plain(', '),
          text(persisting, 1_500),
          ...(due === undefined ? [] : [plain(' · was due '), dateTimeElement(due)]),
        ),
      ),
    ],
  };
}

function renderSections(sections: readonly DigestSection[]): {
  readonly blocks: Blocks;
  readonly isCut: boolean;
} {
  const blocks: Blocks = [];
  let leftChars = MAX_LIST_CHARS;
  let isCut = false;
  for (const { title, lines, most } of sections) {
    const items: RichTextSection[] = [];
    for (const one of lines.slice(0, most)) {
      const item = line(...lineElements(one));
      const chars = countBlockChars(item);
      if (chars > leftChars) break;
      leftChars -= chars;
      items.push(item);
    }
    const rest = lines.length - items.length;
    isCut ||= rest > 0;
    if (rest > 0)
      items.push(line({ ...text(`and ${rest.toLocaleString('en-US')} more`), style: { italic: true } }));
    blocks.push(rich(line(bold(`${title} (${lines.length.toLocaleString('en-US')})`)), bullets(items)));
  }
  return { blocks, isCut };
}

function lineElements({ severity, text: words, facts, about }: DigestLine): RichTextSection['elements'] {
  return [
    ...(severity ? [{ ...plain(`${SEVERITY_WORDS[severity]}  `), style: { bold: true } }] : []),
    ...sentence(words, { max: MAX_LINE_CHARS, names: about ? [about.finding.target] : [] }),
    ...factElements(facts),
  ];
}

function lineText({ severity, text: words, facts, about }: DigestLine): string {
  const first = `• ${severity ? `${SEVERITY_WORDS[severity]}: ` : ''}${sentenceInMrkdwn(words, { max: MAX_LINE_CHARS, names: about ? [about.finding.target] : [] })}`;
  return [first, ...facts.map(factInMrkdwn)].join(' · ');
}

function renderUnchecked(changes: DigestChanges): Blocks {
  const all = uncheckedInWords(changes);
  if (all.length === 0) return [];
  const shown = all
    .slice(0, MAX_UNCHECKED)
    .map((words) => line(...sentence(words, { max: MAX_UNCHECKED_CHARS })));
  const rest = all.length - shown.length;
  if (rest > 0) shown.push(line(text(`and ${rest.toLocaleString('en-US')} more`)));
  return [
    rich(
      line(
        emoji(EMOJI.UNKNOWN),
        { ...plain(' UNKNOWN  '), style: { bold: true } },
        bold("Couldn't check everything"),
      ),
      bullets(shown),
    ),
  ];
}

function renderEnd(run: DigestRun, changes: DigestChanges): Blocks {
  const { since } = changes;
  const due = lateSince(run);
  const times = [
    since === undefined ? dateToken(run.at) : `${dateToken(run.at)} · compared with ${dateToken(since)}`,
    ...(due === undefined ? [] : [`was due ${dateToken(due)}`]),
  ].join(' · ');
  return [
    context(
      { type: 'mrkdwn', text: times, verbatim: true },
      plainTextObject(`${digestCoverage(run, changes)}  ·  ${durationInWords(run.durationMs)}`),
    ),
    ...notesOfParts(run)
      .slice(0, MAX_NOTES)
      .map((note) => noteContext(note, MAX_NOTE_CHARS)),
  ];
}

/** What couldn't be checked is never left out. */
function rootText(run: DigestRun, changes: DigestChanges, sections: readonly DigestSection[]): string {
  const headline = digestHeadline(changes);
  const unchecked = uncheckedInWords(changes);
  const due = lateSince(run);
  const end = truncateMrkdwn(
    [
      `${escapeUntrusted(digestCoverage(run, changes), 300)}${due === undefined ? '' : ` · was due ${dateToken(due)}`}`,
      ...(unchecked.length > 0
        ? [`Couldn't check everything: ${sentenceInMrkdwn(unchecked.join('; '), { max: 700 })}`]
        : []),
    ].join(' · '),
    MAX_END_BYTES,
  );
  const lines = [
    `:${EMOJI[headline]}: ${headline}: ${sentenceInMrkdwn(digestVerdict(run, changes), { max: 500 })}`,
    ...sections.flatMap(({ title, lines: entries, most }) => [
      `${title} (${entries.length.toLocaleString('en-US')})`,
      ...entries.slice(0, most).map((one) => lineText(one)),
      ...(entries.length > most ? [`and ${(entries.length - most).toLocaleString('en-US')} more`] : []),
    ]),
  ];
  return `${joinLinesWithin(lines, MAX_TEXT_BYTES - utf8Length(end) - 1)}\n${end}`;
}
