import type { TransitionResult } from '../store/remediation/remediation-store.ts';
import type { Transition } from '../store/remediation/transitions/common.ts';
import type { JobContext } from './job-context.ts';

/** Commits a transition, and announces it. A transition that is refused changes nothing. */
export async function transitionAndShow(
  { deps, remediation }: JobContext,
  transition: Transition,
): Promise<TransitionResult> {
  const { remediations, announce, log } = deps;
  const result = await remediations.transition(remediation.id, transition);
  if (result.kind === 'changed') await announce(result.record, result.revision);
  else log.info({ remediation: remediation.id, because: result.because }, 'a transition was refused');
  return result;
}
