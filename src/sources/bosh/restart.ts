import { setTimeout as sleep } from 'node:timers/promises';
import type { ApplyContext } from '../../ports/apply-context.ts';
import type { RestartResult, RestartTarget } from '../../ports/processes.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { BoshConfig } from './config.ts';
import { openEvents } from './events.ts';
import { restartsOneInstance } from './info.ts';
import { lockOf, readLocks, UNSEEN_TASK } from './locks.ts';
import { forbiddenBecause, skipsDrain } from './restart-permission.ts';
import type { DirectorSession } from './session.ts';
import { findTask, followTask, taskName, REDIRECTS, type Task, taskIdIn } from './task.ts';

/** If the response was lost, the task may appear a little later. */
const RECHECK_DELAYS_MS = [0, 300, 1_000] as const;
/** The only ids that a director accepts for an instance. */
const ID = /^(\d+|[0-9a-f]{8}-[0-9a-f-]{27})$/;
/** Error codes that prove that nothing was changed: an errand, an ignored instance, no such instance. */
const REFUSALS: ReadonlySet<number> = new Set([70_001, 70_002, 140_011, 190_020]);

interface RestartDeps {
  readonly config: BoshConfig;
  /** With the restart credential, which is used for everything here. */
  readonly session: DirectorSession;
  readonly directorVersion: (signal: AbortSignal) => Promise<string>;
}

/**
 * Restarts one instance. The idempotency key is sent as the context id. A task that was started with the same key is found and followed,
 * never started again, even if the response to the call was lost.
 */
export async function restartInstance(
  { config, session, directorVersion }: RestartDeps,
  target: RestartTarget,
  applyContext: ApplyContext,
): Promise<RestartResult> {
  refuseForbidden(config, target);
  const { signal } = applyContext;
  const known = await findTask(config, session, applyContext.idempotencyKey, signal);
  if (known) return awaitRestart({ config, session }, known.id, applyContext);
  await refuseLocked({ config, session, signal }, target.deployment);
  const version = await directorVersion(signal);
  signal.throwIfAborted();
  const id = await startRestart({ config, session }, version, target, applyContext);
  return awaitRestart({ config, session }, id, applyContext);
}

/** Checks the configuration only, before anything is sent. */
function refuseForbidden(config: BoshConfig, { deployment, group, id, process }: RestartTarget): void {
  const because =
    config.deployments && !config.deployments.includes(deployment)
      ? `the deployment ${deployment} is not configured (\`deployments\`: ${config.deployments.join(', ')})`
      : process !== undefined
        ? 'BOSH restarts whole instances, not single processes'
        : ID.test(id)
          ? forbiddenBecause(config, group)
          : `${group}/${id} is not a valid instance: use a UUID or an index`;
  if (because !== undefined) throw new SourceError(config.name, 'refused', because);
}

async function refuseLocked(
  asking: { readonly config: BoshConfig; readonly session: DirectorSession; readonly signal: AbortSignal },
  deployment: string,
): Promise<void> {
  const lock = await lockOf(asking, deployment, await readLocks(asking));
  if (!lock) return;
  const { taskId, description } = lock;
  const held =
    taskId === UNSEEN_TASK
      ? 'a task that this credential cannot see'
      : `task ${taskId}${description === undefined ? '' : ` (${description})`}`;
  throw new SourceError(asking.config.name, 'refused', `${deployment} is locked by ${held}`);
}

type DirectorAccess = Pick<RestartDeps, 'config' | 'session'>;

/** Returns the task. Sent only once: unless it is known to have failed, it may have happened. */
async function startRestart(
  { config, session }: DirectorAccess,
  version: string,
  { deployment, group, id }: RestartTarget,
  applyContext: ApplyContext,
): Promise<number> {
  const [path, query] = [`/deployments/${encodeURIComponent(deployment)}`, skipsDrain(config, group)];
  const call = restartsOneInstance(version)
    ? {
        method: 'POST' as const,
        path: `${path}/instance_groups/${encodeURIComponent(group)}/${id}/actions/restart${query ? '?skip_drain=true' : ''}`,
      }
    : {
        method: 'PUT' as const,
        path: `${path}/jobs/${encodeURIComponent(group)}/${id}?state=restart${query ? '&skip_drain=true' : ''}`,
      };
  const headers = {
    'x-bosh-context-id': applyContext.idempotencyKey,
    // The old route returns 404 without it.
    ...(call.method === 'PUT' && { 'content-type': 'text/yaml' }),
  };
  try {
    const { signal } = applyContext;
    return taskIdIn(config, await session.request({ ...call, headers, accept: REDIRECTS, signal }));
  } catch (error) {
    if (!(error instanceof SourceError) || !['unreachable', 'malformed'].includes(error.kind)) throw error;
    const found = await findLostTask({ config, session }, applyContext);
    if (found) return found.id;
    const message = `${error.message}; no task was found for it, but the restart may have started`;
    throw new SourceError(config.name, 'unreachable', message, { cause: error });
  }
}

async function findLostTask(
  { config, session }: DirectorAccess,
  applyContext: ApplyContext,
): Promise<Task | undefined> {
  for (const afterMs of RECHECK_DELAYS_MS) {
    await sleep(afterMs);
    const found = await findTask(config, session, applyContext.idempotencyKey, applyContext.signal).catch(
      (error: unknown) => {
        if (error instanceof SourceError) return undefined;
        throw error;
      },
    );
    if (found) return found;
  }
  return undefined;
}

async function awaitRestart(
  { config, session }: DirectorAccess,
  id: number,
  { signal }: ApplyContext,
): Promise<RestartResult> {
  const beganAtMs = performance.now();
  const events = openEvents(session, id);
  const meanwhile = async (): Promise<string | undefined> => {
    // Only for messages; the task doesn't depend on it.
    await events.read({ signal }).catch((error: unknown) => {
      if (!(error instanceof SourceError)) throw error;
    });
    return events.at();
  };
  const forSeconds = config.actionSeconds;
  const task = await followTask(config, session, id, { forSeconds, meanwhile, signal });
  const seconds = task.seconds ?? Math.round((performance.now() - beganAtMs) / 1000);
  if (task.state === 'done') return { summary: `task ${id} done after ${seconds} s` };
  throw taskError(config, task, events.error());
}

function taskError(
  { name }: BoshConfig,
  task: Task,
  error: { readonly code: number; readonly message: string } | undefined,
): SourceError {
  const said = error === undefined ? '' : `: ${error.message}`;
  const nothingDone =
    error !== undefined && (REFUSALS.has(error.code) || error.message.startsWith('Failed to acquire lock'));
  const message = `${taskName(task)} ended as ${task.state}${said}`;
  return new SourceError(name, nothingDone ? 'refused' : 'unreachable', message);
}
