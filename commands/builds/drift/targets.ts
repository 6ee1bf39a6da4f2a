import { SourceError, wording } from '../../kit.ts';
import { groupBuilds } from './build.ts';
import type { Context, KubernetesFacts, Replica, ServiceFacts } from './facts.ts';
import type { NamespaceReader } from './namespace-reader.ts';

/** A replica before it was asked. `ask` is absent if it can't be, or needn't be. */
export interface Target extends Omit<Replica, 'build'> {
  readonly ask?: { readonly host: string; readonly port: number };
  /** The container in its pod that is asked, and whose image is compared. Absent if it is unknown which of several. */
  readonly container?: string;
  /** It is known only by its address, and is no pod or container. */
  readonly isExternal?: true;
}

export interface FoundService extends Pick<ServiceFacts, 'swarm'> {
  readonly targets: readonly Target[];
  readonly kubernetes?: KubernetesFacts;
  /** Of its containers, or of its Swarm service. */
  readonly labels?: readonly Readonly<Record<string, string>>[];
}

/**
 * Two replicas at one place can't be told apart: which of them responds is unknown. Endpoints that are no pods are one replica for each place, and
 * those of ports that aren't asked are none.
 */
export function distinctPlaces(targets: readonly Target[]): readonly Target[] {
  const serving = Map.groupBy(
    targets.filter(({ ask, state }) => ask && state === 'serving'),
    placeOf,
  );
  /** How many places each of those has that are known by their address only. */
  const externals = new Map<string, Set<string | undefined>>();
  for (const target of targets)
    if (target.isExternal && target.ask)
      externals.set(target.name, (externals.get(target.name) ?? new Set()).add(placeOf(target)));
  return targets.flatMap((target): Target | readonly Target[] => {
    const { ask, ...rest } = target;
    const { name, isExternal } = target;
    const places = externals.get(name)?.size ?? 0;
    if (!ask) return isExternal && places > 0 ? [] : target;
    const sharing = serving.get(placeOf(target)) ?? [];
    if (isExternal && sharing.every((one) => one.isExternal)) {
      const shown = places > 1 ? `${name.includes(':') ? `[${name}]` : name}:${ask.port}` : name;
      return sharing.indexOf(target) > 0 ? [] : { ...target, name: shown };
    }
    const others = sharing.filter((one) => one !== target);
    if (others.length === 0) return target;
    const names = wording.list(others.map((one) => one.name).toSorted(), 3);
    return {
      ...rest,
      because: `it has the same address and port as ${names}, so which of them responds is unknown`,
    };
  });
}

function placeOf({ ask }: Target): string | undefined {
  return ask && JSON.stringify([ask.host, ask.port]);
}

/** Adds the architectures of nodes if replicas have different digests or builds: only then do they matter. */
export async function withNodes(
  context: Context,
  reader: NamespaceReader,
  service: ServiceFacts,
): Promise<ServiceFacts> {
  const { kubernetes, replicas } = service;
  const digests = new Set(
    replicas.flatMap(({ state, imageId }) => (state === 'terminating' ? [] : (imageId?.digest ?? []))),
  );
  const cluster = context.read.clusters?.find(({ name }) => name === kubernetes?.cluster);
  const said = replicas.flatMap(({ state, build }) => (state === 'serving' && build ? [build] : []));
  const isAlike = digests.size < 2 && groupBuilds(said, (one) => one).groups.length < 2;
  if (!kubernetes || !cluster || isAlike) return service;
  const { nodes, error } = await reader.nodes(cluster);
  if (error)
    context.gap(
      `${cluster.name}: nodes`,
      new SourceError(cluster.name, error.kind, `${error.message}, so their architectures are unknown`),
    );
  const architectures = new Set([...nodes.values()].flatMap(({ architecture }) => architecture ?? []));
  return {
    ...service,
    kubernetes: {
      ...kubernetes,
      architectures: [...architectures].toSorted(),
      ...(error && { areNodesUnread: true as const }),
    },
    replicas: replicas.map((replica) => {
      const node = nodes.get(replica.node ?? '');
      const runtime = /^([\w-]+):\/\//.exec(node?.containerRuntime ?? '')?.[1];
      return {
        ...replica,
        ...(node?.architecture !== undefined && { architecture: node.architecture }),
        ...(runtime !== undefined && { runtime }),
      };
    }),
  };
}
