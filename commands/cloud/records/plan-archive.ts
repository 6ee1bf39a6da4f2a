import { type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { about, amount } from './amounts.ts';
import { type Archivable, archivableOf, wouldClear } from './archivable.ts';
import type { ArchiveParams } from './archive-params.ts';

export type ArchiveContext = Pick<ReadContext<'hosts' | 'databases'>, 'read' | 'now' | 'signal'>;

/** A plan may have as many lines as this, and an hour or so is as long as people watch a fix. */
export const MAX_BATCHES = 500;
/** Starting `nova-manage` takes most of it. A guess. */
const BATCH_SECONDS = 5;
const HOUR_MS = 3_600_000;
/** The clocks of the host and of the worker may differ a little. */
const MAX_CLOCK_DIFFERENCE_MS = 600_000;

export interface ArchiveFacts {
  readonly rules: ports.ArchivingRules;
  readonly dump: ports.HostFileSize;
  readonly counts: ports.InstanceCounts;
  readonly archivable: Archivable;
  /** All databases that are archived. */
  readonly cells: readonly string[];
}

/**
 * Reads what a plan needs.
 * @throws {SourceError} if nothing may be archived, or nothing can be.
 */
export async function readForPlan(context: ArchiveContext, asked: ArchiveParams): Promise<ArchiveFacts> {
  const { signal } = context;
  const hosts = findHosts(context, asked);
  const rules = rulesOf(hosts, asked);
  const keptMs = context.now.getTime() - rules.keepDays * 24 * HOUR_MS;
  if (asked.beforeMs > keptMs)
    throw refused(
      asked.source,
      `rows are kept for ${rules.keepDays} days, so those from before ${asked.before} can't all be archived yet. Run the check again`,
    );
  const database = findDatabase(context, asked);
  const [dump, cells, counts] = await Promise.all([
    newestDump(context, hosts, rules),
    database.cells({ signal }),
    database.instanceCounts({ cell: asked.cell, signal, deletedBefore: asked.before }),
  ]);
  const archivable = archivableOf(counts, asked.beforeMs, context.now);
  if (archivable.most === 0)
    throw refused(asked.database, `nothing in ${asked.cell} was deleted before ${asked.before}`);
  return { rules, dump, counts, archivable, cells: cells.toSorted() };
}

/** @throws {SourceError} if there is none that is new enough, with how to make one. */
async function newestDump(
  { now, signal }: ArchiveContext,
  hosts: ports.Hosts,
  { host, dumpFolder, maxDumpAgeHours }: ports.ArchivingRules,
): Promise<ports.HostFileSize> {
  const dump = await hosts.newestDump({ signal });
  const make = `Dump all databases of Nova to ${dumpFolder} on ${host}, the API database too, with \`mysqldump --single-transaction\`, then plan again`;
  if (!dump) throw refused(hosts.name, `there is no dump in ${dumpFolder} on ${host}. ${make}`);
  const ageMs = now.getTime() - dump.modifiedAt.getTime();
  if (ageMs < -MAX_CLOCK_DIFFERENCE_MS)
    throw refused(hosts.name, `the time of ${dump.path} on ${host} is in the future. ${make}`);
  if (ageMs > maxDumpAgeHours * HOUR_MS)
    throw refused(
      hosts.name,
      `the newest dump, ${dump.path} on ${host}, is ${wording.span(ageMs)} old; at most ${wording.count(maxDumpAgeHours, 'hour')} is allowed. ${make}`,
    );
  return dump;
}

/** What it affects, with counts, which change on their own: a plan is not compared by it. */
export function impactOf(
  { counts, archivable, dump }: ArchiveFacts,
  { batchRows, cell, rows }: ArchiveParams,
): string {
  const { least, most } = archivable;
  const instances = least === most ? amount(most) : `${amount(least)} to ${amount(most)}`;
  const batches = rows === undefined ? MAX_BATCHES : Math.min(MAX_BATCHES, Math.ceil(rows / batchRows));
  const isPartial = rows !== undefined && rows > MAX_BATCHES * batchRows;
  const size = rows === undefined ? 'their rows in all tables' : `${about(rows)} rows`;
  const effect = { yes: '', maybe: ' The finding may stay.', no: ' The finding stays.' }[
    isPartial ? 'no' : wouldClear(counts, archivable)
  ];
  const part = isPartial
    ? ` Archives the first ${amount(MAX_BATCHES * batchRows)}; plan the rest after that.`
    : '';
  return `Archives ${instances} of ${amount(counts.softDeleted)} soft-deleted instances in ${cell}, ${size}, in about ${wording.span(Math.max(60, batches * BATCH_SECONDS) * 1_000)}.${part}${effect} Newest dump: ${dump.path}, ${wording.bytes(dump.bytes)}, ${wording.utcTime(dump.modifiedAt)}`;
}

/** @throws {SourceError} */
export function findHosts({ read }: Pick<ArchiveContext, 'read'>, { source }: ArchiveParams): ports.Hosts {
  const found = read.hosts.find(({ name }) => name === source);
  if (!found) throw new SourceError(source, 'missing', `${source} is no longer configured`);
  return found;
}

/** @throws {SourceError} if it isn't allowed any more, or would do something else than was offered. */
function rulesOf({ name, archiving }: ports.Hosts, { host, batchRows }: ArchiveParams): ports.ArchivingRules {
  if (!archiving.allowed) throw refused(name, archiving.because);
  if (archiving.host !== host || archiving.batchRows !== batchRows)
    throw refused(name, 'the configuration has changed. Run the check again');
  return archiving;
}

/** @throws {SourceError} */
export function findDatabase(
  { read }: Pick<ArchiveContext, 'read'>,
  { database }: ArchiveParams,
): ports.Database {
  const found = read.databases.find(({ name }) => name === database);
  if (!found) throw new SourceError(database, 'missing', `${database} is no longer configured`);
  return found;
}

function refused(source: string, because: string): SourceError {
  return new SourceError(source, 'refused', because);
}
