import type { Queues } from '../../queue/queues.ts';
import type { RemediationRecord } from './record.ts';

/**
 * Queues what follows from a committed change: planning for `planning`, applying for `approved`, and always the card that shows the change.
 * Queued once for each change, however often it is announced. It never fails: what could not be queued stays pending in Redis, and the
 * worker's sweep announces it again.
 */
export type Announce = (record: RemediationRecord, revision: number) => Promise<void>;

interface Logger {
  readonly warn: (fields: object, message: string) => void;
}

/** Clicks, jobs and the sweep of one process announce through one of these. */
export function makeAnnounce(
  { enqueueRemediation, enqueueOutbox }: Pick<Queues, 'enqueueRemediation' | 'enqueueOutbox'>,
  log: Logger,
): Announce {
  return async ({ id, state, runId, check, environment, asked }, revision) => {
    try {
      if (state === 'planning') await enqueueRemediation(`plan-${id}`, { kind: 'plan', id });
      if (state === 'approved') await enqueueRemediation(`apply-${id}`, { kind: 'apply', id });
      await enqueueOutbox(`card-${id}-${revision}`, {
        kind: 'card',
        runId,
        check,
        environment,
        asked,
        id,
        revision,
      });
    } catch (error) {
      log.warn({ err: error, remediation: id, state }, 'a change could not be queued; the sweep will retry');
    }
  };
}
