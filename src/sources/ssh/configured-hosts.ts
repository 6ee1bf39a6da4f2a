import { readFileSync, statSync } from 'node:fs';
import type { Host } from '../../ports/hosts.ts';
import { SourceError } from '../../ports/source-error.ts';
import { expandHostPatterns } from '../../text/host-patterns.ts';
import { withoutBrackets } from '../../wire/known-hosts.ts';
import type { SshRoute } from '../../wire/ssh-login.ts';
import type { SshConfig } from './config.ts';
import { type InventoryHost, parseInventory } from './inventory.ts';

/** The hosts of a source, as configured at the moment. */
export interface ConfiguredHosts {
  /**
   * Their names are unique. If the inventory can't be read, it is listed in place of its hosts: every question about it fails, so that no check
   * believes that there are no hosts.
   */
  readonly list: () => readonly Host[];
  /**
   * How a host is reached; undefined if there is none with this name.
   * @throws {SourceError} if the inventory can't be read.
   */
  readonly routeOf: (name: string) => SshRoute | undefined;
}

interface Listed {
  readonly version: string;
  readonly hosts: readonly Host[];
  readonly routes: ReadonlyMap<string, SshRoute>;
  readonly error?: SourceError;
}

/** Reads the inventory when it is first needed, and again when it has changed. */
export function configuredHosts(config: SshConfig): ConfiguredHosts {
  const { name: source, inventory, groups, hosts: patterns = [] } = config;
  let listed: Listed | undefined;
  const current = (): Listed => {
    const version = inventory === undefined ? '' : versionOf(inventory);
    if (listed?.version === version) return listed;
    listed =
      inventory === undefined
        ? listHosts(config, version, namesOf(patterns))
        : listInventory(config, version, inventory, groups);
    return listed;
  };
  return {
    list: () => current().hosts,
    routeOf: (name) => {
      const { routes, error } = current();
      if (error)
        throw new SourceError(source, error.kind, error.message, {
          ...(error.code !== undefined && { code: error.code }),
        });
      return routes.get(name);
    },
  };
}

/** The schema has verified them. */
function namesOf(patterns: readonly string[]): readonly InventoryHost[] {
  const expanded = expandHostPatterns(patterns);
  return 'names' in expanded ? expanded.names.map((name) => ({ name })) : [];
}

function listInventory(
  config: SshConfig,
  version: string,
  path: string,
  groups: readonly string[] | undefined,
): Listed {
  const unreadable = (message: string): Listed => ({
    version,
    hosts: [{ name: path, address: path }],
    routes: new Map(),
    error: new SourceError(config.name, 'unreachable', message, { code: 'INVENTORY' }),
  });
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return unreadable(`couldn't read the inventory ${path} (${(error as NodeJS.ErrnoException).code})`);
  }
  const inventory = parseInventory(text, groups);
  return 'problem' in inventory
    ? unreadable(`the inventory ${path} ${inventory.problem}`)
    : listHosts(config, version, inventory.hosts);
}

function listHosts(config: SshConfig, version: string, hosts: readonly InventoryHost[]): Listed {
  const routes = new Map(hosts.map((host) => [host.name, routeTo(config, host)]));
  return {
    version,
    hosts: [...routes].map(([name, { host, port }]) => ({
      name,
      address: `${host.includes(':') ? `[${withoutBrackets(host)}]` : host}:${port}`,
    })),
    routes,
  };
}

function routeTo(config: SshConfig, { name, address, port, user }: InventoryHost): SshRoute {
  const { key, agent, knownHosts, jump = [] } = config;
  const keys = config.hostKeys;
  return {
    name,
    host: address ?? config.address.replaceAll('{host}', name),
    port: port ?? config.port,
    user: user ?? config.user,
    key,
    agent,
    knownHosts,
    hostKeys: keys && Object.hasOwn(keys, name) ? keys[name] : undefined,
    jump: jump.map((through) => ({
      user: config.user,
      knownHosts,
      ...(through.key === undefined && through.agent === undefined && { key, agent }),
      ...through,
    })),
  };
}

function versionOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code}`;
  }
}
