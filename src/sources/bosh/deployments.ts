import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Deployment, Instance } from '../../ports/processes.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import { printable } from '../../wire/x509.ts';
import type { BoshConfig } from './config.ts';
import { openEvents } from './events.ts';
import { lockOf, readLocks } from './locks.ts';
import { parseAs, parseLines } from './parse.ts';
import type { DirectorSession } from './session.ts';
import { followTask, taskName, REDIRECTS, taskIdIn } from './task.ts';
import { type InstanceResponse, instanceResponse, toInstance } from './to-instance.ts';

/** Each is a task on the director, which has few workers for tasks. */
const MAX_TASKS = 3;
/** A deployment that takes longer continues, but no longer blocks the others. */
const SLOW_MS = 3_000;

const listedDeployment = z.object({
  name: z.string(),
  releases: z.array(z.object({ name: z.string(), version: z.string() })).nullish(),
});
type ListedDeployment = z.output<typeof listedDeployment>;

const listedInstance = z.object({
  id: z.string().nullish(),
  job: z.string().nullish(),
  index: z.number().nullish(),
  expects_vm: z.boolean().nullish(),
});
type ListedInstance = z.output<typeof listedInstance>;

export interface DeploymentsQuery extends ReadOptions {
  readonly config: BoshConfig;
  readonly session: DirectorSession;
  /** From `/info`. */
  readonly directorVersion: string;
}

/**
 * All configured deployments, sorted by name. Each is read separately: one that is slow or not finished at the deadline is in the list with
 * gaps, and doesn't affect the others.
 * @throws {SourceError} if nothing could be read.
 */
export async function readDeployments(query: DeploymentsQuery): Promise<readonly Deployment[]> {
  const listed = await listDeployments(query);
  const wanted = [...new Set(query.config.deployments ?? listed.map(({ name }) => name))];
  const locks = readLocks(query).catch(orError);
  const locking = Promise.all(
    wanted.map(async (name) => {
      const held = await locks;
      return held instanceof SourceError ? held : lockOf(query, name, held).catch(orError);
    }),
  );
  // Awaited last: never awaited if reading the instances throws first.
  locking.catch(() => {});
  const instances = new Map<string, Promise<InstancesRead | SourceError>>();
  const tasks = followTasks(query, wanted.length);
  const begin = async (name: string): Promise<void> => {
    const reading = readInstances(query, name, tasks).catch(orError);
    reading.catch(() => {});
    instances.set(name, reading);
    await Promise.race([reading, sleep(SLOW_MS, undefined, { ref: false })]);
  };
  // Without the signal: at the deadline each request ends on its own, and what was read by then is kept.
  for await (const _ of concurrently(wanted, MAX_TASKS, begin));
  const read = await Promise.all(wanted.map((name) => instances.get(name)!));
  const held = await locking;
  return wanted
    .map((name, at) => deploymentOf(query.config, name, listed, read[at]!, held[at]))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** @throws {SourceError} */
export async function listDeployments({
  config,
  session,
  signal,
}: Omit<DeploymentsQuery, 'directorVersion' | 'onProgress'>): Promise<readonly ListedDeployment[]> {
  const path = '/deployments?exclude_configs=true&exclude_stemcells=true';
  const { text } = await session.request({ path, signal });
  return parseAs(config.name, 'the list of deployments', z.array(listedDeployment), text);
}

function deploymentOf(
  config: BoshConfig,
  name: string,
  listed: readonly ListedDeployment[],
  instances: InstancesRead | SourceError,
  lock: Deployment['lock'] | SourceError,
): Deployment {
  const version = versionOf(listed.find((one) => one.name === name)?.releases ?? []);
  const gaps: { readonly what: string; readonly error: SourceError }[] = [];
  if (lock instanceof SourceError)
    gaps.push({ what: `${printable(name)}: whether it is locked`, error: lock });
  if (instances instanceof SourceError)
    gaps.push({ what: `${printable(name)}: its instances`, error: instances });
  else if (instances.unread > 0)
    gaps.push({
      what: `${printable(name)}: ${instances.unread} of its instances`,
      error: unreadable(config),
    });
  if (!(instances instanceof SourceError) && instances.missing > 0)
    gaps.push({
      what: `${printable(name)}: ${instances.missing} of its instances`,
      error: new SourceError(
        config.name,
        'malformed',
        "the director lists them, but its full response doesn't include them",
      ),
    });
  return {
    source: config.name,
    name: printable(name),
    instances: instances instanceof SourceError ? [] : instances.read,
    ...(lock && !(lock instanceof SourceError) && { lock }),
    ...(gaps.length > 0 && { gaps }),
    ...(version !== undefined && { version }),
  };
}

interface InstancesRead {
  readonly read: readonly Instance[];
  /** How many lines of the response couldn't be parsed. */
  readonly unread: number;
  /** How many instances are listed by the director but missing in the response. */
  readonly missing: number;
}

/** A task queries the agents; its result is complete only when the task is done. */
async function readInstances(
  query: DeploymentsQuery,
  deployment: string,
  tasks: FollowedTasks,
): Promise<InstancesRead> {
  const { config, session, directorVersion, signal } = query;
  const path = `/deployments/${encodeURIComponent(deployment)}/instances`;
  const retryUntilMs = performance.now() + config.taskSeconds * 1000;
  const retrying = { retryUntilMs, signal };
  const plain = await session.request({ path, ...retrying });
  const listed = parseAs(config.name, 'the list of instances', z.array(listedInstance), plain.text);
  const errands = errandsIn(listed);
  // The task only reads, so it can be started again if the response was lost.
  const begun = await session.request({ path: `${path}?format=full`, accept: REDIRECTS, ...retrying });
  const id = taskIdIn(config, begun);
  tasks.begin(id);
  const task = await followTask(config, session, id, { forSeconds: config.taskSeconds, signal }).finally(() =>
    tasks.end(id),
  );
  if (task.state !== 'done') {
    const events = openEvents(session, id);
    await events.read(retrying).catch(orError);
    const said = events.error()?.message;
    const message = `${taskName(task)} ended as ${task.state}${said === undefined ? '' : `: ${said}`}`;
    throw new SourceError(config.name, 'unreachable', message);
  }
  const { text } = await session.request({ path: `/tasks/${id}/output?type=result`, ...retrying });
  // The task is done, so a last line without a newline is complete.
  const lines = parseLines(instanceResponse, `${text}\n`);
  const read = lines.read.map((one) => toInstance(config, directorVersion, one, errands.has(one.id ?? '')));
  const named = read.filter((one) => one !== undefined);
  const unread = lines.unread + read.length - named.length;
  // It's unknown which instance an unreadable line belongs to, so it is counted only once.
  const missing = Math.max(0, missingIn(listed, lines.read) - unread);
  tasks.countRead();
  return { read: named.toSorted(byName), unread, missing };
}

/** The tasks that are running, and how many deployments were read. */
interface FollowedTasks {
  readonly begin: (id: number) => void;
  readonly end: (id: number) => void;
  readonly countRead: () => void;
}

/** How many running tasks are named. */
const MAX_NAMED = 3;

function followTasks({ onProgress }: DeploymentsQuery, of: number): FollowedTasks {
  const running = new Set<number>();
  let read = 0;
  const report = () => {
    const named = [...running].slice(0, MAX_NAMED);
    const more = running.size > named.length ? ` and ${running.size - named.length} more` : '';
    onProgress?.({
      read,
      of,
      unit: 'deployments',
      ...(running.size > 0 && {
        waitingFor: `${running.size === 1 ? 'task' : 'tasks'} ${named.join(', ')}${more}`,
      }),
    });
  };
  report();
  return {
    begin: (id) => {
      running.add(id);
      report();
    },
    end: (id) => {
      running.delete(id);
      report();
    },
    countRead: () => {
      read += 1;
      report();
    },
  };
}

/** Ids of instances that need no VM although they weren't stopped. The full response doesn't identify them. */
function errandsIn(listed: readonly ListedInstance[]): ReadonlySet<string> {
  return new Set(listed.flatMap(({ id, expects_vm: expected }) => (expected === false && id ? [id] : [])));
}

/** A result that was cut off between two lines, or removed by the director's cleanup, looks complete. */
function missingIn(listed: readonly ListedInstance[], answers: readonly InstanceResponse[]): number {
  const known = new Set(answers.flatMap(({ id, job_name: job, index }) => [id, `${job}/${index}`]));
  return listed.filter(({ id, job, index }) =>
    id ? !known.has(id) : job && typeof index === 'number' && !known.has(`${job}/${index}`),
  ).length;
}

/** The version of Cloud Foundry, if the releases show it: `cf/245` up to the last monolithic release, `cf-deployment` since then. */
function versionOf(releases: NonNullable<ListedDeployment['releases']>): string | undefined {
  const cf = releases.find(({ name }) => name === 'cf');
  if (cf) return printable(`cf/${cf.version}`);
  return releases.some(({ name }) => name === 'capi') ? 'cf-deployment' : undefined;
}

function byName(one: Instance, other: Instance): number {
  if (one.group !== other.group) return one.group < other.group ? -1 : 1;
  return (one.index ?? Infinity) - (other.index ?? Infinity) || (one.id < other.id ? -1 : 1);
}

function unreadable({ name }: BoshConfig): SourceError {
  return new SourceError(name, 'malformed', 'the director sent lines that cannot be parsed');
}

function orError(error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  throw error;
}
