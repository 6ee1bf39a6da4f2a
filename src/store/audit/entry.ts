import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../remediation/record.ts';

/** What can happen to a remediation, or to all of them, that somebody may ask about later. */
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
  'outcome',
  'frozen',
  'thawed',
] as const;

/** What an entry says, before it has its place in the chain. Ids, never names; texts are redacted before they come here. */
export const auditEventSchema = z.strictObject({
  kind: z.enum(AUDIT_EVENT_KINDS),
  at: z.iso.datetime(),
  /** Slack user ids: who asked, approved, rejected, or was refused; `wrench` where nobody did; `terminal` for a person at a shell. */
  who: z.array(z.string()).min(1),
  remediation: z.string().exactOptional(),
  /** In words: `Restart doppler_z2/0`. */
  what: z.string(),
  check: z.string().exactOptional(),
  environment: z.string().exactOptional(),
  targets: z.array(z.string()).exactOptional(),
  planHash: z.string().exactOptional(),
  /** The end it came to, for `outcome`: `fixed`, `unverified`, `failed`, `interrupted`. */
  outcome: z.string().exactOptional(),
  because: z.string().exactOptional(),
  /** How many an entry stands for, where it sums up what was not audited one by one. */
  count: z.number().int().positive().exactOptional(),
  /** What was seen before and after, and what was done in between. */
  before: z.string().exactOptional(),
  after: z.string().exactOptional(),
  deeds: z.array(z.string()).exactOptional(),
});

export type AuditEvent = z.infer<typeof auditEventSchema>;

/** An entry in its place: each holds the hash of the one before it, so that none can be changed, taken out or put in unseen. */
export const auditEntrySchema = z.strictObject({
  seq: z.number().int().positive(),
  prev: z.string().regex(/^[0-9a-f]{64}$/),
  entry: auditEventSchema,
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** What the first entry follows. */
export const GENESIS = { seq: 0, hash: '0'.repeat(64) } as const;

export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

/** Puts an entry behind the head of the chain. */
export function chainEntry({ seq, hash: prev }: AuditHead, entry: AuditEvent): AuditEntry {
  const content = { seq: seq + 1, prev, entry };
  return { ...content, hash: entryHash(content) };
}

/** SHA-256 over the entry, its number and the hash before it, as JSON with its keys in order. */
export function entryHash({ seq, prev, entry }: Omit<AuditEntry, 'hash'>): string {
  return createHash('sha256').update(canonicalJson({ seq, prev, entry })).digest('hex');
}
