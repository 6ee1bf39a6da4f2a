import type { AnyCheck } from '../check/define-check.ts';
import { type NewSample, seriesLimits } from '../check/remembers.ts';
import type { CheckRun } from '../check/run-check.ts';
import type { HistoryOf } from '../store/history/history.ts';
import type { Log } from '../telemetry/log.ts';
import { within } from '../telemetry/within.ts';

/** Loads and saves the samples of checks that remember some. */
export interface SampleDeps {
  readonly historyOf: HistoryOf;
  readonly log: Log;
}

/** While Redis is unreachable, its commands wait. A check waits for its samples no longer than this. */
const ANSWERS_WITHIN_MS = 2_000;

type Asked = Pick<CheckRun, 'check' | 'environment'>;

/** The `earlier` of a run, for a check that remembers. Never throws: without Redis, the report has a note instead. */
export async function loadEarlier(
  { historyOf, log }: SampleDeps,
  { remembers }: AnyCheck,
  { check, environment }: Asked,
): Promise<Pick<CheckRun, 'earlier'>> {
  if (!remembers) return {};
  try {
    return { earlier: await within(ANSWERS_WITHIN_MS, historyOf(check, environment).load()) };
  } catch (error) {
    log.warn(
      { event: 'samples-not-loaded', err: error, check, environment },
      "Couldn't load earlier samples",
    );
    return { earlier: { unavailable: 'Redis could not be read' } };
  }
}

/** Saves the samples of a run that began at `startedAt`. Never throws: the report does not depend on it. */
export async function saveNewSamples(
  { historyOf, log }: SampleDeps,
  { remembers }: AnyCheck,
  { check, environment }: Asked,
  samples: readonly NewSample[],
  startedAt: Date,
): Promise<void> {
  if (!remembers) return;
  try {
    const { save } = historyOf(check, environment);
    const unsaved = await within(ANSWERS_WITHIN_MS, save(samples, startedAt, seriesLimits(remembers)));
    if (unsaved > 0)
      log.warn(
        { event: 'samples-dropped', check, environment, unsaved },
        'Some samples were too large or too many to save',
      );
  } catch (error) {
    log.warn({ event: 'samples-not-saved', err: error, check, environment }, "Couldn't save samples");
  }
}
