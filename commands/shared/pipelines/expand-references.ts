import type { Values } from './template-expressions.ts';

const DEEPEST = 5;
const LONGEST = 10_000;

/**
 * Replaces `$NAME` and `${NAME}` in values of variables by what the file says about them. A value of which an unknown variable is a word of its own is
 * unknown, because that may be any options; within a word it stays as it is written. GitLab's own variables never are several words.
 */
export function expandReferences(all: Values, known: ReadonlyMap<string, Values>): Values {
  return [...new Set(all.map((value) => (value === undefined ? undefined : expand(value, known, 0))))];
}

function expand(value: string, known: ReadonlyMap<string, Values>, depth: number): string | undefined {
  if (!value.includes('$')) return value;
  if (depth > DEEPEST || value.length > LONGEST) return undefined;
  let isUnknown = false;
  let length = value.length;
  const expanded = value.replaceAll(
    /\$\$|\$\{(\w+)\}|\$([A-Za-z_]\w*)/g,
    (match, braced: string, bare: string, at: number) => {
      if (match === '$$') return '$';
      const name = braced ?? bare;
      const values = known.get(name);
      const one =
        values?.length === 1 && values[0] !== undefined ? expand(values[0], known, depth + 1) : undefined;
      length += one?.length ?? 0;
      if (one !== undefined && length <= LONGEST) return one;
      const isWord = !/\S/.test(value[at - 1] ?? ' ') && !/\S/.test(value[at + match.length] ?? ' ');
      if (values || length > LONGEST || (isWord && !/^(?:CI|GITLAB)_/.test(name))) isUnknown = true;
      return match;
    },
  );
  return isUnknown ? undefined : expanded;
}
