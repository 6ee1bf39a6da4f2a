import { enqueueCard } from '../store/remediation/enqueue-card.ts';
import type { StoredRemediation, TransitionResult } from '../store/remediation/remediation-store.ts';
import type { Transition } from '../store/remediation/transitions/common.ts';
import type { JobContext, RemediationDeps } from './job-context.ts';

/** Commits a transition, and queues the card that shows it. A transition that is refused changes nothing. */
export async function transitionAndShow(
  { deps, remediation }: JobContext,
  transition: Transition,
): Promise<TransitionResult> {
  const { remediations, log } = deps;
  const result = await remediations.transition(remediation.id, transition);
  if (result.kind === 'changed') await enqueueCardOrLog(deps, result);
  else log.info({ remediation: remediation.id, because: result.because }, 'a transition was refused');
  return result;
}

/** Queues the card of a remediation. If that fails, the sweep queues it later. */
export async function enqueueCardOrLog(
  deps: Pick<RemediationDeps, 'enqueueOutbox' | 'log'>,
  stored: StoredRemediation,
): Promise<void> {
  try {
    await enqueueCard(deps, stored);
  } catch (error) {
    deps.log.warn({ err: error, remediation: stored.record.id }, 'a card will be shown later');
  }
}
