import { z } from 'zod';
import { SourceError } from '../../ports/source-error.ts';
import type { Deployment } from '../../ports/processes.ts';
import type { BoshConfig } from './config.ts';
import { parseAs } from './parse.ts';
import { cleanDirectorText } from './director-error.ts';
import type { DirectorSession } from './session.ts';
import { readTask } from './task.ts';

/** All are strings, including numbers: https://bosh.io/docs/director-api-v1/#list-locks. Old directors don't name the task. */
const lockResponse = z.object({
  type: z.string(),
  resource: z.union([z.string().transform((one) => [one]), z.array(z.string())]),
  task_id: z.union([z.string(), z.number().transform(String)]).nullish(),
});
export type LockResponse = z.output<typeof lockResponse>;

const lockedResponse = z.object({ name: z.string(), locked: z.boolean().nullish() });

/** Used instead of the id of a task that this credential cannot see. */
export const UNSEEN_TASK = 'unknown';

interface LockQuery {
  readonly config: BoshConfig;
  readonly session: DirectorSession;
  readonly signal: AbortSignal;
}

/** @throws {SourceError} */
export async function readLocks(asking: LockQuery): Promise<readonly LockResponse[]> {
  const { config, session, signal } = asking;
  const answer = await session.request({ path: '/locks', signal }).catch((error: unknown) => {
    if (error instanceof SourceError && error.kind === 'refused') return undefined;
    throw error;
  });
  if (!answer) return readLocked(asking);
  return parseAs(config.name, 'the list of locks', z.array(lockResponse), answer.text);
}

/** For team admins, who can't list locks: the list of deployments shows which are locked, but not by what. */
async function readLocked({ config, session, signal }: LockQuery): Promise<readonly LockResponse[]> {
  const path = '/deployments?exclude_configs=true&exclude_releases=true&exclude_stemcells=true';
  const { text } = await session.request({ path, signal });
  return parseAs(config.name, 'the list of deployments', z.array(lockedResponse), text)
    .filter(({ locked }) => locked === true)
    .map(({ name }) => ({ type: 'deployment', resource: [name] }));
}

/** The task that holds the lock on a deployment. @throws {SourceError} */
export async function lockOf(
  asking: LockQuery,
  deployment: string,
  locks: readonly LockResponse[],
): Promise<Deployment['lock']> {
  const held = locks.find(({ type, resource }) => type === 'deployment' && resource[0] === deployment);
  if (!held) return undefined;
  const { task_id: taskId } = held;
  if (!taskId) return { taskId: UNSEEN_TASK };
  const task = await readTask(asking.config, asking.session, taskId, { signal: asking.signal }).catch(
    (error: unknown) => {
      // The task may have just ended, or may be hidden from this credential: only the lock matters.
      if (error instanceof SourceError) return undefined;
      throw error;
    },
  );
  return {
    taskId: cleanDirectorText(taskId),
    ...(task && task.description !== '' && { description: task.description }),
  };
}
