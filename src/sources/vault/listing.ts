import { SourceError } from '../../ports/source-error.ts';
import { listPath, type Mount } from './mounts.ts';
import type { VaultSession } from './session.ts';
import { asObject } from '../../wire/json-object.ts';

/** Deeper is no folder somebody made, but a server that answers everything. */
const MAX_DEPTH = 64;

export interface FolderListing {
  /** Below the mount, with a slash at the end. */
  readonly folders: readonly string[];
  /** Below the mount. `foo` may be here and `foo/` among the folders: they are two. */
  readonly secrets: readonly string[];
  /** Names that HTTP cannot ask for. */
  readonly unaskable: readonly string[];
}

/**
 * The names in one folder; `undefined` where it is empty, hidden or no folder: Vault says the same 404 of all three.
 * @throws {SourceError}
 */
export async function listFolder(
  session: VaultSession,
  source: string,
  mount: Mount,
  folder: string,
  signal: AbortSignal,
): Promise<FolderListing | undefined> {
  // `GET ?list=true` and not the method LIST, which some proxies refuse.
  const question = { path: listPath(mount, folder), query: 'list=true', accept: [404], signal };
  const { status, body } = await session.request(question);
  if (status === 404) return undefined;
  const keys = asObject(asObject(body)['data'])['keys'];
  if (!Array.isArray(keys) || keys.some((key) => typeof key !== 'string'))
    throw new SourceError(source, 'malformed', 'the list of names cannot be read');
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
 * `.` and `..` would ask for another path, even when escaped (WHATWG URL, "double-dot path segment"); an empty name would ask
 * for the folder itself, again and again.
 */
function canBeAsked(name: string): boolean {
  const segments = name.replace(/\/$/, '').split('/');
  return (
    name.isWellFormed() && segments.every((segment) => segment !== '' && !/^(\.|%2e){1,2}$/i.test(segment))
  );
}
