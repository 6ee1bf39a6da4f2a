import type { Fix } from '../../shared/pipelines/leak.ts';

type Edit = Pick<Fix, 'at' | 'end' | 'inserts'>;

/** Lines around a change that a diff shows, as `diff -u` does. */
const CONTEXT_LINES = 3;

/**
 * The content with all fixes applied; everything else stays as it is, line ends included. The same fix may be given several times.
 * @returns undefined if two fixes change the same part, or one isn't inside a line.
 */
export function applyFixes(content: string, fixes: readonly Edit[]): string | undefined {
  const edits = inOrder(fixes);
  let result = '';
  let last = 0;
  for (const [index, { at, end, inserts }] of edits.entries()) {
    const isTwice = index > 0 && at === edits[index - 1]?.at;
    if (at < last || end < at || isTwice || !isInLine(content, at, end)) return undefined;
    result += content.slice(last, at) + inserts;
    last = end;
  }
  return result + content.slice(last);
}

/** A line end is never removed, and nothing is added behind the last one. */
function isInLine(content: string, at: number, end: number): boolean {
  const isBehindLines = at === content.length && (content === '' || content.endsWith('\n'));
  return end <= content.length && !isBehindLines && !content.slice(at, end).includes('\n');
}

/** In the order of the content, each once. */
function inOrder(fixes: readonly Edit[]): readonly Edit[] {
  const unique = new Map(fixes.map((fix) => [JSON.stringify([fix.at, fix.end, fix.inserts]), fix]));
  return [...unique.values()].toSorted((one, other) => one.at - other.at || one.end - other.end);
}

/** Lines that differ: `count` lines from `line` on, counted from 1, become `after`. */
export interface ChangedLines {
  readonly line: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** What fixes change, by line. Lines are without their ends. */
export function changedLines(content: string, fixes: readonly Edit[]): readonly ChangedLines[] {
  const lines = linesOf(content);
  const groups: { first: number; last: number; edits: Edit[] }[] = [];
  for (const edit of inOrder(fixes)) {
    const first = lineAt(lines, edit.at);
    const last = lineAt(lines, Math.max(edit.at, edit.end - 1));
    const group = groups.at(-1);
    if (group && first <= group.last) {
      group.last = Math.max(group.last, last);
      group.edits.push(edit);
    } else groups.push({ first, last, edits: [edit] });
  }
  return groups.flatMap(({ first, last, edits }) => {
    const start = lines[first]?.at ?? 0;
    const old = lines.slice(first, last + 1);
    const text = old.map((one) => one.text).join('');
    const moved = edits.map(({ at, end, inserts }) => ({ at: at - start, end: end - start, inserts }));
    const changed = applyFixes(text, moved);
    if (changed === undefined) return [];
    return [
      {
        line: first + 1,
        before: old.map((one) => withoutEnd(one.text)),
        after: linesOf(changed).map((one) => withoutEnd(one.text)),
      },
    ];
  });
}

/** The changes of one file as a unified diff: https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html */
export function unifiedDiff(path: string, content: string, fixes: readonly Edit[]): readonly string[] {
  const lines = linesOf(content);
  const changes = changedLines(content, fixes);
  if (changes.length === 0) return [];
  const hunks: ChangedLines[][] = [];
  for (const change of changes) {
    const last = hunks.at(-1)?.at(-1);
    const gap = last === undefined ? Infinity : change.line - (last.line + last.before.length);
    if (gap <= 2 * CONTEXT_LINES) hunks.at(-1)?.push(change);
    else hunks.push([change]);
  }
  let shift = 0;
  const shown = hunks.flatMap((hunk) => {
    const { text, added } = hunkOf(lines, hunk, shift);
    shift += added;
    return text;
  });
  return [`--- a/${path}`, `+++ b/${path}`, ...shown];
}

function hunkOf(
  lines: readonly Line[],
  changes: readonly ChangedLines[],
  shift: number,
): { readonly text: readonly string[]; readonly added: number } {
  const [first] = changes;
  const last = changes.at(-1);
  if (!first || !last) return { text: [], added: 0 };
  const start = Math.max(0, first.line - 1 - CONTEXT_LINES);
  const end = Math.min(lines.length, last.line - 1 + last.before.length + CONTEXT_LINES);
  const text: string[] = [];
  let at = start;
  let added = 0;
  const isUnended = (index: number) =>
    index === lines.length - 1 && !(lines[index]?.text ?? '').endsWith('\n');
  const push = (sign: string, one: string, index: number) => {
    text.push(`${sign}${one}`);
    if (isUnended(index)) text.push(NO_END);
  };
  const keepUntil = (until: number) => {
    for (; at < until; at += 1) push(' ', withoutEnd(lines[at]?.text ?? ''), at);
  };
  for (const { line, before, after } of changes) {
    keepUntil(line - 1);
    const lastLine = line - 1 + before.length - 1;
    for (const [index, one] of before.entries()) push('-', one, line - 1 + index);
    for (const [index, one] of after.entries()) push('+', one, index === after.length - 1 ? lastLine : -1);
    at = lastLine + 1;
    added += after.length - before.length;
  }
  keepUntil(end);
  const count = end - start;
  const header = `@@ -${range(start + 1, count)} +${range(start + 1 + shift, count + added)} @@`;
  return { text: [header, ...text], added };
}

const NO_END = '\\ No newline at end of file';

function range(start: number, count: number): string {
  return count === 1 ? String(start) : `${start},${count}`;
}

interface Line {
  readonly at: number;
  /** With its end. */
  readonly text: string;
}

function linesOf(content: string): readonly Line[] {
  let at = 0;
  return (content.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((text) => {
    const line = { at, text };
    at += text.length;
    return line;
  });
}

/** The index of the line with this offset. */
function lineAt(lines: readonly Line[], offset: number): number {
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((lines[middle]?.at ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A carriage return before the line feed is a part of the line. */
function withoutEnd(line: string): string {
  return line.endsWith('\n') ? line.slice(0, -1) : line;
}
