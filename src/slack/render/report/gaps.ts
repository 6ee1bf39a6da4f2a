import type { Gap } from '../../../check/finding.ts';
import { countInWords, groupGaps } from '../../../check/report-in-words.ts';
import { cost, fit, inert, joinWithin } from '../inert.ts';
import type { Message } from '../message.ts';
import {
  bold,
  bullets,
  costOf,
  emoji,
  EMOJI,
  glue,
  line,
  type Part,
  rich,
  ROOM,
  say,
  TEXT_ROOM,
} from '../pieces.ts';

const BECAUSE = 400;
const WHAT = 300;
/** Of one reason; the rest are counted. */
const WHATS_SHOWN = 15;

/** One reply on what could not be checked, by reason. `isCut` where not every place is named; the CSV names them all. */
export function renderGaps(gaps: readonly Gap[]): { readonly message: Message; readonly isCut: boolean } {
  const groups = groupGaps(gaps);
  const title = `Couldn't check ${countInWords(gaps.length, 'place')}`;
  const parts: Part[] = [
    line(emoji(EMOJI.UNKNOWN), { ...glue(' UNKNOWN  '), style: { bold: true } }, bold(title)),
  ];
  let room = ROOM - costOf(parts) - 200;
  let named = 0;
  for (const { because, whats } of groups) {
    const shown = whats.slice(0, WHATS_SHOWN);
    const rest = whats.length - shown.length;
    const items = shown.map((what) => line(say(what, WHAT)));
    if (rest > 0) items.push(line(say(`and ${countInWords(rest, 'more', 'more')}`)));
    const count = whats.length > 1 ? ` (${whats.length.toLocaleString('en-US')})` : '';
    const group = [line(bold(`${fit(because, BECAUSE)}${count}`)), bullets(items)];
    room -= costOf(group);
    if (room < 0) break;
    parts.push(...group);
    named += shown.length;
  }
  const isCut =
    named < gaps.length ||
    groups.some(({ because, whats }) => cost(because) > BECAUSE || whats.some((what) => cost(what) > WHAT));
  if (named < gaps.length)
    parts.push(
      line(
        say(
          `Named here: ${named.toLocaleString('en-US')} of ${gaps.length.toLocaleString('en-US')}. The attached gaps.csv names all.`,
        ),
      ),
    );
  const lines = groups.map(
    ({ because, whats }) =>
      `• ${inert(because, 200)}: ${inert(whats.slice(0, 3).join(', '), 200)}${whats.length > 3 ? ` and ${whats.length - 3} more` : ''}`,
  );
  return {
    message: { text: joinWithin([`UNKNOWN: ${title}`, ...lines], TEXT_ROOM), blocks: [rich(...parts)] },
    isCut,
  };
}
