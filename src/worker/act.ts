import { applyRemediation } from '../check/run-remediation.ts';
import {
  finishExecution,
  recordStep,
  failExecution,
  interruptExecution,
} from '../store/remediation/transitions/execution.ts';
import type { Observation, RemediationRecord } from '../store/remediation/record.ts';
import { SourceError } from '../ports/source-error.ts';
import type { Lease } from './lease.ts';
import { declared, look, moveAndTell, readersOf, type Step } from './step.ts';

/** A remediation that is ours to apply, and ours alone. */
export interface Begun {
  readonly token: number;
  readonly before: Observation;
  readonly remediation: RemediationRecord;
}

/** Does what was approved, and remembers each deed. False where that did not go to its end. */
export async function act(step: Step, { token, remediation }: Begun, lease: Lease): Promise<boolean> {
  const { handling } = step;
  const { remediations, leaseMs, frozen } = handling;
  const stop = new AbortController();
  const remember = async (line: string) => {
    const moved = await moveAndTell(
      step,
      recordStep(token, handling.redact(line), leaseMs, await remediations.readClock()),
    );
    if (moved.kind === 'refused') throw new Overtaken(moved.because);
    lease.signal.throwIfAborted();
    // Between two deeds, never within one: what is begun is ended, and the next is not begun.
    if (await frozen()) stop.abort(new Error('everything is frozen'));
  };
  try {
    await applyRemediation(
      declared(handling, remediation).remediation,
      remediation.params,
      remediation.plan ?? { lines: [], targets: [], precondition: {} },
      {
        read: readersOf(handling, remediation.environment),
        write: handling.writersOf(remediation.environment) ?? {},
        now: new Date(),
        applyContext: {
          idempotencyKey: remediation.id,
          signal: AbortSignal.any([lease.signal, stop.signal]),
        },
        recordStep: remember,
      },
    );
    const moved = await moveAndTell(step, finishExecution(token, leaseMs, await remediations.readClock()));
    return moved.kind === 'moved';
  } catch (error) {
    const because = stop.signal.aborted
      ? 'everything was frozen meanwhile; the next deed was not begun'
      : undefined;
    if (because)
      await moveAndTell(step, failExecution(token, because, undefined, await remediations.readClock()));
    else await endBadly(step, token, error, lease);
    return false;
  }
}

/** Another holds the token now: whatever is still to be done is not ours to do. */
class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

async function endBadly(step: Step, token: number, error: unknown, lease: Lease): Promise<void> {
  const { handling, remediation, jobId } = step;
  const nowMs = await handling.remediations.readClock();
  if (error instanceof Overtaken) return;
  if (lease.signal.aborted) {
    await moveAndTell(step, interruptExecution(token, 'the worker was stopped while it acted', nowMs));
    return;
  }
  if (error instanceof SourceError) {
    const after = await look(step, remediation.before).catch(() => undefined);
    await moveAndTell(step, failExecution(token, handling.redact(error.message), after, nowMs));
    return;
  }
  handling.metrics.bugs.inc({ role: 'worker' });
  handling.log.error({ err: error, jobId, remediation: remediation.id }, 'a bug of ours ended a deed');
  await moveAndTell(
    step,
    interruptExecution(token, `a bug of ours ended it in the middle; the log has it under ${jobId}`, nowMs),
  );
}
