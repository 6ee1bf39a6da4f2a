import { type ports, wording } from '../../kit.ts';
import { leadersOf, type StoreLook } from './collect.ts';
import { type Evidence, field, type Trouble } from './words.ts';

/** Whether the configured endpoints are one cluster: nothing else that they report counts before that is so. */
export function identityTroubles(store: StoreLook): Trouble[] {
  return [severalClusters(store) ?? severalLeaders(store) ?? differentLists(store), strangers(store)].flatMap(
    (trouble) => trouble ?? [],
  );
}

/** Their ids, the one with the most endpoints first. */
export function clustersOf({ endpoints }: Pick<StoreLook, 'endpoints'>): readonly string[] {
  const groups = Map.groupBy(endpoints, ({ clusterId }) => clusterId);
  return [...groups]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .flatMap(([clusterId]) => clusterId ?? []);
}

/** https://github.com/etcd-io/etcd/issues/8788 */
function severalClusters(store: StoreLook): Trouble | undefined {
  const clusters = clustersOf(store);
  if (clusters.length < 2) return undefined;
  const headline = `the endpoints of ${store.name} are ${clusters.length} separate clusters`;
  const groups = clusters.map((id) =>
    wording.list(addressesOf(store.endpoints.filter(({ clusterId }) => clusterId === id))),
  );
  return {
    headline,
    finding: {
      reason: 'several-clusters',
      severity: 'critical',
      target: store.name,
      summary: `T${headline.slice(1)} (${groups.join(' | ')}): each has data of its own, and clients see one or the other. Find out which one is right, and stop writes to the others, before you repair anything`,
      evidence: [
        endpointTable(store),
        field('No fix is offered', 'which cluster is right is for people to find out'),
      ],
    },
  };
}

function severalLeaders(store: StoreLook): Trouble | undefined {
  if (leadersOf(store).length < 2) return undefined;
  const leaders = new Set(store.endpoints.flatMap(({ leaderId }) => leaderId ?? []));
  const headline = `the endpoints of ${store.name} follow ${leaders.size} leaders`;
  return {
    headline,
    finding: {
      reason: 'several-leaders',
      severity: 'critical',
      target: store.name,
      summary: `T${headline.slice(1)}: the cluster has split, and each part may take writes of its own. Look at the network between the members, and at whether one was started with --force-new-cluster`,
      evidence: [
        endpointTable(store),
        field('No fix is offered', 'which part is right is for people to find out'),
      ],
    },
  };
}

/** One that was removed, or that missed a change, has a list of its own. */
function differentLists(store: StoreLook): Trouble | undefined {
  const lists = new Set(store.endpoints.flatMap(({ lists }) => (lists ? [lists.join()] : [])));
  if (lists.size < 2) return undefined;
  const headline = `the endpoints of ${store.name} list different members`;
  return {
    headline,
    finding: {
      reason: 'member-lists-differ',
      severity: 'warning',
      target: store.name,
      summary: `T${headline.slice(1)}: one was removed, or has missed a change of the membership. Compare “etcdctl member list” of each`,
      evidence: [endpointTable(store)],
    },
  };
}

/** Configured, and no member of the cluster that the others form. */
function strangers(store: StoreLook): Trouble | undefined {
  const { members, endpoints } = store;
  if (members.length === 0) return undefined;
  const [own] = clustersOf(store);
  const areAllFound = members.every(({ error, isConfigured }) => error === undefined || isConfigured);
  const others = endpoints.filter(({ clusterId = own, memberId, error }) => {
    if (clusterId !== own) return false;
    // One that does not respond may be any member that was not found elsewhere.
    if (memberId === undefined) return error !== undefined && areAllFound;
    return !members.some(({ id }) => id === memberId);
  });
  if (others.length === 0) return undefined;
  const isOne = others.length === 1;
  const who = wording.list(addressesOf(others));
  const headline = `${who} ${isOne ? 'is not a member' : 'are not members'} of ${store.name}`;
  const advice = isOne
    ? 'though it is configured as an endpoint: it was removed from the cluster, or the configuration is out of date'
    : 'though they are configured as endpoints: they were removed from the cluster, or the configuration is out of date';
  return {
    headline,
    finding: {
      reason: 'endpoint-not-a-member',
      severity: 'warning',
      target: isOne ? `${store.name}/${who}` : store.name,
      summary: `${headline}, ${advice}`,
      evidence: [endpointTable(store)],
    },
  };
}

function addressesOf(endpoints: readonly ports.StoreEndpoint[]): readonly string[] {
  return endpoints.map(({ address }) => address);
}

function endpointTable({ endpoints, members }: StoreLook): Evidence {
  const nameOf = (id: string | undefined) => members.find((member) => member.id === id)?.name || (id ?? '');
  return {
    kind: 'table',
    columns: ['Endpoint', 'Cluster', 'Member', 'Leader'],
    rows: endpoints.map(({ address, clusterId, memberId, leaderId, error }) => [
      address,
      error ? error.message : (clusterId ?? ''),
      nameOf(memberId),
      nameOf(leaderId),
    ]),
  };
}
