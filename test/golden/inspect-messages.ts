import type { Message, ThreadContent } from '../../src/slack/render/message.ts';
import { validateMessage } from '../workspace/validate-blocks.ts';
import type { Block } from '../workspace/model.ts';
import { bareColors } from './inspect-accessibility.ts';
import { readEffects } from '../workspace/read-effects.ts';

/** The requester in these tests, and the only person whom a message may mention. */
export const ASKED = { by: 'U0ADA', at: '2026-11-20T14:03:00.000Z', runId: 'run-7f3a2c91' };

/** A thread with the message about its fixes, which is its first reply. */
export interface ShownThread extends ThreadContent {
  readonly fixes?: Message;
}

export function messagesOf({ root, fixes, replies }: ShownThread): readonly Message[] {
  return [root, ...(fixes ? [fixes] : []), ...replies];
}

/** Why Slack would reject a message, whom it would notify besides the requester, its links, and colors without a word. Empty if there is no problem. */
export function problemsOf(message: Message): readonly string[] {
  return problemsAllowing([ASKED.by], message);
}

/** The same for a message that may notify others. */
export function problemsAllowing(mayNotify: readonly string[], message: Message): readonly string[] {
  const refused = validateMessage(message).map((problem) => `${problem.pointer}: ${problem.message}`);
  const { notifies, links } = readEffects({ text: message.text, blocks: message.blocks as unknown as readonly Block[] });
  const called = notifies.filter((who) => !mayNotify.includes(who)).map((who) => `notifies ${who}`);
  return [...refused, ...called, ...links.map((url) => `links to ${url}`), ...bareColors(message)];
}

/** Everything that a thread shows, including its files, as one text. */
export function allTextOf(thread: ThreadContent): string {
  return [JSON.stringify(messagesOf(thread)), ...thread.attachments.map(({ content }) => content)].join('\n');
}

const FILE_LINES = 12;

/** A thread as a golden file: JSON for Slack's Block Kit Builder, with small objects on one line and only the start of long files. */
export function showThread({ root, fixes, ...thread }: ShownThread): string {
  const attachments = thread.attachments.map(({ content, ...file }) => {
    const lines = content.split('\r\n');
    const rest = lines.length - FILE_LINES;
    return { ...file, lines: rest > 0 ? [...lines.slice(0, FILE_LINES), `… and ${rest} more`] : lines };
  });
  return showJson({ root, ...(fixes && { fixes }), ...thread, attachments });
}

/** A single message as a golden file. */
export function showMessage(message: Message): string {
  return showJson(message);
}

function showJson(value: unknown): string {
  const shown = JSON.stringify(value, undefined, 2);
  return `${shown.replaceAll(/\{\n\s+("type": "(?:raw_text|text)"),\n\s+("text": ".*")\n\s+\}/g, '{ $1, $2 }').replaceAll(/\{\n\s+("is_wrapped": true)\n\s+\}/g, '{ $1 }')}\n`;
}

const SCREEN_LINES = 200;

/** The first screens of a long text. */
export function showBeginning(text: string): string {
  const lines = text.split('\n');
  const rest = lines.length - SCREEN_LINES;
  return rest > 0 ? `${lines.slice(0, SCREEN_LINES).join('\n')}\n… and ${rest} more lines\n` : text;
}
