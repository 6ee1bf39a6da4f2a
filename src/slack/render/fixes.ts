import { countInWords } from '../../check/report-in-words.ts';
import type { Remediation, State } from '../../memory/remediation.ts';
import { fit, inert } from './inert.ts';
import type { Message } from './message.ts';
import { type Blocks, emoji, glue, line, type Part, rich, say } from './pieces.ts';
import { headlineOf, SIGNS } from './remediation-words.ts';

/** How a deed ended is told in the channel as well; what came to no deed is told in the thread alone. */
const TOLD: ReadonlySet<State> = new Set(['fixed', 'unverified', 'failed', 'interrupted']);
const MOST = 5;
const ROOM = 300;

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

function withLines(text: string, lines: readonly { readonly sign: string; readonly text: string }[]): string {
  const told = text.split('\n');
  const coverage = told.pop() ?? '';
  return [
    ...told,
    ...lines.map(({ sign, text: said }) => `:${sign}: ${inert(fit(said, ROOM), ROOM)}`),
    coverage,
  ].join('\n');
}

/** Above the small print at the end. */
function before(blocks: Message['blocks'], added: Blocks[number]): Blocks {
  const at = blocks.findLastIndex(({ type }) => type !== 'context') + 1;
  return [...blocks.slice(0, at), added, ...blocks.slice(at)];
}
