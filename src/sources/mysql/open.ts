import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { type CellReaderOptions, countInstances, countMetadata, listCells, readTables } from './cells.ts';
import type { MySqlConfig } from './config.ts';
import { openDatabaseConnection } from './connection.ts';
import { checkDatabaseHealth } from './health-check.ts';
import { readDatabasePermissions } from './permissions.ts';
import { readState } from './state.ts';

/** The databases of Nova on one server. Opening it connects to nothing and does not load the client library. It never changes anything. */
export function openMySql(config: MySqlConfig): Source {
  const { name, cells: configured } = config;
  const connection = openDatabaseConnection(config);
  const fail = (what: string): SourceError =>
    new SourceError(name, 'malformed', `${connection.server} did not return ${what}`);
  const options: CellReaderOptions = { source: name, connection, configured, fail };
  const state = (signal: AbortSignal) => readState(connection, signal, fail);
  return {
    name,
    kind: 'mysql',
    reads: {
      databases: {
        name,
        state: ({ signal }) => state(signal),
        cells: ({ signal }) => listCells(options, signal),
        tables: (query) => readTables(options, query),
        instanceCounts: (query) => countInstances(options, query),
        metadataCounts: (query) => countMetadata(options, query),
      },
    },
    healthCheck: (signal) =>
      checkDatabaseHealth({
        server: connection.server,
        state: () => state(signal),
        cells: () => listCells(options, signal),
        signal,
      }),
    permissions: (signal) => readDatabasePermissions(connection, signal),
    close: connection.close,
  };
}
