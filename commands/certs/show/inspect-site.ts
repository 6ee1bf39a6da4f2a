import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { siteIn } from './search.ts';

type Context = ReadContext<'certificates'>;
type Store = Context['read']['certificates'][number];

/** What every store returned for one site. */
export interface SiteInspection {
  readonly answers: readonly { readonly store: string; readonly results: readonly ports.ScanResult[] }[];
  /** Why a store did not inspect it, or has not finished. */
  readonly refusals: readonly SourceError[];
}

/** Asks for a site by its name, whether a store lists it or not; nothing where `what` is no site. */
export async function inspectSite(
  stores: readonly Store[],
  { signal }: Context,
  what: string,
): Promise<SiteInspection> {
  const site = siteIn(what);
  if (site === undefined) return { answers: [], refusals: [] };
  const inspections = await Promise.all(
    storesNamed(stores, what, site).map(async ({ name, inspectSite }) => {
      try {
        return { store: name, results: (await inspectSite?.(site, { signal })) ?? [], refusals: [] };
      } catch (error) {
        const reason: unknown = signal.aborted ? signal.reason : error;
        if (!(reason instanceof SourceError)) throw reason;
        return { store: name, results: [], refusals: [reason] };
      }
    }),
  );
  return { answers: inspections, refusals: inspections.flatMap(({ refusals }) => refusals) };
}

/** In `edge:www.example.com:443` one store is named. */
function storesNamed(stores: readonly Store[], what: string, site: string): readonly Store[] {
  const prefix = what.slice(0, -site.length).toLowerCase();
  const named = stores.filter(({ name }) => `${name.toLowerCase()}:` === prefix);
  return named.length > 0 ? named : stores;
}
