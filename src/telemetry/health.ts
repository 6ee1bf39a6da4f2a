import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

export interface Health {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** What a role needs to do its work: true, or why not. Asked at each `/readyz`. */
export type Readiness = Readonly<Record<string, () => Promise<true | string> | true | string>>;

/**
 * Serves `/healthz` (the process turns), `/readyz` (it can do its work: 200, or 503 with what is missing) and `/metrics` (Prometheus).
 * A port of 0 takes a free one.
 */
export async function serveHealth(settings: {
  readonly port: number;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  /** Refreshes gauges before they are printed. */
  readonly refresh?: () => Promise<void>;
}): Promise<Health> {
  const answers: Record<string, () => Promise<Answer>> = {
    '/healthz': async () => ({ status: 200, type: 'text/plain', body: 'ok\n' }),
    '/readyz': () => readyz(settings.readiness),
    '/metrics': async () => {
      await settings.refresh?.().catch(() => undefined);
      const { registry } = settings.metrics;
      return { status: 200, type: registry.contentType, body: await registry.metrics() };
    },
  };
  const server = createServer((request, response) => {
    const answer = answers[new URL(request.url ?? '/', 'http://localhost').pathname];
    const asked = answer
      ? answer()
      : Promise.resolve({ status: 404, type: 'text/plain', body: 'not found\n' });
    asked.then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function readyz(readiness: Readiness): Promise<Answer> {
  const lines = await Promise.all(
    Object.entries(readiness).map(async ([what, ask]) => {
      const state = await (async () => ask())().catch((error: Error) => error.message);
      return { what, state };
    }),
  );
  const ready = lines.every(({ state }) => state === true);
  const body = lines.map(({ what, state }) => `${what}: ${state === true ? 'ok' : state}\n`).join('');
  return { status: ready ? 200 : 503, type: 'text/plain', body };
}
