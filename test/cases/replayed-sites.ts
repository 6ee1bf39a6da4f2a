import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { CertificateStore, ScanResult, SeenPlace } from '../../src/ports/certificates.ts';
import type { Readers } from '../../src/ports/readers.ts';
import { freePort } from '../world/free-port.ts';
import { makeReplayServer } from '../world/tls-replay.ts';
import { makeListeners } from '../world/tls-servers.ts';
import type { ReplayedCaseSite } from './certificate-case.ts';

const SOURCE = 'tls';

/** The sites of a case on loopback, and the names and addresses that they have in the case. */
export interface ReplayedSites {
  readonly source: object;
  /** Shows each site under the address that it has in the case. */
  readonly asInCase: (readers: Partial<Readers>) => Partial<Readers>;
  readonly close: () => Promise<void>;
}

interface Replayed {
  readonly site: ReplayedCaseSite;
  /** As the source names it: `shop.example@127.0.0.1:40123`. */
  readonly label: string;
  readonly port: number;
}

/** @param trust files with the CAs that are configured as trusted */
export async function serveSites(
  sites: readonly ReplayedCaseSite[],
  trust: readonly string[] = [],
): Promise<ReplayedSites> {
  const listeners = makeListeners();
  const replayed = await Promise.all(
    sites.map(async (site): Promise<Replayed> => {
      const { sent, clientCertificate } = site;
      const requestsClient = clientCertificate === 'required';
      const port =
        sent.length === 0
          ? await freePort()
          : (await listeners.listen(makeReplayServer({ sent, requestsClient }))).port;
      const name = servernameOf(site);
      return { site, port, label: `${name === undefined ? '' : `${name}@`}127.0.0.1:${port}` };
    }),
  );
  return {
    source: { kind: 'tls', name: SOURCE, sites: replayed.map(siteOption), trust },
    asInCase: (readers) => ({
      ...readers,
      certificates: (readers.certificates ?? []).map((store) =>
        store.name === SOURCE ? renamed(store, replayed) : store,
      ),
    }),
    close: listeners.close,
  };
}

function siteOption({ site, port }: Replayed): object {
  const servername = servernameOf(site);
  const instance = hostOf(site);
  return {
    host: '127.0.0.1',
    port,
    ...(servername !== undefined && { servername }),
    ...(instance !== undefined && { instance }),
  };
}

/** `diego-cell/1b` of `diego-cell/1b rep`. */
function hostOf({ who }: ReplayedCaseSite): string | undefined {
  return who?.split(' ')[0];
}

/** A name that is connected to is also the name that is requested. The peers of a port with mutual TLS know it by the name in its certificate. */
function servernameOf({
  address,
  servername,
  clientCertificate,
  sent,
}: ReplayedCaseSite): string | undefined {
  const { host } = addressParts(address);
  if (servername !== undefined || isIP(host) === 0) return servername ?? host;
  return clientCertificate === 'required' ? nameIn(sent) : undefined;
}

function nameIn([leaf = '']: readonly string[]): string | undefined {
  return /DNS:([^,\s"*]+)/.exec(new X509Certificate(leaf).subjectAltName ?? '')?.[1];
}

function addressParts(address: string): { readonly host: string; readonly port: string } {
  const [, host = '', port = '443'] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(address) ?? [];
  return { host, port };
}

function renamed(store: CertificateStore, sites: readonly Replayed[]): CertificateStore {
  return {
    ...store,
    scan: async function* (options) {
      for await (const result of store.scan(options)) yield asServed(result, sites);
    },
    ...(store.inspectSite && {
      inspectSite: async (asked, options) => {
        const found = sites.find(({ site }) => labelOf(site) === asked || site.address === asked);
        const results = await store.inspectSite!(found?.label ?? asked, options);
        return results.map((result) => asServed(result, sites));
      },
    }),
  };
}

/** As the source would name the site at its address in the case. */
function labelOf({ address, servername }: ReplayedCaseSite): string {
  const { host, port } = addressParts(address);
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return servername === undefined || servername === host ? at : `${servername}@${at}`;
}

function asServed(result: ScanResult, sites: readonly Replayed[]): ScanResult {
  const found = sites.find(({ label }) => result.place.startsWith(`${SOURCE}:${label}`));
  if (!found) return result;
  const { site, label } = found;
  const place = result.place.replace(label, labelOf(site));
  if (result.kind === 'unseen') return { ...result, place };
  const { host } = addressParts(site.address);
  return {
    ...result,
    place,
    ...(result.served && {
      served: { ...result.served, address: site.address, nameMatches: matches(result, host) },
    }),
  };
}

/** Without a name, a certificate is valid for the address that was connected to. */
function matches({ served, chain }: SeenPlace, host: string): boolean {
  if (!served || served.servername !== undefined) return served?.nameMatches ?? false;
  return chain[0].alternativeNames.includes(`IP:${host}`);
}
