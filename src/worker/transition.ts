import type { Transition, TransitionResult } from '../store/remediation/remediation-store.ts';
import type { RemediationRecord } from '../store/remediation/record.ts';
import type { JobContext, RemediationDeps } from './job-context.ts';

/** Commits a transition, and queues the card that shows it. A transition that is refused changes nothing. */
export async function transitionAndShow(
  { deps, remediation }: JobContext,
  transition: Transition,
): Promise<TransitionResult> {
  const { remediations, log } = deps;
  const result = await remediations.transition(remediation.id, transition);
  if (result.kind === 'changed') await enqueueCard(deps, result.remediation);
  else log.info({ remediation: remediation.id, because: result.because }, 'a transition was refused');
  return result;
}

/** Queues the card of a remediation. If that fails, the sweep queues it later. */
export async function enqueueCard(
  { remediations, enqueueOutbox, log }: Pick<RemediationDeps, 'remediations' | 'enqueueOutbox' | 'log'>,
  { id, runId, check, environment, asked }: RemediationRecord,
): Promise<void> {
  try {
    const revision = (await remediations.read(id))?.revision ?? 1;
    await enqueueOutbox(`card-${id}-${revision}`, {
      kind: 'card',
      runId,
      check,
      environment,
      asked,
      id,
      revision,
    });
  } catch (error) {
    log.warn({ err: error, remediation: id }, 'a card will be shown later');
  }
}
