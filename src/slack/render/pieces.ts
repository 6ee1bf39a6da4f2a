import type {
  Button,
  ConfirmationDialog,
  ContextBlock,
  KnownBlock,
  MrkdwnElement,
  PlainTextElement,
  RichTextBlock,
  RichTextDate,
  RichTextEmoji,
  RichTextSection,
  RichTextText,
  RichTextUserMention,
} from '@slack/types';
import { cleanText } from '../../text/clean-text.ts';
import type { Severity } from '../../check/finding.ts';
import { type Headline, SEVERITY_WORDS, timeInWords } from '../../check/report-in-words.ts';
import { cost, escapeMrkdwn, fit, inert } from './inert.ts';

/** A colour never stands alone: its word is always beside it. Only CLEAR is green. */
export const EMOJI: Readonly<Record<Headline, string>> = {
  CRITICAL: 'red_circle',
  WARNING: 'large_yellow_circle',
  INFO: 'large_blue_circle',
  CLEAR: 'white_check_mark',
  UNKNOWN: 'white_circle',
};

export type Part = RichTextBlock['elements'][number];

/** Text in a `rich_text` block: whatever it holds, it is not markup. */
export function say(text: string, max = 1_000): RichTextText {
  return { type: 'text', text: fit(cleanText(text), max) };
}

export function bold(text: string, max = 1_000): RichTextText {
  return { ...say(text, max), style: { bold: true } };
}

/** Inline code: what somebody may want to copy. */
export function codeSpan(text: string, max = 1_000): RichTextText {
  return { ...say(text, max), style: { code: true } };
}

/** Our own words between others; keeps its spaces. */
export function glue(text: string): RichTextText {
  return { type: 'text', text };
}

export function emoji(name: string): RichTextEmoji {
  return { type: 'emoji', name };
}

export function line(...elements: RichTextSection['elements']): RichTextSection {
  return { type: 'rich_text_section', elements };
}

export function bullets(items: readonly RichTextSection[]): Part {
  return { type: 'rich_text_list', style: 'bullet', elements: [...items] };
}

export function ordered(items: readonly RichTextSection[]): Part {
  return { type: 'rich_text_list', style: 'ordered', elements: [...items] };
}

export function preformatted(lines: readonly string[]): Part {
  return {
    type: 'rich_text_preformatted',
    elements: [glue(lines.join('\n').trim() === '' ? ' ' : lines.join('\n'))],
  };
}

export function rich(...elements: Part[]): RichTextBlock {
  return { type: 'rich_text', elements };
}

/** `🔴 CRITICAL  ` before a text. */
export function badge(severity: Severity): RichTextSection['elements'] {
  const word = SEVERITY_WORDS[severity];
  return [emoji(EMOJI[word]), { ...glue(` ${word}  `), style: { bold: true } }];
}

/** Small grey print, inert. */
export function note(text: string, max = 1_000): PlainTextElement {
  return { type: 'plain_text', text: fit(cleanText(text), max), emoji: false };
}

export function context(...elements: ContextBlock['elements']): ContextBlock {
  return { type: 'context', elements };
}

const USER_ID = /^[UW][A-Z0-9]{2,20}$/;

/** The one mention that Wrench makes: of the person who asked. */
export function person(id: string): string {
  return USER_ID.test(id) ? `<@${id}>` : inert(id, 80);
}

export function personElement(id: string): RichTextUserMention | RichTextText {
  return USER_ID.test(id) ? { type: 'user', user_id: id } : say(id, 80);
}

/** The reader's own time zone, from Slack's date token. https://docs.slack.dev/messaging/formatting-message-text#date-formatting */
export function moment(iso: string): string {
  const seconds = Math.floor(Date.parse(iso) / 1_000);
  if (!(seconds >= 0)) return inert(iso, 80);
  return `<!date^${seconds}^{date_short_pretty} {time}|${escapeMrkdwn(timeInWords(iso))}>`;
}

/** A time of day to the second, in a `rich_text` block. */
export function clock(iso: string): RichTextDate | RichTextText {
  return dateElement(iso, '{time_secs}', (at) => `${at.slice(11, 19)} UTC`);
}

/** {@link moment} in a `rich_text` block. */
export function dateAndTime(iso: string): RichTextDate | RichTextText {
  return dateElement(iso, '{date_short_pretty} {time}', timeInWords);
}

function dateElement(
  iso: string,
  format: string,
  inWords: (iso: string) => string,
): RichTextDate | RichTextText {
  const seconds = Math.floor(Date.parse(iso) / 1_000);
  if (!(seconds >= 0)) return say(iso, 80);
  return {
    type: 'date',
    timestamp: seconds,
    format,
    fallback: inWords(new Date(seconds * 1_000).toISOString()),
  };
}

/** Who asked and when. Nothing in it comes from infrastructure. */
export function askedBy({ by, at }: { readonly by: string; readonly at: string }): MrkdwnElement {
  return { type: 'mrkdwn', text: `${person(by)} · ${moment(at)}`, verbatim: true };
}

const LABEL = 75;

interface Choice {
  readonly label: string;
  readonly action: 'wrench:request' | 'wrench:approve' | 'wrench:reject' | 'wrench:look';
  /** Ids and nothing else: what they stand for is looked up when it is clicked. */
  readonly value: string;
  readonly isPrimary?: boolean;
  readonly confirm?: ConfirmationDialog;
}

export function button({ label, action, value, isPrimary = false, confirm }: Choice): Button {
  return {
    type: 'button',
    text: note(label, LABEL),
    action_id: action,
    value,
    ...(isPrimary && { style: 'primary' as const }),
    ...(confirm && { confirm }),
  };
}

/** Slack asks before it sends the click. What is confirmed is a verb. */
export function confirmation(asks: {
  readonly title: string;
  readonly text: string;
  readonly confirm: string;
  readonly isDangerous?: boolean;
}): ConfirmationDialog {
  return {
    title: note(asks.title, 100),
    text: note(asks.text, 300),
    confirm: note(asks.confirm, 30),
    deny: note('Cancel', 30),
    ...(asks.isDangerous && { style: 'danger' as const }),
  };
}

/** The characters that Slack counts in blocks; see {@link ROOM}. */
export function costOf(node: unknown): number {
  if (Array.isArray(node)) return node.reduce<number>((sum, child) => sum + costOf(child), 0);
  if (node === null || typeof node !== 'object') return 0;
  return Object.entries(node).reduce(
    (sum, [key, child]) => sum + (key === 'text' && typeof child === 'string' ? cost(child) : costOf(child)),
    0,
  );
}

/**
 * Characters in all blocks of one message. Slack documents no limit; it took 9,597 and refused 11,341 (`msg_blocks_too_long`).
 * https://github.com/slackapi/bolt-js/issues/2867
 */
export const ROOM = 9_500;
export const BLOCKS_A_MESSAGE = 50;
/** Bytes of top-level text: an edit takes no more than 4,000 (`msg_too_long`), and notifications show far less. */
export const TEXT_ROOM = 3_000;

export type Blocks = KnownBlock[];
