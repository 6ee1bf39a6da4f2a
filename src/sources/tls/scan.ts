import { setImmediate } from 'node:timers/promises';
import type { ScanResult, UnseenPlace } from '../../ports/certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import { type Entry, makeAddressQueue } from './address-queue.ts';
import type { TlsConfig } from './config.ts';
import { formatAge, noAnswer } from './explain-error.ts';
import { type Pending, makePending } from './pending.ts';
import { addressOf, type Answer, keyTypesBeside, probe } from './probe.ts';
import { type KnownSilence, makeSilence, type Silence } from './recent-timeouts.ts';
import { type Addresses, type Resolver, systemResolver } from './resolve.ts';
import type { Site } from './site.ts';
import type { IssuersAt, ToSeen } from './seen-place.ts';
import { makeTurns, type Turns } from './keyed-limit.ts';

/** Shared by all scans of one source, because checks that run at the same time ask the same sites. */
export interface State {
  readonly config: TlsConfig;
  readonly clock: () => number;
  readonly turns: Turns;
  readonly pending: Pending<Answer>;
  readonly silence: Silence;
  /** The same for handshakes that ask for further types of keys, which some appliances drop. */
  readonly keySilence: Silence;
  /** Addresses whose last request got no answer. */
  readonly slow: Set<string>;
  /** Addresses where the last one who asked got one. */
  readonly lively: Set<string>;
  readonly resolver: Resolver;
  readonly issuersAt: IssuersAt;
}

/** Silence is remembered for twice the time that it took to notice it, and no longer than this. */
const MAX_KEPT_MS = 10_000;

/** @param clock milliseconds since 1970 */
export function makeState(config: TlsConfig, clock: () => number): State {
  const { name: source, timeoutMs, perAddress } = config;
  const keptMs = Math.min(MAX_KEPT_MS, 2 * timeoutMs);
  return {
    config,
    clock,
    turns: makeTurns(perAddress),
    pending: makePending(),
    silence: makeSilence(keptMs, clock),
    keySilence: makeSilence(keptMs, clock),
    slow: new Set(),
    lively: new Set(),
    resolver: systemResolver({ source, timeoutMs, clock }),
    issuersAt: new Map(),
  };
}

/** A sighting, and what was asked to get it: a site, or one of its addresses with `everyAddress`. */
export interface Found {
  readonly asked: string;
  readonly sighting: ScanResult;
}

/** One site at one address, or at several that are raced. */
interface Target extends Entry {
  readonly place: string;
  readonly site: Site;
  readonly addresses: Addresses;
  /** Key of all the addresses together, for remembering that none of them answered. */
  readonly everywhere: string;
}

type Task =
  | { readonly sighting: UnseenPlace; readonly target?: undefined }
  | { readonly target: Target; readonly answer: Promise<Answer> };

/** Reads the certificates of all sites. A failure of a site is one of the results, and is never thrown. */
export async function* lookAtSites(
  sites: readonly Site[],
  state: State,
  toSeen: ToSeen,
  signal: AbortSignal,
): AsyncGenerator<Found, void> {
  const { config, turns, pending, silence, slow, lively } = state;
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  const answered = new Set<string>();
  const queue = makeAddressQueue<Target, Task>({
    begin: (target) => {
      const known = silence.ask(target.everywhere, target.label);
      if (known !== undefined && !(known.ofOthers && answered.has(target.everywhere)))
        return {
          sighting: { kind: 'unseen', place: target.place, error: toSilentError(target, known, config) },
        };
      const probing = pending.find(target.address, target.label) ?? startProbe(target, state, toSeen);
      if (probing === undefined) return undefined;
      const answer = probing.join(ended);
      answer.catch(() => {}); // the scan may end before a lane gets to it
      return { target, answer };
    },
    underWay: (address) => pending.namesAt(address),
    isSlow: (address) => slow.has(address),
    hasAnswered: (address) => lively.has(address),
    onceFree: (address, listener) => turns.onceFree(address, listener),
  });
  const look = async function* (task: Task): AsyncGenerator<Found, void> {
    if (task.target === undefined) {
      yield { asked: task.sighting.place, sighting: task.sighting };
      return;
    }
    const { target } = task;
    const answer = await task.answer;
    if (!answer.isSilent) answered.add(target.everywhere);
    for (const sighting of toSightings(target, answer, toSeen)) yield { asked: target.place, sighting };
  };
  void addAll(sites, state, queue, ended);
  try {
    yield* concurrently(queue.tasks, config.concurrency, look, signal);
  } finally {
    stop.abort(new Error('nobody waits for this any more'));
  }
}

/** Looks up every host once, however many sites it has. No lane waits for that. */
async function addAll(
  sites: readonly Site[],
  { config, resolver }: State,
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
        queue.addTask({ sighting: { kind: 'unseen', place: `${config.name}:${label}`, error } });
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

/** @returns undefined where no turn is free at the address. */
function startProbe(target: Target, state: State, toSeen: ToSeen, thorough = false) {
  const { config, clock, turns, pending, silence, slow, lively } = state;
  const { name: source, timeoutMs } = config;
  const { address, label, everywhere, site, addresses, place } = target;
  const giveBack = turns.tryTake(address);
  if (giveBack === undefined) return undefined;
  const ask = async (signal: AbortSignal): Promise<Answer> => {
    // A connection opened inside the callback of one that closes makes a scan a tenth slower (measured on loopback).
    await setImmediate();
    const askedAt = clock();
    const known = config.everyKeyType && !thorough ? state.keySilence.ask(everywhere, label) : undefined;
    const everyKeyType = config.everyKeyType && known === undefined;
    const isEnough = thorough ? () => false : toSeen.isEnough(place);
    const answer = await probe(site, addresses, { source, timeoutMs, everyKeyType, isEnough, signal });
    if (answer.isSilent) silence.note(everywhere, label, askedAt);
    else silence.heard(everywhere, label);
    if (answer.unasked?.isSilent === true) state.keySilence.note(everywhere, label, askedAt);
    else if (everyKeyType && answer.shown.length > 0) state.keySilence.heard(everywhere, label);
    const isSlow = answer.isSilent || answer.unasked?.isSilent === true;
    (isSlow ? slow : lively).add(address);
    (isSlow ? lively : slow).delete(address);
    const { shown } = answer;
    if (known === undefined || shown[0]?.legacyOnly !== false) return answer;
    const error = toSilentError(target, known, config);
    return { ...answer, unasked: { keyTypes: keyTypesBeside(shown), error, isSilent: true } };
  };
  return pending.start(address, thorough ? thoroughly(label) : label, ask, giveBack);
}

/** Asks one site now, also where it was silent a moment ago, because a person is waiting to see whether it is back. Its chain is everything that the server sent. */
export async function lookAtSite(
  site: Site,
  state: State,
  toSeen: ToSeen,
  signal: AbortSignal,
): Promise<readonly ScanResult[]> {
  const { config, resolver } = state;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const addresses = await Promise.race([resolver.resolve(site.host), aborted]);
    const sightings: ScanResult[] = [];
    for (const target of targetsOf(site, addresses, config))
      sightings.push(...toSightings(target, await askInTurn(target, state, toSeen, signal), toSeen));
    return sightings;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SourceError)
      return [{ kind: 'unseen', place: `${config.name}:${site.label}`, error }];
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Takes the next free turn, before any scan does: scans return to an address only when a lane is free. */
function askInTurn(target: Target, state: State, toSeen: ToSeen, signal: AbortSignal): Promise<Answer> {
  const { address, label } = target;
  const ask = () =>
    (state.pending.find(address, thoroughly(label)) ?? startProbe(target, state, toSeen, true))?.join(signal);
  return new Promise((resolve, reject) => {
    let stop = () => {};
    const onAbort = () => {
      stop();
      reject(signal.reason);
    };
    const askWhenFree = () => {
      const answer = ask();
      if (answer === undefined) stop = state.turns.onceFree(address, askWhenFree);
      else answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    askWhenFree();
  });
}

function thoroughly(label: string): string {
  return `${label}, all of it`;
}

const KEY_NAMES: Readonly<Record<string, string>> = {
  rsa: 'RSA',
  'rsa-pss': 'RSA',
  ec: 'ECDSA',
  ed25519: 'Ed25519',
  ed448: 'Ed448',
};

/** The first certificate has the site's own place, and each further one that with its type of key. */
function toSightings(target: Target, answer: Answer, toSeen: ToSeen): [ScanResult, ...ScanResult[]] {
  const { place, site } = target;
  const { shown, failed, unasked } = answer;
  const [first, ...others] = shown;
  if (first === undefined) {
    if (failed === undefined) throw new Error('neither a certificate nor a failure');
    return [{ kind: 'unseen', place, error: failed }];
  }
  const sightings: [ScanResult, ...ScanResult[]] = [toSeen.read(place, site, first)];
  for (const probe of others) {
    const seen = toSeen.read(place, site, probe);
    const { type } = seen.chain[0].key;
    sightings.push({ ...seen, place: `${place} (${KEY_NAMES[type] ?? type})` });
  }
  if (unasked !== undefined) {
    const { error, keyTypes } = unasked;
    const types = keyTypes.join(' or ');
    const message = `asked for an ${types} certificate too: ${error.message}`;
    const inFull = new SourceError(error.source, error.kind, message);
    sightings.push({ kind: 'unseen', place: `${place} (${types})`, error: inFull });
  }
  return sightings;
}

function toSilentError(
  { site, addresses }: Target,
  { agoMs, ofOthers }: KnownSilence,
  { name, timeoutMs }: TlsConfig,
): SourceError {
  const where = addresses.map(({ address }) => addressOf(address, site.port)).join(', ');
  const ago = `${formatAge(agoMs)} ago`;
  const more = ofOthers
    ? ` from ${where} (not tried: this address did not answer for another name${agoMs < 1000 ? '' : ` ${ago}`})`
    : `, asked ${ago}`;
  return noAnswer(name, timeoutMs, more);
}
