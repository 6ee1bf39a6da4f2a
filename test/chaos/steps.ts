import type { Remediation } from '../../src/store/remediation/record.ts';
import type { Evidence, Told } from './evidence.ts';

/** One deed, and all that is told of the remediation it was done for. */
export interface DeedCase {
  readonly remediation: Remediation;
  readonly deed: Evidence['deeds'][number];
  readonly steps: readonly Told[];
  readonly evidence: Evidence;
}

/** What the audit tells of one remediation, in its order; refused clicks are no step of it. */
export function stepsOf({ entries }: Pick<Evidence, 'entries'>, id: string): readonly Told[] {
  return entries.filter(({ entry }) => entry.remediation === id && !isRefusedClick(entry));
}

function isRefusedClick({ kind, because = '' }: Told['entry']): boolean {
  return kind === 'refused' && /^(request|approve|reject|look): /.test(because);
}

/** Every way through the life of a remediation that needs one approval, as the audit tells it (DESIGN.md section 2). */
const LIVES: Readonly<Record<Remediation['state'], RegExp>> = {
  offered: /^$/,
  planning: /^asked$/,
  planned: /^asked planned$/,
  approved: /^asked planned approved$/,
  applying: /^asked planned approved applying$/,
  settling: /^asked planned approved applying applied$/,
  fixed:
    /^asked planned approved applying( applied)?( outcome:(interrupted|unverified|failed))* outcome:fixed$/,
  unverified: /^asked planned approved applying applied( outcome:unverified)+$/,
  failed: /^asked planned approved applying( outcome:failed)+$/,
  interrupted: /^asked planned approved applying( outcome:interrupted)+$/,
  rejected: /^asked planned( approved)? rejected$/,
  expired: /^asked( planned( approved)?)? expired$/,
  skipped: /^asked( planned approved)? skipped$/,
  refused: /^asked( planned( approved)?)? refused$/,
};

/** What the audit lacks of a remediation's life, or tells that was not; and whether each deed that is remembered is told. */
export function stepsOutOfOrder(remediation: Remediation, evidence: Evidence): string | undefined {
  const { id, state, deeds } = remediation;
  const steps = stepsOf(evidence, id).map(({ entry }) => entry);
  const said = steps
    .map(({ kind, outcome }) => (outcome === undefined ? kind : `${kind}:${outcome}`))
    .join(' ');
  if (!LIVES[state].test(said)) return `it is ${state}, and the audit says: ${said || 'nothing'}`;
  const last = steps.findLast(({ kind }) => kind === 'applied' || kind === 'outcome');
  const told = last?.deeds ?? [];
  return deeds.every(({ line }) => told.includes(line)) ? undefined : 'a deed is not in the audit';
}
