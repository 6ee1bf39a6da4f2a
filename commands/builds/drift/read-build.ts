import type { ports } from '../../kit.ts';
import { isDefault, looksLikeCommit, plainNumber, plainVersion, type ReadBuild } from './build.ts';
import { readBuildObject } from './read-build-object.ts';

const MAX_TOKEN_LENGTH = 128;
/** How much of a body is searched for an object with unquoted keys. */
const MAX_LOOSE_LENGTH = 1_000;
const MAX_POINTER_DEPTH = 32;

const TOKEN = /^[\w#][\w.+\-:/#@]*$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TIME = /^\d{4}-\d\d-\d\d[T ]?/;
/** The only line of a body: `BUILD_NUMBER=77`. */
const NAMED_TOKEN = /^(?<name>(?:build[ _-]?)?(?:number|version|id|no)|build)\s*[:=]\s*(?<value>\S+)$/i;
const LOOSE_PAIR = /^\s*["']?(?<key>[\w.-]+)["']?\s*:\s*(?<value>"[^"]*"|'[^']*'|[\w.+-]+)\s*$/;

/** Reads which build a replica runs. Whatever doesn't say so in a known form is no build, and never a guess. */
export function readBuild(answer: ports.BuildAnswer, location: ports.BuildLocation): ReadBuild {
  const { status, isTooLarge } = answer;
  if (status >= 300 && status < 400)
    return { because: `it redirects (status ${status}), which isn't followed` };
  if (status !== 200) return { because: `it responds with status ${status}` };
  if (location.kind === 'header') {
    if (answer.header === undefined) return { because: `it sends no header ${location.header}` };
    return fromToken(answer.header, `its header ${location.header}`);
  }
  if (isTooLarge) return { because: 'its response is too large' };
  if (answer.body === undefined) return { because: "its response isn't text in UTF-8" };
  const body = answer.body.replace(/^\uFEFF/, '').trim();
  if (body === '') return { because: 'its response is empty' };
  if (isPage(answer, body)) return { because: 'it responds with an HTML page' };
  if (location.kind === 'text') return fromText(body);
  const json = parseJson(body);
  if (location.kind === 'pointer') {
    if (!json) return { because: "its response isn't JSON" };
    return fromPointer(json.value, location.pointer);
  }
  if (json) return fromJson(json.value);
  const loose = parseLooseObject(body);
  if (loose) return fromJson(loose);
  return fromText(body);
}

function isPage({ contentType = '' }: ports.BuildAnswer, body: string): boolean {
  return contentType.includes('html') || body.startsWith('<');
}

/** With the text of a number: https://tc39.es/proposal-json-parse-with-source/ */
const parseWithSource = JSON.parse as (
  text: string,
  revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

/** Numbers that would be rounded keep their digits: two builds may differ only in the last ones. */
function parseJson(body: string): { readonly value: unknown } | undefined {
  try {
    return {
      value: parseWithSource(body, (_key, value, { source = '' }) =>
        typeof value === 'number' && /^\d{16,}$/.test(source) ? source : value,
      ),
    };
  } catch {
    return undefined;
  }
}

function fromJson(value: unknown): ReadBuild {
  if (typeof value === 'string' || typeof value === 'number') return fromText(String(value));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { because: 'its response has no build' };
  return readBuildObject(value as Readonly<Record<string, unknown>>);
}

/** `{ buildNumber: 209 }`, if that is the whole body: some programs print objects of JavaScript. */
function parseLooseObject(body: string): Readonly<Record<string, string>> | undefined {
  if (body.length > MAX_LOOSE_LENGTH || !body.startsWith('{') || !body.endsWith('}')) return undefined;
  const pairs = body
    .slice(1, -1)
    .trim()
    .replace(/,$/, '')
    .split(',')
    .map((pair) => LOOSE_PAIR.exec(pair)?.groups);
  if (pairs.some((groups) => groups === undefined)) return undefined;
  return Object.fromEntries(
    pairs.map((groups) => [groups?.['key'] ?? '', (groups?.['value'] ?? '').replaceAll(/^["']|["']$/g, '')]),
  );
}

/** https://www.rfc-editor.org/rfc/rfc6901 */
function fromPointer(root: unknown, pointer: string): ReadBuild {
  let value: unknown = root;
  const words = pointer === '' ? [] : pointer.split('/').slice(1, MAX_POINTER_DEPTH + 1);
  for (const word of words) {
    const key = word.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key))
      return { because: `its JSON has nothing at ${pointer}` };
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  if (typeof value !== 'string' && typeof value !== 'number')
    return { because: `its JSON has no text or number at ${pointer}` };
  return fromToken(String(value), `its JSON at ${pointer}`);
}

function fromText(body: string): ReadBuild {
  const { name = '', value } = NAMED_TOKEN.exec(body)?.groups ?? {};
  if (value !== undefined && /version/i.test(name) && /\d/.test(value) && TOKEN.test(value))
    return { build: { version: plainVersion(value) } };
  return fromToken(value ?? body, 'its response');
}

/** One short word with a digit. `ok`, sentences, times and ids of requests are none. */
function fromToken(text: string, what: string): ReadBuild {
  const token = text.trim();
  const isBuild =
    token.length <= MAX_TOKEN_LENGTH &&
    TOKEN.test(token) &&
    /\d/.test(token) &&
    !UUID.test(token) &&
    !TIME.test(token) &&
    !isDefault(token);
  if (!isBuild) return { because: `${what} isn't a build` };
  if (looksLikeCommit(token)) return { build: { commit: token.toLowerCase() } };
  if (/^#?\d+$/.test(token)) return { build: { number: plainNumber(token) } };
  return { build: { version: plainVersion(token) } };
}
