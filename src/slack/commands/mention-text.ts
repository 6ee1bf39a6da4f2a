/** Code, in which a mention is only a quotation, or a mention of someone. */
const CODE_OR_MENTION = /```[\s\S]*?(?:```|$)|`[^`\n]+`|<@([A-Z0-9]+)(?:\|[^<>]*)?>/g;
/** A whole text in backticks, as people copy it from help. */
const IN_CODE = /^(`{1,3})([^`]+)\1$/;

/**
 * The command in a message that mentions the bot: what follows the first mention. Undefined if the bot isn't mentioned, or only in code. The text is
 * as Slack sends it, with its entities and links.
 */
export function commandAfterMention(text: string, botUserId: string): string | undefined {
  const mention = [...text.matchAll(CODE_OR_MENTION)].find(([, id]) => id === botUserId);
  return mention && plainCommand(text.slice(mention.index + mention[0].length));
}

/** The command in a direct message, which needs no mention. */
export function commandInDirectMessage(text: string, botUserId: string): string {
  return commandAfterMention(text, botUserId) ?? plainCommand(text);
}

/** Without what people write around a command: a colon after the name, backticks, the name of the bot once more. */
function plainCommand(text: string): string {
  const words = text.trim().replace(/^[:,]\s*/, '');
  const command = (IN_CODE.exec(words)?.[2] ?? words).trim();
  return command.replace(/^\/?wrench(?=\s|$)/i, '').trim();
}
