import { SourceError } from '../../ports/source-error.ts';
import type { TlsConfig } from './config.ts';
import { parseSite, type Site } from './site.ts';

/**
 * The site that is meant: a configured one (by its label, `host:port`, `host` or `servername`), else any that `alsoLookAt` allows.
 * @throws {SourceError} `refused` for other places, `malformed` for what is no site: a chat command must not make the worker connect anywhere.
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
    `${requested.label} is none of the sites of \`${name}\`; \`alsoLookAt\` in the configuration of \`${name}\` would allow it`,
  );
}

function addressOf({ host, port }: Site): string {
  return `${host}:${port}`;
}

/** In a glob of `host:port`, `*` stands for any run of characters but a colon, so that `*.example.com:443` allows one port only. */
function matches(address: string, glob: string): boolean {
  const parts = glob
    .toLowerCase()
    .split('*')
    .map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^:]*')}$`).test(address);
}
