import type { RunOutboxJob } from '../../queue/jobs.ts';
import type { Log } from '../../telemetry/log.ts';
import { renderQueued } from '../render/replies/notices.ts';
import { respondPrivately } from './respond.ts';
import type { IsSlackUrl } from './response-url.ts';

/**
 * Tells the person who typed a command privately that it is running, if the channel can't show it: the bot isn't a member, or the progress
 * message couldn't be queued. A failure is only logged, because the answer follows in any case.
 */
export async function sendRunningNotice(
  deps: { readonly isSlackUrl: IsSlackUrl; readonly log: Log },
  { runId, check, environment, asked }: Pick<RunOutboxJob, 'runId' | 'check' | 'environment' | 'asked'>,
): Promise<void> {
  await respondPrivately(asked, renderQueued({ check, environment, command: asked.as }), deps).catch(
    (error: unknown) =>
      deps.log.warn(
        { event: 'running-notice-not-delivered', err: error, runId },
        "Couldn't tell a person that their check is running",
      ),
  );
}
