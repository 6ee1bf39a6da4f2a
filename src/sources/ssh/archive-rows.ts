import type { ArchivedBatch, HostFileSize } from '../../ports/hosts.ts';
import { HOST_CHANGES } from '../../wire/host-changes.ts';
import { isNoSuchFile, isPermissionDenied, linesOf, runForText } from './ask-host.ts';
import { parseFileSizes } from './machine-facts.ts';
import type { ChangedHost } from './change-access.ts';

/** https://docs.openstack.org/nova/latest/cli/nova-manage.html#db-archive-deleted-rows */
const NOTHING_ARCHIVED = 0;
const ROWS_ARCHIVED = 1;
const FAILURES: Readonly<Record<number, string>> = {
  2: 'it rejected `--max_rows`',
  3: 'it has no connection to the API database: check `[api_database]` in the `nova.conf` of this host',
  4: 'it rejected `--before`',
};
/** Of what `nova-manage` wrote, in messages. */
const MAX_QUOTED = 300;
/** Names of dumps that are still being written, as backup tools name them. */
const UNFINISHED = /\.(?:partial|part|tmp|temp|incomplete|inprogress|filepart|crdownload)(?:[.-][^/]*)?$/i;

/**
 * Archives one batch. Its exit code 1 means that rows were archived; Python also ends with 1 after an unexpected error, so only its table proves it.
 */
export async function archiveRows(
  host: ChangedHost,
  batch: { readonly before: string; readonly maxRows: number },
): Promise<ArchivedBatch> {
  await assertNoOther(host);
  const { text, stderr, exitCode } = await runForText(
    host,
    () => HOST_CHANGES.archiveRows(batch),
    Array.from({ length: 256 }, (_, code) => code),
  );
  const tables = archivedTables(text);
  if (exitCode === ROWS_ARCHIVED && tables.length > 0)
    return { tables, rows: tables.reduce((sum, { rows }) => sum + rows, 0), isDone: false };
  if (exitCode === NOTHING_ARCHIVED && tables.length === 0) return { tables: [], rows: 0, isDone: true };
  const quoted = withoutAddresses([...linesOf(stderr), ...linesOf(text)].at(-1))?.slice(0, MAX_QUOTED);
  const reason = FAILURES[exitCode] ?? `it ended with exit code ${exitCode}`;
  throw host.fail(
    'malformed',
    `\`nova-manage db archive_deleted_rows\` failed: ${reason}${quoted === undefined ? '' : ` (${quoted})`}`,
  );
}

/** One that was started by a fix whose worker was lost goes on, and so does one that a person started. */
async function assertNoOther(host: ChangedHost): Promise<void> {
  const { text, exitCode } = await runForText(host, HOST_CHANGES.archivers, [0, 1]);
  if (exitCode === 0)
    throw host.fail(
      'refused',
      `\`nova-manage db archive_deleted_rows\` is running already (process ${linesOf(text)[0] ?? ''}): wait until it has finished`,
    );
}

/** The address of the database has its password, also if the end of the line was cut off. */
function withoutAddresses(line: string | undefined): string | undefined {
  return line?.replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)\S*/gi, '$1…');
}

/** `| cell1.instances | 31 |`, below a header without a number. */
function archivedTables(text: string): ArchivedBatch['tables'] {
  return linesOf(text).flatMap((line) => {
    const { table, rows } = /^\|\s*(?<table>[\w.]+)\s*\|\s*(?<rows>\d+)\s*\|\s*$/.exec(line)?.groups ?? {};
    return table === undefined || rows === undefined ? [] : [{ table, rows: Number(rows) }];
  });
}

export async function newestDump(host: ChangedHost, folder: string): Promise<HostFileSize | undefined> {
  const { text, stderr, exitCode } = await runForText(
    host,
    () => HOST_CHANGES.dumps({ ...host, folder }),
    [0, 1],
  );
  if (isPermissionDenied(stderr)) throw host.fail('refused', `the user can't read all of ${folder}`);
  if (exitCode !== 0 && text === '' && isNoSuchFile(stderr))
    throw host.fail('missing', `there is no folder ${folder}`);
  const files = parseFileSizes(text);
  if (!files) throw host.fail('malformed', 'the output has an unknown format');
  return files
    .filter(({ path }) => !UNFINISHED.test(path))
    .toSorted((a, b) => b.modifiedAt.getTime() - a.modifiedAt.getTime())[0];
}
