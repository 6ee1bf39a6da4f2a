import { alignTable } from '../../../text/align-table.ts';
import { cleanText } from '../../../text/clean-text.ts';
import type { Evidence, Finding, Gap, Report } from '../../../check/finding.ts';
import { countInWords, SEVERITY_WORDS, seriesInWords, summaryOf } from '../../../check/report-in-words.ts';
import { toCsv } from './csv.ts';
import { tableBlock } from './evidence.ts';
import { truncate } from '../escape-untrusted.ts';
import type { Attachment, Message } from '../message.ts';
import { bold, line, rich, MAX_BLOCK_CHARS, text } from '../blocks.ts';

/** What a spreadsheet accepts in one cell. */
const MAX_CELL_CHARS = 32_000;
/** In a table on a phone; the CSV has the whole text. */
const MAX_TARGET_CHARS = 120;
const MAX_SUMMARY_CHARS = 160;

/** One table of all findings, for reports that are too long for a thread. */
export function renderOverview(findings: readonly Finding[], shownInFull: number): Message {
  const rows = findings.map((finding) => [
    SEVERITY_WORDS[finding.severity],
    truncate(cleanText(finding.target), MAX_TARGET_CHARS),
    truncate(summaryOf(finding), MAX_SUMMARY_CHARS),
  ]);
  const { table } = tableBlock({ columns: ['Severity', 'Target', 'Summary'], rows }, MAX_BLOCK_CHARS - 600);
  const listed = (table?.rows.length ?? 1) - 1;
  const all = countInWords(findings.length, 'finding');
  const before =
    shownInFull > 0 ? `The first ${shownInFull.toLocaleString('en-US')} are above in full. ` : '';
  const here = listed < findings.length ? `This table has the first ${listed.toLocaleString('en-US')}. ` : '';
  const note = `${before}${here}The attached findings.csv has all of them, with their evidence.`;
  return {
    text: `All ${all}, most severe first. ${note}`,
    blocks: [rich(line(bold(`All ${all}`)), line(text(note))), ...(table ? [table] : [])],
  };
}

/** Every finding with all its evidence, and with the id that commands take if findings are known from earlier runs. */
export function findingsCsv(
  report: Report,
  known: readonly ({ readonly id: string } | undefined)[] = [],
): Attachment {
  const hasIds = known.some(Boolean);
  const rows = report.findings.map(
    ({ severity, reason, target, targets = [], summary, evidence = [] }, at) => [
      severity,
      reason,
      target,
      truncate(targets.join('\n'), MAX_CELL_CHARS),
      summary,
      truncate(evidence.map(evidenceText).join('\n'), MAX_CELL_CHARS),
      ...(hasIds ? [known[at]?.id ?? ''] : []),
    ],
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
    title: `${countInWords(report.findings.length, 'finding')} of ${reportName(report)}`,
    content: toCsv([columns, ...rows]),
  };
}

export function gapsCsv(report: Report): Attachment {
  return gapsFile(report.gaps, reportName(report));
}

/** What `name`, a check or a digest, couldn't check. */
export function gapsFile(gaps: readonly Gap[], name: string): Attachment {
  const rows = gaps.map(({ kind, what, because }) => [kind, what, because]);
  return {
    filename: 'gaps.csv',
    title: `${countInWords(gaps.length, 'source')} not checked by ${name}`,
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
