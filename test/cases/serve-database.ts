import { once } from 'node:events';
import type { AddressInfo, Server as NetServer } from 'node:net';
import mysql from 'mysql2';
import { answerDatabase, asText, type DatabaseResponse } from './answer-database.ts';
import type { SpokenAnswer } from './case-file.ts';

/** A server that speaks the protocol of MySQL, on loopback. */
export interface ServedDatabase {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/**
 * LONG_PASSWORD, LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH:
 * https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__capabilities__flags.html
 */
const CAPABILITIES = 0x00_08_a2_0d;
const UTF8 = 33;
const VAR_STRING = 253;
const RESET = '_resetSequenceId';

/** What the client library's server does, which its types leave out. */
interface ServedConnection {
  readonly serverHandshake: (options: object) => void;
  readonly on: (event: string, listener: (sql: string) => void) => void;
  readonly writeOk: () => void;
  readonly writeError: (error: { readonly code: number; readonly message: string }) => void;
  readonly writeColumns: (columns: readonly object[]) => void;
  readonly writeTextRow: (values: readonly (string | null)[]) => void;
  readonly writeEof: () => void;
  readonly [RESET]: () => void;
  readonly close: () => void;
}

/** Accepts any user. */
export async function serveDatabase(
  answers: readonly SpokenAnswer[],
  now: () => Date,
): Promise<ServedDatabase> {
  const connections = new Set<ServedConnection>();
  let ids = 0;
  const server = mysql.createServer((opened) => {
    const connection = opened as unknown as ServedConnection;
    connections.add(connection);
    /** The packets of each command are counted from 0, which the library leaves to its users. */
    const respond = (write: () => void): void => {
      write();
      connection[RESET]();
    };
    connection.on('error', () => undefined);
    connection.on('end', () => connections.delete(connection));
    connection.serverHandshake({
      protocolVersion: 10,
      serverVersion: '5.5.5-10.11.6-MariaDB',
      connectionId: (ids += 1),
      statusFlags: 2,
      characterSet: UTF8,
      capabilityFlags: CAPABILITIES,
      authCallback: (_login: unknown, done: () => void) => respond(done),
    });
    // The library passes `SET …` on as if it were prepared.
    connection.on('stmt_prepare', () => respond(() => connection.writeOk()));
    connection.on('query', (sql) => respond(() => send(connection, answerDatabase(answers, now())(sql))));
  });
  const { _server: listening } = server as unknown as { readonly _server: NetServer };
  listening.listen(0, '127.0.0.1');
  if (!listening.listening) await once(listening, 'listening');
  return {
    port: (listening.address() as AddressInfo).port,
    close: async () => {
      const closed = once(listening, 'close');
      for (const connection of connections) connection.close();
      listening.close();
      await closed;
    },
  };
}

function send(connection: ServedConnection, response: DatabaseResponse): void {
  if ('error' in response) return connection.writeError(response.error);
  connection.writeColumns(
    response.columns.map((name) => ({
      catalog: 'def',
      schema: '',
      table: '',
      orgTable: '',
      name,
      orgName: name,
      characterSet: UTF8,
      columnLength: 1024,
      columnType: VAR_STRING,
      flags: 0,
      decimals: 0,
    })),
  );
  for (const row of response.rows) connection.writeTextRow(response.columns.map((name) => asText(row[name])));
  connection.writeEof();
}
