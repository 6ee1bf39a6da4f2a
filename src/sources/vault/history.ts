import type { VersionContent } from '../../ports/managed-certificates.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';
import { certificatesIn } from './certificates-in.ts';
import { explainMissingCapability } from './missing-capability.ts';
import { findMount, readPath } from './mounts.ts';
import { isDeleted, versionIn } from './read.ts';
import { type SecretPlace, splitPlace } from './secret-place.ts';
import type { WriteAccess } from './versioned.ts';

/** Versions that were deleted, or that have no certificate there, are skipped: at most this many. */
const MOST_SKIPPED = 20;

/**
 * The certificates at a place in the versions before the present one, newest first. Each version is read by its number, which needs no more
 * permission than reading the secret. Empty in KV version 1, which has no versions.
 * @throws {SourceError}
 */
export async function readHistory(
  reading: WriteAccess,
  place: string,
  most: number,
): Promise<readonly VersionContent[]> {
  await reading.session.start(reading.signal);
  for (const candidate of splitPlace(reading.config.name, place)) {
    const found = await readVersions(reading, candidate, most);
    if (found) return found;
  }
  return [];
}

/** undefined if there is no such secret. */
async function readVersions(
  reading: WriteAccess,
  { path, at }: SecretPlace,
  most: number,
): Promise<readonly VersionContent[] | undefined> {
  const { config, session, signal } = reading;
  const { mount, below } = await findMount(session, config.name, path, signal);
  if (mount.version !== 2) return [];
  const apiPath = readPath(mount, below);
  const present = await readVersion(reading, apiPath);
  if (present?.version === undefined) return undefined;
  const found: VersionContent[] = [];
  const last = Math.max(1, present.version - most - MOST_SKIPPED);
  for (let number = present.version - 1; number >= last && found.length < most; number -= 1) {
    const former = await readVersion(reading, apiPath, number);
    // Vault removes the oldest versions first, so that there are no older ones either.
    if (!former) break;
    const content = former.values && contentAt(config.name, at, former.values);
    if (content)
      found.push({
        id: String(number),
        ...(former.createdAt && { createdAt: former.createdAt }),
        ...content,
      });
  }
  return found;
}

interface FormerVersion extends ReturnType<typeof versionIn> {
  /** Absent if it was deleted or destroyed. */
  readonly values?: JsonObject;
}

/** The newest version, or the given one. undefined if there is none. */
async function readVersion(
  { config, session, signal }: WriteAccess,
  path: string,
  version?: number,
): Promise<FormerVersion | undefined> {
  const { status, body } = await session
    .request({ path, ...(version !== undefined && { query: `version=${version}` }), accept: [404], signal })
    .catch((error: unknown) => {
      throw explainMissingCapability(error, session, config.name, 'read', path);
    });
  const answer = asObject(asObject(body)['data']);
  if (status === 404) return isDeleted(answer) ? versionIn(answer) : undefined;
  const { data } = answer;
  return {
    ...versionIn(answer),
    ...(typeof data === 'object' && data !== null && { values: asObject(data) }),
  };
}

function contentAt(
  source: string,
  at: string,
  values: JsonObject,
): Pick<VersionContent, 'chain' | 'trusts'> | undefined {
  for (const one of certificatesIn(source, '', values))
    if (one.kind === 'seen' && one.place === at) return { chain: one.chain, trusts: one.trusts ?? [] };
  return undefined;
}
