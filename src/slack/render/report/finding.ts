import { cleanText } from '../../../text/clean-text.ts';
import type { Finding } from '../../../check/finding.ts';
import { SEVERITY_WORDS, summaryOf } from '../../../check/report-in-words.ts';
import { renderEvidence } from './evidence.ts';
import { cost, inert } from '../inert.ts';
import { badge, type Blocks, bold, codeSpan, glue, line, rich } from '../pieces.ts';

/** A piece of a thread that stays together in one message. */
export interface Unit {
  readonly blocks: Blocks;
  /** Its share of the message's top-level text. */
  readonly text: string;
  /** Slack shows a table under everything else: nothing may follow it. */
  readonly hasTable: boolean;
  readonly isCut: boolean;
}

const TARGET = 1_000;
const SUMMARY = 1_500;
const EVIDENCE_ROOM = 6_000;

/** Severity and summary, the target to copy, then what was seen. */
export function renderFinding(finding: Finding): Unit {
  const { severity, summary, target, evidence = [] } = finding;
  const { parts, table, isCut } = renderEvidence(evidence, EVIDENCE_ROOM);
  const title = line(
    ...badge(severity),
    bold(summaryOf(finding), SUMMARY),
    glue('\n'),
    codeSpan(target, TARGET),
  );
  return {
    blocks: [rich(title, ...parts), ...(table ? [table] : [])],
    text: findingInText(finding),
    hasTable: table !== undefined,
    isCut: isCut || cost(cleanText(target)) > TARGET || cost(cleanText(summary)) > SUMMARY,
  };
}

/** One line of top-level text. The target is left out where the summary names it. */
export function findingInText(finding: Finding): string {
  const { severity, target } = finding;
  const summary = summaryOf(finding);
  const where = summary.includes(cleanText(target)) ? '' : ` (${inert(target, 200)})`;
  return `• ${SEVERITY_WORDS[severity]}: ${inert(summary, 300)}${where}`;
}
