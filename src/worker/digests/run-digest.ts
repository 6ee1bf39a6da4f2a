import type { DigestJob } from '../../queue/jobs.ts';
import type { JobAttempt } from '../../queue/workers.ts';
import type { DigestRunState } from '../../store/digests/digest-state.ts';
import { advanceRun, claimRequestedRun } from '../../store/digests/schedule.ts';
import { type DigestWorkerDeps, finishRun, partIdOf } from './finish-run.ts';

/** Handles a job of the queue `digests`. */
export async function handleDigest(deps: DigestWorkerDeps, { data }: JobAttempt<DigestJob>): Promise<void> {
  if (data.kind === 'finish') await finishRun(deps, data.name, data.runId);
  else await startRequestedRun(deps, data);
}

/** Starts a requested run, unless the digest is already running: that run is posted instead. */
async function startRequestedRun(
  deps: DigestWorkerDeps,
  { name, runId, asked }: Extract<DigestJob, { kind: 'start' }>,
): Promise<void> {
  const definition = deps.definitions.find((one) => one.name === name);
  if (!definition)
    throw new Error(
      `this worker doesn't know the digest ${name}: bot and worker have different configurations`,
    );
  const times = { nowMs: await deps.readClock(), tickedMs: await deps.digests.lastTickMs() };
  const { after } = await deps.digests.change(name, (state) =>
    claimRequestedRun(state, definition, { runId, asked }, times),
  );
  const run = after?.run;
  if (run?.runId !== runId)
    deps.log.info({ event: 'digest-already-running', digest: name, runId }, 'Digest is already running');
  else if (run.state === 'claimed') await startRun(deps, name, run);
}

/** Queues the checks of a claimed run. Starting it twice is safe: the ids of all jobs are derived from the run. */
export async function startRun(deps: DigestWorkerDeps, name: string, run: DigestRunState): Promise<void> {
  const { runId, asked, due, startedAt } = run;
  const checks = run.questions.map((question, at) => ({
    ...question,
    runId: partIdOf(runId, at),
    asked,
    digestRun: runId,
  }));
  const about = { kind: 'finish' as const, name, runId, asked, startedAt, ...(due !== undefined && { due }) };
  await deps.flows.add(about, checks);
  await deps.digests.change(name, (state) => state && advanceRun(state, runId, 'started'));
  deps.log.info(
    { event: 'digest-started', digest: name, runId, due, checks: checks.length },
    'Digest started',
  );
}
