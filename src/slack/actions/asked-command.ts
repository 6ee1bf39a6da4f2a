import { z } from 'zod';
import type { SlackDelivery } from '../access/delivery.ts';
import { WRENCH_COMMAND } from '../commands/router.ts';
import { escapeMrkdwn } from '../render/escape-untrusted.ts';
import { slackTs } from '../transport/payload.ts';

/** A command of an area, as a button has it in its value: `/node leftovers --node node-b --env prod`. */
const COMMAND = /^\/([a-z0-9-]{1,31}) (\S.*)$/s;

const click = z.object({
  actions: z.array(z.object({ action_id: z.string(), value: z.string().max(2_000) })),
  team: z.object({ domain: z.string() }).nullish(),
  response_url: z.string().nullish(),
  message: z
    .object({
      ts: slackTs,
      thread_ts: slackTs.nullish(),
      user: z.string().nullish(),
      parent_user_id: z.string().nullish(),
    })
    .nullish(),
  container: z.object({ thread_ts: slackTs.nullish() }).nullish(),
});

/** A command of an area, in the place where its answer belongs. */
export interface AskedCommand {
  readonly area: string;
  readonly text: string;
  readonly channelId: string;
  readonly threadTs?: string;
  readonly teamDomain?: string;
  readonly responseUrl?: string;
}

/**
 * The command in the value of a button; undefined if it is missing or malformed, or a command of `/wrench` itself: no button has one. `isOnRoot`:
 * the button is on the first message of an answer.
 */
export function commandInClick(
  { channelId }: SlackDelivery,
  body: unknown,
  actionId: RegExp,
  { isOnRoot }: { readonly isOnRoot: (action: string) => boolean },
): AskedCommand | undefined {
  const { data } = click.safeParse(body);
  const [action] = data?.actions ?? [];
  if (!data || !action || channelId === undefined || !actionId.test(action.action_id)) return undefined;
  const [, area = '', text = ''] = COMMAND.exec(action.value) ?? [];
  if (area === '' || area === WRENCH_COMMAND) return undefined;
  const { team, response_url: responseUrl } = data;
  const threadTs = answerThread(data, isOnRoot(action.action_id));
  return {
    area,
    text,
    channelId,
    ...(threadTs !== undefined && { threadTs }),
    ...(team && { teamDomain: team.domain }),
    ...(responseUrl && { responseUrl }),
  };
}

/**
 * The thread that the answer belongs to: the one that the answer with the button is in, if that was requested in a thread. Replies in a thread
 * that Wrench began are the details of an answer in the channel.
 */
function answerThread({ message, container }: z.infer<typeof click>, isOnRoot: boolean): string | undefined {
  if (!message) return container?.thread_ts ?? undefined;
  const { ts, thread_ts: threadTs, user, parent_user_id: parent } = message;
  if (!threadTs || threadTs === ts) return undefined;
  return isOnRoot || (parent && parent !== user) ? threadTs : undefined;
}

/** The slash command as Slack would send it. */
export function asSlashCommand({
  area,
  text,
  channelId,
  threadTs,
  teamDomain,
  responseUrl,
}: AskedCommand): object {
  return {
    command: `/${area}`,
    text: escapeMrkdwn(text),
    channel_id: channelId,
    thread_ts: threadTs,
    team_domain: teamDomain,
    response_url: responseUrl,
  };
}
