import type { ports } from '../../kit.ts';
import type { Leak } from '../../shared/pipelines/leak.ts';

export interface Facts {
  readonly repositories: readonly RepositoryFacts[];
  /** Whether these are all repositories of the environment, and all of their pipelines could be read. */
  readonly areAllRead: boolean;
  /** Absent if no command leaves a container behind, or the environment has no engines. */
  readonly engines?: readonly EngineFacts[];
}

/** What is left over on one container engine. */
export interface EngineFacts {
  /** As findings name it: `builders:node-b`. */
  readonly target: string;
  /** The names of its machine. */
  readonly machine: readonly string[];
  readonly containers: readonly LeftContainer[];
}

/** A stopped container without an owner. */
export type LeftContainer = Pick<ports.EngineContainer, 'name' | 'image' | 'labels'>;

export interface RepositoryFacts {
  readonly source: string;
  /** As the source names it: `shop/api`. */
  readonly repository: string;
  /** With the name of its source if another source has a repository of this name. */
  readonly name: string;
  /** How many files were read completely. */
  readonly files: number;
  /** How many commands start a container. Unknown if only some files are asked for. */
  readonly starts?: number;
  /** Those of which it is unknown whether they leave one behind. */
  readonly unknown: number;
  /** By path and line, without those that are unknown. */
  readonly leaks: readonly PlacedLeak[];
  /** Commands that containers may come from too: those that are unknown, and those in files that were not asked for. */
  readonly others: readonly PlacedLeak[];
  /** The files that they are in, by path. */
  readonly leakingFiles: ReadonlyMap<string, LeakingFile>;
  readonly proposing: ports.Pipelines['proposing'];
  /** Whether it can have pull or merge requests: a folder has none. */
  readonly hasRequests: boolean;
  /** The open requests of Wrench; undefined if they couldn't be read, or weren't asked for. */
  readonly proposals?: readonly ports.ProposedChange[];
}

export type PlacedLeak = Leak & { readonly path: string };

export type LeakingFile = Pick<ports.PipelineFile, 'commit' | 'branch' | 'isModified' | 'url'> & {
  readonly content: string;
};

/** What a pull request can correct: `--rm` is the cure, and the machine continues to exist. */
export function isFixable({ severity, fix }: PlacedLeak): boolean {
  return severity === 'warning' && fix !== undefined;
}

/** The measure that proves that changes were proposed. */
export function openRequestsLabel({
  source,
  repository,
}: Pick<RepositoryFacts, 'source' | 'repository'>): string {
  return `requests by Wrench in ${source}:${repository}`;
}
