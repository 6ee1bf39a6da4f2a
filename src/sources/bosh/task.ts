import { z } from 'zod';
import { SourceError } from '../../ports/source-error.ts';
import type { TextResponse } from '../../wire/http.ts';
import type { BoshConfig } from './config.ts';
import { cleanDirectorText } from './director-error.ts';
import { pause, type DirectorRequest, type DirectorSession } from './session.ts';
import { parseAs } from './parse.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
export const REDIRECTS = [301, 302, 303, 307, 308] as const;

const taskResponse = z.object({
  id: z.number(),
  state: z.string(),
  description: z.string().nullish(),
  timestamp: z.number().nullish(),
  started_at: z.number().nullish(),
  context_id: z.string().nullish(),
});

export interface Task {
  readonly id: number;
  /** Only `done` is success. `error`, `cancelled` and `timeout` are also final. */
  readonly state: string;
  readonly description: string;
  /** How long it ran, if it has ended. */
  readonly seconds?: number;
  readonly contextId?: string;
}

export const RUNNING_STATES: ReadonlySet<string> = new Set(['queued', 'processing', 'cancelling']);

/**
 * The task that a call was redirected to. Only the end of the path is used: the host may be unreachable from here, and must not get our
 * token.
 * @throws {SourceError}
 */
export function taskIdIn(config: BoshConfig, { headers }: TextResponse): number {
  const location = headers['location'] ?? '';
  const path = URL.canParse(location, config.url) ? new URL(location, config.url).pathname : '';
  const id = /\/tasks\/(\d{1,15})\/?$/.exec(path)?.[1];
  if (id !== undefined) return Number(id);
  throw new SourceError(config.name, 'malformed', 'the director did not report the task that it started');
}

/** @throws {SourceError} */
export async function readTask(
  config: BoshConfig,
  session: DirectorSession,
  id: number | string,
  asking: Pick<DirectorRequest, 'signal' | 'retryUntilMs'>,
): Promise<Task> {
  const { text } = await session.request({ path: `/tasks/${encodeURIComponent(id)}`, ...asking });
  return toTask(parseAs(config.name, `task ${id}`, taskResponse, text));
}

/**
 * The newest task that was started with a context id. Without `verbose=2`, a director hides some kinds of tasks. A director that is too old
 * for context ids returns all its tasks.
 * @throws {SourceError}
 */
export async function findTask(
  config: BoshConfig,
  session: DirectorSession,
  contextId: string,
  signal: AbortSignal,
): Promise<Task | undefined> {
  const path = `/tasks?verbose=2&limit=30&context_id=${encodeURIComponent(contextId)}`;
  const { text } = await session.request({ path, signal });
  const tasks = parseAs(config.name, 'the list of tasks', z.array(taskResponse), text).map(toTask);
  return tasks.filter((task) => task.contextId === contextId).toSorted((one, other) => other.id - one.id)[0];
}

export interface FollowOptions {
  readonly forSeconds: number;
  /** Called between two polls; returns the current stage of the task, if known. */
  readonly meanwhile?: () => Promise<string | undefined>;
  readonly signal: AbortSignal;
}

/**
 * Polls until the task has ended, in any state. A failed poll is retried: the task continues anyway.
 * @throws {SourceError} `unreachable` if it has not ended in time.
 */
export async function followTask(
  config: BoshConfig,
  session: DirectorSession,
  id: number,
  { forSeconds, meanwhile, signal }: FollowOptions,
): Promise<Task> {
  const endsAtMs = performance.now() + forSeconds * 1000;
  let at: string | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    const asking = { retryUntilMs: endsAtMs, signal };
    const task = await readTask(config, session, id, asking).catch((error: unknown) => {
      if (!signal.aborted && error instanceof SourceError && error.kind === 'unreachable') return error;
      throw error;
    });
    const isOver = performance.now() >= endsAtMs;
    const noAnswer = task instanceof SourceError ? task : undefined;
    if (!(task instanceof SourceError)) {
      at = (await meanwhile?.()) ?? at;
      if (!RUNNING_STATES.has(task.state)) return task;
      if (isOver) throw taskTimeout(config, task, forSeconds, at);
    } else if (isOver) throw task;
    await pause(Math.max(1, Math.min(pauseMs, endsAtMs - performance.now())), signal, noAnswer);
  }
}

export function taskName({ id, description }: Pick<Task, 'id' | 'description'>): string {
  return description === '' ? `task ${id}` : `task ${id} (${description})`;
}

function taskTimeout(config: BoshConfig, task: Task, seconds: number, at: string | undefined): SourceError {
  const where = at === undefined ? '' : `, at: ${at}`;
  const message = `${taskName(task)} is still ${task.state} after ${seconds} s${where}`;
  return new SourceError(config.name, 'unreachable', message);
}

function toTask(answer: z.output<typeof taskResponse>): Task {
  const { id, state, description, timestamp, started_at: startedAt, context_id: contextId } = answer;
  return {
    id,
    state: cleanDirectorText(state),
    description: cleanDirectorText(description ?? ''),
    ...(timestamp && startedAt && { seconds: Math.max(0, timestamp - startedAt) }),
    ...(contextId && { contextId }),
  };
}
