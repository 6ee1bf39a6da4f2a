import type { Log } from '../../telemetry/log.ts';

/** Where Slack accepts answers to commands; the second is GovSlack. */
const SLACK_ORIGINS = ['https://hooks.slack.com', 'https://hooks.slack-gov.com'] as const;

/** Whether an answer may be posted to a URL. */
export type IsSlackUrl = (url: string) => boolean;

/**
 * Answers contain findings, so they are posted only to Slack's own hosts and to the origin of a configured `SLACK_API_URL`. The host must be written
 * literally: without a user name, and not in a spelling that a parser normalizes to the same host.
 */
export function allowSlackUrls(apiUrl: string | undefined): IsSlackUrl {
  const origins = new Set<string>([
    ...SLACK_ORIGINS,
    ...(apiUrl === undefined ? [] : [new URL(apiUrl).origin]),
  ]);
  return (text) => {
    const url = URL.parse(text);
    if (!url || !origins.has(url.origin) || url.username !== '' || url.password !== '') return false;
    const written = /^https?:\/\/([^/?#\\]*)/.exec(text)?.[1];
    return written === url.host || written === `${url.host}:443`;
  };
}

/** Logs that a `response_url` was ignored. Only its host is logged: a real URL is a secret. */
export function warnOfForeignUrl(log: Log, url: string): void {
  log.warn(
    { event: 'foreign-response-url', host: URL.parse(url)?.host.slice(0, 255) ?? 'none' },
    "Ignored a response_url that isn't on a Slack host; sending the response another way",
  );
}
