import type { RequestOrigin } from '../../queue/request-origin.ts';
import type { Message } from '../render/message.ts';
import { type IsSlackUrl, warnOfForeignUrl } from './response-url.ts';
import type { Log } from '../../telemetry/log.ts';

/** Slack accepts answers for 30 minutes; one less for differences between clocks. */
const VALID_FOR_MS = 29 * 60_000;
const TIMEOUT_MS = 10_000;

interface RespondDeps {
  /** Which response_urls may be posted to. */
  readonly isSlackUrl: IsSlackUrl;
  readonly log: Log;
}
type ResponseTarget = Pick<RequestOrigin, 'responseUrl' | 'at' | 'threadTs'>;

/**
 * Answers through the response_url of a command or a click, visible to the channel; this works even if the bot is not a member. The message with the
 * button stays as it is.
 * @returns whether Slack accepted it: false if the URL is absent, outside Slack, too old or used up.
 * @throws if Slack didn't respond; the caller retries.
 */
export function respondInChannel(
  asked: ResponseTarget,
  message: Message,
  deps: RespondDeps,
): Promise<boolean> {
  return send(asked, { response_type: 'in_channel', replace_original: false, ...message }, deps);
}

/** {@link respondInChannel}, visible only to the person who typed the command. */
export function respondPrivately(
  asked: ResponseTarget,
  message: Message,
  deps: RespondDeps,
): Promise<boolean> {
  return send(asked, { response_type: 'ephemeral', replace_original: false, ...message }, deps);
}

async function send(
  { responseUrl, at, threadTs }: ResponseTarget,
  body: object,
  { isSlackUrl, log }: RespondDeps,
): Promise<boolean> {
  if (responseUrl === undefined || Date.now() - Date.parse(at) > VALID_FOR_MS) return false;
  // A job queued by an earlier version may contain one.
  if (!isSlackUrl(responseUrl)) {
    warnOfForeignUrl(log, responseUrl);
    return false;
  }
  const response = await fetch(responseUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, ...(threadTs !== undefined && { thread_ts: threadTs }) }),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (response.ok) return true;
  if (response.status === 429 || response.status >= 500)
    throw new Error(`response_url answered ${response.status}`);
  log.warn(
    { event: 'response-url-expired', status: response.status },
    'Slack no longer accepts responses at the response_url',
  );
  return false;
}
