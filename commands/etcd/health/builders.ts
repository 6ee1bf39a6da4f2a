import { SourceError, type ports } from '../../kit.ts';
import { certificate } from '../../shared/builders.ts';
import { DEFAULT_QUOTA_BYTES, storeMember } from '../../shared/fixture-sources.ts';
import type { Facts, StoreState } from './collect.ts';

/** Builders for facts: what each member reported about itself. */

export const MB = 1_000_000;
export const QUOTA = DEFAULT_QUOTA_BYTES;

type MemberOverrides = Partial<Omit<ports.StoreMember, 'name'>>;

/** A healthy follower with 210 kB, with overrides. */
export function member(name: string, known: MemberOverrides = {}): ports.StoreMember {
  return storeMember(idOf(name), name, known);
}

export function leader(name: string, known: MemberOverrides = {}): ports.StoreMember {
  return member(name, { isLeader: true, ...known });
}

/** A member that does not respond. By default nothing listens on its port. */
export function silent(
  name: string,
  because = 'connection refused',
  known: MemberOverrides = {},
): ports.StoreMember {
  return {
    id: idOf(name),
    name,
    clientUrls: [`https://${name}.example.com:2379`],
    url: `https://${name}.example.com:2379`,
    isConfigured: true,
    error: new SourceError('etcd', 'unreachable', because),
    failureMode: (known.error?.kind ?? 'unreachable') === 'unreachable' ? 'not-listening' : 'rejected',
    ...known,
  };
}

/** A member that was added but never started. */
export function neverStarted(): ports.StoreMember {
  const because = 'it was added to the cluster but has never started';
  const { url: _, ...nobody } = silent('', because, { id: '8211f1d0f64f3269', isConfigured: false });
  return { ...nobody, clientUrls: [], failureMode: 'unreachable' };
}

/** A member of etcd 2, which reports no sizes, alarms or raft index. */
export function old(name: string, known: MemberOverrides = {}): ports.StoreMember {
  const { id, clientUrls } = member(name);
  return {
    id,
    name,
    clientUrls,
    isConfigured: true,
    version: '2.1.1',
    healthy: true,
    hasLeader: true,
    isLeader: false,
    clockAheadMs: 0,
    ...known,
  };
}

export function store(
  members: readonly ports.StoreMember[],
  known: Partial<Omit<StoreState, 'members'>> = {},
): StoreState {
  const leaderId = members.find(({ isLeader }) => isLeader)?.id;
  const ids = members.map(({ id }) => id).toSorted();
  return {
    name: 'etcd',
    maintain: true,
    members,
    endpoints: members.flatMap((member) => endpointOf(member, ids, leaderId)),
    alarms: [],
    hasQuorum: true,
    revision: '3847',
    ...known,
  };
}

/** Every member with an address is configured. */
function endpointOf(
  { id, url, error, failureMode }: ports.StoreMember,
  lists: readonly string[],
  leaderId: string | undefined,
): readonly ports.StoreEndpoint[] {
  if (url === undefined) return [];
  const address = new URL(url).host;
  if (error) return [{ address, memberId: id, error, ...(failureMode && { failureMode }) }];
  return [{ address, memberId: id, clusterId: CLUSTER, lists, ...(leaderId !== undefined && { leaderId }) }];
}

const CLUSTER = 'cdf818194e3a8c32';

export function factsOf(...stores: readonly StoreState[]): Facts {
  return { stores };
}

export function alarm(name: string, kind: ports.StoreAlarm['kind'] = 'NOSPACE'): ports.StoreAlarm {
  return { memberId: idOf(name), kind };
}

/** The certificate of a member's client port, and when it expires. */
export function serving(name: string, until: string): { readonly certificate: ports.Certificate } {
  return { certificate: certificate(`${name}.example.com`, until) };
}

/** Hexadecimal digits, derived from the name. */
export function idOf(name: string): string {
  let value = 0xcbf29ce484222325n;
  for (const letter of name)
    value = BigInt.asUintN(63, (value ^ BigInt(letter.charCodeAt(0))) * 0x100000001b3n);
  return (value | (1n << 62n)).toString(16);
}
