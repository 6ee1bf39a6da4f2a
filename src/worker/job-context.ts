import type { Catalogue } from '../request/catalogue.ts';
import type { AnyRemediation } from '../check/define-remediation.ts';
import type { Redact } from '../text/redact.ts';
import { runCheck } from '../check/run-check.ts';
import type { AnyCheck } from '../check/define-check.ts';
import type { Durability } from '../store/remediation/durability.ts';
import type { Frozen } from '../store/remediation/freeze.ts';
import { observationOf } from '../store/remediation/observation.ts';
import type { People } from '../store/access/people.ts';
import type { Policy } from '../store/remediation/policy.ts';
import type { Observation, RemediationRecord } from '../store/remediation/record.ts';
import type {
  Transition,
  TransitionResult,
  RemediationStore,
} from '../store/remediation/remediation-store.ts';
import type { Readers, Writers } from '../ports/readers.ts';
import type { Queues } from '../queue/queues.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface RemediationDeps {
  readonly catalogue: Catalogue;
  readonly readersOf: (environment: string) => Partial<Readers> | undefined;
  readonly writersOf: (environment: string) => Partial<Writers> | undefined;
  readonly remediations: RemediationStore;
  readonly people: People;
  readonly policy: Policy;
  /** Who froze everything, if somebody did. */
  readonly readFreeze: () => Promise<Frozen | undefined>;
  /** Whether what was written is safe on disk by now. */
  readonly confirmDurability: () => Promise<Durability>;
  readonly enqueueRemediation: Queues['enqueueRemediation'];
  readonly enqueueOutbox: Queues['enqueueOutbox'];
  readonly redact: Redact;
  readonly deadlineMs: number;
  /** Without a sign of life for this long, who acts counts as lost. */
  readonly leaseMs: number;
  /** Between two looks while a fix settles. */
  readonly recheckEveryMs: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** One step of one remediation, with all that it needs. */
export interface JobContext {
  readonly deps: RemediationDeps;
  readonly jobId: string;
  readonly signal: AbortSignal;
  readonly remediation: RemediationRecord;
}

/** Makes a move and sees to it that people are shown it. */
export async function transitionAndShow(
  { deps, remediation }: JobContext,
  transition: Transition,
): Promise<TransitionResult> {
  const { remediations, log } = deps;
  const result = await remediations.transition(remediation.id, transition);
  if (result.kind === 'changed') await enqueueCard(deps, result.remediation);
  else log.info({ remediation: remediation.id, because: result.because }, 'a move was not made');
  return result;
}

/** What is not told here is found by the sweep, and told then. */
export async function enqueueCard(
  { remediations, enqueueOutbox, log }: Pick<RemediationDeps, 'remediations' | 'enqueueOutbox' | 'log'>,
  { id, runId, check, environment, asked }: RemediationRecord,
): Promise<void> {
  try {
    const revision = (await remediations.read(id))?.revision ?? 1;
    await enqueueOutbox(`card-${id}-${revision}`, {
      kind: 'card',
      runId,
      check,
      environment,
      asked,
      id,
      revision,
    });
  } catch (error) {
    log.warn({ err: error, remediation: id }, 'a card will be shown later');
  }
}

/** The declarations behind it. @throws our own bug, or an operator's: roles of different versions. */
export function definitionOf(
  { catalogue }: RemediationDeps,
  { check: name, remediation: fix }: RemediationRecord,
): { readonly check: AnyCheck; readonly remediation: AnyRemediation } {
  const check = catalogue.checks.get(name);
  const remediation = check?.remediations?.[fix];
  if (!check || !remediation)
    throw new Error(`this worker knows no ${name}:${fix}: bot and worker are of different versions`);
  return { check, remediation };
}

/** Asks the check again, as it was asked. */
export async function observe(context: JobContext, before?: Observation): Promise<Observation> {
  const { deps, remediation, signal } = context;
  const { check: name, environment, args } = remediation;
  const report = await runCheck(definitionOf(deps, remediation).check, {
    check: name,
    environment,
    args,
    read: readersOf(deps, environment),
    now: new Date(),
    signal,
    deadlineMs: deps.deadlineMs,
    redact: deps.redact,
  });
  return observationOf(report, remediation, before);
}

export function readersOf({ readersOf: open }: RemediationDeps, environment: string): Partial<Readers> {
  const read = open(environment);
  if (!read)
    throw new Error(
      `this worker knows no environment ${environment}: bot and worker have different configurations`,
    );
  return read;
}
