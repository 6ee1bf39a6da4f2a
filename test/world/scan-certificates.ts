import type { SeenPlace, ScanResult } from '../../src/ports/certificates.ts';
import type { Source } from '../../src/ports/source.ts';

/** The results of a scan, in the order of places: the scan itself runs in parallel. */
export interface CertificateScan {
  readonly seen: readonly {
    readonly place: string;
    readonly names: readonly string[];
    readonly keyMatches?: boolean;
  }[];
  /** `place: kind: message` */
  readonly gaps: readonly string[];
  /** The number of places without a certificate. */
  readonly empty: number;
  readonly results: readonly ScanResult[];
}

/** Scans the certificates of a source once, to the end. */
export async function scanCertificates(
  source: Source,
  signal: AbortSignal = new AbortController().signal,
): Promise<CertificateScan> {
  const results: ScanResult[] = [];
  let empty = 0;
  const { certificates } = source.reads;
  if (!certificates) throw new Error(`${source.name} keeps no certificates`);
  for await (const result of certificates.scan({ signal, onEmpty: () => (empty += 1) })) results.push(result);
  return { ...summarize(results), empty, results };
}

function summarize(results: readonly ScanResult[]): Pick<CertificateScan, 'seen' | 'gaps'> {
  const inOrder = results.toSorted((one, other) => (one.place < other.place ? -1 : 1));
  return {
    seen: inOrder
      .filter((result): result is SeenPlace => result.kind === 'seen')
      .map(({ place, chain, keyMatches }) => ({
        place,
        names: chain.map(({ name }) => name),
        ...(keyMatches !== undefined && { keyMatches }),
      })),
    gaps: inOrder.flatMap((result) =>
      result.kind === 'unseen' ? [`${result.place}: ${result.error.kind}: ${result.error.message}`] : [],
    ),
  };
}
