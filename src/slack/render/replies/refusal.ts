import { cleanText } from '../../../text/clean-text.ts';
import { fit, inert } from '../inert.ts';
import type { Message } from '../message.ts';
import { emoji, glue, line, rich, say } from '../pieces.ts';
import { sentence, SIGNS } from '../remediation/words.ts';

const ROOM = 900;
const TITLE = 150;
const MOST_CHANNELS = 5;
/** Direct messages are left out: they have no name to show. */
const CHANNEL_ID = /^[CG][A-Z0-9]{2,20}$/;

/**
 * Why a click or a command was not followed, for that person alone.
 * `what` is the title of what was clicked: `Restart doppler_z2/0`. `because` is a clause: `you asked for it yourself; somebody else must approve it`.
 * `askIn` lists channels in which it would be accepted.
 */
export function renderRefusal({
  because,
  what,
  askIn = [],
}: {
  readonly because: string;
  readonly what?: string;
  readonly askIn?: readonly string[];
}): Message {
  const { word, emoji: sign } = SIGNS.refused;
  const about = what === undefined ? '' : `${fit(cleanText(what), TITLE)} · `;
  const why = sentence(because);
  const channels = askIn.filter((id) => CHANNEL_ID.test(id)).slice(0, MOST_CHANNELS);
  const elsewhere = channels.length > 0 ? ' Ask in ' : '';
  return {
    text: `:${sign}: ${word} · ${about && `${inert(what ?? '', TITLE)} · `}${inert(why, ROOM)}${elsewhere}${channels.map((id) => `<#${id}>`).join(', ')}`,
    blocks: [
      rich(
        line(
          emoji(sign),
          { ...glue(` ${word} · ${about}`), style: { bold: true } },
          say(why, ROOM),
          ...(channels.length > 0 ? [glue(elsewhere)] : []),
          ...channels.flatMap((id, at) => [
            ...(at > 0 ? [glue(', ')] : []),
            { type: 'channel' as const, channel_id: id },
          ]),
        ),
      ),
    ],
  };
}
