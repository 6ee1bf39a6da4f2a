import type { RichTextSection } from '@slack/types';
import { cleanText } from '../../../text/clean-text.ts';
import { type Finding, SEVERITIES, type Severity } from '../../../check/finding.ts';
import { countInWords, SEVERITY_WORDS, summaryOf } from '../../../check/report-in-words.ts';
import { badge, bullets, line, plain, type RichTextPart, text } from '../blocks.ts';
import { sentence } from '../sentence.ts';
import { findingLine } from './finding.ts';
import { briefStatus, briefStatusText, type KnownStatus } from './tracked.ts';

/** As many as a phone shows without scrolling. */
const MAX_ROOT_FINDINGS = 5;
const MAX_ROOT_SUMMARY_CHARS = 200;
const MAX_ROOT_TARGET_CHARS = 150;

/** What the root of a report lists of a finding. */
export interface RootFinding extends Pick<Finding, 'severity' | 'reason' | 'target' | 'targets' | 'summary'> {
  /** Its status from earlier runs. */
  readonly status?: KnownStatus;
  /** No reply has its summary, because only a later run found it or worded it like this. */
  readonly isNew?: boolean;
}

interface Said {
  /** The word at the beginning of the root, which isn't repeated before findings of the same severity. */
  readonly word: string;
  /** What the root says above the list. */
  readonly verdict: string;
}

/**
 * The most severe, in the order of the report, by severity. The reply about a finding has its summary and the verdict may name its target, so that
 * the list has only what neither says.
 */
export function topFindings(
  findings: readonly RootFinding[],
  { word, verdict }: Said,
): readonly RichTextPart[] {
  const top = mostSevere(findings);
  const named = new Map(top.toReversed().map((finding) => [finding.target, finding]));
  const parts: RichTextPart[] = SEVERITIES.flatMap((severity) => {
    const listed = top.filter(
      (finding) =>
        finding.severity === severity &&
        (finding.isNew || named.get(finding.target) === finding) &&
        !isSaid(finding, verdict),
    );
    if (listed.length === 0) return [];
    const list = bullets(listed.map((finding) => line(...itemOf(finding))));
    return SEVERITY_WORDS[severity] === word ? [list] : [line(...badge(severity)), list];
  });
  const rest = findings.length - top.length;
  return rest > 0
    ? [
        ...parts,
        line({ ...text(`and ${moreFindingsText(findings, top)}, see thread`), style: { italic: true } }),
      ]
    : parts;
}

/** The verdict names the target, and there is nothing else to say about it. */
function isSaid({ target, status, isNew = false }: RootFinding, verdict: string): boolean {
  return !isNew && verdict.includes(cleanText(target)) && (!status || briefStatus(status).length === 0);
}

/** `bosh:cf/api/1 · VM absent`, or its summary if no reply has that. */
function itemOf({
  target,
  targets = [],
  reason,
  summary,
  status,
  isNew = false,
}: RootFinding): RichTextSection['elements'] {
  return [
    ...(isNew
      ? sentence(summaryOf({ summary, target }), { max: MAX_ROOT_SUMMARY_CHARS, names: [target] })
      : [
          text(target, MAX_ROOT_TARGET_CHARS),
          plain(' · '),
          text(reasonInWords(reason), MAX_ROOT_TARGET_CHARS),
          ...(targets.length > 1 ? [plain(` · ${countInWords(targets.length, 'target')}`)] : []),
        ]),
    ...(status ? briefStatus(status) : []),
  ];
}

/** All of them as lines of top-level text, with their summaries: screen readers and notifications use nothing else. */
export function topFindingLines(findings: readonly RootFinding[]): readonly string[] {
  const rest = findings.length - MAX_ROOT_FINDINGS;
  return [
    ...mostSevere(findings).map(
      (finding) => `${findingLine(finding)}${finding.status ? briefStatusText(finding.status) : ''}`,
    ),
    ...(rest > 0 ? [`and ${countInWords(rest, 'more finding')}, see thread`] : []),
  ];
}

/** The most severe first; of the same severity, in the order of the report. */
export function bySeverity<F extends { readonly severity: Severity }>(findings: readonly F[]): readonly F[] {
  return SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

function mostSevere(findings: readonly RootFinding[]): readonly RootFinding[] {
  return bySeverity(findings).slice(0, MAX_ROOT_FINDINGS);
}

/** `1 more warning`, or of several severities `10 more findings (8 critical, 2 warning)`. */
function moreFindingsText(findings: readonly RootFinding[], top: readonly RootFinding[]): string {
  const counts = SEVERITIES.map((severity) => {
    const of = (list: readonly RootFinding[]) =>
      list.filter((finding) => finding.severity === severity).length;
    return { severity, rest: of(findings) - of(top) };
  }).filter(({ rest }) => rest > 0);
  const [only] = counts;
  if (only && counts.length === 1)
    return countInWords(
      only.rest,
      only.severity === 'warning' ? 'more warning' : `more ${only.severity} finding`,
    );
  const all = counts.reduce((sum, { rest }) => sum + rest, 0);
  const parts = counts.map(({ severity, rest }) => `${rest.toLocaleString('en-US')} ${severity}`);
  return `${countInWords(all, 'more finding')} (${parts.join(', ')})`;
}

/** `vm-absent` is `VM absent`. */
function reasonInWords(reason: string): string {
  return reason
    .split('-')
    .map((word) => ABBREVIATIONS[word] ?? word)
    .join(' ');
}

const ABBREVIATIONS: Readonly<Record<string, string>> = { api: 'API', vm: 'VM', vms: 'VMs' };
