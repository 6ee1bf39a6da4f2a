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
import { definitionOf, observe, transitionAndShow, readersOf, type JobContext } from './job-context.ts';

/** A remediation that is ours to apply, and ours alone. */
export interface Execution {
  readonly token: number;
  readonly before: Observation;
  readonly remediation: RemediationRecord;
}

/** Does what was approved, and remembers each deed. False where that did not go to its end. */
export async function execute(
  context: JobContext,
  { token, remediation }: Execution,
  lease: ExecutionLease,
): Promise<boolean> {
  const { deps } = context;
  const { remediations, leaseMs, readFreeze } = deps;
  const stop = new AbortController();
  const recordAndCheck = async (line: string) => {
    const result = await transitionAndShow(
      context,
      recordStep(token, deps.redact(line), leaseMs, await remediations.readClock()),
    );
    if (result.kind === 'refused') throw new FencedOut(result.because);
    lease.signal.throwIfAborted();
    // Between two deeds, never within one: what is begun is ended, and the next is not begun.
    if (await readFreeze()) stop.abort(new Error('everything is frozen'));
  };
  try {
    await applyRemediation(
      definitionOf(deps, remediation).remediation,
      remediation.params,
      remediation.plan ?? { lines: [], targets: [], precondition: {} },
      {
        read: readersOf(deps, remediation.environment),
        write: deps.writersOf(remediation.environment) ?? {},
        now: new Date(),
        applyContext: {
          idempotencyKey: remediation.id,
          signal: AbortSignal.any([lease.signal, stop.signal]),
        },
        recordStep: recordAndCheck,
      },
    );
    const result = await transitionAndShow(
      context,
      finishExecution(token, leaseMs, await remediations.readClock()),
    );
    return result.kind === 'changed';
  } catch (error) {
    const because = stop.signal.aborted
      ? 'everything was frozen meanwhile; the next deed was not begun'
      : undefined;
    if (because)
      await transitionAndShow(
        context,
        failExecution(token, because, undefined, await remediations.readClock()),
      );
    else await recordFailure(context, token, error, lease);
    return false;
  }
}

/** Another holds the token now: whatever is still to be done is not ours to do. */
class FencedOut extends Error {
  override readonly name = 'FencedOut';
}

async function recordFailure(
  context: JobContext,
  token: number,
  error: unknown,
  lease: ExecutionLease,
): Promise<void> {
  const { deps, remediation, jobId } = context;
  const nowMs = await deps.remediations.readClock();
  if (error instanceof FencedOut) return;
  if (lease.signal.aborted) {
    await transitionAndShow(
      context,
      interruptExecution(token, 'the worker was stopped while it acted', nowMs),
    );
    return;
  }
  if (error instanceof SourceError) {
    const after = await observe(context, remediation.before).catch(() => undefined);
    await transitionAndShow(context, failExecution(token, deps.redact(error.message), after, nowMs));
    return;
  }
  deps.metrics.bugs.inc({ role: 'worker' });
  deps.log.error({ err: error, jobId, remediation: remediation.id }, 'a bug of ours ended a deed');
  await transitionAndShow(
    context,
    interruptExecution(token, `a bug of ours ended it in the middle; the log has it under ${jobId}`, nowMs),
  );
}
