import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { verifySlackRequest } from '@slack/bolt';
import type { HttpResponse } from '../../telemetry/http-server.ts';
import { kindOf } from './payload.ts';
import { parseJson } from '../../text/parse-json.ts';

/** Bolt's limit. */
const MAX_BODY_BYTES = 4 * 1_024 * 1_024;
/** Bolt refuses older requests, but not those from further in the future; here the window applies in both directions. */
const CLOCK_WINDOW_S = 300;
/** Slack's check of our certificate is short and unsigned. */
const MAX_SSL_CHECK_CHARS = 1_000;

/** The limit for all incomplete bodies, which may not be from Slack: many times what Slack sends at once. */
const MAX_TOTAL_BYTES = 16 * 1_024 * 1_024;

/** Requests whose bodies are arriving. */
export interface InboundBodies {
  /** Counts bytes of a body. If all bodies together become too large, the largest is cut off, because Slack's are small. */
  readonly add: (request: IncomingMessage, bytes: number) => void;
  readonly end: (request: IncomingMessage) => void;
}

export function limitInboundBodies(maxBytes = MAX_TOTAL_BYTES): InboundBodies {
  const sizes = new Map<IncomingMessage, number>();
  let total = 0;
  const end = (request: IncomingMessage) => {
    total -= sizes.get(request) ?? 0;
    sizes.delete(request);
  };
  return {
    add: (request, bytes) => {
      total += bytes;
      sizes.set(request, (sizes.get(request) ?? 0) + bytes);
      if (total <= maxBytes) return;
      // One is enough: it has at least as many bytes as were added.
      const largest = largestOf(sizes) ?? request;
      end(largest);
      largest.destroy();
    },
    end,
  };
}

function largestOf(sizes: ReadonlyMap<IncomingMessage, number>): IncomingMessage | undefined {
  let largest: IncomingMessage | undefined;
  let mostBytes = -1;
  for (const [request, bytes] of sizes) if (bytes > mostBytes) [largest, mostBytes] = [request, bytes];
  return largest;
}

export type ReadResult = { readonly body: Record<string, unknown> } | { readonly response: HttpResponse };

/**
 * Reads a request that claims to come from Slack: checks its size, then its signature, then its content.
 * @returns the payload, or the answer to a request without one: 4xx if it is not from Slack or malformed.
 */
export async function readRequest(
  request: IncomingMessage,
  signingSecret: string,
  arriving: InboundBodies,
): Promise<ReadResult> {
  const { headers } = request;
  if (!['', 'identity'].includes(headers['content-encoding'] ?? '')) return refuse(415);
  const type = mediaType(headers['content-type']);
  if (type === undefined) return refuse(415);
  const bytes = await readBytes(request, arriving);
  if (bytes === 'too large') return refuse(413);
  if (bytes === 'cut off' || !isUtf8(bytes)) return refuse(400);
  const text = bytes.toString('utf8');
  if (type === 'form' && isSslCheck(text)) return { response: { status: 200 } };
  if (!isSigned(headers, text, signingSecret)) return refuse(401);
  const body = type === 'form' ? readForm(text) : parseJson(text);
  if (kindOf(body) === undefined) return refuse(400);
  const payload = body as Record<string, unknown>;
  return payload['type'] === 'url_verification' ? verifyUrl(payload) : { body: payload };
}

function refuse(status: number): ReadResult {
  return { response: { status } };
}

function mediaType(header = ''): 'form' | 'json' | undefined {
  const type = header.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return type === 'application/json' ? 'json' : undefined;
}

async function readBytes(
  request: IncomingMessage,
  arriving: InboundBodies,
): Promise<Buffer | 'too large' | 'cut off'> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return 'too large';
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // The connection must stay open for the answer, even if the body is not read to its end.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      length += (chunk as Buffer).length;
      if (length > MAX_BODY_BYTES) return 'too large';
      arriving.add(request, (chunk as Buffer).length);
      if (request.destroyed && !request.complete) return 'cut off';
      chunks.push(chunk as Buffer);
    }
  } catch {
    return 'cut off';
  } finally {
    arriving.end(request);
  }
  return Buffer.concat(chunks);
}

/** https://docs.slack.dev/interactivity/implementing-slash-commands: Slack checks our certificate from time to time. */
function isSslCheck(text: string): boolean {
  return text.length <= MAX_SSL_CHECK_CHARS && new URLSearchParams(text).get('ssl_check') === '1';
}

/** https://docs.slack.dev/authentication/verifying-requests-from-slack */
function isSigned(headers: IncomingMessage['headers'], body: string, signingSecret: string): boolean {
  const signature = headers['x-slack-signature'];
  const timestamp = Number(headers['x-slack-request-timestamp']);
  if (typeof signature !== 'string' || !(timestamp <= Date.now() / 1_000 + CLOCK_WINDOW_S)) return false;
  try {
    verifySlackRequest({
      signingSecret,
      body,
      headers: { 'x-slack-signature': signature, 'x-slack-request-timestamp': timestamp },
    });
    return true;
  } catch {
    return false;
  }
}

/** A form, or the JSON in its field `payload`; undefined if a field occurs twice. */
function readForm(text: string): unknown {
  const fields = new URLSearchParams(text);
  if (new Set(fields.keys()).size !== fields.size) return undefined;
  const payload = fields.get('payload');
  return payload === null ? Object.fromEntries(fields) : parseJson(payload);
}

function verifyUrl({ challenge }: Record<string, unknown>): ReadResult {
  if (typeof challenge !== 'string') return refuse(400);
  return {
    response: {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ challenge }),
    },
  };
}
