/**
 * Which sites did not answer a moment ago, so that checks that come one after the other need not each wait for the same silent site.
 * Only silence is remembered, and only for `keptMs`: a site that has recovered is asked again soon, and no answer is ever given twice.
 */
export interface Silence {
  readonly note: (address: string, label: string) => void;
  /** Somebody at this address answered: silence before this says nothing about the others there. */
  readonly heard: (address: string, label: string) => void;
  /** @returns undefined where it has to be asked. */
  readonly ask: (address: string, label: string) => KnownSilence | undefined;
}

export interface KnownSilence {
  readonly agoMs: number;
  /** It was not this site that was asked, but others at its address. */
  readonly ofOthers: boolean;
}

/** A server that hangs for one name may answer all others: one is not enough to give up an address. */
const CONFIRMED = 2;

export function makeSilence(keptMs: number, clock: () => number): Silence {
  const addresses = new Map<string, { readonly silentAt: Map<string, number>; heardAt: number }>();
  const forgetOld = (now: number) => {
    for (const [address, { silentAt }] of addresses) {
      for (const [label, at] of silentAt) if (now - at >= keptMs) silentAt.delete(label);
      if (silentAt.size === 0) addresses.delete(address);
    }
  };
  return {
    note: (address, label) => {
      const now = clock();
      forgetOld(now);
      const known = addresses.get(address) ?? { silentAt: new Map(), heardAt: -Infinity };
      known.silentAt.set(label, now);
      addresses.set(address, known);
    },
    heard: (address, label) => {
      const known = addresses.get(address);
      if (known === undefined) return;
      known.silentAt.delete(label);
      known.heardAt = clock();
    },
    ask: (address, label) => {
      const now = clock();
      const known = addresses.get(address);
      if (known === undefined) return undefined;
      const own = known.silentAt.get(label);
      if (own !== undefined && now - own < keptMs) return { agoMs: now - own, ofOthers: false };
      const others = [...known.silentAt.values()].filter((at) => now - at < keptMs && at > known.heardAt);
      if (others.length < CONFIRMED) return undefined;
      return { agoMs: now - Math.max(...others), ofOthers: true };
    },
  };
}
