import type { ActionsBlock } from '@slack/types';
import type { Report } from '../../../check/finding.ts';
import { askedInWords } from '../../../check/report-in-words.ts';
import { button } from '../blocks.ts';
import { encodedLength } from '../escape-untrusted.ts';
import type { ReportRequest } from '../message.ts';

/** https://docs.slack.dev/reference/block-kit/block-elements/button-element */
const MAX_VALUE_CHARS = 2_000;
/** A longer one may have been cut when it was recorded. */
const MAX_TYPED_CHARS = 150;

/** The buttons at the end of a report's root: run the same command again, show the evidence, and change the arguments first. */
export function reportButtons(
  report: Pick<Report, 'check' | 'args' | 'environment'>,
  asked: Pick<ReportRequest, 'command'>,
  runId: string,
): ActionsBlock {
  const command = commandOf(report, asked);
  const canRepeat = encodedLength(command) <= MAX_VALUE_CHARS;
  return {
    type: 'actions',
    elements: [
      ...(canRepeat ? [button({ label: 'Run again', action: 'wrench:again', value: command })] : []),
      button({ label: 'Show evidence', action: 'wrench:evidence', value: runId }),
      ...(canRepeat ? [button({ label: 'Edit…', action: 'wrench:form', value: command })] : []),
    ],
  };
}

/** The command with its environment: as typed if that is known, otherwise with all arguments. */
function commandOf(
  { check, args, environment }: Pick<Report, 'check' | 'args' | 'environment'>,
  { command: typed }: Pick<ReportRequest, 'command'>,
): string {
  const name = `/${check.replace('/', ' ')}`;
  const isWhole =
    typed !== undefined &&
    typed.length <= MAX_TYPED_CHARS &&
    (typed === name || typed.startsWith(`${name} `)) &&
    // A quote that isn't closed would include what is added.
    !/["'“”‘’]/.test(typed);
  if (!isWhole) return askedInWords({ check, args: { ...args, env: environment } });
  return / --env[ =]/.test(typed) ? typed : `${typed} --env ${environment}`;
}
