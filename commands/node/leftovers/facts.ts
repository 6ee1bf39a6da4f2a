import type { ports, ReadContext } from '../../kit.ts';
import type { Owner } from '../../shared/container-owners.ts';
import type { PipelineCommand } from '../../shared/pipelines/match-containers.ts';

export type Context = ReadContext<'engines', 'clusters' | 'pipelines'>;

export interface Facts {
  readonly engines: readonly EngineFacts[];
  /** What containers may come from. Absent if nothing is left over, or the environment has no pipelines. */
  readonly pipelines?: {
    readonly commands: readonly PipelineCommand[];
    /** Whether all pipelines could be read. */
    readonly areAllKnown: boolean;
  };
}

/** What one engine reports. */
export interface EngineFacts {
  /** As findings name it: `builders:node-b`. */
  readonly target: string;
  readonly source: string;
  readonly engine: string;
  /** Absent, like the version, if the engine does not describe itself. */
  readonly product?: ports.EngineInfo['product'];
  readonly version?: string;
  readonly rootFolder?: string;
  readonly removal: ports.RemovalPermission;
  /** The Kubernetes node on the same machine, if one was found. */
  readonly node?: EngineNode;
  readonly containers: SortedContainers;
  /** Absent if it could not be read. */
  readonly usage?: ports.EngineUsage;
}

export interface EngineNode {
  readonly cluster: string;
  readonly name: string;
  /** How it was matched. */
  readonly by: string;
  readonly containerRuntime?: string;
  /** Of the file system that has the images, by its kubelet. */
  readonly availableBytes?: number;
}

/** A stopped container without an owner. */
export interface Leftover {
  readonly id: string;
  readonly name: string;
  /** As it was created from: `base:209`. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string;
  readonly finishedAt: Date;
  readonly finishedAtText: string;
  /** The bytes that it has written. Absent if the engine did not report it. */
  readonly bytes?: number;
  /** The names of its volumes, which stay. */
  readonly volumes: readonly string[];
  /** Where it was built, by its label `org.opencontainers.image.source`. */
  readonly builtFrom?: string;
}

/** Why a stopped container is kept. */
export type KeptReason =
  | Owner
  | 'never-started'
  | 'restart-policy'
  | 'auto-remove'
  | 'being-removed'
  | 'too-recent'
  | 'lends-volumes'
  | 'shares-volumes'
  | 'needed'
  | 'unknown-volume-users';

/** Containers that are kept for one reason. */
export interface KeptContainers {
  readonly why: KeptReason;
  readonly count: number;
  /** The first names. */
  readonly examples: readonly string[];
  /** How many are recognized only by the form of their names. */
  readonly byName: number;
}

/** The containers of one engine, sorted by what may be done with them. */
export interface SortedContainers {
  readonly leftovers: readonly Leftover[];
  /** Not running, but kept. */
  readonly kept: readonly KeptContainers[];
  /** Unowned and old, but one of their volumes is mounted by a container that stays. With sizes. */
  readonly sharingVolumes: readonly Leftover[];
  /** Running, paused or restarting. */
  readonly inUse: number;
  /** Whether any of them is one of Kubernetes: then a kubelet manages the images. */
  readonly hasKubelet: boolean;
  /** Whether all containers of the engine were read and inspected. */
  readonly isComplete: boolean;
  /** The images and volumes of all containers that were read. */
  readonly imageIds: ReadonlySet<string>;
  readonly volumes: ReadonlySet<string>;
  /** The volumes of containers that are caches of GitLab Runner. */
  readonly runnerCacheVolumes: ReadonlySet<string>;
}
