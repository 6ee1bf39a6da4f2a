import type { ports } from '../kit.ts';

/** What identifies a node among machines. */
type NodeNames = Pick<ports.ClusterNode, 'name' | 'addresses'>;

export interface NodeMatch<N> {
  readonly node: N;
  /** How it was matched, in words. */
  readonly by: 'name' | 'name without the domain' | 'address';
}

/** Names and addresses that every machine has. */
const LOOPBACK = /^(?:localhost(?:\..*)?|127\..*|::1)$/;

/**
 * Finds the node that runs on a machine, by the machine's name or address: the `node` of a container engine in the configuration, or the
 * host name that the engine reports. Returns only the best matches: by name, otherwise by the name without the domain, otherwise by
 * address. If there are several, the name is ambiguous and must not be used.
 */
export function nodeFinder<N extends NodeNames>(
  nodes: readonly N[],
): (machine: string) => readonly NodeMatch<N>[] {
  const byName = Map.groupBy(nodes, ({ name }) => normalize(name));
  const byHost = Map.groupBy(nodes, ({ name }) => withoutDomain(normalize(name)));
  const byAddress = new Map<string, Set<N>>();
  for (const node of nodes)
    for (const { address } of node.addresses) {
      const known = normalize(address);
      byAddress.set(known, (byAddress.get(known) ?? new Set()).add(node));
    }
  return (machine) => {
    const wanted = normalize(machine);
    if (wanted === '' || LOOPBACK.test(wanted)) return [];
    const matches = (found: Iterable<N>, by: NodeMatch<N>['by']) =>
      Array.from(found, (node): NodeMatch<N> => ({ node, by }));
    const tiers = [
      matches(byName.get(wanted) ?? [], 'name'),
      matches(byHost.get(wanted) ?? [], 'name without the domain'),
      matches(byAddress.get(wanted) ?? [], 'address'),
    ];
    return tiers.find(({ length }) => length > 0) ?? [];
  };
}

/** Host names are compared without case, brackets of IPv6 addresses and the trailing dot. */
function normalize(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

/** A node may be named after its IP address, whose first number is not a host name. */
export function withoutDomain(name: string): string {
  return /^[\d.]+$/.test(name) ? name : (name.split('.')[0] ?? name);
}

/** `builders:node-b`. If the engine has the name of its source, just that name. */
export function engineTarget({ name }: Pick<ports.ContainerEngines, 'name'>, engine: string): string {
  return engine === name ? name : `${name}:${engine}`;
}

/** One engine of a source. */
export interface EngineOfSource {
  readonly source: ports.ContainerEngines;
  readonly engine: ports.Engine;
  /** As findings name it. */
  readonly target: string;
}

/** The engines of all these sources. */
export function enginesOf(sources: readonly ports.ContainerEngines[]): readonly EngineOfSource[] {
  return sources.flatMap((source) =>
    source.engines.map((engine) => ({ source, engine, target: engineTarget(source, engine.name) })),
  );
}
