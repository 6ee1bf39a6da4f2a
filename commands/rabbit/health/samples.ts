import type { ports, Remembered } from '../../kit.ts';
import type { Facts } from './facts.ts';
import { type QueueSample, sampleTarget } from './queue-sample.ts';

/** Smaller queues come and go. */
const MIN_MESSAGES = 1_000;
const MAX_QUEUES = 200;

/** One for each of the largest queues. */
export function samplesOf({ brokers }: Facts): readonly QueueSample[] {
  const large = brokers.flatMap(({ name: source, queues }) =>
    queues.flatMap(({ vhost, name: queue, messages = 0 }) =>
      messages >= MIN_MESSAGES ? [{ source, vhost, queue, messages }] : [],
    ),
  );
  const samples = large.toSorted((a, b) => b.messages - a.messages).slice(0, MAX_QUEUES);
  return [...new Map(samples.map((one) => [sampleTarget(one), one])).values()];
}

/** Rates of a few seconds say little about a queue that is read in bursts. */
const MIN_AGE_MS = 5 * 60_000;
const MAX_AGE_MS = 24 * 3_600_000;

export interface Growth {
  /** Negative if it shrinks. */
  readonly messagesPerSecond: number;
  /** Over what time it was measured, if between two runs. */
  readonly overMs?: number;
}

/** How a queue changes: since an earlier run of these, otherwise as the broker measures it. Undefined if it is unknown. */
export function growthOf(
  { messages, messagesPerSecond }: ports.BrokerQueue,
  earlier: readonly Remembered<QueueSample>[],
  now: Date,
): Growth | undefined {
  const measured = messagesPerSecond === undefined ? undefined : { messagesPerSecond };
  if (messages === undefined) return measured;
  const before = earlier.findLast((one) => isWithin(now.getTime() - one.at.getTime()));
  if (!before) return measured;
  const overMs = now.getTime() - before.at.getTime();
  const since = { messagesPerSecond: ((messages - before.messages) / overMs) * 1_000, overMs };
  // It was purged, or its reader was back for a while.
  return since.messagesPerSecond < 0 && (messagesPerSecond ?? 0) > 0 && measured ? measured : since;
}

function isWithin(ageMs: number): boolean {
  return ageMs >= MIN_AGE_MS && ageMs <= MAX_AGE_MS;
}
