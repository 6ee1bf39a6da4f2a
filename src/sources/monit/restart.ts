import { setTimeout as sleep } from 'node:timers/promises';
import type { Order } from '../../ports/order.ts';
import type { RestartResult, RestartTarget } from '../../ports/processes.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { MonitConfig, MonitHost } from './config.ts';
import type { Contact, MonitOrder } from './client.ts';
import { isSettled, saidOf } from './describe-status.ts';
import { whoIs } from './instances.ts';
import type { MonitProcess } from './parse-status.ts';

const LOOK_EVERY_MS = 500;

/** One restart on its way. */
interface Way {
  readonly config: MonitConfig;
  readonly contact: Contact;
  readonly host: MonitHost;
  readonly process: string;
  readonly startedMs: number;
  readonly signal: AbortSignal;
}

/**
 * Restarts one process and comes back when another one runs in its place and monit watches over it.
 * One that is not monitored is monitored first; monit restarts it only then.
 * @throws {SourceError} `refused` or `missing` before anything was sent or done; `unreachable` where it is not known to be done.
 */
export async function restartProcess(
  config: MonitConfig,
  contact: Contact,
  target: RestartTarget,
  { signal }: Order,
): Promise<RestartResult> {
  const { host, process } = allowed(config, target);
  const way: Way = { config, contact, host, process, startedMs: performance.now(), signal };
  const before = await look(way);
  if (before.found.pendingAction !== 0)
    throw new SourceError(config.name, 'refused', `${process} on ${host.instance} ${saidOf(before.found)}`);
  if (before.found.monitor !== 0) return told(way, before.found.pid, await replace(way, before));

  // `restart` would only take it under watch and leave the process as it is: seen with monit 5.33.
  await give(way, 'start', before.token);
  const watched = await settle(way, isSettled);
  const isNew = (watched.found.uptimeSeconds ?? 0) <= Math.ceil(elapsedSeconds(way));
  const after = isNew ? watched.found : await replace(way, watched);
  return told(way, isNew ? undefined : watched.found.pid, after);
}

/** Everything that configuration alone can forbid: before anything is sent. */
function allowed(config: MonitConfig, target: RestartTarget): { host: MonitHost; process: string } {
  const { name, restart, hosts } = config;
  const refused = (because: string): SourceError => new SourceError(name, 'refused', because);
  if (target.source !== name || target.deployment !== name)
    throw refused(`${target.source}:${target.deployment} is not of the source ${name}`);
  const { process } = target;
  if (process === undefined) throw refused('monit restarts one process at a time: none was named');
  if (!restart.includes(process))
    throw refused(`${process} may not be restarted: it is not named in \`restart\` of the source ${name}`);
  const host = hosts.find((one) => {
    const { group, id } = whoIs(one);
    return group === target.group && id === target.id;
  });
  if (!host)
    throw new SourceError(name, 'missing', `the source ${name} has no host ${target.group}/${target.id}`);
  return { host, process };
}

interface Sight {
  readonly found: MonitProcess;
  readonly token?: string;
}

async function look({ config, contact, host, process, signal }: Way): Promise<Sight> {
  const { status, token } = await contact.readStatus(host, signal);
  const found = status.processes.find(({ name }) => name === process);
  const unread = status.unread.find(({ name }) => name === process);
  if (!found && unread)
    throw new SourceError(config.name, 'malformed', `${process} on ${host.instance}: ${unread.because}`);
  if (!found)
    throw new SourceError(config.name, 'missing', `monit on ${host.instance} knows no process ${process}`);
  return { found, ...(token !== undefined && { token }) };
}

async function replace(way: Way, { found: before, token }: Sight): Promise<MonitProcess> {
  await give(way, 'restart', token);
  const orderedMs = performance.now();
  const { found } = await settle(way, (now) => {
    if (!isSettled(now)) return false;
    if (now.pid !== before.pid) return true;
    // A pid can be reused: then the age distinguishes them.
    const sinceSeconds = (performance.now() - orderedMs) / 1000;
    return (now.uptimeSeconds ?? Infinity) < Math.min(before.uptimeSeconds ?? 0, sinceSeconds);
  });
  return found;
}

function give(
  { contact, host, process, signal }: Way,
  action: MonitOrder['action'],
  token: string | undefined,
): Promise<void> {
  return contact.order({ host, process, action, ...(token !== undefined && { token }) }, signal);
}

/** An order that was taken is not one that is done: looks until it is. A look without an answer is only one look. */
async function settle(way: Way, isDone: (process: MonitProcess) => boolean): Promise<Sight> {
  const { config, process, signal } = way;
  for (let last = ''; ;) {
    await pause(signal);
    const seen = await look(way).catch((error: unknown) => {
      if (!(error instanceof SourceError)) throw error;
      return error;
    });
    if (!(seen instanceof SourceError) && isDone(seen.found)) return seen;
    last = seen instanceof SourceError ? seen.message : `${process} ${saidOf(seen.found)}`;
    if (elapsedSeconds(way) >= config.actionSeconds)
      throw new SourceError(
        config.name,
        'unreachable',
        `monit took the order ${Math.round(elapsedSeconds(way))} s ago; ${last}`,
      );
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
}

function told(way: Way, before: number | undefined, { pid }: MonitProcess): RestartResult {
  const from = before === undefined ? 'not running' : `pid ${before}`;
  const to = before === undefined ? `pid ${pid}` : String(pid);
  return { summary: `${way.process}: ${from} -> ${to} after ${Math.round(elapsedSeconds(way))} s` };
}

function elapsedSeconds({ startedMs }: Way): number {
  return (performance.now() - startedMs) / 1000;
}
