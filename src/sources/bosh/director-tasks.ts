import { z } from 'zod';
import type { DirectorTask } from '../../ports/processes.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { BoshConfig } from './config.ts';
import { cleanDirectorText } from './director-error.ts';
import { parseAs, parseLines } from './parse.ts';
import type { DirectorSession } from './session.ts';
import { RUNNING_STATES } from './task.ts';

/** The newest ones, so that the last deploy of each deployment is usually among them. */
const RECENT = 100;
/** How many running tasks are followed. A director has few workers. */
const MAX_RUNNING = 10;

const listedTask = z.object({
  id: z.union([z.number(), z.string()]),
  state: z.string(),
  description: z.string().nullish(),
  deployment: z.string().nullish(),
  timestamp: z.number().nullish(),
  started_at: z.number().nullish(),
});
type ListedTask = z.output<typeof listedTask>;

const taskEvent = z.object({
  time: z.number().nullish(),
  stage: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
  task: z.string().nullish(),
  state: z.string().nullish(),
});
type TaskEvent = z.output<typeof taskEvent>;

interface TasksQuery extends ReadOptions {
  readonly config: BoshConfig;
  readonly session: DirectorSession;
}

/**
 * The running tasks with what they work on, and the last ones, newest first. Tasks that only read are hidden by the director.
 * @throws {SourceError}
 */
export async function readDirectorTasks(query: TasksQuery): Promise<readonly DirectorTask[]> {
  const running = await listTasks(query, `state=${[...RUNNING_STATES].join(',')}&verbose=1`);
  const recent = await listTasks(query, `limit=${RECENT}&verbose=1`);
  // A task may have ended between the two.
  const known = new Map([...running, ...recent].map((task) => [String(task.id), task]));
  const tasks = [...known.values()].toSorted((one, other) => Number(other.id) - Number(one.id));
  const followed = new Set(tasks.filter(({ state }) => RUNNING_STATES.has(state)).slice(0, MAX_RUNNING));
  return Promise.all(
    tasks.map(async (task) => {
      const step = followed.has(task) ? await readStep(query, task) : undefined;
      return { ...toDirectorTask(task), ...(step && { step }) };
    }),
  );
}

async function listTasks(
  { config, session, signal }: TasksQuery,
  filter: string,
): Promise<readonly ListedTask[]> {
  const { text } = await session.request({ path: `/tasks?${filter}`, signal });
  return parseAs(config.name, 'the list of tasks', z.array(listedTask), text);
}

/** undefined if the events can't be read, or are of no stage yet: that a task is running is known without them. */
async function readStep(
  { session, signal }: TasksQuery,
  { id }: ListedTask,
): Promise<DirectorTask['step'] | undefined> {
  const path = `/tasks/${encodeURIComponent(String(id))}/output?type=event`;
  try {
    const { text } = await session.request({ path, accept: [416], signal });
    return stepIn(parseLines(taskEvent, `${text}\n`).read);
  } catch (error) {
    if (signal.aborted || !(error instanceof SourceError)) throw error;
    return undefined;
  }
}

/** Events of one stage are about several instances at once, in any order. */
function stepIn(events: readonly TaskEvent[]): DirectorTask['step'] | undefined {
  const last = events.findLast(({ stage }) => typeof stage === 'string');
  if (!last) return undefined;
  const startedAt = new Map<string, number | undefined>();
  const finished: string[] = [];
  for (const { stage, tags, task, time, state } of events) {
    if (stage !== last.stage || String(tags ?? '') !== String(last.tags ?? '') || !task) continue;
    const name = nameIn(task);
    if (state === 'finished' || state === 'failed') {
      startedAt.delete(name);
      if (state === 'finished') finished.push(name);
    } else if (!startedAt.has(name)) startedAt.set(name, time ?? undefined);
  }
  const times = [...startedAt.values()].filter((time) => time !== undefined);
  const tags = (last.tags ?? []).map(cleanDirectorText).join(', ');
  const stage = cleanDirectorText(last.stage ?? '');
  return {
    stage: tags === '' ? stage : `${stage}: ${tags}`,
    current: [...startedAt.keys()],
    ...(times.length > 0 && { since: new Date(Math.min(...times) * 1000) }),
    finished,
  };
}

/** `diego-cell/1b (1)` and `diego-cell/1b (1) (canary)` are the instance `diego-cell/1b`. */
function nameIn(task: string): string {
  return cleanDirectorText(task).replace(/(?: \([^()]*\))+$/, '');
}

function toDirectorTask({
  id,
  state,
  description,
  deployment,
  timestamp,
  started_at: startedAt,
}: ListedTask): DirectorTask {
  const isRunning = RUNNING_STATES.has(state);
  return {
    id: cleanDirectorText(String(id)),
    state: cleanDirectorText(state),
    description: cleanDirectorText(description ?? ''),
    ...(deployment && { deployment: cleanDirectorText(deployment) }),
    ...(startedAt && { startedAt: new Date(startedAt * 1000) }),
    // Some directors set it while the task is running.
    ...(timestamp && !isRunning && { endedAt: new Date(timestamp * 1000) }),
  };
}
