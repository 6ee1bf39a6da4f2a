import { endOverdue } from '../store/remediation/transitions/execution.ts';
import type { RemediationRecord } from '../store/remediation/record.ts';
import { type RemediationDeps, enqueueCard } from './job-context.ts';

export interface RunningSweep {
  readonly close: () => Promise<void>;
}

/** A nudge or a card that was not told within this long was lost on the way. */
const CARD_PENDING_MS = 10_000;

/**
 * Ends what nobody ended in time, and tells again what was lost between Redis and a queue. Every worker sweeps; that two do so at once
 * changes nothing.
 */
export function startSweep(deps: RemediationDeps, everyMs: number): RunningSweep {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running
      .then(() => sweep(deps))
      .catch((error: unknown) => {
        deps.log.debug({ err: error }, 'a sweep was cut short');
      });
  }, everyMs);
  return {
    close: async () => {
      clearInterval(timer);
      await running;
    },
  };
}

async function sweep(deps: RemediationDeps): Promise<void> {
  const { remediations, policy, log } = deps;
  for (const id of await remediations.listOverdue()) {
    const result = await remediations.transition(id, endOverdue(await remediations.readClock(), policy));
    if (result.kind !== 'changed') continue;
    const { state } = result.remediation;
    log.info(
      { remediation: id, state },
      state === 'planned' ? 'a plan that is not posted yet got more time' : 'a remediation ended by itself',
    );
    await enqueueCard(deps, result.remediation);
  }
  for (const id of await remediations.listCardPending(CARD_PENDING_MS)) {
    const stored = await remediations.read(id);
    if (!stored) continue;
    await enqueueAgain(deps, stored.remediation);
    await enqueueCard(deps, stored.remediation);
  }
}

/** A nudge that is in the queue already, or was, is not given twice. */
async function enqueueAgain(
  { enqueueRemediation }: RemediationDeps,
  { id, state }: RemediationRecord,
): Promise<void> {
  if (state === 'planning') await enqueueRemediation(`plan-${id}`, { kind: 'plan', id });
  if (state === 'approved') await enqueueRemediation(`apply-${id}`, { kind: 'apply', id });
}
