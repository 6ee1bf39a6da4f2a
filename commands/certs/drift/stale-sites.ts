import type { Finding, ports } from '../../kit.ts';
import {
  DEFAULT_THRESHOLDS,
  isDueStatus,
  judgeValidity,
  type ValidityThresholds,
} from '../../shared/certificate-validity.ts';
import type { Matched, Origin } from './match.ts';

/** A site that serves a version before the stored one. */
export interface StaleSite extends Matched {
  readonly origin: Extract<Origin, { readonly is: 'former' }>;
}

export function staleSites(matched: readonly Matched[]): readonly StaleSite[] {
  return matched.filter(isStale);
}

export function isStale(one: Matched): one is StaleSite {
  return one.origin.is === 'former';
}

export function hasExpiredAt({ leaf }: Pick<Matched, 'leaf'>, now: Date): boolean {
  return leaf.notAfter < now;
}

/** Of a certificate whose begin is unknown or means nothing. */
const BY_DAYS: ValidityThresholds = { ...DEFAULT_THRESHOLDS, warningShare: 1, criticalShare: 1 };

/** At least a warning: what is served differs from what is stored. An assumed version is never critical. */
export function severityOfStale(
  { leaf, origin: { at, proof, isGuess } }: StaleSite,
  now: Date,
): Finding['severity'] {
  if (proof === 'end' || isGuess === true) return 'warning';
  const { notBefore, notAfter } = leaf;
  const copied = at.leaf !== undefined && at.leaf.notBefore.getTime() === notBefore.getTime();
  return severityOfServed({ notAfter, ...(!copied && { notBefore }) }, now);
}

/**
 * By the usual thresholds, at least a warning. Without `notBefore` only days count: kubeadm gives certificates the begin of their authority
 * (https://github.com/kubernetes/kubernetes/issues/113618).
 */
export function severityOfServed(
  {
    notBefore,
    notAfter,
  }: Partial<Pick<ports.Certificate, 'notBefore'>> & Pick<ports.Certificate, 'notAfter'>,
  now: Date,
): 'critical' | 'warning' {
  const status = notBefore
    ? judgeValidity({ notBefore, notAfter }, DEFAULT_THRESHOLDS, now.getTime())
    : judgeValidity({ notBefore: now, notAfter }, BY_DAYS, now.getTime());
  return isDueStatus(status) && status.severity === 'critical' ? 'critical' : 'warning';
}

/** When the stored version was written; without that, when it begins. undefined if neither tells. */
export function storedSince({ leaf, origin: { at } }: StaleSite): Date | undefined {
  if (at.since) return at.since;
  return at.leaf && at.leaf.notBefore.getTime() !== leaf.notBefore.getTime() ? at.leaf.notBefore : undefined;
}
