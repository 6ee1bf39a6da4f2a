import type { Gap } from '../../../check/finding.ts';
import { countInWords, groupGaps, unreadInWords } from '../../../check/report-in-words.ts';
import { encodedLength, truncate, escapeUntrusted, joinLinesWithin } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import {
  bold,
  bullets,
  countBlockChars,
  emoji,
  EMOJI,
  plain,
  line,
  type RichTextPart,
  rich,
  MAX_BLOCK_CHARS,
  text,
  MAX_TEXT_BYTES,
} from '../blocks.ts';
import { sentence, sentenceInMrkdwn } from '../sentence.ts';

const MAX_BECAUSE_CHARS = 400;
const MAX_WHAT_CHARS = 300;
/** Per reason. The rest are counted. */
const MAX_WHATS = 15;

/**
 * One reply with what couldn't be checked, by reason. `isCut` if not everything is named; the CSV names it all. `question`: the check that has all
 * these gaps, if the thread is about several checks.
 */
export function renderGaps(
  gaps: readonly Gap[],
  question?: string,
): { readonly message: Message; readonly isCut: boolean } {
  const groups = groupGaps(gaps);
  const sources = `Couldn't check ${unreadInWords(gaps)}`;
  const title = question === undefined ? sources : `${sources} for ${question}`;
  const parts: RichTextPart[] = [
    line(emoji(EMOJI.UNKNOWN), { ...plain(' UNKNOWN  '), style: { bold: true } }, bold(title)),
  ];
  let charsLeft = MAX_BLOCK_CHARS - countBlockChars(parts) - 200;
  let named = 0;
  for (const { because, whats } of groups) {
    const shown = whats.slice(0, MAX_WHATS);
    const rest = whats.length - shown.length;
    const items = shown.map((what) => line(text(what, MAX_WHAT_CHARS)));
    if (rest > 0) items.push(line(text(`and ${countInWords(rest, 'more', 'more')}`)));
    const count = whats.length > 1 ? ` (${whats.length.toLocaleString('en-US')})` : '';
    const reason = sentence(`${truncate(because, MAX_BECAUSE_CHARS)}${count}`, {
      isBold: true,
      names: whats,
    });
    const group = [line(...reason), bullets(items)];
    charsLeft -= countBlockChars(group);
    if (charsLeft < 0) break;
    parts.push(...group);
    named += shown.length;
  }
  const isCut =
    named < gaps.length ||
    groups.some(
      ({ because, whats }) =>
        encodedLength(because) > MAX_BECAUSE_CHARS ||
        whats.some((what) => encodedLength(what) > MAX_WHAT_CHARS),
    );
  if (named < gaps.length)
    parts.push(
      line(
        text(
          `Showing ${named.toLocaleString('en-US')} of ${gaps.length.toLocaleString('en-US')}. The attached gaps.csv has all of them.`,
        ),
      ),
    );
  const lines = groups.map(
    ({ because, whats }) =>
      `• ${sentenceInMrkdwn(because, { max: 200, names: whats })}: ${escapeUntrusted(whats.slice(0, 3).join(', '), 200)}${whats.length > 3 ? ` and ${whats.length - 3} more` : ''}`,
  );
  return {
    message: {
      text: joinLinesWithin([`UNKNOWN: ${escapeUntrusted(title, 400)}`, ...lines], MAX_TEXT_BYTES),
      blocks: [rich(...parts)],
    },
    isCut,
  };
}
