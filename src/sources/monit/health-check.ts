import type { SourceHealth } from '../../ports/source.ts';
import type { SourceError, SourceErrorKind } from '../../ports/source-error.ts';
import type { MonitConfig } from './config.ts';
import type { MonitClient } from './client.ts';
import { readHosts } from './instances.ts';

const MAX_NAMED = 5;

const HINTS: Readonly<Record<SourceErrorKind, string>> = {
  refused: 'correct `auth`: the user and password after `allow` in the monitrc',
  unreachable:
    'correct the `url`, or set `set httpd` in the monitrc to an address that this machine can reach: on BOSH it listens on 127.0.0.1 only',
  missing: 'correct the `url`, or the path in `ca`',
  malformed: "correct the `url`: it must be monit's own port (2812, or 2822 on BOSH)",
};

/** Queries all hosts: one that responds says nothing about the others. Throws only on a bug in Wrench. */
export async function checkMonitHealth(
  config: MonitConfig,
  client: MonitClient,
  signal: AbortSignal,
): Promise<SourceHealth> {
  const notResponding: { readonly instance: string; readonly error: SourceError }[] = [];
  let answering = 0;
  try {
    for await (const status of readHosts(config, client, signal)) {
      if ('error' in status) notResponding.push({ instance: status.host.instance, error: status.error });
      else answering += 1;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    const summary = `${answering} of ${config.hosts.length} monits responded before the timeout`;
    return { ok: false, summary, hint: 'allow more time' };
  }
  const { hosts } = config;
  const { restart } = config.allow;
  const permission = restart ? `can restart ${restart.processes.join(', ')}` : 'read-only';
  const summary = `${answering} of ${hosts.length} ${hosts.length === 1 ? 'monit responds' : 'monits respond'}; ${permission}`;
  const [first] = notResponding;
  if (!first) return { ok: true, summary };
  const named = notResponding
    .slice(0, MAX_NAMED)
    .map(({ instance, error }) => `${instance} (${error.message})`);
  const more = notResponding.length > MAX_NAMED ? ` and ${notResponding.length - MAX_NAMED} more` : '';
  return {
    ok: false,
    summary: `${summary}; not responding: ${named.join(', ')}${more}`,
    hint: HINTS[first.error.kind],
  };
}
