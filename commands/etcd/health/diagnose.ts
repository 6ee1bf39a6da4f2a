import type { Diagnosis } from '../../kit.ts';
import type { CertificateLimits } from '../../shared/store-certificates.ts';
import { identityProblems } from '../../shared/store-identity.ts';
import { quorumProblem } from '../../shared/store-members.ts';
import { certificateProblems, idsOfExpired } from './certificates.ts';
import type { Facts, StoreState } from './collect.ts';
import { spaceOf } from './maintenance.ts';
import { type MemberLimits, memberProblems } from './members.ts';
import { type PerformanceLimits, performanceProblems, possibleCauses } from './performance.ts';
import { alarmProblems, fillCharts, noSpace, type SpaceLimits, spaceProblems } from './space.ts';
import { countKnown, type MaintenanceOffer, type Problem, verdictOf, worstFirst } from './verdict.ts';

export type Limits = CertificateLimits & MemberLimits & PerformanceLimits & SpaceLimits;

/** Judges each store separately. What a member does not report is not judged. */
export function diagnose({ stores }: Facts, limits: Limits, now: Date): Diagnosis<MaintenanceOffer> {
  const judged = stores.map((store) => ({ store, problems: problemsOf(store, limits, now) }));
  return {
    examined: stores.reduce((sum, store) => sum + countKnown(store), 0),
    verdict: verdictOf(judged),
    findings: worstFirst(judged.flatMap(({ problems }) => problems)).map(({ finding }) => finding),
    measures: stores.flatMap(measuresOf),
    charts: fillCharts(stores, now),
  };
}

/** Without a quorum, only possible causes are also reported, not its consequences. */
function problemsOf(store: StoreState, limits: Limits, now: Date): readonly Problem[] {
  const identity = identityProblems(store);
  const certificates = certificateProblems(store, limits, now);
  const quorum = quorumProblem(store, now);
  if (quorum) {
    const full = noSpace(store);
    const alarms = [...alarmProblems(store), ...(full ? [full] : [])];
    return [quorum, ...identity, ...alarms, ...certificates, ...possibleCauses(store, limits)];
  }
  return [
    ...identity,
    ...memberProblems(store, limits, idsOfExpired(store, now)),
    ...alarmProblems(store),
    ...spaceProblems(store, limits),
    ...certificates,
    ...performanceProblems(store, limits),
  ];
}

/** As members report it: under an alarm none is healthy, and after disarming it all are again. */
function measuresOf(store: StoreState): NonNullable<Diagnosis['measures']> {
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
