import { expect, test } from 'vitest';
import { type ChangedHost, DUMP_FOLDER, startChangedHost } from '../../../test/world/hosts/changed-host.ts';
import type { ArchivedBatch } from '../../ports/hosts.ts';

const { signal } = new AbortController();
const BATCH = { host: 'cmp-1', before: '2026-08-28', maxRows: 1000 };

/** As nova-manage 26.2 prints it: https://docs.openstack.org/nova/latest/cli/nova-manage.html#db-archive-deleted-rows */
const TABLE = `+------------------------------+-------------------------+
| Table                        | Number of Rows Archived |
+------------------------------+-------------------------+
| API_DB.instance_mappings     | 31                      |
| cell1.instance_system_metadata | 412                   |
| cell1.instances              | 31                      |
+------------------------------+-------------------------+`;
const ARCHIVED = `cat <<'EOF'\n${TABLE}\nEOF\nexit 1`;

/** A process that looks like one that a person has started. */
const RUNNING =
  "printf 'touch /var/lib/running; while :; do sleep 1000 >/dev/null; done' >/var/lib/nova-manage; " +
  '{ sh /var/lib/nova-manage db archive_deleted_rows --max_rows 5 >/dev/null 2>&1 & }; ' +
  'while [ ! -e /var/lib/running ]; do sleep 0.02; done';

async function archive(novaManage: string, batch: Partial<typeof BATCH> = {}): Promise<ArchivedBatch> {
  const { source } = await startChangedHost({ novaManage });
  return source.writes!.hosts!.archiveRows(
    { ...BATCH, ...batch },
    { idempotencyKey: 'm0123456789abcdef', signal },
  );
}

test('exit code 1 with a table means that rows were archived', async () => {
  expect(await archive(ARCHIVED)).toEqual({
    rows: 474,
    tables: [
      { table: 'API_DB.instance_mappings', rows: 31 },
      { table: 'cell1.instance_system_metadata', rows: 412 },
      { table: 'cell1.instances', rows: 31 },
    ],
    isDone: false,
  });
});

test('exit code 0 means that nothing is left', async () => {
  expect(await archive("echo 'Nothing was archived.'")).toEqual({ rows: 0, tables: [], isDone: true });
});

test('it is one batch of rows that were deleted before the day, and neither a purge nor all of them', async () => {
  const asked = `[ "$*" = 'db archive_deleted_rows --before 2026-08-28 --max_rows 1000 --all-cells --verbose' ] || exit 9`;
  expect(await archive(`${asked}\n${ARCHIVED}`)).toMatchObject({ rows: 474 });
});

test.each([
  // Python ends with 1 after an exception that no one has caught.
  [
    "echo 'Traceback (most recent call last):' >&2; echo 'DBError: no route' >&2; exit 1",
    'exit code 1 (DBError: no route)',
  ],
  ['exit 1', 'exit code 1'],
  ['exit 2', 'it rejected `--max_rows`'],
  ["echo 'Could not locate api_db' ; exit 3", 'it has no connection to the API database'],
  ['exit 4', 'it rejected `--before`'],
  ["echo 'An error has occurred:'; exit 255", 'exit code 255 (An error has occurred:)'],
  [
    "echo 'OperationalError: mysql+pymysql://nova:CANARY@db/nova failed' >&2; exit 255",
    'OperationalError: mysql+pymysql://… failed)',
  ],
  [ARCHIVED.replace('exit 1', 'exit 255'), 'exit code 255'],
  [ARCHIVED.replace('exit 1', 'exit 0'), 'exit code 0'],
])('a failure is never taken for success: %j', async (novaManage, message) => {
  await expect(archive(novaManage)).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining(message) as string,
  });
});

test('the address of the database never leaves the host, also if the line is cut off in it', async () => {
  const long = `printf '%015000d mysql+pymysql://nova:CANARY%01500d@db/nova' 0 0 >&2; exit 255`;
  const error: unknown = await archive(long).catch((reason: unknown) => reason);
  expect(String(error)).toContain('exit code 255');
  expect(String(error)).not.toContain('CANARY');
});

test.each(['wrench-change', 'shell'] as const)(
  'no batch is started while one is running, which a lost worker may have left, through %s',
  async (through) => {
    const host = await startChangedHost({ through, novaManage: 'touch /var/lib/ran; exit 0' });
    await host.shell(RUNNING);

    await expect(
      host.source.writes!.hosts!.archiveRows(BATCH, { idempotencyKey: 'm0123456789abcdef', signal }),
    ).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/is running already \(process \d+\)/) as string,
    });
    expect(await host.shell('ls /var/lib')).not.toContain('ran');
  },
);

test('the host itself starts no batch while one is running', async () => {
  const host = await startChangedHost({ novaManage: 'touch /var/lib/ran; exit 0' });
  host.before = async (command) => {
    if (command.startsWith('sudo')) await host.shell(RUNNING);
  };

  await expect(
    host.source.writes!.hosts!.archiveRows(BATCH, { idempotencyKey: 'm0123456789abcdef', signal }),
  ).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('is running already') as string,
  });
  expect(await host.shell('ls /var/lib')).not.toContain('ran');
});

test.each([
  { host: 'cmp-2' },
  { before: '2026-13-01' },
  { before: '2026-08-28; id' },
  { maxRows: 0 },
  { maxRows: 1e9 },
  { maxRows: Number.NaN },
])('an argument that is not allowed is refused: %j', async (batch) => {
  await expect(archive('touch /var/lib/ran', batch)).rejects.toMatchObject({ kind: 'refused' });
});

async function newestOf(prepare: string): Promise<Awaited<ReturnType<typeof newest>>> {
  const host = await startChangedHost();
  await host.shell(`cd ${DUMP_FOLDER}; ${prepare}`);
  return newest(host);
}

function newest({ source }: ChangedHost) {
  return source.reads.hosts!.newestDump({ signal });
}

test('the newest dump is the last complete file with content', async () => {
  const hour = (hours: number, file: string): string => `touch -d '${hours} hours ago' ${file}`;
  const prepare = [
    'echo a >old.sql; echo b >new.sql.gz; : >empty.sql; echo c >next.sql.partial; echo d >growing.sql; mkdir day; echo e >day/all.sql',
    hour(30, 'old.sql'),
    hour(5, 'new.sql.gz'),
    hour(1, 'empty.sql'),
    hour(1, 'next.sql.partial'),
    hour(8, 'day/all.sql'),
  ].join('; ');

  expect(await newestOf(prepare)).toMatchObject({ path: `${DUMP_FOLDER}/new.sql.gz`, bytes: 2 });
});

test('without a dump there is none, and a folder that does not exist is an error', async () => {
  expect(await newestOf(': >empty.sql')).toBeUndefined();
  await expect(newestOf(`rmdir ${DUMP_FOLDER}`)).rejects.toMatchObject({ kind: 'missing' });
});

test('the doctor is told what the credentials can change', async () => {
  const { source } = await startChangedHost();
  const permissions = (await source.permissions!(signal)).filter(
    ({ credential }) => credential !== undefined,
  );

  expect(permissions.map(({ method, permission, allowed }) => [method, permission, allowed])).toEqual([
    ['rescueOpenFile', 'copy deleted base images on cmp-1', true],
    ['truncateConsole', 'truncate console logs on cmp-1', true],
    ['archiveRows', 'archive rows of deleted instances on cmp-1', true],
  ]);
});
