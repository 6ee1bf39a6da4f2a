import { z } from 'zod';
import type { CommandHandler, ListenerDeps } from '../access/answer-command.ts';
import type { InteractionHandler } from '../access/answer-interaction.ts';
import type { SlackDelivery } from '../access/delivery.ts';
import { WRENCH_COMMAND } from '../commands/router.ts';
import { postPrivately } from '../delivery/post-privately.ts';
import { escapeMrkdwn } from '../render/escape-untrusted.ts';
import { UNKNOWN_BUTTON } from './buttons.ts';

/** The action ids of buttons that run a check. */
export const ASK_ACTION_ID = /^wrench:ask-[1-9]$/;

/** The value of such a button, a command of an area: `/node leftovers --node node-b --env prod`. */
const ASK_VALUE = /^\/([a-z0-9-]{1,31}) (\S.*)$/s;

const askClick = z.object({
  actions: z.array(z.object({ action_id: z.string().regex(ASK_ACTION_ID), value: z.string().max(2_000) })),
  team: z.object({ domain: z.string() }).nullish(),
  response_url: z.string().nullish(),
});

/**
 * A click on such a button does the same as its value, typed as a slash command by the person who clicked, in the channel of the button. Commands
 * of `/wrench` itself are refused, because no button has one.
 */
export function makeAskHandler<S>(
  commands: CommandHandler<S>,
  deps: Pick<ListenerDeps, 'client' | 'metrics' | 'log'>,
): InteractionHandler<S> {
  return {
    resolve: async (delivery, body) => {
      const command = commandOf(delivery, body);
      if (command) return commands.resolve(delivery, command);
      deps.log.debug(
        { event: 'malformed-command-click' },
        'Refused a click with a missing or malformed command',
      );
      return { refusal: UNKNOWN_BUTTON };
    },
    handle: async (admitted) => {
      const { outcome, message } = await commands.answer(admitted);
      deps.metrics.commands.inc({ outcome });
      // If this fails, the check runs anyway.
      await postPrivately(deps, admitted.delivery, message).catch((error: unknown) =>
        deps.log.warn(
          { event: 'click-response-not-delivered', err: error },
          "Couldn't deliver the response to a click",
        ),
      );
      return undefined;
    },
  };
}

/** The slash command as Slack would send it. */
function commandOf({ channelId }: SlackDelivery, body: unknown): object | undefined {
  const { data } = askClick.safeParse(body);
  const [action] = data?.actions ?? [];
  const [, area = '', text = ''] = ASK_VALUE.exec(action?.value ?? '') ?? [];
  if (!data || area === '' || area === WRENCH_COMMAND) return undefined;
  return {
    command: `/${area}`,
    text: escapeMrkdwn(text),
    channel_id: channelId,
    team_domain: data.team?.domain,
    response_url: data.response_url,
  };
}
