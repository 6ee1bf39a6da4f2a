import { connect, type Socket } from 'node:net';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import { startDeadline } from '../../wire/deadline.ts';
import { readTextFile } from '../../wire/read-text-file.ts';
import { unlessAborted } from '../../wire/unless-aborted.ts';
import { type MySqlConfig, usesTls } from './config.ts';
import { explainQueryError } from './explain-error.ts';
import { QUERIES, sessionSetup } from './queries.ts';

const IDLE_MS = 30_000;
/** Results are counts and lists of tables. */
const MAX_RESULT_BYTES = 16_000_000;
const MEASURE_EVERY_MS = 20;

/** One row. Decimals and dates are text, as the server writes them. */
export type Row = Readonly<Record<string, unknown>>;

export interface DatabaseConnection {
  /** `db-1:3306`. */
  readonly server: string;
  /**
   * Sends one of {@link QUERIES}. One query runs at a time.
   * @throws the reason of `signal`, once it aborts; {@link SourceError}
   */
  readonly query: (
    sql: (typeof QUERIES)[keyof typeof QUERIES],
    values: readonly string[],
    signal: AbortSignal,
  ) => Promise<readonly Row[]>;
  /** Safe to call twice. */
  readonly close: () => Promise<void>;
}

/** A connection that is opened for the first query and closed when it has been idle. Opening it loads the client library. */
export function openDatabaseConnection(config: MySqlConfig): DatabaseConnection {
  const { name: source, host, port, timeoutMs, statementLimitSeconds: limitSeconds } = config;
  const server = `${host}:${port}`;
  let connected: Connection | undefined;
  let socket: Socket | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  /** The client only ends its side of a connection, and a server that goes on would keep it, and this process, open. */
  const drop = (one = socket): void => {
    one?.destroy();
    if (one !== socket) return;
    socket = undefined;
    connected = undefined;
  };
  const openSocket = (): Socket => {
    socket = connect({ host, port });
    if (isClosed) socket.destroy();
    return socket;
  };

  const limited = async <T>(forMs: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    const deadline = startDeadline(signal, forMs);
    const cut = Promise.withResolvers<never>();
    const stop = (): void => cut.reject(new Error('stopped'));
    deadline.signal.addEventListener('abort', stop, { once: true });
    const from = socket?.bytesRead ?? 0;
    // The client reads all rows before it returns one, and packets of any length.
    const measuring = setInterval(() => {
      if ((socket?.bytesRead ?? 0) - from <= MAX_RESULT_BYTES) return;
      drop();
      cut.reject(
        new SourceError(
          source,
          'malformed',
          `${server} returned more than ${MAX_RESULT_BYTES / 1_000_000} MB`,
        ),
      );
    }, MEASURE_EVERY_MS);
    try {
      return await Promise.race([work(), cut.promise]);
    } catch (error) {
      // What is left of a response would be read as that of the next query.
      if (deadline.signal.aborted || !isOfServer(error)) drop();
      signal.throwIfAborted();
      if (error instanceof SourceError) throw error;
      throw explainQueryError(error, { source, server, deadline, limitSeconds });
    } finally {
      clearInterval(measuring);
      deadline.signal.removeEventListener('abort', stop);
      deadline.stop();
    }
  };

  const openOnce = async (signal: AbortSignal): Promise<Connection> => {
    if (connected) return connected;
    const options = { ...(await clientOptions(config)), stream: openSocket };
    const { createConnection } = await import('mysql2/promise');
    try {
      return await limited(timeoutMs, signal, async () => {
        const connection = await createConnection(options);
        const own = socket;
        // Without a listener, an error of an idle connection would end the process.
        connection.on('error', () => drop(own));
        // Packets that don't follow one another: the client would go on, and print a line for each.
        coreOf(connection).on('warn', () => drop(own));
        const [rows] = await connection.query<RowDataPacket[]>(QUERIES.version);
        const version = textIn(asObject(rows[0]), 'version') ?? '';
        for (const statement of sessionSetup(version, limitSeconds)) await connection.query(statement);
        return (connected = connection);
      });
    } catch (error) {
      drop();
      throw error;
    }
  };

  const send: DatabaseConnection['query'] = async (sql, values, signal) => {
    signal.throwIfAborted();
    if (isClosed)
      throw new SourceError(source, 'unreachable', `${server} was not queried: the source is closed`);
    clearTimeout(idle);
    const connection = await openOnce(signal);
    const [rows] = await limited(timeoutMs + limitSeconds * 1000, signal, () =>
      connection.query<RowDataPacket[]>(sql, [...values]),
    );
    idle = setTimeout(() => drop(), IDLE_MS);
    idle.unref();
    if (!Array.isArray(rows)) throw new SourceError(source, 'malformed', `${server} did not return rows`);
    return rows.map((row) => asObject(row));
  };

  return {
    server,
    query: (sql, values, signal) => {
      const sent = last.then(() => send(sql, values, signal));
      last = sent.catch(() => undefined);
      return unlessAborted(sent, signal);
    },
    close: async () => {
      isClosed = true;
      clearTimeout(idle);
      drop();
    },
  };
}

/** The promises of the client don't pass on all of its events, and its types leave out what they wrap. */
function coreOf(connection: Connection): Pick<Connection, 'on'> {
  return (connection as unknown as { readonly connection: Pick<Connection, 'on'> }).connection;
}

async function clientOptions(config: MySqlConfig) {
  const { name, host, port, user, ca, clientCertificate, serverName, timeoutMs } = config;
  const read = (path: string): Promise<string> => readTextFile(name, path);
  const ssl = usesTls(config) && {
    rejectUnauthorized: true,
    verifyIdentity: true,
    minVersion: 'TLSv1.2',
    ...(ca !== undefined && { ca: await read(ca) }),
    ...(clientCertificate && {
      cert: await read(clientCertificate.cert),
      key: await read(clientCertificate.key),
    }),
  };
  return {
    // The client verifies the certificate for this name.
    host: serverName ?? host,
    port,
    user: user.username,
    password: user.password,
    // The deadline of the whole connection is shorter.
    connectTimeout: 2 * timeoutMs,
    ...(ssl && { ssl }),
    // The server must not read files of this machine, and no value may end a statement.
    flags: ['-LOCAL_FILES'],
    multipleStatements: false,
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
  };
}

/** Whether the server answered with an error, after which the connection can be used again. */
function isOfServer(error: unknown): boolean {
  const { errno, fatal } = error as { readonly errno?: unknown; readonly fatal?: unknown };
  return typeof errno === 'number' && errno >= 1000 && fatal !== true;
}
