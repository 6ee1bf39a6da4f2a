import { containerObject, type ServedContainer } from '../world/docker/objects.ts';
import { type RequestedRemoval, type ServedEngine, serveEngine } from '../world/docker/served-engine.ts';
import type { Disturbance } from './fix-log.ts';

/**
 * A container engine in the test process, so that it outlives every worker, with stopped containers of
 * builds and others that must stay.
 */
export interface ChaosEngine {
  /** Of the `docker` source: `lab-2`. */
  readonly name: string;
  readonly url: string;
  readonly engine: ServedEngine;
}

/** A request of Wrench to remove a container. */
export interface Removal extends RequestedRemoval {
  /** `lab-2/happy_curie_0` */
  readonly thing: string;
}

/** More than 20 are also offered as the 20 largest, so that two plans compete for them. */
const LEFTOVERS = [24, 7, 30, 4, 12, 21] as const;
const DAY_MS = 86_400_000;

export async function startEngines(
  count: number,
  cleanup: AsyncDisposableStack,
): Promise<readonly ChaosEngine[]> {
  const engines: ChaosEngine[] = [];
  for (let at = 0; at < count; at += 1) {
    const engine = await serveEngine({ containers: containersOf(at), hostname: `build-${at}` });
    cleanup.defer(engine.close);
    engines.push({ name: `lab-${at}`, url: engine.url, engine });
  }
  return engines;
}

function containersOf(number: number): readonly ServedContainer[] {
  const finishedAt = new Date(Date.now() - DAY_MS).toISOString();
  const stopped = (name: string, facts: Parameters<typeof containerObject>[1] = {}) =>
    containerObject(`${name}_${number}`, { finishedAt, ...facts });
  const leftovers = Array.from({ length: LEFTOVERS[number % LEFTOVERS.length] ?? 0 }, (_, at) =>
    stopped(`happy_curie_${at}`, { bytes: 1_000_000 * (at + 1) }),
  );
  return [
    ...leftovers,
    stopped('running', { state: 'running' }),
    stopped('pause', { labels: { 'io.kubernetes.pod.name': 'web-0' } }),
    stopped('web', { labels: { 'com.docker.compose.project': 'web' } }),
    stopped('kept', { labels: { 'com.example.keep': 'true' } }),
    stopped('database', { restartPolicy: 'always' }),
    stopped('recent', { finishedAt: new Date().toISOString() }),
  ];
}

/** What others do to a container: remove it, start it, or start it until it ends again. */
export function disturbContainer(engines: readonly ChaosEngine[], { thing, kind }: Disturbance): void {
  const [source, name = ''] = thing.split('/');
  const { engine } = engines.find((one) => one.name === source) ?? {};
  if (!engine?.containers().some(({ row }) => row.Names?.includes(`/${name}`))) return;
  if (kind === 'vanish') engine.drop(name);
  else if (kind === 'start') engine.change(containerObject(name, { state: 'running' }));
  else engine.change(containerObject(name, { finishedAt: new Date().toISOString() }));
}

export function removalsOf(engines: readonly ChaosEngine[]): readonly Removal[] {
  return engines.flatMap(({ name: source, engine }) =>
    engine.removals.map((removal) => ({ ...removal, thing: `${source}/${removal.name}` })),
  );
}

/** Reading, and removing one container by its full id, without its volumes and without force. */
const ALLOWED = /^(GET \/.*|DELETE \/v[\d.]+\/containers\/[\da-f]{64}\?v=0&force=0)$/;

/** Requests that change anything except one container. */
export function otherRequestsTo(engines: readonly ChaosEngine[]): readonly string[] {
  return engines.flatMap(({ name, engine }) =>
    engine.requests.filter((asked) => !ALLOWED.test(asked)).map((asked) => `${name}: ${asked}`),
  );
}
