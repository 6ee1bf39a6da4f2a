import type { Host } from '../../ports/hosts.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { SourceHealth, SourcePermission } from '../../ports/source.ts';
import { count, list } from '../../text/wording.ts';
import { HOST_COMMANDS } from '../../wire/host-commands.ts';
import { sshHint } from '../../wire/ssh-hint.ts';
import type { RunOnHost } from '../../wire/ssh-hosts.ts';

interface Failure {
  readonly host: string;
  readonly error: SourceError;
}

const COLLECTOR = /^wrench-collect \d/;
/** Failures with different reasons that are shown. */
const MAX_REASONS = 4;

/** Logs in to every host and asks for its time. Throws only on a bug in Wrench. */
export async function checkHostsHealth(
  source: string,
  hosts: readonly Host[],
  run: RunOnHost,
  signal: AbortSignal,
): Promise<SourceHealth> {
  const failures = (
    await Promise.all(
      hosts.map(async ({ name: host }): Promise<Failure | undefined> => {
        try {
          const { exitCode } = await run(host, HOST_COMMANDS.clock(), { signal });
          if (exitCode === 0) return undefined;
          const message = `${host} responds, but couldn't run \`date\`: the user may have no shell there`;
          return { host, error: new SourceError(source, 'malformed', message, { code: 'NO_SHELL' }) };
        } catch (error) {
          if (error instanceof SourceError) return { host, error };
          if (!signal.aborted) throw error;
          return {
            host,
            error: new SourceError(source, 'unreachable', `${host} didn't respond in time`, {
              code: 'TIMEOUT',
            }),
          };
        }
      }),
    )
  ).filter((failure) => failure !== undefined);
  const unlisted = failures.find(({ error }) => error.code === 'INVENTORY');
  if (unlisted) return { ok: false, summary: unlisted.error.message, hint: hintFor(unlisted.error) };
  const summary = `${hosts.length - failures.length} of ${count(hosts.length, 'host')} ${hosts.length === 1 ? 'responds' : 'respond'}`;
  if (failures.length === 0) return { ok: true, summary };
  const groups = [...Map.groupBy(failures, reasonOf).values()].toSorted((a, b) => b.length - a.length);
  const shown = groups.slice(0, MAX_REASONS).map(describe);
  const more = groups.length > MAX_REASONS ? `; and ${groups.length - MAX_REASONS} more reasons` : '';
  return {
    ok: false,
    summary: `${summary}: ${shown.join('; ')}${more}`,
    hint: hintFor(groups[0]![0]!.error),
  };
}

/** One cause, such as a jump host or a missing `known_hosts`, has one message for all of its hosts. */
function reasonOf({ error: { kind, code, hostKey } }: Failure): string {
  return JSON.stringify([kind, code, hostKey?.is, hostKey?.is === 'unknown' ? undefined : hostKey?.host]);
}

function describe(group: readonly Failure[]): string {
  const [{ error, host }] = group as [Failure, ...Failure[]];
  const message = error.message.includes(host) ? error.message : `${host}: ${error.message}`;
  if (group.length === 1) return message;
  const others = group.slice(1).map((one) => one.host);
  return `${message} (also ${list(others)})`;
}

function hintFor(error: SourceError): string {
  if (error.code === 'INVENTORY') return 'Check `inventory` and `groups`';
  if (error.code === 'NO_SHELL')
    return 'Give the user /bin/sh as its shell, or the forced command in deploy/hosts';
  return sshHint(error) ?? 'Check that the hosts are up and that the worker can connect to their ssh port';
}

/**
 * Whether the key gives a shell. Only `wrench-collect` knows this command, unless it is also in the PATH of a shell. Hosts that don't respond are left
 * out.
 */
export async function readHostPermissions(
  hosts: readonly Host[],
  run: RunOnHost,
  signal: AbortSignal,
): Promise<readonly SourcePermission[]> {
  const shells = (
    await Promise.all(
      hosts.map(async ({ name: host }) => {
        try {
          const { exitCode, stdout } = await run(host, HOST_COMMANDS.collector(), { signal });
          if (exitCode === 0 && COLLECTOR.test(stdout.toString('latin1'))) return [];
          // Without it, the forced command may be missing: nothing can be run.
          const clock = await run(host, HOST_COMMANDS.clock(), { signal });
          return clock.exitCode === 0 ? [host] : [];
        } catch (error) {
          if (error instanceof SourceError || signal.aborted) return [];
          throw error;
        }
      }),
    )
  ).flat();
  if (shells.length === 0) return [];
  return [
    {
      method: 'clock',
      permission: `log in to ${list(shells)}`,
      allowed: true,
      alsoAllows: 'run any command there as its user',
      hint:
        'Install deploy/hosts/wrench-collect, and restrict the key in authorized_keys: ' +
        '`restrict,command="/usr/local/bin/wrench-collect" ssh-ed25519 AAAA…`',
    },
  ];
}
