import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import type { Database } from '../../ports/databases.ts';
import { mysqlConfig } from './config.ts';
import { openMySql } from './open.ts';

const PASSWORD = 'CANARY-q7x2vv81';
const { signal } = new AbortController();
const cleanup: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of cleanup.splice(0).toReversed()) await close();
});

/** A packet of the protocol: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html */
function packet(sequence: number, ...parts: readonly (string | Buffer | number)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) =>
      typeof part === 'number'
        ? Buffer.from([part])
        : typeof part === 'string'
          ? Buffer.from(part, 'latin1')
          : part,
    ),
  );
  const head = Buffer.alloc(4);
  head.writeUIntLE(body.length, 0, 3);
  head[3] = sequence;
  return Buffer.concat([head, body]);
}

const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);

/** The greeting of a MariaDB without TLS. */
const GREETING = packet(
  0,
  10,
  '5.5.5-10.11.6-MariaDB\0',
  Buffer.from([1, 0, 0, 0]),
  '12345678\0',
  Buffer.from([0xdf, 0xa2]),
  33,
  Buffer.from([2, 0]),
  Buffer.from([0x08, 0]),
  21,
  Buffer.alloc(10),
  '123456789012\0',
  'mysql_native_password\0',
);
const OK = (sequence: number): Buffer => packet(sequence, Buffer.from([0, 0, 0, 2, 0, 0, 0]));
const EOF = (sequence: number): Buffer => packet(sequence, Buffer.from([0xfe, 0, 0, 2, 0]));

const column = (sequence: number, name: string): Buffer =>
  packet(
    sequence,
    text('def'),
    text(''),
    text(''),
    text(''),
    text(name),
    text(''),
    12,
    Buffer.from([33, 0, 255, 0, 0, 0, 253, 0, 0, 0, 0, 0]),
  );

function rows(columns: readonly string[], ...all: readonly (readonly string[])[]): Buffer {
  let sequence = 1;
  return Buffer.concat([
    packet(sequence++, columns.length),
    ...columns.map((name) => column(sequence++, name)),
    EOF(sequence++),
    ...all.map((values) => packet(sequence++ % 256, ...values.map(text))),
    EOF(sequence % 256),
  ]);
}

interface Hostile {
  /** Sent instead of accepting the login. */
  readonly onLogin?: Buffer;
  /** undefined: as an ordinary server. */
  readonly onQuery?: (sql: string, socket: Socket) => Buffer | undefined;
  readonly limits?: { readonly timeoutMs: number; readonly statementLimitSeconds: number };
}

/** Everything that the client sent is in `received`. */
async function open({
  onLogin,
  onQuery,
  limits = { timeoutMs: 1_000, statementLimitSeconds: 1 },
}: Hostile): Promise<{ readonly database: Database; readonly received: Buffer[] }> {
  const received: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(GREETING);
    let hasLoggedIn = false;
    socket.on('data', (data) => {
      received.push(data);
      if (!hasLoggedIn) {
        hasLoggedIn = true;
        socket.write(onLogin ?? OK(2));
        return;
      }
      const sql = data.subarray(5).toString('latin1');
      const answer = onQuery?.(sql, socket);
      if (answer) socket.write(answer);
      else if (sql.startsWith('SET')) socket.write(OK(1));
      else if (sql === 'SELECT VERSION() AS version') socket.write(rows(['version'], ['10.11.6-MariaDB']));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { readonly port: number };
  const source = openMySql(
    mysqlConfig.parse({
      kind: 'mysql',
      host: '127.0.0.1',
      port,
      user: { username: 'wrench', password: PASSWORD },
      ...limits,
    }),
  );
  cleanup.push(
    () => void server.close(),
    () => sockets.forEach((socket) => socket.destroy()),
    source.close,
  );
  return { database: source.reads.databases!, received };
}

const endOf = ({ cells }: Database): Promise<string> =>
  cells({ signal }).then(
    () => 'cells',
    (error: unknown) => (error as Error).name,
  );

test.each(['mysql_clear_password', 'dialog', 'toString', '__proto__'])(
  'a server that asks for the login method %s does not get the password',
  async (method) => {
    const { database, received } = await open({
      onLogin: packet(2, 0xfe, `${method}\0`, '12345678901234567890\0'),
    });

    await expect(database.cells({ signal })).rejects.toMatchObject({
      name: 'SourceError',
      kind: 'refused',
    });
    expect(Buffer.concat(received).includes(PASSWORD)).toBe(false);
  },
);

test('a server that asks for a local file gets none', async () => {
  const { database, received } = await open({
    onQuery: (sql) => (sql.startsWith('SELECT TABLE_SCHEMA') ? packet(1, 0xfb, '/etc/passwd') : undefined),
  });

  await expect(database.cells({ signal })).rejects.toMatchObject({ name: 'SourceError' });
  expect(Buffer.concat(received).toString('latin1')).not.toContain('root:');
});

test.each(['__proto__', '__defineGetter__', 'constructor'])(
  'a column that is called %s changes no object',
  async (name) => {
    const { database } = await open({
      onQuery: (sql) =>
        sql.startsWith('SELECT TABLE_SCHEMA') ? rows([name, 'cell'], ['polluted', 'nova']) : undefined,
    });

    expect(await endOf(database)).toMatch(/^(?:cells|SourceError)$/);
    expect(Object.prototype).not.toHaveProperty('polluted');
    expect(({} as { readonly cell?: unknown }).cell).toBeUndefined();
  },
);

test.each<[string, () => Buffer]>([
  [
    'rows without end',
    () =>
      Buffer.concat(Array.from({ length: 256 }, (__, at) => packet((at + 4) % 256, text('nova'.repeat(60))))),
  ],
  [
    'rows with wrong numbers',
    () => Buffer.concat(Array.from({ length: 256 }, () => packet(7, text('nova')))),
  ],
  ['one packet without end', () => Buffer.alloc(1_000_000, 0xff)],
])('%s fill neither memory nor the log, and end the query', async (_, more) => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  cleanup.push(() => logged.mockRestore());
  let sent = 0;
  const { database } = await open({
    limits: { timeoutMs: 60_000, statementLimitSeconds: 60 },
    onQuery: (sql, socket) => {
      if (!sql.startsWith('SELECT TABLE_SCHEMA')) return undefined;
      const start = Buffer.concat([packet(1, 1), column(2, 'cell'), EOF(3)]);
      const chunk = Buffer.concat(Array.from({ length: 32 }, () => more()));
      const write = (): void => {
        while (!socket.destroyed && sent < 2_000_000_000) {
          sent += chunk.length;
          if (!socket.write(chunk)) {
            socket.once('drain', write);
            return;
          }
        }
      };
      setImmediate(write);
      return start;
    },
  });

  await expect(database.cells({ signal })).rejects.toMatchObject({
    message: expect.stringMatching(/returned more than 16 MB|closed the connection/) as string,
  });
  expect(sent).toBeLessThan(500_000_000);
  expect(logged.mock.calls.length).toBeLessThan(20_000);
});

test.each<[string, Buffer]>([
  [
    'a text that is longer than its packet',
    Buffer.concat([
      packet(1, 1),
      column(2, 'cell'),
      EOF(3),
      packet(4, Buffer.from([0xfd, 0xff, 0xff, 0xff])),
    ]),
  ],
  ['a broken definition of a column', Buffer.concat([packet(1, 1), packet(2, Buffer.from([0xff, 0xff]))])],
  ['an empty packet', packet(1)],
  ['more columns than there are', packet(1, Buffer.from([0xfe, 255, 255, 255, 255, 255, 255, 255, 127]))],
  ['a result after the result', Buffer.concat([rows(['cell'], ['nova']), rows(['cell'], ['other'])])],
])('%s ends the query, and not the process', async (_, answer) => {
  const { database } = await open({
    onQuery: (sql) => (sql.startsWith('SELECT TABLE_SCHEMA') ? answer : undefined),
  });

  expect(await endOf(database)).toMatch(/^(?:cells|SourceError)$/);
});

test('a server that ignores that the connection is closed does not keep the process', async () => {
  const closed = Promise.withResolvers<void>();
  const { database } = await open({
    onQuery: (sql, socket) => {
      if (!sql.startsWith('SELECT TABLE_SCHEMA')) return undefined;
      socket.once('error', () => closed.resolve());
      socket.once('close', () => closed.resolve());
      // Written to without end: only a reset stops it.
      const write = (): void => void (socket.destroyed || socket.write('x', () => setImmediate(write)));
      setTimeout(write, 1);
      return Buffer.from([255, 255, 255]);
    },
  });

  await expect(database.cells({ signal })).rejects.toMatchObject({ kind: 'unreachable' });
  await closed.promise;
});
