import type { ports } from '../../kit.ts';
import type { Facts, LeakingFile, LeftContainer, PlacedLeak, RepositoryFacts } from './facts.ts';

/** Builders for stories and tests. */

export const COMMIT = '3f2a91c4d5e6f708192a3b4c5d6e7f8091a2b3c4';

type Placed = Pick<PlacedLeak, 'path' | 'line'> & Partial<PlacedLeak>;

/** A command that nothing removes the container of. `column` is where it begins in its line of `text`. */
export function leak({ path, line, ...known }: Placed): PlacedLeak {
  return {
    path,
    line,
    at: 0,
    column: 3,
    command: 'docker run app:1 ./test',
    reason: 'left',
    severity: 'warning',
    because: 'Without `--rm`, the container stays after it exits',
    labels: [],
    ...known,
  };
}

/** The same with a correction: ` --rm` after the first `run` of its line. `command` is the text that it begins with. */
export function fixableLeak(content: string, { begins = 'docker run', ...known }: Fixable): PlacedLeak {
  const at = content.indexOf(begins, offsetOfLine(content, known.line));
  const end = content.indexOf('run', at) + 'run'.length;
  const lineStart = content.lastIndexOf('\n', at) + 1;
  const lineEnd = content.indexOf('\n', at);
  const text = content.slice(lineStart, lineEnd === -1 ? undefined : lineEnd);
  return leak({
    at,
    column: at - lineStart + 1,
    command: text.slice(at - lineStart),
    fix: {
      at: end,
      end,
      inserts: ' --rm',
      line: known.line,
      corrected: `${text.slice(0, end - lineStart)} --rm${text.slice(end - lineStart)}`,
    },
    ...known,
  });
}

type Fixable = Placed & {
  /** What it begins with: `$DOCKER run`. */
  readonly begins?: string;
};

function offsetOfLine(content: string, line: number): number {
  let at = 0;
  for (let index = 1; index < line; index += 1) at = content.indexOf('\n', at) + 1;
  return at;
}

type Known = Pick<RepositoryFacts, 'leaks'> &
  Partial<Omit<RepositoryFacts, 'leakingFiles'>> & {
    readonly files?: number;
    /** The contents of files with leaks, by path. */
    readonly contents?: Readonly<Record<string, string>>;
    /** What all of these files have. */
    readonly file?: Partial<LeakingFile>;
    /** Where files are shown, without their path. */
    readonly pages?: string;
  };

/** A repository on a server that allows requests, unless overridden. */
export function repositoryFacts({ contents = {}, file, pages, leaks, ...known }: Known): RepositoryFacts {
  const repository = known.repository ?? 'shop/api';
  const paths = [...new Set([...leaks.map(({ path }) => path), ...Object.keys(contents)])];
  return {
    source: 'github',
    repository,
    name: repository,
    files: 4,
    starts: 12,
    unknown: 0,
    leaks,
    others: [],
    leakingFiles: new Map(
      paths.map((path) => [
        path,
        {
          content: contents[path] ?? '',
          commit: COMMIT,
          branch: 'main',
          ...(pages !== undefined && { url: `${pages}/${path}` }),
          ...file,
        },
      ]),
    ),
    proposing: { allowed: true } satisfies ports.Pipelines['proposing'],
    proposals: [],
    hasRequests: true,
    ...known,
  };
}

export function factsOf(...repositories: readonly RepositoryFacts[]): Facts {
  return { repositories, areAllRead: true };
}

/** The same with what is on engines, by their names. */
export function withEngines(
  facts: Facts,
  engines: Readonly<Record<string, readonly LeftContainer[]>>,
): Facts {
  return {
    ...facts,
    engines: Object.entries(engines).map(([target, containers]) => ({
      target,
      machine: [target],
      containers,
    })),
  };
}
