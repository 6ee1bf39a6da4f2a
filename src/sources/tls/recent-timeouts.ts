/**
 * Which sites did not respond a moment ago, so that consecutive checks need not each wait for the same timeout.
 * Only timeouts are remembered, and only for `keptMs`: a site that has recovered is tried again soon, and no response is used twice.
 */
export interface RecentTimeouts {
  /** @param askedAt when the request started, in milliseconds since 1970 */
  readonly record: (address: string, label: string, askedAt: number) => void;
  /** This name responded: earlier timeouts of others no longer say anything about the address. */
  readonly clear: (address: string, label: string) => void;
  /** @returns undefined if the site must be tried. */
  readonly find: (address: string, label: string) => KnownTimeout | undefined;
}

export interface KnownTimeout {
  readonly agoMs: number;
  /** Other sites at its address timed out, not this one. */
  readonly ofOthers: boolean;
}

interface Timeout {
  readonly askedAt: number;
  readonly at: number;
}

/**
 * A server that hangs for one name may respond for others, so an address is skipped only if another name was tried after the first timeout.
 */
function isConfirmed(all: readonly Timeout[]): boolean {
  return all.some(({ at }) => all.some(({ askedAt }) => at <= askedAt));
}

export function trackTimeouts(keptMs: number, clock: () => number): RecentTimeouts {
  const addresses = new Map<string, { readonly timeouts: Map<string, Timeout>; respondedAt: number }>();
  // Times in the future are dropped, because the clock was set back.
  const isKept = ({ at }: Timeout, now: number) => at <= now && now - at < keptMs;
  const forgetOld = (now: number) => {
    for (const [address, { timeouts }] of addresses) {
      for (const [label, one] of timeouts) if (!isKept(one, now)) timeouts.delete(label);
      if (timeouts.size === 0) addresses.delete(address);
    }
  };
  return {
    record: (address, label, askedAt) => {
      const now = clock();
      forgetOld(now);
      const known = addresses.get(address) ?? { timeouts: new Map(), respondedAt: -Infinity };
      known.timeouts.set(label, { askedAt, at: now });
      addresses.set(address, known);
    },
    clear: (address, label) => {
      const known = addresses.get(address);
      if (known === undefined) return;
      known.timeouts.delete(label);
      known.respondedAt = clock();
    },
    find: (address, label) => {
      const now = clock();
      const known = addresses.get(address);
      if (known === undefined) return undefined;
      const own = known.timeouts.get(label);
      if (own !== undefined && isKept(own, now)) return { agoMs: now - own.at, ofOthers: false };
      const others = [...known.timeouts.values()].filter(
        (one) => isKept(one, now) && one.at > known.respondedAt,
      );
      if (!isConfirmed(others)) return undefined;
      return { agoMs: now - Math.max(...others.map(({ at }) => at)), ofOthers: true };
    },
  };
}
