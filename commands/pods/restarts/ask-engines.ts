import { type ports, SourceError, wording } from '../../kit.ts';
import { type KubeletContainer, kubeletContainerOf } from '../../shared/kubelet-container.ts';
import { type EngineOfSource, enginesOf } from '../../shared/match-engine.ts';
import type { Context, EngineFacts, EngineInstances } from './facts.ts';

/** How many engines are read at the same time. */
const CONCURRENT_ENGINES = 8;
/** The kubelet keeps one dead instance of each container, unless it is configured to keep more. */
const MAX_INSTANCES = 10;
/** Names in a note or a gap. */
const MAX_NAMED = 3;
/** A smaller difference of clocks changes nothing. */
const CLOCK_TOLERANCE_MS = 5_000;
const MAX_FOR_MEMBERS_MS = 5_000;

/**
 * What can still be read of clusters whose API servers do not respond: what kubelets run, from the container engines of their nodes, and whether the
 * configured key-value stores respond. Which node or store belongs to which cluster is unknown.
 */
export async function askEngines(
  context: Context,
  clusters: readonly string[],
): Promise<readonly EngineFacts[]> {
  if (clusters.length === 0) return [];
  const machines = enginesOf(context.read.engines ?? []);
  if (machines.length === 0) noteUnconfigured(context, clusters);
  const [answers] = await Promise.all([
    readInTurns(machines, (machine) => readEngine(context, machine, clusters)),
    ...(context.read.keyValue ?? []).map((store) => noteStore(context, store, clusters)),
  ]);
  const withoutKubelet = answers.flatMap((one) => (typeof one === 'string' ? [one] : []));
  if (withoutKubelet.length > 0) noteWithoutKubelet(context, withoutKubelet);
  return answers.filter((one) => typeof one === 'object');
}

async function readInTurns<T, R>(all: readonly T[], read: (one: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const waiting = all.values();
  const readNext = async (): Promise<void> => {
    for (const one of waiting) results.push(await read(one));
  };
  await Promise.all(Array.from({ length: CONCURRENT_ENGINES }, readNext));
  return results;
}

/** The name of an engine that has no container of a kubelet. Undefined if it couldn't be read, which is a gap. */
async function readEngine(
  context: Context,
  { source, engine, target }: EngineOfSource,
  clusters: readonly string[],
): Promise<EngineFacts | string | undefined> {
  const { attempt, signal, saw } = context;
  const query = { engine: engine.name, signal };
  const found: Found[] = [];
  const isComplete = await attempt(target, false, async () => {
    for await (const batch of source.containers(query))
      for (const container of batch) {
        const known = kubeletContainerOf(container);
        if (known && !known.isSandbox) found.push({ ...known, of: container });
      }
    return true;
  });
  if (found.length === 0) return isComplete ? target : undefined;
  reportUninspected(context, source.name, target, found);
  const containers = instancesOf(found);
  // Of a cluster: the next run that reads its API server examines the same and more, and no engine.
  saw(clusters[0] ?? source.name, containers.length);
  noteRunningServer(context, target, containers);
  return {
    target,
    source: source.name,
    engine: engine.name,
    ...(engine.node !== undefined && { node: engine.node }),
    clockBehindMs: await readClock(context, source, query),
    clusters,
    containers,
  };
}

interface Found extends KubeletContainer {
  readonly of: ports.EngineContainer;
}

/** When such a container started or ended is unknown. */
function reportUninspected({ gap }: Context, source: string, target: string, found: readonly Found[]): void {
  const uninspected = found.filter(({ of }) => of.error !== undefined);
  const [first] = uninspected;
  if (!first) return;
  const names = uninspected.map(({ of }) => of.name).toSorted();
  const error = new SourceError(source, 'malformed', first.of.error ?? '', {
    places: names.length,
    placeNames: names,
  });
  gap(`${target}: ${wording.list(names, MAX_NAMED)}`, error);
}

/** By how much the times of the engine are behind; 0 if that is unknown or makes no difference. */
async function readClock(
  { signal }: Context,
  source: ports.ContainerEngines,
  query: ports.EngineQuery,
): Promise<number> {
  try {
    const { clockBehindMs = 0 } = await source.info(query);
    return Math.abs(clockBehindMs) > CLOCK_TOLERANCE_MS ? clockBehindMs : 0;
  } catch (error) {
    if (error instanceof SourceError || signal.aborted) return 0;
    throw error;
  }
}

function instancesOf(found: readonly Found[]): readonly EngineInstances[] {
  const byContainer = Map.groupBy(found, ({ namespace, pod, uid, container }) =>
    [namespace, pod, uid, container].join('/'),
  );
  return [...byContainer]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, those]) => {
      const [newest, ...others] = those.toSorted(compareNewest);
      if (!newest) return [];
      const { namespace, pod, uid, container } = newest;
      const instances = [newest, ...others].slice(0, MAX_INSTANCES).map(({ attempt, of }) => {
        const startedAt = of.details?.startedAt;
        const isRunning = of.state === 'running' || of.state === 'paused';
        const finishedAt = isRunning ? undefined : of.details?.finishedAt;
        const exitCode = isRunning ? undefined : of.details?.exitCode;
        return {
          id: of.id,
          ...(attempt !== undefined && { attempt }),
          state: of.state,
          ...(exitCode !== undefined && { exitCode }),
          ...(startedAt && { startedAt }),
          ...(finishedAt && { finishedAt }),
        };
      });
      return [{ namespace, pod, uid, container, instances }];
    });
}

/** By creation, because one that couldn't be inspected has no other time, and the counter may have restarted. */
function compareNewest(a: Found, b: Found): number {
  const createdMs = ({ of }: Found) => of.createdAt?.getTime() ?? 0;
  return createdMs(b) - createdMs(a) || (b.attempt ?? 0) - (a.attempt ?? 0);
}

/** An API server that runs and can't be reached from here is not down. */
function noteRunningServer(
  { note, now }: Context,
  target: string,
  containers: readonly EngineInstances[],
): void {
  const running = containers
    .filter(({ namespace, container }) => namespace === 'kube-system' && container === 'kube-apiserver')
    .flatMap(({ instances }) => instances.filter(({ state }) => state === 'running'));
  const [server] = running;
  if (!server) return;
  const since = server.startedAt ? `, for ${wording.span(now.getTime() - server.startedAt.getTime())}` : '';
  note(`kube-apiserver is running on ${target}${since}, but can't be read from here`);
}

function noteUnconfigured({ note, read }: Context, clusters: readonly string[]): void {
  const engines = `container engines could be read instead. Configure a \`docker\` source for its control-plane nodes, or run \`docker ps -a\` there, with containerd \`crictl ps -a\``;
  const store =
    (read.keyValue ?? []).length > 0 ? '' : '. With an `etcd` source, `/etcd health` checks its etcd';
  note(`While the API server of ${wording.list(clusters)} does not respond, ${engines}${store}`);
}

/** A build host has none either. The engine of a node with containerd does not see what the kubelet runs. */
function noteWithoutKubelet({ note }: Context, targets: readonly string[]): void {
  note(
    `${wording.list(targets.toSorted(), MAX_NAMED)} ${targets.length === 1 ? 'runs' : 'run'} no container of a kubelet. On nodes with containerd, run \`crictl ps -a\` instead`,
  );
}

/** Only whether it responds: it may belong to something else, and `/etcd health` judges it. */
async function noteStore(
  { note, signal, leftMs }: Context,
  store: ports.KeyValueStore,
  clusters: readonly string[],
): Promise<void> {
  const belongs = `It may not be the etcd of ${wording.list(clusters)}; \`/etcd health\` has the details`;
  try {
    const withinMs = Math.min(MAX_FOR_MEMBERS_MS, leftMs() / 2);
    const { members, endpoints, hasQuorum } = await store.members({ signal, withinMs });
    const [all, noun] = members.length > 0 ? [members, 'member'] : [endpoints, 'endpoint'];
    const up = all.filter(({ error }) => error === undefined).length;
    const quorum = hasQuorum === undefined || up === 0 ? '' : ` and has ${hasQuorum ? 'a' : 'no'} quorum`;
    note(`${store.name}: ${responding(up, all.length, noun)}${quorum}. ${belongs}`);
  } catch (error) {
    if (error instanceof SourceError) note(`${store.name} couldn't be read: ${error.message}. ${belongs}`);
    else if (!signal.aborted) throw error;
  }
}

function responding(up: number, total: number, noun: string): string {
  if (total === 1) return `its only ${noun} ${up === 1 ? 'responds' : 'does not respond'}`;
  return `${up} of ${wording.count(total, noun)} ${up === 1 ? 'responds' : 'respond'}`;
}
