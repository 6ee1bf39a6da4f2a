/** Contents by a name that never means other content, such as the id of a git blob. */
export interface ByteCache {
  readonly get: (id: string) => Buffer | undefined;
  readonly set: (id: string, bytes: Buffer) => void;
}

/** At `maxBytes`, what was added first is dropped. */
export function openByteCache(maxBytes: number): ByteCache {
  const cached = new Map<string, Buffer>();
  let total = 0;
  return {
    get: (id) => cached.get(id),
    set: (id, bytes) => {
      if (cached.has(id) || bytes.length > maxBytes) return;
      cached.set(id, bytes);
      total += bytes.length;
      for (const [oldest, { length }] of cached) {
        if (total <= maxBytes) return;
        cached.delete(oldest);
        total -= length;
      }
    },
  };
}
