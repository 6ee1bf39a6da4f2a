import { matchesGlob, resolve } from 'node:path';

/**
 * The remaining segments of patterns to match below a folder, joined: `certs/*.pem`. `''` means that the pattern matches the folder itself.
 * There is one entry for each pattern, each alternative in braces, and each number of folders that `**` can match.
 */
export type Rests = ReadonlySet<string>;

/** The patterns relative to `/`. A relative pattern starts in the working directory. */
export function compilePatterns(patterns: readonly string[]): Rests {
  return new Set(patterns.flatMap((pattern) => splitBraces(resolve(pattern)).map((one) => one.slice(1))));
}

/** What remains below an entry of a folder; empty if no pattern continues there. */
export function step(rests: Rests, name: string, options: MatchOptions = {}): Rests {
  const left = new Set<string>();
  for (const rest of rests) addLeft(left, rest, name, options);
  return left;
}

interface MatchOptions {
  /** `**` also matches names that begin with a dot. */
  readonly hidden?: boolean;
}

function addLeft(left: Set<string>, rest: string, name: string, options: MatchOptions): void {
  if (rest === '') return;
  const { segment, after } = split(rest);
  if (segment !== '**') {
    if (matchesSegment(name, segment)) left.add(after);
    return;
  }
  if (after !== '') addLeft(left, after, name, options);
  if (name.startsWith('.') && !options.hidden) return;
  left.add(rest);
  if (after === '') left.add('');
}

/** The first remaining segment, and the rest. */
export function split(rest: string): { readonly segment: string; readonly after: string } {
  const slash = rest.indexOf('/');
  return slash < 0
    ? { segment: rest, after: '' }
    : { segment: rest.slice(0, slash), after: rest.slice(slash + 1) };
}

/** A folder called `[prod]` also matches the pattern `[prod]`. */
function matchesSegment(name: string, segment: string): boolean {
  return name === segment || (hasMagic(segment) && matchesGlob(name, segment));
}

export function hasMagic(pattern: string): boolean {
  return /[*?[{]|[!+@]\(/.test(pattern);
}

/** What remains below a path; includes `''` if the path matches. */
export function restsAt(rests: Rests, path: string): Rests {
  return segmentsOf(path).reduce<Rests>((left, name) => step(left, name), rests);
}

/** What remains of `ignore` patterns below an entry. Their `**` also matches hidden names. */
export function stepIgnore(rests: Rests, name: string): Rests {
  return step(rests, name, { hidden: true });
}

/** Whether `ignore` patterns match an entry. A folder is skipped with everything below it. */
export function isIgnored(rests: Rests, folder: boolean): boolean {
  return rests.has('') || (folder && rests.has('**'));
}

/** What remains of `ignore` patterns below a path; includes `''` if they match the path or a folder above it. */
export function ignoreAt(rests: Rests, path: string): Rests {
  return segmentsOf(path).reduce<Rests>(
    (left, name) => (left.has('') ? left : stepIgnore(left, name)),
    rests,
  );
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '');
}

/**
 * Expands braces that span folders, such as `{etc/ssl,opt}/*.pem`, into separate patterns. `matchesGlob` handles braces within one segment.
 */
function splitBraces(pattern: string): readonly string[] {
  for (const { from, to, parts } of braceGroups(pattern)) {
    if (parts.length < 2 || !parts.some((part) => part.includes('/'))) continue;
    return parts.flatMap((part) =>
      splitBraces(resolve(pattern.slice(0, from) + part + pattern.slice(to + 1))),
    );
  }
  return [pattern];
}

/** The outermost balanced groups with their parts between commas: `{a/{x,y},b}` has the parts `a/{x,y}` and `b`. */
function* braceGroups(pattern: string): Generator<{ from: number; to: number; parts: string[] }> {
  let depth = 0;
  let from = 0;
  let parts: string[] = [];
  let partFrom = 0;
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at];
    if (character === '{') {
      if (depth === 0) {
        from = at;
        parts = [];
        partFrom = at + 1;
      }
      depth += 1;
    } else if (depth > 0 && character === '}') {
      depth -= 1;
      if (depth > 0) continue;
      yield { from, to: at, parts: [...parts, pattern.slice(partFrom, at)] };
    } else if (depth === 1 && character === ',') {
      parts.push(pattern.slice(partFrom, at));
      partFrom = at + 1;
    }
  }
}
