import type { Host, HostQuery } from '../../ports/hosts.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { SourcePermission } from '../../ports/source.ts';
import { list } from '../../text/wording.ts';
import type { HostReaders } from './host-readers.ts';

type Question = 'fileSizes' | 'instanceDisks' | 'novaSettings' | 'diskErrors' | 'openFiles';

/** What each question reads, as the doctor names it. */
const QUESTIONS: Readonly<Record<Question, string>> = {
  fileSizes: 'list the files of instances',
  instanceDisks: 'read the disks of instances',
  novaSettings: 'read the settings of Nova',
  diskErrors: 'read the logs of QEMU',
  openFiles: 'list the open files of other users',
};
const OTHERS = ['instanceDisks', 'novaSettings', 'diskErrors', 'openFiles'] as const;

interface Permitted {
  readonly host: string;
  readonly method: Question;
  /** Why not. undefined if it is allowed. */
  readonly refusal: string | undefined;
}

/** What can be read about instances, on the hosts that have the folder of Nova. Hosts that don't respond are left out. */
export async function readInstancePermissions(
  hosts: readonly Host[],
  readers: HostReaders,
  signal: AbortSignal,
): Promise<readonly SourcePermission[]> {
  const found = await Promise.all(hosts.map(({ name }) => permittedOn({ host: name, signal }, readers)));
  const groups = Map.groupBy(found.flat(), ({ method, refusal }) => JSON.stringify([method, refusal]));
  return [...groups.values()].map((group) => {
    const [{ method, refusal }] = group as [Permitted, ...Permitted[]];
    const names = list(group.map(({ host }) => host));
    return {
      method,
      permission: `${QUESTIONS[method]} on ${names}`,
      allowed: refusal === undefined,
      ...(refusal !== undefined && { hint: `${refusal}. deploy/hosts/sudoers has the lines for the hosts` }),
    };
  });
}

async function permittedOn(query: HostQuery, readers: HostReaders): Promise<readonly Permitted[]> {
  const files = { ...query, files: 'console-logs' } as const;
  const sizes = await tryQuestion(query, 'fileSizes', () => readers.fileSizes(files));
  if (!sizes) return [];
  const others = await Promise.all(
    OTHERS.map((method) => tryQuestion(query, method, () => readers[method](files))),
  );
  return [sizes, ...others.filter((one) => one !== undefined)];
}

/** undefined if the host can't say: it doesn't respond, or has no such files or program. */
async function tryQuestion(
  { host, signal }: HostQuery,
  method: Question,
  read: () => Promise<unknown>,
): Promise<Permitted | undefined> {
  try {
    await read();
    return { host, method, refusal: undefined };
  } catch (error) {
    if (!(error instanceof SourceError) && !signal.aborted) throw error;
    const isRefused = error instanceof SourceError && error.kind === 'refused' && !error.hostKey;
    return isRefused ? { host, method, refusal: error.message } : undefined;
  }
}
