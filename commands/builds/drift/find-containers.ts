import { type ports, SourceError, wording } from '../../kit.ts';
import { settle } from '../../shared/settle.ts';
import type { Context } from './facts.ts';
import type { FoundService, Target } from './targets.ts';

type Located<Kind> = Extract<ports.ReplicaLocation, { readonly kind: Kind }>;

/** The running containers with a name or labels, on every engine, and those with the name that don't run. */
export async function findContainers(
  context: Context,
  name: string,
  location: Located<'containers'>,
): Promise<FoundService | undefined> {
  const sources = enginesOf(context, name, location.engines);
  if (!sources) return undefined;
  const found = await Promise.all(
    sources.flatMap((source) =>
      source.engines.map((engine) => containersOn(context, source, engine, location)),
    ),
  );
  const all = found.flat();
  const running = all.filter(({ target }) => target.state === 'serving');
  return {
    targets: all.map(({ target }) => target),
    labels: (running.length > 0 ? running : all).map(({ labels }) => labels),
  };
}

function enginesOf(
  { read, gap }: Context,
  name: string,
  wanted: string | undefined,
): readonly ports.ContainerEngines[] | undefined {
  const all = read.engines ?? [];
  const chosen = wanted === undefined ? all : all.filter((one) => one.name === wanted);
  if (chosen.length > 0) return chosen;
  const problem =
    wanted === undefined
      ? 'its replicas are containers, but no source of containers is configured'
      : `no source of containers ${wanted} is configured`;
  gap(name, new SourceError(name, 'missing', problem));
  return undefined;
}

async function containersOn(
  context: Context,
  source: ports.ContainerEngines,
  engine: ports.Engine,
  { name, labels = {}, port }: Located<'containers'>,
): Promise<readonly { readonly target: Target; readonly labels: ports.EngineContainer['labels'] }[]> {
  const found: ports.EngineContainer[] = [];
  const { error } = await settle(context, source.name, async (signal) => {
    for await (const page of source.containers({ engine: engine.name, signal }))
      found.push(...page.filter((one) => isWanted(one, name, labels)));
  });
  if (error) context.gap(`${source.name}: containers of ${engine.name}`, error);
  return found.map((container) => ({
    target: toTarget(container, engine, port),
    labels: container.labels,
  }));
}

/** Those with labels only if they run: old runs of a job may have left hundreds. */
function isWanted(
  { name, labels, state }: ports.EngineContainer,
  wanted: string | undefined,
  wantedLabels: Readonly<Record<string, string>>,
): boolean {
  return (
    (wanted === undefined
      ? state === 'running' || state === 'restarting' || state === 'paused'
      : name === wanted) && Object.entries(wantedLabels).every(([label, value]) => labels[label] === value)
  );
}

const EVERYWHERE: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);

/** Addresses that mean another machine on each machine. */
function isLoopback(host: string): boolean {
  return /^(?:127\.[\d.]+|::1|::ffff:127\.[\d.]+|(?:.+\.)?localhost)$/i.test(host);
}

function toTarget(container: ports.EngineContainer, engine: ports.Engine, port: number): Target {
  const { name, image, imageId, state, details, ports: published = [], usesHostNetwork } = container;
  const own = published.filter((one) => one.port === port && one.protocol === 'tcp');
  // One that is published for all addresses is reached at that of the machine.
  const chosen =
    own.find(({ address }) => EVERYWHERE.has(address)) ??
    own.find(({ address }) => !isLoopback(address)) ??
    own[0];
  const base: Target = {
    name: `${engine.name}/${name}`,
    state: state === 'running' ? 'serving' : 'not-ready',
    node: engine.name,
    image,
    ...(/^sha256:[0-9a-f]{64}$/.test(imageId) && { imageId: { kind: 'config', digest: imageId } as const }),
    ...(details?.startedAt && { startedAt: details.startedAt }),
  };
  if (state !== 'running') return { ...base, waiting: state, because: `its container is ${state}` };
  if (!chosen && usesHostNetwork) return { ...base, ask: { host: engine.host, port } };
  if (!chosen) return { ...base, because: `its port ${port} isn't published on the host` };
  const host = EVERYWHERE.has(chosen.address) ? engine.host : chosen.address;
  if (isLoopback(chosen.address) && !isLoopback(engine.host))
    return {
      ...base,
      because: `its port ${port} is published on ${chosen.address} of its host only, which can't be reached from here`,
    };
  return { ...base, ask: { host, port: chosen.published } };
}

/** The tasks of a Swarm service, from an engine that manages the Swarm. Two Swarms may have a service with this name. */
export async function findSwarmTasks(
  context: Context,
  name: string,
  { engines, service: wanted, port }: Located<'swarm'>,
): Promise<FoundService | undefined> {
  const sources = enginesOf(context, name, engines);
  if (!sources) return undefined;
  const asked = await Promise.all(
    sources.flatMap((source) =>
      source.engines.map(async (engine) => ({
        engine: engine.name,
        ...(await settle(context, source.name, (signal) =>
          source.swarmService({ engine: engine.name, service: wanted, signal }),
        )),
      })),
    ),
  );
  const found = asked.flatMap(({ engine, value }) => (value ? [{ engine, service: value }] : []));
  const [first] = found;
  const bySwarm = [...Map.groupBy(found, ({ service }) => service.id).values()].map(([one]) => one!.engine);
  if (bySwarm.length > 1) {
    const problem = `the engines ${wording.list(bySwarm.toSorted())} manage different Swarms with this service: set \`engines\``;
    context.gap(name, new SourceError(name, 'missing', problem));
    return undefined;
  }
  if (first) {
    const { service } = first;
    return { targets: tasksOf(service, port), swarm: service, labels: [service.labels] };
  }
  const errors = asked.flatMap(({ error }) => error ?? []);
  const [error] = errors.toSorted((a, b) => RANK[a.kind] - RANK[b.kind]);
  context.gap(name, error ?? new SourceError(name, 'missing', 'no engine is configured'));
  return undefined;
}

/** A worker of the Swarm refuses; what a manager answers says more. */
const RANK = { missing: 0, unreachable: 1, malformed: 2, refused: 3 } as const;

function tasksOf({ tasks, name }: ports.SwarmService, port: number): readonly Target[] {
  const running = tasks.filter(({ desiredState }) => desiredState === 'running');
  const bySlot = Map.groupBy(running, ({ slot, node }) => slot ?? node);
  return running
    .map((task) => {
      const { slot, node, nodeAddress, state, error, image, startedAt, hostPorts } = task;
      const published = hostPorts.find((one) => one.port === port && one.protocol === 'tcp')?.published;
      const base: Target = {
        // While it is updated with `start-first`, the old and the new task have the same slot.
        name: `${name}.${slot ?? node}${(bySlot.get(slot ?? node)?.length ?? 0) > 1 ? `.${task.id.slice(0, 12)}` : ''}`,
        state: state === 'running' ? 'serving' : 'not-ready',
        node,
        image,
        ...(startedAt && { startedAt }),
      };
      if (state !== 'running') return { ...base, waiting: error ?? state, because: `its task is ${state}` };
      if (published === undefined)
        return {
          ...base,
          because: `its port ${port} isn't published on its node (\`mode=host\`), and the routing mesh reaches any task`,
        };
      return { ...base, ask: { host: nodeAddress ?? node, port: published } };
    })
    .toSorted((a, b) => a.name.localeCompare(b.name));
}
