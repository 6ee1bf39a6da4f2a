import type { TextResponse } from '../../wire/http.ts';

/**
 * How far a clock must be from ours, by the `Date` of its answers. They hold whole seconds, so each answer allows a second's width
 * and the way there and back; several answers narrow it.
 */
export interface Clock {
  /** Asks, and notes what the answer's `Date` allows. */
  readonly watch: (ask: () => Promise<TextResponse>) => Promise<TextResponse>;
  /** Milliseconds that it is at least ahead of ours, negative behind; 0 where it may be ours; `undefined` where no answer had a date. */
  readonly aheadMs: () => number | undefined;
}

export function startClock(now: () => number = Date.now): Clock {
  let least = -Infinity;
  let most = Infinity;
  return {
    watch: async (ask) => {
      const askedAt = now();
      const answer = await ask();
      const answeredAt = now();
      const date = Date.parse(answer.headers['date'] ?? '');
      if (!Number.isNaN(date)) {
        least = Math.max(least, date - answeredAt);
        most = Math.min(most, date + 1000 - askedAt);
      }
      return answer;
    },
    aheadMs: () => {
      if (least === -Infinity) return undefined;
      if (least <= 0 && most >= 0) return 0;
      return least > 0 ? least : most;
    },
  };
}
