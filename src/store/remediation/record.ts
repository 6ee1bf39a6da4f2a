import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Plan } from '../../check/define-remediation.ts';
import type { Measure } from '../../check/finding.ts';
import { requestOriginSchema } from '../../queue/request-origin.ts';

/**
 * Where one remediation is in its life (DESIGN.md section 2):
 *
 * offered -> planning -> planned -> approved -> applying -> settling -> fixed | unverified | failed;
 * or it ends as rejected, expired, skipped, refused; or interrupted: its worker was lost while it acted, and nobody knows whether it did.
 */
export const REMEDIATION_STATES = [
  'offered',
  'planning',
  'planned',
  'approved',
  'applying',
  'settling',
  'fixed',
  'unverified',
  'failed',
  'interrupted',
  'rejected',
  'expired',
  'skipped',
  'refused',
] as const;

export type RemediationState = (typeof REMEDIATION_STATES)[number];

/** Ends that nothing leads out of, but that somebody looks again. */
export const FINAL_STATES: ReadonlySet<RemediationState> = new Set([
  'fixed',
  'unverified',
  'failed',
  'interrupted',
  'rejected',
  'expired',
  'skipped',
  'refused',
]);

const at = z.iso.datetime();
const voteSchema = z.strictObject({
  by: z.string(),
  at,
  /** Why, in the person's own words; redacted. */
  reason: z.string().exactOptional(),
});
const measureSchema = z.strictObject({
  label: z.string(),
  value: z.number(),
  of: z.number().exactOptional(),
  unit: z.string(),
}) satisfies z.ZodType<Measure>;

const planSchema: z.ZodType<Plan> = z.strictObject({
  lines: z.array(z.string()).min(1),
  targets: z.array(z.string()).min(1),
  precondition: z.record(z.string(), z.string()),
  bytes: z.number().exactOptional(),
  afterwards: z.array(z.string()).exactOptional(),
  details: z.record(z.string(), z.json()).exactOptional(),
});

/** What somebody saw by asking the check again. */
const observationSchema = z.strictObject({
  at,
  /** `unseen`: the finding is absent, but so is something it could hide behind. */
  finding: z.enum(['found', 'gone', 'unseen']),
  /** The reasons of all findings about its target. */
  reasons: z.array(z.string()),
  verdict: z.string(),
  measures: z.array(measureSchema),
  /** What could not be looked at. */
  gaps: z.array(z.string()),
});

export type Observation = z.infer<typeof observationSchema>;

/** All that is remembered of one remediation, from the offer to its end. Plain JSON, in Redis; never a secret. */
export const remediationRecordSchema = z.strictObject({
  id: z.string().regex(/^m[0-9a-f]{16}$/),
  /** The run whose report offered it; its thread is where everything is told. */
  runId: z.string(),
  check: z.string(),
  environment: z.string(),
  args: z.record(z.string(), z.string()),
  /** Who asked the question, where and when. */
  asked: requestOriginSchema,
  /** Its name among the check's remediations. */
  remediation: z.string(),
  title: z.string(),
  about: z.string(),
  risk: z.enum(['safe', 'disruptive', 'destructive']),
  params: z.json(),
  finding: z.strictObject({ reason: z.string(), target: z.string(), summary: z.string() }),
  state: z.enum(REMEDIATION_STATES),
  /** When the state ends by itself; a lease while a worker is at it. */
  until: at.exactOptional(),
  /** Why it ended as it did, in words. */
  because: z.string().exactOptional(),
  endedAt: at.exactOptional(),
  requested: voteSchema.exactOptional(),
  plan: planSchema.exactOptional(),
  planHash: z.string().exactOptional(),
  /** When its plan was posted. A plan that was not posted does not expire, because nobody could see it. */
  shownAt: at.exactOptional(),
  approvalsNeeded: z.number().int().nonnegative().exactOptional(),
  approvals: z.array(voteSchema),
  rejected: voteSchema.exactOptional(),
  /** Grows with every deed that is begun anywhere: an older holder finds a greater number and stops. */
  token: z.number().int().exactOptional(),
  /** What was done, as it was done. */
  deeds: z.array(z.strictObject({ at, line: z.string() })),
  before: observationSchema.exactOptional(),
  after: observationSchema.exactOptional(),
});

export type RemediationRecord = z.infer<typeof remediationRecordSchema>;

/** Says that an offer is the same one, however often its report is delivered. */
export function remediationIdOf(
  runId: string,
  reason: string,
  target: string,
  remediation: string,
  params: unknown,
): string {
  const named = JSON.stringify([runId, reason, target, remediation, params]);
  return `m${createHash('sha256').update(named).digest('hex').slice(0, 16)}`;
}

/** What an approver approves: exactly these lines, targets and conditions. */
export function planHashOf(
  remediation: Pick<RemediationRecord, 'check' | 'environment' | 'remediation' | 'params'>,
  what: Plan,
): string {
  const { check, environment, remediation: name, params } = remediation;
  return createHash('sha256')
    .update(canonicalJson([check, environment, name, params, what]))
    .digest('hex');
}

/** JSON with its keys in order, so that the same content is the same text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
