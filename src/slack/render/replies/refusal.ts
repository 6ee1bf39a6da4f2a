import { cleanText } from '../../../text/clean-text.ts';
import { truncate, escapeUntrusted } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import { emoji, plain, line, rich } from '../blocks.ts';
import { toSentence, STATE_LABELS } from '../remediation/words.ts';
import { sentence, sentenceInMrkdwn } from '../sentence.ts';

const MAX_REASON_CHARS = 900;
const MAX_TITLE_CHARS = 150;
const MAX_CHANNELS = 5;
/** Not of direct messages, which have no name to show. */
const CHANNEL_ID = /^[CG][A-Z0-9]{2,20}$/;

/**
 * Why a click or a command was refused, visible only to that person.
 * `what` is the title of what was clicked: `Restart doppler_z2/0`. `because` is a clause: `you can't approve your own request; someone else must`.
 * `askIn` lists channels where it would be accepted.
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
  const { word, emoji: sign } = STATE_LABELS.refused;
  const about = what === undefined ? '' : `${truncate(cleanText(what), MAX_TITLE_CHARS)} · `;
  const why = toSentence(because);
  const channels = askIn.filter((id) => CHANNEL_ID.test(id)).slice(0, MAX_CHANNELS);
  const elsewhere = channels.length > 0 ? ' Try in ' : '';
  return {
    text: `:${sign}: ${word} · ${about && `${escapeUntrusted(what ?? '', MAX_TITLE_CHARS)} · `}${sentenceInMrkdwn(why, { max: MAX_REASON_CHARS, names: what === undefined ? [] : [what] })}${elsewhere}${channels.map((id) => `<#${id}>`).join(', ')}`,
    blocks: [
      rich(
        line(
          emoji(sign),
          { ...plain(` ${word} · ${about}`), style: { bold: true } },
          ...sentence(why, { max: MAX_REASON_CHARS, names: what === undefined ? [] : [what] }),
          ...(channels.length > 0 ? [plain(elsewhere)] : []),
          ...channels.flatMap((id, at) => [
            ...(at > 0 ? [plain(', ')] : []),
            { type: 'channel' as const, channel_id: id },
          ]),
        ),
      ),
    ],
  };
}
