import { countInWords } from '../../../check/report-in-words.ts';
import type { Remediation, State } from '../../../store/remediation/record.ts';
import { bytesOf, cutMrkdwn, fit, inert, joinWithin } from '../inert.ts';
import type { Message } from '../message.ts';
import { type Blocks, emoji, glue, line, type Part, rich, say } from '../pieces.ts';
import { headlineOf, SIGNS } from './words.ts';

/** How a deed ended is told in the channel as well; what came to no deed is told in the thread alone. */
const TOLD: ReadonlySet<State> = new Set(['fixed', 'unverified', 'failed', 'interrupted']);
const MOST = 5;
const ROOM = 300;
/** Bytes of the top-level text, of which an edit takes no more than 4,000. */
const EDIT_ROOM = 3_900;
const FIXES_ROOM = 1_800;

/**
 * A report's root message with what became of its findings since: who reads the channel alone must not take for broken what was fixed.
 * `open` is how many of its offers still have a button. The coverage stays the last line.
 */
export function withFixes(root: Message, remediations: readonly Remediation[], open: number): Message {
  const ended = remediations.filter(({ state }) => TOLD.has(state));
  const shown = ended.slice(-MOST);
  const lines = [
    ...shown.map((one) => ({
      sign: SIGNS[one.state].emoji,
      text: `${SIGNS[one.state].word} · ${headlineOf(one)}`,
    })),
    ...(ended.length > MOST
      ? [
          {
            sign: 'wrench',
            text: `${countInWords(ended.length - MOST, 'more fix', 'more fixes')} in the thread`,
          },
        ]
      : []),
    ...(open > 0
      ? [
          {
            sign: 'wrench',
            text: `${countInWords(open, 'fix is', 'fixes are')} offered at the end of the thread.`,
          },
        ]
      : []),
  ];
  if (lines.length === 0) return root;
  const parts: Part[] = lines.map(({ sign, text }) => line(emoji(sign), glue(' '), say(text, ROOM)));
  return { text: withLines(root.text, lines), blocks: before(root.blocks, rich(...parts)) };
}

const MORE = /^… and (\d+) more$/;

/** Cuts the report's text rather than the state of its fixes, which is newer. */
function withLines(text: string, lines: readonly { readonly sign: string; readonly text: string }[]): string {
  const said = text.split('\n');
  const coverage = said.pop() ?? '';
  const fixes = lines.map((one) => `:${one.sign}: ${inert(fit(one.text, ROOM), ROOM)}`).join('\n');
  const end = `${cutMrkdwn(fixes, FIXES_ROOM)}\n${coverage}`;
  return `${joinAgain(said, EDIT_ROOM - bytesOf(end) - 1)}\n${end}`;
}

/** {@link joinWithin} for lines that may have been cut before: lines left out then are included in the count. */
function joinAgain(lines: readonly string[], maxBytes: number): string {
  const joined = joinWithin(lines, maxBytes);
  const before = Number(MORE.exec(lines.at(-1) ?? '')?.[1] ?? 0);
  if (before === 0 || joined === lines.join('\n')) return joined;
  // The line with the earlier count is one of those left out now.
  return joined.replace(/\d+(?= more$)/, (now) => String(Number(now) - 1 + before));
}

/** Above the small print at the end. */
function before(blocks: Message['blocks'], added: Blocks[number]): Blocks {
  const at = blocks.findLastIndex(({ type }) => type !== 'context') + 1;
  return [...blocks.slice(0, at), added, ...blocks.slice(at)];
}
