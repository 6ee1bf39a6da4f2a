import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../remediation/record.ts';

/** The kinds of events: about one remediation, all of them, or a silence. The names are part of the hashed entries and never change. */
export const AUDIT_EVENT_KINDS = [
  'asked',
  'planned',
  'refused',
  'approved',
  'rejected',
  'expired',
  'skipped',
  'applying',
  'applied',
  'pausing',
  'outcome',
  'frozen',
  'thawed',
  'silenced',
  'unsilenced',
] as const;

/**
 * An event, before it has its place in the chain. People are named by id, and texts are already redacted. Each name below is part of the hashed
 * entries and never changes: `deeds`, a name from 0.2, are the completed steps.
 */
export const auditEventSchema = z.strictObject({
  kind: z.enum(AUDIT_EVENT_KINDS),
  at: z.iso.datetime(),
  /** Slack user ids: who requested, approved, rejected or was refused; `wrench` for Wrench itself; `terminal` for someone at a terminal. */
  who: z.array(z.string()).min(1),
  remediation: z.string().exactOptional(),
  /** The id of the silence that began or ended. */
  silence: z.string().exactOptional(),
  /** For people: `Restart doppler_z2/0`. */
  what: z.string(),
  check: z.string().exactOptional(),
  environment: z.string().exactOptional(),
  targets: z.array(z.string()).exactOptional(),
  planHash: z.string().exactOptional(),
  /** The final state, for the kind `outcome`: `fixed`, `mitigated`, `unverified`, `failed`, `paused`, `interrupted`. */
  outcome: z.string().exactOptional(),
  because: z.string().exactOptional(),
  /** Of the kind `approved`: the requester of a safe fix confirmed it, so no one else approved it. */
  confirmed: z.literal(true).exactOptional(),
  /** The number of events, if they were not audited individually. */
  count: z.number().int().positive().exactOptional(),
  /** The verdicts before and after, and the steps in between. */
  before: z.string().exactOptional(),
  after: z.string().exactOptional(),
  deeds: z.array(z.string()).exactOptional(),
});

export type AuditEvent = z.infer<typeof auditEventSchema>;

/** The completed steps, under the name that entries have for them. */
export function withSteps(...steps: readonly string[]): Pick<AuditEvent, 'deeds'> {
  return steps.length > 0 ? { deeds: [...steps] } : {};
}

export function stepsOf({ deeds = [] }: Pick<AuditEvent, 'deeds'>): readonly string[] {
  return deeds;
}

/** An event in its place in the chain. Each entry has the hash of the one before it, so a changed, removed or inserted entry is detected. */
export const auditEntrySchema = z.strictObject({
  seq: z.number().int().positive(),
  prev: z.string().regex(/^[0-9a-f]{64}$/),
  entry: auditEventSchema,
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** The number and the hash of the last entry. */
export type AuditHead = Pick<AuditEntry, 'seq' | 'hash'>;

export const seenHeadSchema = auditEntrySchema
  .pick({ seq: true, hash: true })
  .extend({ at: z.iso.datetime() });

/** The newest audit entry that a bot has seen in Redis, and when. */
export type SeenHead = z.infer<typeof seenHeadSchema>;

/** The head of an empty audit. */
export const GENESIS: AuditHead = { seq: 0, hash: '0'.repeat(64) };

/** The entry that follows the head. */
export function chainEntry({ seq, hash: prev }: AuditHead, entry: AuditEvent): AuditEntry {
  const content = { seq: seq + 1, prev, entry };
  return { ...content, hash: entryHash(content) };
}

/** SHA-256 of the event, its number and the previous hash, as JSON with sorted keys. */
export function entryHash({ seq, prev, entry }: Omit<AuditEntry, 'hash'>): string {
  return createHash('sha256').update(canonicalJson({ seq, prev, entry })).digest('hex');
}
