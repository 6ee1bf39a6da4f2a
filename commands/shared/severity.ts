import type { Finding } from '../kit.ts';

const RANK = { critical: 0, warning: 1, info: 2 } as const;

/** Compares so that the most severe comes first. */
export function compareSeverity(a: Pick<Finding, 'severity'>, b: Pick<Finding, 'severity'>): number {
  return RANK[a.severity] - RANK[b.severity];
}

/** undefined if there are none. */
export function worstSeverity(severities: readonly Finding['severity'][]): Finding['severity'] | undefined {
  return (['critical', 'warning', 'info'] as const).find((one) => severities.includes(one));
}
