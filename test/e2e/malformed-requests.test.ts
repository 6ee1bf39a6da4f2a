import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { Agent, request } from 'undici';
import { afterEach, expect, test, vi } from 'vitest';
import { type Chance, makeChance } from '../chaos/random.ts';
import { FUZZ_SEED } from '../random-inputs.ts';
import { MAX_WAIT_MS, MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { startWorkspace } from '../workspace/start-workspace.ts';
import { freePort } from '../world/free-port.ts';
import { startRedis } from '../world/redis.ts';
import { ADA, PLATFORM, TOKENS } from './harness.ts';
import { damagedEnvelope, malformedRequest, type RawRequest, signedRequest } from './malformed-requests.ts';
import { signedHeaders } from './sign.ts';

/**
 * A bot and a worker in a separate process receive 2,000 malformed requests. `FUZZ_SEED=7 npx vitest run
 * <this file>` sends others.
 */
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });
const WAIT = { timeout: MAX_WORLD_WAIT_MS, timeoutMs: MAX_WORLD_WAIT_MS };
const AT_ONCE = 16;

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0).toReversed()) await close();
});

async function startAll(delivery: 'http' | 'socket') {
  const [redis, port, healthPort] = [await startRedis(), await freePort(), await freePort()];
  cleanUp.push(redis.close);
  const workspace = await startWorkspace({
    app: {
      delivery,
      requestUrl: () => `http://127.0.0.1:${port}/slack/events`,
      signingSecret: TOKENS.signing,
      botToken: TOKENS.bot,
      appToken: TOKENS.app,
      ackWithinMs: MAX_WAIT_MS,
    },
  });
  cleanUp.push(workspace.close);
  const folder = await mkdtemp(join(tmpdir(), 'wrench-fuzz-'));
  cleanUp.push(() => rm(folder, { recursive: true }));
  const config = join(folder, 'wrench.yaml');
  const closed = await freePort();
  const sources = [{ kind: 'tls', sites: [`127.0.0.1:${closed}`], timeoutMs: 1_000 }];
  await writeFile(
    config,
    JSON.stringify({ environments: { prod: { sources } }, limits: { perPersonPerMinute: 10_000 } }),
  );
  const child = execa(process.execPath, ['src/main.ts', 'all'], {
    reject: false,
    extendEnv: false,
    env: {
      REDIS_URL: redis.url,
      WRENCH_CONFIG: config,
      WRENCH_DATA: folder,
      PORT: String(port),
      HEALTH_PORT: String(healthPort),
      LOG_LEVEL: 'debug',
      SLACK_BOT_TOKEN: TOKENS.bot,
      SLACK_API_URL: workspace.apiUrl,
      ...(delivery === 'http' ? { SLACK_SIGNING_SECRET: TOKENS.signing } : { SLACK_APP_TOKEN: TOKENS.app }),
    },
  });
  cleanUp.push(async () => {
    child.kill('SIGKILL');
    await child;
  });
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const health = (path: string) =>
    fetch(`http://127.0.0.1:${healthPort}${path}`).then(
      ({ status }) => status,
      () => 0,
    );
  await vi.waitUntil(async () => (await health('/readyz')) === 200, WAIT);

  /** Asserts that the process is the same, healthy and still works. */
  const expectUnharmed = async () => {
    expect(child.exitCode, log.slice(-2_000)).toBeNull();
    expect(await health('/healthz')).toBe(200);
    await workspace.command({
      userId: ADA,
      channelId: PLATFORM,
      command: '/certs',
      text: 'expiring --within 7d',
    });
    const root = await workspace.waitFor(
      () => workspace.messages(PLATFORM).find((one) => one.text.includes('UNKNOWN')),
      WAIT,
    );
    expect(root.text).toContain('UNKNOWN');
    const errors = log.split('\n').filter((line) => /"level":[56]0|TypeError|RangeError/.test(line));
    expect(errors).toEqual([]);
  };
  return { workspace, port, healthPort, expectUnharmed };
}

/** Runs `work` `count` times, some at once, each with its own random generator. */
async function repeat(name: string, count: number, work: (chance: Chance) => Promise<void>): Promise<void> {
  const chance = makeChance(FUZZ_SEED);
  let at = 0;
  const lane = async () => {
    while (at < count) await work(chance.apart(`${name} ${at++}`));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** @returns the statuses of all responses. */
async function sendRaw(port: number, { bytes, afterwards }: RawRequest): Promise<readonly number[]> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  cleanUp.push(() => socket.destroy());
  const connected = once(socket, 'connect').catch(() => undefined);
  socket.write(bytes);
  await connected;
  if (afterwards === 'reset') socket.resetAndDestroy();
  if (afterwards !== 'wait') return [];
  socket.end();
  const answer = await text(socket).catch(() => '');
  return [...answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
}

const isWrong = (status: number) => status >= 500 && status !== 503;

test('no HTTP request, signed or not, crashes a process or gets a 5xx response', async () => {
  const { port, healthPort, expectUnharmed } = await startAll('http');
  const agent = new Agent({ connections: AT_ONCE });
  cleanUp.push(() => agent.destroy());
  const statuses = new Map<number, number>();
  const wrong: string[] = [];
  const count = (status: number, what: string) => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (isWrong(status)) wrong.push(`${status} ${what}`);
  };

  for (const [name, on] of [
    ['health', healthPort],
    ['slack', port],
  ] as const)
    await repeat(name, 500, async (chance) => {
      const raw = malformedRequest(chance);
      for (const status of await sendRaw(on, raw)) count(status, raw.bytes.toString('latin1'));
    });
  await repeat('signed', 1_000, async (chance) => {
    const { body, type } = signedRequest(chance);
    const answer = await request(`http://127.0.0.1:${port}/slack/events`, {
      method: 'POST',
      headers: signedHeaders(TOKENS.signing, body, type),
      body,
      dispatcher: agent,
    });
    await answer.body.dump();
    count(answer.statusCode, body.toString());
  });

  expect(wrong).toEqual([]);
  // They passed the parser and reached every kind of response.
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 401, 404, 405, 415]));
  await expectUnharmed();
});

test('no Socket Mode envelope crashes a process, and each is acknowledged', async () => {
  const { workspace, expectUnharmed } = await startAll('socket');
  const unanswered: string[] = [];

  await repeat('envelopes', 400, async (chance) => {
    const envelope = damagedEnvelope(chance);
    const { status } = await workspace.sockets.send(envelope);
    if (status !== 200) unanswered.push(JSON.stringify(envelope).slice(0, 2_000));
    if (chance.happens(0.2)) workspace.sockets.sendText(malformedRequest(chance).bytes.toString('latin1'));
  });

  expect(unanswered).toEqual([]);
  await expectUnharmed();
});
