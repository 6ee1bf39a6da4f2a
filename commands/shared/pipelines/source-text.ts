/** Text that a shell reads, of which each part may come from elsewhere in the script: an argument of `bash -c`, a heredoc. */
export interface SourceText {
  readonly text: string;
  /** The offset in the script of an offset in this text. */
  readonly inScript: (offset: number) => number;
}

/** A part of a text, and the offset of its first character in the script; -1 if it isn't there. */
export interface TextAt {
  readonly text: string;
  readonly at: number;
}

export function wholeScript(text: string): SourceText {
  if (!text.includes('\r\n')) return { text, inScript: (offset) => offset };
  const parts: TextAt[] = [];
  let at = 0;
  for (const line of text.split('\r\n')) {
    if (at > 0) parts.push({ text: '\n', at: at - 1 });
    parts.push({ text: line, at });
    at += line.length + 2;
  }
  return joinText(parts, 0);
}

/** `fallback` is the offset of characters that come from nowhere in the script. */
export function joinText(parts: readonly TextAt[], fallback: number): SourceText {
  const starts: number[] = [];
  let length = 0;
  for (const { text } of parts) {
    starts.push(length);
    length += text.length;
  }
  return {
    text: parts.map(({ text }) => text).join(''),
    inScript: (offset) => {
      let low = 0;
      let high = parts.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (starts[middle]! <= offset) low = middle;
        else high = middle - 1;
      }
      const part = parts[low];
      if (!part || part.at < 0) return fallback;
      return part.at + Math.min(offset - starts[low]!, part.text.length);
    },
  };
}

/** A slice of a source, with its place in the script; backslashes before one of `escapes` are removed as the shell does; without it, before any. */
export function unescapeShell(source: SourceText, from: number, to: number, escapes?: string): TextAt[] {
  // Searched for in the slice only, or many short ones would each take as long as the whole text.
  const slice = source.text.slice(from, to);
  const parts: TextAt[] = [];
  let start = 0;
  const push = (end: number): void => {
    if (end > start) pushSlice(parts, source, from + start, from + end);
  };
  for (let at = slice.indexOf('\\'); at !== -1 && at + 1 < slice.length; at = slice.indexOf('\\', at)) {
    const next = slice[at + 1]!;
    const isJoined = next === '\n';
    if (!isJoined && escapes !== undefined && !escapes.includes(next)) {
      at += 2;
      continue;
    }
    push(at);
    start = isJoined ? at + 2 : at + 1;
    at += 2;
  }
  push(slice.length);
  return parts;
}

/** Split where the place in the script jumps, which only happens at line ends and escapes of the texts around. */
function pushSlice(parts: TextAt[], source: SourceText, from: number, to: number): void {
  const begin = source.inScript(from);
  if (source.inScript(to - 1) - begin === to - 1 - from) {
    parts.push({ text: source.text.slice(from, to), at: begin });
    return;
  }
  let start = from;
  for (let at = from + 1; at <= to; at += 1) {
    if (at < to && source.inScript(at) === source.inScript(at - 1) + 1) continue;
    parts.push({ text: source.text.slice(start, at), at: source.inScript(start) });
    start = at;
  }
}
