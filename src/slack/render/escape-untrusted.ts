import { BEFORE_UNCHECKED } from '../../check/report-in-words.ts';
import { cleanLine, cleanText } from '../../text/clean-text.ts';

/**
 * Escapes text from infrastructure for Slack's mrkdwn. Blocks show it in `plain_text` and `rich_text`, which have no markup; the top-level
 * `text` of a message is always mrkdwn and has no `verbatim`.
 * https://docs.slack.dev/messaging/formatting-message-text
 */

const ZERO_WIDTH_SPACE = '\u200B';

/** mrkdwn has no escape for these, so they are replaced with look-alikes that have no meaning. */
const LOOK_ALIKES: Readonly<Record<string, string>> = { '*': '∗', '~': '∼', '`': 'ˋ', _: 'ˍ' };
const MARKS = /[*~`]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;
/** The start of a link, an address, a mention or an emoji: `://`, `www.x`, `a@b.c`, `@channel`, `:x:`. */
const AUTOLINK_STARTS = /:(?=\/\/|[a-z0-9_+'-]+:)|\.(?=\p{L})|@(?=\S)/giu;

/** Escapes untrusted text for mrkdwn: no mention, link, emphasis or emoji, on one line of about `max` characters. */
export function escapeUntrusted(text: string, max = 3_000): string {
  return escapeMrkdwn(
    truncate(cleanText(text), max)
      .replace(MARKS, (mark) => LOOK_ALIKES[mark] ?? '')
      .replace(AUTOLINK_STARTS, (joint) =>
        joint === '.' ? `${ZERO_WIDTH_SPACE}.` : joint + ZERO_WIDTH_SPACE,
      ),
  );
}

/** Untrusted text as a code span, which keeps it copyable; a backtick would end the span and is replaced. */
export function code(text: string, max = 500): string {
  return `\`${escapeMrkdwn(truncate(cleanText(text).replaceAll('`', "'"), max))}\``;
}

/** Untrusted text for `plain_text` with `emoji: true`. */
export function withoutEmoji(text: string): string {
  return text.replace(/:(?=[a-z0-9_+'-]+:)/gi, `:${ZERO_WIDTH_SPACE}`);
}

/** Slack wants exactly these three characters escaped, `&` first. https://docs.slack.dev/messaging/formatting-message-text#escaping */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The address of a link; undefined if it isn't an HTTP URL, or could end the markup of a link. */
export function safeLink(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { protocol, href } = new URL(url);
  return /^https?:$/.test(protocol) && !/[<>|\s]/.test(href) && href.length <= 3_000 ? href : undefined;
}

/** The number of characters that Slack counts: it stores text escaped, in every kind of block. */
export function encodedLength(text: string): number {
  return escapeMrkdwn(text).length;
}

/** The text, or as much of its beginning as encodes to at most `maxChars`, with an ellipsis. */
export function truncate(text: string, maxChars: number): string {
  if (text.length * '&amp;'.length <= maxChars || encodedLength(text) <= maxChars) return text;
  let kept = '';
  let usedChars = '…'.length;
  for (const character of text) {
    usedChars += encodedLength(character);
    if (usedChars > maxChars) break;
    kept += character;
  }
  return `${kept.trimEnd()}…`;
}

/** A verdict that encodes to at most `maxChars`. What couldn't be checked is at its end, so the beginning is truncated first. */
export function truncateVerdict(verdict: string, maxChars: number): string {
  const at = verdict.lastIndexOf(BEFORE_UNCHECKED);
  if (at === -1 || encodedLength(verdict) <= maxChars) return truncate(verdict, maxChars);
  const unchecked = truncate(verdict.slice(at), Math.floor(maxChars * 0.6));
  return truncate(verdict.slice(0, at), maxChars - encodedLength(unchecked)) + unchecked;
}

/** The last lines of a log that fit, in their order. */
export function lastLinesWithin(
  lines: readonly string[],
  maxLines: number,
  maxChars: number,
): readonly string[] {
  const kept: string[] = [];
  let usedChars = 0;
  for (const line of lines.slice(-maxLines).toReversed()) {
    const shown = truncate(cleanLine(line), 500);
    usedChars += encodedLength(shown) + 1;
    if (usedChars > maxChars) break;
    kept.push(shown);
  }
  return kept.toReversed();
}

/** Slack counts the top-level text of an edit in UTF-8 bytes. https://github.com/openclaw/openclaw/pull/115027 */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text);
}

/** Never split: a mention, date or link, an escaped character, a surrogate pair. */
const INDIVISIBLE = /<[^<>]*>|&(?:amp|lt|gt);|[^]/gu;
const ELLIPSIS = '…';

/** Truncates mrkdwn that is already escaped to at most `maxBytes`, with an ellipsis. */
export function truncateMrkdwn(text: string, maxBytes: number): string {
  if (utf8Length(text) <= maxBytes) return text;
  let kept = '';
  let usedBytes = utf8Length(ELLIPSIS);
  for (const [unit] of text.matchAll(INDIVISIBLE)) {
    usedBytes += utf8Length(unit);
    if (usedBytes > maxBytes) break;
    kept += unit;
  }
  return `${kept.trimEnd()}${ELLIPSIS}`;
}

/** Joins escaped lines, as many as fit into `maxBytes`, and states how many are left out. The first line is truncated rather than left out. */
export function joinLinesWithin(lines: readonly string[], maxBytes: number): string {
  let text = '';
  let usedBytes = 0;
  for (const [at, line] of lines.entries()) {
    const left = lines.length - at;
    const rest = `\n${ELLIPSIS} and ${left} more`;
    const size = utf8Length(line) + (at === 0 ? 0 : 1);
    if (usedBytes + size + (left === 1 ? 0 : utf8Length(rest)) > maxBytes) {
      if (at > 0) return `${text}${rest}`;
      const others = left === 1 ? '' : `\n${ELLIPSIS} and ${left - 1} more`;
      return `${truncateMrkdwn(line, maxBytes - utf8Length(others))}${others}`;
    }
    text += at === 0 ? line : `\n${line}`;
    usedBytes += size;
  }
  return text;
}
