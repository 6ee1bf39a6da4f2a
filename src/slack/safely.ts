import type { Posting } from './post.ts';
import type { Message } from './render/message.ts';
import { SlackRefused } from './slack-call.ts';

/** A message that Slack finds malformed is our bug; its words go out all the same. */
export async function safely<T>(
  posting: Posting,
  { runId }: { readonly runId: string },
  message: Message,
  send: (message: Message) => Promise<T>,
): Promise<T> {
  try {
    return await send(message);
  } catch (error) {
    if (!(error instanceof SlackRefused) || !MALFORMED.has(error.code)) throw error;
    posting.metrics.bugs.inc({ role: 'bot' });
    posting.log.error(
      { err: error, runId },
      'Slack found a message of ours malformed; its plain text was sent instead',
    );
    return send({ text: message.text, blocks: [] });
  }
}

const MALFORMED = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
  'invalid_attachments',
]);
