import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Plan, planSchema } from '../../check/define-remediation.ts';
import { jsonSchema, measureSchema, type Offer, riskSchema, severitySchema } from '../../check/finding.ts';
import { requestOriginSchema } from '../../queue/request-origin.ts';

/**
 * The states of a remediation:
 *
 * offered -> planning -> planned -> approved -> applying -> settling -> fixed | mitigated | unverified | failed; or it ends as rejected, expired,
 * skipped or refused, before anything was applied; as paused: someone ended it between two steps; or as interrupted: its worker was lost while it was
 * applying the plan, and it's unknown how much was applied. `settling` means that the fix is being verified.
 */
export const REMEDIATION_STATES = [
  'offered',
  'planning',
  'planned',
  'approved',
  'applying',
  'settling',
  'fixed',
  'mitigated',
  'unverified',
  'failed',
  'paused',
  'interrupted',
  'rejected',
  'expired',
  'skipped',
  'refused',
] as const;

export type RemediationState = (typeof REMEDIATION_STATES)[number];

/** A remediation leaves these only by a recheck. */
export const FINAL_STATES: ReadonlySet<RemediationState> = new Set([
  'fixed',
  'mitigated',
  'unverified',
  'failed',
  'paused',
  'interrupted',
  'rejected',
  'expired',
  'skipped',
  'refused',
]);

/** How a fix that was started ends. */
export const OUTCOMES: ReadonlySet<RemediationState> = new Set([
  'fixed',
  'mitigated',
  'unverified',
  'failed',
  'paused',
  'interrupted',
]);

const at = z.iso.datetime();
const voteSchema = z.strictObject({
  by: z.string(),
  at,
  /** The person's reason, redacted. */
  reason: z.string().exactOptional(),
});

/** Who clicked, when and why. */
export type Vote = z.infer<typeof voteSchema>;

const foundFindingSchema = z.strictObject({
  reason: z.string(),
  severity: severitySchema,
  target: z.string(),
  targets: z.array(z.string()).exactOptional(),
  summary: z.string(),
});

/** A finding of the run that verified a fix. */
export type FoundFinding = z.infer<typeof foundFindingSchema>;

/** The result of a check run for the finding of a remediation. */
const observationSchema = z.strictObject({
  at,
  /** `unseen`: the finding is absent, but something that could hide it was not checked. */
  finding: z.enum(['found', 'gone', 'unseen']),
  /** The reasons of all findings about its targets. */
  reasons: z.array(z.string()),
  /** Those of its targets that are still found, if the finding has several. */
  targets: z.array(z.string()).exactOptional(),
  /** Those of `targets` that are only found for other reasons. */
  changed: z.array(z.string()).exactOptional(),
  verdict: z.string(),
  measures: z.array(measureSchema),
  /** What couldn't be checked; in `before`, only gaps that hide none of its targets. */
  gaps: z.array(z.string()),
  /** For a mitigation: its measure has the value that proves it. */
  isMitigated: z.literal(true).exactOptional(),
  /** Why it proves nothing that the finding is gone: what was applied is not in effect everywhere. */
  unproven: z.string().exactOptional(),
  /** Only in `after`: everything that the run found, about any target. Absent if its worker is older than 0.12. */
  report: z
    .strictObject({
      /** Everything that could have a finding was checked. */
      isWhole: z.boolean(),
      /** The most severe first. */
      findings: z.array(foundFindingSchema),
      /** How many findings are left out. */
      more: z.number().int().nonnegative(),
    })
    .exactOptional(),
});

export type Observation = z.infer<typeof observationSchema>;

/** Everything that is stored about one remediation, from the offer to its outcome. It contains no secrets; `recordToJson` writes it to Redis. */
export const remediationRecordSchema = z.strictObject({
  id: z.string().regex(/^m[0-9a-f]{16}$/),
  /** The run whose report offered it. Its cards are posted in the thread of that run. */
  runId: z.string(),
  check: z.string(),
  environment: z.string(),
  args: z.record(z.string(), z.string()),
  /** Who ran the check, where and when. */
  asked: requestOriginSchema,
  /** Its name among the check's remediations. */
  remediation: z.string(),
  title: z.string(),
  about: z.string(),
  risk: riskSchema,
  /** It eases the fault but doesn't remove it: it ends as `mitigated`, never as `fixed`. */
  mitigates: z.literal(true).exactOptional(),
  /** What a click changes and where, for its confirmation. Offers of 0.11 have none. */
  effect: z.string().exactOptional(),
  /** Absent if `each` has the params of every target. */
  params: jsonSchema.exactOptional(),
  each: z.array(z.strictObject({ target: z.string(), params: jsonSchema })).exactOptional(),
  /** `targets`: the targets of the finding that it is for; absent if the finding has only one. */
  finding: z.strictObject({
    reason: z.string(),
    target: z.string(),
    targets: z.array(z.string()).exactOptional(),
    summary: z.string(),
  }),
  state: z.enum(REMEDIATION_STATES),
  /** When the state times out. While a worker applies or verifies, the end of its lease. */
  until: at.exactOptional(),
  /** Why it ended as it did, for people. */
  because: z.string().exactOptional(),
  endedAt: at.exactOptional(),
  requested: voteSchema.exactOptional(),
  plan: planSchema.exactOptional(),
  planHash: z.string().exactOptional(),
  /** When its plan was posted. A plan that no one could see doesn't expire. */
  shownAt: at.exactOptional(),
  approvalsNeeded: z.number().int().nonnegative().exactOptional(),
  approvals: z.array(voteSchema),
  rejected: voteSchema.exactOptional(),
  /** The fencing token of the worker that applies it, greater than all earlier ones: a worker with an older one is refused. */
  token: z.number().int().exactOptional(),
  /** The steps that were completed, recorded one by one. If it can be paused, the last few. */
  steps: z.array(z.strictObject({ at, line: z.string() })),
  /** How many more there were before `steps`. */
  earlierSteps: z.int().positive().exactOptional(),
  /** While it is applied, people may pause it. */
  pausable: z.literal(true).exactOptional(),
  /** Who wanted it to be paused. It may have ended otherwise: that was its last step, or the step failed. */
  pause: voteSchema.exactOptional(),
  before: observationSchema.exactOptional(),
  after: observationSchema.exactOptional(),
  /** Only while it is settling. Absent if its worker is older than 0.12. */
  settling: z
    .strictObject({
      /** When its worker stops verifying. */
      until: at,
      /** How often the check is repeated. */
      everySeconds: z.number().positive(),
      /** The last result that doesn't prove the fix, without its `report`. `at` is when it was recorded. */
      observed: observationSchema.exactOptional(),
    })
    .exactOptional(),
});

export type RemediationRecord = z.infer<typeof remediationRecordSchema>;

/**
 * The record as stored in Redis. Its steps are called `deeds` there, as in 0.2, so that bots and workers of different versions can read each other's
 * records during an upgrade.
 */
export function recordToJson({ steps, ...others }: RemediationRecord): string {
  return JSON.stringify({ ...others, deeds: steps });
}

/** Parses the output of `recordToJson`. @throws {ZodError} if it isn't a record. */
export function recordFromJson(json: string): RemediationRecord {
  const { deeds: steps, ...others } = z.looseObject({ deeds: z.unknown() }).parse(JSON.parse(json));
  return remediationRecordSchema.parse({ ...others, steps });
}

/** The same offer has the same id, however often its report is delivered. */
export function remediationIdOf(
  runId: string,
  reason: string,
  target: string,
  remediation: string,
  { params, each }: Pick<Offer, 'params' | 'each'>,
): string {
  const named = JSON.stringify([runId, reason, target, remediation, params ?? each]);
  return `m${createHash('sha256').update(named).digest('hex').slice(0, 16)}`;
}

/** How many steps were completed. */
export function countSteps({
  steps,
  earlierSteps = 0,
}: Pick<RemediationRecord, 'steps' | 'earlierSteps'>): number {
  return earlierSteps + steps.length;
}

/** How many lines of a plan count against the caps. */
export function countLines(plan: Plan | undefined): number {
  return plan?.parts?.length ?? 1;
}

/** What an approver approves: exactly these lines, targets and preconditions. */
export function planHashOf(
  remediation: Pick<RemediationRecord, 'check' | 'environment' | 'remediation' | 'params' | 'each'>,
  approved: Plan,
): string {
  const { check, environment, remediation: name, params, each } = remediation;
  return createHash('sha256')
    .update(canonicalJson([check, environment, name, params ?? each, approved]))
    .digest('hex');
}

/** JSON with sorted keys: the same content gives the same text. Hashes of plans and of audit entries depend on it. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
