import type { ApplyContext } from './apply-context.ts';
import type { ReadOptions } from './read-options.ts';

/** The container engines that one source is configured for, one on each machine: Docker, or Podman through its Docker API. */
export interface ContainerEngines {
  /** The source's name in the configuration: `builders`. */
  readonly name: string;
  /** As configured, without a request. Their names are unique in the source. */
  readonly engines: readonly Engine[];
  /** Whether the configuration allows removing containers and images. */
  readonly removal: RemovalPermission;
  /**
   * Version and host of the engine; the cheapest request.
   * @throws {SourceError}
   */
  readonly info: (query: EngineQuery) => Promise<EngineInfo>;
  /**
   * All containers, running ones included, in batches as they are read, without their sizes. A container that is removed in the meantime is omitted.
   * @throws {SourceError} if not all can be read. The batches before the error are valid.
   */
  readonly containers: (query: EngineQuery) => AsyncIterable<readonly EngineContainer[]>;
  /**
   * Inspects one container.
   * @throws {SourceError} `missing` if no container has this id.
   */
  readonly container: (query: EngineQuery & { readonly id: string }) => Promise<EngineContainer>;
  /**
   * The bytes that each of these containers has written to its own layer, by id; one that has written nothing has 0. The engine walks the layers,
   * which is slow if there are many. A container that is gone, or whose layer the engine couldn't measure, is omitted: its size is unknown.
   * @throws {SourceError}
   */
  readonly containerSizes: (
    query: EngineQuery & { readonly ids: readonly string[] },
  ) => Promise<ReadonlyMap<string, number>>;
  /**
   * Images, volumes and build cache with their sizes (`docker system df`). Slow: the engine computes them on each request.
   * @throws {SourceError}
   */
  readonly usage: (query: EngineQuery) => Promise<EngineUsage>;
  /**
   * A service of the Swarm that the engine manages, with its tasks.
   * @throws {SourceError} `missing` if there is no such service; `refused` if the engine is no manager of a Swarm.
   */
  readonly swarmService: (query: EngineQuery & { readonly service: string }) => Promise<SwarmService>;
}

/** A service of Docker Swarm. */
export interface SwarmService {
  readonly id: string;
  readonly name: string;
  /** As its specification names it, usually with a digest: `registry.example/api:209@sha256:…`. */
  readonly image: string;
  /** Those of the service, and those of its containers that it doesn't override. */
  readonly labels: Readonly<Record<string, string>>;
  /** How many tasks it should have. Absent for a global service, which has one on each node. */
  readonly replicas?: number;
  /** Its last update. */
  readonly update?: {
    /** `updating`, `paused`, `completed`, `rollback_started`, `rollback_paused`, `rollback_completed`. */
    readonly state: string;
    readonly startedAt?: Date;
    readonly message?: string;
  };
  readonly tasks: readonly SwarmTask[];
}

export interface SwarmTask {
  readonly id: string;
  readonly slot?: number;
  /** The host name of its node, or its id if it has none. */
  readonly node: string;
  /** The address of its node. Absent if the Swarm knows none that other machines can use. */
  readonly nodeAddress?: string;
  /** `running`, `shutdown`, `failed`. */
  readonly state: string;
  readonly desiredState: string;
  /** Why it isn't running. */
  readonly error?: string;
  readonly image: string;
  readonly containerId?: string;
  readonly startedAt?: Date;
  /** Ports published on its node (`mode=host`), which reach this task and no other. */
  readonly hostPorts: readonly {
    readonly port: number;
    readonly published: number;
    readonly protocol: string;
  }[];
}

/** The engine of one machine. */
export interface Engine {
  /** As findings name it: `node-b`. */
  readonly name: string;
  /** How it is reached, without credentials: `ssh://node-b`, `unix:///var/run/docker.sock`. */
  readonly address: string;
  /**
   * The name or address of its Kubernetes node, by the configuration. Absent for a local socket without one; then only the engine's own host name is
   * known.
   */
  readonly node?: string;
  /** The host that its published ports are on: `node-b`, `127.0.0.1` for a local socket. */
  readonly host: string;
}

export interface EngineQuery extends ReadOptions {
  /** The name of the engine. */
  readonly engine: string;
}

export type RemovalPermission =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly because: string };

export interface EngineInfo {
  readonly product: 'docker' | 'podman';
  /** `27.5.1`. */
  readonly version: string;
  /** The version of the API that is used, negotiated: `1.47`. */
  readonly apiVersion: string;
  /** The machine's own host name. */
  readonly hostname: string;
  /** Where it stores everything: `/var/lib/docker`. */
  readonly rootFolder?: string;
  /** By how much its clock is behind this machine's; negative if it is ahead. Absent if unknown. */
  readonly clockBehindMs?: number;
  /** Numbers of containers; absent if the engine does not report them. */
  readonly running?: number;
  readonly stopped?: number;
}

/** One container. An absent optional fact is unknown, never harmless. */
export interface EngineContainer {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Without the slash: `elastic_morse`. */
  readonly name: string;
  /** The image that it was created from: `base:209`. */
  readonly image: string;
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As the engine writes it: `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`. */
  readonly state: string;
  readonly createdAt?: Date;
  /** Its ports that are published on the host. Absent: none, or the engine does not report them. */
  readonly ports?: readonly {
    readonly port: number;
    readonly published: number;
    /** The address of the host that it is published on; `0.0.0.0` for all. A loopback address can't be reached from other machines. */
    readonly address: string;
    readonly protocol: string;
  }[];
  /** It uses the network of its host: what it listens on is a port of the host. */
  readonly usesHostNetwork?: true;
  /** What only an inspection reports. Absent if this container could not be inspected; then `error` is set. */
  readonly details?: ContainerDetails;
  readonly error?: string;
}

export interface ContainerDetails {
  /** When its last process started. Absent if it was never started, or if unreadable. */
  readonly startedAt?: Date;
  /** When its last process ended. Absent if it was never started. */
  readonly finishedAt?: Date;
  /** The same as the engine writes it, to the nanosecond, which identifies this exit. */
  readonly finishedAtText: string;
  readonly exitCode?: number;
  /** `no`, `always`, `unless-stopped`, `on-failure`; empty is `no`. */
  readonly restartPolicy: string;
  /** The engine removes it automatically when it exits (`--rm`). */
  readonly autoRemove: boolean;
  /** Ids or names of the containers whose volumes it uses (`--volumes-from`), without a mode. */
  readonly volumesFrom: readonly string[];
  /**
   * Ids or names of the containers that it needs in order to start: whose namespaces it uses (`--network container:db`), or to which it is linked.
   */
  readonly dependsOn: readonly string[];
  readonly mounts: readonly ContainerMount[];
}

export interface ContainerMount {
  /** `volume`, `bind`, `tmpfs`. */
  readonly type: string;
  /** The name of a volume. */
  readonly volume?: string;
  /** The path on the machine. */
  readonly source?: string;
  /** The path in the container. */
  readonly path: string;
}

/** What uses space on one engine besides the layers of containers. */
export interface EngineUsage {
  /** Of all images together, shared layers once. */
  readonly imageBytes?: number;
  readonly images: readonly EngineImage[];
  readonly volumes: readonly EngineVolume[];
  readonly buildCache: readonly BuildCacheEntry[];
}

export interface EngineImage {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly id: string;
  /** Without the engine's `<none>:<none>`. */
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly createdAt?: Date;
  /** With all layers, including shared ones. */
  readonly bytes: number;
  /** The size of the layers that other images have too. */
  readonly sharedBytes?: number;
  /** How many containers use it, stopped ones included. Absent if the engine did not count. */
  readonly containers?: number;
  /** Whether it is a layer of another image: then it cannot be removed. */
  readonly isParent: boolean;
}

export interface EngineVolume {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Created for one container without a name of its own. */
  readonly isAnonymous: boolean;
  /** Absent if the engine did not measure it. */
  readonly bytes?: number;
  /** How many containers mount it, stopped ones included. Absent if the engine did not count. */
  readonly containers?: number;
}

export interface BuildCacheEntry {
  readonly id: string;
  readonly bytes: number;
  readonly inUse: boolean;
  /** Its bytes are those of an image. */
  readonly isShared: boolean;
  /** Absent if it was never used again. */
  readonly lastUsedAt?: Date;
  readonly createdAt?: Date;
}

export interface EngineWriter {
  /**
   * Removes one stopped container and none of its volumes, never by force. Does nothing if it is already gone.
   * @throws {SourceError} `missing` if its state or finish time differs, because it was started in the meantime; `refused` if the engine refuses.
   */
  readonly removeContainer: (
    container: {
      readonly engine: string;
      readonly id: string;
      readonly state: string;
      readonly finishedAtText: string;
    },
    applyContext: ApplyContext,
  ) => Promise<void>;
  /**
   * Removes one image by its id and none of its parents, never by force. Does nothing if it is already gone.
   * @throws {SourceError} `missing` if it has a tag; `refused` if the engine refuses: a container uses it.
   */
  readonly removeImage: (
    image: { readonly engine: string; readonly id: string },
    applyContext: ApplyContext,
  ) => Promise<void>;
}
