import type { CommandHandler, ListenerDeps } from '../access/answer-command.ts';
import type { InteractionHandler } from '../access/answer-interaction.ts';
import { answerAsked } from '../commands/answer-asked.ts';
import { asSlashCommand, commandInClick } from './asked-command.ts';
import { UNKNOWN_BUTTON } from './buttons.ts';

/** The action ids of buttons that run a check: a next one, or the same one again. */
export const ASK_ACTION_ID = /^wrench:(?:ask-[1-9]|again)$/;

/**
 * A click on such a button does the same as its value, typed as a slash command by the person who clicked, in the place of the button. Commands of
 * `/wrench` itself are refused, because no button has one.
 */
export function makeAskHandler<S>(
  commands: CommandHandler<S>,
  deps: Pick<ListenerDeps, 'client' | 'metrics' | 'log'>,
): InteractionHandler<S> {
  return {
    resolve: async (delivery, body) => {
      const command = commandInClick(delivery, body, ASK_ACTION_ID, {
        isOnRoot: (action) => action === 'wrench:again',
      });
      if (command) return commands.resolve(delivery, asSlashCommand(command));
      deps.log.debug(
        { event: 'malformed-command-click' },
        'Refused a click with a missing or malformed command',
      );
      return { refusal: UNKNOWN_BUTTON };
    },
    handle: (admitted) => answerAsked(commands, deps, admitted),
  };
}
