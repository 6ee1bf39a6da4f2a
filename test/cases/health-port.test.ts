import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MAX_WAIT_MS } from '../timeouts.ts';
import { freePort } from '../world/free-port.ts';
import { startRedis, type TestRedis } from '../world/redis.ts';

/** Requests to the health port that crashed the process. Anyone who reaches the port can send them. */
let folder: string;
let config: string;
let redis: TestRedis;
let port: number;
let worker: ReturnType<typeof startWorker>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-cases-'));
  config = join(folder, 'wrench.yaml');
  await writeFile(config, 'environments: { prod: { sources: [{ kind: tls, sites: [127.0.0.1:1] }] } }\n');
  redis = await startRedis();
  port = await freePort();
  worker = startWorker();
  const isReady = async () => (await ask('GET /readyz HTTP/1.1')) === 200;
  await vi.waitUntil(isReady, { timeout: MAX_WAIT_MS });
});
afterEach(async () => {
  worker.kill('SIGTERM');
  await worker;
  await redis.close();
  await rm(folder, { recursive: true });
});

function startWorker() {
  return execa(process.execPath, ['src/main.ts', 'worker'], {
    reject: false,
    extendEnv: false,
    env: {
      HEALTH_PORT: String(port),
      REDIS_URL: redis.url,
      WRENCH_CONFIG: config,
      LOG_LEVEL: 'warn',
    },
  });
}

/** @returns the status of the response; undefined without a response. */
async function ask(line: string): Promise<number | undefined> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`${line}\r\nHost: x\r\nConnection: close\r\n\r\n`);
  const answer = await text(socket).catch(() => '');
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1];
  return status === undefined ? undefined : Number(status);
}

test('responds to a request target that is not a URL, and keeps running', async () => {
  const answers: Record<string, number | undefined> = {};
  for (const target of ['//', 'http://[', '//a:99999999/', '///', '//@', 'http://a:99999999/', '*'])
    answers[target] = await ask(`GET ${target} HTTP/1.1`);

  expect(answers).toEqual({
    '//': 404,
    'http://[': 400,
    '//a:99999999/': 404,
    '///': 404,
    '//@': 404,
    'http://a:99999999/': 400,
    '*': 400,
  });
  expect(await ask('GET /healthz HTTP/1.1')).toBe(200);
  expect(worker.exitCode).toBeNull();

  worker.kill('SIGTERM');
  expect(await worker).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
});
