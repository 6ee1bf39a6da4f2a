import { setImmediate } from 'node:timers/promises';
import type { ScanResult, UnseenPlace } from '../../ports/certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import { type QueueEntry, makeAddressQueue } from './address-queue.ts';
import type { TlsConfig } from './config.ts';
import { formatAge, timeoutError } from './explain-error.ts';
import { type Pending, makePending } from './pending.ts';
import { addressOf, type ProbeResult, keyTypesBeside, probe } from './probe.ts';
import { type KnownTimeout, trackTimeouts, type RecentTimeouts } from './recent-timeouts.ts';
import { type Addresses, type Resolver, systemResolver } from './resolve.ts';
import type { Site } from './site.ts';
import type { IssuersReadAt, SeenPlaceReader } from './seen-place.ts';
import { makeKeyedLimit, type KeyedLimit } from './keyed-limit.ts';

/** Shared by all scans of one source, because concurrent checks request the same sites. */
export interface TlsState {
  readonly config: TlsConfig;
  readonly clock: () => number;
  readonly limit: KeyedLimit;
  readonly pending: Pending<ProbeResult>;
  readonly timeouts: RecentTimeouts;
  /** The same for handshakes that request further types of keys, which some appliances drop. */
  readonly keyTimeouts: RecentTimeouts;
  /** Addresses whose last request got no response. */
  readonly slow: Set<string>;
  /** Addresses whose last request got a response. */
  readonly responsive: Set<string>;
  readonly resolver: Resolver;
  readonly issuersAt: IssuersReadAt;
}

/** Timeouts are remembered for twice their length, and no longer than this. */
const MAX_KEPT_MS = 10_000;

/** @param clock milliseconds since 1970 */
export function makeTlsState(config: TlsConfig, clock: () => number): TlsState {
  const { name: source, timeoutMs, perAddress } = config;
  const keptMs = Math.min(MAX_KEPT_MS, 2 * timeoutMs);
  return {
    config,
    clock,
    limit: makeKeyedLimit(perAddress),
    pending: makePending(),
    timeouts: trackTimeouts(keptMs, clock),
    keyTimeouts: trackTimeouts(keptMs, clock),
    slow: new Set(),
    responsive: new Set(),
    resolver: systemResolver({ source, timeoutMs, clock }),
    issuersAt: new Map(),
  };
}

/** A result and its target: a site, or one of its addresses with `everyAddress`. */
export interface SiteResult {
  readonly asked: string;
  readonly result: ScanResult;
}

/** One site at one address, or at several addresses that are raced. */
interface Target extends QueueEntry {
  readonly place: string;
  readonly site: Site;
  readonly addresses: Addresses;
  /** Key of all addresses together, to remember that none of them responded. */
  readonly everywhere: string;
}

type Task =
  | { readonly result: UnseenPlace; readonly target?: undefined }
  | { readonly target: Target; readonly answer: Promise<ProbeResult> };

/** Reads the certificates of all sites. The failure of a site is a result, and is never thrown. */
export async function* scanSites(
  sites: readonly Site[],
  state: TlsState,
  placeReader: SeenPlaceReader,
  signal: AbortSignal,
): AsyncGenerator<SiteResult, void> {
  const { config, limit, pending, timeouts, slow, responsive } = state;
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  const answered = new Set<string>();
  const queue = makeAddressQueue<Target, Task>({
    begin: (target) => {
      const known = timeouts.find(target.everywhere, target.label);
      if (known !== undefined && !(known.ofOthers && answered.has(target.everywhere)))
        return {
          result: { kind: 'unseen', place: target.place, error: toTimeoutError(target, known, config) },
        };
      const probing = pending.find(target.address, target.label) ?? startProbe(target, state, placeReader);
      if (probing === undefined) return undefined;
      const answer = probing.join(ended);
      answer.catch(() => {}); // the scan may end before a worker gets to it
      return { target, answer };
    },
    underWay: (address) => pending.namesAt(address),
    isSlow: (address) => slow.has(address),
    hasAnswered: (address) => responsive.has(address),
    onceFree: (address, listener) => limit.onceFree(address, listener),
  });
  const readTask = async function* (task: Task): AsyncGenerator<SiteResult, void> {
    if (task.target === undefined) {
      yield { asked: task.result.place, result: task.result };
      return;
    }
    const { target } = task;
    const answer = await task.answer;
    if (!answer.isTimeout) answered.add(target.everywhere);
    for (const result of toResults(target, answer, placeReader)) yield { asked: target.place, result };
  };
  void addAll(sites, state, queue, ended);
  try {
    yield* concurrently(queue.tasks, config.concurrency, readTask, signal);
  } finally {
    stop.abort(new Error('no caller waits for this anymore'));
  }
}

/** Looks up every host once, however many sites it has. No worker waits for lookups. */
async function addAll(
  sites: readonly Site[],
  { config, resolver }: TlsState,
  queue: Pick<ReturnType<typeof makeAddressQueue<Target, Task>>, 'add' | 'addTask' | 'close'>,
  ended: AbortSignal,
): Promise<void> {
  const addHost = async (host: string, there: readonly Site[]) => {
    try {
      const addresses = await resolver.resolve(host);
      for (const site of there) for (const target of targetsOf(site, addresses, config)) queue.add(target);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      for (const { label } of there)
        queue.addTask({ result: { kind: 'unseen', place: `${config.name}:${label}`, error } });
    }
  };
  try {
    const hosts = Map.groupBy(sites, ({ host }) => host);
    await Promise.all([...hosts].map(([host, there]) => addHost(host, there)));
    queue.close();
  } catch (reason) {
    if (!ended.aborted) queue.close({ reason });
  }
}

function targetsOf(
  site: Site,
  addresses: Addresses,
  { name, everyAddress }: TlsConfig,
): [Target, ...Target[]] {
  const { label, port } = site;
  const place = `${name}:${label}`;
  const target = (place: string, addresses: Addresses): Target => {
    const all = addresses.map(({ address }) => address);
    const everywhere = `${all.toSorted().join()} ${port}`;
    return { place, label, site, addresses, address: `${addresses[0].address} ${port}`, everywhere };
  };
  if (!everyAddress || addresses.length === 1) return [target(place, addresses)];
  const [first, ...others] = addresses.map((one) => target(`${place} (${one.address})`, [one]));
  return first === undefined ? [target(place, addresses)] : [first, ...others];
}

/** @returns undefined if no slot is free at the address. */
function startProbe(target: Target, state: TlsState, placeReader: SeenPlaceReader, thorough = false) {
  const { config, clock, limit, pending, timeouts, slow, responsive } = state;
  const { name: source, timeoutMs } = config;
  const { address, label, everywhere, site, addresses, place } = target;
  const giveBack = limit.tryAcquire(address);
  if (giveBack === undefined) return undefined;
  const ask = async (signal: AbortSignal): Promise<ProbeResult> => {
    // Opening a connection inside the close callback of another makes a scan 10% slower (measured on loopback).
    await setImmediate();
    const askedAt = clock();
    const known = config.everyKeyType && !thorough ? state.keyTimeouts.find(everywhere, label) : undefined;
    const everyKeyType = config.everyKeyType && known === undefined;
    const isEnough = thorough ? () => false : placeReader.isEnough(place);
    const answer = await probe(site, addresses, { source, timeoutMs, everyKeyType, isEnough, signal });
    if (answer.isTimeout) timeouts.record(everywhere, label, askedAt);
    else timeouts.clear(everywhere, label);
    if (answer.untried?.isTimeout === true) state.keyTimeouts.record(everywhere, label, askedAt);
    else if (everyKeyType && answer.shown.length > 0) state.keyTimeouts.clear(everywhere, label);
    const isSlow = answer.isTimeout || answer.untried?.isTimeout === true;
    (isSlow ? slow : responsive).add(address);
    (isSlow ? responsive : slow).delete(address);
    const { shown } = answer;
    if (known === undefined || shown[0]?.legacyOnly !== false) return answer;
    const error = toTimeoutError(target, known, config);
    return { ...answer, untried: { keyTypes: keyTypesBeside(shown), error, isTimeout: true } };
  };
  return pending.start(address, thorough ? fullProbeKey(label) : label, ask, giveBack);
}

/**
 * Tries one site now, even if it timed out a moment ago, because a person wants to see whether it is back. The chain is everything that the
 * server sent.
 */
export async function inspectSite(
  site: Site,
  state: TlsState,
  placeReader: SeenPlaceReader,
  signal: AbortSignal,
): Promise<readonly ScanResult[]> {
  const { config, resolver } = state;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const addresses = await Promise.race([resolver.resolve(site.host), aborted]);
    const results: ScanResult[] = [];
    for (const target of targetsOf(site, addresses, config))
      results.push(...toResults(target, await askInTurn(target, state, placeReader, signal), placeReader));
    return results;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SourceError)
      return [{ kind: 'unseen', place: `${config.name}:${site.label}`, error }];
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Takes the next free slot before any scan: scans return to an address only when a worker is free. */
function askInTurn(
  target: Target,
  state: TlsState,
  placeReader: SeenPlaceReader,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const { address, label } = target;
  const ask = () =>
    (state.pending.find(address, fullProbeKey(label)) ?? startProbe(target, state, placeReader, true))?.join(
      signal,
    );
  return new Promise((resolve, reject) => {
    let stop = () => {};
    const onAbort = () => {
      stop();
      reject(signal.reason);
    };
    const askWhenFree = () => {
      const answer = ask();
      if (answer === undefined) stop = state.limit.onceFree(address, askWhenFree);
      else answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    askWhenFree();
  });
}

function fullProbeKey(label: string): string {
  return `${label}, all of it`;
}

const KEY_NAMES: Readonly<Record<string, string>> = {
  rsa: 'RSA',
  'rsa-pss': 'RSA',
  ec: 'ECDSA',
  ed25519: 'Ed25519',
  ed448: 'Ed448',
};

/** The first certificate has the place of the site; further ones have the type of key appended. */
function toResults(
  target: Target,
  answer: ProbeResult,
  placeReader: SeenPlaceReader,
): [ScanResult, ...ScanResult[]] {
  const { place, site, addresses } = target;
  const otherAddresses = addresses.length - 1;
  const { shown, failed, untried } = answer;
  const [first, ...others] = shown;
  if (first === undefined) {
    if (failed === undefined) throw new Error('neither a certificate nor a failure');
    return [{ kind: 'unseen', place, error: failed }];
  }
  const results: [ScanResult, ...ScanResult[]] = [placeReader.read(place, site, first, otherAddresses)];
  for (const probe of others) {
    const seen = placeReader.read(place, site, probe, otherAddresses);
    const { type } = seen.chain[0].key;
    results.push({ ...seen, place: `${place} (${KEY_NAMES[type] ?? type})` });
  }
  if (untried !== undefined) {
    const { error, keyTypes } = untried;
    const types = keyTypes.join(' or ');
    const message = `also requested an ${types} certificate: ${error.message}`;
    const inFull = new SourceError(error.source, error.kind, message);
    results.push({ kind: 'unseen', place: `${place} (${types})`, error: inFull });
  }
  return results;
}

function toTimeoutError(
  { site, addresses }: Target,
  { agoMs, ofOthers }: KnownTimeout,
  { name, timeoutMs }: TlsConfig,
): SourceError {
  const where = addresses.map(({ address }) => addressOf(address, site.port)).join(', ');
  const ago = `${formatAge(agoMs)} ago`;
  const more = ofOthers
    ? ` from ${where} (not tried: this address did not respond for another name${agoMs < 1000 ? '' : ` ${ago}`})`
    : `, tried ${ago}`;
  return timeoutError(name, timeoutMs, more);
}
