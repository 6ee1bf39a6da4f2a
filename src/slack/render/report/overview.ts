import { alignTable } from '../../../text/align-table.ts';
import { cleanText } from '../../../text/clean-text.ts';
import type { Evidence, Finding, Gap, Report } from '../../../check/finding.ts';
import {
  countInWords,
  formatCount,
  SEVERITY_WORDS,
  seriesInWords,
  titleOf,
  nounOfGaps,
} from '../../../check/report-in-words.ts';
import { toCsv } from './csv.ts';
import { escapeUntrusted, joinLinesWithin, truncate } from '../escape-untrusted.ts';
import type { Attachment, Message } from '../message.ts';
import { bold, bullets, line, MAX_TEXT_BYTES, plain, rich, text } from '../blocks.ts';
import { sentence, sentenceInMrkdwn } from '../sentence.ts';

/** What a spreadsheet accepts in one cell. */
const MAX_CELL_CHARS = 32_000;
const LINE_PART = /.{1,16000}/gsu;
/** In a list on a phone; the CSV has the whole text. */
const MAX_TARGET_CHARS = 120;
const MAX_SUMMARY_CHARS = 160;
const MAX_LISTED = 20;

/** A finding that a thread has no place for. */
interface ListedFinding extends Pick<Finding, 'severity' | 'target' | 'summary'> {
  /** The check, if the thread is about several. */
  readonly check?: string;
}

/** The first of the findings that a thread has no place for, one line each, and the file that has all of them. */
export function renderRest(rest: readonly ListedFinding[], total: number, file: string): Message {
  const title = countInWords(rest.length, 'more finding');
  const listed = rest.slice(0, MAX_LISTED);
  const first = listed.length < rest.length ? `The first ${listed.length}:` : '';
  const note = `The attached ${file} has all ${formatCount(total)}, with their evidence.`;
  const items = listed.map(({ severity, target, summary, check }) => {
    const { words, target: where } = titleOf({ summary, target });
    return {
      severity: SEVERITY_WORDS[severity],
      says: truncate(words, MAX_SUMMARY_CHARS),
      target,
      where: [check, where]
        .flatMap((one) => (one === undefined ? [] : [truncate(cleanText(one), MAX_TARGET_CHARS)]))
        .join(' · '),
    };
  });
  return {
    text: joinLinesWithin(
      [
        `${title}. ${note}`,
        ...items.map(
          ({ severity, says, target, where }) =>
            `• ${severity}: ${sentenceInMrkdwn(says, { names: [target] })}${where === '' ? '' : ` (${escapeUntrusted(where, 250)})`}`,
        ),
      ],
      MAX_TEXT_BYTES,
    ),
    blocks: [
      rich(
        line(bold(title), plain('  '), text([note, first].join(' ').trim())),
        bullets(
          items.map(({ severity, says, target, where }) =>
            line(
              bold(severity),
              plain('  '),
              ...sentence(says, { names: [target] }),
              ...(where === '' ? [] : [plain(' · '), text(where)]),
            ),
          ),
        ),
      ),
    ],
  };
}

/**
 * Every finding with all its evidence, and with the id that commands take if findings are known from earlier runs. Evidence that is too long for
 * one cell continues in the next rows.
 */
export function findingsCsv(
  report: Report,
  known: readonly ({ readonly id: string } | undefined)[] = [],
): Attachment {
  const hasIds = known.some(Boolean);
  const rows = report.findings.flatMap(
    ({ severity, reason, target, targets = [], summary, evidence = [] }, at) =>
      evidenceCells(evidence).map((cell, part) => [
        severity,
        reason,
        target,
        part > 0 ? '' : truncate(targets.join('\n'), MAX_CELL_CHARS),
        part > 0 ? 'continued' : summary,
        cell,
        ...(hasIds ? [known[at]?.id ?? ''] : []),
      ]),
  );
  const columns = [
    'severity',
    'reason',
    'target',
    'targets',
    'summary',
    'evidence',
    ...(hasIds ? ['id'] : []),
  ];
  return {
    filename: 'findings.csv',
    title: `${countInWords(report.findings.length, 'finding')} of ${reportName(report)}, with all evidence`,
    content: toCsv([columns, ...rows]),
  };
}

/** All evidence as text, in as many cells as a spreadsheet needs for it; at least one. */
export function evidenceCells(evidence: readonly Evidence[]): readonly string[] {
  const lines = evidence
    .flatMap((one) => evidenceText(one).split('\n'))
    .flatMap((one) => one.match(LINE_PART) ?? ['']);
  const cells: string[] = [];
  for (const one of lines) {
    const last = cells.at(-1);
    if (last !== undefined && last.length + one.length < MAX_CELL_CHARS) cells.push(`${cells.pop()}\n${one}`);
    else cells.push(one);
  }
  return cells.length > 0 ? cells : [''];
}

export function gapsCsv(report: Report): Attachment {
  return gapsFile(report.gaps, reportName(report));
}

/** What `name`, a check or a digest, couldn't check. */
export function gapsFile(gaps: readonly Gap[], name: string): Attachment {
  const rows = gaps.map(({ kind, what, because }) => [kind, what, because]);
  return {
    filename: 'gaps.csv',
    title: `${countInWords(gaps.length, nounOfGaps(gaps))} not checked by ${name}`,
    content: toCsv([['kind', 'what', 'because'], ...rows]),
  };
}

function reportName({ check, environment }: Report): string {
  return truncate(`/${cleanText(check).replace('/', ' ')} in ${cleanText(environment)}`, 200);
}

function evidenceText(evidence: Evidence): string {
  if (evidence.kind === 'field') return `${cleanText(evidence.label)}: ${evidence.value}`;
  if (evidence.kind === 'series') return `${cleanText(evidence.label)}: ${seriesInWords(evidence)}`;
  if (evidence.kind === 'log') return evidence.lines.join('\n');
  return alignTable(evidence.columns, evidence.rows).join('\n');
}
