import type { Certificate } from './certificate.ts';
import type { ApplyContext } from './apply-context.ts';
import type { ReadOptions } from './read-options.ts';
import type { SourceError } from './source-error.ts';

/** A key-value cluster such as etcd, where services register themselves, or which stores the state of another cluster. */
export interface KeyValueStore {
  /** The source's name in the configuration: `etcd`. */
  readonly name: string;
  /**
   * Reads everything under a directory with a quorum read, never from a single member's state.
   * @throws {SourceError} `unreachable` if no member responds or the members have no majority: then nothing is known about the keys. `missing` if the
   * store does not support the hierarchical API (etcd v2); `refused`; `malformed`, also if the response is larger than allowed.
   */
  readonly tree: (directory: string, options: ReadOptions) => Promise<KeyTree>;
  /** Whether the configuration allows compacting, defragmenting and disarming here. */
  readonly maintain: boolean;
  /**
   * Queries every configured endpoint, and every member that they list, about itself. Queries are independent: one that fails does not affect the
   * others, and its error is in the result.
   * @throws only the reason of `signal`.
   */
  readonly members: (options: QueryOptions) => Promise<StoreMembers>;
  /** Reads the disk counters of members again, by {@link StoreMember.url}. A member that does not respond is omitted. */
  readonly diskCounters: (
    urls: readonly string[],
    options: QueryOptions,
  ) => Promise<ReadonlyMap<string, DiskCounters>>;
}

export interface QueryOptions extends ReadOptions {
  /** A query without a response within this time is reported as unanswered. */
  readonly withinMs: number;
}

/** The content of one directory. */
export interface KeyTree {
  /** False if nothing was ever written there, or the store was wiped. */
  readonly exists: boolean;
  /**
   * Full paths of all directories below it, including itself if it exists, `/doppler/meta/z2/doppler_z2`. Directories have no TTL: an empty one shows
   * that there were keys.
   */
  readonly directories: readonly string[];
  readonly leaves: readonly KeyLeaf[];
  /** The clock of the server that responded, by which TTLs count. */
  readonly serverTime: Date;
}

export interface KeyLeaf {
  /** Full path. */
  readonly key: string;
  readonly value: string;
  /** Seconds left; negative if the key has expired and no leader has removed it. Absent for a key that does not expire. */
  readonly ttlSeconds?: number;
  readonly expiresAt?: Date;
  /** Grows with every creation: a key that expired and was created again has a different one. */
  readonly createdIndex: number;
  /** Grows with every write, refreshes included. */
  readonly modifiedIndex: number;
}

export interface StoreMembers {
  /** The members of the cluster that most of the endpoints belong to. Empty if no endpoint listed them. */
  readonly members: readonly StoreMember[];
  /** The result for each configured endpoint, in the order of the configuration. */
  readonly endpoints: readonly StoreEndpoint[];
  readonly alarms: readonly StoreAlarm[];
  /** Whether a quorum read succeeded: false if members report that there is no majority; absent if no member could be queried. */
  readonly hasQuorum?: boolean;
  /** Why there is no quorum, or why that is unknown, as the store reports it. */
  readonly quorumError?: string;
  /** The size in bytes at which the store stops accepting writes, if reported; the smallest of all members. */
  readonly quotaBytes?: number;
  /** The revision up to which history may be compacted; a decimal string, because it may exceed 2^53. */
  readonly revision?: string;
  /** The client certificate that Wrench presents to members. */
  readonly clientCertificate?: Certificate;
}

/** The member that responds at one configured address. Ids are hexadecimal, as etcdctl shows them. */
export interface StoreEndpoint {
  /** `10.0.16.5:4001` */
  readonly address: string;
  readonly clusterId?: string;
  readonly memberId?: string;
  /** Absent if it knows no leader. */
  readonly leaderId?: string;
  /** The ids of the members that this one lists, sorted. */
  readonly lists?: readonly string[];
  /** The certificate that it serves, with TLS. */
  readonly certificate?: Certificate;
  /** Set if it did not respond at all. */
  readonly error?: SourceError;
  readonly failureMode?: FailureMode;
}

/**
 * Why one did not respond: `not-listening` its port refuses connections; `hung` it accepts them and does not respond;
 * `unreachable` it can't be reached from here, which says nothing about the member; `rejected` it responds, but rejects Wrench or is not etcd.
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

/** A query that one member did not answer although it answered others. */
export interface UnansweredQuery {
  readonly query: StoreQuery;
  readonly error: SourceError;
  /** It answers this query only for other users. */
  readonly isDenied: boolean;
}

/** One member, as it describes itself. What it does not report is absent. */
export interface StoreMember {
  /** Hexadecimal, as etcdctl shows it. */
  readonly id: string;
  /** Empty for one that was added and never started. */
  readonly name: string;
  readonly clientUrls: readonly string[];
  /** The address where it was queried; absent if none is known. */
  readonly url?: string;
  /** Whether that is a configured endpoint, and not only the address that it advertises. */
  readonly isConfigured: boolean;
  /** Set if it did not respond at all. Then nothing below is set, except perhaps its certificate. */
  readonly error?: SourceError;
  readonly failureMode?: FailureMode;
  readonly unanswered?: readonly UnansweredQuery[];
  readonly version?: string;
  readonly healthy?: boolean;
  /** As it reports it: `RAFT NO LEADER`. */
  readonly unhealthyBecause?: string;
  /** Whether the member list says that it is a learner. */
  readonly isLearner?: boolean;
  /** It calls itself a learner, but the member list does not: https://github.com/etcd-io/etcd/issues/18347 */
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
   * By at least how many milliseconds its clock is ahead of Wrench's; negative if it is behind. It reports whole seconds, so a difference of up to
   * about half a second goes unnoticed, and 0 means that the clocks may agree.
   */
  readonly clockAheadMs?: number;
  /** The certificate that it serves on its client port, with TLS. */
  readonly certificate?: Certificate;
  /** The certificate that it serves to other members, with TLS; read only if a member is not healthy. */
  readonly peerCertificate?: Certificate;
}

/** How many operations of one kind the member has done since it started, and how many were slow. */
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
  /** Hexadecimal; absent if the alarm names no member. */
  readonly memberId?: string;
  /** `NOSPACE`, `CORRUPT`, or a kind that is not known here. */
  readonly kind: string;
}

/** Maintenance of one store. Each call is one step. */
export interface KeyValueWriter {
  /**
   * Compacts history up to `revision`; succeeds if someone else already did.
   * @throws {SourceError} here and below: `refused` if the store refuses; `unreachable` if it did not respond: the step may have been done.
   */
  readonly compact: (revision: string, applyContext: ApplyContext) => Promise<void>;
  /** Returns one member's free pages to its disk. The member does not respond in the meantime. */
  readonly defragment: (memberId: string, applyContext: ApplyContext) => Promise<void>;
  /** Disarms an alarm, which does not clear automatically. */
  readonly disarm: (alarm: StoreAlarm, applyContext: ApplyContext) => Promise<void>;
}
