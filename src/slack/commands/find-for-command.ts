import { FINDING_ID } from '../../check/finding-id.ts';
import type { RequestOrigin } from '../../queue/request-origin.ts';
import type { KnownFinding } from '../../store/history/tracked-findings.ts';
import { refuseToAsk } from '../access/may-ask.ts';
import type { Refusal } from '../access/refusal.ts';
import { type ChangeOrigin, scopeOfKnown } from '../findings/finding-changes.ts';
import {
  type AdminAnswer,
  type AdminCommandDeps,
  type AdminCommandSender,
  type AdminRequest,
  adminProblem,
} from './admin-answer.ts';

const WHERE_IDS_ARE = 'Each finding in the thread of a report or digest shows its id, such as `f35ef764f5e`.';
/** The answer to a command without a finding. */
export const WHICH_FINDING = `Which finding? ${WHERE_IDS_ARE}`;

/** Looks up the finding that a command names, if the sender may run its check; otherwise returns the answer. */
export async function findForCommand(
  deps: AdminCommandDeps,
  sender: AdminCommandSender,
  written: string,
  usage: string,
): Promise<{ readonly known: KnownFinding } | { readonly answer: AdminAnswer | Refusal }> {
  const id = written.toLowerCase();
  if (!FINDING_ID.test(id))
    return {
      answer: adminProblem(`Invalid finding id \`${written.slice(0, 40)}\`. ${WHERE_IDS_ARE}`, usage),
    };
  const known = await deps.findings.history.find(id);
  if (!known)
    return {
      answer: adminProblem(
        `Unknown finding \`${id}\`: the id is wrong, or the finding is too old. Run its check again. ${WHERE_IDS_ARE}`,
        usage,
      ),
    };
  const refusal = await refuseToAsk(deps, [scopeOfKnown(known)], sender);
  return refusal ? { answer: refusal } : { known };
}

/** The origin of the changes that a command makes. */
export function originOfCommand({ sender, typed, nowMs }: AdminRequest, finding = ''): ChangeOrigin {
  const asked: RequestOrigin = {
    by: sender.userId,
    teamId: sender.teamId ?? '',
    channelId: sender.channelId ?? '',
    as: `/wrench ${typed} ${finding}`.trim().slice(0, 200),
    at: new Date(nowMs).toISOString(),
  };
  return { asked, deliveryId: sender.deliveryId };
}
