import { type ports, wording } from '../../kit.ts';
import { isDown, isUp } from './queue-states.ts';

/** A queue that was just created has no counts yet: at most this share, and at most this many. */
const FEW_SHARE = 0.01;
const FEW = 20;

interface WithoutCounts {
  readonly gap?: string;
  readonly note?: string;
  readonly because: string;
}

/** Queues of which it is unknown how many messages or consumers they have. That isn't 0. */
export function queuesWithoutCounts(queues: readonly ports.BrokerQueue[]): WithoutCounts {
  const because =
    'the broker did not report their messages or consumers: statistics may be off, or not collected yet';
  const without = queues.filter(
    ({ messages, consumers, type, state }) =>
      (messages === undefined || consumers === undefined) &&
      !(type === 'stream' && messages !== undefined) &&
      !isDown(state),
  );
  if (without.length === 0) return { because };
  const what = `${without.length} of ${wording.count(queues.length, 'queue')}`;
  return without.length <= Math.min(FEW, queues.length * FEW_SHARE)
    ? { note: `${what} had no counts yet`, because }
    : { gap: what, because };
}

/** The first queue of each state that is neither known as good nor as bad. */
export function statesUnknown(
  queues: readonly ports.BrokerQueue[],
): readonly { readonly queue: string; readonly state: string }[] {
  const seen = new Map<string, string>();
  for (const { vhost, name, state } of queues)
    if (state !== undefined && !isUp(state) && !isDown(state) && !seen.has(state))
      seen.set(state, `${vhost}:${name}`);
  return [...seen].map(([state, queue]) => ({ state, queue }));
}
