import type { HttpAnswer } from '../../ports/recorder.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';

const MAX_QUOTED = 200;

interface CredhubErrorContext {
  readonly source: string;
  readonly host: string;
}

/**
 * The error for a response of CredHub that is not a success, with its own message: `{"error": …}`.
 * A credential without the permission `read` gets a 404, as if nothing were there; one without `write` gets a 403:
 * https://github.com/cloudfoundry/credhub/blob/main/docs/authorization-and-permissions.md
 */
export function credhubError({ source, host }: CredhubErrorContext, answer: HttpAnswer): SourceError {
  const { status } = answer;
  const error = (kind: SourceErrorKind, message: string): SourceError =>
    new SourceError(source, kind, message);
  const message = credhubErrorText(answer);
  const quoted = message === undefined ? '' : `: ${message}`;
  if (status >= 300 && status < 400)
    return error(
      'unreachable',
      `${host} redirects (${status}), which was not followed: configure the final address`,
    );
  if (status === 401) return error('refused', `${host} rejected the login (401)${quoted}`);
  if (status === 403)
    return error('refused', `${host} refused (403): the credential may not do this${quoted}`);
  if (status === 404)
    return error(
      'missing',
      `${host} returned 404: it doesn't exist, or the credential has no permission \`read\` for it`,
    );
  if (status === 429) return error('unreachable', `${host} is rate limiting requests (429)`);
  if (isReadOnly(answer)) return error('refused', `${host} is in read-only mode (503)`);
  if (status >= 500) return error('unreachable', `${host} responded with an error (${status})${quoted}`);
  return error('refused', `${host} rejected the request (${status})${quoted}`);
}

/** While it is upgraded or backed up, CredHub rejects all changes, before it makes any. */
function isReadOnly(answer: HttpAnswer): boolean {
  return answer.status === 503 && /read.?only/i.test(credhubErrorText(answer) ?? '');
}

/** Why a token was rejected: `invalid_token`, `access_token_expired`. */
export function credhubErrorCode({ text }: HttpAnswer): string | undefined {
  const code = textIn(asObject(parseJson(text)), 'error');
  return code !== undefined && /^[a-z_]{1,60}$/.test(code) ? code : undefined;
}

/** In one line: its description, if it has one, else the error. Not if it quotes a PEM. */
export function credhubErrorText({ text }: HttpAnswer): string | undefined {
  const body = asObject(parseJson(text));
  const message = textIn(body, 'error_description') ?? textIn(body, 'error');
  if (message === undefined || message.includes('-----')) return undefined;
  const clean = printable(message.replaceAll(/\s+/g, ' ').trim()).replace(/\.$/, '');
  // Whole words: a secret that is cut in the middle wouldn't be recognized.
  return clean.length > MAX_QUOTED ? `${clean.slice(0, MAX_QUOTED).replace(/\S*$/, '')}…` : clean;
}
