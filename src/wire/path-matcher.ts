/**
 * Whether a path matches a pattern in which `*` stays within a folder and `**` doesn't. The time is proportional to the lengths of both, whatever they
 * contain: patterns may come from a repository.
 */
export function makePathMatcher(pattern: string): (path: string) => boolean {
  if (!pattern.includes('*')) return (path) => path === pattern;
  const parts = pattern.match(/\*\*\/|\*+|[^*]/gsu) ?? [];
  return (path) => {
    let states = new Set<number>();
    reach(parts, states, 0);
    for (const character of path) {
      const next = new Set<number>();
      for (const at of states) {
        const part = parts[at];
        if (part === undefined) continue;
        if (!part.startsWith('*')) {
          if (part === character) reach(parts, next, at + 1);
        } else if (part === '**/') {
          next.add(at);
          if (character === '/') reach(parts, next, at + 1);
        } else if (part.length > 1 || character !== '/') reach(parts, next, at);
      }
      states = next;
    }
    return states.has(parts.length);
  };
}

/** Adds a state, and those that follow without a character. */
function reach(parts: readonly string[], states: Set<number>, from: number): void {
  for (let at = from; ; at += 1) {
    states.add(at);
    if (!parts[at]?.startsWith('*')) return;
  }
}
