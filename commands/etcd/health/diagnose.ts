import type { Diagnosis } from '../../kit.ts';
import { type CertificateLimits, certificateTroubles, withEnded } from './certificates.ts';
import type { Facts, StoreLook } from './collect.ts';
import { spaceOf } from './condition.ts';
import type { FreeSpaceOffer } from './free-space.ts';
import { type MemberLimits, memberTroubles } from './members.ts';
import { type PaceLimits, paceTroubles, possibleCauses } from './pace.ts';
import { quorumTrouble } from './quorum.ts';
import { corrupt, type SpaceLimits, spaceTroubles } from './space.ts';
import { toldBy, verdictOf } from './verdict.ts';
import { type Trouble, worstFirst } from './words.ts';

export type Limits = CertificateLimits & MemberLimits & PaceLimits & SpaceLimits;

/** Judges each store by itself. What a member does not tell is not judged. */
export function diagnose({ stores }: Facts, limits: Limits, now: Date): Diagnosis<FreeSpaceOffer> {
  const judged = stores.map((store) => ({ store, troubles: troublesOf(store, limits, now) }));
  return {
    examined: stores.reduce((sum, store) => sum + toldBy(store).length, 0),
    verdict: verdictOf(judged),
    findings: worstFirst(judged.flatMap(({ troubles }) => troubles)).map(({ finding }) => finding),
    measures: stores.flatMap(measuresOf),
  };
}

/** Without a quorum only what it may have come from is told besides, and not all that follows from it. */
function troublesOf(store: StoreLook, limits: Limits, now: Date): readonly Trouble[] {
  const certificates = certificateTroubles(store, limits, now);
  const quorum = quorumTrouble(store);
  if (quorum) {
    const broken = corrupt(store);
    return [quorum, ...(broken ? [broken] : []), ...certificates, ...possibleCauses(store, limits)];
  }
  return [
    ...memberTroubles(store, limits, withEnded(store, now)),
    ...spaceTroubles(store, limits),
    ...certificates,
    ...paceTroubles(store, limits),
  ];
}

/** Healthy is who says so itself: under an alarm nobody does, and all do again once it is taken back. */
function measuresOf(store: StoreLook): NonNullable<Diagnosis['measures']> {
  const { name, members } = store;
  const healthy = members.filter(({ error, healthy }) => !error && healthy !== false).length;
  const space = spaceOf(store);
  return [
    { label: name, value: healthy, of: members.length, unit: 'healthy' },
    ...(space
      ? [{ label: `${name} database`, value: Math.round(space.sizeBytes / 100_000) / 10, unit: 'MB' }]
      : []),
  ];
}
