import { SourceError } from '../../ports/source-error.ts';
import { namesCertificate } from '../../wire/certificate-names.ts';
import { pairedKeyNames } from '../../wire/key-pairs.ts';
import { type Mount, readPath } from './mounts.ts';
import type { VaultSession } from './session.ts';
import { asObject, type JsonObject, numberIn, textIn } from '../../wire/json-object.ts';

interface Place {
  readonly session: VaultSession;
  readonly source: string;
  readonly mount: Mount;
  /** Below the mount. */
  readonly path: string;
  readonly signal: AbortSignal;
}

/** The values of a secret, and of KV version 2 which version it is. */
export interface SecretContent {
  readonly values: JsonObject;
  readonly version?: number;
  readonly createdAt?: Date;
}

/**
 * The content of a secret. `undefined` if it contains no certificate: its latest version was deleted or destroyed, or, with `named`, none of
 * its names looks like that of a certificate. In the latter case its values aren't read, if the names can be read separately.
 * @throws {SourceError} `missing`, also if a listed secret turns out to be hidden.
 */
export async function readSecret(place: Place, only: 'any' | 'named'): Promise<SecretContent | undefined> {
  if (only === 'named' && place.mount.version === 2) {
    const names = await readNames(place);
    if (names === 'deleted' || (names && !names.some(namesCertificate))) return undefined;
  }
  const content = await readContent(place);
  if (only !== 'named' || !content) return content;
  const { values } = content;
  // The key next to a certificate shows whether they still match.
  const keys = new Set(Object.keys(values).flatMap(pairedKeyNames));
  const named = Object.entries(values).filter(
    ([key, value]) => keys.has(key) || [key, ...deepNames(asObject(value))].some(namesCertificate),
  );
  return named.length > 0 ? { ...content, values: Object.fromEntries(named) } : undefined;
}

async function readContent({
  session,
  source,
  mount,
  path,
  signal,
}: Place): Promise<SecretContent | undefined> {
  const { status, body } = await session.request({ path: readPath(mount, path), accept: [404], signal });
  const answer = asObject(body)['data'];
  if (status === 404) {
    if (isDeleted(answer)) return undefined;
    throw new SourceError(
      source,
      'missing',
      "listed, but can't be read: it was deleted in the meantime, or is hidden from this token",
    );
  }
  const values = mount.version === 2 ? asObject(answer)['data'] : answer;
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw new SourceError(source, 'malformed', 'the response for the secret is malformed: it has no values');
  return { values: values as JsonObject, ...(mount.version === 2 && versionIn(answer)) };
}

/** Which version a response of KV version 2 contains, and when it was written. */
export function versionIn(answer: unknown): Pick<SecretContent, 'version' | 'createdAt'> {
  const metadata = asObject(asObject(answer)['metadata']);
  const version = numberIn(metadata, 'version');
  const createdAt = new Date(textIn(metadata, 'created_time') ?? Number.NaN);
  return {
    ...(version !== undefined && { version }),
    ...(!Number.isNaN(createdAt.getTime()) && { createdAt }),
  };
}

/** The names in a secret without its values; `undefined` if Vault is older than 1.10 or the token lacks permission. */
async function readNames({
  session,
  mount,
  path,
  signal,
}: Place): Promise<readonly string[] | 'deleted' | undefined> {
  try {
    const question = { path: `${mount.path}subkeys/${path}`, accept: [404, 405], signal };
    const { status, body } = await session.request(question);
    const answer = asObject(body)['data'];
    if (status !== 200) return isDeleted(answer) ? 'deleted' : undefined;
    return deepNames(asObject(asObject(answer)['subkeys']));
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'refused' && !session.lost()) return undefined;
    throw error;
  }
}

/** A 404 with a body is a deleted version: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version */
export function isDeleted(answer: unknown): boolean {
  const metadata = asObject(asObject(answer)['metadata']);
  return metadata['destroyed'] === true || textIn(metadata, 'deletion_time') !== undefined;
}

/** All names at any depth. Not recursive, because a secret may be nested arbitrarily deep. */
function deepNames(object: JsonObject): readonly string[] {
  const names: string[] = [];
  const waiting: JsonObject[] = [object];
  for (let next = waiting.pop(); next; next = waiting.pop())
    for (const [key, value] of Object.entries(next)) {
      names.push(key);
      if (typeof value === 'object' && value !== null) waiting.push(value as JsonObject);
    }
  return names;
}
