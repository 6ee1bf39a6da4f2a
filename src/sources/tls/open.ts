import type { CertificateStore, Sighting, Unseen } from '../../ports/certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { Reach, Source } from '../../ports/source.ts';
import { trustRoots } from '../../wire/certificate-path.ts';
import { concurrently } from '../../wire/concurrently.ts';
import type { TlsConfig } from './config.ts';
import { cureFor } from './explain.ts';
import { findSite } from './find-site.ts';
import { type ReadRoots, readRoots } from './read-roots.ts';
import { readSites } from './read-sites.ts';
import { type Looking, lookAtSite } from './scan.ts';
import { makeToSeen } from './to-seen.ts';
import { makeTurns, type Turns } from './turns.ts';

/** Live TLS sites as a source of certificates. Nothing is opened before the first scan, and nothing is kept open after a handshake. */
export function openTls(config: TlsConfig): Source {
  const { name } = config;
  // One for the life of the source, so that two checks at once do not meet at one address either.
  const turns = makeTurns(config.perAddress);
  const certificates: CertificateStore = {
    name,
    kind: 'tls',
    ...(config.sitesFile === undefined && { size: new Set(config.sites.map(({ label }) => label)).size }),
    scan: ({ signal }) => scan(config, turns, signal),
    lookAt: async (site, { signal }) => {
      const { sites } = await readSites(config);
      const { looking } = await prepare(config, turns);
      for await (const sighting of lookAtSite(findSite(site, sites, config), looking, signal))
        return sighting;
      throw new SourceError(name, 'unreachable', 'no address to look at');
    },
  };
  return {
    name,
    kind: 'tls',
    certificates,
    reach: (signal) => reach(config, turns, signal),
    close: async () => {},
  };
}

async function* scan(config: TlsConfig, turns: Turns, signal: AbortSignal): AsyncGenerator<Sighting, void> {
  signal.throwIfAborted();
  const { sites, unread } = await readSites(config);
  const { looking, untrusted } = await prepare(config, turns);
  for (const { what, error } of unread) yield { kind: 'unseen', place: `${config.name}:${what}`, error };
  for (const { path, error } of untrusted)
    yield { kind: 'unseen', place: `${config.name}:trust ${path}`, error };
  yield* concurrently(sites, config.concurrency, (site, stop) => lookAtSite(site, looking, stop), signal);
}

async function prepare(
  config: TlsConfig,
  turns: Turns,
): Promise<{ looking: Looking; untrusted: ReadRoots['unread'] }> {
  const { roots, unread } = await readRoots(config.trust, config.name);
  return { looking: { config, turns, toSeen: makeToSeen(trustRoots(roots)) }, untrusted: unread };
}

const MAX_NAMED = 5;

/** All sites are asked: one that answers says nothing about its neighbours. */
async function reach(config: TlsConfig, turns: Turns, signal: AbortSignal): Promise<Reach> {
  const { name } = config;
  const silent: Unseen[] = [];
  let answering = 0;
  try {
    for await (const sighting of scan(config, turns, signal)) {
      if (sighting.kind === 'seen') answering += 1;
      else silent.push(sighting);
    }
  } catch {
    const cure = 'give it more time, or look in the log for what went wrong';
    return { ok: false, said: `${answering} sites answered before it was broken off`, cure };
  }
  const asked = answering + silent.length;
  const said = `${answering} of ${asked} ${asked === 1 ? 'site answers' : 'sites answer'}`;
  if (silent.length === 0) return { ok: true, said };
  const named = silent
    .slice(0, MAX_NAMED)
    .map(({ place, error }) => `${place.slice(name.length + 1)} (${error.message})`);
  const more = silent.length > MAX_NAMED ? ` and ${silent.length - MAX_NAMED} more` : '';
  return { ok: false, said: `${said}; silent: ${named.join(', ')}${more}`, cure: cureFor(silent, name) };
}
