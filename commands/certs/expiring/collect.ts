import { type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import {
  byPlace,
  type CertificateOccurrences,
  type CertificatePath,
  indexOccurrences,
  insertSorted,
  certificatePath,
} from '../../shared/certificate-occurrences.ts';
import { chooseSources } from '../../shared/sources.ts';
import { type IssuerFact, type ManagedFact, readContents } from './collect-managed.ts';
import { type Matcher, matcherFor } from './match.ts';

export interface Facts {
  readonly certificates: readonly CertificateOccurrences[];
  readonly sites: readonly Site[];
  /** How many places were examined, including those without a certificate, but not trust stores. */
  readonly placeCount: number;
  /** Certificates that something manages under a name, also those that are only needed as authorities. */
  readonly managed: readonly ManagedFact[];
  readonly issuers: readonly IssuerFact[];
}

/** Sites that serve the same leaf in the same way, or places whose private key belongs to another certificate. */
export interface Site {
  readonly path: CertificatePath;
  readonly served?: NonNullable<ports.SeenPlace['served']>;
  readonly keyMatches?: boolean;
  /** The first ones in order, at most {@link MAX_PLACES}. */
  readonly places: readonly { readonly place: string; readonly asked?: string }[];
  readonly count: number;
}

/** How many places are read between two turns of the event loop, so that thousands do not block the worker. */
const YIELD_EVERY = 300;

interface CollectArgs {
  readonly within: number;
  readonly source?: string | undefined;
  readonly match?: string | undefined;
}

/** Reads all sources at the same time. What was read before the deadline counts. */
export async function collect(
  context: ReadContext<'certificates'>,
  { source, match, within }: CollectArgs,
): Promise<Facts> {
  const { gap, signal } = context;
  const matcher = match === undefined ? undefined : matcherFor(match);
  const horizon = new Date(context.now.getTime() + within);
  const reading = { context, matcher, horizon, grouper: groupPlaces(context.now), examined: 0 };
  const stores = chooseSources(context, 'certificates', source);
  const listed = await Promise.all(stores.map((store) => readStore(reading, store)));
  const unread = matcher?.unread() ?? [];
  const meant = matcher?.matched() === 0 ? unread.filter(({ isMatch }) => isMatch) : [];
  // If nothing was found, the verdict begins with the first gap: why a matching place could not be read.
  for (const { place, error } of meant) gap(place, error);
  for (const one of unread.filter((one) => !meant.includes(one)))
    gap(one.place, one.error, { unrelated: one.isUnrelated });
  // Unfinished sources may contain a match.
  if (matcher?.matched() === 0 && meant.length === 0 && reading.examined > 0 && !signal.aborted) {
    const message = `no place, name or subject matches in ${wording.count(reading.examined, 'place')}`;
    gap(`--match ${match}`, new SourceError('match', 'missing', message));
  }
  return {
    ...reading.grouper.close(),
    managed: listed.flatMap(({ managed }) => managed),
    issuers: listed.flatMap(({ issuers }) => issuers),
  };
}

interface Reading {
  readonly context: ReadContext<'certificates'>;
  readonly matcher: Matcher | undefined;
  readonly horizon: Date;
  readonly grouper: PlaceGrouper;
  examined: number;
}

interface StoreReading {
  managed: readonly ManagedFact[];
  readonly issuers: IssuerFact[];
  /** The own certificate of each secret, if the store manages certificates that it writes to secrets. */
  readonly leafAt: Map<string, string>;
  /** Whether it returned anything at all. */
  isEmpty: boolean;
}

/** Reads places, managed certificates and issuers at the same time: one that fails or hangs doesn't keep the others back. */
async function readStore(reading: Reading, store: ports.CertificateStore): Promise<StoreReading> {
  const { attempt, gap, signal } = reading.context;
  const here: StoreReading = { managed: [], issuers: [], leafAt: new Map(), isEmpty: true };
  const results = await Promise.allSettled([
    scan(reading, store, here),
    listManaged(reading, store, here),
    listIssuers(reading, store, here),
  ]);
  const errors = results.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
  const different = new Map(
    errors.map((error) => [error instanceof SourceError || !signal.aborted ? error.message : '', error]),
  );
  for (const error of different.values()) await attempt(store.name, undefined, () => Promise.reject(error));
  // A store hides what a credential may not read, so an empty list doesn't mean that there is nothing.
  if (store.managed && here.isEmpty && errors.length === 0) {
    const message = 'it lists nothing: there are no certificates, or the credential may not read any';
    gap(store.name, new SourceError(store.name, 'missing', message));
  }
  return {
    ...here,
    managed: here.managed.map((one) => {
      const written = one.automation && here.leafAt.get(one.automation.writesTo);
      return written === undefined ? one : { ...one, written };
    }),
  };
}

async function scan(reading: Reading, store: ports.CertificateStore, here: StoreReading): Promise<void> {
  const { matcher, grouper } = reading;
  const { saw, signal } = reading.context;
  const onEmpty = () => {
    saw(store.name);
    here.isEmpty = false;
    if (!matcher) grouper.addEmpty();
  };
  for await (const result of store.scan({ signal, onEmpty })) {
    here.isEmpty = false;
    if (result.kind === 'unseen') {
      noteUnseen(reading, store, result);
      continue;
    }
    saw(store.name);
    if (store.managed) noteLeaf(here.leafAt, result);
    if (!matcher || matcher.matches(result)) grouper.add(result);
    await countOne(reading);
  }
}

/** `prod:shop/shop-tls` for the place `prod:shop/shop-tls:tls.crt`. Its first key in order counts. */
function noteLeaf(
  leafAt: StoreReading['leafAt'],
  { place, chain: [leaf], trustStore }: ports.SeenPlace,
): void {
  const secret = place.slice(0, place.lastIndexOf(':'));
  if (trustStore || (leafAt.has(secret) && !place.endsWith(':tls.crt'))) return;
  leafAt.set(secret, leaf.fingerprint);
}

async function listManaged(
  reading: Reading,
  store: ports.CertificateStore,
  here: StoreReading,
): Promise<void> {
  const { matcher, grouper } = reading;
  const { saw, signal } = reading.context;
  const listed: ManagedFact[] = [];
  try {
    for await (const one of store.managed?.({ signal }) ?? []) {
      here.isEmpty = false;
      if (one.kind === 'unseen') {
        noteUnseen(reading, store, one);
        continue;
      }
      saw(store.name);
      const isAsked = matcher?.matchesManaged(one) ?? true;
      if (isAsked) grouper.addEmpty();
      listed.push({ ...one, store: store.name, contents: [], isAsked });
      await countOne(reading);
    }
  } finally {
    // What a store listed before it failed is valid.
    here.managed = await readContents(reading.context, store, listed, reading.horizon);
  }
}

async function listIssuers(
  reading: Reading,
  store: ports.CertificateStore,
  here: StoreReading,
): Promise<void> {
  const { matcher, grouper } = reading;
  const { saw, signal } = reading.context;
  for await (const one of store.issuers?.({ signal }) ?? []) {
    here.isEmpty = false;
    if (one.kind === 'unseen') {
      noteUnseen(reading, store, one);
      continue;
    }
    saw(store.name);
    const { place, name, chain, beyondEnd, roles, isDefault, issues } = one;
    const seen: ports.SeenPlace = { kind: 'seen', place, chain };
    await countOne(reading);
    if (matcher && !matcher.matches(seen)) continue;
    const isUsed = issues && (isDefault || roles.length > 0);
    if (isUsed) grouper.add(seen);
    else grouper.addEmpty();
    here.issuers.push({ place, name, beyondEnd, roles, certificate: chain[0], isUsed });
  }
}

function noteUnseen(
  { matcher, context }: Pick<Reading, 'matcher' | 'context'>,
  store: ports.CertificateStore,
  unseen: ports.UnseenPlace,
): void {
  if (matcher) matcher.noteUnread(store, unseen);
  else context.gap(unseen.place, unseen.error);
}

async function countOne(reading: Pick<Reading, 'examined'>): Promise<void> {
  reading.examined += 1;
  if (reading.examined % YIELD_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
}

export interface PlaceGrouper {
  readonly add: (seen: ports.SeenPlace) => void;
  readonly addEmpty: () => void;
  /** The facts about places. Managed certificates and issuers are added by their readers. */
  readonly close: () => Facts;
}

interface MutableSite extends Omit<Site, 'places' | 'count'> {
  places: Site['places'][number][];
  count: number;
}

/** Groups places by certificate, and by what sites serve, as they arrive. */
export function groupPlaces(now: Date): PlaceGrouper {
  const occurrences = indexOccurrences();
  const sites = new Map<string, MutableSite>();
  let placeCount = 0;
  return {
    add: (seen) => {
      const path = certificatePath(seen, now);
      if (!seen.trustStore) placeCount += 1;
      occurrences.add(seen, path);
      if (seen.served !== undefined || seen.keyMatches === false) addSite(sites, seen, path);
    },
    addEmpty: () => {
      placeCount += 1;
    },
    close: () => ({
      certificates: occurrences.all(),
      sites: [...sites.values()],
      placeCount,
      managed: [],
      issuers: [],
    }),
  };
}

function addSite(
  sites: Map<string, MutableSite>,
  { place, served, keyMatches }: ports.SeenPlace,
  path: CertificatePath,
): void {
  const { address: _, servername, ...traits } = served ?? {};
  const key = JSON.stringify([path.map(({ fingerprint }) => fingerprint), traits, keyMatches]);
  const site = sites.get(key) ?? {
    path,
    ...(served && { served }),
    ...(keyMatches !== undefined && { keyMatches }),
    places: [],
    count: 0,
  };
  const here = { place, ...(servername !== undefined && { asked: servername }) };
  if (insertSorted(site.places, here, byPlace)) site.count += 1;
  sites.set(key, site);
}
