import type { ApplyContext } from './apply-context.ts';
import type { ConfiguredPermission } from './permission.ts';
import type { ReadOptions } from './read-options.ts';

/** Repositories whose files define CI pipelines: folders and git checkouts, or repositories on a server such as GitHub or GitLab. */
export interface Pipelines {
  /** The source's name in the configuration: `github`. */
  readonly name: string;
  /** As configured, without a request: `shop/api`, `/srv/checkouts/shop`. Unique in the source. */
  readonly repositories: readonly string[];
  /**
   * The pipeline files of one repository, with the scripts in it, in batches as they are read. Symbolic links are not followed out of a folder.
   * @throws {SourceError} if the files can't all be listed. The batches before the error are valid.
   */
  readonly files: (query: RepositoryQuery) => AsyncIterable<readonly PipelineFile[]>;
  /** Whether the configuration allows proposing changes in a pull or merge request, with a credential of its own. */
  readonly proposing: ConfiguredPermission;
  /**
   * The open pull or merge requests that Wrench has created in a repository.
   * Absent if the source has none, as with folders.
   * @throws {SourceError}
   */
  readonly proposals?: (query: RepositoryQuery) => Promise<readonly ProposedChange[]>;
}

export interface RepositoryQuery extends ReadOptions {
  readonly repository: string;
}

/** Which syntax a file has. `github-action` is a composite action. */
export type PipelineKind =
  | 'jenkins'
  | 'gitlab'
  | 'github-workflow'
  | 'github-action'
  | 'azure'
  | 'drone'
  | 'make'
  | 'shell';

/** One file, at the revision that was read. */
export interface PipelineFile {
  readonly repository: string;
  /** In the repository, with slashes: `ci/test.sh`. */
  readonly path: string;
  readonly kind: PipelineKind;
  /** Without a byte order mark; line ends as in the file. Absent if it couldn't be read as text; then `error` says why. */
  readonly content?: string;
  /** Such as `is larger than 2 MiB`, `is not text`, `is a link out of the repository`. */
  readonly error?: string;
  /** The commit that it was read from: 40 or 64 hexadecimal digits. Absent for a folder that is no git checkout. */
  readonly commit?: string;
  /** The branch that was read. */
  readonly branch?: string;
  /** Whether it differs from the commit, as in a checkout with local changes. */
  readonly isModified?: true;
  /** Its page at this commit, without a line. */
  readonly url?: string;
}

/** A pull request or merge request. */
export interface ProposedChange {
  /** `#12`, `!7`. */
  readonly id: string;
  readonly url: string;
  /** The branch with the change: `wrench/docker-run-3f2a91`. */
  readonly branch: string;
  readonly createdAt?: Date;
}

/** The new content of a file. */
export interface ChangedFile {
  readonly path: string;
  /** The content that it was planned for, which it must still have. */
  readonly from: string;
  readonly to: string;
}

export interface PipelineWriter {
  /**
   * Creates a branch from `commit`, one commit with the changed files, and a pull or merge request into `into`. A request that this remediation has
   * already created is returned as it is.
   * @throws {SourceError} `missing` if the branch `into` no longer has these files with this content; `refused` if the server refuses.
   */
  readonly propose: (
    change: {
      readonly repository: string;
      /** The branch that the change is for: `main`. */
      readonly into: string;
      readonly commit: string;
      /** The new branch. */
      readonly branch: string;
      readonly title: string;
      readonly body: string;
      readonly files: readonly ChangedFile[];
    },
    applyContext: ApplyContext,
  ) => Promise<ProposedChange>;
}
