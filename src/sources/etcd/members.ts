import { X509Certificate } from 'node:crypto';
import type {
  QueryOptions,
  DiskCounters,
  StoreEndpoint,
  StoreMember,
  StoreMembers,
} from '../../ports/key-value.ts';
import { SourceError } from '../../ports/source-error.ts';
import { followReads } from '../../wire/follow-reads.ts';
import { printable, readCertificate } from '../../wire/x509.ts';
import { dedupeAlarms } from './alarms.ts';
import type { EtcdCluster } from './cluster.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { readServedCertificate } from './handshake.ts';
import type { ListedMember } from './member-list.ts';
import { parseMetricsResponse, type MemberStatus, probeMember } from './member-status.ts';
import { agreeOnQuorum } from './quorum.ts';

/** The share of the time for the configured endpoints; the rest is for members that are known only by the address that they advertise. */
const SHARE_FOR_CONFIGURED = 0.7;

/** Queries every configured endpoint, then every member that was not among them. */
export async function readMembers(
  cluster: EtcdCluster,
  { signal, withinMs, onProgress }: QueryOptions,
): Promise<StoreMembers> {
  const endsAt = performance.now() + withinMs;
  const first = { signal, withinMs: withinMs * SHARE_FOR_CONFIGURED };
  const { configured } = cluster.clients;
  const reads = followReads(
    onProgress,
    'endpoints',
    configured.map(({ host }) => host),
  );
  const statuses = await Promise.all(
    configured.map(async (client) => {
      const status = await probeMember(cluster, client, first);
      reads.end(client.host, status.facts.error === undefined);
      return status;
    }),
  );
  const own = ownCluster(statuses);
  const listed = agreedList(own) ?? endpointsAsMembers(own);
  const matched = match(listed, own);
  const ownId = own.find(({ clusterId }) => clusterId !== undefined)?.clusterId;
  const leftMs = Math.max(1_000, endsAt - performance.now());
  const asked = await Promise.all(
    listed.map(async (member) => {
      const status = matched.get(member.id);
      const later = status ?? (await probeAdvertised(cluster, member, { signal, withinMs: leftMs }, ownId));
      return { member, isConfigured: status !== undefined, status: later };
    }),
  );
  const found = byElimination(asked, own, matched);
  const all: readonly AdvertisedStatus[] = [...new Set([...own, ...found.map(({ status }) => status)])];
  const agreement = agreeOnQuorum(
    all.map(({ quorum, isSlow = false, facts: { unanswered = [] } }) => {
      const failure = unanswered.find(({ query }) => query === 'quorum read')?.error;
      return { ...(quorum && { quorum }), ...(failure && { failure }), isSlow };
    }),
  );
  const quotas = all.flatMap(({ facts }) => facts.quotaBytes ?? []);
  const isFaulty = agreement.hasQuorum !== true || found.some(({ status }) => isUnhealthy(status));
  const peers = isFaulty ? await peerCertificates(cluster, listed, signal) : new Map();
  const clientCertificate = await readClientCertificate(cluster);
  return {
    members: found.map(({ member, isConfigured, status }) => toMember(member, isConfigured, status, peers)),
    endpoints: statuses.map((status) => toEndpoint(status, matched)),
    alarms: dedupeAlarms([...statuses, ...all].flatMap(({ alarms }) => alarms)),
    ...(agreement.hasQuorum !== undefined && { hasQuorum: agreement.hasQuorum }),
    ...(agreement.because !== undefined && { quorumError: agreement.because }),
    ...(agreement.revision !== undefined && { revision: agreement.revision }),
    ...(quotas.length > 0 && { quotaBytes: Math.min(...quotas) }),
    ...(clientCertificate && { clientCertificate }),
  };
}

/** Reads the disk counters of members again, at the addresses where they were found. */
export async function readDiskCounters(
  { name, config, clients }: EtcdCluster,
  urls: readonly string[],
  { signal, withinMs }: QueryOptions,
): Promise<ReadonlyMap<string, DiskCounters>> {
  const timeoutMs = Math.max(1, Math.round(Math.min(config.timeoutMs, withinMs)));
  const read = async (url: string): Promise<readonly [string, DiskCounters][]> => {
    const client = clients.configured.find((one) => one.url === url) ?? clients.at({ url });
    try {
      const answer = await client.request({ path: '/metrics', signal, timeoutMs });
      const { disk } = parseMetricsResponse(name, client.host, answer);
      return disk ? [[url, disk]] : [];
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      return [];
    }
  };
  return new Map((await Promise.all(urls.map(read))).flat());
}

/** Finds the client port of one member, for an action on it alone. @throws {SourceError} */
export async function findMember(
  cluster: EtcdCluster,
  id: string,
  signal: AbortSignal,
): Promise<EndpointClient> {
  const bounded = { signal, withinMs: cluster.config.timeoutMs };
  const statuses = await Promise.all(
    cluster.clients.configured.map((client) => probeMember(cluster, client, bounded)),
  );
  const own = ownCluster(statuses);
  const known = own.find((status) => status.id === id);
  if (known) return known.client;
  const member = agreedList(own)?.find((one) => one.id === id);
  if (!member) throw new SourceError(cluster.name, 'refused', `there is no member ${printable(id)}`);
  const { facts, client, id: answering } = await probeAdvertised(cluster, member, bounded);
  if (client && answering === id) return client;
  throw (
    facts.error ?? new SourceError(cluster.name, 'unreachable', `${member.name} was not found at its address`)
  );
}

/**
 * The endpoints of one cluster: the cluster of most endpoints; among equals the one with more members, then the one that is configured
 * first. Endpoints that didn't report their cluster are kept.
 */
function ownCluster(statuses: readonly MemberStatus[]): readonly MemberStatus[] {
  const clusters = [...Map.groupBy(statuses, ({ clusterId }) => clusterId)].filter(
    ([id]) => id !== undefined,
  );
  const sizeOf = (those: readonly MemberStatus[]) =>
    Math.max(...those.map(({ listed = [] }) => listed.length));
  const [largest] = clusters.toSorted(([, a], [, b]) => b.length - a.length || sizeOf(b) - sizeOf(a));
  return statuses.filter(({ clusterId }) => clusterId === undefined || clusterId === largest?.[0]);
}

/** The list that most of them have, among equals the longest: if it is too long, it shows a member that is missing. */
function agreedList(statuses: readonly MemberStatus[]): readonly ListedMember[] | undefined {
  const lists = statuses.flatMap(({ listed }) => (listed ? [listed] : []));
  const groups = [...Map.groupBy(lists, (list) => idsOf(list).join()).values()];
  const sizeOf = ([list]: readonly (readonly ListedMember[])[]) => list?.length ?? 0;
  return groups.toSorted((a, b) => b.length - a.length || sizeOf(b) - sizeOf(a))[0]?.[0];
}

/**
 * If the members can't be listed, the endpoints are used instead, so that what they report is not lost. If none responds, nothing is known.
 */
function endpointsAsMembers(statuses: readonly MemberStatus[]): readonly ListedMember[] {
  if (statuses.every(({ facts }) => facts.error !== undefined)) return [];
  const all = statuses.map(({ id, client: { host, url } }): ListedMember => ({
    id: id ?? host,
    name: host,
    clientUrls: [url],
    peerUrls: [],
  }));
  return [...new Map(all.map((one) => [one.id, one])).values()];
}

function idsOf(listed: readonly ListedMember[]): readonly string[] {
  return listed.map(({ id }) => id).toSorted();
}

/**
 * Matches each status to a member: by the id that responded, otherwise by its address or its server name. Among several with the same id,
 * prefers the one at the member's own address: another may be a load balancer, whose responses come from many members.
 */
function match(
  listed: readonly ListedMember[],
  statuses: readonly MemberStatus[],
): Map<string, MemberStatus> {
  const matched = new Map<string, MemberStatus>();
  const nameless = new Set(statuses.filter(({ id }) => id === undefined));
  for (const { id, clientUrls } of listed) {
    const answering = statuses.filter((one) => one.id === id);
    const status =
      answering.find(({ client }) => isAmong(client, clientUrls)) ??
      answering[0] ??
      nameless.values().find(({ client }) => isAmong(client, clientUrls));
    if (status === undefined) continue;
    matched.set(id, status);
    nameless.delete(status);
  }
  return matched;
}

interface Found {
  readonly member: ListedMember;
  readonly isConfigured: boolean;
  readonly status: AdvertisedStatus;
}

/** One member whose address is not reachable from here, and one endpoint that didn't respond: they are most likely the same. */
function byElimination(
  asked: readonly Found[],
  own: readonly MemberStatus[],
  matched: Map<string, MemberStatus>,
): readonly Found[] {
  const nameless = own.filter((one) => one.id === undefined && !matched.values().some((two) => two === one));
  const missing = asked.filter(
    ({ isConfigured, status }) => !isConfigured && status.facts.failureMode === 'unreachable',
  );
  const [endpoint] = nameless;
  const [only] = missing;
  if (!endpoint || !only || nameless.length > 1 || missing.length > 1 || only.member.name === '')
    return asked;
  matched.set(only.member.id, endpoint);
  return asked.map((one) => (one === only ? { ...one, isConfigured: true, status: endpoint } : one));
}

function isAmong({ host, servername, url }: EndpointClient, clientUrls: readonly string[]): boolean {
  const addresses = clientUrls.flatMap((url) => (URL.canParse(url) ? new URL(url).host : []));
  return [host, `${servername}:${new URL(url).port}`].some((address) => addresses.includes(address));
}

type AdvertisedStatus = Omit<MemberStatus, 'client'> & { readonly client?: EndpointClient };

/** For a member whose port is not configured. */
async function probeAdvertised(
  cluster: EtcdCluster,
  { id, name, clientUrls }: ListedMember,
  bounded: QueryOptions,
  ownId?: string,
): Promise<AdvertisedStatus> {
  const fail = (message: string): AdvertisedStatus => ({
    alarms: [],
    facts: { error: new SourceError(cluster.name, 'unreachable', message), failureMode: 'unreachable' },
  });
  // A login that is configured for TLS is never sent unencrypted, whatever a member advertises.
  const secure = cluster.clients.configured.some(({ url }) => url.startsWith('https:'));
  const protocol = secure ? /^https:/ : /^https?:/;
  const url = clientUrls.find((url) => URL.canParse(url) && protocol.test(url));
  if (url === undefined)
    return fail(
      name === ''
        ? 'it was added to the cluster but has never started'
        : `it advertises no ${secure ? 'https:// ' : ''}address for clients`,
    );
  const status = await probeMember(cluster, cluster.clients.at({ url: new URL(url).origin }), bounded);
  const isOther = status.clusterId !== undefined && ownId !== undefined && status.clusterId !== ownId;
  if (isOther) return fail(`a member of another cluster responds at its address ${new URL(url).host}`);
  if (status.id === undefined || status.id === id) return status;
  return fail(`another member responds at its address ${new URL(url).host}`);
}

function toMember(
  { id, name, clientUrls, isLearner }: ListedMember,
  isConfigured: boolean,
  { client, facts }: AdvertisedStatus,
  peers: ReadonlyMap<string, StoreMember['peerCertificate']>,
): StoreMember {
  const peerCertificate = peers.get(id);
  return {
    id,
    name,
    clientUrls,
    ...(client && { url: client.url }),
    isConfigured,
    ...(isLearner === true && { isLearner }),
    ...facts,
    ...(peerCertificate && { peerCertificate }),
  };
}

function toEndpoint(status: MemberStatus, matched: ReadonlyMap<string, MemberStatus>): StoreEndpoint {
  const { client, id, clusterId, leaderId, listed, facts } = status;
  const memberId = id ?? [...matched].find(([, one]) => one === status)?.[0];
  return {
    address: client.host,
    ...(clusterId !== undefined && { clusterId }),
    ...(memberId !== undefined && { memberId }),
    ...(leaderId !== undefined && { leaderId }),
    ...(listed && { lists: idsOf(listed) }),
    ...(facts.certificate && { certificate: facts.certificate }),
    ...(facts.error && { error: facts.error }),
    ...(facts.failureMode && { failureMode: facts.failureMode }),
  };
}

function isUnhealthy({ facts: { error, healthy, hasLeader } }: AdvertisedStatus): boolean {
  return error !== undefined || healthy === false || hasLeader === false;
}

const PEERS_WITHIN_MS = 1_500;

/**
 * The certificates that members serve to each other: if these have expired, there is no leader. Peer ports are often not reachable from
 * here, and then nothing is known. Read only if something is wrong, because members log each handshake without a peer certificate.
 */
async function peerCertificates(
  cluster: EtcdCluster,
  listed: readonly ListedMember[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, StoreMember['peerCertificate']>> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(PEERS_WITHIN_MS)]);
  const read = listed.map(async ({ id, peerUrls }) => {
    const url = peerUrls.find((one) => URL.canParse(one) && new URL(one).protocol === 'https:');
    if (url === undefined) return [];
    const { tls, recorder } = cluster.clients.configured[0]!;
    const certificate = await readServedCertificate({ url, tls, recorder }, soon);
    return certificate ? [[id, certificate] as const] : [];
  });
  return new Map((await Promise.all(read)).flat());
}

/** The certificate that Wrench presents. An unreadable file is reported by the requests that need it. */
async function readClientCertificate({ clients }: EtcdCluster): Promise<StoreMembers['clientCertificate']> {
  const { tls, recorder } = clients.configured[0]!;
  const read = async () => {
    const { cert } = await tls();
    return cert === undefined ? undefined : new X509Certificate(cert).raw;
  };
  try {
    const der = await (recorder?.certificate('client certificate', read) ?? read());
    return der && readCertificate(der);
  } catch {
    return undefined;
  }
}
