import type { Button } from '@slack/types';
import type { AppliedSilence, Claim } from '../../../check/tracked-finding.ts';
import { claimFact, momentInWords, silenceFact } from '../../../check/tracked-in-words.ts';
import { button, dateToken, mention, noteContext } from '../blocks.ts';
import type { Message } from '../message.ts';
import { factInMrkdwn } from '../report/tracked.ts';
import { sentenceInMrkdwn } from '../sentence.ts';

/** Who is on a finding and who silenced it, for the message in its thread. */
export interface FindingStatus {
  readonly findingId: string;
  /** Of the finding. */
  readonly summary: string;
  readonly claim?: Claim;
  readonly silence?: AppliedSilence;
  /** Who made the last change, and when (ISO 8601). */
  readonly by: string;
  readonly at: string;
}

const MAX_SUMMARY_CHARS = 300;

/** Posted first, without mentions or buttons; an edit then shows the status. It stays true whatever the status becomes. */
export function statusPlaceholder({ summary }: Pick<FindingStatus, 'summary'>): string {
  return `Status: ${sentenceInMrkdwn(summary, { max: MAX_SUMMARY_CHARS })}`;
}

/** The status of a finding, with buttons to end what it shows. */
export function renderFindingStatus(status: FindingStatus): Message {
  const { findingId, summary, claim, silence, at, by } = status;
  const now = new Date(at);
  const lines = [
    ...(claim ? [`:raised_hand: ${factInMrkdwn(claimFact(claim, now))}`] : []),
    ...(silence ? [`:no_bell: ${capitalized(factInMrkdwn(silenceFact(silence, now)))}`] : []),
  ];
  if (lines.length === 0)
    lines.push(
      `No one is on it, and it isn't silenced. Last change by ${mention(by)}, ${dateToken(at, momentInWords(at, now))}`,
    );
  const elements: readonly Button[] = [
    ...(claim ? [button({ label: "I'm off it", action: 'wrench:release', value: findingId })] : []),
    ...(silence ? [button({ label: 'End silence', action: 'wrench:unsilence', value: findingId })] : []),
  ];
  return {
    text: [...lines, sentenceInMrkdwn(summary, { max: MAX_SUMMARY_CHARS })].join('\n'),
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: lines.join('\n'), verbatim: true } },
      noteContext(`${findingId}  ·  ${summary}`, MAX_SUMMARY_CHARS),
      ...(elements.length > 0 ? [{ type: 'actions' as const, elements: [...elements] }] : []),
    ],
  };
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
