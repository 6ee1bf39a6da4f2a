import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openEnvironments, closeEnvironments } from '../../src/app/environments.ts';
import { startRecorder } from '../../src/app/recording/recorder.ts';
import type { Recording } from '../../src/app/recording/recording.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { Hosts } from '../../src/ports/hosts.ts';
import type { LogLine } from '../../src/ports/logs.ts';
import { type Sshd, startSshd } from '../world/sshd.ts';
import { replayHosts } from './replay.ts';

const { signal } = new AbortController();

let sshd: Sshd;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd?.close());

async function saveInventory(lines: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-inventory-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'inventory'), lines.join('\n'));
  return join(folder, 'inventory');
}

/** What questions return, or the fields of their error. */
async function askAll(hosts: Hosts): Promise<unknown> {
  const settle = async (answer: Promise<unknown>): Promise<unknown> =>
    answer.catch(({ kind, message, hostKey, code }: Error & Record<string, unknown>) => ({
      kind,
      message,
      hostKey,
      code,
    }));
  const lines = async (): Promise<readonly LogLine[]> => {
    const all: LogLine[] = [];
    for await (const batch of hosts.logLines({ host: 'cmp-1', log: 'kernel', withinMs: 60_000, signal }))
      all.push(...batch);
    return all;
  };
  return {
    hosts: hosts.hosts,
    answers: await Promise.all(
      hosts.hosts.flatMap(({ name: host }) => [
        settle(hosts.clock({ host, signal })),
        settle(hosts.links({ host, signal })),
        settle(hosts.mounts({ host, signal })),
        settle(hosts.packageVersion({ host, program: 'nova-compute', signal })),
      ]),
    ),
    lines: await settle(lines()),
  };
}

test('records what hosts reply and not what they print, and replays it without them', async () => {
  const inventory = await saveInventory(['cmp-1 127.0.0.1', 'cmp-2 127.0.0.1']);
  const { environments: configured } = configSchema.parse({
    environments: {
      prod: {
        sources: [
          {
            kind: 'ssh',
            name: 'compute',
            inventory,
            // Only one host has this key: the other one is rejected.
            hostKeys: { 'cmp-1': [sshd.hostKey] },
            knownHosts: '/nonexistent/known_hosts',
            port: sshd.port,
            user: sshd.user,
            key: sshd.keyPath,
          },
        ],
      },
    },
  });
  const recorder = startRecorder(new Date(), []);
  const environments = await openEnvironments(configured, recorder);
  const [hosts] = environments.get('prod')!.readers.hosts!;
  const seen = await askAll(hosts!);
  await closeEnvironments(environments);

  const text = recorder.write({ check: 'net/mtu', environment: 'prod', args: {}, sources: [] });

  const { answers } = JSON.parse(text) as Recording;
  expect(await askAll(replayHosts('compute', answers))).toEqual(seen);
  expect(text).not.toContain('LC_ALL');
  expect(answers.filter(({ error }) => error?.hostKey !== undefined).length).toBeGreaterThan(0);
});
