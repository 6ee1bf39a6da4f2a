import { SourceError } from '../ports/source-error.ts';
import type { SourceHealth, SourcePermission } from '../ports/source.ts';
import { concurrently } from './concurrently.ts';
import { hintForConnection, type TokenApi } from './token-api.ts';

/** Repositories or projects asked about at once. */
const AT_ONCE = 6;
const MAX_NAMED = 10;

/** Whether all repositories of a server can be read. Throws only on a bug in Wrench. */
export async function checkRepositories<Repository>(
  repositories: readonly Repository[],
  {
    api,
    read,
    noun,
    hint,
    signal,
  }: {
    readonly api: TokenApi;
    /** @throws {SourceError} if it can't be read. */
    readonly read: (repository: Repository) => Promise<unknown>;
    readonly noun: { readonly one: string; readonly many: string };
    /** What to do if the server responds and refuses. */
    readonly hint: string;
    readonly signal: AbortSignal;
  },
): Promise<SourceHealth> {
  const failures: SourceError[] = [];
  const ask = async (repository: Repository): Promise<void> => {
    try {
      await read(repository);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      failures.push(error);
    }
  };
  try {
    for await (const _ of concurrently(repositories, AT_ONCE, ask, signal));
  } catch (error) {
    if (!signal.aborted) throw error;
    return { ok: false, summary: 'timed out', hint: `Check that ${api.host} is reachable from here` };
  }
  const count = repositories.length === 1 ? `1 ${noun.one}` : `${repositories.length} ${noun.many}`;
  if (failures.length === 0) return { ok: true, summary: `${api.host}: ${count} can be read` };
  const messages = new Set(failures.map(({ message }) => message));
  const summary = [...messages].toSorted().slice(0, MAX_NAMED).join('; ');
  return { ok: false, summary, hint: hintForConnection(api, failures) ?? hint };
}

/** The permissions in each repository, in the order of the repositories. @throws {SourceError} as `ask` does. */
export async function permissionsOfEach<Repository>(
  repositories: readonly Repository[],
  ask: (repository: Repository) => Promise<readonly SourcePermission[]>,
  signal: AbortSignal,
): Promise<readonly SourcePermission[]> {
  const all: (readonly SourcePermission[])[] = repositories.map(() => []);
  const askInOrder = async (at: number): Promise<void> => {
    all[at] = await ask(repositories[at]!);
  };
  for await (const _ of concurrently(repositories.keys(), AT_ONCE, askInOrder, signal));
  return all.flat();
}
