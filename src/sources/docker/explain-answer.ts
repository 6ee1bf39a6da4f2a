import type { HttpAnswer } from '../../ports/recorder.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';

/** A response that is not a success: the engine is reachable and works. */
export class AnswerError extends SourceError {
  readonly status: number;
  /** The message of the engine; empty if there is none. */
  readonly said: string;

  constructor(
    source: string,
    kind: SourceErrorKind,
    message: string,
    { status, said }: { readonly status: number; readonly said: string },
  ) {
    super(source, kind, message);
    this.status = status;
    this.said = said;
  }
}

const MAX_QUOTED = 200;

/** Whether the engine itself says that a container or an image does not exist. Any other 404 is not a sign of absence. */
export function isGone(error: unknown): boolean {
  return (
    error instanceof AnswerError &&
    error.status === 404 &&
    /no such (container|image)|no container with name or id|image not known/i.test(error.said)
  );
}

/** Whether the engine rejects the API version, which means that the engine was upgraded or downgraded. */
export function isVersionRefused({ status, text }: HttpAnswer): boolean {
  return status === 400 && /client version [\d.]+ is too (old|new)/i.test(text);
}

/** @throws {SourceError} `malformed` if it is not JSON. */
export function jsonIn(
  { source, name, what }: { readonly source: string; readonly name: string; readonly what: string },
  answer: HttpAnswer,
): unknown {
  if (answer.text.trim() === '') return undefined;
  const body = parseJson(answer.text);
  if (body !== undefined) return body;
  throw new SourceError(
    source,
    'malformed',
    `${name} returned ${contentOf(answer)} for ${what}: it may not be a container engine`,
  );
}

/** @param name the name of the engine in errors. */
export function errorOfStatus(
  { source, name, what }: { readonly source: string; readonly name: string; readonly what: string },
  answer: HttpAnswer,
): SourceError {
  const { status, text } = answer;
  const said = messageIn(answer);
  const quoted = said === '' ? '' : `: ${said}`;
  const error = (kind: SourceErrorKind, message: string): AnswerError =>
    new AnswerError(source, kind, message, { status, said });
  if (status === 400 && /HTTP request to an HTTPS server/i.test(text))
    return error('refused', `${name} requires TLS: set \`ca\` and \`clientCertificate\``);
  if (said === '')
    return error(
      status >= 500 ? 'unreachable' : status === 401 || status === 403 ? 'refused' : 'malformed',
      `${name} returned ${status} with ${contentOf(answer)} for ${what}: it may not be a container engine`,
    );
  if (status === 401 || status === 403)
    return error('refused', `${name} denied the request for ${what} (${status})${quoted}`);
  if (status === 404) return error('missing', `${name} returned 404 for ${what}${quoted}`);
  if (status === 429) return error('unreachable', `${name} is overloaded (429)${quoted}`);
  if (status >= 500)
    return error('unreachable', `${name} failed to process the request for ${what} (${status})${quoted}`);
  return error('refused', `${name} refused the request for ${what} (${status})${quoted}`);
}

/** Docker writes `{message}`, Podman also `{cause, message, response}`. */
function messageIn({ text }: HttpAnswer): string {
  const message = printable((textIn(asObject(parseJson(text)), 'message') ?? '').trim());
  return message.length > MAX_QUOTED ? `${message.slice(0, MAX_QUOTED)}…` : message;
}

function contentOf({ text, headers }: HttpAnswer): string {
  if (text.trim() === '') return 'an empty body';
  if (/\bhtml\b/i.test(headers['content-type'] ?? '') || /^\s*</.test(text)) return 'a web page';
  return parseJson(text) === undefined ? 'text that is not JSON' : 'unexpected JSON';
}
