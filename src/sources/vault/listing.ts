import { SourceError } from '../../ports/source-error.ts';
import { listPath, type Mount } from './mounts.ts';
import type { VaultSession } from './session.ts';
import { asObject } from '../../wire/json-object.ts';

/** No one creates deeper folders: the server returns a folder for any path. */
const MAX_DEPTH = 64;

export interface FolderListing {
  /** Below the mount, with a slash at the end. */
  readonly folders: readonly string[];
  /** Below the mount. `foo` may be a secret and `foo/` a folder. */
  readonly secrets: readonly string[];
  /** Names that can't be requested over HTTP. */
  readonly unaskable: readonly string[];
}

/**
 * The names in one folder; `undefined` if it is empty, hidden or not a folder: Vault returns the same 404 for all three.
 * @throws {SourceError}
 */
export async function listFolder(
  session: VaultSession,
  source: string,
  mount: Mount,
  folder: string,
  signal: AbortSignal,
): Promise<FolderListing | undefined> {
  // `GET ?list=true` instead of the method LIST, which some proxies reject.
  const question = { path: listPath(mount, folder), query: 'list=true', accept: [404], signal };
  const { status, body } = await session.request(question);
  if (status === 404) return undefined;
  const keys = asObject(asObject(body)['data'])['keys'];
  if (!Array.isArray(keys) || keys.some((key) => typeof key !== 'string'))
    throw new SourceError(source, 'malformed', 'the list of names is malformed');
  if (folder.split('/').length > MAX_DEPTH)
    throw new SourceError(source, 'malformed', `folders are nested more than ${MAX_DEPTH} deep`);

  const names = [...new Set(keys as string[])];
  const askable = names.filter(canBeAsked);
  return {
    folders: askable.filter((name) => name.endsWith('/')).map((name) => folder + name),
    secrets: askable.filter((name) => !name.endsWith('/')).map((name) => folder + name),
    unaskable: names.filter((name) => !canBeAsked(name)).map((name) => folder + name),
  };
}

/**
 * `.` and `..` would request another path, even if escaped (https://url.spec.whatwg.org/#double-dot-path-segment), and an empty name the
 * folder itself, endlessly.
 */
function canBeAsked(name: string): boolean {
  const segments = name.replace(/\/$/, '').split('/');
  return (
    name.isWellFormed() && segments.every((segment) => segment !== '' && !/^(\.|%2e){1,2}$/i.test(segment))
  );
}
