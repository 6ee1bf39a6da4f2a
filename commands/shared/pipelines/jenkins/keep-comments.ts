import type { EvaluatedFile } from './groovy-expression.ts';

const KEEP = /^(?:\/\/|\/\*)[\s*#/]{0,9}[\w-]{1,40}:\s{0,9}keep-container\b/;
/** Comments further away are on other lines. */
const MAX_LINE_CHARS = 2_000;

/** Comments that say that a container is kept on purpose. */
export interface KeepComments {
  /** Whether one is in this part of the file, on one of its lines, or alone on the line before. */
  readonly covers: (at: number, end: number) => boolean;
}

export function keepComments({ comments, content }: EvaluatedFile): KeepComments {
  const found = comments.filter(({ at, end }) => KEEP.test(content.slice(at, Math.min(end, at + 200))));
  return {
    covers: (at, end) => {
      let low = 0;
      let high = found.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (found[middle]!.at < at) low = middle + 1;
        else high = middle;
      }
      const [before, after] = [found[low - 1], found[low]];
      if (after && (after.at < end || lineEndsIn(end, after.at) === 0)) return true;
      if (!before) return false;
      const lines = lineEndsIn(before.end, at);
      return lines === 0 || (lines === 1 && isAlone(before.at));
    },
  };

  function lineEndsIn(from: number, to: number): number {
    if (to - from > MAX_LINE_CHARS) return Infinity;
    return content.slice(from, to).split('\n').length - 1;
  }

  function isAlone(at: number): boolean {
    const before = content.slice(Math.max(0, at - MAX_LINE_CHARS), at);
    return before.slice(before.lastIndexOf('\n') + 1).trim() === '';
  }
}
