import { wording } from '../../kit.ts';
import type { Facts } from './facts.ts';
import { planContext } from './plan-context.ts';
import { rotationInProgress } from './in-progress.ts';
import { doneSince, type RotationSample } from './samples.ts';

export { sampleTarget } from './samples.ts';

/** How many targets are kept for a check. */
const MOST_TARGETS = 1_000;

/** What is done of each rotation in progress. A step that was seen done before keeps its date. */
export function remembered(facts: Facts, now: Date): readonly RotationSample[] {
  const nowMs = now.getTime();
  const plan = planContext(facts, nowMs, 0);
  return plan.managed.all
    .filter((one) => plan.transitionOf(one).phase !== 'none')
    .slice(0, MOST_TARGETS)
    .map((authority) => {
      const version = plan.transitionOf(authority).fresh?.id ?? '';
      const since = doneSince(plan.earlierOf(authority.place), version);
      const { steps } = rotationInProgress(plan, authority);
      return {
        rotation: authority.place,
        version,
        done: steps.flatMap(({ id, state, seenDoneMs }) =>
          state === 'done' || seenDoneMs !== undefined
            ? [{ step: id, since: wording.isoTimestamp(since(id) ?? nowMs) }]
            : [],
        ),
      };
    });
}
