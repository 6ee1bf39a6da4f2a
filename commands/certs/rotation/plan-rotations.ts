import type { ports } from '../../kit.ts';
import { automaticRotations } from './automatic.ts';
import { directorRotations } from './director-certificates.ts';
import { dueAuthority } from './due-authorities.ts';
import { dueLeaves, notDeployed } from './due-leaves.ts';
import type { Facts } from './facts.ts';
import { formerlySigned } from './former-signers.ts';
import { rotationInProgress } from './in-progress.ts';
import { issuerRotations } from './issuers.ts';
import { type PlanContext, planContext } from './plan-context.ts';
import type { Rotation } from './rotation.ts';
import { isAuthority } from './signed-by.ts';
import { storedRotations } from './stored-rotations.ts';

/** All rotations that are in progress, or that something needs before the horizon. */
export function planRotations(facts: Facts, nowMs: number, withinMs: number): readonly Rotation[] {
  const plan = planContext(facts, nowMs, withinMs);
  const managed = plan.managed.all
    .filter((one) => !one.automation && isAuthority(plan, one))
    .flatMap((authority): readonly Rotation[] => {
      if (plan.transitionOf(authority).phase !== 'none') return [rotationInProgress(plan, authority)];
      const due = dueAuthority(plan, authority);
      return due ? [due] : formerlySigned(plan, authority);
    });
  const issuers = issuerRotations(plan);
  const found = [...managed, ...dueLeaves(plan), ...automaticRotations(plan), ...issuers];
  const covered = new Set(
    found.flatMap(({ place, members, covers = [] }) => [
      place,
      ...members.map((one) => one.place),
      ...covers,
    ]),
  );
  return [
    ...found,
    ...notDeployed(plan, ({ place }) => covered.has(place)),
    ...storedRotations(plan, coveredCertificates(plan, covered)),
    ...directorRotations(plan),
  ];
}

function coveredCertificates(
  { facts }: PlanContext,
  covered: ReadonlySet<string>,
): (certificate: ports.Certificate) => boolean {
  const fingerprints = new Set(
    facts.places
      .filter(({ place }) => covered.has(place.replace(/#\d+$/, '')))
      .map(({ chain: [leaf] }) => leaf.fingerprint),
  );
  return ({ fingerprint }) => fingerprints.has(fingerprint);
}
