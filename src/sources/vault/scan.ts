import type { ScanOptions, ScanResult, UnseenPlace } from '../../ports/certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import type { HttpClient } from '../../wire/http.ts';
import { printable } from '../../wire/x509.ts';
import { certificatesIn } from './certificates-in.ts';
import type { VaultConfig } from './config.ts';
import { openWorkQueue } from './work-queue.ts';
import { fetchHealth } from './health.ts';
import { listFolder, type FolderListing } from './listing.ts';
import { explainMissingCapability } from './missing-capability.ts';
import { findMount, listPath, type Mount, readPath, type Root } from './mounts.ts';
import { type FailedPlace, makeCircuitBreaker, type CircuitBreaker } from './circuit-breaker.ts';
import { issuerPlaces } from './pki.ts';
import { readSecret } from './read.ts';
import { renewalAllowed } from './renew-place.ts';
import type { VaultSession } from './session.ts';

export interface VaultScan extends ScanOptions {
  readonly config: VaultConfig;
  readonly http: HttpClient;
  readonly session: VaultSession;
}

/** An item to visit: a configured path, or something below it. */
type Item =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'folder' | 'secret'; readonly root: Root; readonly below: string };

/** The result of visiting an item. */
interface Outcome {
  readonly results: readonly ScanResult[];
  readonly more: readonly Item[];
}

/**
 * Walks all configured paths. A forbidden path is a gap, and the walk continues. If Vault stops responding, the walk ends, and earlier
 * results are kept.
 * @throws {SourceError} if nothing can be read, because Vault doesn't respond or rejects the login.
 */
export async function* scanSecrets(scan: VaultScan): AsyncGenerator<ScanResult, void, undefined> {
  const { config, session, signal, onProgress } = scan;
  await session.start(signal).catch(async (error: unknown) => {
    throw await explain(scan, error);
  });
  let secrets = 0;
  const visited = new Set<string>();
  const breaker = makeCircuitBreaker(config.name);
  const queue = openWorkQueue<Item>(
    config.paths.map((path) => ({ kind: 'path' as const, path })).toReversed(),
  );

  async function* work(item: Item, signal: AbortSignal): AsyncGenerator<ScanResult, void, undefined> {
    try {
      if (breaker.skips(toFailedPlace(item))) return;
      const { results, more } = await visit({ ...scan, signal }, item, visited);
      breaker.recordSuccess();
      if (item.kind === 'secret') onProgress?.({ read: ++secrets, unit: 'secrets' });
      queue.add(more.toReversed());
      yield* results;
    } catch (error) {
      if (!(error instanceof SourceError) || signal.aborted) throw error;
      const gap = await handleFailure({ ...scan, signal }, item, error, breaker);
      if (gap) yield gap;
      if (breaker.isOpen()) for (const left of queue.drain()) breaker.skips(toFailedPlace(left));
    } finally {
      queue.done();
    }
  }

  let left = 0;
  const countLeft = (): void => {
    left = queue.left();
  };
  signal.addEventListener('abort', countLeft, { once: true });
  try {
    yield* concurrently(queue, config.concurrency, work, signal);
  } catch (error) {
    throw signal.aborted && error instanceof SourceError ? unfinished(error, left) : error;
  } finally {
    signal.removeEventListener('abort', countLeft);
  }
  yield* breaker.gaps();
  if (!breaker.isOpen()) yield* issuerPlaces(scan, scan);
  else for (const mount of config.pki ?? []) yield skippedPki(config, mount);
}

function skippedPki({ name }: VaultConfig, mount: string): UnseenPlace {
  const error = new SourceError(name, 'unreachable', 'not read after many failed requests');
  return { kind: 'unseen', place: printable(`${name}:${mount}`), error };
}

/** The number of secrets in folders that were not listed is unknown, so the whole source counts as unfinished. */
function unfinished({ source, kind, message }: SourceError, left: number): SourceError {
  const what = left === 1 ? '1 secret or folder' : `${left} secrets and folders`;
  return new SourceError(source, kind, `${message}: at least ${what} not read`);
}

/** Decides whether a failure is a separate gap, part of an outage, or the end of the scan. */
async function handleFailure(
  scan: VaultScan,
  item: Item,
  error: SourceError,
  breaker: CircuitBreaker,
): Promise<UnseenPlace | undefined> {
  const lost = scan.session.lost();
  if (lost) {
    breaker.open(`stopped because the login was lost (${lost.message})`, lost.kind);
    breaker.skips(toFailedPlace(item));
    return undefined;
  }
  if (error.kind !== 'unreachable') {
    breaker.recordSuccess();
    return { kind: 'unseen', place: placeOf(scan, item), error };
  }
  const at = toFailedPlace(item);
  const what = breaker.recordFailure(at, error);
  if (what === 'go-on' || breaker.isOpen()) return undefined;
  const gone = await explainOutage(scan);
  if (gone !== undefined || what === 'stop')
    breaker.open(`stopped after many consecutive failed requests (${gone ?? error.message})`);
  else breaker.skipFolder(at.folder);
  return undefined;
}

/** Why Vault is down; `undefined` if it reports to be healthy. */
function explainOutage({ config, http, signal }: VaultScan): Promise<string | undefined> {
  return fetchHealth(config, http, signal).then(
    ({ because }) => because,
    (error: unknown) => {
      if (error instanceof SourceError) return error.message;
      throw error;
    },
  );
}

/** A sealed Vault and a broken load balancer both return 503; Vault's own health distinguishes them. */
async function explain({ config, http, signal }: VaultScan, error: unknown): Promise<unknown> {
  if (!(error instanceof SourceError) || error.kind !== 'unreachable' || signal.aborted) return error;
  const health = await fetchHealth(config, http, signal).catch(() => undefined);
  return health?.because === undefined ? error : new SourceError(config.name, 'unreachable', health.because);
}

async function visit(scan: VaultScan, item: Item, visited: Set<string>): Promise<Outcome> {
  if (item.kind === 'path') return visitPath(scan, item.path, visited);
  const { root, below } = item;
  const at = `${root.mount.path}${below}`;
  if (visited.has(at)) return { results: [], more: [] };
  visited.add(at);
  if (item.kind === 'secret') return { results: await readCertificates(scan, root, below), more: [] };
  const listed = await list(scan, root, below);
  if (listed) return outcomeOf(scan, root, listed);
  throw new SourceError(scan.config.name, 'missing', 'listed, but now empty or hidden from this token');
}

/** A configured path is a folder, or a single secret. */
async function visitPath(scan: VaultScan, path: string, visited: Set<string>): Promise<Outcome> {
  const { config, session, signal } = scan;
  const root = await findMount(session, config.name, path, signal);
  const folder = root.below === '' ? '' : `${root.below}/`;
  const listed = await list(scan, root, folder).catch((error: unknown) => {
    if (!(error instanceof SourceError) || error.kind !== 'refused' || session.lost()) throw error;
    return error;
  });
  if (listed && !(listed instanceof SourceError)) {
    visited.add(root.mount.path + folder);
    return outcomeOf(scan, root, listed);
  }
  const nothing = new SourceError(config.name, 'missing', nothingAt(root));
  if (root.below === '') throw listed ?? nothing;
  const at = root.mount.path + root.below;
  if (visited.has(at)) return { results: [], more: [] };
  visited.add(at);
  try {
    const results = await readCertificates(scan, root, root.below);
    return { results, more: [] };
  } catch (error) {
    if (!(error instanceof SourceError) || error.kind === 'unreachable' || session.lost()) throw error;
    if (error.kind === 'malformed') throw error;
    throw listed ?? (error.kind === 'refused' ? error : nothing);
  }
}

function nothingAt({ path, mount, below }: Root): string {
  const unescaped = /^(data|metadata)\/(.+)/.exec(below)?.[2];
  if (mount.version === 2 && unescaped !== undefined)
    return `nothing is there: write the path as ${mount.path}${unescaped}, without \`data/\` or \`metadata/\``;
  return below === ''
    ? `${path} is empty, or everything in it is hidden from this token`
    : 'there is no folder or secret, or it is hidden from this token';
}

function list(
  { config, session, signal }: VaultScan,
  { mount }: Root,
  folder: string,
): Promise<FolderListing | undefined> {
  return listFolder(session, config.name, mount, folder, signal).catch((error: unknown) => {
    throw explainMissingCapability(error, session, config.name, 'list', listPath(mount, folder));
  });
}

async function readCertificates(
  scan: VaultScan,
  { mount }: Root,
  path: string,
): Promise<readonly ScanResult[]> {
  const { config, session, signal, onEmpty, onCertificate } = scan;
  const place = { session, source: config.name, mount, path, signal };
  const content = await readSecret(place, config.only).catch((error: unknown) => {
    throw explainMissingCapability(error, session, config.name, 'read', readPath(mount, path));
  });
  if (!content) {
    onEmpty?.();
    return [];
  }
  const { values, version, createdAt } = content;
  const allowed = mount.version === 2 ? renewalAllowed(config, mount.path + path) : undefined;
  const results = certificatesIn(config.name, placeName(config, mount, path), values, {
    renewal: allowed && (allowed === 'sign' ? 'sign' : 'issue'),
    facts: {
      ...(version !== undefined && { version: String(version) }),
      ...(createdAt && { storedSince: createdAt }),
    },
    onCertificate,
  });
  if (results.length === 0) onEmpty?.();
  return results;
}

function outcomeOf(
  { config }: VaultScan,
  root: Root,
  { folders, secrets, unaskable }: FolderListing,
): Outcome {
  const because = "its name can't be requested over HTTP";
  return {
    results: unaskable.map((below) => ({
      kind: 'unseen' as const,
      place: placeName(config, root.mount, below),
      error: new SourceError(config.name, 'malformed', because),
    })),
    more: [
      ...secrets.map((below) => ({ kind: 'secret' as const, root, below })),
      ...folders.map((below) => ({ kind: 'folder' as const, root, below })),
    ],
  };
}

function placeName({ name }: VaultConfig, mount: Mount, below: string): string {
  return printable(`${name}:${mount.path}${below}`);
}

function placeOf({ config }: VaultScan, item: Item): string {
  return item.kind === 'path'
    ? `${config.name}:${item.path}`
    : placeName(config, item.root.mount, item.below);
}

function toFailedPlace(item: Item): FailedPlace {
  if (item.kind === 'path') return { root: item.path, folder: item.path, place: item.path };
  const place = item.root.mount.path + item.below;
  return { root: item.root.path, folder: place.replace(/[^/]*\/?$/, ''), place };
}
