import { z } from 'zod';
import type { Catalogue } from '../../request/catalogue.ts';
import { adminCommandNamed, isLikeCommand } from '../../request/parse.ts';
import type { CommandHandler, ListenerDeps } from '../access/answer-command.ts';
import type { EventHandler } from '../access/answer-interaction.ts';
import { slackId, slackTs } from '../transport/payload.ts';
import { answerAsked } from './answer-asked.ts';
import { commandAfterMention, commandInDirectMessage, type MentionedCommand } from './mention-text.ts';
import { WRENCH_COMMAND } from './router.ts';

/**
 * A message that a person wrote, as https://docs.slack.dev/reference/events/app_mention and https://docs.slack.dev/reference/events/message.im
 * describe it, possibly with a file or sent to the channel too. Not messages of bots, changes of messages, and other subtypes: answers to those could
 * cause further messages.
 */
const writtenMessage = z.object({
  event: z.object({
    type: z.enum(['app_mention', 'message']),
    user: slackId,
    channel: slackId,
    channel_type: z.string().nullish(),
    ts: slackTs,
    thread_ts: slackTs.nullish(),
    text: z.string().max(40_000),
    subtype: z.enum(['file_share', 'thread_broadcast']).nullish(),
    bot_id: z.null().optional(),
    bot_profile: z.null().optional(),
    edited: z.null().optional(),
    hidden: z.literal(false).nullish(),
  }),
});

const SLACKBOT = 'USLACKBOT';

export interface MessageHandlerDeps extends Pick<ListenerDeps, 'client' | 'metrics' | 'log'> {
  readonly catalogue: Catalogue;
  /** The bot's own user id. */
  readonly botUserId: string;
}

/** A command in a message, as a slash command would be. */
interface WrittenCommand {
  readonly command: string;
  readonly text: string;
  readonly channel_id: string;
  /** In a channel, the answer is in the thread of the message. */
  readonly thread_ts?: string;
}

/**
 * A message that mentions the bot, or a direct message to it, does the same as its text after `/wrench`. Anything else than a command gets help. A
 * mention within a sentence runs only checks, which change nothing: "don't @Wrench unfreeze yet" gets help. The answer is in the thread of the
 * message; in direct messages outside of a thread it is an ordinary message.
 */
export function makeMessageHandler<S>(
  commands: CommandHandler<S>,
  deps: MessageHandlerDeps,
): EventHandler<S> {
  return {
    concerns: (body) => commandIn(deps, body) !== undefined,
    resolve: async (delivery, body) => {
      const command = commandIn(deps, body);
      if (!command) throw new Error('a message without a command is not for Wrench');
      return commands.resolve(delivery, command);
    },
    handle: (admitted) => answerAsked(commands, deps, admitted),
  };
}

function commandIn({ catalogue, botUserId }: MessageHandlerDeps, body: unknown): WrittenCommand | undefined {
  const event = writtenMessage.safeParse(body).data?.event;
  if (!event || event.user === botUserId || event.user === SLACKBOT) return undefined;
  const { type, channel, channel_type: kind, ts, thread_ts: threadTs, text } = event;
  const isDirectMessage = kind ? kind === 'im' : channel.startsWith('D');
  // Slack sends direct messages as `message` only. Others are of channels, whose mentions arrive as `app_mention`.
  if (isDirectMessage !== (type === 'message')) return undefined;
  const written = isDirectMessage
    ? commandInDirectMessage(text, botUserId)
    : commandAfterMention(text, botUserId);
  if (!written) return undefined;
  const thread = threadTs ?? (isDirectMessage ? undefined : ts);
  return {
    ...asCommand(written, catalogue),
    channel_id: channel,
    ...(thread !== undefined && { thread_ts: thread }),
  };
}

/** `certs expiring` is `/certs expiring`, other commands are those of `/wrench`, and everything else is a request for help. */
function asCommand(
  { typed, beginsLine }: MentionedCommand,
  catalogue: Catalogue,
): Pick<WrittenCommand, 'command' | 'text'> {
  const [, area = '', rest = ''] = /^\/?(\S+)\s*([\s\S]*)$/.exec(typed) ?? [];
  if (catalogue.commands.has(area.toLowerCase())) return { command: `/${area.toLowerCase()}`, text: rest };
  const own = adminCommandNamed(area.toLowerCase());
  if (own && !beginsLine) return { command: `/${WRENCH_COMMAND}`, text: `${own} help` };
  return { command: `/${WRENCH_COMMAND}`, text: isLikeCommand(typed, catalogue) ? typed : 'help' };
}
