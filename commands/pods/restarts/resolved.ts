import { type Finding, wording } from '../../kit.ts';
import type { Facts, RestartedContainer } from './facts.ts';
import { instancesOf } from './instances.ts';
import { namesIn, restartingIn, targetOf } from './restarting.ts';

/** For how long the containers of a workload have not restarted, if they run and are in no loop. Of pods that were deleted, nothing is known. */
export function resolved(
  facts: Facts,
  { reason, target }: Pick<Finding, 'reason' | 'target'>,
  now: Date,
): string | undefined {
  if (reason === 'probe-never-runs') return undefined;
  const isOne = namesIn(facts).size <= 1;
  const isThis = (container: RestartedContainer) => targetOf(container, { isOne }) === target;
  const known = facts.clusters.flatMap(({ restarted }) => restarted).filter(isThis);
  const sinceMs = known.map((container) => instancesOf(container, now).runningMs);
  if (known.length === 0 || restartingIn(facts, now).some(({ container }) => isThis(container)))
    return undefined;
  const shortest = Math.min(...sinceMs.map((ms) => ms ?? NaN));
  return Number.isNaN(shortest) ? undefined : `has not restarted for ${wording.span(shortest)}`;
}
