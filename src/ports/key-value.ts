import type { Certificate } from './certificates.ts';
import type { ApplyContext } from './apply-context.ts';
import type { SourceError } from './source-error.ts';

/** One cluster that keeps keys, such as an etcd: where services announce themselves, or what keeps the state of another cluster. */
export interface KeyValueStore {
  /** The source's name in the configuration: `etcd`. */
  readonly name: string;
  /**
   * Reads everything under a directory, as a majority of the members agrees on it (a quorum read); never the state of a single member.
   * @throws {SourceError} `unreachable` where no member responds, and where the members have lost their majority: then nothing is known of the keys.
   * `missing` where the store does not speak the tree-like API (etcd v2) at all; `refused`, `malformed`, and `malformed` where the answer is larger than allowed.
   */
  readonly tree: (directory: string, options: { readonly signal: AbortSignal }) => Promise<KeyTree>;
  /** Whether the configuration allows compacting, defragmenting and disarming here. */
  readonly maintain: boolean;
  /**
   * Queries every configured endpoint, and every member that they list, about itself. Each query stands alone: one that fails does
   * not affect the others, and is in the result with its error.
   * @throws only the reason of `signal`.
   */
  readonly members: (options: QueryOptions) => Promise<StoreMembers>;
  /** Reads the disk counters of members again, by {@link StoreMember.url}. One that does not respond is left out. */
  readonly diskCounters: (
    urls: readonly string[],
    options: QueryOptions,
  ) => Promise<ReadonlyMap<string, DiskCounters>>;
}

export interface QueryOptions {
  readonly signal: AbortSignal;
  /** What has no response within this time is reported as unanswered. */
  readonly withinMs: number;
}

/** What is under one directory. */
export interface KeyTree {
  /** False where nobody ever wrote there, or the store was wiped. */
  readonly exists: boolean;
  /** Full paths of all directories below it, itself included where it exists, `/doppler/meta/z2/doppler_z2`. Directories have no TTL: an empty one shows that there were keys. */
  readonly directories: readonly string[];
  readonly leaves: readonly KeyLeaf[];
  /** The clock of the server that responded: TTLs count by it. */
  readonly serverTime: Date;
}

export interface KeyLeaf {
  /** Full path. */
  readonly key: string;
  readonly value: string;
  /** Seconds that are left; negative where the key has expired and no leader has removed it. Absent for a key that does not expire. */
  readonly ttlSeconds?: number;
  readonly expiresAt?: Date;
  /** Grows with every creation: a key that expired and came back has another one. */
  readonly createdIndex: number;
  /** Grows with every write, refreshes included. */
  readonly modifiedIndex: number;
}

export interface StoreMembers {
  /** The members of the cluster that most of the endpoints belong to. Empty where no endpoint listed them. */
  readonly members: readonly StoreMember[];
  /** What each configured endpoint shows, in the order of the configuration. */
  readonly endpoints: readonly StoreEndpoint[];
  readonly alarms: readonly StoreAlarm[];
  /** Whether a read that a majority must agree on succeeded: false where members report that there is no majority; absent where nobody could be queried. */
  readonly hasQuorum?: boolean;
  /** Why there is no quorum, or why it is not known, as the store reports it. */
  readonly quorumError?: string;
  /** Bytes after which the store accepts no more writes, where it is reported; the least of all members. */
  readonly quotaBytes?: number;
  /** The revision up to which history may be compacted; a decimal string, for it may exceed 2^53. */
  readonly revision?: string;
  /** What Wrench presents to members that require a client certificate. */
  readonly clientCertificate?: Certificate;
}

/** Who responds at one configured address. Ids are hexadecimal, as etcdctl shows them. */
export interface StoreEndpoint {
  /** `10.0.16.5:4001` */
  readonly address: string;
  readonly clusterId?: string;
  readonly memberId?: string;
  /** Absent where it knows no leader. */
  readonly leaderId?: string;
  /** The ids of the members that this one lists, sorted. */
  readonly lists?: readonly string[];
  /** What it serves, where that is TLS. */
  readonly certificate?: Certificate;
  /** Set where it did not respond at all. */
  readonly error?: SourceError;
  readonly failureMode?: FailureMode;
}

/**
 * Why one did not respond: `not-listening` its port refuses connections; `hung` it accepts them and does not respond;
 * `unreachable` it cannot be reached from here, which says nothing about the member; `rejected` it responds, and rejects Wrench or is not etcd.
 */
export type FailureMode = 'not-listening' | 'hung' | 'unreachable' | 'rejected';

export type StoreQuery =
  | 'version'
  | 'status'
  | 'health'
  | 'metrics'
  | 'member list'
  | 'alarm list'
  | 'quorum read';

/** A query that one member did not answer, while it answered others. */
export interface UnansweredQuery {
  readonly query: StoreQuery;
  readonly error: SourceError;
  /** It answers this query for other users only. */
  readonly isDenied: boolean;
}

/** One member, as it reports itself. What it does not report is absent. */
export interface StoreMember {
  /** Hexadecimal, as etcdctl shows it. */
  readonly id: string;
  /** Empty for one that was added and never started. */
  readonly name: string;
  readonly clientUrls: readonly string[];
  /** Where it was queried; absent where no address is known. */
  readonly url?: string;
  /** Whether that is a configured endpoint, and not only the address that it advertises. */
  readonly isConfigured: boolean;
  /** Set where it did not respond at all: then nothing below is set, except perhaps its certificate. */
  readonly error?: SourceError;
  readonly failureMode?: FailureMode;
  readonly unanswered?: readonly UnansweredQuery[];
  readonly version?: string;
  readonly healthy?: boolean;
  /** As it reports it: `RAFT NO LEADER`. */
  readonly unhealthyBecause?: string;
  /** A learner by the member list. */
  readonly isLearner?: boolean;
  /** It calls itself a learner, and the member list does not: https://github.com/etcd-io/etcd/issues/18347 */
  readonly isLearnerByStatus?: boolean;
  readonly isLeader?: boolean;
  /** Whether it knows a leader. */
  readonly hasLeader?: boolean;
  readonly dbSizeBytes?: number;
  readonly dbInUseBytes?: number;
  readonly quotaBytes?: number;
  readonly raftIndex?: number;
  readonly raftAppliedIndex?: number;
  /** Since it started. */
  readonly leaderChanges?: number;
  readonly proposalsFailed?: number;
  readonly proposalsPending?: number;
  readonly disk?: DiskCounters;
  /**
   * Milliseconds that its clock is at least ahead of ours; negative behind. It reports whole seconds, so up to about half of one can stay
   * unseen either way, and 0 means that it may be ours.
   */
  readonly clockAheadMs?: number;
  /** What it serves on its client port, where that is TLS. */
  readonly certificate?: Certificate;
  /** What it serves to other members, where that is TLS and could be read; only asked for where a member is not healthy. */
  readonly peerCertificate?: Certificate;
}

/** How many operations of one kind there were since the member started, and how many of them were slow. */
export interface Operations {
  readonly slow: number;
  readonly total: number;
}

/** Counters of one member's disk since it started; they begin at 0 again when it restarts. */
export interface DiskCounters {
  /** Of the write-ahead log. Slow is above 8 ms: etcd's guide asks for a 99th percentile below 10 ms, but its histogram has no such bucket. */
  readonly fsyncs?: Operations;
  /** Of the database. Slow is above 32 ms: the guide asks for a 99th percentile below 25 ms. */
  readonly commits?: Operations;
  /** Requests that took more than 100 ms to apply. */
  readonly slowApplies?: number;
}

export interface StoreAlarm {
  /** Hexadecimal; absent where the alarm names no member. */
  readonly memberId?: string;
  /** `NOSPACE`, `CORRUPT`, or a kind that is not known here. */
  readonly kind: string;
}

/** Maintenance of one store. Each call is one step. */
export interface KeyValueWriter {
  /**
   * Compacts history up to `revision`; succeeds where somebody else already did.
   * @throws {SourceError} here and below: `refused` where the store refuses; `unreachable` where it did not respond: the step may have been done.
   */
  readonly compact: (revision: string, applyContext: ApplyContext) => Promise<void>;
  /** Returns one member's free pages to its disk. The member does not respond meanwhile. */
  readonly defragment: (memberId: string, applyContext: ApplyContext) => Promise<void>;
  /** Disarms an alarm; it does not clear by itself. */
  readonly disarm: (alarm: StoreAlarm, applyContext: ApplyContext) => Promise<void>;
}
