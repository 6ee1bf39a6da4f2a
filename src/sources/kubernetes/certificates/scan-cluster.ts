import type { ScanOptions, ScanResult } from '../../../ports/certificates.ts';
import { SourceError } from '../../../ports/source-error.ts';
import { type CertificateReading, namespacesOf } from './list-objects.ts';
import { BUNDLE_KINDS, scanBundles, scanConfigMap } from './scan-bundles.ts';
import { scanClusterSecrets } from './scan-secrets.ts';

interface ScanPart {
  /** What is `unseen` if it can't be completed, without the name of the source. */
  readonly place: string;
  readonly results: () => AsyncIterable<readonly ScanResult[]>;
  /** Read only if the credential happens to have the permission. */
  readonly isOptional?: boolean;
}

/**
 * Scans what the configuration selects. A part that fails doesn't end the scan.
 * @throws {SourceError} if the API server doesn't respond at all.
 */
export async function* scanCluster(
  reading: CertificateReading,
  options: ScanOptions,
): AsyncGenerator<ScanResult> {
  let hasAnswered = false;
  for (const { place, results, isOptional = false } of partsOf(reading, options)) {
    try {
      for await (const batch of results()) {
        hasAnswered = true;
        yield* batch;
      }
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      // A connection that fails would only fail again, after its timeout.
      if (error.kind === 'unreachable' && error.code !== undefined && !hasAnswered) throw error;
      hasAnswered = true;
      if (isOptional && (error.kind === 'refused' || error.kind === 'missing')) continue;
      yield { kind: 'unseen', place: `${reading.source}:${place}`, error };
    }
  }
}

function partsOf(reading: CertificateReading, scan: ScanOptions): readonly ScanPart[] {
  const { secrets, trust, caBundles } = reading.options;
  return [
    ...(secrets === 'none' ? [] : namespacesOf(reading.options)).map((namespace): ScanPart => ({
      place: namespace === undefined ? 'secrets' : `${namespace}/secrets`,
      results: () => scanClusterSecrets(reading, secrets === 'all' ? 'all' : 'tls', { ...scan, namespace }),
    })),
    ...[...new Set(trust)].map((trusted): ScanPart => ({
      place: trusted.replace('/', '/configmaps/'),
      results: async function* results() {
        yield await scanConfigMap(reading, trusted, scan);
      },
    })),
    ...(caBundles === 'none' ? [] : BUNDLE_KINDS).map((kind): ScanPart => ({
      place: kind.rule.resource,
      results: () => scanBundles(reading, kind, scan),
      isOptional: caBundles === 'auto',
    })),
  ];
}
