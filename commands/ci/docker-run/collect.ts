import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { limitTasks } from '../../shared/limit-tasks.ts';
import { type NamedRepository, repositoriesOf, targetOf } from '../../shared/pipelines/places.ts';
import { selectByName } from '../../shared/select-by-name.ts';
import { chooseSources } from '../../shared/sources.ts';
import { readEngines } from './engines.ts';
import { type Facts, isFixable, type LeakingFile, type PlacedLeak, type RepositoryFacts } from './facts.ts';
import { isMatch, isReadable, type ReadableFile, type SurveyedFiles, surveyFiles } from './survey.ts';
import { messageOf } from './words.ts';

interface Args {
  readonly repository?: string | undefined;
  readonly source?: string | undefined;
  readonly match?: string | undefined;
}

/** The files of one repository are in memory at once, so only few repositories are read at the same time. */
const REPOSITORIES_AT_ONCE = 4;

/** Reads the pipeline files of all repositories, then what their commands have left on engines. What a file says is unknown, and what couldn't be read, is a gap at its place. */
export async function collect(context: ReadContext<'pipelines', 'engines'>, args: Args): Promise<Facts> {
  const { gap } = context;
  const sources = chooseSources(context, 'pipelines', args.source);
  for (const { name, repositories } of sources)
    if (repositories.length === 0)
      gap(name, new SourceError(name, 'missing', 'no repositories are configured'));
  const limited = limitTasks(REPOSITORIES_AT_ONCE);
  const read = chooseRepositories(sources, args.repository, gap).map((chosen) =>
    limited(() => readRepository(context, chosen, args.match)),
  );
  const results = await Promise.all(read);
  const repositories = results.map(({ facts }) => facts);
  const areAllRead =
    args.repository === undefined && args.source === undefined && results.every(({ isWhole }) => isWhole);
  const isAnythingLeft = repositories.some(({ leaks }) => leaks.length > 0);
  if (!context.read.engines || !isAnythingLeft || context.isVerification) return { repositories, areAllRead };
  return { repositories, areAllRead, engines: await readEngines(context) };
}

function chooseRepositories(
  sources: readonly ports.Pipelines[],
  requested: string | undefined,
  gap: ReadContext['gap'],
): readonly NamedRepository[] {
  const named = repositoriesOf(sources);
  if (requested === undefined) return named;
  const matches = (asked: string, name: string) => name.toLowerCase().includes(asked.toLowerCase());
  return selectByName(named, { flag: '--repository', requested, nameOf: ({ name }) => name, matches }, gap);
}

async function readRepository(
  context: ReadContext<'pipelines'>,
  { source, repository, name }: NamedRepository,
  match: string | undefined,
): Promise<{ readonly facts: RepositoryFacts; readonly isWhole: boolean }> {
  const { attempt, gap, saw, signal } = context;
  const files: ports.PipelineFile[] = [];
  const isWhole = await attempt(name, false, async () => {
    for await (const batch of source.files({ repository, signal })) files.push(...batch);
    return true;
  });
  const asked = files.filter(({ path }) => isMatch(path, match));
  if (isWhole && asked.length === 0) {
    const because =
      match === undefined || files.length === 0
        ? 'has no pipeline files'
        : `has no pipeline file with ${match} in its path`;
    gap(name === '.' ? 'the current folder' : name, new SourceError(source.name, 'missing', because));
  }
  for (const { path, error = 'has no content' } of asked.filter((one) => !isReadable(one)))
    gap(targetOf(name, path), new SourceError(source.name, 'malformed', error));
  const surveyed = await surveyFiles(files, match, signal);
  if (surveyed.left > 0)
    gap(
      name,
      new SourceError(
        source.name,
        'unreachable',
        `${surveyed.left} of ${files.length} files were not analysed in time`,
      ),
    );
  const readWhole = noteUnread(context, { source, repository, name }, surveyed);
  if (readWhole > 0) saw(source.name, readWhole);
  const unknown = surveyed.leaks.filter(({ severity }) => severity === 'unknown');
  for (const leak of unknown) noteUnknown(context, source.name, name, leak);
  const leaks = surveyed.leaks.filter(({ severity }) => severity !== 'unknown');
  const { proposals } = source;
  const canPropose = source.proposing.allowed && proposals !== undefined && leaks.some(isFixable);
  const open = canPropose
    ? await attempt(`proposals of ${name}`, undefined, () => proposals({ repository, signal }))
    : undefined;
  const facts: RepositoryFacts = {
    source: source.name,
    repository,
    name,
    files: readWhole,
    ...(surveyed.starts !== undefined && { starts: surveyed.starts }),
    unknown: unknown.length,
    leaks,
    others: [...unknown, ...surveyed.otherLeaks],
    leakingFiles: leakingFiles(surveyed.files, leaks),
    proposing: source.proposing,
    hasRequests: proposals !== undefined,
    ...(open && { proposals: open }),
  };
  const isRead = files.every(isReadable) && surveyed.unread.length === 0;
  return { facts, isWhole: isWhole && isRead };
}

/** Only what the report needs of files: there may be thousands. */
function leakingFiles(
  files: readonly ReadableFile[],
  leaks: readonly PlacedLeak[],
): ReadonlyMap<string, LeakingFile> {
  const paths = new Set(leaks.map(({ path }) => path));
  return new Map(
    files
      .filter(({ path }) => paths.has(path))
      .map(({ path, content, commit, branch, isModified, url }) => [
        path,
        {
          content,
          ...(commit !== undefined && { commit }),
          ...(branch !== undefined && { branch }),
          ...(isModified && { isModified }),
          ...(url !== undefined && { url }),
        },
      ]),
  );
}

/** @returns how many files were read completely. */
function noteUnread(
  { gap }: Pick<ReadContext, 'gap'>,
  { source, name }: NamedRepository,
  { files, unread }: Pick<SurveyedFiles, 'files' | 'unread'>,
): number {
  for (const { path, line, column, because } of unread) {
    const what = targetOf(name, path);
    const error = new SourceError(source.name, 'malformed', because);
    if (line === undefined || column === undefined) gap(what, error);
    else gap(`${what}:${line}`, error, { location: { path, line, column, message: because } });
  }
  const incomplete = new Set(unread.map(({ path }) => path));
  return files.filter(({ path }) => !incomplete.has(path)).length;
}

/** What decides isn't in the file: the value of a variable, the machine, the version of a program. */
function noteUnknown(
  { gap }: Pick<ReadContext, 'gap'>,
  source: string,
  name: string,
  leak: PlacedLeak,
): void {
  const { path, line, column } = leak;
  const message = messageOf(leak);
  gap(`${targetOf(name, path)}:${line}`, new SourceError(source, 'malformed', message), {
    location: { path, line, column, message },
  });
}
