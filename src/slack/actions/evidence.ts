import { z } from 'zod';
import type { SavedReports } from '../../store/thread/saved-reports.ts';
import type { Threads } from '../../store/thread/threads.ts';
import type { ListenerDeps } from '../access/answer-command.ts';
import type { InteractionHandler } from '../access/answer-interaction.ts';
import type { Refusal } from '../access/refusal.ts';
import { postPrivately } from '../delivery/post-privately.ts';
import { renderEvidenceView } from '../render/report/evidence-view.ts';
import { renderProblem } from '../render/replies/help.ts';
import { slackId, slackTs } from '../transport/payload.ts';
import { UNKNOWN_BUTTON } from './buttons.ts';

/** The action ids of buttons that show the evidence of a report. */
export const EVIDENCE_ACTION_ID = /^wrench:evidence$/;

export interface EvidenceDeps extends Pick<ListenerDeps, 'client' | 'metrics' | 'log'> {
  readonly savedReports: Pick<SavedReports, 'read'>;
  readonly threads: Pick<Threads, 'read'>;
}

const click = z.object({
  actions: z.array(
    z.object({
      action_id: z.string().regex(EVIDENCE_ACTION_ID),
      value: z.string().regex(/^r[0-9a-f]{16}$/),
    }),
  ),
  channel: z.object({ id: slackId }),
  message: z.object({ ts: slackTs, thread_ts: slackTs.nullish() }),
});

const OTHER_MESSAGE: Refusal = { rule: 'button', because: 'this button belongs to another message' };

/**
 * Opens the evidence of a report, for everyone who can read it: only from the report's own message, in its channel. If the report is no longer
 * saved, the person is told privately.
 */
export function makeEvidenceHandler(deps: EvidenceDeps): InteractionHandler<'gone'> {
  const requires = { roles: 'anyone' } as const;
  return {
    resolve: async ({ triggerId }, body) => {
      const { data } = click.safeParse(body);
      const [action] = data?.actions ?? [];
      if (!data || !action) {
        deps.log.debug({ event: 'malformed-click' }, 'Refused a click with missing or malformed fields');
        return { refusal: UNKNOWN_BUTTON };
      }
      const { channel, message } = data;
      const [saved, { root }] = await Promise.all([
        deps.savedReports.read(action.value),
        deps.threads.read(action.value),
      ]);
      // The place of the first message is forgotten soon after a report without fixes; its channel is saved with the report.
      const isElsewhere = root && (root.channelId !== channel.id || root.ts !== message.ts);
      if (isElsewhere || (saved && saved.asked.channelId !== channel.id)) return { refusal: OTHER_MESSAGE };
      if (!saved) return { subject: 'gone', requires };
      // A trigger id expires after 3 s: only Redis is asked before this.
      const open = () =>
        deps.client.views.open({ trigger_id: triggerId, view: renderEvidenceView(saved.report) });
      return { form: async () => void (await open()), requires };
    },
    handle: async ({ delivery }) => {
      const problem = 'The evidence of this report is no longer saved. Run the check again to see it.';
      await postPrivately(deps, delivery, renderProblem({ problem, usage: [] }));
      return undefined;
    },
  };
}
