import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Source } from '../../ports/source.ts';
import { type MariaDb, startMariaDb } from '../../../test/world/mariadb/server.ts';
import { issue, makeAuthority } from '../../../test/world/ca.ts';
import { createNova } from '../../../test/world/mariadb/nova.ts';
import { mysqlConfig } from './config.ts';
import { openMySql } from './open.ts';

const { signal } = new AbortController();
const user = { username: 'wrench', password: 'only-reads' };
let db: MariaDb;

beforeAll(async () => {
  db = await startMariaDb();
  await createNova(db.admin, 'nova', {
    live: 20,
    softDeleted: 1_000,
    hoursBetween: 24,
    markedMetadata: 30,
    archived: 5,
  });
  await createNova(db.admin, 'nova_cell0');
  await db.admin.query('CREATE DATABASE nova_api; CREATE TABLE nova_api.instance_mappings (id INT)');
  await db.addUser(user.username, user.password, [
    'SELECT ON nova.*',
    'SELECT ON nova_cell0.*',
    'SELECT ON nova_api.*',
    'REPLICA MONITOR ON *.*',
  ]);
});
afterAll(() => db.close());

function open(options: object = {}): Source {
  const source = openMySql(
    mysqlConfig.parse({
      kind: 'mysql',
      name: 'nova-db',
      host: '127.0.0.1',
      port: db.port,
      user,
      timeoutMs: 50_000,
      ...options,
    }),
  );
  onTestFinished(() => source.close());
  return source;
}

const databaseOf = (source: Source) => source.reads.databases!;

test('finds the databases of cells, and not the API database', async () => {
  expect(await databaseOf(open()).cells({ signal })).toEqual(['nova', 'nova_cell0']);
});

test('counts instances, whose mark is the number of their row', async () => {
  const database = databaseOf(open());

  expect(await database.instanceCounts({ cell: 'nova', signal })).toMatchObject({
    softDeleted: 1_000,
    live: 20,
    olderThanYear: expect.closeTo(1_000 - 365, -1) as number,
    oldestDeletedAt: expect.any(Date) as Date,
  });
  const deletedBefore = new Date(Date.now() - 100 * 86_400_000).toISOString().slice(0, 10);
  expect(await database.instanceCounts({ cell: 'nova', signal, deletedBefore })).toMatchObject({
    softDeleted: 1_000,
    deletedBefore: expect.closeTo(1_000 - 100, -1) as number,
  });
  expect(await database.metadataCounts({ cell: 'nova', signal })).toEqual({ rows: 2_040, markedDeleted: 60 });
});

test('an empty table has counts of 0', async () => {
  const database = databaseOf(open());

  expect(await database.instanceCounts({ cell: 'nova_cell0', signal })).toEqual({
    softDeleted: 0,
    live: 0,
    olderThanYear: 0,
  });
  expect(await database.metadataCounts({ cell: 'nova_cell0', signal })).toEqual({
    rows: 0,
    markedDeleted: 0,
  });
});

test('lists tables with the estimates of the server', async () => {
  const tables = await databaseOf(open()).tables({ cell: 'nova', signal });

  expect(tables.map(({ table }) => table).toSorted()).toEqual([
    'instance_system_metadata',
    'instances',
    'shadow_instance_system_metadata',
    'shadow_instances',
  ]);
  expect(tables.find(({ table }) => table === 'shadow_instances')).toMatchObject({ rows: 5 });
  expect(tables.every(({ bytes }) => bytes > 0)).toBe(true);
});

test('reports the state of the server, in UTC', async () => {
  const state = await databaseOf(open()).state({ signal });

  expect(state).toMatchObject({ version: expect.stringContaining('MariaDB') as string, isReadOnly: false });
  expect(state.runningThreads).toBeGreaterThan(0);
  expect(state).not.toHaveProperty('replicationLagSeconds');
  const [[row]] = (await db.admin.query('SELECT UNIX_TIMESTAMP() AS seconds')) as unknown as [
    [{ seconds: number }],
  ];
  expect(Math.abs(state.time.getTime() / 1000 - row.seconds)).toBeLessThan(60);
});

test('its session can read only, and asks nothing else', async () => {
  await db.admin.query(
    'SET GLOBAL general_log = ON, GLOBAL log_output = "TABLE"; TRUNCATE mysql.general_log',
  );
  onTestFinished(async () => void (await db.admin.query('SET GLOBAL general_log = OFF')));
  const source = open();
  const database = databaseOf(source);
  await database.state({ signal });
  for (const cell of await database.cells({ signal })) {
    await database.tables({ cell, signal });
    await database.instanceCounts({ cell, signal });
    await database.metadataCounts({ cell, signal });
  }
  const [rows] = (await db.admin.query(
    "SELECT CONVERT(argument USING utf8) AS sent FROM mysql.general_log WHERE command_type = 'Query' AND user_host LIKE 'wrench%'",
  )) as unknown as [readonly { readonly sent: string }[]];

  const sent = rows.map((row) => row.sent);
  expect(sent).toContain('SET SESSION TRANSACTION READ ONLY');
  expect(sent).toContain('SET SESSION max_statement_time = 30');
  expect(sent.length).toBeGreaterThan(8);
  expect(sent.filter((one) => !/^(SELECT|SHOW|SET SESSION) /.test(one))).toEqual([]);
});

test('a query that takes longer than the limit is stopped by the server', async () => {
  const database = databaseOf(open({ statementLimitSeconds: 1 }));
  await database.state({ signal });
  await db.admin.query('LOCK TABLES nova.instances WRITE');
  onTestFinished(async () => void (await db.admin.query('UNLOCK TABLES')));

  await expect(database.instanceCounts({ cell: 'nova', signal })).rejects.toMatchObject({
    kind: 'unreachable',
    code: 'TIMEOUT',
    message: `127.0.0.1:${db.port} stopped the query: it took longer than 1 s`,
  });
  // The connection can still be used.
  expect(await database.metadataCounts({ cell: 'nova', signal })).toMatchObject({ rows: 2_040 });
});

test('an aborted query ends at once, also one that waits for another', async () => {
  const database = databaseOf(open());
  await database.state({ signal });
  await db.admin.query('LOCK TABLES nova.instances WRITE');
  onTestFinished(async () => void (await db.admin.query('UNLOCK TABLES')));
  const controller = new AbortController();
  const both = [
    database.instanceCounts({ cell: 'nova', signal: controller.signal }),
    database.metadataCounts({ cell: 'nova', signal: controller.signal }),
  ].map((one) => expect(one).rejects.toThrow('deadline'));
  controller.abort(new Error('deadline'));

  await Promise.all(both);
});

test.each([
  [
    'a wrong password',
    { user: { ...user, password: 'wrong' } },
    'refused',
    'rejects the user or the password',
  ],
  [
    'TLS that the server does not offer',
    { ca: 'package.json', serverName: 'db-1' },
    'refused',
    'does not support TLS',
  ],
  [
    'a CA that is not there',
    { ca: '/nowhere/ca.pem', serverName: 'db-1' },
    'missing',
    "couldn't read the file /nowhere/ca.pem",
  ],
  ['a database that is not there', { cells: ['nova', 'nova_cell7'] }, 'missing', 'Nova in nova_cell7'],
])('%s is a clear error', async (_, options, kind, message) => {
  const source = open(options);
  await expect(databaseOf(source).cells({ signal })).rejects.toMatchObject({
    kind,
    message: expect.stringContaining(message) as string,
  });
});

test('a user who sees no database of Nova is told what to grant', async () => {
  await db.addUser('blind', 'sees-nothing', []);
  const source = open({ user: { username: 'blind', password: 'sees-nothing' } });

  await expect(databaseOf(source).cells({ signal })).rejects.toMatchObject({ kind: 'missing' });
  await expect(databaseOf(source).instanceCounts({ cell: 'nova', signal })).rejects.toMatchObject({
    kind: 'refused',
  });
  // What a replica is behind can't be seen, and isn't 0.
  expect(await databaseOf(source).state({ signal })).not.toHaveProperty('replicationLagSeconds');
  expect(await source.healthCheck(signal)).toMatchObject({
    ok: false,
    hint: 'Grant SELECT on the databases of Nova: docs/sources.md#mysql',
  });
});

test('the doctor says to correct the name of a file that is missing', async () => {
  expect(await open({ ca: '/nowhere/ca.pem', serverName: 'db-1' }).healthCheck(signal)).toEqual({
    ok: false,
    summary: expect.stringContaining('/nowhere/ca.pem') as string,
    hint: 'Correct the file name or its permissions',
  });
});

test('the doctor names the server, and what the user may do beyond reading', async () => {
  await db.addUser('strong', 'may-delete', ['SELECT, DELETE ON nova.*']);
  const good = open();
  const strong = open({ user: { username: 'strong', password: 'may-delete' } });

  expect(await good.healthCheck(signal)).toMatchObject({
    ok: true,
    summary: expect.stringMatching(/MariaDB.*cells nova, nova_cell0$/) as string,
  });
  expect(await good.permissions!(signal)).toEqual([
    { method: 'state', permission: 'see replication', allowed: true },
  ]);
  expect(await strong.permissions!(signal)).toEqual([
    expect.objectContaining({ permission: 'see replication', allowed: false }) as unknown,
    {
      permission: 'use DELETE on nova.*',
      allowed: true,
      hint: 'Use a user with SELECT only: docs/sources.md#mysql',
    },
  ]);
});

test.each([
  ['is silent', (): void => undefined, /didn't respond within 1 s/],
  ['speaks ssh', (socket: Socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n'), /./],
  ['speaks HTTP', (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), /./],
  ['closes the connection', (socket: Socket) => void socket.destroy(), /closed the connection/],
])('a server that %s is a SourceError', async (_, answer, message) => {
  const { port } = await serve(answer);
  const database = databaseOf(open({ port, timeoutMs: 1_000 }));

  await expect(database.state({ signal })).rejects.toMatchObject({
    name: 'SourceError',
    kind: expect.stringMatching(/unreachable|malformed/) as string,
    message: expect.stringMatching(message) as string,
  });
});

test('connects over TLS, and to no server whose certificate is for another name or from another CA', async () => {
  const authority = await makeAuthority({ name: 'Databases CA' });
  const folder = await mkdtemp(join(tmpdir(), 'wrench-mysql-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, authority.certificatePem);
  const serveTls = async (names: readonly string[]): Promise<number> => {
    const leaf = await issue(authority, { name: 'db-1', names });
    const server = await startMariaDb({ tls: { cert: leaf.certificatePem, key: leaf.keyPem } });
    onTestFinished(() => server.close());
    await createNova(server.admin, 'nova');
    await server.addUser(user.username, user.password, ['SELECT ON nova.*']);
    await server.admin.query('ALTER USER ? REQUIRE SSL', [user.username]);
    return server.port;
  };
  const [right, wrong] = [
    await serveTls(['db-1.example.internal']),
    await serveTls(['db-2.example.internal']),
  ];
  const serverName = 'db-1.example.internal';
  const cellsOf = (options: object) => databaseOf(open({ serverName, ...options })).cells({ signal });

  expect(await cellsOf({ port: right, ca })).toEqual(['nova']);
  await expect(cellsOf({ port: wrong, ca })).rejects.toMatchObject({
    message: expect.stringContaining('not valid for this name') as string,
  });
  await expect(cellsOf({ port: right, tls: true, host: 'localhost' })).rejects.toMatchObject({
    kind: 'refused',
  });
  const other = join(folder, 'other.pem');
  await writeFile(other, (await makeAuthority({ name: 'Another CA' })).certificatePem);
  await expect(cellsOf({ port: right, ca: other })).rejects.toMatchObject({
    message: expect.stringContaining('not trusted') as string,
  });
});

test('a server that is down is unreachable, and is asked again once it is back', async () => {
  const other = await startMariaDb();
  onTestFinished(() => other.close());
  await createNova(other.admin, 'nova', { live: 1 });
  await other.addUser(user.username, user.password, ['SELECT ON nova.*']);
  const database = databaseOf(open({ port: other.port }));
  expect(await database.cells({ signal })).toEqual(['nova']);
  await other.kill();

  await expect(database.cells({ signal })).rejects.toMatchObject({ kind: 'unreachable' });

  await other.start();
  expect(await database.cells({ signal })).toEqual(['nova']);
});

test('a replica that is late says by how much, and one that has stopped says so', async () => {
  const primary = await startMariaDb({ settings: ['--log-bin', '--server-id=1'] });
  onTestFinished(() => primary.close());
  const replica = await startMariaDb({ settings: ['--server-id=2', '--read-only'] });
  onTestFinished(() => replica.close());
  await primary.addUser('repl', 'replicates', ['REPLICATION SLAVE ON *.*']);
  await createNova(primary.admin, 'nova', { live: 1 });
  await replica.admin.query(
    `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${primary.port}, MASTER_USER='repl', MASTER_PASSWORD='replicates', MASTER_DELAY=0; START SLAVE`,
  );
  await expect.poll(() => replica.admin.query('SELECT 1 FROM nova.instances')).toBeTruthy();
  await replica.admin.query('SET GLOBAL read_only = 0');
  await replica.addUser(user.username, user.password, ['SELECT ON nova.*', 'REPLICA MONITOR ON *.*']);
  await replica.admin.query('SET GLOBAL read_only = 1');
  const database = databaseOf(open({ port: replica.port }));

  expect(await database.state({ signal })).toMatchObject({
    isReadOnly: true,
    replicationLagSeconds: expect.any(Number) as number,
  });

  await replica.admin.query('STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=3600; START SLAVE');
  await primary.admin.query('INSERT INTO nova.instances (uuid) VALUES (UUID())');
  await expect.poll(async () => (await database.state({ signal })).replicationLagSeconds).toBeGreaterThan(0);

  await replica.admin.query('STOP SLAVE SQL_THREAD');
  expect(await database.state({ signal })).toMatchObject({ isReplicationStopped: true });
});

async function serve(answer: (socket: Socket) => void): Promise<AddressInfo> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    answer(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return server.address() as AddressInfo;
}
