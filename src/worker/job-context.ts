import type { Catalogue } from '../request/catalogue.ts';
import type { AnyRemediation, Plan } from '../check/define-remediation.ts';
import { planRemediation } from '../check/run-remediation.ts';
import type { Redact } from '../text/redact.ts';
import type { AnyCheck } from '../check/define-check.ts';
import type { Announce, Remind } from '../store/remediation/announce.ts';
import type { Durability } from '../store/remediation/durability.ts';
import type { FreezeRecord } from '../store/remediation/freeze.ts';
import type { People } from '../store/access/people.ts';
import type { Policy } from '../store/remediation/policy.ts';
import type { RemediationRecord } from '../store/remediation/record.ts';
import type { RemediationStore, TransitionResult } from '../store/remediation/remediation-store.ts';
import type { Transition } from '../store/remediation/transitions/common.ts';
import type { Readers, Writers } from '../ports/readers.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { SampleDeps } from './samples.ts';

/** What the jobs of the `remediations` queue need. */
export interface RemediationDeps extends SampleDeps {
  readonly catalogue: Catalogue;
  readonly readersOf: (environment: string) => Partial<Readers> | undefined;
  readonly writersOf: (environment: string) => Partial<Writers> | undefined;
  readonly remediations: RemediationStore;
  readonly people: People;
  /** Milliseconds since the epoch, by the clock of Redis. */
  readonly readClock: () => Promise<number>;
  readonly policy: Policy;
  /** Who has frozen all remediations, if anyone. */
  readonly readFreeze: () => Promise<FreezeRecord | undefined>;
  /** Whether Redis has what was just written on disk. */
  readonly confirmDurability: () => Promise<Durability>;
  readonly announce: Announce;
  readonly remind: Remind;
  readonly redact: Redact;
  readonly deadlineMs: number;
  /** A worker that has not renewed its lease for this long counts as lost. */
  readonly leaseMs: number;
  /** How often the check is repeated while a fix is verified. */
  readonly recheckEveryMs: number;
  readonly metrics: Metrics;
}

/** One job about one remediation, with all that it needs. */
export interface JobContext {
  readonly deps: RemediationDeps;
  readonly jobId: string;
  readonly signal: AbortSignal;
  /** As it was when the job began. */
  readonly record: RemediationRecord;
}

/** Commits a transition and announces the change. A transition that is refused changes nothing. */
export async function commitTransition(
  { deps, record: { id } }: JobContext,
  transition: Transition,
): Promise<TransitionResult> {
  const { remediations, announce, log } = deps;
  const result = await remediations.transition(id, transition);
  if (result.kind === 'changed') await announce(result.record, result.revision);
  else
    log.info({ event: 'transition-refused', remediation: id, because: result.because }, 'Transition refused');
  return result;
}

/** The check and the remediation as they are declared. @throws if bot and worker run different versions. */
export function definitionOf(
  { catalogue }: RemediationDeps,
  { check: name, remediation: fix }: RemediationRecord,
): { readonly check: AnyCheck; readonly remediation: AnyRemediation } {
  const check = catalogue.checks.get(name);
  const remediation = check?.remediations?.[fix];
  if (!check || !remediation)
    throw new Error(`this worker doesn't know the fix ${name}:${fix}: bot and worker run different versions`);
  return { check, remediation };
}

/** @throws if bot and worker have different configurations. */
export function readersOf({ readersOf: open }: RemediationDeps, environment: string): Partial<Readers> {
  const read = open(environment);
  if (!read)
    throw new Error(
      `this worker doesn't know the environment ${environment}: bot and worker have different configurations`,
    );
  return read;
}

/**
 * Plans what applying would do now.
 * @throws {SourceError} as `planRemediation` does.
 */
export function planNow({ deps, record, signal }: JobContext): Promise<Plan> {
  return planRemediation(definitionOf(deps, record).remediation, record, {
    read: readersOf(deps, record.environment),
    now: new Date(),
    signal,
    deadlineMs: deps.deadlineMs,
    redact: deps.redact,
  });
}
