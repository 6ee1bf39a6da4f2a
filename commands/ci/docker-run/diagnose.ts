import type { Diagnosis, Finding } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { evidenceOf, locationsOf } from './evidence.ts';
import { type Facts, isFixable, openRequestsLabel, type RepositoryFacts } from './facts.ts';
import { type Group, groupsOf, placeOf } from './groups.ts';
import { obstacleToProposing, type OfferOfFix } from './offers.ts';
import { consequencesOf } from './left-behind.ts';
import { summaryOf } from './words.ts';
import { countCommands, verdictOf } from './verdict.ts';

interface Args {
  readonly severity: 'warning' | 'info';
  readonly match?: string | undefined;
}

/** One finding for each file and reason. The fix is for a whole repository, so only its first finding offers it. */
export function diagnose(facts: Facts, { severity, match }: Args): Diagnosis<OfferOfFix> {
  const all = groupsOf(facts);
  const groups = all.filter((group) => severity === 'info' || group.severity === 'warning');
  const unlisted = all.filter((group) => !groups.includes(group));
  const obstacles = new Map(
    facts.repositories.map((one) => [one, one.leaks.some(isFixable) ? obstacleToProposing(one) : undefined]),
  );
  const offered = new Set<RepositoryFacts>();
  const findings = groups.map((group): Finding<OfferOfFix> => {
    const { repository, target } = group;
    const obstacle = obstacles.get(repository);
    const isFirst = !offered.has(repository) && group.leaks.some(isFixable);
    if (isFirst) offered.add(repository);
    const isInPlan = obstacle === undefined && group.leaks.some(isFixable);
    const refused =
      isFirst && obstacle !== undefined && repository.hasRequests
        ? [field('Pull request', `not offered: ${obstacle}`)]
        : [];
    return {
      ...toFinding(group),
      evidence: [...evidenceOf(group, !isInPlan), ...refused],
      ...(isFirst && obstacle === undefined && { offers: [offerOf(repository, target, match)] }),
    };
  });
  return {
    examined: facts.repositories.reduce((sum, { files }) => sum + files, 0),
    verdict: verdictOf(groups, facts, countCommands(unlisted)),
    findings,
    measures: facts.repositories.flatMap(({ proposals, ...repository }) =>
      proposals ? [{ label: openRequestsLabel(repository), value: proposals.length, unit: 'open' }] : [],
    ),
  };
}

function toFinding(group: Group): Finding<OfferOfFix> {
  const { reason, severity, target, leaks } = group;
  return {
    reason,
    severity,
    target,
    targets: [...new Set(leaks.map((leak) => placeOf(group, leak)))],
    areTargetsReplaced: true,
    summary: summaryOf(group),
    ...consequencesOf(group.left),
    locations: locationsOf(group),
  };
}

function offerOf(
  { source, repository }: RepositoryFacts,
  target: string,
  match: string | undefined,
): OfferOfFix {
  return {
    remediation: 'propose-fix',
    params: { source, repository, ...(match !== undefined && { match }) },
    target,
  };
}
