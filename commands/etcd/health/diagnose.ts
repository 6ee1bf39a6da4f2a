import type { Diagnosis } from '../../kit.ts';
import type { CertificateLimits } from '../../shared/store-certificates.ts';
import { identityTroubles } from '../../shared/store-identity.ts';
import { quorumTrouble } from '../../shared/store-responses.ts';
import { corrupt, unknownAlarms } from './alarms.ts';
import { certificateTroubles, idsOfExpired } from './certificates.ts';
import type { Facts, StoreLook } from './collect.ts';
import { spaceOf } from './condition.ts';
import type { DisarmOffer } from './disarm.ts';
import type { FreeSpaceOffer } from './free-space.ts';
import { type MemberLimits, memberTroubles } from './members.ts';
import { type PaceLimits, paceTroubles, possibleCauses } from './performance.ts';
import { noSpace, type SpaceLimits, spaceTroubles } from './space.ts';
import { seenIn, verdictOf } from './verdict.ts';
import { type Trouble, worstFirst } from './problem.ts';

export type Limits = CertificateLimits & MemberLimits & PaceLimits & SpaceLimits;

/** Judges each store by itself. What a member does not report is not judged. */
export function diagnose(
  { stores }: Facts,
  limits: Limits,
  now: Date,
): Diagnosis<FreeSpaceOffer | DisarmOffer> {
  const judged = stores.map((store) => ({ store, troubles: troublesOf(store, limits, now) }));
  return {
    examined: stores.reduce((sum, store) => sum + seenIn(store), 0),
    verdict: verdictOf(judged),
    findings: worstFirst(judged.flatMap(({ troubles }) => troubles)).map(({ finding }) => finding),
    measures: stores.flatMap(measuresOf),
  };
}

/** Without a quorum only possible causes are reported besides, not its consequences. */
function troublesOf(store: StoreLook, limits: Limits, now: Date): readonly Trouble[] {
  const identity = identityTroubles(store);
  const certificates = certificateTroubles(store, limits, now);
  const quorum = quorumTrouble(store, now);
  if (quorum) {
    const broken = corrupt(store);
    const full = noSpace(store);
    const alarms = [...(broken ? [broken] : []), ...unknownAlarms(store), ...(full ? [full] : [])];
    return [quorum, ...identity, ...alarms, ...certificates, ...possibleCauses(store, limits)];
  }
  return [
    ...identity,
    ...memberTroubles(store, limits, idsOfExpired(store, now)),
    ...spaceTroubles(store, limits),
    ...certificates,
    ...paceTroubles(store, limits),
  ];
}

/** As members report it themselves: under an alarm none is healthy, and all are again once it is disarmed. */
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
