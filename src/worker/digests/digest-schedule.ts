import type { DigestDefinition, DigestRunState } from '../../store/digests/digest-state.ts';
import { advanceRun, followSchedule, type ScheduleTimes } from '../../store/digests/schedule.ts';
import { type DigestWorkerDeps, finishRun } from './finish-run.ts';
import { startRun } from './run-digest.ts';

export interface RunningSchedule {
  readonly close: () => Promise<void>;
}

/** For this long, a run is left to the worker that began it. */
const REPAIR_AFTER_MS = 10_000;
/** Besides the attempts at a check: waiting in the queue, and lost workers. */
const QUEUED_MS = 15 * 60_000;
const ATTEMPTS = 4;
/** A run that couldn't be finished for this long is abandoned, so that the next one can start. */
const GIVE_UP_AFTER_MS = 10 * 60_000;

/** Runs the digests of the configuration on their schedules, from now on. Every worker does this; several at once are safe. */
export function startDigestSchedule(deps: DigestWorkerDeps, everyMs: number): RunningSchedule {
  let running = Promise.resolve();
  const tick = () => {
    running = running
      .then(() => tickDigests(deps))
      .catch((error: unknown) => {
        deps.log.debug(
          { event: 'digest-schedule-not-read', err: error },
          "Couldn't read the digest schedule; retrying",
        );
      });
  };
  tick();
  const timer = setInterval(tick, everyMs);
  return {
    close: async () => {
      clearInterval(timer);
      await running;
    },
  };
}

/**
 * Starts what is due and continues what another worker has left behind, each digest on its own: one that can't be read, because another version
 * stored it, must not keep the others from running.
 */
export async function tickDigests(deps: DigestWorkerDeps): Promise<void> {
  const times = { nowMs: await deps.readClock(), tickedMs: await deps.digests.lastTickMs() };
  let failed = 0;
  for (const definition of deps.definitions)
    await tickOne(deps, definition, times).catch((error: unknown) => {
      failed += 1;
      deps.log.warn(
        { event: 'digest-not-scheduled', err: error, digest: definition.name },
        "Couldn't schedule a digest; retrying",
      );
    });
  // A digest that wasn't read must not look as if it had been removed.
  if (failed === 0) await deps.digests.recordTick(times.nowMs);
}

async function tickOne(
  deps: DigestWorkerDeps,
  definition: DigestDefinition,
  times: ScheduleTimes,
): Promise<void> {
  const { name } = definition;
  const { before, after } = await deps.digests.change(name, (state) =>
    followSchedule(state, definition, times),
  );
  const run = after?.run;
  if (!run || run.state === 'finished') return;
  const ageMs = Math.abs(times.nowMs - Date.parse(run.startedAt));
  const isClaimedNow = before?.run?.runId !== run.runId;
  if (isClaimedNow) await startRun(deps, name, run);
  else if (ageMs > REPAIR_AFTER_MS) await repairRun(deps, name, run, ageMs);
}

/** Continues a run whose worker was lost after any of its steps. */
async function repairRun(
  deps: DigestWorkerDeps,
  name: string,
  run: DigestRunState,
  ageMs: number,
): Promise<void> {
  const { runId } = run;
  const flow = await deps.flows.read(runId);
  const longestMs = maxRunMs(deps, run);
  const isLate = ageMs > longestMs;
  if (!flow && !isLate) {
    deps.log.warn(
      { event: 'digest-jobs-missing', digest: name, runId },
      'Digest jobs are missing from the queue; starting the digest again',
    );
    return startRun(deps, name, run);
  }
  if (flow?.state === 'running' && !isLate) return undefined;
  try {
    await finishRun(deps, name, runId);
  } catch (error) {
    if (ageMs <= longestMs + GIVE_UP_AFTER_MS) throw error;
    await giveUp(deps, name, runId, error);
  }
  if (flow?.state === 'running') await dropFlow(deps, name, runId);
  return undefined;
}

/** Longer than its checks take, one after the other, and one of them in all of its attempts: in an outage each may last until its deadline. */
function maxRunMs({ deadlineMs }: DigestWorkerDeps, { questions }: DigestRunState): number {
  return (ATTEMPTS + questions.length) * deadlineMs + QUEUED_MS;
}

async function giveUp(deps: DigestWorkerDeps, name: string, runId: string, error: unknown): Promise<void> {
  const { after, before } = await deps.digests.change(
    name,
    (state) => state && advanceRun(state, runId, 'finished'),
  );
  if (before === after) return;
  deps.metrics.bugs.inc({ role: 'worker' });
  deps.metrics.digests.inc({ digest: name, outcome: 'lost' });
  deps.log.error(
    { event: 'digest-lost', err: error, digest: name, runId },
    "Couldn't finish a digest because of a bug in Wrench; giving up",
  );
}

/** Removes jobs that are no longer needed. One that is running can't be removed, and ends on its own. */
async function dropFlow({ flows, log }: DigestWorkerDeps, name: string, runId: string): Promise<void> {
  await flows.remove(runId).catch((error: unknown) => {
    log.debug(
      { event: 'digest-jobs-not-removed', err: error, digest: name, runId },
      "Couldn't remove the jobs of a digest",
    );
  });
}
