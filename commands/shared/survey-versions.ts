import type { ports, ReadContext } from '../kit.ts';
import { limitTasks } from './limit-tasks.ts';

/** Versions of a managed certificate, by its place. */
export interface WantedContents {
  readonly place: string;
  readonly versions: readonly string[];
}

interface StoredPlace extends Pick<ports.SeenPlace, 'place' | 'chain'> {
  readonly store: string;
  readonly role: ports.CertificateStore['role'];
}

/** How many former versions of a place are read. Vault keeps ten by default: https://developer.hashicorp.com/vault/docs/secrets/kv/kv-v2 */
const MAX_VERSIONS = 10;
/** How many histories are read. */
const MAX_HISTORIES = 200;
const MAX_REQUESTS = 4;
/** How many versions are read because their end is unknown. */
const MAX_UNDATED = 200;

/**
 * The versions that a site may serve: those that end at the same second as a served certificate, and some whose end is unknown. Reading a version may read
 * its private key, so no others are.
 */
export function versionsServed(
  managed: readonly ports.ManagedCertificate[],
  places: readonly StoredPlace[],
): readonly WantedContents[] {
  const served = new Set(
    places.flatMap(({ role, chain: [leaf] }) => (role === 'served' ? [leaf.notAfter.getTime()] : [])),
  );
  if (served.size === 0) return [];
  let undated = 0;
  const mayBeServed = ({ notAfter }: ports.CertificateVersion) => {
    if (notAfter) return served.has(notAfter.getTime());
    undated += 1;
    return undated <= MAX_UNDATED;
  };
  return managed.flatMap(({ place, versions }) => {
    const ids = versions.filter(mayBeServed).map(({ id }) => id);
    return ids.length > 0 ? [{ place, versions: ids }] : [];
  });
}

/** Adds the former versions of places that have the names of a served certificate which is stored nowhere. */
export async function withHistory<P extends StoredPlace>(
  { attempt, signal }: Pick<ReadContext, 'attempt' | 'signal'>,
  stores: readonly ports.CertificateStore[],
  places: readonly P[],
): Promise<readonly (P & { readonly history?: readonly ports.VersionContent[] })[]> {
  const stored = places.filter(({ role }) => role === 'stored');
  const known = new Set(stored.map(({ chain: [leaf] }) => leaf.fingerprint));
  const unknown = new Set(
    places.flatMap(({ role, chain: [leaf] }) =>
      role === 'served' && !known.has(leaf.fingerprint) ? [leaf.publicKey, nameKeyOf(leaf)] : [],
    ),
  );
  const historyOf = new Map(
    stores.flatMap(({ name, history }) => (history ? [[name, history] as const] : [])),
  );
  const wanted = stored
    .filter(
      ({ store, chain: [leaf] }) =>
        historyOf.has(store) && (unknown.has(leaf.publicKey) || unknown.has(nameKeyOf(leaf))),
    )
    .slice(0, MAX_HISTORIES);
  const limit = limitTasks(MAX_REQUESTS);
  const read = await Promise.all(
    wanted.map(async ({ store, place }) => {
      const history = await limit(() =>
        attempt<readonly ports.VersionContent[] | undefined>(
          `former versions of ${place}`,
          undefined,
          async () => historyOf.get(store)?.(place, { signal, most: MAX_VERSIONS }),
        ),
      );
      return [place, history] as const;
    }),
  );
  const histories = new Map(read);
  return places.map((one) => {
    const history = histories.get(one.place);
    return history ? { ...one, history } : one;
  });
}

/** Equal for certificates with the same names, in any order and case. */
export function nameKeyOf({ alternativeNames, subject }: ports.Certificate): string {
  return alternativeNames.length === 0
    ? `subject ${subject}`
    : alternativeNames
        .map((name) => name.toLowerCase())
        .toSorted()
        .join();
}
