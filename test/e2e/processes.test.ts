import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { reportSchema } from '../../src/check/finding.ts';
import { announceDemo } from '../demo/announce.ts';
import { startDemoWorld } from '../demo/world.ts';
import { MAX_WAIT_MS, MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { startWorkspace, type Workspace } from '../workspace/start-workspace.ts';
import { startRedis } from '../world/redis.ts';
import { ADA, INCIDENT, TOKENS } from './harness.ts';
import { freePort } from '../world/free-port.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0).toReversed()) await close();
});

const wrench = (words: readonly string[], env: Record<string, string>) => {
  const child = execa(process.execPath, ['src/main.ts', ...words], {
    reject: false,
    extendEnv: false,
    env: { HEALTH_PORT: '0', ...env },
  });
  cleanUp.push(async () => {
    child.kill('SIGKILL');
    await child;
  });
  return child;
};

async function writeConfig(config: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-e2e-'));
  cleanUp.push(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'wrench.yaml');
  await writeFile(path, stringify(config));
  return path;
}

/**
 * A site that accepts connections and never responds, so checking it lasts until the timeout. From
 * `hangsUpFrom` on it closes each connection immediately.
 */
async function startSilentSite(hangsUpFrom = Infinity): Promise<{ port: number; connected: () => number }> {
  let connected = 0;
  const server = createServer((socket) => {
    connected += 1;
    socket.on('error', () => undefined).resume();
    if (connected >= hangsUpFrom) socket.destroy();
    else cleanUp.push(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => new Promise((resolve) => server.close(resolve)));
  return { port: (server.address() as AddressInfo).port, connected: () => connected };
}

async function openWorkspace(): Promise<Workspace> {
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
  return workspace;
}

/** Three processes are started one after the other. */
const WAIT = { timeout: MAX_WORLD_WAIT_MS, timeoutMs: MAX_WORLD_WAIT_MS };

test('a check whose worker is killed is finished by another worker, and the thread gets one report', async () => {
  const redis = await startRedis();
  cleanUp.push(redis.close);
  const workspace = await openWorkspace();
  // The first check hangs until its worker is killed, whenever that is; the second one ends by itself.
  const site = await startSilentSite(2);
  const config = await writeConfig({
    environments: {
      prod: { sources: [{ kind: 'tls', sites: [`127.0.0.1:${site.port}`], timeoutMs: 60_000 }] },
    },
    // Not less: a worker that gets no CPU time on a busy machine for this long also counts as dead.
    limits: { takeOverSeconds: 5 },
  });
  const shared = { REDIS_URL: redis.url, WRENCH_CONFIG: config, WRENCH_DATA: join(config, '../data') };
  void wrench(['bot'], {
    ...shared,
    SLACK_BOT_TOKEN: TOKENS.bot,
    SLACK_APP_TOKEN: TOKENS.app,
    SLACK_API_URL: workspace.apiUrl,
  });
  const first = wrench(['worker'], shared);
  await workspace.waitFor(() => workspace.sockets.connections() > 0, WAIT);

  await workspace.command({ userId: ADA, channelId: INCIDENT, command: '/certs', text: 'expiring' });
  await expect.poll(site.connected, WAIT).toBe(1);
  first.kill('SIGKILL');
  void wrench(['worker'], shared);

  const root = await workspace.waitFor(
    () => workspace.messages(INCIDENT).find(({ text }) => text.includes('UNKNOWN')),
    WAIT,
  );
  expect(root.text).toContain('it closed the connection during the handshake');
  expect(site.connected()).toBe(2);
  expect(workspace.messages(INCIDENT)).toHaveLength(1);
});

test('`run --json` prints one report and nothing else, and the exit code is the verdict', async () => {
  const world = await startDemoWorld({ vms: 0 });
  cleanUp.push(world.close);
  const dataPath = await mkdtemp(join(tmpdir(), 'wrench-e2e-'));
  cleanUp.push(() => rm(dataPath, { recursive: true, force: true }));
  cleanUp.push(announceDemo(dataPath, world.configPath).close);
  const { exitCode, stdout, stderr } = await wrench(['run', 'certs', 'expiring', '--env', 'demo', '--json'], {
    PATH: process.env['PATH'] ?? '',
    WRENCH_DATA: dataPath,
  });

  const report = reportSchema.parse(JSON.parse(stdout));
  expect(report.status).toBe('found');
  expect(report.verdict).toMatch(/\d+ of \d+ certificates have expired/);
  expect(stderr).toBe('');
  expect(exitCode).toBe(1);
});

test.each([
  ['a wrong flag', ['run', 'certs', 'expiring', '--env', 'prod', '--witin', '3d'], 64, '--within'],
  ['a wrong check', ['run', 'certs', 'expirin', '--env', 'prod'], 64, 'expiring'],
  ['a wrong environment', ['run', 'certs', 'expiring', '--env', 'prodd'], 64, '`prod`'],
])('%s is a usage error', async (_, words, code, hint) => {
  const config = await writeConfig({
    environments: { prod: { sources: [{ kind: 'tls', sites: ['127.0.0.1:9'] }] } },
  });
  const { exitCode, stdout, stderr } = await wrench(words, { PATH: '', WRENCH_CONFIG: config });

  expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
  expect(stderr).toContain(hint);
});

test.each([
  ['an unknown command', ['rnu'], 64, 'Unknown command `rnu`. Did you mean `run`?'],
  ['a missing configuration', ['run', 'certs', 'expiring'], 78, 'deploy/examples/wrench.yaml'],
  ['no demo', ['run', 'certs', 'expiring', '--env', 'demo'], 78, 'Run `npm run demo`'],
  ['no demo, as JSON', ['run', 'certs', 'expiring', '--env=demo', '--json'], 78, 'Run `npm run demo`'],
  ['a worker without a Redis', ['worker'], 78, 'File not found'],
  ['a bot without a token', ['bot'], 78, 'File not found'],
])('%s exits with its own code and says what to do', async (_, words, code, hint) => {
  const { exitCode, stdout, stderr } = await wrench(words, {
    PATH: '',
    WRENCH_CONFIG: '/nonexistent/wrench.yaml',
    WRENCH_DATA: '/nonexistent/.wrench',
  });

  expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
  expect(stderr).toContain(hint);
});

test('the all role starts its own Redis, becomes ready, exposes metrics, and leaves nothing behind', async () => {
  const workspace = await openWorkspace();
  const site = await startSilentSite();
  const config = await writeConfig({
    environments: { prod: { sources: [{ kind: 'tls', sites: [`127.0.0.1:${site.port}`], timeoutMs: 300 }] } },
  });
  const port = await freePort();
  const child = wrench(['all'], {
    PATH: process.env['PATH'] ?? '',
    WRENCH_CONFIG: config,
    WRENCH_DATA: join(config, '../data'),
    HEALTH_PORT: String(port),
    SLACK_BOT_TOKEN: TOKENS.bot,
    SLACK_APP_TOKEN: TOKENS.app,
    SLACK_API_URL: workspace.apiUrl,
  });
  const get = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`).then(
      (answer) => answer.text(),
      () => '',
    );
  await expect.poll(() => get('/readyz')).toMatch(/slack: ok\n/);
  expect(await get('/healthz')).toBe('ok\n');

  await workspace.command({ userId: ADA, channelId: INCIDENT, command: '/certs', text: 'expiring' });
  // On a slow machine it first posts a progress message.
  await workspace.waitFor(() => workspace.messages(INCIDENT)[0]?.text.includes('UNKNOWN'));
  const metrics = await get('/metrics');
  expect(metrics).toContain('wrench_commands_total{outcome="queued"} 1');
  expect(metrics).toContain('wrench_checks_total{check="certs/expiring",status="unknown"} 1');
  expect(metrics).toMatch(/^wrench_audit_copy_stopped 0$/m);
  expect(metrics).toMatch(/^wrench_audit_copy_lag_entries 0$/m);
  expect(metrics).toMatch(/wrench_queue_jobs\{queue="checks",state="waiting"\} 0/);

  child.kill('SIGTERM');
  const { exitCode } = await child;
  expect(exitCode).toBe(0);
  const { stdout } = await execa({ reject: false })`pgrep -f ${join(config, '../data')}`;
  expect(stdout).toBe('');
});
