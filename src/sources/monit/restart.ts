import { setTimeout as sleep } from 'node:timers/promises';
import type { ApplyContext } from '../../ports/apply-context.ts';
import type { RestartResult, RestartTarget } from '../../ports/processes.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { MonitConfig, MonitHost } from './config.ts';
import type { MonitClient, MonitAction } from './client.ts';
import { isSettled, describeStatus } from './describe-status.ts';
import { identityOf, mayRestart } from './instances.ts';
import type { MonitProcess } from './parse-status.ts';

const POLL_INTERVAL_MS = 500;

/** One restart in progress. */
interface RestartRun {
  readonly config: MonitConfig;
  readonly client: MonitClient;
  readonly host: MonitHost;
  readonly process: string;
  readonly startedMs: number;
  readonly signal: AbortSignal;
}

/**
 * Restarts one process, and returns once another one runs in its place and is monitored. An unmonitored process is monitored first, because
 * monit doesn't restart it otherwise.
 * @throws {SourceError} `refused` or `missing` before anything was sent or done; `unreachable` if it is unknown whether it was done.
 */
export async function restartProcess(
  config: MonitConfig,
  client: MonitClient,
  target: RestartTarget,
  { signal }: ApplyContext,
): Promise<RestartResult> {
  const { host, process } = requireAllowed(config, target);
  const run: RestartRun = { config, client, host, process, startedMs: performance.now(), signal };
  const before = await readProcess(run);
  if (before.found.pendingAction !== 0)
    throw new SourceError(
      config.name,
      'refused',
      `${process} on ${host.instance} ${describeStatus(before.found)}`,
    );
  if (before.found.monitor !== 0) return toResult(run, before.found.pid, await restartAndWait(run, before));

  // `restart` would only monitor it and not restart the process, as observed with monit 5.33.
  await sendAction(run, 'start', before.token);
  const watched = await waitUntil(run, isSettled);
  const isNew = (watched.found.uptimeSeconds ?? 0) <= Math.ceil(elapsedSeconds(run));
  const after = isNew ? watched.found : await restartAndWait(run, watched);
  return toResult(run, isNew ? undefined : watched.found.pid, after);
}

/** Checks the configuration only, before anything is sent. */
function requireAllowed(config: MonitConfig, target: RestartTarget): { host: MonitHost; process: string } {
  const { name, hosts } = config;
  const refused = (because: string): SourceError => new SourceError(name, 'refused', because);
  if (target.deployment !== name) throw refused(`the source ${name} has no deployment ${target.deployment}`);
  const { process } = target;
  if (process === undefined) throw refused('monit restarts single processes, and none was named');
  if (!mayRestart(config, process))
    throw refused(`${process} is not listed in \`allow.restart.processes\` of the source ${name}`);
  const host = hosts.find((one) => {
    const { group, id } = identityOf(one);
    return group === target.group && id === target.id;
  });
  if (!host)
    throw new SourceError(name, 'missing', `the source ${name} has no host ${target.group}/${target.id}`);
  return { host, process };
}

interface ProcessStatus {
  readonly found: MonitProcess;
  readonly token?: string;
}

async function readProcess({ config, client, host, process, signal }: RestartRun): Promise<ProcessStatus> {
  const { status, token } = await client.readStatus(host, signal);
  const found = status.processes.find(({ name }) => name === process);
  const unread = status.unread.find(({ name }) => name === process);
  if (!found && unread)
    throw new SourceError(config.name, 'malformed', `${process} on ${host.instance}: ${unread.because}`);
  if (!found)
    throw new SourceError(config.name, 'missing', `monit on ${host.instance} has no process ${process}`);
  return { found, ...(token !== undefined && { token }) };
}

async function restartAndWait(
  run: RestartRun,
  { found: before, token }: ProcessStatus,
): Promise<MonitProcess> {
  await sendAction(run, 'restart', token);
  const orderedMs = performance.now();
  const { found } = await waitUntil(run, (now) => {
    if (!isSettled(now)) return false;
    if (now.pid !== before.pid) return true;
    // A pid can be reused; then the uptime shows whether it is another process.
    const sinceSeconds = (performance.now() - orderedMs) / 1000;
    return (now.uptimeSeconds ?? Infinity) < Math.min(before.uptimeSeconds ?? 0, sinceSeconds);
  });
  return found;
}

function sendAction(
  { client, host, process, signal }: RestartRun,
  action: MonitAction['action'],
  token: string | undefined,
): Promise<void> {
  return client.send({ host, process, action, ...(token !== undefined && { token }) }, signal);
}

/** Polls until the action is done: monit accepts it before that. A failed poll is retried. */
async function waitUntil(
  run: RestartRun,
  isDone: (process: MonitProcess) => boolean,
): Promise<ProcessStatus> {
  const { config, process, signal } = run;
  for (let last = ''; ;) {
    await pause(signal);
    const seen = await readProcess(run).catch((error: unknown) => {
      if (!(error instanceof SourceError)) throw error;
      return error;
    });
    if (!(seen instanceof SourceError) && isDone(seen.found)) return seen;
    last = seen instanceof SourceError ? seen.message : `${process} ${describeStatus(seen.found)}`;
    if (elapsedSeconds(run) >= config.actionSeconds)
      throw new SourceError(
        config.name,
        'unreachable',
        `monit accepted the action ${Math.round(elapsedSeconds(run))} s ago; ${last}`,
      );
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  await sleep(POLL_INTERVAL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
}

function toResult(run: RestartRun, before: number | undefined, { pid }: MonitProcess): RestartResult {
  const from = before === undefined ? 'not running' : `pid ${before}`;
  const to = before === undefined ? `pid ${pid}` : String(pid);
  return { summary: `${run.process}: ${from} -> ${to} after ${Math.round(elapsedSeconds(run))} s` };
}

function elapsedSeconds({ startedMs }: RestartRun): number {
  return (performance.now() - startedMs) / 1000;
}
