import { z } from 'zod';
import { type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { sourceNamed } from '../../shared/sources.ts';
import { contentHash } from '../../shared/content-hash.ts';
import { applyFixes, changedLines, unifiedDiff } from './diff.ts';
import { isFixable, type PlacedLeak } from './facts.ts';
import { type ReadableFile, readAllFiles, type SurveyedFiles, surveyFiles } from './survey.ts';

export const fixParams = z.strictObject({
  source: z.string(),
  repository: z.string(),
  /** Only files with this in their path. */
  match: z.string().exactOptional(),
});

export type FixParams = z.output<typeof fixParams>;

/** The corrections of one repository, made from its files as they are now. */
export interface PlannedChange {
  readonly commit: string;
  /** The branch that it is for. */
  readonly into: string;
  readonly files: readonly FileChange[];
  /** How many files are left for the next request. */
  readonly filesLeft: number;
  /** Identifies the files as they are now. */
  readonly contentId: string;
  /** Identifies every changed character. */
  readonly diffId: string;
}

export interface FileChange extends ports.ChangedFile {
  /** Each as `line`, `before` and `after`. */
  readonly lines: ReturnType<typeof changedLines>;
  readonly diff: readonly string[];
}

/** What people can read before they approve it. Further files are for the next request. */
const MAX_LINES = 200;

type Context = Pick<ReadContext<'pipelines'>, 'read' | 'signal'>;

/**
 * Plans the corrections. Each was verified: the analysis of the changed files finds no correctable place in them any more, and nothing else has changed.
 * @throws {SourceError} `missing` if nothing is left to correct; `refused` if it may not be proposed; `malformed` if a correction wouldn't work.
 */
export async function planChange(
  { read, signal }: Context,
  { source: name, repository, match }: FixParams,
): Promise<PlannedChange> {
  const source = sourceNamed(read.pipelines, name);
  const refuse = (because: string) => new SourceError(name, 'refused', because);
  if (!source.proposing.allowed) throw refuse(source.proposing.because);
  if (!source.proposals) throw refuse(`${repository} has no pull or merge requests`);
  const [open] = await source.proposals({ repository, signal });
  if (open) throw refuse(`Wrench has already proposed changes: ${open.id} ${open.url}`);
  const all = await readAllFiles(source, { repository, signal });
  const surveyed = await surveyFiles(all, match, signal);
  signal.throwIfAborted();
  const byPath = Map.groupBy(surveyed.leaks.filter(isFixable), ({ path }) => path);
  const changed: { readonly file: ReadableFile; readonly change: FileChange }[] = [];
  let lines = 0;
  for (const [path, leaks] of byPath) {
    const file = surveyed.files.find((one) => one.path === path);
    if (!file) continue;
    const change = changeOf(name, file, leaks);
    lines += change.lines.length;
    if (changed.length > 0 && lines > MAX_LINES) break;
    changed.push({ file, change });
  }
  const [first] = changed;
  if (!first) throw new SourceError(name, 'missing', `nothing is left to correct in ${repository}`);
  const modified = changed.filter(({ file }) => file.isModified);
  if (modified.length > 0)
    throw refuse(
      `there are changes that aren't committed in ${wording.list(modified.map(({ file }) => file.path))}`,
    );
  const { commit, branch } = first.file;
  if (commit === undefined || branch === undefined)
    throw refuse(`the commit and branch of ${repository} aren't known`);
  if (changed.some(({ file }) => file.commit !== commit || file.branch !== branch))
    throw refuse(`${repository} changed while it was read`);
  const files = changed.map(({ change }) => change);
  await verify(name, { all, surveyed, match, signal }, files);
  return {
    commit,
    into: branch,
    files,
    filesLeft: byPath.size - files.length,
    contentId: contentHash(...files.flatMap(({ path, from }) => [path, from])),
    diffId: contentHash(...files.flatMap(({ path, to }) => [path, to])),
  };
}

function changeOf(source: string, { path, content }: ReadableFile, leaks: readonly PlacedLeak[]): FileChange {
  const fixes = leaks.flatMap(({ fix }) => fix ?? []);
  const to = applyFixes(content, fixes);
  if (to === undefined)
    throw new SourceError(source, 'malformed', `the corrections of ${path} contradict each other`);
  return {
    path,
    from: content,
    to,
    lines: changedLines(content, fixes),
    diff: unifiedDiff(path, content, fixes),
  };
}

/** Analyses the changed files as if they were in the repository. */
async function verify(
  source: string,
  {
    all,
    surveyed,
    match,
    signal,
  }: {
    readonly all: readonly ports.PipelineFile[];
    readonly surveyed: SurveyedFiles;
    readonly match: string | undefined;
    readonly signal: AbortSignal;
  },
  changes: readonly FileChange[],
): Promise<void> {
  const changed = new Map(changes.map(({ path, to }) => [path, to]));
  const after = await surveyFiles(
    all.map((file) => ({
      ...file,
      ...(changed.has(file.path) && { content: changed.get(file.path) ?? '' }),
    })),
    match,
    signal,
  );
  signal.throwIfAborted();
  const left = after.leaks.find((leak) => changed.has(leak.path) && isFixable(leak));
  if (left)
    throw new SourceError(
      source,
      'malformed',
      `the correction of ${left.path}:${left.line} would not remove its container`,
    );
  if (after.starts !== surveyed.starts || after.unread.length > surveyed.unread.length)
    throw new SourceError(source, 'malformed', 'the corrections would change more than these commands');
}
