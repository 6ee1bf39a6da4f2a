import { isIP, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

/** Protocols that start in plain text and upgrade to TLS. */
export const STARTTLS = ['smtp', 'imap', 'pop3', 'ftp', 'ldap', 'postgres', 'mysql'] as const;
export type StartTls = (typeof STARTTLS)[number];

/** One place to check. */
export interface Site {
  /** As shown, in a form that can be parsed again: `www.example.com:443`, `cell.internal@10.0.0.5:8443`, `smtp://mail.example.com:25`. */
  readonly label: string;
  /** An IP address, or a name in its ASCII form. */
  readonly host: string;
  readonly port: number;
  /** For SNI; absent if only an IP address is known, which must not be sent (RFC 6066, section 3). */
  readonly servername?: string;
  readonly starttls?: StartTls;
  /** The machine or instance that serves it: `diego-cell/1b`. */
  readonly instance?: string;
}

interface Scheme {
  readonly port: number;
  readonly starttls?: StartTls;
}

const SCHEMES: Readonly<Record<string, Scheme>> = {
  https: { port: 443 },
  tls: { port: 443 },
  ldaps: { port: 636 },
  imaps: { port: 993 },
  pop3s: { port: 995 },
  smtps: { port: 465 },
  ftps: { port: 990 },
  smtp: { port: 25, starttls: 'smtp' },
  imap: { port: 143, starttls: 'imap' },
  pop3: { port: 110, starttls: 'pop3' },
  ftp: { port: 21, starttls: 'ftp' },
  ldap: { port: 389, starttls: 'ldap' },
  postgres: { port: 5432, starttls: 'postgres' },
  postgresql: { port: 5432, starttls: 'postgres' },
  mysql: { port: 3306, starttls: 'mysql' },
};

const HOW = 'write `host:port`, `servername@host:port` or `smtp://host:port`';

/** Parses a site as people write it. Returns a string that describes the problem if it is invalid. */
export function parseSite(text: string): Site | string {
  const written = shorten(text);
  const match = /^(?:(?<scheme>[a-z0-9]+):\/\/)?(?:(?<name>[^@/]+)@)?(?<rest>[^@/]+)\/?$/i.exec(text.trim());
  if (match?.groups === undefined) return `${written} is not a site: ${HOW}`;
  const { scheme = 'tls', name, rest = '' } = match.groups;
  const known = SCHEMES[scheme.toLowerCase()];
  if (known === undefined)
    return `${written} has an unknown protocol. Available: ${Object.keys(SCHEMES).join(', ')}`;
  const place = splitPort(rest);
  if (place === undefined) return `${written} has no valid host and port: ${HOW}`;
  const { host, port } = place;
  return siteFrom({ host, port: port ?? known.port, servername: name, starttls: known.starttls });
}

/** A site from its parts. Returns a string that describes the problem if they are invalid. */
export function siteFrom(parts: {
  readonly host: string;
  readonly port?: number | undefined;
  readonly servername?: string | undefined;
  readonly starttls?: StartTls | undefined;
  readonly instance?: string | undefined;
}): Site | string {
  const { starttls, instance } = parts;
  const host = normalHost(parts.host);
  if (host === undefined) return `${shorten(parts.host)} is neither a host name nor an IP address`;
  const port = parts.port ?? (starttls === undefined ? 443 : (SCHEMES[starttls]?.port ?? 443));
  if (!(port >= 1 && port <= 65_535)) return `${shorten(parts.host)} has no port between 1 and 65535`;
  const asked = parts.servername === undefined ? undefined : normalHost(parts.servername);
  if (parts.servername !== undefined && (asked === undefined || isIP(asked) !== 0))
    return `${shorten(parts.servername)} is not a valid server name: SNI needs a host name`;
  const servername = asked ?? (isIP(host) === 0 ? host : undefined);
  const address = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const before = `${starttls === undefined ? '' : `${starttls}://`}${servername === undefined || servername === host ? '' : `${servername}@`}`;
  return {
    label: before + address,
    host,
    port,
    ...(servername !== undefined && { servername }),
    ...(starttls && { starttls }),
    ...(instance !== undefined && { instance }),
  };
}

/** Lower-case A-labels without the trailing dot: `Bücher.example.` becomes `xn--bcher-kva.example`. */
function normalHost(written: string): string | undefined {
  const bare = written.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0) return bare.toLowerCase();
  // Host names have no underscores, but internal names do, and resolvers accept them.
  const ascii = domainToASCII(bare.replace(/\.$/, ''));
  return /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*$/.test(ascii)
    ? ascii
    : undefined;
}

function splitPort(text: string): { host: string; port?: number } | undefined {
  if (isIPv6(text)) return { host: text };
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(text);
  if (match?.[1] === undefined) return undefined;
  return { host: match[1], ...(match[2] !== undefined && { port: Number(match[2]) }) };
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
