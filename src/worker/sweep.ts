import { reminderLeadMs } from '../store/remediation/policy.ts';
import { endOverdue } from '../store/remediation/transitions/execution.ts';
import type { RemediationDeps } from './job-context.ts';

export interface RunningSweep {
  readonly close: () => Promise<void>;
}

/** If a card is still pending this long after its transition, its job was lost on the way to the queue. */
const CARD_PENDING_MS = 10_000;

/**
 * Repeatedly ends overdue remediations, reminds approvers of plans that will expire soon, and queues jobs and cards again that were lost between a
 * transition and their queue. Every worker sweeps; two sweeps at once are safe.
 */
export function startSweep(deps: RemediationDeps, everyMs: number): RunningSweep {
  let running = Promise.resolve();
  const reminded = new Set<string>();
  const timer = setInterval(() => {
    running = running
      .then(() => sweep(deps, reminded))
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
async function sweep(deps: RemediationDeps, reminded: Set<string>): Promise<void> {
  const { remediations, policy, log } = deps;
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
  const leadMs = reminderLeadMs(policy);
  const due = leadMs > 0 ? await remediations.listDueWithin(leadMs) : [];
  for (const id of reminded) if (!due.includes(id)) reminded.delete(id);
  await each(
    due.filter((id) => !reminded.has(id)),
    async (_, id) => {
      if (await remindIfWaiting(deps, id)) reminded.add(id);
    },
  );
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

/**
 * Queues the reminder of a plan that was posted and still waits for approval. Each worker queues it once, and again after a restart; it is posted once.
 * @returns whether it was queued.
 */
async function remindIfWaiting({ remediations, remind }: RemediationDeps, id: string): Promise<boolean> {
  const record = (await remediations.read(id))?.record;
  if (record?.state !== 'planned' || record.shownAt === undefined || record.risk === 'safe') return false;
  await remind(record);
  return true;
}

async function announceAgain({ remediations, announce }: RemediationDeps, id: string): Promise<void> {
  const stored = await remediations.read(id);
  if (stored) await announce(stored.record, stored.revision);
}
