/** The value of a key, created if it is absent. At `most` entries the map is cleared, so that memory stays bounded. */
export function getOrCreate<K, T>(known: Map<K, T>, key: K, make: () => T, most = Infinity): T {
  const before = known.get(key);
  if (before !== undefined || known.has(key)) return before as T;
  if (known.size >= most) known.clear();
  const made = make();
  known.set(key, made);
  return made;
}
