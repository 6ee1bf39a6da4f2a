/** What is known of a key, made where nothing is. With `most` entries all are forgotten, so that memory stays flat. */
export function getOrCreate<K, T>(known: Map<K, T>, key: K, make: () => T, most = Infinity): T {
  const before = known.get(key);
  if (before !== undefined || known.has(key)) return before as T;
  if (known.size >= most) known.clear();
  const made = make();
  known.set(key, made);
  return made;
}
