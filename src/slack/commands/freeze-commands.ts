import { parseFreezeReason } from '../../store/remediation/freeze.ts';
import { ADMIN_COMMANDS } from '../../request/parse.ts';
import { renderFrozen, renderUnfrozen } from '../render/replies/freeze.ts';
import { type AdminAnswer, type AdminCommand, type AdminRequest, adminProblem } from './admin-answer.ts';

const NOT_FROZEN = 'Nothing is frozen.';

/** `/wrench freeze [because …]` */
export const freezeCommand: AdminCommand = {
  roles: ['requester', 'approver'],
  changes: true,
  run: async ({ freeze }, request) => {
    const frozen = changeOf(request);
    if (await freeze.freeze(frozen)) return inChannel(renderFrozen(frozen));
    const before = await freeze.read();
    return before
      ? { message: renderFrozen(before), outcome: 'done' }
      : adminProblem('Someone unfroze it just now. Run `/wrench freeze` again.', ADMIN_COMMANDS.freeze.usage);
  },
  repeat: async ({ freeze }) => {
    const frozen = await freeze.read();
    return frozen && { message: renderFrozen(frozen), outcome: 'done' };
  },
};

/** `/wrench unfreeze [because …]` */
export const unfreezeCommand: AdminCommand = {
  roles: ['approver'],
  changes: true,
  run: async ({ freeze }, request) => {
    const unfrozen = changeOf(request);
    return (await freeze.unfreeze(unfrozen)) ? inChannel(renderUnfrozen(unfrozen)) : adminProblem(NOT_FROZEN);
  },
  repeat: async ({ freeze }) => ((await freeze.read()) ? undefined : adminProblem(NOT_FROZEN)),
};

function changeOf({ sender, rest, nowMs }: AdminRequest) {
  return { by: sender.userId, at: new Date(nowMs).toISOString(), because: parseFreezeReason(rest) };
}

function inChannel(message: AdminAnswer['message']): AdminAnswer {
  return { message, inChannel: true, outcome: 'done' };
}
