import { createHmac } from 'node:crypto';

/** The headers of a request that Slack signed, for any body: https://docs.slack.dev/authentication/verifying-requests-from-slack */
export function signedHeaders(
  secret: string,
  body: string | Buffer,
  contentType = 'application/x-www-form-urlencoded',
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const mac = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex');
  return {
    'content-type': contentType,
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': `v0=${mac}`,
  };
}
