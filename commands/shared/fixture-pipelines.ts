import type { ports } from '../kit.ts';

const NOT_ALLOWED = { allowed: false, because: 'the configuration does not allow it' } as const;

/** Repositories in memory for the fixtures of checks, as documented in `src/ports`. The page size is 2. */
export function pipelineSource({
  name = 'github',
  files,
  proposing = NOT_ALLOWED,
  proposals = [],
}: {
  readonly name?: string;
  readonly files: readonly ports.PipelineFile[];
  readonly proposing?: ports.Pipelines['proposing'];
  readonly proposals?: readonly ports.ProposedChange[];
}): ports.Pipelines {
  return {
    name,
    repositories: [...new Set(files.map(({ repository }) => repository))],
    files: ({ repository }) => pagesOf(files.filter((one) => one.repository === repository)),
    proposing,
    proposals: async () => proposals,
  };
}

async function* pagesOf<T>(all: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let at = 0; at < all.length; at += 2) yield all.slice(at, at + 2);
}
