import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SourceError } from '../../ports/source-error.ts';
import type { TextAnswer } from '../../wire/http.ts';
import type { BoshConfig } from './config.ts';
import { saidBy } from './refusal.ts';
import type { Session } from './session.ts';
import { parseAs } from './parse.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
export const REDIRECTS = [301, 302, 303, 307, 308] as const;

const taskAnswer = z.object({
  id: z.number(),
  state: z.string(),
  description: z.string().nullish(),
  timestamp: z.number().nullish(),
  started_at: z.number().nullish(),
  context_id: z.string().nullish(),
});

export interface Task {
  readonly id: number;
  /** `done` alone is success; also final are `error`, `cancelled` and `timeout`. */
  readonly state: string;
  readonly description: string;
  /** How long it worked, where it has ended. */
  readonly seconds?: number;
  readonly contextId?: string;
}

const RUNNING: ReadonlySet<string> = new Set(['queued', 'processing', 'cancelling']);

/**
 * The task that a call was redirected to. Only the end of the path counts: the host in it may be one that cannot be reached from here,
 * or one that has no business with our token (reference: cf-and-certificates.md section 2.3, "Redirect trap").
 * @throws {SourceError}
 */
export function taskIn(config: BoshConfig, { headers }: TextAnswer): number {
  const location = headers['location'] ?? '';
  const path = URL.canParse(location, config.url) ? new URL(location, config.url).pathname : '';
  const id = /\/tasks\/(\d{1,15})\/?$/.exec(path)?.[1];
  if (id !== undefined) return Number(id);
  throw new SourceError(config.name, 'malformed', 'the director did not name the task that it began');
}

/** @throws {SourceError} */
export async function readTask(
  config: BoshConfig,
  session: Session,
  id: number | string,
  signal: AbortSignal,
): Promise<Task> {
  const { text } = await session.ask({ path: `/tasks/${encodeURIComponent(id)}`, signal });
  return toTask(parseAs(config.name, `task ${id}`, taskAnswer, text));
}

/**
 * The newest task that was begun with a context id. Without `verbose=2` a director hides some kinds of tasks, and one that is too old
 * to know context ids gives back all tasks that it has.
 * @throws {SourceError}
 */
export async function findTask(
  config: BoshConfig,
  session: Session,
  contextId: string,
  signal: AbortSignal,
): Promise<Task | undefined> {
  const path = `/tasks?verbose=2&limit=30&context_id=${encodeURIComponent(contextId)}`;
  const { text } = await session.ask({ path, signal });
  const tasks = parseAs(config.name, 'the list of tasks', z.array(taskAnswer), text).map(toTask);
  return tasks.filter((task) => task.contextId === contextId).toSorted((one, other) => other.id - one.id)[0];
}

export interface Following {
  readonly forSeconds: number;
  /** Goes on asking where the director does not answer: the task goes on without us. */
  readonly patient?: boolean;
  /** Done between two looks; says what the task is at, where that is known. */
  readonly meanwhile?: () => Promise<string | undefined>;
  readonly signal: AbortSignal;
}

/**
 * Waits until the task has ended, one way or another.
 * @throws {SourceError} `unreachable` where it has not ended in time.
 */
export async function followTask(
  config: BoshConfig,
  session: Session,
  id: number,
  { forSeconds, patient = false, meanwhile, signal }: Following,
): Promise<Task> {
  const endsAtMs = performance.now() + forSeconds * 1000;
  let at: string | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    const task = await readTask(config, session, id, signal).catch((error: unknown) => {
      if (patient && error instanceof SourceError && error.kind === 'unreachable') return error;
      throw error;
    });
    const isOver = performance.now() >= endsAtMs;
    if (task instanceof SourceError) {
      if (isOver) throw task;
    } else {
      at = (await meanwhile?.()) ?? at;
      if (!RUNNING.has(task.state)) return task;
      if (isOver) throw neverEnding(config, task, forSeconds, at);
    }
    await sleep(Math.max(1, Math.min(pauseMs, endsAtMs - performance.now())), undefined, { signal }).catch(
      () => {
        throw signal.reason;
      },
    );
  }
}

export function nameOf({ id, description }: Pick<Task, 'id' | 'description'>): string {
  return description === '' ? `task ${id}` : `task ${id} (${description})`;
}

function neverEnding(config: BoshConfig, task: Task, seconds: number, at: string | undefined): SourceError {
  const where = at === undefined ? '' : `, at: ${at}`;
  const message = `${nameOf(task)} is still ${task.state} after ${seconds} s${where}`;
  return new SourceError(config.name, 'unreachable', message);
}

function toTask(answer: z.output<typeof taskAnswer>): Task {
  const { id, state, description, timestamp, started_at: startedAt, context_id: contextId } = answer;
  return {
    id,
    state: saidBy(state),
    description: saidBy(description ?? ''),
    ...(timestamp && startedAt && { seconds: Math.max(0, timestamp - startedAt) }),
    ...(contextId && { contextId }),
  };
}
