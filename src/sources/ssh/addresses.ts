import { isIP } from 'node:net';
import type { LinkAddress, IpRoute } from '../../ports/hosts.ts';
import { type JsonObject, listIn } from '../../wire/json-object.ts';
import { linesOf } from './ask-host.ts';
import { known, objectsInJson, toCount, toWord } from './values.ts';

/** Parses `ip -j addr show`. undefined if it isn't understood. */
export function parseAddresses(text: string): readonly LinkAddress[] | undefined {
  const links = objectsInJson(text);
  if (!links || links.length === 0 || links.some((link) => toWord(link['ifname']) === undefined))
    return undefined;
  const found = links.flatMap((link) =>
    // An address of a family that isn't IP has no `local`.
    listIn(link, 'addr_info')
      .filter((one) => one['local'] !== undefined)
      .map((one) => toAddress(String(link['ifname']), one['local'], one['prefixlen'])),
  );
  return found.every((one) => one !== undefined) ? found : undefined;
}

const LINK_LINE = /^\d+: (?<name>[^\s@:]+)(?:@[^\s:]+)?: </;
/** `inet 10.0.0.1/24 brd …`, with a peer `inet 10.0.0.1 peer 10.0.0.2/32`. */
const ADDRESS_LINE = /^\s+inet6? (?<address>[^\s/]+)(?: peer [^\s/]+)?(?:\/(?<prefix>\d+))?(?:\s|$)/;

/** Parses the text of `ip addr show`. undefined if it isn't understood. */
export function parseAddressesText(text: string): readonly LinkAddress[] | undefined {
  const found: (LinkAddress | undefined)[] = [];
  let name: string | undefined;
  for (const line of linesOf(text)) {
    const link = LINK_LINE.exec(line);
    if (link) name = link.groups?.['name'];
    else if (name === undefined) return undefined;
    else if (/^\s+inet6?\s/.test(line)) {
      const { address, prefix } = ADDRESS_LINE.exec(line)?.groups ?? {};
      found.push(toAddress(name, address, prefix ?? (address?.includes(':') ? 128 : 32)));
    }
  }
  return name !== undefined && found.every((one) => one !== undefined) ? found : undefined;
}

function toAddress(link: string, address: unknown, prefix: unknown): LinkAddress | undefined {
  const prefixLength = toCount(prefix);
  const version = typeof address === 'string' ? isIP(address) : 0;
  if (typeof address !== 'string' || version === 0 || prefixLength === undefined) return undefined;
  return { link, address, prefixLength, family: version === 6 ? 'IPv6' : 'IPv4' };
}

/** Parses `ip -j route show`. undefined if it isn't understood. */
export function parseRoutes(text: string): readonly IpRoute[] | undefined {
  const objects = objectsInJson(text);
  const found = objects?.map(toRoute);
  return found?.every((one) => one !== undefined) ? found : undefined;
}

function toRoute(route: JsonObject): IpRoute | undefined {
  const to = toWord(route['dst']);
  if (to === undefined) return undefined;
  const [metrics] = listIn(route, 'metrics');
  return {
    to,
    ...known({
      via: toWord(route['gateway']),
      link: toWord(route['dev']),
      mtu: toCount(metrics?.['mtu']) ?? toCount(route['mtu']),
    }),
  };
}

const ROUTE_TYPE = /^(?:unicast|local|broadcast|multicast|blackhole|unreachable|prohibit|throw|nat|anycast) /;

/** Parses the text of `ip route show`. undefined if it isn't understood. Further next hops of a route are on indented lines. */
export function parseRoutesText(text: string): readonly IpRoute[] | undefined {
  const routes: IpRoute[] = [];
  for (const line of linesOf(text)) {
    if (/^\s/.test(line)) continue;
    const words = line.trim().replace(ROUTE_TYPE, '').split(/\s+/);
    const [to = ''] = words;
    if (to !== 'default' && isIP(to.replace(/\/\d+$/, '')) === 0) return undefined;
    const after = (key: string): string | undefined => words[words.indexOf(key, 1) + 1];
    const has = (key: string): boolean => words.indexOf(key, 1) !== -1;
    routes.push({
      to,
      ...known({
        via: has('via') ? after('via') : undefined,
        link: has('dev') ? after('dev') : undefined,
        mtu: has('mtu')
          ? toCount(after('mtu') === 'lock' ? words[words.indexOf('lock') + 1] : after('mtu'))
          : undefined,
      }),
    });
  }
  return routes;
}
