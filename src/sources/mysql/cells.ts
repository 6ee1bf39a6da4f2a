import type { CellQuery, InstanceCounts, MetadataCounts, TableEstimate } from '../../ports/databases.ts';
import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';
import type { DatabaseConnection } from './connection.ts';
import { QUERIES } from './queries.ts';
import { sumIn, type Fail, parseDateTime, toWhole } from './values.ts';

/** What reads the databases of Nova: one per cell. */
export interface CellReaderOptions {
  readonly source: string;
  readonly connection: DatabaseConnection;
  /** As configured. */
  readonly configured: readonly string[] | undefined;
  readonly fail: Fail;
}

/** @throws {SourceError} `missing` if the user sees none, or not all that are configured. */
export async function listCells(
  { source, connection, configured, fail }: CellReaderOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const rows = await connection.query(QUERIES.cells, [], signal);
  const seen = rows.map(({ cell }) => {
    // Other names would need quotes in every report.
    if (typeof cell !== 'string' || !/^[\w-]{1,64}$/.test(cell)) throw fail('the name of a database');
    return cell;
  });
  const unseen = (configured ?? []).filter((cell) => !seen.includes(cell));
  if (unseen.length > 0)
    throw new SourceError(
      source,
      'missing',
      `the user doesn't see the tables of Nova in ${unseen.join(', ')}: grant SELECT, or correct \`cells\``,
    );
  if (seen.length === 0)
    throw new SourceError(
      source,
      'missing',
      "the user doesn't see a database with the tables of Nova: grant SELECT on it",
    );
  return (configured ?? seen).toSorted();
}

/** @throws {SourceError} */
export async function readTables(
  { connection, fail }: CellReaderOptions,
  { cell, signal }: CellQuery,
): Promise<readonly TableEstimate[]> {
  const rows = await connection.query(QUERIES.tables, [cell], signal);
  return rows.flatMap((row) => {
    if (typeof row['name'] !== 'string') throw fail('the name of a table');
    const rowsOf = toWhole(row['estimate']);
    // There is none for a table that is damaged.
    if (rowsOf === undefined) return [];
    const bytes = (toWhole(row['dataBytes']) ?? 0) + (toWhole(row['indexBytes']) ?? 0);
    return [{ table: printable(row['name']), rows: rowsOf, bytes }];
  });
}

/** @throws {SourceError} */
export async function countInstances(
  options: CellReaderOptions,
  query: CellQuery & { readonly deletedBefore?: string },
): Promise<InstanceCounts> {
  const { connection, fail } = options;
  const { cell, signal } = query;
  const [row = {}] = await connection.query(QUERIES.instances, [cell], signal);
  const total = sumIn(row, 'total', fail);
  const softDeleted = sumIn(row, 'softDeleted', fail);
  if (softDeleted > total) throw fail('how many instances are deleted');
  const oldestDeletedAt = parseDateTime(row['oldest']);
  return {
    softDeleted,
    live: total - softDeleted,
    olderThanYear: sumIn(row, 'olderThanYear', fail),
    ...(oldestDeletedAt && { oldestDeletedAt }),
    ...(softDeleted > 0 && (await countDeletedBefore(options, query))),
  };
}

/** Nothing if it takes too long: the other counts are valid without it. */
async function countDeletedBefore(
  { connection, fail }: CellReaderOptions,
  { cell, deletedBefore, signal }: CellQuery & { readonly deletedBefore?: string },
): Promise<Pick<InstanceCounts, 'deletedBefore'>> {
  if (deletedBefore === undefined) return {};
  try {
    const [row = {}] = await connection.query(QUERIES.deletedBefore, [deletedBefore, cell], signal);
    return { deletedBefore: sumIn(row, 'deletedBefore', fail) };
  } catch (error) {
    if (signal.aborted || !(error instanceof SourceError)) throw error;
    return {};
  }
}

/** @throws {SourceError} */
export async function countMetadata(
  { connection, fail }: CellReaderOptions,
  { cell, signal }: CellQuery,
): Promise<MetadataCounts> {
  const [row = {}] = await connection.query(QUERIES.metadata, [cell], signal);
  return { rows: sumIn(row, 'total', fail), markedDeleted: sumIn(row, 'softDeleted', fail) };
}
