import type { LogLine, Logs } from '../../ports/logs.ts';
import type { Source } from '../../ports/source.ts';
import { offsetIn } from '../../text/time-zone.ts';
import { openSshHosts, type SshHosts } from '../../wire/ssh-hosts.ts';
import type { SshRoute } from '../../wire/ssh-login.ts';
import type { SyslogConfig } from './config.ts';
import { checkHealth } from './health-check.ts';
import { localFiles } from './local-files.ts';
import type { LogStore } from './log-store.ts';
import { type LogReading, readLogs } from './read-logs.ts';
import { sshFiles } from './ssh-files.ts';
import { readSwitchPorts } from './switch-ports.ts';

/** More files than this are not read. */
const MAX_FILES = 2_000;

/** Logs in files, on this machine or on a host. Nothing that was read is kept between queries. */
export function openSyslog(config: SyslogConfig): Source {
  const { name, contains, paths, timezone, switchPorts } = config;
  const connection = config.ssh && connect(config, config.ssh);
  const openStore = (): LogStore =>
    connection
      ? sshFiles({ source: name, host: connection.host, run: connection.run, paths, maxFiles: MAX_FILES })
      : localFiles(name, paths, MAX_FILES);
  const utcOffsetMinutes = timezone === undefined ? undefined : offsetIn(timezone);
  const reading = (): LogReading => ({ ...config, store: openStore(), utcOffsetMinutes });
  const logs: Logs = {
    name,
    contains,
    lines: (query) => (contains.includes(query.content) ? readLogs(reading(), query) : noLines()),
    switchPorts: async () => (switchPorts === undefined ? [] : readSwitchPorts(name, switchPorts)),
  };
  return {
    name,
    kind: 'syslog',
    reads: { logs },
    healthCheck: (signal) => checkHealth(reading(), switchPorts, signal),
    close: async () => connection?.close(),
  };
}

function connect(
  { name, timeoutMs }: SyslogConfig,
  { jump = [], ...access }: NonNullable<SyslogConfig['ssh']>,
): SshHosts & { readonly host: string } {
  const { user, key, agent, knownHosts, host } = access;
  const route: SshRoute = {
    ...access,
    jump: jump.map((one) => ({
      user,
      knownHosts,
      ...(one.key === undefined && one.agent === undefined && { key, agent }),
      ...one,
    })),
  };
  const routeOf = (): SshRoute => route;
  return { ...openSshHosts({ source: name, routeOf, timeoutMs }), host };
}

async function* noLines(): AsyncGenerator<readonly LogLine[]> {}
