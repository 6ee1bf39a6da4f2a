import type { Evidence } from './evidence.ts';
import { stepsOf } from './audit-steps.ts';

/**
 * How often each important event of plans for many targets has happened: an invariant is proven only if its
 * event has occurred.
 */
export function figuresOfMany(
  evidence: Evidence,
): readonly { readonly what: string; readonly count: number }[] {
  const { remediations, applied, entries } = evidence;
  const plans = remediations.filter(({ plan }) => plan?.parts);
  const ids = new Set(plans.map(({ id }) => id));
  const lines = applied.filter(({ remediationId }) => ids.has(remediationId));
  const skipped = plans.flatMap(({ steps }) => steps).filter(({ line }) => line.startsWith('Skipped'));
  const begun = new Set(lines.map(({ remediationId }) => remediationId));
  const endedAs = (outcome: string) =>
    plans.filter(
      ({ id }) => begun.has(id) && stepsOf(evidence, id).some(({ entry }) => entry.outcome === outcome),
    );
  const refusedFor = (words: string) =>
    entries.filter(({ entry }) => entry.kind === 'refused' && entry.because?.includes(words)).length;
  return [
    { what: 'plans', count: plans.length },
    { what: 'lines applied', count: lines.length },
    { what: 'lines skipped', count: skipped.length },
    { what: 'fixed', count: plans.filter(({ state }) => state === 'fixed').length },
    { what: 'mitigated', count: plans.filter(({ state }) => state === 'mitigated').length },
    { what: 'failed after a line', count: endedAs('failed').length },
    {
      what: 'of them by a freeze',
      count: endedAs('failed').filter(({ because }) => because?.includes('frozen')).length,
    },
    { what: 'interrupted after a line', count: endedAs('interrupted').length },
    { what: 'refused: too many lines', count: refusedFor('the plan has') },
    { what: 'refused: beyond a cap', count: refusedFor('per hour') + refusedFor('per report') },
    { what: 'refused: another fix of a target', count: refusedFor('another fix') },
  ];
}
