import { endOverdue } from '../store/remediation/transitions/execution.ts';
import type { RemediationRecord } from '../store/remediation/record.ts';
import { type RemediationHandling, tellCard } from './step.ts';

export interface Sweeping {
  readonly close: () => Promise<void>;
}

/** A nudge or a card that was not told within this long was lost on the way. */
const UNTOLD_MS = 10_000;

/**
 * Ends what nobody ended in time, and tells again what was lost between Redis and a queue. Every worker sweeps; that two do so at once
 * changes nothing.
 */
export function startSweeping(handling: RemediationHandling, everyMs: number): Sweeping {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running
      .then(() => sweep(handling))
      .catch((error: unknown) => {
        handling.log.debug({ err: error }, 'a sweep was cut short');
      });
  }, everyMs);
  return {
    close: async () => {
      clearInterval(timer);
      await running;
    },
  };
}

async function sweep(handling: RemediationHandling): Promise<void> {
  const { remediations, policy, log } = handling;
  for (const id of await remediations.listOverdue()) {
    const moved = await remediations.transition(id, endOverdue(await remediations.readClock(), policy));
    if (moved.kind !== 'moved') continue;
    const { state } = moved.remediation;
    log.info(
      { remediation: id, state },
      state === 'planned' ? 'a plan that is not posted yet got more time' : 'a remediation ended by itself',
    );
    await tellCard(handling, moved.remediation);
  }
  for (const id of await remediations.listCardPending(UNTOLD_MS)) {
    const remembered = await remediations.read(id);
    if (!remembered) continue;
    await nudge(handling, remembered.remediation);
    await tellCard(handling, remembered.remediation);
  }
}

/** A nudge that is in the queue already, or was, is not given twice. */
async function nudge(
  { enqueueRemediation }: RemediationHandling,
  { id, state }: RemediationRecord,
): Promise<void> {
  if (state === 'planning') await enqueueRemediation(`plan-${id}`, { kind: 'plan', id });
  if (state === 'approved') await enqueueRemediation(`apply-${id}`, { kind: 'apply', id });
}
