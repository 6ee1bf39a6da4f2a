/**
 * Which sites did not answer a moment ago, so that consecutive checks need not each wait for the same silent site.
 * Only silence is remembered, and only for `keptMs`: a site that has recovered is asked again soon, and no answer is used twice.
 */
export interface Silence {
  /** @param askedAt when the request began, in milliseconds since 1970 */
  readonly note: (address: string, label: string, askedAt: number) => void;
  /** This name answered: earlier silence of others says nothing about the address any more. */
  readonly heard: (address: string, label: string) => void;
  /** @returns undefined where the site must be asked. */
  readonly ask: (address: string, label: string) => KnownSilence | undefined;
}

export interface KnownSilence {
  readonly agoMs: number;
  /** Not this site was asked, but others at its address. */
  readonly ofOthers: boolean;
}

interface Silent {
  readonly askedAt: number;
  readonly at: number;
}

/** A server that hangs for one name may answer for others, so an address is given up only where another name was tried after the first silence. */
function isConfirmed(all: readonly Silent[]): boolean {
  return all.some(({ at }) => all.some(({ askedAt }) => at <= askedAt));
}

export function makeSilence(keptMs: number, clock: () => number): Silence {
  const addresses = new Map<string, { readonly silent: Map<string, Silent>; heardAt: number }>();
  // What is in the future is dropped: the clock was set back.
  const isKept = ({ at }: Silent, now: number) => at <= now && now - at < keptMs;
  const forgetOld = (now: number) => {
    for (const [address, { silent }] of addresses) {
      for (const [label, one] of silent) if (!isKept(one, now)) silent.delete(label);
      if (silent.size === 0) addresses.delete(address);
    }
  };
  return {
    note: (address, label, askedAt) => {
      const now = clock();
      forgetOld(now);
      const known = addresses.get(address) ?? { silent: new Map(), heardAt: -Infinity };
      known.silent.set(label, { askedAt, at: now });
      addresses.set(address, known);
    },
    heard: (address, label) => {
      const known = addresses.get(address);
      if (known === undefined) return;
      known.silent.delete(label);
      known.heardAt = clock();
    },
    ask: (address, label) => {
      const now = clock();
      const known = addresses.get(address);
      if (known === undefined) return undefined;
      const own = known.silent.get(label);
      if (own !== undefined && isKept(own, now)) return { agoMs: now - own.at, ofOthers: false };
      const others = [...known.silent.values()].filter((one) => isKept(one, now) && one.at > known.heardAt);
      if (!isConfirmed(others)) return undefined;
      return { agoMs: now - Math.max(...others.map(({ at }) => at)), ofOthers: true };
    },
  };
}
