import type { Certificate } from './certificates.ts';
import type { Order } from './order.ts';
import type { SourceError } from './source-error.ts';

/** Every key-value store of one environment: where services announce themselves, and what keeps a cluster's state. */
export interface KeyValueReader {
  readonly stores: readonly KeyValueStore[];
}

/** One cluster that keeps keys, such as an etcd. */
export interface KeyValueStore {
  /** The source's name in the configuration: `etcd`. */
  readonly name: string;
  /**
   * Reads everything under a directory, as a majority of the members agrees on it; never what one member remembers.
   * @throws {SourceError} `unreachable` where no member answers, and where the members have lost their majority: then nothing can be said of the keys.
   * `missing` where the store does not speak the tree-like API (etcd v2) at all; `refused`, `malformed`, and `malformed` where the answer is larger than allowed.
   */
  readonly tree: (directory: string, options: { readonly signal: AbortSignal }) => Promise<KeyTree>;
  /**
   * Asks every member about itself. A member that does not answer is in the list with its `error`.
   * @throws {SourceError} where no member could be asked who the members are.
   */
  readonly members: (options: { readonly signal: AbortSignal }) => Promise<StoreMembers>;
}

/** What is under one directory. */
export interface KeyTree {
  /** False where nobody ever wrote there, or the store was wiped. */
  readonly exists: boolean;
  /** Full paths of all directories below it, itself included where it exists, `/doppler/meta/z2/doppler_z2`. Directories have no time to live: an empty one remembers. */
  readonly directories: readonly string[];
  readonly leaves: readonly KeyLeaf[];
  /** The answering server's own clock, by which its times to live are meant. */
  readonly serverTime: Date;
}

export interface KeyLeaf {
  /** Full path. */
  readonly key: string;
  readonly value: string;
  /** Seconds that are left; negative where only a leader could take the expired key away. Absent for a key that does not expire. */
  readonly ttlSeconds?: number;
  readonly expiresAt?: Date;
  /** Grows with every creation: a key that expired and came back has another one. */
  readonly createdIndex: number;
  /** Grows with every write, refreshes included. */
  readonly modifiedIndex: number;
}

export interface StoreMembers {
  readonly members: readonly StoreMember[];
  readonly alarms: readonly StoreAlarm[];
  /** Whether a majority answers: a read that all members must agree on came back. */
  readonly hasQuorum: boolean;
  /** Why not, in the store's words. */
  readonly quorumError?: string;
  /** Bytes after which the store takes no more writes, where it tells. */
  readonly quotaBytes?: number;
  /** The revision up to which history may be forgotten; a decimal string, for it may exceed 2^53. */
  readonly revision?: string;
}

/** One member, as it says itself. What it does not tell is absent. */
export interface StoreMember {
  /** Decimal where the store has it so (v3), else hexadecimal; never a number, for ids exceed 2^53. */
  readonly id: string;
  /** Empty for one that was added and never started. */
  readonly name: string;
  readonly clientUrls: readonly string[];
  /** Set where it did not answer: then nothing below is, but perhaps its certificate. */
  readonly error?: SourceError;
  readonly version?: string;
  readonly healthy?: boolean;
  /** In its own words: `RAFT NO LEADER`. */
  readonly unhealthyBecause?: string;
  readonly isLearner?: boolean;
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
  /**
   * Share of its write-ahead log's fsyncs since start that took longer than 8 ms, 0 to 1, and how many there were. etcd's guide asks for
   * a 99th percentile below 10 ms, but its histogram has no such bucket: 8 ms is the next below, 16 ms the next above.
   */
  readonly slowFsyncs?: { readonly share: number; readonly total: number };
  /**
   * Milliseconds that its clock is at least ahead of ours; negative behind. It tells whole seconds, so up to about half of one can stay unseen
   * either way, and 0 means that it may be ours.
   */
  readonly clockAheadMs?: number;
  /** What it serves on its client port, where that is TLS. */
  readonly certificate?: Certificate;
}

export interface StoreAlarm {
  readonly memberId: string;
  readonly kind: 'NOSPACE' | 'CORRUPT';
}

/** Maintenance of one store, named as its source. Each call is one deed. */
export interface KeyValueWriter {
  /**
   * Forgets history up to `revision`; that somebody else already did is fine.
   * @throws {SourceError} here and below: `refused` where the store says no; `unreachable` where it did not answer: it may have happened.
   */
  readonly compact: (store: string, revision: string, order: Order) => Promise<void>;
  /** Gives one member's free pages back to its disk. The member answers nobody meanwhile. */
  readonly defragment: (store: string, memberId: string, order: Order) => Promise<void>;
  /** Takes an alarm back; it does not go by itself. */
  readonly disarm: (store: string, alarm: StoreAlarm, order: Order) => Promise<void>;
}
