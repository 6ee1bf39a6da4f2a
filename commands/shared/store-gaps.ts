import { type ports, SourceError, wording } from '../kit.ts';
import { memberName, type Store } from './store-members.ts';

/** Facts that some members of a store report and others do not. For the others they are unknown, which is not healthy. */

export interface StoreGap {
  readonly what: string;
  readonly error: SourceError;
}

interface MemberFact {
  readonly label: string;
  readonly valueIn: (member: ports.StoreMember) => unknown;
  /** The queries that return it. */
  readonly queries: readonly ports.StoreQuery[];
  /** Whether every status contains it since version 3. */
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
 * Facts that members respond without, although they should report them: a member that is not newer reports it, or it is in every status. If
 * no member reports a fact because the version is old, that is not a gap. `isExplained` leaves out what is already reported as an
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

/** A member of unknown version counts as newer. */
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

/** Facts that endpoints respond without although another one reports them: then it is unknown whether they are one cluster. */
export function unreportedByEndpoints(
  { name, endpoints, members }: Store,
  facts: readonly EndpointFactName[],
  isExplained: (query: ports.UnansweredQuery) => boolean,
): readonly StoreGap[] {
  const responding = endpoints.filter(({ error }) => error === undefined);
  return responding.flatMap((endpoint) => {
    const member = members.find(({ id }) => id === endpoint.memberId);
    // A member without a leader cannot report one.
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
