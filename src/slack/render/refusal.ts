import { cleanText } from '../../check/clean-text.ts';
import { fit, inert } from './inert.ts';
import type { Message } from './message.ts';
import { emoji, glue, line, rich, say } from './pieces.ts';
import { sentence, SIGNS } from './remediation-words.ts';

const ROOM = 900;
const TITLE = 150;

/**
 * Why a click or a command was not followed, for that person alone.
 * `what` is the title of what was clicked: `Restart doppler_z2/0`. `because` is a clause: `you asked for it yourself; somebody else must approve it`.
 */
export function renderRefusal({
  because,
  what,
}: {
  readonly because: string;
  readonly what?: string;
}): Message {
  const { word, emoji: sign } = SIGNS.refused;
  const about = what === undefined ? '' : `${fit(cleanText(what), TITLE)} · `;
  const why = sentence(because);
  return {
    text: `:${sign}: ${word} · ${about && `${inert(what ?? '', TITLE)} · `}${inert(why, ROOM)}`,
    blocks: [
      rich(line(emoji(sign), { ...glue(` ${word} · ${about}`), style: { bold: true } }, say(why, ROOM))),
    ],
  };
}
