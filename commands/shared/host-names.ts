const IP_ADDRESS = /^[\d.]+$|:/;

/** Whether two names may be of one host: one of them may have its domain. */
export function isSameHost(one: string, other: string): boolean {
  return hostKey(one) === hostKey(other);
}

/** Equal for names that may be of one host: to find hosts among thousands. */
export function hostKey(name: string): string {
  const lower = name.toLowerCase();
  if (IP_ADDRESS.test(lower)) return lower;
  const dot = lower.indexOf('.');
  return dot === -1 ? lower : lower.slice(0, dot);
}

/** Finds the first item of a host. */
export function byHost<T>(items: readonly T[], hostOf: (item: T) => string): (host: string) => T | undefined {
  const first = new Map<string, T>();
  for (const item of items) {
    const key = hostKey(hostOf(item));
    if (!first.has(key)) first.set(key, item);
  }
  return (host) => first.get(hostKey(host));
}
