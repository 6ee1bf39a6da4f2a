import { z } from 'zod';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import type { TextResponse } from '../../wire/http.ts';
import { printable } from '../../wire/x509.ts';
import type { BoshConfig } from './config.ts';
import { parseJson } from '../../text/parse-json.ts';

const MAX_LENGTH = 300;

/** The body of an error response of a director: https://bosh.io/docs/director-api-v1/ */
const errorResponse = z.object({ code: z.number(), description: z.string() });
/** The body if the director doesn't know the certificates of itself. */
const plainErrorResponse = z.object({ error: z.string() });

/** Makes text from a director safe to show: shortened, without control characters. */
export function cleanDirectorText(text: string): string {
  const words = printable(text.replaceAll(/\s+/g, ' ').trim());
  return words.length > MAX_LENGTH ? `${words.slice(0, MAX_LENGTH)}…` : words;
}

/** The error for a response that is neither success nor accepted. */
export function directorError(config: BoshConfig, { status, text }: TextResponse): SourceError {
  const { host } = new URL(config.url);
  const known = errorResponse.safeParse(parseJson(text));
  const { code, description } = known.success ? known.data : { code: 0, description: '' };
  // Sinatra's default text if no route matched: the director is too old, or the route doesn't accept the Content-Type.
  const noRoute = status === 404 && !known.success;
  const words = known.success
    ? `the director says: ${cleanDirectorText(description)} (${code})`
    : noRoute
      ? `the director doesn't support this call (404): it is too old, or ${host} is not a director`
      : `${host} returned ${status}${plainReason(text)}`;
  return new SourceError(config.name, kindOf(status), words);
}

function plainReason(text: string): string {
  const { data } = plainErrorResponse.safeParse(parseJson(text));
  return data ? `: ${cleanDirectorText(data.error)}` : '';
}

function kindOf(status: number): SourceErrorKind {
  if (status === 404) return 'missing';
  if (status >= 500 || status === 429) return 'unreachable';
  return status < 400 ? 'malformed' : 'refused';
}
