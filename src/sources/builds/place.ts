/** Where a replica listens. */
export interface Place {
  /** As in a parsed URL, without brackets and a trailing dot. */
  readonly host: string;
  readonly port: number;
}

/** `10.244.1.1:8080`, `[fd00::1]:8080` */
export function placeText({ host, port }: Place): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The place in a configured address: `https://host-1`. */
export function placeInUrl(url: string): Place {
  const { hostname, port, protocol } = new URL(url);
  return { host: plainHost(hostname), port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
}

/**
 * Parsed like the URL that is requested, so that what is compared is what is connected to: `2130706433` and `0x7f.1` are 127.0.0.1. Undefined for
 * anything but a host, such as an address with a zone.
 */
export function parseReplicaPlace(host: string, port: number): Place | undefined {
  const plain = host.replace(/^\[(.*)\]$/, '$1');
  if (!Number.isInteger(port) || port < 1 || port > 65_535 || !/^[\w.:-]+$/.test(plain)) return undefined;
  const url = URL.parse(`http://${plain.includes(':') ? `[${plain}]` : plain}`);
  return url && url.hostname !== '' ? { host: plainHost(url.hostname), port } : undefined;
}

function plainHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}
