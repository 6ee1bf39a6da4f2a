import type { AnyRemediation } from '../check/define-remediation.ts';
import type { Report } from '../check/finding.ts';
import { runCheck } from '../check/run-check.ts';
import { whyUnproven } from '../check/run-remediation.ts';
import { observationOf } from '../store/remediation/observation.ts';
import type { Observation, RemediationRecord } from '../store/remediation/record.ts';
import { definitionOf, type JobContext, readersOf } from './job-context.ts';
import { loadEarlier } from './samples.ts';

/**
 * Runs the check of a remediation again, with its original arguments, and returns its result for the finding. It saves no samples and records no
 * findings: the history learns that a finding is gone at the next requested run.
 * @param before the observation from before a fix, which this run verifies.
 */
export async function observe(context: JobContext, before?: Observation): Promise<Observation> {
  const { deps, record, signal } = context;
  // As all times in the record. The clock of this worker may differ.
  const at = new Date(await deps.readClock()).toISOString();
  const { check: name, environment, args } = record;
  const { check, remediation } = definitionOf(deps, record);
  const report = await runCheck(check, {
    check: name,
    environment,
    args,
    read: readersOf(deps, environment),
    now: new Date(),
    ...(before && { isVerification: true }),
    signal,
    deadlineMs: deps.deadlineMs,
    ...(await loadEarlier(deps, check, { check: name, environment })),
    redact: deps.redact,
  });
  const seen = { ...observationOf(report, record, before), at };
  const unproven = before && seen.finding === 'gone' ? await whyNotProven(context) : undefined;
  const observation = { ...seen, ...(unproven !== undefined && { unproven }) };
  return isMitigated(remediation, record, { before: before?.measures, after: report.measures })
    ? { ...observation, isMitigated: true }
    : observation;
}

/** Why it proves nothing that the finding is gone. */
async function whyNotProven({ deps, record, signal }: JobContext): Promise<string | undefined> {
  const { plan, id: idempotencyKey, environment } = record;
  const { remediation } = definitionOf(deps, record);
  if (!plan || !remediation.whyUnproven) return undefined;
  return whyUnproven(
    remediation,
    record,
    { plan, idempotencyKey },
    {
      read: readersOf(deps, environment),
      now: new Date(),
      signal,
      deadlineMs: deps.deadlineMs,
      redact: deps.redact,
    },
  );
}

interface Measured {
  readonly before: Report['measures'];
  readonly after: Report['measures'];
}

/** Whether the measures have the values that a mitigation names as its proof, or show that a part of the fault was removed. */
function isMitigated(
  { provenBy, reduces, params }: AnyRemediation,
  { each, ...single }: RemediationRecord,
  { before, after }: Measured,
): boolean {
  const all = (each ?? [single]).map((one): unknown => params.parse(one.params));
  const valueOf = (measures: Report['measures'], label: string): number =>
    measures?.find((measure) => measure.label === label)?.value ?? Number.NaN;
  if (provenBy)
    return all.map((one) => provenBy(one)).every(({ label, value }) => valueOf(after, label) === value);
  if (!reduces) return false;
  return all
    .map((one) => reduces(one))
    .every(({ label, below = valueOf(before, label) }) => valueOf(after, label) < below);
}
