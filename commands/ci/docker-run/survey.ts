import { type ports, SourceError } from '../../kit.ts';
import { analyseInTurns, type RepositoryAnalysis } from '../../shared/pipelines/analyse.ts';
import type { PlacedLeak } from './facts.ts';

/** A file with its text. */
export type ReadableFile = ports.PipelineFile & { readonly content: string };

export interface SurveyedFiles {
  readonly files: readonly ReadableFile[];
  readonly leaks: readonly PlacedLeak[];
  /** In files that are not asked for. */
  readonly otherLeaks: readonly PlacedLeak[];
  /** Unknown if only some files are asked for. */
  readonly starts?: number;
  readonly unread: RepositoryAnalysis['unread'];
  /** How many files there was no time for. */
  readonly left: number;
}

export function isReadable(file: ports.PipelineFile): file is ReadableFile {
  return file.content !== undefined && file.error === undefined;
}

/** What the commands in these files leave behind. All files of a repository are read, because they may include one another. */
export async function surveyFiles(
  files: readonly ports.PipelineFile[],
  match: string | undefined,
  signal: AbortSignal,
): Promise<SurveyedFiles> {
  const readable = files.filter(isReadable);
  const { leaks, starts, unread, left } = await analyseInTurns(readable, signal);
  const isAsked = ({ path }: { readonly path: string }) => isMatch(path, match);
  return {
    files: readable.slice(0, readable.length - left).filter(isAsked),
    leaks: leaks.filter(isAsked).toSorted(byPlace),
    otherLeaks: leaks.filter((leak) => !isAsked(leak)),
    ...(match === undefined && left === 0 && { starts }),
    unread: unread.filter(isAsked),
    left,
  };
}

/** Whether a path contains the text, in upper or lower case. */
export function isMatch(path: string, match: string | undefined): boolean {
  return match === undefined || path.toLowerCase().includes(match.toLowerCase());
}

function byPlace(one: PlacedLeak, other: PlacedLeak): number {
  if (one.path !== other.path) return one.path < other.path ? -1 : 1;
  return one.at - other.at;
}

/**
 * All pipeline files of a repository.
 * @throws {SourceError}
 */
export async function readAllFiles(
  source: ports.Pipelines,
  query: ports.RepositoryQuery,
): Promise<readonly ports.PipelineFile[]> {
  if (!source.repositories.includes(query.repository))
    throw new SourceError(source.name, 'missing', `${query.repository} is no longer configured`);
  const files: ports.PipelineFile[] = [];
  for await (const batch of source.files(query)) files.push(...batch);
  return files;
}
