import type { Posting } from './post.ts';
import { cutMrkdwn } from './render/inert.ts';
import type { Message } from './render/message.ts';
import { refusalOf, type SlackRefused } from './slack-call.ts';

/** A message as it is sent: what Slack does not take of it is left out. */
export interface Sendable extends Message {
  /** Slack rejected the metadata; the message is worth more than finding it again. */
  readonly withoutMetadata?: true;
}

/** Of the text of an edit, in UTF-8. https://github.com/openclaw/openclaw/pull/115027 */
const MOST_TEXT_BYTES = 4_000;
const LITTLE_TEXT_BYTES = 1_000;
/** Slack takes no message without text. */
export const NO_TEXT =
  'Wrench sent a message without text. This is a bug of Wrench; its log has the details.';

/**
 * Sends a message. Where Slack rejects its form, which is a bug of ours, a plainer form is sent, down to the text alone: the answer is never
 * lost over how it looks. An empty text is never sent.
 * @throws {SlackRefused} where Slack rejects the plainest form as well, or for a reason that is not the form.
 */
export async function safely<T>(
  { metrics, log }: Pick<Posting, 'metrics' | 'log'>,
  about: { readonly runId: string },
  message: Message,
  send: (message: Sendable) => Promise<T>,
): Promise<T> {
  let form: Sendable = withText(message);
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await send(form);
    } catch (error) {
      const refusal = refusalOf(error);
      const next = refusal && plainer(form, refusal);
      if (!next) throw error;
      if (isFirst) metrics.bugs.inc({ role: 'bot' });
      log.error(
        { err: refusal, runId: about.runId },
        'Slack rejected a malformed message; sending it plainer',
      );
      form = next;
    }
  }
}

function withText({ text, blocks }: Message): Message {
  return { text: text.trim() === '' ? NO_TEXT : cutMrkdwn(text.toWellFormed(), MOST_TEXT_BYTES), blocks };
}

/** Slack's words for what may be wrong with the form. https://docs.slack.dev/reference/methods/chat.postMessage#errors and chat.update#errors */
const ABOUT_BLOCKS = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
  'block_mismatch',
  'invalid_attachments',
  'too_many_attachments',
  'attachment_payload_limit_exceeded',
  'only_one_table_allowed',
  'markdown_text_conflict',
]);
const ABOUT_METADATA = new Set([
  'invalid_metadata_format',
  'invalid_metadata_schema',
  'metadata_too_large',
  'metadata_must_be_sent_from_app',
]);
/** The details say what they mean, where there are any. */
const ABOUT_ANYTHING = new Set([
  'invalid_arguments',
  'invalid_arg_name',
  'invalid_array_arg',
  'invalid_charset',
  'invalid_form_data',
]);

/** A form that leaves out what Slack rejected; undefined where there is nothing left to leave out. Each form is plainer than the one before. */
function plainer(form: Sendable, { code, detail }: SlackRefused): Sendable | undefined {
  if (code === 'no_text') return form.text === NO_TEXT ? undefined : { ...form, text: NO_TEXT };
  if (code === 'msg_too_long') return shorter(form);
  if (ABOUT_BLOCKS.has(code)) return withoutBlocks(form);
  if (ABOUT_METADATA.has(code)) return withoutMetadata(form);
  if (!ABOUT_ANYTHING.has(code)) return undefined;
  if (/\bmetadata\b/.test(detail)) return withoutMetadata(form);
  if (/\b(blocks|attachments)\b/.test(detail)) return withoutBlocks(form);
  if (/\btext\b/.test(detail)) return shorter(form);
  return detail === '' ? (withoutBlocks(form) ?? withoutMetadata(form)) : undefined;
}

/** Buttons are worth more than the rest of the text; a screen reader hears its beginning. */
function shorter(form: Sendable): Sendable | undefined {
  const text = cutMrkdwn(form.text, LITTLE_TEXT_BYTES);
  return text === form.text ? withoutBlocks(form) : { ...form, text };
}

function withoutBlocks(form: Sendable): Sendable | undefined {
  return form.blocks.length > 0 ? { ...form, blocks: [] } : undefined;
}

function withoutMetadata(form: Sendable): Sendable | undefined {
  return form.withoutMetadata ? undefined : { ...form, withoutMetadata: true };
}
