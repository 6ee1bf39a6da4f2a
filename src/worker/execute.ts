import { applyRemediation } from '../check/run-remediation.ts';
import {
  finishExecution,
  recordStep,
  failExecution,
  interruptExecution,
} from '../store/remediation/transitions/execution.ts';
import type { Observation, RemediationRecord } from '../store/remediation/record.ts';
import { SourceError } from '../ports/source-error.ts';
import type { ExecutionLease } from './lease.ts';
import { definitionOf, readersOf, type JobContext } from './job-context.ts';
import { observe } from './observe.ts';
import { transitionAndShow } from './transition.ts';

/** A remediation that this worker has acquired: no other worker applies it. */
export interface Execution {
  /** The fencing token: every write of a worker with an older one is refused. */
  readonly token: number;
  readonly before: Observation;
  readonly remediation: RemediationRecord;
}

/** Applies the approved plan and records each step. Returns whether all of it was applied; if not, the outcome is recorded. */
export async function execute(
  context: JobContext,
  { token, before, remediation }: Execution,
  lease: ExecutionLease,
): Promise<boolean> {
  const { deps } = context;
  const { leaseMs, readFreeze } = deps;
  const stop = new AbortController();
  const recordStepOrStop = async (line: string) => {
    const result = await transitionAndShow(context, recordStep(token, deps.redact(line), leaseMs));
    if (result.kind === 'refused') throw new FencedOut(result.because);
    lease.signal.throwIfAborted();
    // A freeze takes effect between two steps: the current one is completed, the next is not begun.
    if (await readFreeze()) stop.abort(new Error('everything is frozen'));
  };
  try {
    await applyRemediation(
      definitionOf(deps, remediation).remediation,
      remediation,
      remediation.plan ?? { lines: [], targets: [], precondition: {} },
      {
        read: readersOf(deps, remediation.environment),
        write: deps.writersOf(remediation.environment) ?? {},
        now: new Date(),
        applyContext: {
          idempotencyKey: remediation.id,
          signal: AbortSignal.any([lease.signal, stop.signal]),
        },
        recordStep: recordStepOrStop,
        stillFound: new Set(before.targets),
        redact: deps.redact,
      },
    );
    const result = await transitionAndShow(context, finishExecution(token, leaseMs));
    return result.kind === 'changed';
  } catch (error) {
    const because = stop.signal.aborted
      ? 'everything was frozen meanwhile; the next deed was not begun'
      : undefined;
    if (because) await transitionAndShow(context, failExecution(token, because, undefined));
    else await recordFailure(context, token, error, lease);
    return false;
  }
}

/** Another worker has a newer fencing token, or has ended the remediation: nothing more may be applied or recorded. */
class FencedOut extends Error {
  override readonly name = 'FencedOut';
}

/** Records the end of an execution that was not completed. */
async function recordFailure(
  context: JobContext,
  token: number,
  error: unknown,
  lease: ExecutionLease,
): Promise<void> {
  const { deps, remediation, jobId } = context;
  if (error instanceof FencedOut) return;
  if (lease.signal.aborted) {
    await transitionAndShow(context, interruptExecution(token, 'the worker was stopped while it acted'));
    return;
  }
  if (error instanceof SourceError) {
    const after = await observe(context, remediation.before).catch(() => undefined);
    await transitionAndShow(context, failExecution(token, deps.redact(error.message), after));
    return;
  }
  deps.metrics.bugs.inc({ role: 'worker' });
  deps.log.error({ err: error, jobId, remediation: remediation.id }, 'a bug of ours ended an execution');
  await transitionAndShow(
    context,
    interruptExecution(token, `a bug of ours ended it in the middle; the log has it under ${jobId}`),
  );
}
