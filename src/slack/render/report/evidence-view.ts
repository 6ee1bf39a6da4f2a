import type { ModalView } from '@slack/types';
import { alignTable, visibleTable } from '../../../text/align-table.ts';
import type { Evidence, Finding, Report } from '../../../check/finding.ts';
import {
  countInWords,
  coverageInWords,
  groupGaps,
  listedGaps,
  summaryOf,
  verdictOf,
} from '../../../check/report-in-words.ts';
import {
  badge,
  bold,
  bullets,
  codeSpan,
  context,
  countBlockChars,
  line,
  plain,
  plainTextObject,
  preformatted,
  rich,
  type RichTextPart,
  text,
} from '../blocks.ts';
import { sentence } from '../sentence.ts';
import { renderEvidence } from './evidence.ts';
import { bySeverity } from './root-findings.ts';

/** https://docs.slack.dev/surfaces/modals: 100 blocks and 250 kB; more than this takes long to load on a phone. */
const MAX_FINDINGS = 45;
const MAX_CHARS = 30_000;
const MAX_FINDING_CHARS = 2_800;
const MAX_ROWS = 40;
const MAX_GAPS = 20;
/** What a phone shows in a modal without scrolling sideways. */
const PHONE_COLUMNS = 44;

/** A modal with the evidence of a report, most severe first, as much as fits. What is left out is in the thread of the report. */
export function renderEvidenceView(report: Report): ModalView {
  const blocks: ModalView['blocks'] = [
    rich(line(...sentence(verdictOf(report), { max: 1_000, isBold: true, names: namesIn(report) }))),
    context(plainTextObject(`${report.environment}  ·  ${coverageInWords(report)}`, 1_000)),
  ];
  let left = MAX_CHARS - countBlockChars(blocks);
  let shown = 0;
  let isCut = false;
  for (const finding of bySeverity(report.findings).slice(0, MAX_FINDINGS)) {
    const rendered = renderFindingEvidence(finding, Math.min(left, MAX_FINDING_CHARS));
    const usedChars = countBlockChars(rendered.parts);
    if (usedChars > left) break;
    left -= usedChars;
    shown++;
    isCut ||= rendered.isCut;
    blocks.push({ type: 'divider' }, rich(...rendered.parts));
  }
  const gaps = gapLines(report);
  if (gaps.length > 0 && countBlockChars(gaps) <= left)
    blocks.push({ type: 'divider' }, rich(line(bold("Couldn't check")), bullets(gaps)));
  const rest = report.findings.length - shown;
  if (rest > 0 || isCut)
    blocks.push(
      context(
        plainTextObject(
          rest > 0
            ? `${countInWords(rest, 'more finding')} and the complete evidence are in the thread or its files.`
            : 'The complete evidence is in the thread or its files.',
        ),
      ),
    );
  return {
    type: 'modal',
    title: plainTextObject('Evidence'),
    close: plainTextObject('Close'),
    blocks,
  };
}

function namesIn({ findings, gaps }: Report): readonly string[] {
  return [...findings.map(({ target }) => target), ...gaps.map(({ what }) => what)];
}

interface FindingEvidence {
  readonly parts: RichTextPart[];
  readonly isCut: boolean;
}

function renderFindingEvidence(finding: Finding, maxChars: number): FindingEvidence {
  const { severity, target, evidence = [] } = finding;
  const summary = summaryOf(finding);
  const parts: RichTextPart[] = [
    line(
      ...badge(severity),
      ...sentence(summary, { max: 600, isBold: true, names: [target] }),
      ...(summary.includes(target) ? [] : [plain('\n'), codeSpan(target, 300)]),
    ),
  ];
  let isCut = false;
  for (const group of byKind(evidence)) {
    const left = maxChars - countBlockChars(parts);
    const shown = Array.isArray(group) ? renderEvidence(group, left) : tableAsText(group, left);
    isCut ||= shown.isCut;
    if (countBlockChars(shown.parts) > left) isCut = true;
    else parts.push(...shown.parts);
  }
  return { parts, isCut };
}

type Table = Extract<Evidence, { kind: 'table' }>;

/** Slack allows no table in a modal, so each is shown as text; everything else as in the thread. */
function byKind(evidence: readonly Evidence[]): readonly (Table | Evidence[])[] {
  const groups: (Table | Evidence[])[] = [];
  for (const one of evidence) {
    const last = groups.at(-1);
    if (one.kind === 'table') groups.push(one);
    else if (Array.isArray(last)) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

function tableAsText({ columns: names, rows: all }: Table, maxChars: number): FindingEvidence {
  const { columns, rows } = visibleTable(names, all);
  if (columns.length === 0 || rows.length === 0) return { parts: [], isCut: false };
  for (let count = Math.min(rows.length, MAX_ROWS); count > 0; count = Math.floor(count / 2)) {
    const parts = rowsAsText(columns, rows.slice(0, count));
    const rest = rows.length - count;
    if (rest > 0) parts.push(line(text(`and ${countInWords(rest, 'more row')}`)));
    if (countBlockChars(parts) <= maxChars) return { parts, isCut: rest > 0 };
  }
  return { parts: [], isCut: true };
}

function rowsAsText(columns: readonly string[], rows: readonly (readonly string[])[]): RichTextPart[] {
  const aligned = alignTable(columns, rows);
  const isNarrow = columns.length > 1 && aligned.every(({ length }) => length <= PHONE_COLUMNS);
  if (isNarrow) return [preformatted(aligned)];
  const cells = (row: readonly string[]) => row.map((cell) => cell || '–');
  return [
    line(bold(columns.join(' · '), 200)),
    bullets(
      rows.map((row) => {
        const [first = '–', ...others] = cells(row);
        return line(
          ...sentence(first, { max: 200 }),
          ...(others.length > 0 ? [plain(' · '), ...sentence(others.join(' · '), { max: 400 })] : []),
        );
      }),
    ),
  ];
}

function gapLines(report: Report) {
  const groups = groupGaps(listedGaps(report));
  const lines = groups.slice(0, MAX_GAPS).map(({ because, whats }) => {
    const more = whats.length > 3 ? ` and ${whats.length - 3} more` : '';
    return line(
      ...sentence(`${whats.slice(0, 3).join(', ')}${more}: ${because}`, { max: 400, names: whats }),
    );
  });
  const rest = groups.length - lines.length;
  return rest > 0 ? [...lines, line(text(`and ${countInWords(rest, 'more reason')}`))] : lines;
}
