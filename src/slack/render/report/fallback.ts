import type { Report } from '../../../check/finding.ts';
import {
  askedInWords,
  coverageInWords,
  groupGaps,
  headlineOf,
  SEVERITY_WORDS,
  summaryOf,
  listedGaps,
  verdictOf,
} from '../../../check/report-in-words.ts';
import { bytesOf, code as codeSpan, cutMrkdwn, inert, joinWithin } from '../inert.ts';
import { EMOJI } from '../pieces.ts';

/** Bytes. A longer text is split into several messages. */
const ROOM = 3_900;
const COVERAGE_ROOM = 2_000;

/**
 * A whole report as one text, for a channel into which only `response_url` reaches: no thread, no files, five posts in all.
 * `code`: Slack's reason to refuse posts, unless it is that the bot is not a member.
 */
export function renderPlainFallback(report: Report, code?: string): { readonly text: string } {
  const headline = headlineOf(report);
  const asked = `${inert(report.environment, 80)} · ${codeSpan(askedInWords(report), 300)}`;
  const end = [
    cutMrkdwn(`${asked} · ${inert(coverageInWords(report), 600)}`, COVERAGE_ROOM),
    code === undefined
      ? 'Invite Wrench to this channel to get the details in a thread.'
      : `Slack does not let Wrench post the details (${inert(code, 80)}). \`wrench doctor\` shows what is missing.`,
  ].join('\n');
  const lines = [
    `:${EMOJI[headline]}: *${headline}* ${inert(verdictOf(report), 500)}`,
    ...report.findings.map(
      (finding) =>
        `• ${SEVERITY_WORDS[finding.severity]}: ${inert(summaryOf(finding), 200)} ${codeSpan(finding.target, 160)}`,
    ),
    ...groupGaps(listedGaps(report)).map(
      ({ because, whats }) =>
        `• Not checked, ${inert(because, 150)}: ${inert(whats.slice(0, 3).join(', '), 150)}${whats.length > 3 ? ` and ${whats.length - 3} more` : ''}`,
    ),
  ];
  return { text: `${joinWithin(lines, ROOM - bytesOf(end) - 1)}\n${end}` };
}
