import type { Button } from '@slack/types';
import { type Report, SEVERITIES } from '../../../check/finding.ts';
import { askedInWords, nextInWords } from '../../../check/report-in-words.ts';
import { button } from '../blocks.ts';
import { encodedLength } from '../escape-untrusted.ts';

/** More buttons would hide the fixes. */
const MAX_BUTTONS = 3;
/** https://docs.slack.dev/reference/block-kit/block-elements/button-element */
const MAX_VALUE_CHARS = 2_000;

/** A check that a person can run with one click. */
export interface NextQuestion {
  /** As on the button, without the environment, which is that of the report: `/node leftovers --node node-b`. */
  readonly shown: string;
  /** The whole command, which a click runs: `/node leftovers --node node-b --env prod`. */
  readonly command: string;
}

/**
 * The checks to run next, for each finding in the order of the report: only a few, of the most severe findings, each check once. The lists of
 * the other findings are empty.
 */
export function nextQuestions(report: Report): readonly (readonly NextQuestion[])[] {
  const asked = new Set<string>();
  const questions: NextQuestion[][] = report.findings.map(() => []);
  for (const severity of SEVERITIES)
    for (const [at, finding] of report.findings.entries())
      for (const next of finding.severity === severity ? (finding.next ?? []) : []) {
        const command = nextInWords(next, report);
        const isLong = encodedLength(command) > MAX_VALUE_CHARS;
        if (asked.size === MAX_BUTTONS || asked.has(command) || isLong) continue;
        asked.add(command);
        questions[at]?.push({ shown: askedInWords(next), command });
      }
  return questions;
}

/** A button for each. None is styled: unlike a fix, a check changes nothing. */
export function askButtons(questions: readonly NextQuestion[]): readonly Button[] {
  return questions.map(({ shown, command }, at) =>
    button({ label: `Run ${shown}`, action: `wrench:ask-${at + 1}`, value: command }),
  );
}
