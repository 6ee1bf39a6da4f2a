import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import { startRecorder } from '../../src/app/recording/recorder.ts';
import type { Recording } from '../../src/app/recording/recording.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { LogLine, Logs } from '../../src/ports/logs.ts';
import { makeLogFolder } from '../world/log-folder.ts';
import { replayLogs } from './replay.ts';

const since = new Date('2026-11-26T10:00:00Z');
const until = new Date('2026-11-26T12:00:00Z');
const { signal } = new AbortController();

/** What the logs return, and the error after it. */
async function readAll(logs: Logs): Promise<unknown> {
  const lines: LogLine[] = [];
  let failure: unknown;
  try {
    for await (const batch of logs.lines({ content: 'switch', since, until, signal })) lines.push(...batch);
  } catch (error) {
    const { kind, message } = error as Error & { readonly kind: string };
    failure = { kind, message };
  }
  return { lines, failure, ports: await logs.switchPorts({ signal }) };
}

test('records the lines that were read without secrets, and replays them without the files', async () => {
  const folder = await makeLogFolder();
  onTestFinished(() => folder.remove());
  await folder.put({
    'a.log':
      'Nov 26 10:31:07 leaf-a %STP-2-BLOCK_BPDUGUARD: Received BPDU on port Ethernet1/41\n' +
      'Nov 26 10:40:00 leaf-a %AUTH-5-X: login with password=hunter2-secret\n',
    ports: 'leaf-a Ethernet1/41 cmp-41\n',
  });
  const { environments: configured } = configSchema.parse({
    environments: {
      prod: {
        sources: [
          {
            kind: 'syslog',
            name: 'switches',
            contains: ['switch'],
            paths: [join(folder.dir, '*.log'), join(folder.dir, 'gone.log')],
            switchPorts: join(folder.dir, 'ports'),
          },
        ],
      },
    },
  });
  const recorder = startRecorder(new Date(), []);
  const environments = await openEnvironments(configured, recorder);
  const [logs] = environments.get('prod')!.readers.logs!;
  const seen = await readAll(logs!);
  await closeEnvironments(environments);

  const text = recorder.write({ check: 'net/bonds', environment: 'prod', args: {}, sources: [] });

  expect(text).not.toContain('hunter2-secret');
  const { answers } = JSON.parse(text) as Recording;
  const replayed = JSON.stringify(await readAll(replayLogs(logs!, answers)));
  expect(replayed).toBe(JSON.stringify(seen).replace('hunter2-secret', '[redacted]'));
});
