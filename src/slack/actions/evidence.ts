import { z } from 'zod';
import type { SavedReport, SavedReports } from '../../store/thread/saved-reports.ts';
import type { ListenerDeps } from '../access/answer-command.ts';
import type { InteractionHandler } from '../access/answer-interaction.ts';
import type { Refusal } from '../access/refusal.ts';
import { postPrivately } from '../delivery/post-privately.ts';
import { renderEvidenceView } from '../render/report/evidence-view.ts';
import { renderProblem } from '../render/replies/help.ts';
import { clickedMessage } from '../transport/payload.ts';
import { UNKNOWN_BUTTON } from './buttons.ts';

/** The action ids of buttons that show the evidence of a report. */
export const EVIDENCE_ACTION_ID = /^wrench:evidence$/;

export interface EvidenceDeps extends Pick<ListenerDeps, 'client' | 'metrics' | 'log'> {
  readonly savedReports: Pick<SavedReports, 'read'>;
}

const click = z.object({
  actions: z.array(
    z.object({
      action_id: z.string().regex(EVIDENCE_ACTION_ID),
      value: z.string().regex(/^r[0-9a-f]{16}$/),
    }),
  ),
  ...clickedMessage,
});

const OTHER_PLACE: Refusal = { rule: 'button', because: 'this button belongs to a report in another place' };

/**
 * Opens the evidence of a report, for everyone who can read it: only from the channel or thread that the report was posted in. That place is saved with
 * the report, so the button works as long as the report is kept. After that, the person is told privately.
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
      const saved = await deps.savedReports.read(action.value);
      if (saved && !isIn(saved, channel.id, message)) return { refusal: OTHER_PLACE };
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

/** Whether a message is where the answer of a report is. The first message of an answer in a channel begins its own thread. */
function isIn(
  { asked }: SavedReport,
  channelId: string,
  { ts, thread_ts: threadTs }: z.infer<typeof click>['message'],
): boolean {
  const thread = threadTs === ts ? undefined : (threadTs ?? undefined);
  return asked.channelId === channelId && asked.threadTs === thread;
}
