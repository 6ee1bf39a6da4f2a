import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { configSchema } from '../../src/config/schema.ts';
import { fillVault } from '../demo/downloading-failed.ts';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { writeCertificateFiles } from '../world/certificate-files.ts';
import { startTlsServers } from '../world/tls-servers.ts';
import { startVault } from '../world/vault.ts';
import { ADA, INCIDENT, setStage, TOKENS } from './harness.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0).toReversed()) await close();
});

/** Every source with a secret in it, in an environment that runs the real checks. */
async function plantCanaries() {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-canary-'));
  cleanUp.push(() => rm(folder, { recursive: true, force: true }));
  const [servers, vault] = await Promise.all([startTlsServers(), startVault()]);
  cleanUp.push(servers.close, vault.close);
  const { token } = await fillVault(vault, new Date());
  await mkdir(join(folder, 'files'));
  const files = await writeCertificateFiles(join(folder, 'files'));
  const { environments } = configSchema.parse({
    environments: {
      prod: {
        sources: [
          { kind: 'vault', url: vault.address, paths: ['secret/cf', 'secret/elsewhere'], auth: { token } },
          { kind: 'tls', sites: Object.values(servers.sites), timeoutMs: 1_000 },
          { kind: 'files', paths: [files.pattern], passphrases: [files.passphrase] },
        ],
      },
    },
  });
  const secrets = [token, files.passphrase];
  const stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: { environments, secrets },
  });
  cleanUp.push(stage.close);
  await stage.startWorker();
  await stage.startBot();
  const canaries = [...files.canaries, ...vault.canaries(), ...Object.values(TOKENS), token];
  return { stage, vault, canaries: [...new Set(canaries)].filter((canary) => canary.length >= 8) };
}

const WAIT = { timeoutMs: MAX_WORLD_WAIT_MS };

async function everythingIn(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\n');
}

test('no private key, passphrase or token reaches a post, a file, the log or Redis', async () => {
  const { stage, vault, canaries } = await plantCanaries();
  const { workspace, redis, log } = stage;
  const ask = (text: string) =>
    workspace.command({ userId: ADA, channelId: INCIDENT, command: '/certs', text });
  const answers = () => workspace.messages(INCIDENT).filter(({ text }) => !text.startsWith('Checking '));

  await ask('expiring');
  await workspace.waitFor(() => answers().length === 1, WAIT);
  await ask('show bbs');
  await ask(`show ${TOKENS.bot}`);
  vault.dieAfter(5);
  await ask('expiring --within 60d');
  await workspace.waitFor(() => answers().length === 4, WAIT);

  const threads = answers().flatMap(({ ts }) => [...workspace.thread(INCIDENT, ts)]);
  const files = threads.flatMap((message) => message.files.map(({ bytes }) => bytes.toString()));
  const exits = {
    posts: JSON.stringify([...threads, ...workspace.ephemerals(ADA, INCIDENT)]),
    requests: JSON.stringify(workspace.requests.map(({ args }) => args)),
    files: files.join('\n'),
    log: log.join(''),
    redis: await everythingIn(redis.folder),
  };
  expect(canaries.length).toBeGreaterThan(20);
  expect(exits.posts).toContain('have expired');
  expect(exits.redis).toContain('have expired');
  for (const [exit, text] of Object.entries(exits)) {
    const escaped = [...canaries, ...canaries.map((canary) => JSON.stringify(canary).slice(1, -1))];
    expect(
      escaped.filter((canary) => text.includes(canary)),
      exit,
    ).toEqual([]);
  }
});

test('a crash prints no secrets of the process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-crash-'));
  cleanUp.push(() => rm(folder, { recursive: true, force: true }));
  const words = `it went wrong with ${TOKENS.bot}, hvs.CAESIJcanarycanary and postgres://me:pw123456@db/x`;
  await writeFile(join(folder, 'words.txt'), words);
  const crash = `import { readFileSync } from 'node:fs';
    const { write } = process.stdout;
    process.stdout.write = (...words) => {
      setImmediate(() => { throw new Error(readFileSync(new URL('words.txt', import.meta.url), 'utf8')); });
      return write.apply(process.stdout, words);
    };`;
  await writeFile(join(folder, 'crash.mjs'), crash);

  const { all, exitCode } = await execa({
    all: true,
    reject: false,
    extendEnv: false,
    env: { SLACK_BOT_TOKEN: TOKENS.bot, PATH: '' },
  })`${process.execPath} --import ${join(folder, 'crash.mjs')} src/main.ts help`;

  expect(all).toContain('it went wrong with');
  expect(all).not.toMatch(/xoxb-\d|CAESIJcanary|pw123456/);
  expect(exitCode).toBe(70);
});
