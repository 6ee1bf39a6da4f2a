import { inert } from './inert.ts';
import type { Message } from './message.ts';
import { bold, emoji, glue, line, rich } from './pieces.ts';
import { sentence, SIGNS } from './remediation-words.ts';

const ROOM = 900;

/**
 * Why a click or a command was not followed, for that person alone.
 * `what` follows "You cannot": `approve this`. `because` is a clause: `you asked for it yourself; somebody else must approve it`.
 */
export function renderRefusal({
  because,
  what,
}: {
  readonly because: string;
  readonly what?: string;
}): Message {
  const { word, emoji: sign } = SIGNS.refused;
  const said = what === undefined ? sentence(because) : sentence(`you cannot ${what}: ${because}`);
  return {
    text: `:${sign}: ${word} · ${inert(said, ROOM)}`,
    blocks: [rich(line(emoji(sign), { ...glue(` ${word} · `), style: { bold: true } }, bold(said, ROOM)))],
  };
}
