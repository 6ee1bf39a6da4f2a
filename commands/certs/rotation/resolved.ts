import type { Finding } from '../../kit.ts';
import { activeVersion } from '../../shared/managed-chain.ts';
import type { Facts } from './facts.ts';
import { type PlanContext, planContext } from './plan-context.ts';
import { DEFAULT_WITHIN_DAYS } from './rotation.ts';
import { day } from './steps.ts';

const DAY_MS = 86_400_000;

/** It is asked for each finding of a run: thousands after a rotation of everything. */
const plans = new WeakMap<Facts, PlanContext>();

function planOf(facts: Facts, now: Date): PlanContext {
  const known = plans.get(facts);
  if (known?.nowMs === now.getTime()) return known;
  const plan = planContext(facts, now.getTime(), DEFAULT_WITHIN_DAYS * DAY_MS);
  plans.set(facts, plan);
  return plan;
}

/** How a rotation was resolved, if the facts show it: by the version that is in use now, or by the step that was taken. */
export function resolved(
  facts: Facts,
  { reason, target }: Pick<Finding, 'reason' | 'target'>,
  now: Date,
): string | undefined {
  const plan = planOf(facts, now);
  const certificate = plan.managed.all.find((one) => plan.nameOf(one) === target);
  if (!certificate) return undefined;
  const { phase, fresh } = plan.transitionOf(certificate);
  if (reason === 'rotation-due' && phase === 'trusted')
    return `rotation begun: version ${fresh?.id ?? ''} is transitional`;
  if (reason === 'rotation-unfinished' && phase === 'none') return 'no version is transitional any more';
  const { endMs } = plan.endOf(certificate);
  if (phase !== 'none' || endMs === undefined || endMs <= plan.horizonMs) return undefined;
  if (reason === 'rotation-in-progress')
    return `no version is transitional any more; the one in use ends ${day(endMs)}`;
  const until = `now valid until ${day(endMs)}`;
  if (reason === 'rotation-due' || reason === 'renewal-due') return until;
  if (reason !== 'signed-by-former-version') return undefined;
  // Dates don't show which key signed it.
  const signer = plan.signerOf(certificate);
  const used = signer?.certificate && activeVersion(signer.certificate);
  return signer?.known === 'signature' && signer.version?.id === used?.id ? until : undefined;
}
