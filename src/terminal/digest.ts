import type { DigestChanges } from '../check/compare-digest.ts';
import {
  chartsOfParts,
  coverageOfParts,
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
} from '../check/digest-in-words.ts';
import type { DigestRun } from '../check/digest-run.ts';
import { findingIdOf } from '../check/finding-id.ts';
import { fingerprint } from '../check/finding.ts';
import { countInWords, durationInWords, SEVERITY_WORDS, timeInWords } from '../check/report-in-words.ts';
import { factInWords, momentInWords } from '../check/tracked-in-words.ts';
import { cleanText } from '../text/clean-text.ts';
import { entry, INDENT, type Paint, painter, renderTerminalCharts, type Screen } from './render.ts';
import { wrap } from './wrap.ts';

const MAX_LINES = 40;

/**
 * A run of a digest for a terminal: what has changed first, each finding with its id. Lines are wrapped between words. Control
 * characters from infrastructure are removed.
 */
export function renderDigestTerminal(run: DigestRun, changes: DigestChanges, screen: Screen): string {
  const paint = painter(screen);
  const { columns } = screen;
  const headline = digestHeadline(changes);
  if (!changes.hasNews) {
    const since = momentInWords(changes.since ?? run.at, endOf(run));
    const due = lateSince(run);
    const late = due === undefined ? '' : ` · was due ${momentInWords(due, endOf(run))}`;
    const words = `${cleanText(run.name)}: nothing new since ${since}, ${persistingInWords(run, changes)}${late}`;
    return `${entry(headline, words, screen, paint, true)}\n`;
  }
  const unchecked = uncheckedInWords(changes);
  const missing =
    unchecked.length === 0
      ? []
      : [
          '',
          entry('UNKNOWN', "Couldn't check everything", screen, paint),
          ...unchecked.flatMap((words) => wrap(words, columns, INDENT)),
        ];
  const notes = notesOfParts(run).flatMap((note) => wrap(note, columns));
  return `${[
    entry(headline, digestVerdict(run, changes), screen, paint, true),
    ...wrap(timesOf(run, changes), columns, INDENT).map((line) => paint('dim', line)),
    ...digestSections(run, changes).flatMap((section) => renderSection(section, screen, paint)),
    ...renderTerminalCharts(chartsOfParts(run), screen, paint),
    ...missing,
    ...(notes.length > 0 ? ['', ...notes.map((line) => paint('dim', line))] : []),
    '',
    ...coverageOfParts(run).flatMap((words) => wrap(words, columns)),
    ...wrap(`${digestCoverage(run, changes)} · ${durationInWords(run.durationMs)}`, columns),
  ].join('\n')}\n`;
}

function timesOf(run: DigestRun, { since }: DigestChanges): string {
  const due = lateSince(run);
  return [
    timeInWords(run.at),
    ...(since === undefined ? [] : [`compared with ${momentInWords(since, endOf(run))}`]),
    ...(due === undefined ? [] : [`was due ${momentInWords(due, endOf(run))}`]),
  ].join(' · ');
}

function renderSection({ title, lines }: DigestSection, screen: Screen, paint: Paint): readonly string[] {
  const rest = lines.length - MAX_LINES;
  return [
    '',
    paint('bold', `${title} (${lines.length.toLocaleString('en-US')})`),
    ...lines.slice(0, MAX_LINES).flatMap((line) => renderLine(line, screen, paint)),
    ...(rest > 0 ? [`${INDENT}… and ${countInWords(rest, 'more', 'more')} (--json has all)`] : []),
  ];
}

function renderLine(
  { severity, text, facts, about }: DigestLine,
  screen: Screen,
  paint: Paint,
): readonly string[] {
  const id = about && findingIdOf(fingerprint(about.question, about.finding));
  const words = [
    ...(id === undefined ? [] : [id]),
    cleanText(text),
    ...facts.map((fact) => `· ${factInWords(fact)}`),
  ].join(' ');
  const target = about ? wrap(cleanText(about.finding.target), screen.columns, INDENT) : [];
  return [
    ...(severity
      ? [entry(SEVERITY_WORDS[severity], words, screen, paint)]
      : wrap(words, screen.columns, INDENT)),
    ...target.map((one) => paint('cyan', one)),
  ];
}
