import type { LookupAddress } from 'node:dns';
import type { Sighting, Unseen } from '../../ports/certificates.ts';
import type { TlsConfig } from './config.ts';
import { explain } from './explain.ts';
import { probe } from './probe.ts';
import { resolveHost } from './resolve.ts';
import type { Site } from './site.ts';
import type { ToSeen } from './to-seen.ts';
import type { Turns } from './turns.ts';

export interface Looking {
  readonly config: TlsConfig;
  readonly toSeen: ToSeen;
  readonly turns: Turns;
  /** Every certificate exactly as sent, at the price told in served-chain.ts. */
  readonly thorough: boolean;
}

/** Looks at one site: one sighting, or one for each of its addresses with `everyAddress`. Never throws what is the site's fault. */
export async function* lookAtSite(
  site: Site,
  looking: Looking,
  signal: AbortSignal,
): AsyncGenerator<Sighting, void> {
  const { name: source, timeoutMs, everyAddress } = looking.config;
  const place = `${source}:${site.label}`;
  const startedAt = performance.now();
  let addresses: readonly [LookupAddress, ...LookupAddress[]];
  try {
    addresses = await resolveHost(site.host, { source, timeoutMs, signal });
  } catch (error) {
    yield toUnseen(place, error, source, signal);
    return;
  }
  const leftMs = Math.max(1, timeoutMs - (performance.now() - startedAt));
  if (!everyAddress || addresses.length === 1) {
    yield await lookAt(place, site, addresses, leftMs, looking, signal);
    return;
  }
  for (const address of addresses)
    yield await lookAt(`${place} (${address.address})`, site, [address], timeoutMs, looking, signal);
}

async function lookAt(
  place: string,
  site: Site,
  addresses: readonly [LookupAddress, ...LookupAddress[]],
  leftMs: number,
  { config: { name: source, timeoutMs }, toSeen, turns, thorough }: Looking,
  signal: AbortSignal,
): Promise<Sighting> {
  const isEnough = thorough ? () => false : toSeen.isEnough(place);
  const giveBack = await turns.take(`${addresses[0].address} ${site.port}`);
  try {
    const shown = await probe(site, addresses, { source, timeoutMs, leftMs, isEnough, signal });
    return toSeen.read(place, site, shown);
  } catch (error) {
    return toUnseen(place, error, source, signal);
  } finally {
    giveBack();
  }
}

function toUnseen(place: string, error: unknown, source: string, signal: AbortSignal): Unseen {
  signal.throwIfAborted();
  const explained = explain(error, source);
  if (explained === undefined) throw error;
  return { kind: 'unseen', place, error: explained };
}
