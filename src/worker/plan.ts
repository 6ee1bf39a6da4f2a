import { planRemediation } from '../check/run-remediation.ts';
import {
  approveSafe,
  recordPlan,
  refuseRemediation,
  skipRemediation,
} from '../store/remediation/transitions/approval.ts';
import { SourceError } from '../ports/source-error.ts';
import { definitionOf, readersOf, type JobContext } from './job-context.ts';
import { observe } from './observe.ts';
import { transitionAndShow } from './transition.ts';

/**
 * planning -> planned: repeats the check and plans what applying would do. A safe remediation was approved by the click that requested it, so
 * it is queued for applying at once.
 */
export async function makePlan(context: JobContext): Promise<void> {
  const { deps, remediation } = context;
  const { policy } = deps;
  if (remediation.state !== 'planning') return;
  const made = await observeAndPlan(context).catch((error: unknown) => planFailure(context, error));
  if ('because' in made) {
    await transitionAndShow(
      context,
      made.isGone ? skipRemediation(made.because) : refuseRemediation(made.because),
    );
    return;
  }
  const planned = await transitionAndShow(context, recordPlan(made.plan, made.before, policy));
  if (planned.kind === 'refused') {
    await transitionAndShow(context, refuseRemediation(planned.because));
    return;
  }
  if (remediation.risk !== 'safe') return;
  const approved = await transitionAndShow(context, approveSafe(policy));
  if (approved.kind === 'refused') await transitionAndShow(context, refuseRemediation(approved.because));
}

interface NoPlan {
  readonly because: string;
  /** The finding is gone, so there is nothing to fix. */
  readonly isGone: boolean;
}

async function observeAndPlan(context: JobContext) {
  const { deps, remediation, signal } = context;
  const { environment } = remediation;
  const before = await observe(context);
  if (before.finding === 'gone')
    return { because: `the finding is gone: ${before.verdict}`, isGone: true } satisfies NoPlan;
  if (before.finding === 'unseen')
    return {
      because: `the finding cannot be seen any more: ${before.verdict}`,
      isGone: false,
    } satisfies NoPlan;
  const made = await planRemediation(definitionOf(deps, remediation).remediation, remediation, {
    read: readersOf(deps, environment),
    now: new Date(),
    signal,
    deadlineMs: deps.deadlineMs,
    redact: deps.redact,
  });
  return { plan: made, before };
}

/** The message of a `SourceError` is shown to people; any other error is a bug in Wrench, logged once. */
function planFailure({ deps, jobId, signal, remediation }: JobContext, error: unknown): NoPlan {
  if (signal.aborted) throw error;
  if (error instanceof SourceError) return { because: deps.redact(error.message), isGone: false };
  deps.metrics.bugs.inc({ role: 'worker' });
  deps.log.error({ err: error, jobId, remediation: remediation.id }, 'a bug of ours ended a plan');
  return { because: `a bug of ours ended the plan; the log has it under ${jobId}`, isGone: false };
}
