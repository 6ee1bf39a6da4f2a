import type { Finding } from '../kit.ts';

const RANK = { critical: 0, warning: 1, info: 2 } as const;

/** Sorts the most severe first. */
export function compareSeverity(a: Pick<Finding, 'severity'>, b: Pick<Finding, 'severity'>): number {
  return RANK[a.severity] - RANK[b.severity];
}

/** undefined of none. */
export function worstSeverity(severities: readonly Finding['severity'][]): Finding['severity'] | undefined {
  return (['critical', 'warning', 'info'] as const).find((one) => severities.includes(one));
}
