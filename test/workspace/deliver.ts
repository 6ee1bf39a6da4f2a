import { createHmac } from 'node:crypto';
import { Agent, request } from 'undici';

/** Slack waits this long for an acknowledgement. */
export const ACK_WITHIN_MS = 3_000;

/** The app's response. Status 0: none. */
export interface Ack {
  readonly status: number;
  readonly body: unknown;
  readonly tookMs: number;
  /** The error that Slack shows the user. Undefined if the app responded with 200 in time. */
  readonly failure?: 'operation_timeout' | 'dispatch_failed';
}

export interface Forgery {
  /** Signs with another secret, or not at all. */
  readonly signature?: 'wrong' | 'missing';
  /** Shifts the timestamp: -3600 is a replay of an hour ago, 3600 is from the future. The signature matches it. */
  readonly timestampOffsetSeconds?: number;
}

export interface HttpDelivery {
  readonly send: (fields: Readonly<Record<string, string>>, forgery?: Forgery) => Promise<Ack>;
  /** Events are JSON. */
  readonly sendJson: (payload: Readonly<Record<string, unknown>>, forgery?: Forgery) => Promise<Ack>;
  readonly close: () => Promise<void>;
}

export interface HttpDeliveryOptions {
  /** Called at each delivery, because the app may move. */
  readonly requestUrl: () => string;
  readonly signingSecret: string;
  /** Default: the same as Slack. */
  readonly ackWithinMs?: number;
}

/** Posts like Slack: signed, with the acknowledgement in the response. */
export function createHttpDelivery({
  requestUrl,
  signingSecret,
  ackWithinMs = ACK_WITHIN_MS,
}: HttpDeliveryOptions): HttpDelivery {
  const agent = new Agent({ keepAliveTimeout: 1_000 });
  const post = async (body: string, type: string, forgery: Forgery): Promise<Ack> => {
    const headers = {
      'content-type': type,
      'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
      ...sign(signingSecret, body, forgery),
    };
    const startedAt = performance.now();
    const took = () => Math.round(performance.now() - startedAt);
    const signal = AbortSignal.timeout(ackWithinMs);
    try {
      const answer = await request(requestUrl(), {
        method: 'POST',
        headers,
        body,
        dispatcher: agent,
        signal,
      });
      const read = readAck(await answer.body.text(), answer.headers['content-type']);
      const ack = { status: answer.statusCode, body: read, tookMs: took() };
      return answer.statusCode === 200 ? ack : { ...ack, failure: 'dispatch_failed' };
    } catch {
      const failure = signal.aborted ? 'operation_timeout' : 'dispatch_failed';
      return { status: 0, body: undefined, tookMs: took(), failure };
    }
  };
  return {
    // Exactly this type: Bolt responds with 400 if a charset follows.
    send: (fields, forgery = {}) =>
      post(new URLSearchParams(fields).toString(), 'application/x-www-form-urlencoded', forgery),
    sendJson: (payload, forgery = {}) => post(JSON.stringify(payload), 'application/json', forgery),
    close: () => agent.destroy(),
  };
}

/** https://docs.slack.dev/authentication/verifying-requests-from-slack */
export function sign(secret: string, body: string, { signature, timestampOffsetSeconds = 0 }: Forgery = {}) {
  const timestamp = String(Math.floor(Date.now() / 1000) + timestampOffsetSeconds);
  const key = signature === 'wrong' ? `${secret}-not` : secret;
  const mac = createHmac('sha256', key).update(`v0:${timestamp}:${body}`).digest('hex');
  return {
    'x-slack-request-timestamp': timestamp,
    ...(signature === 'missing' ? {} : { 'x-slack-signature': `v0=${mac}` }),
  };
}

/** An acknowledgement is empty, plain text, or JSON. */
function readAck(text: string, type: string | string[] | undefined): unknown {
  if (text === '') return undefined;
  if (!String(type).includes('json')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
