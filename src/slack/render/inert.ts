import { cleanLine, cleanText } from '../../text/clean-text.ts';

/**
 * Makes what infrastructure says harmless in Slack's mrkdwn. Blocks of ours hold it in `plain_text` and `rich_text`, which know no
 * markup; a message's top-level `text` is mrkdwn always, and has no `verbatim`.
 * https://docs.slack.dev/messaging/formatting-message-text
 */

const ZERO_WIDTH_SPACE = '\u200B';

/** mrkdwn has no escape for these; they become signs that look the same and mean nothing. */
const LOOKALIKES: Readonly<Record<string, string>> = { '*': '∗', '~': '∼', '`': 'ˋ', _: 'ˍ' };
const MARKS = /[*~`]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;
/** Where a link, an address, a mention or an emoji would begin: `://`, `www.x`, `a@b.c`, `@channel`, `:x:`. */
const JOINTS = /:(?=\/\/|[a-z0-9_+'-]+:)|\.(?=\p{L})|@(?=\S)/giu;

/** Untrusted text as mrkdwn: no mention, no link, no emphasis, no emoji, on one line of about `max` characters. */
export function inert(text: string, max = 3_000): string {
  return escapeMrkdwn(
    fit(cleanText(text), max)
      .replace(MARKS, (mark) => LOOKALIKES[mark] ?? '')
      .replace(JOINTS, (joint) => (joint === '.' ? `${ZERO_WIDTH_SPACE}.` : joint + ZERO_WIDTH_SPACE)),
  );
}

/** Untrusted text as a code span, which keeps it copyable; a backtick would end the span and is replaced. */
export function code(text: string, max = 500): string {
  return `\`${escapeMrkdwn(fit(cleanText(text).replaceAll('`', "'"), max))}\``;
}

/** Untrusted text for `plain_text` with `emoji: true`. */
export function withoutEmoji(text: string): string {
  return text.replace(/:(?=[a-z0-9_+'-]+:)/gi, `:${ZERO_WIDTH_SPACE}`);
}

/** `&` first, and nothing more than these three. */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** How many characters Slack counts: it keeps text escaped, whatever block it is in. */
export function cost(text: string): number {
  return escapeMrkdwn(text).length;
}

/** The text, or as much of its beginning as costs no more than `max`, with an ellipsis. */
export function fit(text: string, max: number): string {
  if (text.length * '&amp;'.length <= max || cost(text) <= max) return text;
  let kept = '';
  let spent = '…'.length;
  for (const character of text) {
    spent += cost(character);
    if (spent > max) break;
    kept += character;
  }
  return `${kept.trimEnd()}…`;
}

/** Lines of a log that fit, the newest first to stay, in their order. */
export function fitLines(lines: readonly string[], maxLines: number, max: number): readonly string[] {
  const kept: string[] = [];
  let spent = 0;
  for (const line of lines.slice(-maxLines).toReversed()) {
    const shown = fit(cleanLine(line), 500);
    spent += cost(shown) + 1;
    if (spent > max) break;
    kept.push(shown);
  }
  return kept.toReversed();
}

/** Slack counts the top-level text of an edit in UTF-8 bytes. https://github.com/openclaw/openclaw/pull/115027 */
export function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

/** What a cut must not split: a mention, date or link, an escaped character, a surrogate pair. */
const UNITS = /<[^<>]*>|&(?:amp|lt|gt);|[^]/gu;
const ELLIPSIS = '…';

/** Cuts mrkdwn that is already inert to at most `maxBytes`, with an ellipsis. */
export function cutMrkdwn(text: string, maxBytes: number): string {
  if (bytesOf(text) <= maxBytes) return text;
  let kept = '';
  let spent = bytesOf(ELLIPSIS);
  for (const [unit] of text.matchAll(UNITS)) {
    spent += bytesOf(unit);
    if (spent > maxBytes) break;
    kept += unit;
  }
  return `${kept.trimEnd()}${ELLIPSIS}`;
}

/** Joins inert lines, as many as fit into `maxBytes`, and says how many are left out. The first line is cut rather than left out. */
export function joinWithin(lines: readonly string[], maxBytes: number): string {
  let text = '';
  let spent = 0;
  for (const [at, line] of lines.entries()) {
    const left = lines.length - at;
    const rest = `\n${ELLIPSIS} and ${left} more`;
    const size = bytesOf(line) + (at === 0 ? 0 : 1);
    if (spent + size + (left === 1 ? 0 : bytesOf(rest)) > maxBytes) {
      if (at > 0) return `${text}${rest}`;
      const others = left === 1 ? '' : `\n${ELLIPSIS} and ${left - 1} more`;
      return `${cutMrkdwn(line, maxBytes - bytesOf(others))}${others}`;
    }
    text += at === 0 ? line : `\n${line}`;
    spent += size;
  }
  return text;
}
