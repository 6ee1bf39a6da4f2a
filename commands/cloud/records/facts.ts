import type { ports, ReadContext, Remembered } from '../../kit.ts';
import type { RejectedHostKey } from '../../shared/host-survey.ts';
import type { RecordSample } from './record-sample.ts';

export type RecordsContext = ReadContext<'databases', 'hosts', RecordSample>;

export interface Facts {
  readonly cells: readonly CellFacts[];
  readonly archiving: ArchivingFacts;
  /** Absent if no host has such logs, and without a source of hosts. */
  readonly logs?: LogFacts;
  readonly rejectedKeys: readonly RejectedHostKey[];
  readonly earlier: readonly Remembered<RecordSample>[];
}

/** One database with Nova's tables of instances. */
export interface CellFacts {
  /** The name of its source. */
  readonly source: string;
  /** The name of the database: `nova`. */
  readonly cell: string;
  /** As findings name it: with its source in front if there are several, `region-a:nova`. */
  readonly name: string;
  /** Estimates of the server. Absent if they couldn't be read. */
  readonly tables?: readonly ports.TableEstimate[];
  /** Absent if they couldn't be counted. */
  readonly counts?: ports.InstanceCounts;
  /** Absent if they weren't needed, or couldn't be counted. */
  readonly metadata?: ports.MetadataCounts;
}

/** What may be archived, and whether Wrench may do it. */
export interface ArchivingFacts {
  /** Rows that were deleted before this day: `2026-08-28`. */
  readonly before: string;
  /** The same, in milliseconds since the epoch. */
  readonly beforeMs: number;
  readonly keepDays: number;
  /** The source of hosts that is allowed to archive. Absent if none is, or if it isn't clear which one to use. */
  readonly by?: ports.ArchivingRules & { readonly source: string };
  /** Why Wrench doesn't offer it. Absent if it does, and without a source of hosts. */
  readonly notOffered?: string;
}

/** What the hosts of the control plane logged. */
export interface LogFacts {
  /** Of the last hour. Absent if nothing was found, or if no host has such a log. */
  readonly slowRequests?: readonly string[];
  /** The newest first. Absent if no host has such a log. */
  readonly archiveJob?: readonly ArchiveJobLine[];
}

export interface ArchiveJobLine {
  readonly host: string;
  readonly text: string;
}
