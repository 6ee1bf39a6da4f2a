/** Code and quoted lines, in which a mention is only a quotation, or a mention of someone. */
const QUOTED_OR_MENTION = /```[\s\S]*?(?:```|$(?![\s\S]))|`[^`\n]+`|^&gt;.*$|<@([A-Z0-9]+)(?:\|[^<>]*)?>/gm;
/** A whole text in backticks, as people copy it from help. */
const IN_CODE = /^(`{1,3})([^`]+)\1$/;

/** A command as it was written in a message. */
export interface MentionedCommand {
  readonly typed: string;
  /** Whether the command begins a line. Otherwise it may be part of a sentence that is not meant as a command. */
  readonly beginsLine: boolean;
}

/**
 * The command in a message that mentions the bot: what follows the first mention. Undefined if the bot isn't mentioned, or only in code or in quoted
 * lines. The text is as Slack sends it, with its entities and links.
 */
export function commandAfterMention(text: string, botUserId: string): MentionedCommand | undefined {
  const mention = [...text.matchAll(QUOTED_OR_MENTION)].find(([, id]) => id === botUserId);
  if (!mention) return undefined;
  const before = text.slice(0, mention.index);
  return {
    typed: plainCommand(text.slice(mention.index + mention[0].length)),
    beginsLine: before.slice(before.lastIndexOf('\n') + 1).trim() === '',
  };
}

/** The command in a direct message, which needs no mention. */
export function commandInDirectMessage(text: string, botUserId: string): MentionedCommand {
  return commandAfterMention(text, botUserId) ?? { typed: plainCommand(text), beginsLine: true };
}

/** Without what people write around a command: a colon after the name, backticks, the name of the bot once more. */
function plainCommand(text: string): string {
  const words = text.trim().replace(/^[:,]\s*/, '');
  const command = (IN_CODE.exec(words)?.[2] ?? words).trim();
  return command.replace(/^\/?wrench(?=\s|$)/i, '').trim();
}
