import type { TextResponse } from '../../wire/http.ts';

/**
 * The minimum skew between a server's clock and ours, from the `Date` of its responses. A `Date` has whole seconds, so each response allows
 * a range of one second plus the round-trip time; several responses narrow it.
 */
export interface Clock {
  /** Sends a request, and records the range that the `Date` of the response allows. */
  readonly watch: (ask: () => Promise<TextResponse>) => Promise<TextResponse>;
  /**
   * The minimum number of milliseconds that it is ahead of our clock, negative if behind. 0 if the clocks may agree; `undefined` if no
   * response had a date.
   */
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
