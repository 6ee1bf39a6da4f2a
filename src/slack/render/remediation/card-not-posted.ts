import type { RemediationRecord } from '../../../store/remediation/record.ts';
import { truncate, escapeUntrusted } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import { remediationHeadline, stateLabel, statusText } from './words.ts';

const MAX_LINE_CHARS = 300;

/** A message to the requester about a remediation whose card couldn't be posted. `code` is Slack's error. */
export function renderCardNotPosted(
  remediation: RemediationRecord,
  {
    channelId,
    code,
    isWithdrawn,
  }: {
    readonly channelId: string;
    readonly code: string;
    /** The remediation ends, because its plan couldn't be posted. */
    readonly isWithdrawn: boolean;
  },
): Message {
  const { environment } = remediation;
  const { word, emoji } = stateLabel(remediation);
  const head = `:${emoji}: *${word}* · ${escapeUntrusted(truncate(remediationHeadline(remediation), MAX_LINE_CHARS), MAX_LINE_CHARS)} · ${escapeUntrusted(environment, 80)}`;
  const why = `Wrench couldn't post this in <#${escapeUntrusted(channelId, 40)}> (${escapeUntrusted(code, 80)}).`;
  const next = isWithdrawn
    ? ' Nothing was changed. Invite Wrench to the channel, then run the check again.'
    : '';
  const rest = isWithdrawn
    ? []
    : statusText(remediation).map((line) => escapeUntrusted(line, MAX_LINE_CHARS));
  return { text: [head, ...rest, `${why}${next}`].join('\n'), blocks: [] };
}
