import type { Host } from '../../ports/hosts.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { SourcePermission } from '../../ports/source.ts';
import { list } from '../../text/wording.ts';
import { HOST_CHANGES } from '../../wire/host-changes.ts';
import type { SshConfig } from './config.ts';
import type { ChangeAccess, HostChange } from './change-access.ts';

const CHANGES = {
  rescue: { method: 'rescueOpenFile', words: 'copy deleted base images' },
  truncate: { method: 'truncateConsole', words: 'truncate console logs' },
  archive: { method: 'archiveRows', words: 'archive rows of deleted instances' },
} as const satisfies Readonly<Record<HostChange, object>>;

const CHANGER = /^wrench-change \d+(?<changes>(?: [a-z]+)*)\s*$/;

/** `shell`: the key runs any command, so only trying it would say what works. Of a host that doesn't respond, nothing is known. */
type Seen = 'allowed' | 'not allowed' | 'shell' | 'unknown';

/** Which of the changes that the configuration allows its credentials can make, on which hosts. */
export async function readHostChangePermissions(
  { allow = {} }: SshConfig,
  hosts: readonly Host[],
  access: ChangeAccess,
  signal: AbortSignal,
): Promise<readonly SourcePermission[]> {
  const changes = (Object.keys(CHANGES) as HostChange[]).filter((change) => allow[change] !== undefined);
  const permissions = await Promise.all(
    changes.map(async (change) => {
      const names = change === 'archive' ? [allow.archive?.host ?? ''] : hosts.map(({ name }) => name);
      const seen = await Promise.all(
        names.map(async (host) => ({ host, is: await readChange(change, host, access, signal) })),
      );
      return permissionsOf(change, seen, access.hasOwnKey(change));
    }),
  );
  return permissions.flat();
}

async function readChange(
  change: HostChange,
  name: string,
  access: ChangeAccess,
  signal: AbortSignal,
): Promise<Seen> {
  try {
    const host = access.on(change, name, signal);
    const { exitCode, stdout } = await host.run(name, HOST_CHANGES.changer(), { signal });
    const { changes } = CHANGER.exec(stdout.toString('latin1'))?.groups ?? {};
    if (changes !== undefined) return changes.split(' ').includes(change) ? 'allowed' : 'not allowed';
    return exitCode === 127 ? 'shell' : 'not allowed';
  } catch (error) {
    if (error instanceof SourceError) return error.kind === 'unreachable' ? 'unknown' : 'not allowed';
    if (signal.aborted) return 'unknown';
    throw error;
  }
}

function permissionsOf(
  change: HostChange,
  seen: readonly { readonly host: string; readonly is: Seen }[],
  hasOwnKey: boolean,
): readonly SourcePermission[] {
  const { method, words } = CHANGES[change];
  const about = (is: Seen, more: Partial<SourcePermission>): readonly SourcePermission[] => {
    const hosts = seen.filter((one) => one.is === is).map(({ host }) => host);
    return hosts.length === 0
      ? []
      : [
          {
            method,
            permission: `${words} on ${list(hosts)}`,
            allowed: is !== 'not allowed',
            credential: `allow.${change}`,
            ...more,
          },
        ];
  };
  const install =
    'Install deploy/hosts/wrench-change, allow the change in its first lines, and restrict the key in authorized_keys: ' +
    '`restrict,command="sudo -n /usr/local/bin/wrench-change" ssh-ed25519 AAAA…`';
  return [
    ...about('allowed', {}),
    ...about('not allowed', {
      hint: hasOwnKey ? install : `The key for reading is used: set \`allow.${change}.key\`. ${install}`,
    }),
    ...about('shell', {
      alsoAllows: 'run any command there as its user',
      hint: hasOwnKey ? install : `The key for reading is used: set \`allow.${change}.key\`. ${install}`,
    }),
  ];
}
