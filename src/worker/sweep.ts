import { endOverdue } from '../store/remediation/transitions/execution.ts';
import type { RemediationDeps } from './job-context.ts';

export interface RunningSweep {
  readonly close: () => Promise<void>;
}

/** If a card is still pending this long after its transition, its job was lost on the way to the queue. */
const CARD_PENDING_MS = 10_000;

/**
 * Repeatedly ends overdue remediations, and queues jobs and cards again that were lost between a transition and their queue.
 * Every worker sweeps; two sweeps at once are safe.
 */
export function startSweep(deps: RemediationDeps, everyMs: number): RunningSweep {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running
      .then(() => sweep(deps))
      .catch((error: unknown) => {
        deps.log.debug({ event: 'sweep-failed', err: error }, "Couldn't finish a sweep; retrying");
      });
  }, everyMs);
  return {
    close: async () => {
      clearInterval(timer);
      await running;
    },
  };
}

/** Each on its own: one that can't be read, because another version stored it, must not keep the others from ending. */
async function sweep(deps: RemediationDeps): Promise<void> {
  const { remediations, log } = deps;
  const each = async (ids: readonly string[], work: (deps: RemediationDeps, id: string) => Promise<void>) => {
    for (const id of ids)
      await work(deps, id).catch((error: unknown) => {
        log.debug(
          { event: 'remediation-not-swept', err: error, remediation: id },
          "Couldn't sweep a remediation; retrying",
        );
      });
  };
  await each(await remediations.listOverdue(), endIfOverdue);
  await each(await remediations.listCardPending(CARD_PENDING_MS), announceAgain);
}

async function endIfOverdue(
  { remediations, policy, announce, log }: RemediationDeps,
  id: string,
): Promise<void> {
  const result = await remediations.transition(id, endOverdue(policy));
  if (result.kind !== 'changed') return;
  const { state } = result.record;
  if (state === 'planned')
    log.info({ event: 'plan-extended', remediation: id }, "Extended a plan that isn't posted yet");
  else log.info({ event: 'remediation-overdue', remediation: id, state }, 'Ended an overdue remediation');
  await announce(result.record, result.revision);
}

async function announceAgain({ remediations, announce }: RemediationDeps, id: string): Promise<void> {
  const stored = await remediations.read(id);
  if (stored) await announce(stored.record, stored.revision);
}
