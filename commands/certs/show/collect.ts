import { nearest, type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import {
  byPlace,
  type CertificateOccurrences,
  certificatesAt,
  indexOccurrences,
  type OccurrenceIndex,
  certificatePath,
} from '../../shared/certificate-occurrences.ts';
import { chooseSources, withoutSource } from '../../shared/sources.ts';
import type { KnownCertificate } from '../../shared/managed-chain.ts';
import { type ManagedMatches, matchManaged, readManaged, type ShownManaged } from './managed.ts';
import { inspectSite, type Match, type Search, searchFor, siteOf, type SiteInspection } from './search.ts';

export interface Facts {
  readonly what: string;
  /** Whether the request named them exactly, not only a part of a name or place. */
  readonly exact: boolean;
  /** In the order of their places; at most {@link MAX_SHOWN}, of `matching`. */
  readonly shown: readonly Shown[];
  readonly matching: number;
  /** Certificates that something manages under a name; those that match are counted in `matching` too. */
  readonly managed: readonly ShownManaged[];
  /** How many other places could not be checked. They were not requested, but may contain the same certificates. */
  readonly unchecked: number;
}

/** One certificate, all of its places, and one of them in full. */
export interface Shown extends CertificateOccurrences {
  readonly seen: ports.SeenPlace;
}

const MAX_SHOWN = 50;
/** How many are shown in full if they were named exactly: a site may serve another certificate at each of its addresses. */
export const MAX_IN_FULL = 5;
/** How many places are read between two turns of the event loop. */
const YIELD_EVERY = 300;

type Context = ReadContext<'certificates'>;
type Store = ports.CertificateStore;

interface Gathered {
  readonly matches: Readonly<Record<Match['by'], Map<string, Candidate>>>;
  /** All places of every certificate, because which one matches is known only at the end. */
  readonly occurrences: OccurrenceIndex;
  unread: ports.UnseenPlace[];
  /** What the scans know about the requested place. */
  readonly named: ports.ScanResult[];
  /** Whole stores. */
  readonly failed: { readonly store: Store; readonly error: unknown }[];
  readonly managed: KnownCertificate[];
  examined: number;
  nearest: string | undefined;
}

interface Candidate {
  readonly certificate: ports.Certificate;
  readonly seen: ports.SeenPlace;
}

/**
 * Searches everywhere, because a certificate may be in more places than the requested one. Also inspects a site directly at the same time,
 * because a full scan may not finish in time. An unread place is related if it could be what was requested: if that is a place, only the
 * place itself; if it is a fingerprint or a part of a name, every place.
 */
export async function collect(
  context: Context,
  { certificate: what, source }: { readonly certificate: string; readonly source?: string | undefined },
): Promise<Facts> {
  const search = searchFor(what);
  const stores = chooseSources(context, 'certificates', source);
  const gathered: Gathered = {
    matches: { place: new Map(), certificate: new Map(), part: new Map() },
    occurrences: indexOccurrences(),
    unread: [],
    named: [],
    failed: [],
    managed: [],
    examined: 0,
    nearest: undefined,
  };
  const inspecting = inspectSite(stores, context, what);
  const scanning = stores.map((store) =>
    scan(store, context, (result) => {
      if (result === undefined) gathered.examined += 1;
      else if (search.isPlace(result.place)) gathered.named.push(result);
      else if (result.kind === 'unseen') gathered.unread.push(result);
      else noteCertificates(gathered, result, search.match(result), context.now, what);
    }).catch((error: unknown) => void gathered.failed.push({ store, error })),
  );
  const listing = stores.map((store) =>
    listManaged(store, context, gathered, search).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : '';
      const isKnown = gathered.failed.some(
        (one) => one.store === store && one.error instanceof Error && one.error.message === message,
      );
      if (!isKnown) gathered.failed.push({ store, error });
    }),
  );
  const [inspection] = await Promise.all([inspecting, ...scanning]);
  await Promise.all(listing);
  const managed = matchManaged(gathered.managed, what, search);
  const asked = noteNamedPlace(gathered, inspection, context, what);
  const refused =
    gathered.matches.place.size + gathered.matches.certificate.size + asked.length > 0
      ? undefined
      : mergeRefusals(inspection.refusals);
  const facts = await (gathered.matches.place.size + managed.exact.length > 0 || asked.length > 0 || refused
    ? answerPlace(context, gathered, what, asked, managed.exact.length > 0 ? undefined : refused)
    : answerName(context, gathered, what, search, stores, managed));
  return withManaged(context, stores, gathered, managed, facts);
}

/** What is named exactly is shown alone. Parts of a name match both kinds. */
async function withManaged(
  context: Context,
  stores: readonly Store[],
  { managed: all }: Gathered,
  { exact, part }: ManagedMatches,
  facts: Facts,
): Promise<Facts> {
  const matching = exact.length > 0 ? exact : facts.exact && facts.matching > 0 ? [] : part;
  if (matching.length === 0) return facts;
  const shown = matching.slice(0, MAX_SHOWN);
  const managed =
    matching.length > MAX_IN_FULL
      ? shown.map((certificate) => ({ certificate, signs: [] }))
      : await Promise.all(shown.map((one) => readManaged(context, stores, all, one)));
  return {
    ...facts,
    exact: exact.length > 0,
    managed,
    matching: facts.matching + matching.length,
  };
}

/** Also those that do not match, which may be authorities of one that does. */
async function listManaged(
  store: Store,
  { signal, saw }: Context,
  gathered: Gathered,
  search: Search,
): Promise<void> {
  for await (const one of store.managed?.({ signal }) ?? []) {
    if (one.kind === 'unseen') {
      (search.isPlace(one.place) ? gathered.named : gathered.unread).push(one);
      continue;
    }
    saw(store.name);
    gathered.managed.push({ ...one, store: store.name });
    gathered.examined += 1;
    if (gathered.examined % YIELD_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * Records what is known about the requested place. A store's response to the direct request takes precedence over its scan, which may be
 * cached or incomplete.
 * @returns where it could not be read, and why.
 */
function noteNamedPlace(
  gathered: Gathered,
  { answers }: SiteInspection,
  { now, saw }: Context,
  what: string,
): readonly ports.UnseenPlace[] {
  const { named, matches } = gathered;
  const answered = answers.flatMap(({ results }) => results);
  const [asked, shown] = [sitesOf(answered), sitesOf(answered.filter(isSeen))];
  const [listed, scanned] = [sitesOf(named), sitesOf(named.filter(isSeen))];
  const results = [
    ...answered,
    ...named.filter((one) => !(isSeen(one) ? shown : asked).has(siteOf(one.place))),
  ];
  for (const seen of results.filter(isSeen))
    noteCertificates(gathered, seen, { certificate: seen.chain[0], by: 'place' }, now, what);
  // A site may be requested by a name that differs from its place.
  gathered.unread = gathered.unread.filter(({ place }) => !asked.has(siteOf(place)));
  // The scan has already counted the others.
  for (const { store, results } of answers)
    for (const one of results) if (isSeen(one) && !scanned.has(siteOf(one.place))) saw(store);
  const isKnown = matches.place.size + matches.certificate.size > 0;
  // If a store does not list a site and cannot reach it, that adds nothing if another store has seen it.
  return results.filter(
    (one) =>
      one.kind === 'unseen' && (!isKnown || listed.has(siteOf(one.place)) || shown.has(siteOf(one.place))),
  ) as readonly ports.UnseenPlace[];
}

function isSeen(result: ports.ScanResult): result is ports.SeenPlace {
  return result.kind === 'seen';
}

function sitesOf(results: readonly ports.ScanResult[]): ReadonlySet<string> {
  return new Set(results.map(({ place }) => siteOf(place)));
}

/** Why no store inspected a site, as one error. undefined if no store was queried. */
function mergeRefusals([first, ...others]: readonly SourceError[]): SourceError | undefined {
  if (!first) return undefined;
  const messages = new Set([first, ...others].map(({ message }) => message));
  return new SourceError(first.source, first.kind, [...messages].join('; '));
}

/** If one place was requested, and its content or why it could not be read is known, other places are unrelated. */
async function answerPlace(
  context: Context,
  gathered: Gathered,
  what: string,
  asked: readonly ports.UnseenPlace[],
  refused: SourceError | undefined,
): Promise<Facts> {
  const { matches, unread, failed } = gathered;
  for (const { place, error } of asked) context.gap(asAsked(what, place), error);
  if (refused) context.gap(what, context.signal.aborted ? refused : withHint(refused, matches.part));
  for (const { place, error } of unread) context.gap(place, error, { unrelated: true });
  // A source whose list of sites could not be read may have the site that the others refuse. One that was cut short refuses by itself.
  const mayList = ({ store }: Gathered['failed'][number]) =>
    refused !== undefined && store.role === 'served' && !context.signal.aborted;
  for (const one of failed) await reportFailed(context, one, { unrelated: !mayList(one) });
  return conclude(gathered, matches.place, what, { exact: true, unchecked: unread.length + failed.length });
}

/** The place as requested, with its address or key type. */
function asAsked(what: string, place: string): string {
  const suffix = place.slice(siteOf(place).length);
  return what.endsWith(suffix) ? what : what + suffix;
}

/** A certificate may be anywhere. But if a place with that name could not be read, that is why nothing is found. */
async function answerName(
  context: Context,
  gathered: Gathered,
  what: string,
  { isPartOf }: Search,
  stores: readonly Store[],
  managed: ManagedMatches,
): Promise<Facts> {
  const { gap, signal } = context;
  const { matches, unread, failed, examined } = gathered;
  const exact = matches.certificate.size > 0;
  const found = exact ? matches.certificate : matches.part;
  const meant = found.size + managed.part.length > 0 ? [] : unread.filter(({ place }) => isPartOf(place));
  for (const { place, error } of meant) gap(place, error);
  for (const one of failed) await reportFailed(context, one);
  for (const one of unread.filter((one) => !meant.includes(one)))
    gap(one.place, one.error, { unrelated: meant.length > 0 });
  const isUnread = unread.length + failed.length > 0;
  if (found.size + managed.part.length === 0 && meant.length === 0 && stores.length > 0) {
    // Unfinished sources may contain it: only what was searched completely does not match.
    if (!signal.aborted && (examined > 0 || !isUnread))
      gap(what, new SourceError('certificates', 'missing', notFound(gathered, stores)));
    if (signal.aborted && !isUnread) gap(what, signal.reason as Error);
  }
  return conclude(gathered, found, what, { exact, unchecked: 0 });
}

async function reportFailed(
  { gap, attempt }: Context,
  { store, error }: Gathered['failed'][number],
  more: { readonly unrelated?: boolean } = {},
): Promise<void> {
  if (error instanceof SourceError) gap(store.name, error, more);
  else await attempt(store.name, undefined, () => Promise.reject(error as Error));
}

/** Called with `undefined` for a place without a certificate. */
async function scan(
  store: Store,
  { signal, saw }: Context,
  take: (result: ports.ScanResult | undefined) => void,
): Promise<void> {
  let examined = 0;
  const onEmpty = () => {
    saw(store.name);
    take(undefined);
  };
  for await (const result of store.scan({ signal, onEmpty })) {
    take(result);
    if (result.kind === 'seen') saw(store.name);
    examined += 1;
    if (examined % YIELD_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The name of a site that was not found is often a part of one that was found. */
function withHint(error: SourceError, part: ReadonlyMap<string, Candidate>): SourceError {
  const [candidate] = part.values();
  return candidate
    ? new SourceError(
        error.source,
        error.kind,
        `${error.message}; did you mean ${withoutSource(candidate.seen.place)}?`,
      )
    : error;
}

function noteCertificates(
  gathered: Gathered,
  seen: ports.SeenPlace,
  match: Match | undefined,
  now: Date,
  what: string,
): void {
  const { matches, occurrences } = gathered;
  gathered.examined += 1;
  occurrences.add(seen, certificatePath(seen, now));
  if (!match) {
    if (matches.place.size + matches.certificate.size + matches.part.size === 0)
      gathered.nearest = nearest(what, [
        ...(gathered.nearest === undefined ? [] : [gathered.nearest]),
        withoutSource(seen.place),
        ...certificatesAt(seen.chain, seen.path).map(({ name }) => name),
      ]);
    return;
  }
  const candidates = matches[match.by];
  const before = candidates.get(match.certificate.fingerprint);
  if (!before || seen.place < before.seen.place)
    candidates.set(match.certificate.fingerprint, { certificate: match.certificate, seen });
}

function conclude(
  { occurrences }: Gathered,
  found: ReadonlyMap<string, Candidate>,
  what: string,
  { exact, unchecked }: Pick<Facts, 'exact' | 'unchecked'>,
): Facts {
  const candidates = [...found.values()].toSorted((a, b) => byPlace(a.seen, b.seen));
  const shown = candidates.slice(0, MAX_SHOWN).flatMap(({ certificate, seen }) => {
    const places = occurrences.find(certificate);
    return places ? [{ ...places, seen }] : [];
  });
  return { what, exact, shown, matching: candidates.length, managed: [], unchecked };
}

function notFound({ examined, nearest: meant }: Gathered, stores: readonly Store[]): string {
  const names = wording.list(
    stores.map(({ name }) => name),
    10,
  );
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `no place, name, serial or fingerprint matches in ${wording.count(examined, 'place')} of ${names}${hint}`;
}
