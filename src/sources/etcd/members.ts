import type {
  QueryOptions,
  DiskCounters,
  StoreEndpoint,
  StoreMember,
  StoreMembers,
} from '../../ports/key-value.ts';
import { SourceError } from '../../ports/source-error.ts';
import { printable, readCertificate } from '../../wire/x509.ts';
import { distinct } from './alarms.ts';
import type { Cluster } from './cluster.ts';
import type { Contact } from './endpoint-client.ts';
import { readServedCertificate } from './handshake.ts';
import type { Listed } from './member-list.ts';
import { metricsIn, type Portrait, portray } from './member-status.ts';
import { agreementOf } from './quorum.ts';

/** Of the time, for the configured endpoints; the rest is for members that are known only by the address that they advertise. */
const SHARE_FOR_CONFIGURED = 0.7;

/** Asks every configured endpoint, then every member that none of them turned out to be. */
export async function readMembers(
  cluster: Cluster,
  { signal, withinMs }: QueryOptions,
): Promise<StoreMembers> {
  const endsAt = performance.now() + withinMs;
  const first = { signal, withinMs: withinMs * SHARE_FOR_CONFIGURED };
  const portraits = await Promise.all(
    cluster.contacts.configured.map((contact) => portray(cluster, contact, first)),
  );
  const own = ownCluster(portraits);
  const listed = listOf(own) ?? standIns(own);
  const matched = match(listed, own);
  const ownId = own.find(({ clusterId }) => clusterId !== undefined)?.clusterId;
  const leftMs = Math.max(1_000, endsAt - performance.now());
  const asked = await Promise.all(
    listed.map(async (member) => {
      const portrait = matched.get(member.id);
      const later =
        portrait ?? (await portrayAtItsAddress(cluster, member, { signal, withinMs: leftMs }, ownId));
      return { member, isConfigured: portrait !== undefined, portrait: later };
    }),
  );
  const found = byElimination(asked, own, matched);
  const all: readonly AtItsAddress[] = [...new Set([...own, ...found.map(({ portrait }) => portrait)])];
  const agreement = agreementOf(
    all.map(({ quorum, isSlow = false, facts: { unanswered = [] } }) => {
      const failure = unanswered.find(({ query }) => query === 'quorum read')?.error;
      return { ...(quorum && { quorum }), ...(failure && { failure }), isSlow };
    }),
  );
  const quotas = all.flatMap(({ facts }) => facts.quotaBytes ?? []);
  const isFaulty = agreement.holds !== true || found.some(({ portrait }) => isNotWell(portrait));
  const peers = isFaulty ? await peerCertificates(cluster, listed, signal) : new Map();
  const clientCertificate = await readClientCertificate(cluster);
  return {
    members: found.map(({ member, isConfigured, portrait }) =>
      toMember(member, isConfigured, portrait, peers),
    ),
    endpoints: portraits.map((portrait) => toEndpoint(portrait, matched)),
    alarms: distinct([...portraits, ...all].flatMap(({ alarms }) => alarms)),
    ...(agreement.holds !== undefined && { hasQuorum: agreement.holds }),
    ...(agreement.because !== undefined && { quorumError: agreement.because }),
    ...(agreement.revision !== undefined && { revision: agreement.revision }),
    ...(quotas.length > 0 && { quotaBytes: Math.min(...quotas) }),
    ...(clientCertificate && { clientCertificate }),
  };
}

/** Reads the disk counters of members again, at the addresses where they were found. */
export async function readDiskCounters(
  { name, config, contacts }: Cluster,
  urls: readonly string[],
  { signal, withinMs }: QueryOptions,
): Promise<ReadonlyMap<string, DiskCounters>> {
  const timeoutMs = Math.max(1, Math.round(Math.min(config.timeoutMs, withinMs)));
  const read = async (url: string): Promise<readonly [string, DiskCounters][]> => {
    const contact = contacts.configured.find((one) => one.url === url) ?? contacts.at({ url });
    try {
      const answer = await contact.ask({ path: '/metrics', signal, timeoutMs });
      const { disk } = metricsIn(name, contact.host, answer);
      return disk ? [[url, disk]] : [];
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      return [];
    }
  };
  return new Map((await Promise.all(urls.map(read))).flat());
}

/** Finds the client port of one member, for an action on it alone. @throws {SourceError} */
export async function findMember(cluster: Cluster, id: string, signal: AbortSignal): Promise<Contact> {
  const bounded = { signal, withinMs: cluster.config.timeoutMs };
  const portraits = await Promise.all(
    cluster.contacts.configured.map((contact) => portray(cluster, contact, bounded)),
  );
  const own = ownCluster(portraits);
  const known = own.find((portrait) => portrait.id === id);
  if (known) return known.contact;
  const member = listOf(own)?.find((one) => one.id === id);
  if (!member) throw new SourceError(cluster.name, 'refused', `there is no member ${printable(id)}`);
  const { facts, contact, id: answering } = await portrayAtItsAddress(cluster, member, bounded);
  if (contact && answering === id) return contact;
  throw (
    facts.error ?? new SourceError(cluster.name, 'unreachable', `${member.name} was not found at its address`)
  );
}

/**
 * Those that may belong to one cluster: the one that most of the endpoints belong to; of equals the one with more members, then the one
 * that is configured first. Those that did not say which are kept.
 */
function ownCluster(portraits: readonly Portrait[]): readonly Portrait[] {
  const clusters = [...Map.groupBy(portraits, ({ clusterId }) => clusterId)].filter(
    ([id]) => id !== undefined,
  );
  const sizeOf = (those: readonly Portrait[]) => Math.max(...those.map(({ listed = [] }) => listed.length));
  const [largest] = clusters.toSorted(([, a], [, b]) => b.length - a.length || sizeOf(b) - sizeOf(a));
  return portraits.filter(({ clusterId }) => clusterId === undefined || clusterId === largest?.[0]);
}

/** The list that most of them have, of equals the longest: one that is too long shows a member that is missing. */
function listOf(portraits: readonly Portrait[]): readonly Listed[] | undefined {
  const lists = portraits.flatMap(({ listed }) => (listed ? [listed] : []));
  const groups = [...Map.groupBy(lists, (list) => idsOf(list).join()).values()];
  const sizeOf = ([list]: readonly (readonly Listed[])[]) => list?.length ?? 0;
  return groups.toSorted((a, b) => b.length - a.length || sizeOf(b) - sizeOf(a))[0]?.[0];
}

/** Where the members cannot be listed, the endpoints stand for them, so that what they report is not lost. Where none responds, nothing is known. */
function standIns(portraits: readonly Portrait[]): readonly Listed[] {
  if (portraits.every(({ facts }) => facts.error !== undefined)) return [];
  const all = portraits.map(({ id, contact: { host, url } }): Listed => ({
    id: id ?? host,
    name: host,
    clientUrls: [url],
    peerUrls: [],
  }));
  return [...new Map(all.map((one) => [one.id, one])).values()];
}

function idsOf(listed: readonly Listed[]): readonly string[] {
  return listed.map(({ id }) => id).toSorted();
}

/**
 * Which portrait is which member's: by the id that answered, else by its address, or by the name that is asked for there. Of several with
 * its id the one at its own address: another one may be a balancer, whose answers come from many members.
 */
function match(listed: readonly Listed[], portraits: readonly Portrait[]): Map<string, Portrait> {
  const matched = new Map<string, Portrait>();
  const nameless = new Set(portraits.filter(({ id }) => id === undefined));
  for (const { id, clientUrls } of listed) {
    const answering = portraits.filter((one) => one.id === id);
    const portrait =
      answering.find(({ contact }) => isAmong(contact, clientUrls)) ??
      answering[0] ??
      nameless.values().find(({ contact }) => isAmong(contact, clientUrls));
    if (portrait === undefined) continue;
    matched.set(id, portrait);
    nameless.delete(portrait);
  }
  return matched;
}

interface Found {
  readonly member: Listed;
  readonly isConfigured: boolean;
  readonly portrait: AtItsAddress;
}

/** One member whose address means nothing here, and one endpoint that did not answer: they are most likely the same. */
function byElimination(
  asked: readonly Found[],
  own: readonly Portrait[],
  matched: Map<string, Portrait>,
): readonly Found[] {
  const nameless = own.filter((one) => one.id === undefined && !matched.values().some((two) => two === one));
  const missing = asked.filter(
    ({ isConfigured, portrait }) => !isConfigured && portrait.facts.failureMode === 'unreachable',
  );
  const [endpoint] = nameless;
  const [only] = missing;
  if (!endpoint || !only || nameless.length > 1 || missing.length > 1 || only.member.name === '')
    return asked;
  matched.set(only.member.id, endpoint);
  return asked.map((one) => (one === only ? { ...one, isConfigured: true, portrait: endpoint } : one));
}

function isAmong({ host, servername, url }: Contact, clientUrls: readonly string[]): boolean {
  const addresses = clientUrls.flatMap((url) => (URL.canParse(url) ? new URL(url).host : []));
  return [host, `${servername}:${new URL(url).port}`].some((address) => addresses.includes(address));
}

type AtItsAddress = Omit<Portrait, 'contact'> & { readonly contact?: Contact };

/** For a member whose port is not configured. */
async function portrayAtItsAddress(
  cluster: Cluster,
  { id, name, clientUrls }: Listed,
  bounded: QueryOptions,
  ownId?: string,
): Promise<AtItsAddress> {
  const fail = (message: string): AtItsAddress => ({
    alarms: [],
    facts: { error: new SourceError(cluster.name, 'unreachable', message), failureMode: 'unreachable' },
  });
  // A login that is configured for TLS is sent nowhere in the clear, whatever a member advertises.
  const secure = cluster.contacts.configured.some(({ url }) => url.startsWith('https:'));
  const protocol = secure ? /^https:/ : /^https?:/;
  const url = clientUrls.find((url) => URL.canParse(url) && protocol.test(url));
  if (url === undefined)
    return fail(
      name === ''
        ? 'it was added to the cluster but has never started'
        : `it advertises no ${secure ? 'https:// ' : ''}address for clients`,
    );
  const portrait = await portray(cluster, cluster.contacts.at({ url: new URL(url).origin }), bounded);
  const isOther = portrait.clusterId !== undefined && ownId !== undefined && portrait.clusterId !== ownId;
  if (isOther) return fail(`a member of another cluster answers at its address ${new URL(url).host}`);
  if (portrait.id === undefined || portrait.id === id) return portrait;
  return fail(`another member answers at its address ${new URL(url).host}`);
}

function toMember(
  { id, name, clientUrls, isLearner }: Listed,
  isConfigured: boolean,
  { contact, facts }: AtItsAddress,
  peers: ReadonlyMap<string, StoreMember['peerCertificate']>,
): StoreMember {
  const peerCertificate = peers.get(id);
  return {
    id,
    name,
    clientUrls,
    ...(contact && { url: contact.url }),
    isConfigured,
    ...(isLearner === true && { isLearner }),
    ...facts,
    ...(peerCertificate && { peerCertificate }),
  };
}

function toEndpoint(portrait: Portrait, matched: ReadonlyMap<string, Portrait>): StoreEndpoint {
  const { contact, id, clusterId, leaderId, listed, facts } = portrait;
  const memberId = id ?? [...matched].find(([, one]) => one === portrait)?.[0];
  return {
    address: contact.host,
    ...(clusterId !== undefined && { clusterId }),
    ...(memberId !== undefined && { memberId }),
    ...(leaderId !== undefined && { leaderId }),
    ...(listed && { lists: idsOf(listed) }),
    ...(facts.certificate && { certificate: facts.certificate }),
    ...(facts.error && { error: facts.error }),
    ...(facts.failureMode && { failureMode: facts.failureMode }),
  };
}

function isNotWell({ facts: { error, healthy, hasLeader } }: AtItsAddress): boolean {
  return error !== undefined || healthy === false || hasLeader === false;
}

const PEERS_WITHIN_MS = 1_500;

/**
 * What members serve to each other: where it has expired, they find no leader. Peer ports are often closed to us, and then nothing is known.
 * Only asked where something is wrong, because members log each handshake that comes without a peer's certificate.
 */
async function peerCertificates(
  cluster: Cluster,
  listed: readonly Listed[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, StoreMember['peerCertificate']>> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(PEERS_WITHIN_MS)]);
  const read = listed.map(async ({ id, peerUrls }) => {
    const url = peerUrls.find((one) => URL.canParse(one) && new URL(one).protocol === 'https:');
    if (url === undefined) return [];
    const certificate = await readServedCertificate({ url, tls: cluster.contacts.configured[0]!.tls }, soon);
    return certificate ? [[id, certificate] as const] : [];
  });
  return new Map((await Promise.all(read)).flat());
}

/** What we show ourselves. A file that cannot be read is reported by the questions that need it. */
async function readClientCertificate({ contacts }: Cluster): Promise<StoreMembers['clientCertificate']> {
  try {
    const { cert } = await contacts.configured[0]!.tls();
    return cert === undefined ? undefined : readCertificate(cert);
  } catch {
    return undefined;
  }
}
