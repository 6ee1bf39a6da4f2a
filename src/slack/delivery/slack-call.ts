import {
  type WebClient,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient as Client,
} from '@slack/web-api';
import type { ChannelOrder } from '../../store/thread/channel-order.ts';
import { RetryLater } from '../../queue/workers.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';

import { boltLogger } from '../transport/bolt-log.ts';

/** An error of the Web API that a retry doesn't fix. https://docs.slack.dev/apis/web-api#responses */
export class SlackApiError extends Error {
  override readonly name = 'SlackApiError';
  readonly code: string;
  /** Slack's details about the arguments; empty if there are none. */
  readonly detail: string;
  /** The bot can't post in the channel: the answer must be sent another way. */
  readonly channelInaccessible: boolean;

  constructor(code: string, detail: string) {
    super(`Slack: ${code}${detail}`);
    this.code = code;
    this.detail = detail;
    this.channelInaccessible = CHANNEL_INACCESSIBLE.has(code) || code.startsWith('restricted_action');
  }
}

const CHANNEL_INACCESSIBLE = new Set([
  'not_in_channel',
  'channel_not_found',
  'is_archived',
  'team_access_not_granted',
  'no_permission',
]);
/** A problem on Slack's side, or with a token that an operator may be about to replace: a later attempt may succeed. */
const RETRYABLE = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
]);

const CALL_TIMEOUT_MS = 10_000;
const DEFAULT_RETRY_AFTER_S = 30;

/** A client that never retries or sleeps: only BullMQ retries. https://docs.slack.dev/tools/node-slack-sdk/web-api#rate-limits */
export function makeSlackClient(token: string, apiUrl: string | undefined, log: Log): WebClient {
  return new Client(token, {
    ...(apiUrl !== undefined && { slackApiUrl: apiUrl }),
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: CALL_TIMEOUT_MS,
    allowAbsoluteUrls: false,
    logger: boltLogger(log),
  });
}

/**
 * Calls Slack once.
 * @throws {RetryLater} at a rate limit, after pausing the method for all processes; {SlackApiError} if Slack refuses; after any other error it is
 * unknown whether Slack did it.
 */
export async function callSlack<T>(
  method: string,
  { channelOrder, metrics }: { readonly channelOrder: ChannelOrder; readonly metrics: Metrics },
  call: () => Promise<T>,
): Promise<T> {
  try {
    const answer = await call();
    metrics.posts.inc({ method, outcome: 'ok' });
    return answer;
  } catch (error) {
    const { outcome, thrown } = classify(error);
    metrics.posts.inc({ method, outcome });
    if (thrown instanceof RetryLater) await channelOrder.pause(method, thrown.afterMs);
    throw thrown;
  }
}

/** The API error in an error thrown by the client or by {@link callSlack}; undefined for any other error. */
export function slackApiErrorIn(error: unknown): SlackApiError | undefined {
  const refused = error instanceof SlackApiError ? error : classify(error).thrown;
  return refused instanceof SlackApiError ? refused : undefined;
}

function classify(error: unknown): { readonly outcome: string; readonly thrown: unknown } {
  if (error instanceof WebAPIRateLimitedError) return rateLimited(error.retryAfter);
  if (error instanceof WebAPIPlatformError) {
    const code = error.data.error;
    if (code === 'ratelimited' || code === 'rate_limited') return rateLimited(DEFAULT_RETRY_AFTER_S);
    if (!RETRYABLE.has(code)) return { outcome: 'refused', thrown: new SlackApiError(code, detailOf(error)) };
  }
  if (error instanceof Error && /Retry-After/i.test(error.message)) return rateLimited(DEFAULT_RETRY_AFTER_S);
  return { outcome: error instanceof WebAPIHTTPError ? 'failed' : 'unanswered', thrown: error };
}

function rateLimited(retryAfterS: number): { readonly outcome: string; readonly thrown: RetryLater } {
  return { outcome: 'limited', thrown: new RetryLater(retryAfterS * 1_000) };
}

function detailOf({ data }: WebAPIPlatformError): string {
  const messages = (data as { response_metadata?: { messages?: readonly string[] } }).response_metadata
    ?.messages;
  return messages ? ` ${messages.join('; ').slice(0, 500)}` : '';
}
