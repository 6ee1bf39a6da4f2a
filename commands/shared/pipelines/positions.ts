/** Lines and columns of offsets in one text, both from 1, columns in UTF-16 code units. */
export interface Positions {
  readonly at: (offset: number) => { readonly line: number; readonly column: number };
  /** A line without its end, from 1. */
  readonly line: (number: number) => { readonly start: number; readonly text: string };
}

/** Lines end with `\n`, `\r\n` or `\r`. */
export function positionsIn(content: string): Positions {
  // Most files have nothing to place.
  let known: readonly number[] | undefined;
  const lineOf = (starts: readonly number[], offset: number): number => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  return {
    at: (offset) => {
      const starts = (known ??= lineStarts(content));
      const index = lineOf(starts, offset);
      return { line: index + 1, column: offset - starts[index]! + 1 };
    },
    line: (number) => {
      const starts = (known ??= lineStarts(content));
      const start = starts[number - 1] ?? content.length;
      const text = content.slice(start, starts[number] ?? content.length);
      return { start, text: text.replace(/\r?\n$|\r$/, '') };
    },
  };
}

function lineStarts(content: string): readonly number[] {
  const starts = [0];
  for (let at = 0; at < content.length; at += 1) {
    const code = content.charCodeAt(at);
    if (code === LINE_FEED || (code === CARRIAGE_RETURN && content.charCodeAt(at + 1) !== LINE_FEED))
      starts.push(at + 1);
  }
  return starts;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
