import { BlockList, isIP } from 'node:net';
import { parseNamePattern, parseNetwork } from './config.ts';

/** Which hosts may be asked: `hosts` of the source, and the hosts in its `addresses`. */
export interface AllowedHosts {
  /**
   * Whether a host may be asked, before its name is resolved.
   * @param host as in a parsed URL, without brackets
   */
  readonly mayAsk: (host: string) => boolean;
  /** The addresses of a name that may be connected to. */
  readonly addressesOf: <Address extends { readonly address: string }>(
    name: string,
    found: readonly Address[],
  ) => readonly Address[];
}

/**
 * Networks that mean something else than a replica: this machine, links, the metadata services of clouds, and groups of hosts. They are allowed only by
 * entries that lie in them, never by a larger network.
 */
const SPECIAL: readonly string[] = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/128',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
  // https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
  '168.63.129.16/32',
  // https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
  '100.100.100.200/32',
  // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
  'fd00:ec2::254/128',
  // https://cloud.google.com/compute/docs/metadata/querying-metadata
  'fd20:ce::254/128',
];

const special = toBlockList(SPECIAL);

/** @param own hosts that are allowed by themselves, as in a parsed URL, without brackets */
export function makeAllowedHosts(hosts: readonly string[], own: ReadonlySet<string>): AllowedHosts {
  const networks = hosts.filter((entry) => parseNetwork(entry) !== undefined);
  const ownAddresses = [...own].filter((host) => isIP(host) !== 0);
  const ordinary = toBlockList(networks.filter((entry) => !liesInSpecial(entry)));
  const explicit = toBlockList([...networks.filter(liesInSpecial), ...ownAddresses]);
  const patterns = hosts.flatMap((entry) => {
    const pattern = parseNetwork(entry) === undefined ? parseNamePattern(entry) : undefined;
    return pattern === undefined ? [] : [toRegExp(pattern)];
  });

  const isListed = (address: string): boolean =>
    has(explicit, address) || (!isSpecial(address) && has(ordinary, address));
  const isNamed = (name: string): boolean => own.has(name) || patterns.some((pattern) => pattern.test(name));
  const isThisMachine = (name: string, address: string): boolean =>
    own.has(name) && /^(.+\.)?localhost$/.test(name) && has(loopback, address);

  return {
    mayAsk: (host) => (isIP(host) === 0 ? isNamed(host) || networks.length > 0 : isListed(host)),
    addressesOf: (name, found) =>
      found.filter(
        ({ address }) =>
          isListed(address) || isThisMachine(name, address) || (isNamed(name) && !isSpecial(address)),
      ),
  };
}

const loopback = toBlockList(['127.0.0.0/8', '::1/128']);

/** Whether all addresses of an entry are special: `127.0.0.1`, but not `0.0.0.0/0`. */
function liesInSpecial(entry: string): boolean {
  const { address, prefix, family } = parseNetwork(entry)!;
  return SPECIAL.some((one) => {
    const range = parseNetwork(one)!;
    return range.family === family && prefix >= range.prefix && has(toBlockList([one]), address);
  });
}

function isSpecial(address: string): boolean {
  return has(special, address) || has(special, embeddedIpv4(address));
}

function has(list: BlockList, address: string | undefined): boolean {
  if (address === undefined || isIP(address) === 0) return false;
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/** The IPv4 address in an IPv6 one that leads to it: mapped, compatible, and NAT64 (RFC 6052). */
function embeddedIpv4(address: string): string | undefined {
  if (isIP(address) !== 6 || !URL.canParse(`http://[${address}]`)) return undefined;
  // As in a parsed URL: the longest run of zeros is `::`, and the rest hexadecimal.
  const written = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^(?:::|::ffff:|64:ff9b::)(?:([\da-f]{1,4}):)?([\da-f]{1,4})$/.exec(written) ?? [];
  if (low === undefined) return undefined;
  const [a, b] = [Number.parseInt(high ?? '0', 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join('.');
}

function toBlockList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const { address, prefix, family } = parseNetwork(entry)!;
    list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** `*.` at the beginning stands for any number of names, `*` elsewhere for characters of one name. */
function toRegExp(pattern: string): RegExp {
  const [, leading = '', rest = ''] = /^(\*\.)?(.*)$/.exec(pattern) ?? [];
  const text = rest.replaceAll('.', '\\.').replaceAll('*', '[^.]*');
  return new RegExp(`^${leading === '' ? '' : '(?:[^.]+\\.)+'}${text}$`);
}
