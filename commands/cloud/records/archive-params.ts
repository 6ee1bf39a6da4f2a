import { z } from 'zod';

/** What an offer to archive carries. The day doesn't move: a plan that is made later archives no more than was offered. */
export const archiveParams = z.strictObject({
  /** The source of hosts. */
  source: z.string(),
  /** The controller on which `nova-manage` runs. */
  host: z.string(),
  /** The source of databases. */
  database: z.string(),
  /** The database whose finding it is: `nova`. All others are archived with it. */
  cell: z.string(),
  /** `2026-08-28` */
  before: z.iso.date(),
  /** The same, in milliseconds since the epoch. */
  beforeMs: z.int(),
  batchRows: z.int().positive(),
  /** How many instances were soft-deleted when it was offered. */
  softDeleted: z.int(),
  /** How many rows of all tables there are to archive, by estimates. */
  rows: z.int().exactOptional(),
});

export type ArchiveParams = z.output<typeof archiveParams>;

/** The name that findings and measures use for the instances of a cell. */
export function instancesOf(name: string): string {
  return `${name}.instances`;
}
