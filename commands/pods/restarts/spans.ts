import type { Remembered } from '../../kit.ts';
import type { RestartedContainer } from './facts.ts';
import type { RestartSample } from './samples.ts';

/** `count` restarts in the last `spanMs`. */
export interface Span {
  readonly count: number;
  readonly spanMs: number;
  /** How long ago each restart was seen, at most: the age of the newest sample without it. */
  readonly seenMs: readonly number[];
}

const LASTING_MS = 3 * 3_600_000;

/**
 * What is known for certain about its restarts, from the shortest to the longest time: since each earlier sample, and since its pod was created. The
 * counter of a static pod is older than its mirror, so it says nothing about the time since that was created.
 */
export function spansOf(
  { status: { restarts = 0 }, owner, podCreatedAt }: RestartedContainer,
  earlier: readonly Remembered<RestartSample>[],
  now: Date,
): readonly Span[] {
  const samples = sinceReset(earlier, restarts);
  const ofSamples = samples.map(({ at, restartCount }, index) => ({
    count: restarts - restartCount,
    spanMs: now.getTime() - at.getTime(),
    seenMs: increases(samples.slice(index), restarts, now),
  }));
  const isCountedSinceCreation = owner.kind !== 'Static' && podCreatedAt !== undefined;
  const spans = isCountedSinceCreation
    ? [...ofSamples, { count: restarts, spanMs: now.getTime() - podCreatedAt.getTime(), seenMs: [] }]
    : ofSamples;
  return spans.filter(({ spanMs }) => spanMs > 0).toSorted((a, b) => a.spanMs - b.spanMs);
}

/** Whether restarts were seen at three or more times over hours, not only at one. */
export function spread({ seenMs }: Span): boolean {
  return seenMs.length >= 3 && Math.max(...seenMs) - Math.min(...seenMs) >= LASTING_MS;
}

/** A counter that went down has started again, such as after its node restarted. */
function sinceReset(
  earlier: readonly Remembered<RestartSample>[],
  restarts: number,
): readonly Remembered<RestartSample>[] {
  const newestFirst = earlier.toReversed();
  let least = restarts;
  const end = newestFirst.findIndex(({ restartCount }) => {
    if (restartCount > least) return true;
    least = restartCount;
    return false;
  });
  return newestFirst.slice(0, end === -1 ? undefined : end).toReversed();
}

function increases(
  samples: readonly Remembered<RestartSample>[],
  restarts: number,
  now: Date,
): readonly number[] {
  return samples.flatMap(({ at, restartCount }, index) =>
    (samples[index + 1]?.restartCount ?? restarts) > restartCount ? [now.getTime() - at.getTime()] : [],
  );
}
