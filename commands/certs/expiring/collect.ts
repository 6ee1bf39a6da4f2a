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
import { matcherFor } from './match.ts';

export interface Facts {
  readonly certificates: readonly CertificateOccurrences[];
  readonly sites: readonly Site[];
  /** How many places were examined, including those without a certificate, but not trust stores. */
  readonly placeCount: number;
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

/** Reads all sources at the same time. What was read before the deadline counts. */
export async function collect(
  context: ReadContext<'certificates'>,
  { source, match }: { readonly source?: string | undefined; readonly match?: string | undefined },
): Promise<Facts> {
  const { attempt, gap, saw, signal } = context;
  const grouper = groupPlaces(context.now);
  const matcher = match === undefined ? undefined : matcherFor(match);
  let examined = 0;

  const scan = async (store: ports.CertificateStore) => {
    const onEmpty = () => {
      saw(store.name);
      if (!matcher) grouper.addEmpty();
    };
    for await (const result of store.scan({ signal, onEmpty })) {
      if (result.kind === 'unseen') {
        if (matcher) matcher.noteUnread(store, result);
        else gap(result.place, result.error);
        continue;
      }
      saw(store.name);
      if (!matcher || matcher.matches(result)) grouper.add(result);
      examined += 1;
      if (examined % YIELD_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const stores = chooseSources(context, 'certificates', source);
  await Promise.all(stores.map((store) => attempt(store.name, undefined, () => scan(store))));
  const unread = matcher?.unread() ?? [];
  const meant = matcher?.matched() === 0 ? unread.filter(({ isMatch }) => isMatch) : [];
  // If nothing was found, the verdict begins with the first gap: why a matching place could not be read.
  for (const { place, error } of meant) gap(place, error);
  for (const one of unread.filter((one) => !meant.includes(one)))
    gap(one.place, one.error, { unrelated: one.isUnrelated });
  // Unfinished sources may contain a match.
  if (matcher?.matched() === 0 && meant.length === 0 && examined > 0 && !signal.aborted) {
    const message = `no place, name or subject matches in ${wording.count(examined, 'place')}`;
    gap(`--match ${match}`, new SourceError('match', 'missing', message));
  }
  return grouper.close();
}

export interface PlaceGrouper {
  readonly add: (seen: ports.SeenPlace) => void;
  readonly addEmpty: () => void;
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
    close: () => ({ certificates: occurrences.all(), sites: [...sites.values()], placeCount }),
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
