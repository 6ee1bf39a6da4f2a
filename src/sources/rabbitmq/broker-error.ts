import type { HttpAnswer } from '../../ports/recorder.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';

const MAX_QUOTED = 200;

interface BrokerErrorContext {
  readonly source: string;
  readonly host: string;
  readonly username: string;
}

/** The error for a response that is not a success, with the reason that RabbitMQ gives: `{"error": …, "reason": …}`. */
export function brokerError({ source, host, username }: BrokerErrorContext, answer: HttpAnswer): SourceError {
  const { status } = answer;
  const error = (kind: SourceErrorKind, message: string): SourceError =>
    new SourceError(source, kind, message);
  const reason = reasonIn(answer);
  const quoted = reason === undefined ? '' : `: ${reason}`;
  if (status >= 300 && status < 400)
    return error(
      'unreachable',
      `${host} redirects (${status}), which was not followed: configure the final address`,
    );
  if (status === 401 || status === 403) return error('refused', refusal({ host, username, status, reason }));
  if (status >= 500) return error('unreachable', `${host} responded with an error (${status})${quoted}`);
  // RabbitMQ always gives a reason in JSON. A proxy in front may send anything.
  if (reason === undefined && looksLikeWebPage(answer))
    return error('malformed', `${host} responded with a web page instead of JSON (${status})`);
  if (status === 404) return error('missing', `${host} returned 404${quoted}`);
  if (status === 429) return error('unreachable', `${host} is rate limiting requests (429)`);
  return error('refused', `${host} rejected the request (${status})${quoted}`);
}

/** https://www.rabbitmq.com/docs/management#permissions */
function refusal({
  host,
  username,
  status,
  reason,
}: {
  readonly host: string;
  readonly username: string;
  readonly status: number;
  readonly reason: string | undefined;
}): string {
  if (/not.monitor.user/i.test(reason ?? ''))
    return `${host} refused (${status}): the user ${username} needs the tag monitoring`;
  if (/virtual host/i.test(reason ?? ''))
    return `${host} refused (${status}): the user ${username} has no permission in the virtual host`;
  if (/access refused/i.test(reason ?? ''))
    return `${host} refused (${status}): the user ${username} has no permission for it`;
  return `${host} refused the user ${username} (${status})${reason === undefined ? '' : `: ${reason}`}`;
}

function reasonIn({ text }: HttpAnswer): string | undefined {
  const body = asObject(parseJson(text));
  const reason = textIn(body, 'reason') ?? textIn(body, 'error');
  if (reason === undefined) return undefined;
  const clean = printable(reason.replaceAll(/\s+/g, ' ').trim());
  // Whole words: a secret that is cut in the middle wouldn't be recognized.
  return clean.length > MAX_QUOTED ? `${clean.slice(0, MAX_QUOTED).replace(/\S*$/, '')}…` : clean;
}

export function looksLikeWebPage({ text, headers }: HttpAnswer): boolean {
  return /\bhtml\b/i.test(headers['content-type'] ?? '') || /^\s*</.test(text);
}
