import { type ports, SourceError, wording } from '../kit.ts';
import { memberName, type Store } from './store-members.ts';

/** What some members of a store report and others do not: there it is unknown, which is not the same as healthy. */

export interface StoreGap {
  readonly what: string;
  readonly error: SourceError;
}

interface MemberFact {
  readonly label: string;
  readonly valueIn: (member: ports.StoreMember) => unknown;
  /** The queries that it is an answer to. */
  readonly queries: readonly ports.StoreQuery[];
  /** It is in every status since version 3. */
  readonly isInStatus?: true;
}

const MEMBER_FACTS = {
  healthy: { label: 'health', valueIn: ({ healthy }) => healthy, queries: ['health'] },
  hasLeader: { label: 'leader', valueIn: ({ hasLeader }) => hasLeader, queries: ['status', 'metrics'] },
  size: {
    label: 'database size',
    valueIn: (one) => one.dbSizeBytes,
    queries: ['status', 'metrics'],
    isInStatus: true,
  },
  raftIndex: {
    label: 'raft index',
    valueIn: (one) => one.raftIndex,
    queries: ['status', 'metrics'],
    isInStatus: true,
  },
  appliedIndex: {
    label: 'applied index',
    valueIn: (one) => one.raftAppliedIndex,
    queries: ['status', 'metrics'],
  },
  leaderChanges: { label: 'leader changes', valueIn: (one) => one.leaderChanges, queries: ['metrics'] },
  pending: { label: 'pending proposals', valueIn: (one) => one.proposalsPending, queries: ['metrics'] },
  fsyncs: { label: 'fsyncs', valueIn: ({ disk }) => disk?.fsyncs, queries: ['metrics'] },
  commits: { label: 'backend commits', valueIn: ({ disk }) => disk?.commits, queries: ['metrics'] },
  clock: { label: 'clock', valueIn: ({ clockAheadMs }) => clockAheadMs, queries: [] },
} as const satisfies Readonly<Record<string, MemberFact>>;

export type MemberFactName = keyof typeof MEMBER_FACTS;

/**
 * Of members that respond, what they do not report although they should: another one does that is not newer, or it is in every status and
 * theirs was read. An old version reports less, and so do all of its members; that is no gap. `isExplained` leaves out what is reported as an
 * unanswered query.
 */
export function unreportedByMembers(
  { name, members }: Store,
  facts: readonly MemberFactName[],
  isExplained: (query: ports.UnansweredQuery) => boolean,
): readonly StoreGap[] {
  const responding = members.filter(({ error }) => error === undefined);
  return responding.flatMap((member) => {
    const { unanswered = [] } = member;
    const missing = facts.flatMap((name) => {
      const fact: MemberFact = MEMBER_FACTS[name];
      const isReported = (one: ports.StoreMember) => fact.valueIn(one) !== undefined;
      const isSaid = unanswered.some((query) => fact.queries.includes(query.query) && isExplained(query));
      if (isReported(member) || isSaid) return [];
      const isKnownElsewhere = responding.some((one) => isReported(one) && !isNewer(one, member));
      const isExpected = isKnownElsewhere || (fact.isInStatus && hasStatus(member));
      return isExpected ? [{ label: fact.label, isKnownElsewhere }] : [];
    });
    if (missing.length === 0) return [];
    const labels = missing.map(({ label }) => label);
    const others = missing.some(({ isKnownElsewhere }) => isKnownElsewhere) ? ', but other members do' : '';
    return [
      {
        what: `${name}/${memberName(member)}: ${wording.list(labels, labels.length)}`,
        error: new SourceError(name, 'missing', `it does not report this${others}`),
      },
    ];
  });
}

/** One whose version is not known counts as newer. */
function isNewer({ version: one }: ports.StoreMember, { version: other }: ports.StoreMember): boolean {
  if (other === undefined) return false;
  if (one === undefined) return true;
  return one.localeCompare(other, 'en', { numeric: true }) > 0;
}

function hasStatus({ version = '', unanswered = [] }: ports.StoreMember): boolean {
  return Number.parseInt(version) >= 3 && unanswered.every(({ query }) => query !== 'status');
}

const ENDPOINT_FACTS = {
  clusterId: 'which cluster it belongs to',
  leaderId: 'which leader it follows',
  lists: 'its list of members',
} as const satisfies Partial<Readonly<Record<keyof ports.StoreEndpoint, string>>>;

type EndpointFactName = keyof typeof ENDPOINT_FACTS;

/** Of endpoints that respond, what they do not report although another one does: whether they are one cluster is then not known. */
export function unreportedByEndpoints(
  { name, endpoints, members }: Store,
  facts: readonly EndpointFactName[],
  isExplained: (query: ports.UnansweredQuery) => boolean,
): readonly StoreGap[] {
  const responding = endpoints.filter(({ error }) => error === undefined);
  return responding.flatMap((endpoint) => {
    const member = members.find(({ id }) => id === endpoint.memberId);
    // Without a leader there is none to report.
    const isLeaderless = member?.hasLeader === false;
    const missing = facts.filter(
      (fact) =>
        endpoint[fact] === undefined &&
        responding.some((one) => one[fact] !== undefined) &&
        !(fact === 'leaderId' && isLeaderless) &&
        !member?.unanswered?.some(
          (query) => query.query === (fact === 'lists' ? 'member list' : 'status') && isExplained(query),
        ),
    );
    if (missing.length === 0) return [];
    const labels = missing.map((fact) => ENDPOINT_FACTS[fact]);
    return [
      {
        what: `${name}/${endpoint.address}`,
        error: new SourceError(
          name,
          'missing',
          `it does not report ${wording.list(labels, labels.length)}, but other endpoints do`,
        ),
      },
    ];
  });
}
