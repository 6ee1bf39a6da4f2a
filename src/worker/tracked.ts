import type { AnyCheck } from '../check/define-check.ts';
import type { Report } from '../check/finding.ts';
import type { CheckRun } from '../check/run-check.ts';
import type { TrackedFinding } from '../check/tracked-finding.ts';
import type { Claims } from '../store/claims/claims.ts';
import type { FindingHistory, Question } from '../store/history/tracked-findings.ts';
import type { Silences } from '../store/silences/silences.ts';
import type { Log } from '../telemetry/log.ts';
import { within } from '../telemetry/within.ts';

/** Records what a check found, and reads who silenced it or works on it. */
export interface TrackingDeps {
  readonly findings: Pick<FindingHistory, 'load' | 'record'>;
  readonly silences: Pick<Silences, 'apply'>;
  readonly claims: Pick<Claims, 'apply'>;
  readonly log: Log;
}

/** While Redis is unreachable, its commands wait. A person waits for a report, but not for a digest. */
const ANSWERS_WITHIN_MS = 2_000;
const RECORDS_WITHIN_MS = 15_000;

/** The findings of a run couldn't be recorded. A digest compared with an older record could report something as new or as gone. */
export class NotRecorded extends Error {
  override readonly name = 'NotRecorded';
}

/** The `previous` of a run, for a check that says how findings were resolved. Never throws: without it, the report doesn't say how. */
export async function loadPrevious(
  { findings, log }: TrackingDeps,
  { resolved }: AnyCheck,
  question: Question,
): Promise<Pick<CheckRun, 'previous'>> {
  if (!resolved) return {};
  try {
    const known = await within(ANSWERS_WITHIN_MS, findings.load(question));
    return { previous: known.filter(({ state }) => state !== 'gone') };
  } catch (error) {
    log.warn(
      { event: 'findings-not-loaded', err: error, ...aboutOf(question) },
      "Couldn't load findings of earlier runs",
    );
    return {};
  }
}

/**
 * Records what a run found. @returns what is known of the findings of its report; nothing if Redis did not record it in time. Never throws: the
 * report does not depend on it.
 */
export async function trackReport(
  deps: TrackingDeps,
  question: Question,
  report: Report,
): Promise<{ readonly tracked?: TrackedFinding[] }> {
  try {
    const all = await within(ANSWERS_WITHIN_MS, record(deps, question, report));
    const key = ({ reason, target }: Pick<TrackedFinding, 'reason' | 'target'>) => `${reason} ${target}`;
    const reported = new Set(report.findings.map(key));
    return { tracked: all.filter((one) => reported.has(key(one))) };
  } catch (error) {
    deps.log.warn(
      { event: 'findings-not-recorded', err: error, ...aboutOf(question) },
      "Couldn't record findings",
    );
    return {};
  }
}

/**
 * Records what a part of a digest found. @returns all findings of its question.
 * @throws {NotRecorded} if Redis did not record it in time. The part must then be run again.
 */
export async function trackDigestPart(
  deps: TrackingDeps,
  question: Question,
  report: Report,
): Promise<TrackedFinding[]> {
  try {
    return [...(await within(RECORDS_WITHIN_MS, record(deps, question, report)))];
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    throw new NotRecorded(`couldn't record its findings: ${because}`, { cause: error });
  }
}

async function record(
  { findings, silences, claims }: TrackingDeps,
  question: Question,
  report: Report,
): Promise<readonly TrackedFinding[]> {
  const tracked = await findings.record(question, report);
  if (tracked.length === 0) return tracked;
  return claims.apply(question, await silences.apply(question, tracked));
}

function aboutOf({ check, environment }: Question): Pick<Question, 'check' | 'environment'> {
  return { check, environment };
}
