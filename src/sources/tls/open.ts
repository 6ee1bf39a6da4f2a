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
import { type IssuersAt, makeToSeen } from './to-seen.ts';
import { makeTurns, type Turns } from './turns.ts';

/** Live TLS sites as a source of certificates. Nothing is opened before the first scan, and nothing is kept open after a handshake. */
export function openTls(config: TlsConfig): Source {
  const { name } = config;
  const life: Life = { config, turns: makeTurns(config.perAddress), issuersAt: new Map() };
  const certificates: CertificateStore = {
    name,
    kind: 'tls',
    ...(config.sitesFile === undefined && { size: new Set(config.sites.map(({ label }) => label)).size }),
    scan: ({ signal }) => scan(life, signal),
    lookAt: async (site, { signal }) => {
      const { sites } = await readSites(config);
      const { looking } = await prepare(life, true);
      for await (const sighting of lookAtSite(findSite(site, sites, config), looking, signal))
        return sighting;
      throw new SourceError(name, 'unreachable', 'no address to look at');
    },
  };
  return {
    name,
    kind: 'tls',
    certificates,
    reach: (signal) => reach(life, signal),
    close: async () => {},
  };
}

/** What lasts as long as the source: turns too, so that two checks at once do not meet at one address either. */
interface Life {
  readonly config: TlsConfig;
  readonly turns: Turns;
  readonly issuersAt: IssuersAt;
}

async function* scan(life: Life, signal: AbortSignal): AsyncGenerator<Sighting, void> {
  const { config } = life;
  signal.throwIfAborted();
  const { sites, unread } = await readSites(config);
  const { looking, untrusted } = await prepare(life);
  for (const { what, error } of unread) yield { kind: 'unseen', place: `${config.name}:${what}`, error };
  for (const { path, error } of untrusted)
    yield { kind: 'unseen', place: `${config.name}:trust ${path}`, error };
  yield* concurrently(sites, config.concurrency, (site, stop) => lookAtSite(site, looking, stop), signal);
}

async function prepare(
  { config, turns, issuersAt }: Life,
  thorough = false,
): Promise<{ looking: Looking; untrusted: ReadRoots['unread'] }> {
  const { roots, unread } = await readRoots(config.trust, config.name);
  return {
    looking: { config, turns, thorough, toSeen: makeToSeen(trustRoots(roots), issuersAt, new Date()) },
    untrusted: unread,
  };
}

const MAX_NAMED = 5;

/** All sites are asked: one that answers says nothing about its neighbours. */
async function reach(life: Life, signal: AbortSignal): Promise<Reach> {
  const { name } = life.config;
  const silent: Unseen[] = [];
  let answering = 0;
  try {
    for await (const sighting of scan(life, signal)) {
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
