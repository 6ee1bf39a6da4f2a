import { type ports, SourceError } from '../../kit.ts';
import { type SurveyedHost, unknownHost } from '../../shared/host-survey.ts';
import type { HostLinksFacts, MtuContext, Probe } from './facts.ts';
import { isUp } from './link-table.ts';

interface ProbedHost {
  readonly surveyed: SurveyedHost;
  readonly facts: HostLinksFacts;
}

/** A single host is probed with at most this many others. */
const MAX_PARTNERS = 4;
/** The least that every link with IPv6 carries. Used if the MTUs at the ends are not known. */
const DEFAULT_MTU = 1_500;

/** Sends don't-fragment pings between the named hosts, in both directions; from a single one to some others of its source. */
export async function probePaths(
  context: MtuContext,
  names: readonly string[],
  hosts: readonly ProbedHost[],
): Promise<readonly Probe[]> {
  const { gap } = context;
  const find = (name: string) =>
    hosts.find(({ facts }) => facts.name === name) ?? hosts.find(({ facts }) => facts.host === name);
  for (const name of names.filter((one) => !find(one)))
    gap(
      `--probe ${name}`,
      unknownHost(
        name,
        hosts.map(({ facts }) => facts.name),
      ),
    );
  const chosen = [...new Set(names.flatMap((name) => find(name) ?? []))];
  const pairs = pairsOf(chosen, hosts);
  if (chosen.length > 0 && pairs.length === 0)
    gap('--probe', new SourceError('probe', 'missing', 'no other host of the same source was read'));
  const probes = await Promise.all(pairs.map(([from, to]) => probe(context, from, to)));
  return probes.flatMap((one) => one ?? []);
}

function pairsOf(
  chosen: readonly ProbedHost[],
  hosts: readonly ProbedHost[],
): readonly (readonly [ProbedHost, ProbedHost])[] {
  const [only] = chosen;
  const partners =
    chosen.length === 1
      ? hosts.filter((one) => one !== only && one.facts.source === only?.facts.source).slice(0, MAX_PARTNERS)
      : chosen;
  return chosen.flatMap((from) =>
    partners
      .filter((to) => to !== from && to.facts.source === from.facts.source)
      .map((to) => [from, to] as const),
  );
}

async function probe(
  { signal, gap, note }: MtuContext,
  from: ProbedHost,
  to: ProbedHost,
): Promise<Probe | undefined> {
  const { source } = from.surveyed;
  const what = `ping from ${from.facts.name} to ${to.facts.name}`;
  const attempt = async <T>(ask: () => Promise<T>, onError: (error: SourceError) => void) => {
    try {
      return await ask();
    } catch (error) {
      const cause: unknown = signal.aborted ? signal.reason : error;
      if (!(cause instanceof SourceError)) throw error;
      onError(cause);
      return undefined;
    }
  };
  const addressesOf = async ({ facts }: ProbedHost) =>
    facts.addresses ??
    attempt(
      () => source.addresses({ host: facts.host, signal }),
      (error) => note(`${source.name}: couldn't read the addresses of ${facts.name}: ${error.message}`),
    );
  const [near = [], far = []] = await Promise.all([addressesOf(from), addressesOf(to)]);
  const result = await attempt(
    () =>
      source.pathMtu({
        host: from.facts.host,
        to: to.facts.host,
        mostBytes: largestMtu(from.facts),
        signal,
      }),
    (error) => gap(`${source.name}: ${what}`, error),
  );
  if (!result) return undefined;
  const farLink = far.find(({ address }) => address === result.address);
  const nearLink = farLink && near.find((one) => isSameSubnet(one, farLink));
  const fromMtu = mtuOf(from.facts, nearLink?.link);
  const toMtu = mtuOf(to.facts, farLink?.link);
  if (result.bytes === undefined)
    gap(
      `${source.name}: ${what}`,
      new SourceError(
        source.name,
        'unreachable',
        'no ping was answered, whatever its size; ICMP may be filtered',
      ),
    );
  else
    note(
      `${from.facts.name} to ${to.facts.name} (${result.address}): packets of ${result.bytes} bytes pass${result.failedBytes === undefined ? '' : `, ${result.failedBytes} don't`}`,
    );
  return {
    from: from.facts.name,
    to: to.facts.name,
    ...(fromMtu !== undefined && { fromMtu }),
    ...(toMtu !== undefined && { toMtu }),
    ...(nearLink && { isDirect: true }),
    result,
  };
}

function largestMtu({ links }: HostLinksFacts): number {
  const sizes = links
    .filter((link) => isUp(link) && link.type !== 'loopback' && link.kind !== 'bridge')
    .flatMap(({ mtu = [] }) => mtu)
    .filter((mtu) => mtu <= 9_216);
  return Math.max(DEFAULT_MTU, ...sizes);
}

function mtuOf({ links }: HostLinksFacts, name: string | undefined): number | undefined {
  return links.find((link) => link.name === name)?.mtu;
}

function isSameSubnet(a: ports.LinkAddress, b: ports.LinkAddress): boolean {
  if (a.family !== 'IPv4' || b.family !== 'IPv4' || a.prefixLength !== b.prefixLength) return false;
  const shift = 2 ** (32 - a.prefixLength);
  const network = (address: string) =>
    Math.floor(address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) / shift);
  return network(a.address) === network(b.address);
}
