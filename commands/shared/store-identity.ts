import { type Evidence, type ports, wording } from '../kit.ts';
import { field } from './evidence.ts';
import { isListed, memberName, memberNames, type Store, type StoreProblem } from './store-members.ts';

/** Checks that the configured endpoints are one cluster. Nothing else that they report is reliable unless they are. */
export function identityProblems(store: Store): StoreProblem[] {
  return [
    severalClusters(store) ?? severalLeaders(store) ?? differentLists(store),
    removedMembers(store),
    staleEndpoints(store),
  ].flatMap((problem) => problem ?? []);
}

/** Whether the responses of its endpoints can be compared with one another. */
export function isOneCluster(store: Pick<Store, 'endpoints' | 'members'>): boolean {
  return clustersOf(store).length < 2 && leadersOf(store).length < 2;
}

/** The ids of the clusters, the one with the most endpoints first. */
export function clustersOf({ endpoints }: Pick<Store, 'endpoints'>): readonly string[] {
  const groups = Map.groupBy(endpoints, ({ clusterId }) => clusterId);
  return [...groups]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .flatMap(([clusterId]) => clusterId ?? []);
}

/** The ids of the leaders that the endpoints and members report. */
export function leadersOf({ endpoints, members }: Pick<Store, 'endpoints' | 'members'>): readonly string[] {
  const followed = endpoints.flatMap(({ leaderId }) => leaderId ?? []);
  return [...new Set([...followed, ...leadingMembers({ members }).map(({ id }) => id)])];
}

/** The members that report that they lead. Empty if the members could not be listed, because their ids may be unknown. */
function leadingMembers({ members }: Pick<Store, 'members'>): readonly ports.StoreMember[] {
  return isListed({ members })
    ? members.filter(({ isLeader, hasLeader }) => isLeader === true && hasLeader !== false)
    : [];
}

/** https://github.com/etcd-io/etcd/issues/8788 */
function severalClusters(store: Store): StoreProblem | undefined {
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
      summary: `${wording.capitalize(headline)} (${groups.join(' | ')}): each has its own data, and clients reach one or the other. Before you repair anything, find out which one is right, and stop writes to the others`,
      evidence: [
        endpointTable(store),
        field('No fix offered', 'a person must decide which cluster is right'),
      ],
    },
  };
}

/** One of the leaders may not be a configured endpoint, but a member at its advertised address. */
function severalLeaders(store: Store): StoreProblem | undefined {
  const leaders = leadersOf(store);
  if (leaders.length < 2) return undefined;
  const followed = new Set(store.endpoints.flatMap(({ leaderId }) => leaderId ?? []));
  const others = leadingMembers(store).filter(({ id }) => !followed.has(id));
  const whose = others.length > 0 ? 'members' : 'endpoints';
  const headline = `the ${whose} of ${store.name} follow ${leaders.length} leaders`;
  return {
    headline,
    finding: {
      reason: 'several-leaders',
      severity: 'critical',
      target: store.name,
      summary: `${wording.capitalize(headline)}: the cluster has split, and each part may accept its own writes. Check the network between the members, and whether one was started with --force-new-cluster`,
      evidence: [
        endpointTable(store),
        ...(others.length > 0 ? [field('Also leading', memberNames(others))] : []),
        field('No fix offered', 'a person must decide which part is right'),
      ],
    },
  };
}

/** A member that was removed, or that missed a membership change, has a different list. */
function differentLists(store: Store): StoreProblem | undefined {
  const lists = new Set(store.endpoints.flatMap(({ lists }) => (lists ? [lists.join()] : [])));
  if (lists.size < 2) return undefined;
  const headline = `the endpoints of ${store.name} list different members`;
  return {
    headline,
    finding: {
      reason: 'member-lists-differ',
      severity: 'warning',
      target: store.name,
      summary: `${wording.capitalize(headline)}: one was removed, or missed a membership change. Compare \`etcdctl member list\` on each`,
      evidence: [endpointTable(store)],
    },
  };
}

/** Configured endpoints that, by their own reports, are not members of the cluster of the others. */
function removedMembers(store: Store): StoreProblem | undefined {
  const { members, endpoints } = store;
  const [own] = clustersOf(store);
  const others = endpoints.filter(
    ({ clusterId = own, memberId }) =>
      clusterId === own && memberId !== undefined && !members.some(({ id }) => id === memberId),
  );
  if (members.length === 0 || others.length === 0) return undefined;
  const isOne = others.length === 1;
  const headline = `${wording.list(addressesOf(others))} ${isOne ? 'is not a member' : 'are not members'} of ${store.name}`;
  const advice = isOne
    ? 'though it is configured as an endpoint: it was removed from the cluster, or the configuration is out of date'
    : 'though they are configured as endpoints: they were removed from the cluster, or the configuration is out of date';
  return notAMember(store, others, headline, advice);
}

/** Whether a configured endpoint does not respond although every member was found elsewhere. It may also be a second address of one. */
export function isStaleEndpoint(
  { members }: Pick<Store, 'members'>,
  { memberId, error, failureMode }: ports.StoreEndpoint,
): boolean {
  const areAllFound =
    isListed({ members }) &&
    members.every(({ error: one, isConfigured }) => one === undefined || isConfigured);
  return areAllFound && memberId === undefined && error !== undefined && failureMode !== 'rejected';
}

function staleEndpoints(store: Store): StoreProblem | undefined {
  const others = store.endpoints.filter((endpoint) => isStaleEndpoint(store, endpoint));
  if (others.length === 0) return undefined;
  const isOne = others.length === 1;
  const areDown = others.every(({ failureMode }) => failureMode !== 'unreachable');
  const does = `${isOne ? 'is' : 'are'} ${areDown ? 'not responding' : 'unreachable from here'}`;
  const headline = `${wording.list(addressesOf(others))} ${does}, but every member of ${store.name} was found elsewhere`;
  const advice = isOne
    ? 'so it is no longer a member, or is a second address of one. Correct the endpoints of this source'
    : 'so they are no longer members, or are second addresses of some. Correct the endpoints of this source';
  return notAMember(store, others, headline, advice);
}

function notAMember(
  store: Store,
  others: readonly ports.StoreEndpoint[],
  headline: string,
  advice: string,
): StoreProblem {
  const [first, ...more] = others;
  return {
    headline,
    finding: {
      reason: 'endpoint-not-a-member',
      severity: 'warning',
      target: first && more.length === 0 ? `${store.name}/${first.address}` : store.name,
      summary: `${headline}, ${advice}`,
      evidence: [endpointTable(store)],
    },
  };
}

function addressesOf(endpoints: readonly ports.StoreEndpoint[]): readonly string[] {
  return endpoints.map(({ address }) => address);
}

function endpointTable({ endpoints, members }: Store): Evidence {
  const nameOfId = (id = '') => {
    const member = members.find((one) => one.id === id);
    return member ? memberName(member) : id;
  };
  return {
    kind: 'table',
    columns: ['Endpoint', 'Cluster', 'Member', 'Leader'],
    rows: endpoints.map(({ address, clusterId, memberId, leaderId, error }) => [
      address,
      error ? error.message : (clusterId ?? ''),
      nameOfId(memberId),
      nameOfId(leaderId),
    ]),
  };
}
