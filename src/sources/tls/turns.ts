/** Lets at most `atOnce` holders of a key go on at once, in the order they came. */
export interface Turns {
  /** Resolves with what gives the turn back. */
  readonly take: (key: string) => Promise<() => void>;
}

export function makeTurns(atOnce: number): Turns {
  const holders = new Map<string, { count: number; readonly waiting: (() => void)[] }>();
  const give = (key: string) => () => {
    const holder = holders.get(key);
    if (holder === undefined) return;
    const next = holder.waiting.shift();
    if (next !== undefined) next();
    else if ((holder.count -= 1) === 0) holders.delete(key);
  };
  return {
    take: async (key) => {
      const holder = holders.get(key) ?? { count: 0, waiting: [] };
      holders.set(key, holder);
      if (holder.count < atOnce) holder.count += 1;
      else await new Promise<void>((resolve) => holder.waiting.push(resolve));
      return give(key);
    },
  };
}
