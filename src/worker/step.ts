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

export interface RemediationHandling {
  readonly catalogue: Catalogue;
  readonly readersOf: (environment: string) => Partial<Readers> | undefined;
  readonly writersOf: (environment: string) => Partial<Writers> | undefined;
  readonly remediations: RemediationStore;
  readonly people: People;
  readonly policy: Policy;
  /** Who froze everything, if somebody did. */
  readonly frozen: () => Promise<Frozen | undefined>;
  /** Whether what was written is safe on disk by now. */
  readonly durability: () => Promise<Durability>;
  readonly enqueueRemediation: Queues['enqueueRemediation'];
  readonly enqueueOutbox: Queues['enqueueOutbox'];
  readonly redact: Redact;
  readonly deadlineMs: number;
  /** Without a sign of life for this long, who acts counts as lost. */
  readonly leaseMs: number;
  /** Between two looks while a fix settles. */
  readonly lookAgainMs: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** One step of one remediation, with all that it needs. */
export interface Step {
  readonly handling: RemediationHandling;
  readonly jobId: string;
  readonly signal: AbortSignal;
  readonly remediation: RemediationRecord;
}

/** Makes a move and sees to it that people are shown it. */
export async function moveAndTell(
  { handling, remediation }: Step,
  decide: Transition,
): Promise<TransitionResult> {
  const { remediations, log } = handling;
  const moved = await remediations.transition(remediation.id, decide);
  if (moved.kind === 'moved') await tellCard(handling, moved.remediation);
  else log.info({ remediation: remediation.id, because: moved.because }, 'a move was not made');
  return moved;
}

/** What is not told here is found by the sweep, and told then. */
export async function tellCard(
  { remediations, enqueueOutbox, log }: Pick<RemediationHandling, 'remediations' | 'enqueueOutbox' | 'log'>,
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
export function declared(
  { catalogue }: RemediationHandling,
  { check: name, remediation: fix }: RemediationRecord,
): { readonly check: AnyCheck; readonly remediation: AnyRemediation } {
  const check = catalogue.checks.get(name);
  const remediation = check?.remediations?.[fix];
  if (!check || !remediation)
    throw new Error(`this worker knows no ${name}:${fix}: bot and worker are of different versions`);
  return { check, remediation };
}

/** Asks the check again, as it was asked. */
export async function look(step: Step, before?: Observation): Promise<Observation> {
  const { handling, remediation, signal } = step;
  const { check: name, environment, args } = remediation;
  const report = await runCheck(declared(handling, remediation).check, {
    check: name,
    environment,
    args,
    read: readersOf(handling, environment),
    now: new Date(),
    signal,
    deadlineMs: handling.deadlineMs,
    redact: handling.redact,
  });
  return observationOf(report, remediation, before);
}

export function readersOf({ readersOf: open }: RemediationHandling, environment: string): Partial<Readers> {
  const read = open(environment);
  if (!read)
    throw new Error(
      `this worker knows no environment ${environment}: bot and worker have different configurations`,
    );
  return read;
}
