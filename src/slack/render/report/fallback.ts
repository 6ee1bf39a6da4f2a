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
  truncateVerdict,
  escapeUntrusted,
  joinLinesWithin,
} from '../escape-untrusted.ts';
import { EMOJI } from '../blocks.ts';
import { sentenceInMrkdwn } from '../sentence.ts';
import { chartLines } from './charts.ts';
import { nextLine } from './finding.ts';
import { nextQuestions } from './next-checks.ts';
import { knownStatuses, statusLine } from './tracked.ts';
import type { TrackedFinding } from '../../../check/tracked-finding.ts';

/** Slack splits a longer text into several messages. */
const MAX_TEXT_BYTES = 3_900;
const MAX_COVERAGE_BYTES = 2_000;

/**
 * A whole report as one text, for a channel where only `response_url` works: no thread, no files, five posts in all.
 * `code`: Slack's error for posts in the channel, unless the bot isn't a member.
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
      ? 'To get the details in a thread, invite Wrench to this channel.'
      : `Slack didn't let Wrench post the details (${escapeUntrusted(code, 80)}). Run \`wrench doctor\` to see what's missing.`,
  ].join('\n');
  const lines = [
    `:${EMOJI[headline]}: *${headline}* ${sentenceInMrkdwn(truncateVerdict(verdictOf(report), 500), { max: 500 })}`,
    ...report.findings.flatMap((finding, at) => {
      const status = known[at];
      return [
        `• ${SEVERITY_WORDS[finding.severity]}: ${sentenceInMrkdwn(summaryOf(finding), { max: 200, names: [finding.target] })} ${codeSpan(finding.target, 160)}`,
        ...(status ? [statusLine(status, finding.level)] : []),
      ];
    }),
    ...nextQuestions(report).flat().map(nextLine),
    ...groupGaps(listedGaps(report)).map(
      ({ because, whats }) =>
        `• Couldn't check ${escapeUntrusted(whats.slice(0, 3).join(', '), 150)}${whats.length > 3 ? ` and ${whats.length - 3} more` : ''}: ${sentenceInMrkdwn(because, { max: 150 })}`,
    ),
    ...chartLines(report.charts ?? []).map((line) => `• ${line}`),
  ];
  return { text: `${joinLinesWithin(lines, MAX_TEXT_BYTES - utf8Length(end) - 1)}\n${end}` };
}
