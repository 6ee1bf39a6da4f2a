import type { ContainerStart } from './container-commands.ts';
import type { Fix } from './leak.ts';
import type { Positions } from './positions.ts';
import { offsetToEdit, type Script } from './script.ts';

/** The edit that adds `--rm` to a command. Undefined if its place isn't in this file. */
export function fixOf(start: ContainerStart, { pieces }: Script, positions: Positions): Fix | undefined {
  const { disabling, insertAt } = start;
  if (disabling) {
    const at = offsetToEdit(pieces, disabling.at);
    const last = offsetToEdit(pieces, disabling.end - 1);
    return at === undefined || last === undefined
      ? undefined
      : edit({ at, end: last + 1, inserts: '--rm' }, positions);
  }
  if (insertAt === undefined) return undefined;
  // After the last character of the word, because what follows the word may be written elsewhere.
  const last = offsetToEdit(pieces, insertAt - 1);
  return last === undefined ? undefined : edit({ at: last + 1, end: last + 1, inserts: ' --rm' }, positions);
}

function edit({ at, end, inserts }: Pick<Fix, 'at' | 'end' | 'inserts'>, positions: Positions): Fix {
  const { line, column } = positions.at(at);
  const { text } = positions.line(line);
  const corrected = text.slice(0, column - 1) + inserts + text.slice(column - 1 + (end - at));
  return { at, end, inserts, line, corrected: corrected.trim() };
}
