import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import type { Evidence, AuditRecord } from './evidence.ts';

/** An applied fix, its remediation, and the audit records of that remediation. */
export interface AppliedCase {
  readonly remediation: RemediationRecord;
  readonly fix: Evidence['applied'][number];
  readonly steps: readonly AuditRecord[];
  readonly evidence: Evidence;
}

/** The audit records of one remediation, in order, without refused clicks. */
export function stepsOf({ entries }: Pick<Evidence, 'entries'>, id: string): readonly AuditRecord[] {
  return entries.filter(({ entry }) => entry.remediation === id && !isRefusedClick(entry));
}

function isRefusedClick({ kind, because = '' }: AuditRecord['entry']): boolean {
  return kind === 'refused' && /^(request|approve|reject|pause|look): /.test(because);
}

/** The audit entries of a remediation by its state, with two approvals written as one. */
const LIFECYCLES: Readonly<Record<RemediationRecord['state'], RegExp>> = {
  offered: /^$/,
  planning: /^asked$/,
  planned: /^asked planned$/,
  approved: /^asked planned approved$/,
  applying: /^asked planned approved applying( pausing)?$/,
  settling: /^asked planned approved applying( pausing)? applied$/,
  fixed:
    /^asked planned approved applying( pausing)?( applied)?( outcome:(interrupted|unverified|failed))* outcome:fixed$/,
  mitigated:
    /^asked planned approved applying( pausing)?( applied)?( outcome:(interrupted|unverified|failed))* outcome:mitigated$/,
  unverified: /^asked planned approved applying( pausing)? applied( outcome:unverified)+$/,
  failed: /^asked planned approved applying( pausing)?( outcome:failed)+$/,
  paused: /^asked planned approved applying pausing outcome:paused$/,
  interrupted: /^asked planned approved applying( pausing)?( outcome:interrupted)+$/,
  rejected: /^asked planned( approved)? rejected$/,
  expired: /^asked( planned( approved)?)? expired$/,
  skipped: /^asked( planned approved)? skipped$/,
  refused: /^asked( planned( approved)?)? refused$/,
};

/** Why the audit does not match the state of a remediation or the steps recorded in it; undefined if it does. */
export function stepsOutOfOrder(remediation: RemediationRecord, evidence: Evidence): string | undefined {
  const { id, state, steps: recorded, approvalsNeeded } = remediation;
  const steps = stepsOf(evidence, id).map(({ entry }) => entry);
  const all = steps
    .map(({ kind, outcome }) => (outcome === undefined ? kind : `${kind}:${outcome}`))
    .join(' ');
  const said = approvalsNeeded === 2 ? all.replace('approved approved', 'approved') : all;
  if (!LIFECYCLES[state].test(said)) return `it is ${state}, and the audit says: ${said || 'nothing'}`;
  const last = steps.findLast(({ kind }) => kind === 'applied' || kind === 'outcome');
  const audited = last?.deeds ?? [];
  return JSON.stringify(recorded.map(({ line }) => line)) === JSON.stringify(audited)
    ? undefined
    : `its recorded steps are not those in the audit: ${audited.join(', ') || 'none'}`;
}
