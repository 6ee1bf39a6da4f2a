import { runIdOf } from '../../queue/queues.ts';
import type { RequestOrigin } from '../../queue/request-origin.ts';
import { latestRunMs } from '../../text/cron.ts';
import type { DigestDefinition, DigestRunState, DigestState } from './digest-state.ts';

/** The times for a decision, in milliseconds since the epoch by the clock of Redis. */
export interface ScheduleTimes {
  readonly nowMs: number;
  /** When any worker last checked all of its digests; undefined if none ever did. */
  readonly tickedMs: number | undefined;
}

/** The clocks of a Redis and of its replica may differ by this much. A time that is further ahead is from a wrong clock. */
const CLOCK_SKEW_MS = 10 * 60_000;
const SEEN_EVERY_MS = 10 * 60_000;
/** If workers have run for this long without a digest, it isn't in their configuration anymore. */
const REMOVED_AFTER_MS = 24 * 3_600_000;
/** A schedule that comes back within this time wasn't changed: workers with two configurations are running, as during a rollout. */
const ROLLOUT_MS = 10 * 60_000;

/**
 * The next state of a digest: it follows the configuration, and claims a run if one is due and none is running. Runs that were missed are caught up
 * by one run, which counts as the last of them. Returns the same object if nothing changes.
 *
 * Counting starts now for a digest that is new, has another cron or time zone, or was out of the configuration for a day: it doesn't run for earlier
 * times. While workers with two configurations take turns, it runs at the times of both.
 */
export function followSchedule(
  state: DigestState | undefined,
  definition: DigestDefinition,
  times: ScheduleTimes,
): DigestState {
  const followed = follow(state, definition, times);
  if (isDigestRunning(followed)) return followed;
  const dueMs = latestRunMs(definition, Date.parse(followed.countedFrom), times.nowMs);
  if (dueMs === undefined) return followed;
  const due = iso(dueMs);
  const run = newRun(definition, times.nowMs, {
    runId: runIdOf(`digest ${definition.name} ${due} ${followed.restarts}`),
    due,
    asked: scheduledOrigin(definition, times.nowMs),
  });
  return { ...followed, countedFrom: due, run };
}

/** Claims a requested run. Unchanged if the digest is running, or if this run was claimed before. */
export function claimRequestedRun(
  state: DigestState | undefined,
  definition: DigestDefinition,
  { runId, asked }: { readonly runId: string; readonly asked: RequestOrigin },
  times: ScheduleTimes,
): DigestState {
  const followed = follow(state, definition, times);
  if (isDigestRunning(followed) || followed.run?.runId === runId) return followed;
  // The run is posted in the channel of the digest, not where it was requested.
  const { responseUrl: _, ...rest } = asked;
  const run = newRun(definition, times.nowMs, { runId, asked: { ...rest, channelId: definition.channel } });
  return { ...followed, run };
}

/** Changes the state of a run; the same object if another run has replaced it, or if it is further along. */
export function advanceRun(state: DigestState, runId: string, to: 'started' | 'finished'): DigestState {
  const { run } = state;
  if (run?.runId !== runId || run.state === to || run.state === 'finished') return state;
  return { ...state, run: { ...run, state: to } };
}

/** Whether a run is claimed and not finished. */
export function isDigestRunning({ run }: Pick<DigestState, 'run'>): boolean {
  return run !== undefined && run.state !== 'finished';
}

function follow(
  state: DigestState | undefined,
  { cron, timeZone }: DigestDefinition,
  { nowMs, tickedMs }: ScheduleTimes,
): DigestState {
  const schedule = `${cron} ${timeZone}`;
  const now = iso(nowMs);
  if (!state) return { schedule, countedFrom: now, restarts: 0, seenAt: now };
  const seenMs = Date.parse(state.seenAt);
  // A tick in the future was dated by a wrong clock.
  const wasRemoved =
    tickedMs !== undefined && tickedMs <= nowMs + CLOCK_SKEW_MS && tickedMs - seenMs > REMOVED_AFTER_MS;
  const isAhead = Date.parse(state.countedFrom) > nowMs + CLOCK_SKEW_MS;
  const recent = Math.abs(nowMs - seenMs) > SEEN_EVERY_MS ? { ...state, seenAt: now } : state;
  const seen = isAhead ? { ...recent, countedFrom: now, restarts: state.restarts + 1 } : recent;
  if (wasRemoved) return { ...seen, schedule, countedFrom: now, seenAt: now };
  if (state.schedule !== schedule) {
    const { scheduleBefore: before } = state;
    const isRollout =
      before?.schedule === schedule && Math.abs(nowMs - Date.parse(before.seenAt)) < ROLLOUT_MS;
    const scheduleBefore = { schedule: state.schedule, seenAt: now };
    return {
      ...seen,
      schedule,
      scheduleBefore,
      seenAt: now,
      countedFrom: isRollout ? seen.countedFrom : now,
    };
  }
  return seen;
}

function newRun(
  { isQuiet, questions }: DigestDefinition,
  nowMs: number,
  about: Pick<DigestRunState, 'runId' | 'due' | 'asked'>,
): DigestRunState {
  return { ...about, startedAt: iso(nowMs), state: 'claimed', isQuiet, questions: [...questions] };
}

/** A worker doesn't know the workspace, and no person waits for an answer. */
function scheduledOrigin({ name, channel }: DigestDefinition, nowMs: number): RequestOrigin {
  return { by: 'wrench', teamId: '', channelId: channel, as: `digest ${name}`, at: iso(nowMs) };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
