import type { ports } from '../../kit.ts';
import type { Leak } from './leak.ts';
import { judgePluginRun, judgeStart } from './judge.ts';
import { positionsIn } from './positions.ts';
import { readShell } from './read-shell.ts';
import { offsetInFile, pieceAt } from './script.ts';
import { removalsByName, scopeCommands } from './scope-commands.ts';
import { scriptsIn } from './scripts-in.ts';

/** What the pipeline files of one repository do with containers. */
export interface RepositoryAnalysis {
  readonly leaks: readonly (Leak & { readonly path: string })[];
  /** How many commands start a container, each once. */
  readonly starts: number;
  /** How many files were read completely. */
  readonly files: number;
  /** What couldn't be read and may contain such commands. */
  readonly unread: readonly UnreadPart[];
}

export interface UnreadPart {
  readonly path: string;
  /** From 1. Absent if it is the whole file. */
  readonly line?: number;
  readonly column?: number;
  readonly because: string;
}

/** Analyses the pipeline files of one repository, which may include one another. Never throws. */
export function analyseRepository(files: readonly ports.PipelineFile[]): RepositoryAnalysis {
  const contents = contentsOf(files);
  return joined(files.map((file) => analyseFile(file, contents)));
}

/** So long other work waits while files are analysed. A large file takes longer. */
const MAX_TURN_MS = 10;
/** So long files are analysed after the deadline of a check, which then reports what it has. */
const MAX_OVERTIME_MS = 500;

/** The same as {@link analyseRepository}, with turns for other work: the files of a large repository take seconds. */
export async function analyseInTurns(
  files: readonly ports.PipelineFile[],
  signal: AbortSignal,
): Promise<RepositoryAnalysis & { readonly left: number }> {
  const contents = contentsOf(files);
  const analyses: FileAnalysis[] = [];
  let turn = performance.now();
  for (const file of files) {
    const spentMs = performance.now() - turn;
    if (spentMs > (signal.aborted ? MAX_OVERTIME_MS : MAX_TURN_MS)) {
      if (signal.aborted) break;
      await new Promise((resolve) => setImmediate(resolve));
      turn = performance.now();
    }
    analyses.push(analyseFile(file, contents));
  }
  return { ...joined(analyses), left: files.length - analyses.length };
}

function contentsOf(files: readonly ports.PipelineFile[]): ReadonlyMap<string, string> {
  return new Map(
    files.flatMap(({ path, content }) => (content === undefined ? [] : [[path, content] as const])),
  );
}

function joined(analyses: readonly FileAnalysis[]): RepositoryAnalysis {
  return {
    leaks: analyses.flatMap(({ leaks }) => leaks),
    starts: analyses.reduce((sum, { starts }) => sum + starts, 0),
    files: analyses.filter(({ unread }) => unread.length === 0).length,
    unread: analyses.flatMap(({ unread }) => unread),
  };
}

interface FileAnalysis extends Pick<RepositoryAnalysis, 'leaks' | 'starts' | 'unread'> {}

function analyseFile(file: ports.PipelineFile, others: ReadonlyMap<string, string>): FileAnalysis {
  const { path, kind, content } = file;
  if (content === undefined)
    return { leaks: [], starts: 0, unread: [{ path, because: file.error ?? "couldn't be read" }] };
  // Whatever starts a container names one of these somewhere.
  if (kind !== 'gitlab' && !content.includes('docker') && !NAMES_CONTAINERS.test(content)) return NOTHING;
  const { scripts, pluginRuns = [], problems } = scriptsIn({ path, kind, content }, others);
  const positions = positionsIn(content);
  const leaks = new Map<number, Leak>();
  const starts = new Set<number>();
  const unread = problems.map(({ at, because }) => ({ path, ...positions.at(at), because }));
  const add = (leak: Leak | undefined): void => {
    if (!leak) return;
    const known = leaks.get(leak.at);
    if (!known || rankOf(leak) < rankOf(known)) leaks.set(leak.at, leak);
  };
  const scopes = new Map(
    Array.from(
      Map.groupBy(scripts, (script) => script.scope),
      ([name, all]) => [name, all.map((script, index) => ({ script, index, ...readShell(script) }))] as const,
    ),
  );
  const removals = removalsByName([...scopes.values()].flat());
  for (const read of scopes.values()) {
    const scope = scopeCommands(read);
    for (const own of read) {
      const { script } = own;
      for (const { at, because } of own.unread)
        unread.push({ path, ...positions.at(offsetInFile(script.pieces, at)), because });
      for (const start of own.starts) {
        const elsewhere = pieceAt(script.pieces, start.at)?.inserted?.path;
        // That file reports it.
        if (elsewhere !== undefined && others.has(elsewhere)) continue;
        starts.add(offsetInFile(script.pieces, start.at));
        add(judgeStart(start, { own, scope, elsewhere: removals, kind, content, positions }));
      }
    }
  }
  for (const [name, runs] of Map.groupBy(pluginRuns, ({ command }) => command.scope)) {
    const scope = scopeCommands(scopes.get(name) ?? []);
    // Their places among the scripts of the scope.
    const places = scripts.flatMap((script, index) => (script.scope === name ? [index] : []));
    let place = 0;
    for (const run of runs.toSorted((a, b) => a.after - b.after)) {
      starts.add(run.at);
      while (place < places.length && places[place]! < run.after) place += 1;
      const own = { script: run.command, index: place - 0.5, ...readShell(run.command) };
      add(judgePluginRun(run, { own, scope, elsewhere: removals, kind, content, positions }));
    }
  }
  const found = [...leaks.values()].toSorted((a, b) => a.at - b.at);
  return { leaks: found.map((leak) => ({ ...leak, path })), starts: starts.size, unread: distinct(unread) };
}

const NAMES_CONTAINERS = /docker|podman|nerdctl|compose|container/i;
const NOTHING: FileAnalysis = { leaks: [], starts: 0, unread: [] };

/** Several jobs may have the same part. */
function distinct(unread: readonly UnreadPart[]): readonly UnreadPart[] {
  return [
    ...new Map(unread.map((one) => [JSON.stringify([one.line, one.column, one.because]), one])).values(),
  ];
}

/** A command that several jobs run is reported once, as it is in the worst of them. */
function rankOf({ severity }: Leak): number {
  return ['warning', 'unknown', 'info'].indexOf(severity);
}
