import { planRemediation } from '../check/run-remediation.ts';
import {
  approveSafe,
  recordPlan,
  refuseRemediation,
  skipRemediation,
} from '../store/remediation/transitions/approval.ts';
import { SourceError } from '../ports/source-error.ts';
import { declared, look, moveAndTell, readersOf, type Step } from './step.ts';

/** Looks, and works out what applying would do. What is safe was approved by its click and goes on at once. */
export async function makePlan(step: Step): Promise<void> {
  const { handling, remediation } = step;
  const { remediations, policy, enqueueRemediation } = handling;
  if (remediation.state !== 'planning') return;
  const made = await workOut(step).catch((error: unknown) => refusal(step, error));
  const nowMs = await remediations.readClock();
  if ('because' in made) {
    await moveAndTell(
      step,
      made.isGone ? skipRemediation(made.because, nowMs) : refuseRemediation(made.because, nowMs),
    );
    return;
  }
  const planned = await moveAndTell(step, recordPlan(made.plan, made.before, policy, nowMs));
  if (planned.kind === 'refused') {
    await moveAndTell(step, refuseRemediation(planned.because, nowMs));
    return;
  }
  if (remediation.risk !== 'safe') return;
  const approved = await moveAndTell(step, approveSafe(policy, await remediations.readClock()));
  if (approved.kind === 'moved')
    await enqueueRemediation(`apply-${remediation.id}`, { kind: 'apply', id: remediation.id });
  else await moveAndTell(step, refuseRemediation(approved.because, nowMs));
}

interface NoPlan {
  readonly because: string;
  readonly isGone: boolean;
}

async function workOut(step: Step) {
  const { handling, remediation, signal } = step;
  const { environment, params } = remediation;
  const before = await look(step);
  if (before.finding === 'gone')
    return { because: `the finding is gone: ${before.verdict}`, isGone: true } satisfies NoPlan;
  if (before.finding === 'unseen')
    return {
      because: `the finding cannot be seen any more: ${before.verdict}`,
      isGone: false,
    } satisfies NoPlan;
  const made = await planRemediation(declared(handling, remediation).remediation, params, {
    read: readersOf(handling, environment),
    now: new Date(),
    signal,
    deadlineMs: handling.deadlineMs,
    redact: handling.redact,
  });
  return { plan: made, before };
}

/** What a source says against it is told; anything else is our own bug, logged once. */
function refusal({ handling, jobId, signal, remediation }: Step, error: unknown): NoPlan {
  if (signal.aborted) throw error;
  if (error instanceof SourceError) return { because: handling.redact(error.message), isGone: false };
  handling.metrics.bugs.inc({ role: 'worker' });
  handling.log.error({ err: error, jobId, remediation: remediation.id }, 'a bug of ours ended a plan');
  return { because: `a bug of ours ended the plan; the log has it under ${jobId}`, isGone: false };
}
