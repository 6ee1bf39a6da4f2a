import { nearest, type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { bare, type Search, searchFor, siteIn } from './search.ts';

export interface Facts {
  readonly what: string;
  /** Named outright; otherwise they only have it somewhere in a name or a place. */
  readonly exact: boolean;
  /** In the order of their places; at most {@link MOST_SHOWN}, of `matching`. */
  readonly shown: readonly Shown[];
  readonly matching: number;
}

/** One certificate, one place that shows it in full, and all its places. */
export interface Shown {
  readonly certificate: ports.Certificate;
  readonly seen: ports.Seen;
  /** The first in order, at most {@link MOST_PLACES}, of `placeCount`. */
  readonly places: readonly string[];
  readonly placeCount: number;
}

export const MOST_SHOWN = 50;
export const MOST_PLACES = 50;
const BREATHE_EVERY = 300;

type Context = ReadContext<'certificates'>;
type Store = Context['read']['certificates']['stores'][number];

type Sighting = Awaited<ReturnType<NonNullable<Store['lookAt']>>>;

interface Gathered {
  readonly exact: Map<string, Candidate>;
  readonly inPart: Map<string, Candidate>;
  /** The places of every certificate, for the one that is meant is known only at the end. */
  readonly places: Map<string, { kept: string[]; count: number }>;
  looked: number;
  /** The site asked about is among those that the scan could not look at: asked again it would say the same. */
  unseen: boolean;
  nearest: string | undefined;
}

interface Candidate {
  readonly certificate: ports.Certificate;
  readonly seen: ports.Seen;
}

/** Looks for it everywhere, for a certificate may be at more places than the one asked about; then at the site itself, where a source may. */
export async function collect(
  context: Context,
  { certificate: what, source }: { readonly certificate: string; readonly source?: string | undefined },
): Promise<Facts> {
  const search = searchFor(what);
  const gathered: Gathered = {
    exact: new Map(),
    inPart: new Map(),
    places: new Map(),
    looked: 0,
    unseen: false,
    nearest: undefined,
  };
  const stores = chosen(context, source);
  await Promise.all(
    stores.map((store) =>
      context.attempt(store.name, undefined, () =>
        scan(store, context, (sighting) => {
          if (sighting.kind === 'seen') note(gathered, sighting, search, what);
          else gathered.unseen ||= bare(sighting.place).endsWith(siteIn(what) ?? what);
        }),
      ),
    ),
  );
  if (gathered.exact.size + gathered.inPart.size === 0 && !gathered.unseen)
    await lookAtSite(stores, context, what, (seen) => note(gathered, seen, search, what));
  if (gathered.exact.size + gathered.inPart.size === 0)
    context.gap(what, new SourceError('certificates', 'missing', notFound(gathered, stores)));
  return conclude(gathered, what);
}

async function scan(
  store: Store,
  { signal, saw, gap }: Context,
  take: (sighting: Sighting) => void,
): Promise<void> {
  let looked = 0;
  for await (const sighting of store.scan({ signal, onEmpty: () => saw(store.name) })) {
    take(sighting);
    if (sighting.kind === 'unseen') gap(sighting.place, sighting.error);
    else saw(store.name);
    looked += 1;
    if (looked % BREATHE_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A site that no source lists may still be looked at, where the configuration lets one look further. */
async function lookAtSite(
  stores: readonly Store[],
  { attempt, gap, saw, signal }: Context,
  what: string,
  take: (seen: ports.Seen) => void,
): Promise<void> {
  const site = siteIn(what);
  if (site === undefined) return;
  for (const { name, lookAt } of stores) {
    const sighting = await attempt(`${name}:${site}`, undefined, async () => lookAt?.(site, { signal }));
    if (sighting?.kind === 'unseen') gap(sighting.place, sighting.error);
    if (sighting?.kind !== 'seen') continue;
    saw(name);
    take(sighting);
  }
}

function note(gathered: Gathered, seen: ports.Seen, search: Search, what: string): void {
  gathered.looked += 1;
  for (const { fingerprint } of new Set(seen.chain)) {
    const held = gathered.places.get(fingerprint) ?? { kept: [], count: 0 };
    held.count += 1;
    held.kept.push(seen.place);
    if (held.kept.length > 2 * MOST_PLACES) held.kept = firstOf(held.kept);
    gathered.places.set(fingerprint, held);
  }
  const match = search(seen);
  if (!match) {
    if (gathered.exact.size + gathered.inPart.size === 0)
      gathered.nearest = nearest(what, [
        ...(gathered.nearest === undefined ? [] : [gathered.nearest]),
        bare(seen.place),
        ...seen.chain.map(({ name }) => name),
      ]);
    return;
  }
  const kind = match.exact ? gathered.exact : gathered.inPart;
  const before = kind.get(match.certificate.fingerprint);
  if (!before || seen.place < before.seen.place)
    kind.set(match.certificate.fingerprint, { certificate: match.certificate, seen });
}

function conclude({ exact, inPart, places }: Gathered, what: string): Facts {
  const named = exact.size > 0;
  const candidates = [...(named ? exact : inPart).values()].toSorted((a, b) =>
    a.seen.place < b.seen.place ? -1 : 1,
  );
  const shown = candidates.slice(0, MOST_SHOWN).map(({ certificate, seen }) => {
    const { kept, count } = places.get(certificate.fingerprint) ?? { kept: [seen.place], count: 1 };
    return { certificate, seen, places: firstOf(kept), placeCount: count };
  });
  return { what, exact: named, shown, matching: candidates.length };
}

function firstOf(places: readonly string[]): string[] {
  return [...new Set(places)].toSorted().slice(0, MOST_PLACES);
}

function notFound({ looked, nearest: meant }: Gathered, stores: readonly Store[]): string {
  const where = `${wording.count(looked, 'place')} of ${wording.list(
    stores.map(({ name }) => name),
    10,
  )}`;
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `no certificate, place or fingerprint like that was seen in ${where}${hint}`;
}

function chosen({ read, gap }: Context, source: string | undefined): readonly Store[] {
  const { stores } = read.certificates;
  if (source === undefined) return stores;
  const known = stores.map(({ name }) => name);
  const asked = source
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  for (const name of asked.filter((one) => !known.includes(one)))
    gap(
      `--source ${name}`,
      new SourceError(
        name,
        'missing',
        `no source of that name keeps certificates here; there is: ${known.join(', ')}`,
      ),
    );
  return stores.filter(({ name }) => asked.includes(name));
}
