import type { Finding } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { wording } from '../../kit.ts';
import type { ProbeName } from './causes.ts';
import type { EventCount, RestartedContainer } from './facts.ts';
import { failureInWords } from './probe-failures.ts';
import { podName, targetOf } from './restarting.ts';

/** A single error is common, such as while a container starts. */
const MIN_ERRORS = 10;
const RECENT_MS = 60 * 60_000;

type ProbeError = EventCount & { readonly probe: ProbeName; readonly message: string };

/**
 * Probes that could not run for a while, and never failed. The kubelet ignores such results, so they protect nothing:
 * https://github.com/kubernetes/kubernetes/issues/106682
 */
export function unusedProbes(
  containers: readonly RestartedContainer[],
  { now, isOne }: { readonly now: Date; readonly isOne: boolean },
): readonly Finding<never>[] {
  const unused = containers.flatMap((container) => {
    const error = unusableProbe(container, now);
    return error ? [{ container, error, target: targetOf(container, { isOne }) }] : [];
  });
  return [...Map.groupBy(unused, ({ target }) => target)].map(([target, all]): Finding<never> => {
    const { container, error } = all[0]!;
    const { probe } = error;
    const effect =
      probe === 'liveness'
        ? `so the probe can't restart ${container.container}`
        : `so ${container.container} never counts as started or ready`;
    return {
      reason: 'probe-never-runs',
      severity: 'info',
      target,
      targets: all.map((one) => podName(one.container)),
      summary: `The ${probe} probe of ${container.container} can't run: at least ${wording.count(error.count, 'attempt')} ended in an error, which doesn't count as a failure, ${effect}. Correct the probe`,
      evidence: [
        ...(container[probe] ? [field('Probe', container[probe].text)] : []),
        field('Error', failureInWords(error.message)),
      ],
    };
  });
}

function unusableProbe({ events }: RestartedContainer, now: Date): ProbeError | undefined {
  if (events.kills) return undefined;
  const failing = new Set(events.failures.map(({ probe }) => probe));
  return events.errors
    .filter(({ probe, count, lastAt }) => !failing.has(probe) && count >= MIN_ERRORS && isRecent(lastAt, now))
    .toSorted((a, b) => b.count - a.count)[0];
}

function isRecent(at: Date | undefined, now: Date): boolean {
  return at === undefined || now.getTime() - at.getTime() <= RECENT_MS;
}
