import type { WebClient } from '@slack/web-api';
import { timeInWords } from '../../check/report-in-words.ts';
import type { CopyNotice } from '../../store/audit/copy-states.ts';
import type { ChannelOrder } from '../../store/thread/channel-order.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { code, escapeUntrusted } from '../render/escape-untrusted.ts';
import { callSlack } from './slack-call.ts';

/** Posts to a channel that a bot has stopped copying the audit. @throws if Slack does not accept the message. */
export async function postAuditNotice(
  slack: { readonly client: WebClient; readonly channelOrder: ChannelOrder; readonly metrics: Metrics },
  channel: string,
  { bot, to, because, since }: CopyNotice,
): Promise<void> {
  const [title, what] =
    to === undefined
      ? ['Audit mismatch', "found that the audit in Redis doesn't continue the entries it saw before"]
      : ['Audit copy stopped', `no longer copies the audit to ${code(to)}`];
  const text = [
    `:warning: *${title}* · The bot on ${escapeUntrusted(bot)} ${what}.`,
    `Since ${timeInWords(since)}: ${escapeUntrusted(because)}.`,
    'Checks and fixes continue, and are still audited in Redis.',
    'Run `wrench audit verify` on its host to see what happened. The bot retries once a minute and continues once the cause is fixed.',
  ].join('\n');
  await callSlack('chat.postMessage', slack, () =>
    slack.client.chat.postMessage({ channel, text, unfurl_links: false, unfurl_media: false }),
  );
}
