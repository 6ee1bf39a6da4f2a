import type { CertificateStore, InspectOptions, UnseenPlace } from '../../ports/certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { SourceHealth, Source } from '../../ports/source.ts';
import { trustRoots } from '../../wire/certificate-path.ts';
import type { TlsConfig } from './config.ts';
import { hintFor } from './explain-error.ts';
import { findSite } from './find-site.ts';
import { type ReadRoots, readRoots } from './read-roots.ts';
import { readSites } from './read-sites.ts';
import { type SiteResult, type TlsState, inspectSite, scanSites, makeTlsState } from './scan.ts';
import { makeSeenPlaceReader, type SeenPlaceReader } from './seen-place.ts';

/**
 * Live TLS sites as a source of certificates. Nothing is opened before the first scan, and nothing is kept open after a handshake.
 * @param clock milliseconds since 1970
 */
export function openTls(config: TlsConfig, clock: () => number = Date.now): Source {
  const { name } = config;
  const state = makeTlsState(config, clock);
  const certificates: CertificateStore = {
    name,
    role: 'served',
    scan: async function* (options) {
      for await (const { result } of scan(state, options)) yield result;
    },
    inspectSite: async (site, { signal, onCertificate }) => {
      const { sites } = await readSites(config);
      const { placeReader } = await prepare(state, onCertificate);
      return inspectSite(findSite(site, sites, config), state, placeReader, signal);
    },
  };
  return {
    name,
    kind: 'tls',
    reads: { certificates },
    healthCheck: (signal) => checkHealth(state, signal),
    close: async () => {},
  };
}

async function* scan(
  state: TlsState,
  { signal, onCertificate, onProgress }: InspectOptions,
): AsyncGenerator<SiteResult, void> {
  const { name } = state.config;
  signal.throwIfAborted();
  const { sites, unread } = await readSites(state.config);
  const { placeReader, untrusted } = await prepare(state, onCertificate);
  onProgress?.({ read: 0, of: sites.length, unit: 'sites' });
  const gaps = [
    ...unread.map(({ what, error }) => ({ place: `${name}:${what}`, error })),
    ...untrusted.map(({ path, error }) => ({ place: `${name}:trust ${path}`, error })),
  ];
  for (const { place, error } of gaps) yield { asked: place, result: { kind: 'unseen', place, error } };
  const finished = new Set<string>();
  const read = new Set<string>();
  try {
    for await (const found of scanSites(sites, state, placeReader, signal)) {
      const site = found.asked.replace(/ \([^)]*\)$/, '');
      finished.add(site);
      if (found.result.kind === 'seen') read.add(site);
      onProgress?.({ read: read.size, of: sites.length, unit: 'sites' });
      yield found;
    }
  } catch (error) {
    throw signal.aborted && error instanceof SourceError
      ? unfinished(error, finished.size, sites.length)
      : error;
  }
}

/** A deadline that cut a scan short, with how many sites are missing. */
function unfinished({ source, kind, message }: SourceError, finished: number, all: number): SourceError {
  const places = Math.max(0, all - finished);
  return new SourceError(source, kind, `${places} of ${all} sites ${message}`, { places });
}

async function prepare(
  { config: { trust, name }, issuersAt, clock }: TlsState,
  onCertificate: InspectOptions['onCertificate'],
): Promise<{ placeReader: SeenPlaceReader; untrusted: ReadRoots['unread'] }> {
  const { roots, unread } = await readRoots(trust, name);
  return {
    placeReader: makeSeenPlaceReader(trustRoots(roots), issuersAt, new Date(clock()), onCertificate),
    untrusted: unread,
  };
}

const MAX_NAMED = 5;

/** Tries all sites, because one that responds says nothing about the others. */
async function checkHealth(state: TlsState, signal: AbortSignal): Promise<SourceHealth> {
  const { name } = state.config;
  const failed: UnseenPlace[] = [];
  const all = new Set<string>();
  const answering = new Set<string>();
  try {
    for await (const { asked, result } of scan(state, { signal })) {
      all.add(asked);
      if (result.kind === 'seen') answering.add(asked);
      else failed.push(result);
    }
  } catch {
    const hint = 'allow more time, or check the log for errors';
    return { ok: false, summary: `${answering.size} sites responded before the check stopped early`, hint };
  }
  const summary = `${answering.size} of ${all.size} ${all.size === 1 ? 'site responds' : 'sites respond'}`;
  if (failed.length === 0) return { ok: true, summary };
  const named = failed
    .slice(0, MAX_NAMED)
    .map(({ place, error }) => `${place.slice(name.length + 1)} (${error.message})`);
  const more = failed.length > MAX_NAMED ? ` and ${failed.length - MAX_NAMED} more` : '';
  return {
    ok: false,
    summary: `${summary}; not responding: ${named.join(', ')}${more}`,
    hint: hintFor(failed, name),
  };
}
