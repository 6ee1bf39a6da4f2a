import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { truncateMrkdwn } from '../render/escape-untrusted.ts';
import type { Message } from '../render/message.ts';
import { slackApiErrorIn, type SlackApiError } from './slack-call.ts';

/** An outgoing message, without the parts that Slack rejected. */
export interface OutgoingMessage extends Message {
  /** Slack rejected the metadata. */
  readonly withoutMetadata?: true;
}

/** Slack's limit for the text of an edit, in UTF-8. https://github.com/openclaw/openclaw/pull/115027 */
const MAX_TEXT_BYTES = 4_000;
const FALLBACK_TEXT_BYTES = 1_000;
/** Slack rejects a message without text. */
export const NO_TEXT =
  'Wrench sent a message without text. This is a bug in Wrench; its log has the details.';

/**
 * Sends a message. If Slack rejects its form, which is a bug in Wrench, simpler forms are sent, first without its charts and finally only the text,
 * so that the answer isn't lost. An empty text is never sent.
 * @throws {SlackApiError} if Slack rejects the simplest form as well, or for a reason other than the form.
 */
export async function sendOrFallBackToText<T>(
  { metrics, log }: { readonly metrics: Metrics; readonly log: Log },
  about: { readonly runId: string },
  message: Message,
  send: (message: OutgoingMessage) => Promise<T>,
): Promise<T> {
  let form: OutgoingMessage = withText(message);
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await send(form);
    } catch (error) {
      const refusal = slackApiErrorIn(error);
      const next = refusal && simplerForm(form, refusal);
      if (!next) throw error;
      if (isFirst) metrics.bugs.inc({ role: 'bot' });
      log.error(
        { event: 'slack-message-rejected', err: refusal, runId: about.runId },
        'Slack rejected a malformed message; sending a simpler form',
      );
      form = next;
    }
  }
}

function withText({ text, blocks }: Message): Message {
  return {
    text: text.trim() === '' ? NO_TEXT : truncateMrkdwn(text.toWellFormed(), MAX_TEXT_BYTES),
    blocks,
  };
}

/** Slack's error codes about the form of a message. https://docs.slack.dev/reference/methods/chat.postMessage#errors and chat.update#errors */
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
/** The details, if any, name the rejected part. */
const ABOUT_ANYTHING = new Set([
  'invalid_arguments',
  'invalid_arg_name',
  'invalid_array_arg',
  'invalid_charset',
  'invalid_form_data',
]);

/** A form without the part that Slack rejected; undefined if there is no simpler one. */
function simplerForm(form: OutgoingMessage, { code, detail }: SlackApiError): OutgoingMessage | undefined {
  if (code === 'no_text') return form.text === NO_TEXT ? undefined : { ...form, text: NO_TEXT };
  if (code === 'msg_too_long') return shorterForm(form);
  if (ABOUT_BLOCKS.has(code)) return withFewerBlocks(form);
  if (ABOUT_METADATA.has(code)) return withoutMetadata(form);
  if (!ABOUT_ANYTHING.has(code)) return undefined;
  if (/\bmetadata\b/.test(detail)) return withoutMetadata(form);
  if (/\b(blocks|attachments)\b/.test(detail)) return withFewerBlocks(form);
  if (/\btext\b/.test(detail)) return shorterForm(form);
  return detail === '' ? (withFewerBlocks(form) ?? withoutMetadata(form)) : undefined;
}

/** Shortens the text before it drops the blocks, because the blocks contain the buttons. */
function shorterForm(form: OutgoingMessage): OutgoingMessage | undefined {
  const text = truncateMrkdwn(form.text, FALLBACK_TEXT_BYTES);
  return text === form.text ? withFewerBlocks(form) : { ...form, text };
}

/** Without charts, whose numbers are also in the other blocks; if there are none, without blocks. */
function withFewerBlocks(form: OutgoingMessage): OutgoingMessage | undefined {
  if (form.blocks.length === 0) return undefined;
  const others = form.blocks.filter(({ type }) => type !== 'data_visualization');
  return { ...form, blocks: others.length < form.blocks.length ? others : [] };
}

function withoutMetadata(form: OutgoingMessage): OutgoingMessage | undefined {
  return form.withoutMetadata ? undefined : { ...form, withoutMetadata: true };
}
