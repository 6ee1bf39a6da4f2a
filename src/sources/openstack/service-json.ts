import type { HttpAnswer } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import type { JsonObject } from '../../wire/json-object.ts';
import { isWebPage } from './cloud-error.ts';

/** @throws {SourceError} `malformed` if the body is not a JSON object. */
export function objectOf(source: string, service: string, answer: HttpAnswer): JsonObject {
  const body = parseJson(answer.text);
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as JsonObject;
  const content = isWebPage(answer)
    ? 'a web page'
    : answer.text.trim() === ''
      ? 'an empty body'
      : 'something other than JSON';
  throw new SourceError(
    source,
    'malformed',
    `${service} responded with ${content} instead of a JSON object (${answer.status})`,
  );
}

/** The items of a list. @throws {SourceError} `malformed` if there is no such list, or if something else is in it. */
export function itemsOf(
  source: string,
  service: string,
  body: JsonObject,
  name: string,
): readonly JsonObject[] {
  const items = body[name];
  const isObject = (one: unknown): one is JsonObject =>
    typeof one === 'object' && one !== null && !Array.isArray(one);
  if (Array.isArray(items) && items.every(isObject)) return items;
  throw new SourceError(source, 'malformed', `${service} did not return a list of ${name}`);
}
