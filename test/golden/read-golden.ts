import { globSync, readFileSync } from 'node:fs';
import type { Message } from '../../src/slack/render/message.ts';
import { messagesOf, type ShownThread } from './inspect-messages.ts';

/** The golden files with messages, by their path in this folder. */
export const GOLDEN_FILES = globSync('**/*.slack.json', { cwd: import.meta.dirname }).toSorted();

/** A file has a thread, a message, or several messages that are never in one thread. */
export function readGolden(file: string): readonly (readonly Message[])[] {
  const texts = readFileSync(new URL(file, import.meta.url), 'utf8').split(/\n(?=\{\n)/);
  return texts.map((text) => {
    const content = JSON.parse(text) as ShownThread | Message;
    return 'root' in content ? messagesOf(content) : [content];
  });
}

/** Made-up reports that repeat themselves on purpose, with names that no text can keep as they are. */
export function isHostile(file: string): boolean {
  return file.startsWith('pages/hostile');
}
