import { finderFor, type ports, type ReadContext, SourceError } from '../../kit.ts';
import { certificatesAt } from '../../shared/certificate-occurrences.ts';
import { withoutSource } from '../../shared/sources.ts';

/** How a place matches the request: which certificate, and by what. */
export interface Match {
  readonly certificate: ports.Certificate;
  /** `place`: the place was named. `certificate`: its fingerprint or serial was named. `part`: a part of a place or name matches. */
  readonly by: 'place' | 'certificate' | 'part';
}

export interface Search {
  readonly match: (seen: ports.SeenPlace) => Match | undefined;
  /** Whether a place is the requested one. */
  readonly isPlace: (place: string) => boolean;
  /** Whether the request is a part of a place's name. */
  readonly isPartOf: (place: string) => boolean;
}

/** In hexadecimal digits. Shorter prefixes are too often words: `cafe`, `beef`. */
const SHORTEST_FINGERPRINT = 6;

export function searchFor(what: string): Search {
  const asked = what.toLowerCase();
  const hex = hexOf(asked);
  const isPartOf = finderFor(what);
  const isPlace = (place: string) => isNamed(place.toLowerCase(), asked);
  return {
    isPlace,
    isPartOf,
    match: (seen) => {
      const { place } = seen;
      const [leaf] = seen.chain;
      const all = certificatesAt(seen.chain, seen.path);
      if (isPlace(place)) return { certificate: leaf, by: 'place' };
      const named =
        hex &&
        all.find(
          ({ fingerprint, serial }) => fingerprint.startsWith(hex) || serial === hex.replace(/^0+/, ''),
        );
      if (named) return { certificate: named, by: 'certificate' };
      if (isPartOf(place)) return { certificate: leaf, by: 'part' };
      const inPart = all.find((one) => [one.name, one.subject, ...one.alternativeNames].some(isPartOf));
      return inPart && { certificate: inPart, by: 'part' };
    },
  };
}

/** Whether a place is named as it is shown. A site may also be named without its source, address, protocol or server name. */
function isNamed(place: string, asked: string): boolean {
  const label = withoutSource(siteOf(place));
  const site = siteIn(asked);
  return (
    asked === place ||
    asked === withoutSource(place) ||
    asked === label ||
    asked === place.slice(0, place.indexOf(':') + 1) + label ||
    (site !== undefined && (label.endsWith(`@${site}`) || label.endsWith(`//${site}`)))
  );
}

/** A place without its address and key type, which distinguish the certificates of a site: `edge:a:443 (203.0.113.7) (RSA)`. */
export function siteOf(place: string): string {
  return place.replace(/(?: \([^)]*\))+$/, '');
}

/** `host:port`, also with the name of a source or a scheme before it. */
function siteIn(what: string): string | undefined {
  return /^(?:[\w.-]+:)?((?:\w+:\/\/)?(?:\w[\w.-]*|\[[0-9a-f:]+\]):\d{1,5})$/i.exec(what)?.[1];
}

/** Tools write fingerprints and serials with colons, dashes or spaces, and in capitals. */
function hexOf(asked: string): string | undefined {
  const digits = asked.replaceAll(/[:\s-]/g, '');
  return digits.length >= SHORTEST_FINGERPRINT && /^[0-9a-f]+$/.test(digits) ? digits : undefined;
}

/** What every store returned for one site. */
export interface SiteInspection {
  readonly answers: readonly { readonly store: string; readonly results: readonly ports.ScanResult[] }[];
  /** Why a store did not inspect it, or has not finished. */
  readonly refusals: readonly SourceError[];
}

/** Inspects a site by its name, whether or not a store lists it. undefined if `what` is not a site. */
export async function inspectSite(
  stores: readonly ports.CertificateStore[],
  { signal }: Pick<ReadContext, 'signal'>,
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

/** `edge:www.example.com:443` names one store. */
function storesNamed(
  stores: readonly ports.CertificateStore[],
  what: string,
  site: string,
): readonly ports.CertificateStore[] {
  const prefix = what.slice(0, -site.length).toLowerCase();
  const named = stores.filter(({ name }) => `${name.toLowerCase()}:` === prefix);
  return named.length > 0 ? named : stores;
}
