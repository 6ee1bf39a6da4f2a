import { createConnection } from 'mysql2/promise';
import { mysqlConfig } from '../../src/sources/mysql/config.ts';
import { openMySql } from '../../src/sources/mysql/open.ts';
import { QUERIES, sessionSetup } from '../../src/sources/mysql/queries.ts';
import { createNova } from '../world/mariadb/nova.ts';
import { startMariaDb } from '../world/mariadb/server.ts';
import type { Figure } from './figure.ts';

const SOFT_DELETED = 300_000;
const LIVE = 2_000;
/** With 300,000 instances, a million rows. */
const METADATA_PER_INSTANCE = 3;
const RUNS = 5;
const LIMIT_SECONDS = 30;

/** Counts soft-deleted instances and their metadata within the statement limit, against the same queries sent with mysql2 alone. */
export async function benchRecords(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const db = await startMariaDb();
  cleanup.defer(db.close);
  await createNova(db.admin, 'nova', {
    softDeleted: SOFT_DELETED,
    live: LIVE,
    metadataPerInstance: METADATA_PER_INSTANCE,
  });
  const user = { username: 'wrench', password: 'bench' };
  await db.addUser(user.username, user.password, ['SELECT ON nova.*']);
  const bareOnce = async (): Promise<void> => {
    const connection = await createConnection({
      host: '127.0.0.1',
      port: db.port,
      user: 'wrench',
      password: 'bench',
    });
    for (const statement of sessionSetup('MariaDB', LIMIT_SECONDS)) await connection.query(statement);
    await connection.query(QUERIES.instances, ['nova']);
    await connection.query(QUERIES.metadata, ['nova']);
    await connection.end();
  };
  const ourOnce = async (): Promise<void> => {
    const source = openMySql(
      mysqlConfig.parse({
        kind: 'mysql',
        host: '127.0.0.1',
        port: db.port,
        user,
        statementLimitSeconds: LIMIT_SECONDS,
      }),
    );
    const { signal } = new AbortController();
    const query = { cell: 'nova', signal };
    const { softDeleted } = await source.reads.databases!.instanceCounts(query);
    if (softDeleted !== SOFT_DELETED) throw new Error(`counted ${softDeleted} of ${SOFT_DELETED} rows`);
    await source.reads.databases!.metadataCounts(query);
    await source.close();
  };
  // The first reads the pages from the disk.
  await bareOnce();
  await ourOnce();
  const bare: number[] = [];
  const ours: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    bare.push(await rate(bareOnce));
    ours.push(await rate(ourOnce));
  }
  const [best, bestOfOurs] = [Math.max(...bare), Math.max(...ours)];
  return [
    {
      name: `${SOFT_DELETED.toLocaleString('en')} soft-deleted instances with their metadata counted, against the same queries with mysql2 alone`,
      ours: bestOfOurs,
      bare: best,
      ratio: bestOfOurs / best,
      unit: 'counts/s',
      goal: 'ratio >= 0.8',
    },
  ];
}

async function rate(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return 1000 / (performance.now() - startedAt);
}
