import type { RichTextSection } from '@slack/types';
import { type Finding, type Report, SEVERITIES } from '../../../check/finding.ts';
import { countInWords, type Headline, summaryOf } from '../../../check/report-in-words.ts';
import { badge, bullets, line, type RichTextPart, text } from '../blocks.ts';
import { sentence } from '../sentence.ts';
import { findingLine } from './finding.ts';
import { briefStatus, briefStatusText, type KnownStatus } from './tracked.ts';

/** As many as a phone shows without scrolling. */
const MAX_ROOT_FINDINGS = 5;
const MAX_ROOT_SUMMARY_CHARS = 200;

/** What the root of a report says about a finding. Plain JSON, because it is saved. */
export interface RootFinding {
  readonly reason: string;
  readonly severity: Finding['severity'];
  readonly target: string;
  readonly targets?: string[];
  readonly summary: string;
  /** Its status from earlier runs. */
  readonly status?: { readonly elements: RichTextSection['elements']; readonly text: string };
}

/** What the root of a report says. `findings` is absent if there are too many to save. */
export interface RootContent {
  readonly headline: Headline;
  readonly verdict: string;
  readonly findings?: readonly RootFinding[];
}

export function rootFindingsOf(
  { findings }: Pick<Report, 'findings'>,
  known: readonly (KnownStatus | undefined)[],
): readonly RootFinding[] {
  return findings.map(({ reason, severity, target, targets, summary }, at) => {
    const status = known[at];
    return {
      reason,
      severity,
      target,
      ...(targets && { targets: [...targets] }),
      summary,
      ...(status && { status: { elements: briefStatus(status), text: briefStatusText(status) } }),
    };
  });
}

/** The most severe, in the order of the report, grouped by severity if they differ. */
export function topFindings(findings: readonly RootFinding[]): readonly RichTextPart[] {
  const top = mostSevere(findings);
  const isMixed = new Set(top.map(({ severity }) => severity)).size > 1;
  const parts: RichTextPart[] = SEVERITIES.flatMap((severity) => {
    const these = top.filter((finding) => finding.severity === severity);
    if (these.length === 0) return [];
    const list = bullets(
      these.map((finding) =>
        line(
          ...sentence(summaryOf(finding), { max: MAX_ROOT_SUMMARY_CHARS, names: [finding.target] }),
          ...(finding.status?.elements ?? []),
        ),
      ),
    );
    return isMixed ? [line(...badge(severity)), list] : [list];
  });
  const rest = findings.length - top.length;
  return rest > 0
    ? [
        ...parts,
        line({ ...text(`and ${moreFindingsText(findings, top)}, see thread`), style: { italic: true } }),
      ]
    : parts;
}

/** The same as lines of top-level text. */
export function topFindingLines(findings: readonly RootFinding[]): readonly string[] {
  const rest = findings.length - MAX_ROOT_FINDINGS;
  return [
    ...mostSevere(findings).map((finding) => `${findingLine(finding)}${finding.status?.text ?? ''}`),
    ...(rest > 0 ? [`and ${countInWords(rest, 'more finding')}, see thread`] : []),
  ];
}

/** The most severe first; of the same severity, in the order of the report. */
export function bySeverity<F extends Pick<Finding, 'severity'>>(findings: readonly F[]): readonly F[] {
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
