import { SourceError } from '../../ports/source-error.ts';
import type { TlsConfig } from './config.ts';
import { parseSite, type Site } from './site.ts';

/**
 * Finds a configured site (by its label, `host:port`, `host` or `servername`), otherwise one that `alsoLookAt` allows. A chat command must
 * not be able to make the worker connect anywhere else.
 * @throws {SourceError} `refused` for any other site, `malformed` for an invalid one.
 */
export function findSite(written: string, sites: readonly Site[], { name, alsoLookAt }: TlsConfig): Site {
  const requested = parseSite(written);
  if (typeof requested === 'string') throw new SourceError(name, 'malformed', requested);
  const address = addressOf(requested);
  const configured =
    sites.find(({ label }) => label === requested.label) ??
    sites.find((site) => addressOf(site) === address && !requested.label.includes('@')) ??
    sites.find(({ servername }) => servername === requested.host) ??
    sites.find(({ host }) => host === requested.host && !/:\d+$/.test(written));
  if (configured !== undefined) return configured;
  if (alsoLookAt.some((glob) => matches(address, glob))) return requested;
  throw new SourceError(
    name,
    'refused',
    `${requested.label} is not one of the sites of the source ${name}. To allow it, add it to its \`alsoLookAt\``,
  );
}

function addressOf({ host, port }: Site): string {
  return `${host}:${port}`;
}

/** In a glob of `host:port`, `*` matches any characters except a colon, so `*.example.com:443` allows only one port. */
function matches(address: string, glob: string): boolean {
  const parts = glob
    .toLowerCase()
    .split('*')
    .map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^:]*')}$`).test(address);
}
