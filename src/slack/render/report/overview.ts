import { alignTable } from '../../../text/align-table.ts';
import { cleanText } from '../../../text/clean-text.ts';
import type { Evidence, Finding, Gap, Report } from '../../../check/finding.ts';
import { countInWords, SEVERITY_WORDS, seriesInWords, summaryOf } from '../../../check/report-in-words.ts';
import { toCsv } from './csv.ts';
import { tableBlock } from './evidence.ts';
import { fit } from '../inert.ts';
import type { Attachment, Message } from '../message.ts';
import { bold, line, rich, ROOM, say } from '../pieces.ts';

/** What a spreadsheet takes into one cell. */
const CELL = 32_000;
/** In a table on a phone; the CSV has the whole. */
const TARGET = 120;
const SUMMARY = 160;

/** One table over all findings, for reports that are longer than a thread should be. */
export function renderOverview(findings: readonly Finding[], shownInFull: number): Message {
  const rows = findings.map((finding) => [
    SEVERITY_WORDS[finding.severity],
    fit(cleanText(finding.target), TARGET),
    fit(summaryOf(finding), SUMMARY),
  ]);
  const { table } = tableBlock({ columns: ['Severity', 'Target', 'Summary'], rows }, ROOM - 600);
  const listed = (table?.rows.length ?? 1) - 1;
  const all = countInWords(findings.length, 'finding');
  const before =
    shownInFull > 0 ? `The first ${shownInFull.toLocaleString('en-US')} are above in full. ` : '';
  const here = listed < findings.length ? `This table has the first ${listed.toLocaleString('en-US')}; ` : '';
  const note = `${before}${here}the attached findings.csv has ${listed < findings.length ? 'all' : 'them all'} with their evidence.`;
  return {
    text: `All ${all}, most severe first. ${note}`,
    blocks: [rich(line(bold(`All ${all}`)), line(say(note))), ...(table ? [table] : [])],
  };
}

/** Every finding with all its evidence, whatever the thread had no room for. */
export function findingsCsv(report: Report): Attachment {
  const rows = report.findings.map(({ severity, reason, target, summary, evidence = [] }) => [
    severity,
    reason,
    target,
    summary,
    fit(evidence.map(evidenceInLines).join('\n'), CELL),
  ]);
  return {
    filename: 'findings.csv',
    title: `${countInWords(report.findings.length, 'finding')} of ${nameOf(report)}`,
    content: toCsv([['severity', 'reason', 'target', 'summary', 'evidence'], ...rows]),
  };
}

export function gapsCsv(report: Report): Attachment {
  const rows = report.gaps.map(({ kind, what, because }: Gap) => [kind, what, because]);
  return {
    filename: 'gaps.csv',
    title: `${countInWords(report.gaps.length, 'place')} not checked by ${nameOf(report)}`,
    content: toCsv([['kind', 'what', 'because'], ...rows]),
  };
}

function nameOf({ check, environment }: Report): string {
  return fit(`/${cleanText(check).replace('/', ' ')} in ${cleanText(environment)}`, 200);
}

function evidenceInLines(evidence: Evidence): string {
  if (evidence.kind === 'field') return `${cleanText(evidence.label)}: ${evidence.value}`;
  if (evidence.kind === 'series') return `${cleanText(evidence.label)}: ${seriesInWords(evidence)}`;
  if (evidence.kind === 'log') return evidence.lines.join('\n');
  return alignTable(evidence.columns, evidence.rows).join('\n');
}
