import { atMost, within } from './within.ts';
import { type HttpResponse, makeHttpServer, type Route } from './http-server.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface HealthServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** The conditions under which a role can work, by name: true, or why not. Called for each `/readyz`. */
export type Readiness = Readonly<Record<string, () => Promise<true | string> | true | string>>;

/** Shorter than the timeouts of probes and scrapers. */
const ANSWER_WITHIN_MS = 2_000;

/**
 * Serves `/healthz` (the process is running), `/readyz` (it can do its work: 200, or 503 with what is missing) and `/metrics` (Prometheus).
 * A port of 0 takes a free one.
 */
export async function serveHealth(settings: {
  readonly port: number;
  /** The address to listen on. */
  readonly host: string;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Refreshes gauges before they are printed. If it takes too long, `/metrics` prints the previous values. */
  readonly refresh?: () => Promise<void>;
}): Promise<HealthServer> {
  const { metrics, log } = settings;
  const refresh = onceAtATime(settings.refresh ?? (async () => undefined));
  const server = makeHttpServer({
    name: 'health',
    routes: {
      '/healthz': get(async () => ({ status: 200, body: 'ok\n' })),
      '/readyz': get(() => readyz(settings.readiness)),
      '/metrics': get(async () => {
        await atMost(ANSWER_WITHIN_MS, refresh());
        const { registry } = metrics;
        return {
          status: 200,
          headers: { 'content-type': registry.contentType },
          body: await registry.metrics(),
        };
      }),
    },
    log,
    metrics,
  });
  return { port: await server.listen(settings.port, settings.host), close: server.close };
}

function get(handle: () => Promise<HttpResponse>): Route {
  return { methods: ['GET', 'HEAD'], handle };
}

/** Calls that overlap share one run, so that scrapes don't pile up behind one that hangs. Failures are ignored. */
function onceAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= work()
      .catch(() => undefined)
      .finally(() => (running = undefined));
    return running;
  };
}

async function readyz(readiness: Readiness): Promise<HttpResponse> {
  const lines = await Promise.all(
    Object.entries(readiness).map(async ([what, ask]) => {
      const asked = (async () => ask())().catch((error: Error) => error.message);
      return { what, state: await within(ANSWER_WITHIN_MS, asked).catch(() => 'no response') };
    }),
  );
  const ready = lines.every(({ state }) => state === true);
  const body = lines.map(({ what, state }) => `${what}: ${state === true ? 'ok' : state}\n`).join('');
  return { status: ready ? 200 : 503, body };
}
