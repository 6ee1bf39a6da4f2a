import type { DatabaseState } from '../../ports/databases.ts';
import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';
import type { DatabaseConnection, Row } from './connection.ts';
import { QUERIES } from './queries.ts';
import { type Fail, parseDateTime, toWhole } from './values.ts';

/** @throws {SourceError} */
export async function readState(
  connection: DatabaseConnection,
  signal: AbortSignal,
  fail: Fail,
): Promise<DatabaseState> {
  const [row = {}] = await connection.query(QUERIES.state, [], signal);
  const time = parseDateTime(row['time']);
  if (typeof row['version'] !== 'string' || !time) throw fail('its version and its time');
  const readOnly = toWhole(row['readOnly']);
  const threads = await runningThreads(connection, signal);
  return {
    version: printable(row['version']),
    time,
    ...(readOnly !== undefined && { isReadOnly: readOnly !== 0 }),
    ...(threads !== undefined && { runningThreads: threads }),
    ...(await replication(connection, signal)),
  };
}

async function runningThreads(
  connection: DatabaseConnection,
  signal: AbortSignal,
): Promise<number | undefined> {
  const rows = await connection.query(QUERIES.status, [], signal);
  const row = rows.find((one) => String(one['Variable_name']).toLowerCase() === 'threads_running');
  return toWhole(row?.['Value']);
}

async function replication(
  connection: DatabaseConnection,
  signal: AbortSignal,
): Promise<Pick<DatabaseState, 'replicationLagSeconds' | 'isReplicationStopped' | 'isReplicationUnseen'>> {
  const rows = await replicaRows(connection, signal);
  if (!rows) return { isReplicationUnseen: true };
  if (rows.length === 0) return {};
  const lags = rows.map((row) => lagOf(row));
  // With several masters, the one that is furthest behind decides.
  return lags.every((lag) => lag !== undefined)
    ? { replicationLagSeconds: Math.max(...lags) }
    : { isReplicationStopped: true };
}

async function replicaRows(
  connection: DatabaseConnection,
  signal: AbortSignal,
): Promise<readonly Row[] | undefined> {
  for (const sql of [QUERIES.replica, QUERIES.slave]) {
    try {
      return await connection.query(sql, [], signal);
    } catch (error) {
      if (!(error instanceof SourceError) || error.kind === 'unreachable') throw error;
      if (error.kind === 'refused') return undefined;
    }
  }
  return undefined;
}

/** undefined if replication is stopped: then the lag is NULL. */
function lagOf(row: Row): number | undefined {
  const stopped = ['Slave_IO_Running', 'Slave_SQL_Running', 'Replica_IO_Running', 'Replica_SQL_Running'].some(
    (column) => row[column] === 'No',
  );
  const lag = row['Seconds_Behind_Source'] ?? row['Seconds_Behind_Master'];
  return stopped ? undefined : toWhole(lag);
}
