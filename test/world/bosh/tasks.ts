import { setTimeout as sleep } from 'node:timers/promises';

export type TaskType = 'vms' | 'update_instance' | 'update_deployment';
export type OutputType = 'event' | 'result' | 'debug';

export interface Task {
  readonly id: number;
  readonly type: TaskType;
  state: 'queued' | 'processing' | 'cancelling' | 'done' | 'error' | 'cancelled' | 'timeout';
  readonly description: string;
  startedAt: number | null;
  endedAt: number | null;
  result: string | null;
  readonly user: string;
  readonly deployment: string;
  readonly contextId: string;
  readonly output: Record<OutputType, string>;
}

/** How the next task of a type ends, without changing anything; one that reads still writes its result. */
export interface TaskFault {
  readonly task: TaskType;
  readonly ends: 'never' | 'error' | 'cancelled' | 'timeout';
  /** The message of the error event. */
  readonly message?: string;
}

export interface TaskRequest extends Pick<
  Task,
  'type' | 'description' | 'user' | 'deployment' | 'contextId'
> {
  /** Resolves with the task's result. A rejection is the task's error. */
  readonly work: (task: Task) => Promise<string | null>;
}

/** A director error with its code. */
export class TaskError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Another user's deploy, which holds the lock until it is ended. */
export interface HeldDeploy {
  readonly taskId: number;
  /** The deploy starts or finishes an instance: `diego-cell/1b (1)`. */
  readonly update: (instance: string, state: 'started' | 'finished' | 'failed') => void;
  readonly end: () => void;
}

export interface TaskQueue {
  readonly all: readonly Task[];
  readonly enqueue: (request: TaskRequest) => Task;
  readonly fail: (fault: TaskFault, times: number) => void;
  readonly heal: () => void;
  /**
   * Runs the work with a deployment's lock. If it is already locked, the task waits, and then fails: api
   * `Lock#acquire`
   * (https://github.com/cloudfoundry/bosh/blob/main/src/bosh-director/lib/bosh/director/lock.rb).
   */
  readonly withLock: <T>(task: Task, work: () => Promise<T>) => Promise<T>;
  /** Another user's deploy, which holds the lock until it is ended. */
  readonly hold: (deployment: string, description: string) => HeldDeploy;
  readonly locks: () => readonly object[];
}

export function startTasks(options: {
  readonly lockWaitMs: number;
  readonly stopped: AbortSignal;
}): TaskQueue {
  const all: Task[] = [];
  const locks = new Map<string, Task>();
  let faults: { readonly fault: TaskFault; left: number }[] = [];
  let nextId = 1180;

  const make = (request: Omit<TaskRequest, 'work'>): Task => {
    const { type, description, user, deployment, contextId } = request;
    const task: Task = {
      id: nextId++,
      state: 'queued',
      type,
      description,
      startedAt: null,
      endedAt: null,
      result: null,
      user,
      deployment,
      contextId,
      output: { event: '', result: '', debug: 'I, [0x1] INFO -- : password=canary-in-a-debug-log\n' },
    };
    all.push(task);
    return task;
  };

  const end = (task: Task, state: Task['state'], result: string | null): void => {
    Object.assign(task, { state, result, endedAt: Date.now() });
  };

  const run = async (task: Task, work: TaskRequest['work']): Promise<void> => {
    await sleep(2);
    Object.assign(task, { state: 'processing', startedAt: Date.now() });
    const met = faults.find(({ fault, left }) => left > 0 && fault.task === task.type);
    if (met) met.left--;
    try {
      if (!met) return end(task, 'done', await work(task));
      const { ends, message = 'the CPI is on fire' } = met.fault;
      if (task.type === 'vms') await work(task);
      // A drain script that hangs.
      else if (ends === 'never') locks.set(task.deployment, task);
      if (ends === 'never') return;
      if (ends === 'error') throw new TaskError(100, message);
      end(task, ends, ends === 'cancelled' ? `Task ${task.id} cancelled` : null);
    } catch (error) {
      const { message } = error as Error;
      addEvent(task, { error: { code: error instanceof TaskError ? error.code : 100, message } });
      end(task, 'error', message);
    }
  };

  return {
    all,
    enqueue: (request) => {
      const task = make(request);
      void run(task, request.work);
      return task;
    },
    fail: (fault, times) => void faults.push({ fault, left: times }),
    heal: () => {
      faults = [];
    },
    withLock: async (task, work) => {
      const { deployment } = task;
      for (const until = Date.now() + options.lockWaitMs; locks.has(deployment); await sleep(5)) {
        const holder = locks.get(deployment)!;
        if (Date.now() > until || options.stopped.aborted)
          throw new TaskError(
            100,
            `Failed to acquire lock for lock:deployment:${deployment} uid: 3f1. ` +
              `Locking task id is ${holder.id}, description: '${holder.description}'`,
          );
      }
      locks.set(deployment, task);
      try {
        return await work();
      } finally {
        locks.delete(deployment);
      }
    },
    hold: (deployment, description) => {
      const task = make({
        type: 'update_deployment',
        description,
        user: 'somebody',
        deployment,
        contextId: '',
      });
      Object.assign(task, { state: 'processing', startedAt: Date.now() });
      locks.set(deployment, task);
      return {
        taskId: task.id,
        update: (instance, state) => {
          const [group = ''] = instance.split('/');
          const progress = state === 'finished' ? 100 : 0;
          addEvent(task, { stage: 'Updating instance', tags: [group], task: instance, state, progress });
        },
        end: () => {
          locks.delete(deployment);
          end(task, 'done', `/deployments/${deployment}`);
        },
      };
    },
    // All values are strings, even numbers.
    locks: () =>
      [...locks].map(([deployment, { id }]) => ({
        type: 'deployment',
        resource: [deployment],
        timeout: `${Math.floor(Date.now() / 1000) + 240}.9964118`,
        task_id: String(id),
      })),
  };
}

export function addEvent(task: Task, event: object): void {
  task.output.event += `${JSON.stringify({ time: Math.floor(Date.now() / 1000), ...event })}\n`;
}

export function taskAsJson(task: Task): object {
  const seconds = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms / 1000));
  return {
    id: task.id,
    state: task.state,
    description: task.description,
    timestamp: seconds(task.endedAt),
    started_at: seconds(task.startedAt),
    result: task.result,
    user: task.user,
    deployment: task.deployment,
    context_id: task.contextId,
  };
}
