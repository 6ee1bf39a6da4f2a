import { expect, onTestFinished, test } from 'vitest';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import { startRecorder } from '../../src/app/recording/recorder.ts';
import type { Recording } from '../../src/app/recording/recording.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { Database } from '../../src/ports/databases.ts';
import { createNova } from '../world/mariadb/nova.ts';
import { startMariaDb } from '../world/mariadb/server.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { replayDatabase } from './replay.ts';

const { signal } = new AbortController();

async function askAll(database: Database): Promise<unknown> {
  const query = { cell: 'nova', signal };
  const missing = await database
    .instanceCounts({ cell: 'nova_cell9', signal })
    .catch((error: Error) => error.message);
  return {
    state: await database.state({ signal }),
    cells: await database.cells({ signal }),
    tables: await database.tables(query),
    instances: await database.instanceCounts(query),
    metadata: await database.metadataCounts(query),
    missing,
  };
}

test(
  'records what a database returned without the password, and replays it without the server',
  async () => {
    const db = await startMariaDb();
    onTestFinished(() => db.close());
    await createNova(db.admin, 'nova', { live: 3, softDeleted: 9 });
    await db.addUser('wrench', 'canary-password', ['SELECT ON nova.*']);
    const user = { username: 'wrench', password: 'canary-password' };
    const { environments: configured } = configSchema.parse({
      environments: { prod: { sources: [{ kind: 'mysql', host: '127.0.0.1', port: db.port, user }] } },
    });
    const recorder = startRecorder(new Date(), ['canary-password']);
    const environments = await openEnvironments(configured, recorder);
    const [database] = environments.get('prod')!.readers.databases!;
    const seen = await askAll(database!);
    await closeEnvironments(environments);

    const { sources } = configured['prod']!;
    const text = recorder.write({ check: 'cloud/records', environment: 'prod', args: {}, sources });

    expect(text).not.toContain('canary-password');
    const { answers } = JSON.parse(text) as Recording;
    expect(await askAll(replayDatabase('mysql', answers))).toEqual(seen);
  },
  WORLD_TEST_TIMEOUT_MS,
);
