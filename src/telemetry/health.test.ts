import { afterEach, expect, test } from 'vitest';
import { type HealthServer, serveHealth } from './health.ts';
import { makeLog } from './log.ts';
import { makeMetrics } from './metrics.ts';

let health: HealthServer | undefined;
afterEach(() => health?.close());

async function serve(changed: Partial<Parameters<typeof serveHealth>[0]> = {}) {
  health = await serveHealth({
    port: 0,
    host: '127.0.0.1',
    readiness: { redis: () => true },
    metrics: makeMetrics(),
    log: makeLog({ level: 'silent', secrets: [] }),
    ...changed,
  });
  const { port } = health;
  return async (path: string, host = '127.0.0.1') => {
    const answer = await fetch(`http://${host}:${port}${path}`);
    return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() };
  };
}

const forever = () => new Promise<never>(() => undefined);

test('serves liveness, readiness and metrics', async () => {
  const get = await serve({ readiness: { redis: () => true, slack: async () => 'not connected' } });

  expect(await get('/healthz')).toEqual({ status: 200, type: 'text/plain', body: 'ok\n' });
  expect(await get('/readyz')).toMatchObject({ status: 503, body: 'redis: ok\nslack: not connected\n' });
  expect(await get('/metrics')).toMatchObject({
    status: 200,
    type: expect.stringContaining('version=0.0.4'),
    body: expect.stringContaining('wrench_bugs_total'),
  });
});

test('listens on the configured address only', async () => {
  const get = await serve({ host: '127.0.0.1' });

  // All of 127.0.0.0/8 is loopback on Linux; a server on every address would answer here.
  await expect(get('/healthz', '127.0.0.2')).rejects.toThrow('fetch failed');
});

test('a refresh that hangs does not delay the metrics, and is not started again meanwhile', async () => {
  let refreshed = 0;
  const get = await serve({
    refresh: () => {
      refreshed += 1;
      return forever();
    },
  });

  const answers = await Promise.all([get('/metrics'), get('/metrics')]);
  await get('/metrics');

  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(refreshed).toBe(1);
});

test('gauges are refreshed at each request, even if the last refresh failed', async () => {
  let refreshed = 0;
  const get = await serve({
    refresh: async () => {
      refreshed += 1;
      throw new Error('Redis is down');
    },
  });

  await get('/metrics');
  await get('/metrics');

  expect(refreshed).toBe(2);
});

test('a readiness check that does not respond is not ready', async () => {
  const get = await serve({
    readiness: {
      redis: forever,
      slack: () => {
        throw new Error('a bug');
      },
    },
  });

  expect(await get('/readyz')).toMatchObject({ status: 503, body: 'redis: no response\nslack: a bug\n' });
});
