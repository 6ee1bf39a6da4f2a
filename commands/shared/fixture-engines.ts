import { type ports, SourceError } from '../kit.ts';

/** In-memory container engines for the fixtures of checks (`fixtures.ts`), as documented in `src/ports`, and builders for their objects. */

interface StoredEngine extends Partial<ports.Engine> {
  readonly name: string;
  readonly info?: Partial<ports.EngineInfo>;
  readonly containers?: readonly ports.EngineContainer[];
  /** Bytes that containers have written, by id; the others have written nothing. */
  readonly sizes?: Readonly<Record<string, number>>;
  readonly usage?: Partial<ports.EngineUsage>;
  /** Those of the Swarm that it manages. Absent: it manages none. */
  readonly swarmServices?: readonly ports.SwarmService[];
}

interface StoredEngines {
  readonly name: string;
  readonly removal?: ports.RemovalPermission;
  readonly engines: readonly StoredEngine[];
}

const BATCH_SIZE = 2;

/** Containers come in batches of 2. */
export function engineSource({
  name,
  removal = { allowed: true },
  engines: stored,
}: StoredEngines): ports.ContainerEngines {
  const find = (engine: string): StoredEngine => {
    const found = stored.find((one) => one.name === engine);
    if (!found) throw new SourceError(name, 'missing', `${engine} is not configured`);
    return found;
  };
  return {
    name,
    removal,
    engines: stored.map((one) => ({
      name: one.name,
      address: one.address ?? `ssh://${one.name}`,
      node: one.node ?? one.name,
      host: one.host ?? one.name,
    })),
    info: async ({ engine }) => {
      const { info, containers = [] } = find(engine);
      const running = containers.filter(({ state }) => state === 'running').length;
      return {
        product: 'docker',
        version: '27.5.1',
        apiVersion: '1.47',
        hostname: engine,
        rootFolder: '/var/lib/docker',
        running,
        stopped: containers.length - running,
        ...info,
      };
    },
    containers: async function* ({ engine }) {
      const { containers = [] } = find(engine);
      for (let at = 0; at < Math.max(containers.length, 1); at += BATCH_SIZE)
        yield containers.slice(at, at + BATCH_SIZE);
    },
    container: async ({ engine, id }) => {
      const found = find(engine).containers?.find((one) => one.id === id);
      if (!found) throw new SourceError(name, 'missing', `no container has the id ${id}`);
      return found;
    },
    containerSizes: async ({ engine, ids }) => {
      const { sizes = {} } = find(engine);
      return new Map(ids.map((id) => [id, sizes[id] ?? 0]));
    },
    usage: async ({ engine }) => ({ images: [], volumes: [], buildCache: [], ...find(engine).usage }),
    swarmService: async ({ engine, service }) => {
      const { swarmServices } = find(engine);
      if (!swarmServices) throw new SourceError(name, 'refused', `${engine} is not a manager of a Swarm`);
      const found = swarmServices.find((one) => one.name === service);
      if (!found) throw new SourceError(name, 'missing', `the Swarm has no service ${service}`);
      return found;
    },
  };
}

/** A container that finished at this time, with overrides. Its id is derived from its name. */
export function stoppedContainer(
  name: string,
  finishedAt: Date,
  {
    details = {},
    ...known
  }: Partial<Omit<ports.EngineContainer, 'details'>> & {
    readonly details?: Partial<ports.ContainerDetails>;
  } = {},
): ports.EngineContainer {
  return {
    id: containerId(name),
    name,
    image: 'registry.example/app:1',
    imageId: `sha256:${containerId('registry.example/app:1')}`,
    labels: {},
    state: 'exited',
    createdAt: finishedAt,
    details: {
      finishedAt,
      finishedAtText: finishedAt.toISOString().replace('Z', '000001Z'),
      exitCode: 0,
      restartPolicy: 'no',
      autoRemove: false,
      volumesFrom: [],
      dependsOn: [],
      mounts: [],
      ...details,
    },
    ...known,
  };
}

/** 64 hexadecimal digits, derived from the name. */
export function containerId(name: string): string {
  const hex = Array.from(name, (letter) => letter.charCodeAt(0).toString(16)).join('');
  return hex.padEnd(64, '0').slice(-64);
}
