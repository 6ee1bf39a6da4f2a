import type { ports } from '../../kit.ts';
import type { Leak } from './leak.ts';

/** A repository of a source, with the name that reports give it. */
export interface NamedRepository {
  readonly source: ports.Pipelines;
  readonly repository: string;
  /** With the name of its source if another source has a repository of this name. */
  readonly name: string;
}

/** All repositories of these sources. */
export function repositoriesOf(sources: readonly ports.Pipelines[]): readonly NamedRepository[] {
  const all = sources.flatMap((source) => source.repositories.map((repository) => ({ source, repository })));
  const bySharedName = Map.groupBy(all, ({ repository }) => repository);
  return all.map(({ source, repository }) => ({
    source,
    repository,
    name: bySharedName.get(repository)?.length === 1 ? repository : `${source.name}:${repository}`,
  }));
}

/** `shop/api:ci/test.sh`. A file in the current folder, and one that is configured itself, needs no more than its path. */
export function targetOf(repository: string, path: string): string {
  if (repository === '.') return path;
  return repository === path || repository.endsWith(`/${path}`) ? repository : `${repository}:${path}`;
}

/** `job unit, on edge-1` */
export function jobOf({ job, stage, remote }: Pick<Leak, 'job' | 'stage' | 'remote'>): string {
  const inPipeline = job === undefined ? (stage === undefined ? [] : [`stage ${stage}`]) : [`job ${job}`];
  return [...inPipeline, ...(remote === undefined ? [] : [`on ${remote}`])].join(', ');
}
