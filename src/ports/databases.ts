import type { ReadOptions } from './read-options.ts';

/** One MySQL or MariaDB server with the databases of Nova. The set of queries is closed and read-only: no method takes SQL. */
export interface Database {
  /** The source's name in the configuration: `nova-db`. */
  readonly name: string;
  /**
   * The server.
   * @throws {SourceError}
   */
  readonly state: (options: ReadOptions) => Promise<DatabaseState>;
  /**
   * The databases that have Nova's tables of instances, one per cell: `nova`, `nova_cell0`. Not the API database.
   * @throws {SourceError} `missing` if the user sees none.
   */
  readonly cells: (options: ReadOptions) => Promise<readonly string[]>;
  /**
   * The tables of a cell, with estimates that may be wrong by far: https://dev.mysql.com/doc/refman/8.0/en/information-schema-tables-table.html
   * @throws {SourceError}
   */
  readonly tables: (query: CellQuery) => Promise<readonly TableEstimate[]>;
  /**
   * Counts the instances of a cell, and those that were deleted before a day in UTC: `2026-08-28`.
   * @throws {SourceError} `unreachable` with the code `TIMEOUT` if it took longer than the statement limit.
   */
  readonly instanceCounts: (
    query: CellQuery & { readonly deletedBefore?: string },
  ) => Promise<InstanceCounts>;
  /**
   * Counts the rows of `instance_system_metadata`. Most rows of deleted instances are not marked as deleted.
   * @throws {SourceError} as `instanceCounts`
   */
  readonly metadataCounts: (query: CellQuery) => Promise<MetadataCounts>;
}

export interface CellQuery extends ReadOptions {
  /** One of `cells`. */
  readonly cell: string;
}

export interface DatabaseState {
  /** `10.11.6-MariaDB`. */
  readonly version: string;
  /** Its clock, in UTC. */
  readonly time: Date;
  readonly isReadOnly?: boolean;
  /** By how much it is behind the server that it replicates. Absent if it replicates none, or if the user may not see it. */
  readonly replicationLagSeconds?: number;
  /** The user may not see whether it is a replica. */
  readonly isReplicationUnseen?: true;
  /** It is a replica, and replication has stopped. */
  readonly isReplicationStopped?: true;
  /** How many statements run. */
  readonly runningThreads?: number;
}

export interface TableEstimate {
  readonly table: string;
  readonly rows: number;
  /** Of data and indexes. */
  readonly bytes: number;
}

export interface InstanceCounts {
  readonly softDeleted: number;
  readonly live: number;
  /** Soft-deleted more than a year ago, by the clock of the server. */
  readonly olderThanYear: number;
  /** Soft-deleted before the requested day. Absent if none was requested, or if counting them took too long. */
  readonly deletedBefore?: number;
  /** When the first one that is left was deleted. Absent if there is none. */
  readonly oldestDeletedAt?: Date;
}

export interface MetadataCounts {
  readonly rows: number;
  readonly markedDeleted: number;
}
