/* oxlint-disable typescript/unbound-method -- methods are replaced on their prototypes, and called with the given `this` */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WebClient } from '@slack/web-api';
import { FlowProducer, Job, Queue } from 'bullmq';
import { Redis } from 'ioredis';

/** The steps of a digest run in order, by program. */
export const STEPS = {
  worker: ['claim', 'flow', 'start', 'collect', 'track', 'result', 'save', 'outbox', 'finish'],
  bot: ['begin-posting', 'post', 'record-posted'],
} as const;

export type Step = (typeof STEPS)['worker' | 'bot'][number];

/** Right before a step is requested, or once its reply has arrived. */
export type Side = 'before' | 'after';

const deathAt = (folder: string, step: Step, side: Side) => join(folder, `die-${side}-${step}`);

/** The next process that reaches this point is killed there with SIGKILL, and no other. */
export function killAt(folder: string, step: Step, side: Side): void {
  writeFileSync(deathAt(folder, step, side), '');
}

/** Whether no process has reached this point yet. */
export function isKillPending(folder: string, step: Step, side: Side): boolean {
  return existsSync(deathAt(folder, step, side));
}

export function cancelKill(folder: string, step: Step, side: Side): void {
  rmSync(deathAt(folder, step, side), { force: true });
}

/** Dies here if this process is the first. */
export function passStep(folder: string, step: Step, side: Side): void {
  const path = deathAt(folder, step, side);
  if (!existsSync(path)) return;
  try {
    rmSync(path);
  } catch {
    // Another process was first.
    return;
  }
  process.kill(process.pid, 'SIGKILL');
}

/**
 * Kills this process at the steps of digests, by watching its calls to Redis, BullMQ and Slack. Wrench
 * itself does not know about it.
 */
export function watchSteps(folder: string, program: 'worker' | 'bot'): void {
  const around = async <T>(step: Step | undefined, act: () => Promise<T>): Promise<T> => {
    if (step === undefined) return act();
    passStep(folder, step, 'before');
    const done = await act();
    passStep(folder, step, 'after');
    return done;
  };
  watchRedis(folder, program);
  if (program === 'bot') {
    const call = WebClient.prototype.apiCall;
    WebClient.prototype.apiCall = function (method, options) {
      return around(isDigestRoot(method, options) ? 'post' : undefined, () =>
        call.call(this, method, options),
      );
    };
    return;
  }
  const addFlow = FlowProducer.prototype.add;
  FlowProducer.prototype.add = function (...flow) {
    return around('flow', () => addFlow.apply(this, flow));
  };
  const addJob = Queue.prototype.add;
  Queue.prototype.add = function (...job) {
    const isDigest = this.name === 'outbox' && job[0] === 'digest';
    return around(isDigest ? 'outbox' : undefined, () => addJob.apply(this, job));
  };
  const complete = Job.prototype.moveToCompleted;
  Job.prototype.moveToCompleted = function (...result) {
    return around(this.queueName === 'checks' ? 'result' : undefined, () => complete.apply(this, result));
  };
}

function watchRedis(folder: string, program: 'worker' | 'bot'): void {
  const send = Redis.prototype.sendCommand;
  Redis.prototype.sendCommand = function (command, stream) {
    const step = stepOf(program, command.name, command.args);
    if (step === undefined) return send.call(this, command, stream);
    passStep(folder, step, 'before');
    // A command that waits for a connection is sent again with the same promise.
    const sent = command.promise as Promise<unknown>;
    sent.then(
      () => passStep(folder, step, 'after'),
      () => undefined,
    );
    return send.call(this, command, stream);
  };
}

/** `evalsha <script> 2 <state> <value> <revision> <state> <value> …` */
function stepOf(program: 'worker' | 'bot', name: string, args: readonly unknown[]): Step | undefined {
  if (name !== 'evalsha' && name !== 'eval') return undefined;
  const [, , key = '', valueKey = '', , json = '', value = ''] = args.slice(0, 7).map(String);
  if (program === 'worker' && /\}:findings:q/.test(key)) return 'track';
  if (!/\}:digest:/.test(key)) return undefined;
  const state = JSON.parse(json) as { run?: { state?: string }; posting?: object };
  if (program === 'bot') {
    if (value !== '') return 'record-posted';
    return state.posting ? 'begin-posting' : undefined;
  }
  if (value !== '') return valueKey.includes(':digest-run:') ? 'save' : undefined;
  return STEP_OF_STATE[state.run?.state ?? ''];
}

const STEP_OF_STATE: Readonly<Record<string, Step>> = {
  claimed: 'claim',
  started: 'start',
  finished: 'finish',
};

function isDigestRoot(method: string, options: unknown): boolean {
  const { metadata, channel } = (options ?? {}) as { metadata?: unknown; channel?: unknown };
  return (
    method === 'chat.postMessage' &&
    typeof channel === 'string' &&
    JSON.stringify(metadata ?? '').includes('/root"')
  );
}
