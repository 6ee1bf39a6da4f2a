import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, test, vi } from 'vitest';
import { MAX_WAIT_MS, MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { startWorkspace } from '../workspace/start-workspace.ts';
import { startRedis } from '../world/redis.ts';
import { ADA, INCIDENT, TOKENS } from './harness.ts';

/**
 * What a process does after an uncaught error. A module that Node preloads throws the error on a signal.
 */
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });
const WAIT = { timeout: MAX_WORLD_WAIT_MS, timeoutMs: MAX_WORLD_WAIT_MS };

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0).toReversed()) await close();
});

const FAILS_AT_SIGNALS = `data:text/javascript,${encodeURIComponent(`
  process.on('SIGUSR2', () => { throw new Error('an exception of the test'); });
  process.on('SIGWINCH', () => { void Promise.reject(new Error('a rejection of the test')); });
`)}`;

function wrench(verb: string, env: Record<string, string>) {
  const child = execa(process.execPath, ['--import', FAILS_AT_SIGNALS, 'src/main.ts', verb], {
    reject: false,
    extendEnv: false,
    env: { HEALTH_PORT: '0', ...env },
  });
  cleanUp.push(async () => {
    child.kill('SIGKILL');
    await child;
  });
  return child;
}

/**
 * A site that accepts connections and never responds to the first one; later ones are closed immediately.
 */
async function startSite() {
  let connected = 0;
  const server = createServer((socket) => {
    connected += 1;
    socket.on('error', () => undefined).resume();
    if (connected > 1) socket.destroy();
    else cleanUp.push(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => new Promise((resolve) => server.close(resolve)));
  return { port: (server.address() as AddressInfo).port, connected: () => connected };
}

async function setUp() {
  const redis = await startRedis();
  cleanUp.push(redis.close);
  const workspace = await startWorkspace({
    app: {
      delivery: 'socket',
      signingSecret: TOKENS.signing,
      botToken: TOKENS.bot,
      appToken: TOKENS.app,
      ackWithinMs: MAX_WAIT_MS,
    },
  });
  cleanUp.push(workspace.close);
  const site = await startSite();
  const folder = await mkdtemp(join(tmpdir(), 'wrench-crash-'));
  cleanUp.push(() => rm(folder, { recursive: true }));
  const config = join(folder, 'wrench.yaml');
  const tls = { kind: 'tls', sites: [`127.0.0.1:${site.port}`], timeoutMs: 300_000 };
  await writeFile(
    config,
    JSON.stringify({
      environments: { prod: { sources: [tls] } },
      // A worker that crashes without returning its job is noticed only after the test.
      limits: { checkSeconds: 300, takeOverSeconds: 600 },
    }),
  );
  const shared = { REDIS_URL: redis.url, WRENCH_CONFIG: config, WRENCH_DATA: folder };
  const slack = {
    SLACK_BOT_TOKEN: TOKENS.bot,
    SLACK_APP_TOKEN: TOKENS.app,
    SLACK_API_URL: workspace.apiUrl,
  };
  return { workspace, site, shared, slack };
}

test.each([
  ['SIGUSR2', 'an exception of the test'],
  ['SIGWINCH', 'a rejection of the test'],
] as const)(
  'after %s a worker returns its check and exits with 70, and another worker finishes it',
  async (signal, message) => {
    const { workspace, site, shared, slack } = await setUp();
    void wrench('bot', { ...shared, ...slack });
    const first = wrench('worker', shared);
    await workspace.waitFor(() => workspace.sockets.connections() > 0, WAIT);
    await workspace.command({ userId: ADA, channelId: INCIDENT, command: '/certs', text: 'expiring' });
    await expect.poll(site.connected, WAIT).toBe(1);

    first.kill(signal);
    const { exitCode, stdout } = await first;
    void wrench('worker', shared);

    expect(exitCode).toBe(70);
    expect(stdout).toContain(message);
    const root = await workspace.waitFor(
      () => workspace.messages(INCIDENT).find(({ text }) => text.includes('UNKNOWN')),
      WAIT,
    );
    expect(root.text).toContain('it closed the connection during the handshake');
    expect(workspace.messages(INCIDENT)).toHaveLength(1);
  },
);

test('a command of the CLI exits immediately', async () => {
  const { site, shared } = await setUp();
  const child = execa(
    process.execPath,
    ['--import', FAILS_AT_SIGNALS, 'src/main.ts', 'run', 'certs', 'expiring'],
    { reject: false, extendEnv: false, env: shared },
  );
  await expect.poll(site.connected, WAIT).toBe(1);

  child.kill('SIGUSR2');

  expect(await child).toMatchObject({
    exitCode: 70,
    stdout: '',
    stderr: expect.stringContaining('an exception of the test'),
  });
});
