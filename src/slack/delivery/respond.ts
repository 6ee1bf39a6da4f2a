import type { Asked } from '../../queue/asked.ts';
import type { Posting } from './post.ts';
import type { Message } from '../render/message.ts';
import { warnOfForeignUrl } from './response-url.ts';

/** Slack takes it for 30 minutes; one less for the clocks. */
const OPEN_FOR_MS = 29 * 60_000;
const TIMEOUT_MS = 10_000;

type Via = Pick<Posting, 'isSlackUrl' | 'log'>;
type Reply = Pick<Asked, 'responseUrl' | 'at'>;

/**
 * Answers through the command's response_url, visible to the channel; it works where the bot is no member.
 * @returns whether Slack accepted it: false if the URL is absent, not Slack's, too old or used up.
 * @throws where Slack did not answer, to be tried again.
 */
export function respond(asked: Reply, message: Message, via: Via): Promise<boolean> {
  return send(asked, { response_type: 'in_channel', ...message }, via);
}

/** {@link respond}, visible only to the asker. */
export function respondPrivately(asked: Reply, message: Message, via: Via): Promise<boolean> {
  return send(asked, { response_type: 'ephemeral', replace_original: false, ...message }, via);
}

async function send({ responseUrl, at }: Reply, body: object, { isSlackUrl, log }: Via): Promise<boolean> {
  if (responseUrl === undefined || Date.now() - Date.parse(at) > OPEN_FOR_MS) return false;
  // A job queued by an earlier version may contain one.
  if (!isSlackUrl(responseUrl)) {
    warnOfForeignUrl(log, responseUrl);
    return false;
  }
  const response = await fetch(responseUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (response.ok) return true;
  if (response.status === 429 || response.status >= 500)
    throw new Error(`response_url answered ${response.status}`);
  log.warn({ status: response.status }, 'Slack no longer takes answers at the response_url');
  return false;
}
