import type { Report } from '../../../check/finding.ts';
import {
  askedInWords,
  coverageInWords,
  groupGaps,
  reportHeadline,
  SEVERITY_WORDS,
  summaryOf,
  listedGaps,
  verdictOf,
} from '../../../check/report-in-words.ts';
import {
  utf8Length,
  code as codeSpan,
  truncateMrkdwn,
  escapeUntrusted,
  joinLinesWithin,
} from '../escape-untrusted.ts';
import { EMOJI } from '../blocks.ts';
import { chartLines } from './charts.ts';
import { nextLine } from './finding.ts';
import { nextQuestions } from './next-checks.ts';
import { knownStatuses, statusLine } from './tracked.ts';
import type { TrackedFinding } from '../../../check/tracked-finding.ts';

/** Slack splits a longer text into several messages. */
const MAX_TEXT_BYTES = 3_900;
const MAX_COVERAGE_BYTES = 2_000;

/**
 * A whole report as one text, for a channel into which only `response_url` reaches: no thread, no files, five posts in all.
 * `code`: Slack's reason to refuse posts, unless it is that the bot is not a member.
 */
export function renderPlainFallback(
  report: Report,
  code?: string,
  tracked: readonly TrackedFinding[] = [],
): { readonly text: string } {
  const known = knownStatuses(report, tracked);
  const headline = reportHeadline(report);
  const asked = `${escapeUntrusted(report.environment, 80)} · ${codeSpan(askedInWords(report), 300)}`;
  const end = [
    truncateMrkdwn(`${asked} · ${escapeUntrusted(coverageInWords(report), 600)}`, MAX_COVERAGE_BYTES),
    code === undefined
      ? 'Invite Wrench to this channel to get the details in a thread.'
      : `Slack does not let Wrench post the details (${escapeUntrusted(code, 80)}). \`wrench doctor\` shows what is missing.`,
  ].join('\n');
  const lines = [
    `:${EMOJI[headline]}: *${headline}* ${escapeUntrusted(verdictOf(report), 500)}`,
    ...report.findings.flatMap((finding, at) => {
      const status = known[at];
      return [
        `• ${SEVERITY_WORDS[finding.severity]}: ${escapeUntrusted(summaryOf(finding), 200)} ${codeSpan(finding.target, 160)}`,
        ...(status ? [statusLine(status, finding.level)] : []),
      ];
    }),
    ...nextQuestions(report).flat().map(nextLine),
    ...groupGaps(listedGaps(report)).map(
      ({ because, whats }) =>
        `• Not checked, ${escapeUntrusted(because, 150)}: ${escapeUntrusted(whats.slice(0, 3).join(', '), 150)}${whats.length > 3 ? ` and ${whats.length - 3} more` : ''}`,
    ),
    ...chartLines(report.charts ?? []).map((line) => `• ${line}`),
  ];
  return { text: `${joinLinesWithin(lines, MAX_TEXT_BYTES - utf8Length(end) - 1)}\n${end}` };
}
