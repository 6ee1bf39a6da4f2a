import type { Queues } from '../../queue/queues.ts';
import type { Log } from '../../telemetry/log.ts';
import type { RemediationRecord } from './record.ts';

/**
 * Queues what follows from a committed change: planning for `planning`, applying for `approved`, and always the card that shows the change. Queued
 * once for each change, however often it is announced. It never fails: if it can't be queued, it stays pending in Redis, and the worker's sweep
 * announces it again.
 */
export type Announce = (record: RemediationRecord, revision: number) => Promise<void>;

/** Queues the reminder of a plan that will expire soon. The thread remembers whether it was posted. */
export type Remind = (record: RemediationRecord) => Promise<void>;

export function makeRemind({ enqueueOutbox }: Pick<Queues, 'enqueueOutbox'>): Remind {
  return ({ id, runId, check, environment, asked }) =>
    enqueueOutbox(`reminder-${id}`, { kind: 'reminder', runId, check, environment, asked, id });
}

/** Clicks, jobs and the sweep of one process announce through one of these. */
export function makeAnnounce(
  { enqueueRemediation, enqueueOutbox }: Pick<Queues, 'enqueueRemediation' | 'enqueueOutbox'>,
  log: Pick<Log, 'warn'>,
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
      log.warn(
        { event: 'remediation-not-announced', err: error, remediation: id, state },
        "Couldn't queue the next step of a remediation; retrying",
      );
    }
  };
}
