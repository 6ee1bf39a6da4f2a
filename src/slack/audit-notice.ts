import type { WebClient } from '@slack/web-api';
import { timeInWords } from '../check/report-in-words.ts';
import type { CopyNotice } from '../memory/copy-states.ts';
import type { Line } from '../memory/line.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { code, inert } from './render/inert.ts';
import { callSlack } from './slack-call.ts';

/** Posts to a channel that a bot no longer copies the audit. Throws where Slack did not take it. */
export async function postAuditNotice(
  slack: { readonly client: WebClient; readonly line: Line; readonly metrics: Metrics },
  channel: string,
  { bot, to, because, since }: CopyNotice,
): Promise<void> {
  const what =
    to === undefined
      ? 'found that the audit in Redis does not continue what it saw before'
      : `no longer copies the audit to ${code(to)}`;
  const text = [
    `:warning: *Audit copy stopped* · The bot on ${inert(bot)} ${what}.`,
    `Since ${timeInWords(since)}: ${inert(because)}.`,
    'Checks and fixes go on, and are audited in Redis.',
    'Run `wrench audit verify` to see what happened. The bot tries again once a minute, and continues after it is repaired.',
  ].join('\n');
  await callSlack('chat.postMessage', slack, () =>
    slack.client.chat.postMessage({ channel, text, unfurl_links: false, unfurl_media: false }),
  );
}
