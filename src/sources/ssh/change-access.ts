import { SourceError } from '../../ports/source-error.ts';
import { openSshHosts, type RunOnHost, type SshHosts } from '../../wire/ssh-hosts.ts';
import type { SshRoute } from '../../wire/ssh-login.ts';
import type { SshConfig } from './config.ts';
import type { ConfiguredHosts } from './configured-hosts.ts';
import { askHost, type HostQuestion } from './ask-host.ts';

/** The permissions under `allow`. */
export type HostChange = 'rescue' | 'truncate' | 'archive';

/** One host, with the credential of one kind of change. */
export interface ChangedHost extends HostQuestion {
  readonly isRoot: boolean;
}

/** Connections for changes. They are never used for reading. */
export interface ChangeAccess {
  /** @throws {SourceError} `missing` if no host has this name. */
  readonly on: (change: HostChange, host: string, signal: AbortSignal) => ChangedHost;
  /** Without a key of its own, a change uses the one for reading. */
  readonly hasOwnKey: (change: HostChange) => boolean;
  readonly close: () => Promise<void>;
}

type Credential = Pick<SshRoute, 'key' | 'agent'> & { readonly user?: string };

/** Kinds of change with the same credential share their connections. Nothing is connected before the first change. */
export function openChangeAccess(config: SshConfig, { routeOf }: ConfiguredHosts): ChangeAccess {
  const { name: source, concurrency, timeoutMs, allow = {} } = config;
  const opened = new Map<string, SshHosts>();
  const credentialOf = (change: HostChange): Credential => {
    const { user, key, agent } = allow[change] ?? {};
    return { ...(user !== undefined && { user }), ...((key ?? agent) !== undefined && { key, agent }) };
  };
  const routeFor = (change: HostChange, host: string): SshRoute | undefined => {
    const route = routeOf(host);
    return route && { ...route, ...credentialOf(change) };
  };
  const hostsFor = (change: HostChange): SshHosts => {
    const id = JSON.stringify(credentialOf(change));
    const known = opened.get(id);
    if (known) return known;
    const hosts = openSshHosts({
      source,
      routeOf: (host) => routeFor(change, host),
      concurrency,
      timeoutMs,
    });
    opened.set(id, hosts);
    return hosts;
  };
  return {
    on: (change, host, signal) => {
      const route = routeFor(change, host);
      if (!route) throw new SourceError(source, 'missing', `${host} is not one of the hosts of ${source}`);
      return {
        ...askHost(explained(hostsFor(change).run, source, change), source, { host, signal }),
        fail: (kind, reason) => new SourceError(source, kind, `${host}: ${reason}`),
        isRoot: route.user === 'root',
      };
    },
    hasOwnKey: (change) => credentialOf(change).key !== undefined || credentialOf(change).agent !== undefined,
    close: async () => {
      await Promise.all([...opened.values()].map(({ close }) => close()));
    },
  };
}

/** A key that can only ask questions is the wrong one here. */
function explained(run: RunOnHost, source: string, change: HostChange): RunOnHost {
  return async (host, command, options) => {
    try {
      return await run(host, command, options);
    } catch (error) {
      if (!(error instanceof SourceError) || error.code !== 'WRENCH_COLLECT') throw error;
      throw new SourceError(
        source,
        'refused',
        `${host}: this key can only ask questions; set \`allow.${change}.key\` to one whose forced command is \`wrench-change\``,
        { code: 'WRENCH_COLLECT' },
      );
    }
  };
}
