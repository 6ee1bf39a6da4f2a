import { type ports, SourceError, wording } from '../../kit.ts';
import { limitTasks } from '../limit-tasks.ts';
import { withinTime } from '../within-time.ts';
import { analyseInTurns } from './analyse.ts';
import type { PipelineCommand } from './match-containers.ts';
import { type NamedRepository, repositoriesOf, targetOf } from './places.ts';

/** The commands in pipelines that leave containers behind, as far as pipelines could be read. */
export interface CommandsRead {
  readonly commands: readonly PipelineCommand[];
  /** What may have more of them: repositories and files. */
  readonly unread: readonly { readonly what: string; readonly because: string }[];
}

/** The files of one repository are in memory at once. */
const REPOSITORIES_AT_ONCE = 4;

/** Reads all pipelines within this time. For checks that can do without: what fails is returned, and nothing is thrown but bugs. */
export async function readCommands(
  sources: readonly ports.Pipelines[],
  { signal, withinMs }: { readonly signal: AbortSignal; readonly withinMs: number },
): Promise<CommandsRead> {
  const repositories = repositoriesOf(sources);
  const read = new Map<NamedRepository, CommandsRead>();
  await withinTime(signal, withinMs, async (untilLate) => {
    const limited = limitTasks(REPOSITORIES_AT_ONCE);
    await Promise.all(
      repositories.map((one) =>
        limited(async () => {
          if (!untilLate.aborted) read.set(one, await readRepository(one, untilLate));
        }),
      ),
    );
  });
  const all = repositories.map(
    (one): CommandsRead =>
      read.get(one) ?? { commands: [], unread: [{ what: one.name, because: 'not read in time' }] },
  );
  const empty = sources.filter((source) => source.repositories.length === 0);
  return {
    commands: all.flatMap(({ commands }) => commands),
    unread: [
      ...empty.map(({ name }) => ({ what: name, because: 'no repositories are configured' })),
      ...all.flatMap(({ unread }) => unread),
    ],
  };
}

async function readRepository(
  { source, repository, name }: NamedRepository,
  signal: AbortSignal,
): Promise<CommandsRead> {
  const files: ports.PipelineFile[] = [];
  const failed: { readonly what: string; readonly because: string }[] = [];
  try {
    for await (const batch of source.files({ repository, signal })) files.push(...batch);
  } catch (error) {
    if (!signal.aborted && !(error instanceof SourceError)) throw error;
    failed.push({
      what: name,
      because: error instanceof SourceError ? error.message : 'not read in time',
    });
  }
  const { leaks, unread, left } = await analyseInTurns(files, signal);
  if (left > 0) failed.push({ what: name, because: `no time for ${wording.count(left, 'file')}` });
  const unreadFiles = new Map(unread.map(({ path, because }) => [path, because]));
  return {
    commands: leaks.map((leak) => ({
      repository: name,
      place: `${targetOf(name, leak.path)}:${leak.line}`,
      leak,
    })),
    unread: [
      ...failed,
      ...Array.from(unreadFiles, ([path, because]) => ({ what: targetOf(name, path), because })),
    ],
  };
}
