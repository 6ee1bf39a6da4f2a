import type {
  Button,
  ConfirmationDialog,
  ContextBlock,
  HeaderBlock,
  KnownBlock,
  MrkdwnElement,
  PlainTextElement,
  RichTextBlock,
  RichTextDate,
  RichTextEmoji,
  RichTextSection,
  RichTextText,
  RichTextUsergroupMention,
  RichTextUserMention,
} from '@slack/types';
import { cleanText } from '../../text/clean-text.ts';
import type { Severity } from '../../check/finding.ts';
import { type Headline, SEVERITY_WORDS, timeInWords } from '../../check/report-in-words.ts';
import type { ChartBlock } from './chart-block.ts';
import { sentenceInMrkdwn, withoutBackticks } from './sentence.ts';
import {
  encodedLength,
  escapeMrkdwn,
  truncate,
  truncateVerdict,
  escapeUntrusted,
  withoutEmoji,
} from './escape-untrusted.ts';

/** A color never appears without its word. Only CLEAR is green. */
export const EMOJI: Readonly<Record<Headline, string>> = {
  CRITICAL: 'red_circle',
  WARNING: 'large_yellow_circle',
  INFO: 'large_blue_circle',
  CLEAR: 'white_check_mark',
  UNKNOWN: 'white_circle',
};

/** Of a header block. https://docs.slack.dev/reference/block-kit/blocks/header-block */
export const MAX_HEADER_CHARS = 150;

/** The first line of a message in a channel: `🔴 CRITICAL · ` and the verdict, as much of it as fits. */
export function headlineBlock(headline: Headline, verdict: string): HeaderBlock {
  return headerBlock(`:${EMOJI[headline]}: ${headline}`, verdict);
}

/** The same with any other sign, such as `:white_check_mark: FIXED`. */
export function headerBlock(sign: string, words: string): HeaderBlock {
  const first = `${sign} · `;
  return {
    type: 'header',
    text: {
      type: 'plain_text',
      text: first + truncateVerdict(withoutEmoji(withoutBackticks(words)), MAX_HEADER_CHARS - first.length),
      emoji: true,
    },
  };
}

export type RichTextPart = RichTextBlock['elements'][number];

/** Untrusted text in a `rich_text` block, which has no markup. */
export function text(text: string, max = 1_000): RichTextText {
  return { type: 'text', text: truncate(cleanText(text), max) };
}

export function bold(value: string, max = 1_000): RichTextText {
  return { ...text(value, max), style: { bold: true } };
}

/** Inline code, for text to copy. */
export function codeSpan(value: string, max = 1_000): RichTextText {
  return { ...text(value, max), style: { code: true } };
}

/** Wrench's own text, with its spaces; never text from infrastructure or people. */
export function plain(text: string): RichTextText {
  return { type: 'text', text };
}

export function emoji(name: string): RichTextEmoji {
  return { type: 'emoji', name };
}

export function line(...elements: RichTextSection['elements']): RichTextSection {
  return { type: 'rich_text_section', elements };
}

export function bullets(items: readonly RichTextSection[]): RichTextPart {
  return { type: 'rich_text_list', style: 'bullet', elements: [...items] };
}

export function ordered(items: readonly RichTextSection[]): RichTextPart {
  return { type: 'rich_text_list', style: 'ordered', elements: [...items] };
}

export function preformatted(lines: readonly string[]): RichTextPart {
  return {
    type: 'rich_text_preformatted',
    elements: [plain(lines.join('\n').trim() === '' ? ' ' : lines.join('\n'))],
  };
}

export function rich(...elements: RichTextPart[]): RichTextBlock {
  return { type: 'rich_text', elements };
}

/** `🔴 CRITICAL  ` before a text. */
export function badge(severity: Severity): RichTextSection['elements'] {
  const word = SEVERITY_WORDS[severity];
  return [emoji(EMOJI[word]), { ...plain(` ${word}  `), style: { bold: true } }];
}

/** Untrusted text as a `plain_text` object without emoji. https://docs.slack.dev/reference/block-kit/composition-objects/text-object */
export function plainTextObject(text: string, max = 1_000): PlainTextElement {
  return { type: 'plain_text', text: truncate(cleanText(text), max), emoji: false };
}

/** Our own sentence in small type, with commands as code. */
export function noteContext(words: string, max: number): ContextBlock {
  return context({ type: 'mrkdwn', text: sentenceInMrkdwn(words, { max }), verbatim: true });
}

export function context(...elements: ContextBlock['elements']): ContextBlock {
  return { type: 'context', elements };
}

const USER_ID = /^[UW][A-Z0-9]{2,20}$/;
const GROUP_ID = /^S[A-Z0-9]{2,20}$/;

/** A mention of a person or of a user group; text that isn't an id is escaped. */
export function mention(id: string): string {
  if (GROUP_ID.test(id)) return `<!subteam^${id}>`;
  return USER_ID.test(id) ? `<@${id}>` : escapeUntrusted(id, 80);
}

export function mentionElement(id: string): RichTextUserMention | RichTextUsergroupMention | RichTextText {
  if (GROUP_ID.test(id)) return { type: 'usergroup', usergroup_id: id };
  return USER_ID.test(id) ? { type: 'user', user_id: id } : text(id, 80);
}

/** The reader's own time zone, from Slack's date token. https://docs.slack.dev/messaging/formatting-message-text#date-formatting */
export function dateToken(iso: string, fallback = timeInWords(iso)): string {
  const seconds = Math.floor(Date.parse(iso) / 1_000);
  if (!(seconds >= 0)) return escapeUntrusted(iso, 80);
  return `<!date^${seconds}^{date_short_pretty} {time}|${escapeMrkdwn(fallback)}>`;
}

/** A time of day to the second, in mrkdwn. */
export function timeToken(iso: string): string {
  const element = timeElement(iso);
  return element.type === 'date'
    ? `<!date^${element.timestamp}^${element.format}|${element.fallback}>`
    : escapeUntrusted(iso, 80);
}

/** A time of day to the second, in a `rich_text` block. */
export function timeElement(iso: string): RichTextDate | RichTextText {
  return dateElement(iso, '{time_secs}', (at) => `${at.slice(11, 19)} UTC`);
}

/** {@link dateToken} in a `rich_text` block. `fallback` names the zone. */
export function dateTimeElement(iso: string, fallback?: string): RichTextDate | RichTextText {
  return dateElement(iso, '{date_short_pretty} {time}', (at) => fallback ?? timeInWords(at));
}

function dateElement(
  iso: string,
  format: string,
  fallbackOf: (iso: string) => string,
): RichTextDate | RichTextText {
  const seconds = Math.floor(Date.parse(iso) / 1_000);
  if (!(seconds >= 0)) return text(iso, 80);
  return {
    type: 'date',
    timestamp: seconds,
    format,
    fallback: fallbackOf(new Date(seconds * 1_000).toISOString()),
  };
}

/** Who ran the check and when. Nothing in it comes from infrastructure. */
export function askedBy({ by, at }: { readonly by: string; readonly at: string }): MrkdwnElement {
  return { type: 'mrkdwn', text: `${mention(by)} · ${dateToken(at)}`, verbatim: true };
}

const MAX_LABEL_CHARS = 75;

interface ButtonOptions {
  readonly label: string;
  /** What a screen reader says after the label, if several buttons have the same one. */
  readonly describes?: string;
  readonly action:
    | 'wrench:request'
    | 'wrench:approve'
    | 'wrench:reject'
    | 'wrench:pause'
    | 'wrench:look'
    | 'wrench:take'
    | 'wrench:release'
    | 'wrench:silence'
    | 'wrench:unsilence'
    /** Runs the same command again. Its value is the command. */
    | 'wrench:again'
    /** Opens a form with the arguments of the command in its value. */
    | 'wrench:form'
    /** Opens the evidence of a run. */
    | 'wrench:evidence'
    /** Opens a list of the other fixes of a run. */
    | 'wrench:choose'
    /** Numbered, because an action id must be unique in its block. */
    | `wrench:ask-${number}`;
  /** Ids, looked up at the click; for `ask`, a command that anyone could type. */
  readonly value: string;
  readonly isPrimary?: boolean;
  readonly confirm?: ConfirmationDialog;
}

export function button({
  label,
  describes,
  action,
  value,
  isPrimary = false,
  confirm,
}: ButtonOptions): Button {
  return {
    type: 'button',
    text: plainTextObject(label, MAX_LABEL_CHARS),
    action_id: action,
    value,
    ...(describes !== undefined && {
      accessibility_label: truncate(`${label}: ${cleanText(describes)}`, MAX_LABEL_CHARS),
    }),
    ...(isPrimary && { style: 'primary' as const }),
    ...(confirm && { confirm }),
  };
}

/** A dialog that Slack shows before it sends the click. `confirm` is a verb. */
export function confirmation(options: {
  readonly title: string;
  readonly text: string;
  readonly confirm: string;
  readonly isDangerous?: boolean;
}): ConfirmationDialog {
  return {
    title: plainTextObject(options.title, 100),
    text: plainTextObject(options.text, 300),
    confirm: plainTextObject(options.confirm, 30),
    deny: plainTextObject('Cancel', 30),
    ...(options.isDangerous && { style: 'danger' as const }),
  };
}

/** The characters that Slack counts in blocks; see {@link MAX_BLOCK_CHARS}. */
export function countBlockChars(node: unknown): number {
  if (Array.isArray(node)) return node.reduce<number>((sum, child) => sum + countBlockChars(child), 0);
  if (node === null || typeof node !== 'object') return 0;
  return Object.entries(node).reduce(
    (sum, [key, child]) =>
      sum + (key === 'text' && typeof child === 'string' ? encodedLength(child) : countBlockChars(child)),
    0,
  );
}

/**
 * Characters in all blocks of one message. Slack documents no limit; it accepted 9,597 and rejected 11,341 (`msg_blocks_too_long`).
 * https://github.com/slackapi/bolt-js/issues/2867
 */
export const MAX_BLOCK_CHARS = 9_500;
export const MAX_BLOCKS = 50;
/** Bytes of top-level text: an edit accepts at most 4,000 (`msg_too_long`), and notifications show far less. */
export const MAX_TEXT_BYTES = 3_000;

export type Blocks = (KnownBlock | ChartBlock)[];
