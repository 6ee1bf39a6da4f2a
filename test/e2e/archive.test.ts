import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { mysqlConfig } from '../../src/sources/mysql/config.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { type ChangedHost, DUMP_FOLDER, startChangedHost } from '../world/hosts/changed-host.ts';
import { createNova } from '../world/mariadb/nova.ts';
import { type MariaDb, startMariaDb } from '../world/mariadb/server.ts';
import { ADA, GRACE, setStage, type Stage } from './harness.ts';
import { ask, withSources } from './incident.ts';

/** A real MariaDB with the tables of Nova, and a controller behind a real sshd whose `nova-manage` is a script that moves rows in it. */

vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const LIVE = 500;
/** One an hour. */
const SOFT_DELETED = 30_000;
/** An instance has two rows of metadata. */
const ROWS_PER_INSTANCE = 3;
const BATCH_ROWS = 15_000;
const NOVA_USER = { username: 'nova', password: 'nova-password' };
const READER = { username: 'wrench', password: 'only-reads' };
const IDLE = '0.10';
const BUSY = '99.00';

let db: MariaDb;
let host: ChangedHost;
let stage: Stage | undefined;
let load: string;

beforeAll(async () => {
  db = await startMariaDb();
  await createNova(db.admin, 'nova', { live: LIVE, softDeleted: SOFT_DELETED });
  await db.addUser(NOVA_USER.username, NOVA_USER.password, ['ALL ON nova.*']);
  await db.addUser(READER.username, READER.password, ['SELECT ON nova.*', 'REPLICA MONITOR ON *.*']);
});
afterEach(() => stage?.close());
afterAll(() => db?.close());

/** Moves rows as Nova does, and prints what nova-manage 26.2 prints: https://docs.openstack.org/nova/latest/cli/nova-manage.html#db-archive-deleted-rows */
const novaManage = (): string => `
before=$4 instances=$(($6 / ${ROWS_PER_INSTANCE}))
moved=$(mariadb --no-defaults -h127.0.0.1 -P${db.port} -u${NOVA_USER.username} -p${NOVA_USER.password} -N nova <<EOF
START TRANSACTION;
CREATE TEMPORARY TABLE batch (PRIMARY KEY (id)) SELECT id, uuid FROM instances WHERE deleted <> 0 AND deleted_at < '$before' ORDER BY id LIMIT $instances;
INSERT INTO shadow_instance_system_metadata SELECT m.* FROM instance_system_metadata m JOIN batch ON m.instance_uuid = batch.uuid;
SELECT ROW_COUNT();
DELETE m FROM instance_system_metadata m JOIN batch ON m.instance_uuid = batch.uuid;
INSERT INTO shadow_instances SELECT i.* FROM instances i JOIN batch USING (id);
SELECT ROW_COUNT();
DELETE i FROM instances i JOIN batch USING (id);
COMMIT;
EOF
) || exit 255
set -- $moved
if [ "$2" = 0 ]; then
  echo 'Nothing was archived.'
  exit 0
fi
cat <<EOF
+--------------------------------+-------------------------+
| Table                          | Number of Rows Archived |
+--------------------------------+-------------------------+
| cell1.instance_system_metadata | $1                   |
| cell1.instances                | $2                    |
+--------------------------------+-------------------------+
EOF
exit 1`;

async function start(dump: string): Promise<Stage> {
  host = await startChangedHost({
    through: 'both',
    novaManage: novaManage(),
    allow: { archive: { host: 'cmp-1', dumpFolder: DUMP_FOLDER, batchRows: BATCH_ROWS } },
  });
  await host.shell(`echo dump >${DUMP_FOLDER}/nova.sql; touch -d '${dump}' ${DUMP_FOLDER}/nova.sql`);
  load = IDLE;
  const { after } = host;
  // The load of the machine that runs the tests decides nothing.
  host.after = (command, output) =>
    command.includes('/proc/loadavg')
      ? { ...output, stdout: output.stdout?.toString().replace(/\d+\.\d+ /, `${load} `) ?? '' }
      : after(command, output);
  const { port } = db;
  const database = mysqlConfig.parse({
    kind: 'mysql',
    name: 'nova-db',
    host: '127.0.0.1',
    port,
    user: READER,
  });
  stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: withSources([host.config, database], 'cloud/records:archive-deleted-rows'),
  });
  await Promise.all([stage.startWorker(), stage.startBot()]);
  return stage;
}

const batches = () => host.commands().filter((command) => command.includes('nova-manage db'));

async function count(table: string): Promise<number> {
  const [[row]] = (await db.admin.query(`SELECT COUNT(*) AS n FROM nova.${table}`)) as unknown as [
    [{ n: number }],
  ];
  return row.n;
}

const RECORDS = ['/cloud', 'records'] as const;

test('without a recent dump, nothing is planned', async () => {
  const report = await ask(await start('3 days ago'), RECORDS, '30,000');

  await report.press(ADA, 'request');

  const refused = await report.posted('REFUSED ·');
  expect(refused.text).toMatch(/[Tt]he newest dump, .* on cmp-1, is 3 days old; at most 24 hours is allowed/);
  expect(batches()).toEqual([]);
});

test('rows are archived in batches: paused by a person, then stopped by the load, then until nothing is left', async () => {
  await start('2 hours ago');
  const isSecond = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  host.before = async (command) => {
    if (!command.includes('nova-manage db') || batches().length !== 2) return;
    isSecond.resolve();
    await release.promise;
  };
  const first = await ask(stage!, RECORDS, '30,000');
  await first.press(ADA, 'request');
  const plan = await first.posted('PLAN ·');
  expect(plan.text).toMatch(/Archives 27,\d+ of 30,000 soft-deleted instances in nova/);
  await first.press(GRACE, 'approve');
  await isSecond.promise;
  await first.press(GRACE, 'pause');
  await first.posted('Pausing after the current step');
  release.resolve();
  const paused = await first.posted('PAUSED ·');
  expect(paused.text).toContain('batch 2: 15,000 rows (30,000 of about');
  expect(batches()).toHaveLength(2);
  expect(await count('instances WHERE deleted <> 0')).toBe(20_000);

  host.before = async (command) => {
    if (command.includes('nova-manage db') && batches().length === 3) load = BUSY;
  };
  const second = await ask(stage!, RECORDS, '20,000');
  await second.press(ADA, 'request');
  await second.press(GRACE, 'approve');
  const mitigated = await second.posted('MITIGATED ·');
  expect(mitigated.text).toContain('20,000 -&gt; 15,000 soft-deleted');
  expect(mitigated.text).toContain('stopped after 15,000 rows: the load of cmp-1 is');
  expect(batches()).toHaveLength(3);

  host.before = async () => undefined;
  load = IDLE;
  const third = await ask(stage!, RECORDS, '15,000');
  await third.press(ADA, 'request');
  await third.press(GRACE, 'approve');
  const fixed = await third.posted('FIXED ·');
  expect(fixed.text).toContain('batch 3: ');
  // Only what was deleted recently stays, and each row is in one table.
  const left = await count('instances WHERE deleted <> 0');
  expect(left).toBe(await count('instances WHERE deleted_at >= UTC_TIMESTAMP() - INTERVAL 92 DAY'));
  expect(left + (await count('shadow_instances'))).toBe(SOFT_DELETED);
  expect(await count('instances WHERE deleted = 0')).toBe(LIVE);
  expect(new Set(batches()).size).toBe(1);
});
