import { type Diagnosis, finderFor, wording } from '../../kit.ts';
import { isAgentPlace } from '../../shared/agent-certificates.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { reportAgents } from './agents.ts';
import { reportAutomation } from './automation-conflicts.ts';
import type { Facts } from './collect.ts';
import { isOther, reportDefaults } from './default-served.ts';
import { reportDeployed } from './deployed-versions.ts';
import type { DriftFinding, DriftOffer } from './finding-words.ts';
import { reportFormerKeys } from './former-keys.ts';
import { reportDirectors } from './director-certificates.ts';
import { findHalfRolled } from './half-rolled.ts';
import { reportIngresses } from './ingresses.ts';
import { indexSecrets } from './ingress-secrets.ts';
import { isCompared, matchSites } from './match.ts';
import { reportOlder } from './older-processes.ts';
import { reportOutdated } from './outdated-deployments.ts';
import { reportStale } from './renewed-not-deployed.ts';
import { reportPods } from './stale-pods.ts';
import { isStale } from './stale-sites.ts';
import { reportBundles } from './trust-bundles.ts';
import { reportUnmatched } from './unmatched.ts';
import { describeFindings } from './verdict.ts';

export interface DriftArgs {
  readonly match?: string | undefined;
}

export function diagnose(facts: Facts, { match }: DriftArgs, now: Date): Diagnosis<DriftOffer> {
  const { survey } = facts;
  const matched = matchSites(survey);
  const halfRolled = findHalfRolled(matched, facts, now);
  const stale = reportStale(
    matched.filter(isStale).filter((one) => !halfRolled.sites.has(one)),
    facts,
    now,
  );
  const older = reportOlder(facts, matched, now);
  const secrets = indexSecrets(survey);
  const defaults = reportDefaults(matched, survey, secrets, now);
  const automation = reportAutomation(survey, now);
  const ingresses = reportIngresses(secrets, { matched, findings: [...defaults, ...automation] }, now);
  const all = [
    ...halfRolled.findings,
    ...stale.findings,
    ...older.findings,
    ...reportPods(facts, matched, now),
    ...defaults,
    ...ingresses.findings,
    ...reportDeployed(survey, { handled: halfRolled.deployments, now }),
    ...reportAgents(survey, now),
    ...reportDirectors(survey, now),
    ...reportFormerKeys(survey, now),
    ...reportBundles(survey),
    ...reportOutdated(survey),
    ...automation,
    ...reportUnmatched(
      matched.filter((one) => !isOther(one, survey, now)),
      now,
    ),
  ];
  const findings = sortDrift(match === undefined ? all : all.filter(isAbout(finderFor(match))));
  const deployed = survey.directors.flatMap((director) =>
    director.deployed.flatMap(({ certificates }) => certificates),
  ).length;
  const sites = matched.filter(isCompared);
  const compared = {
    sites: sites.length,
    others: matched.length - sites.length,
    deployed,
    managed: survey.managed.filter(
      ({ automation, outdatedDeployments }) => automation !== undefined || outdatedDeployments !== undefined,
    ).length,
    agents: survey.places.filter((place) => isAgentPlace(place)).length,
    processes: older.compared,
    hosts: ingresses.compared,
  };
  return {
    examined:
      compared.sites +
      compared.deployed +
      compared.managed +
      compared.agents +
      compared.processes +
      compared.hosts,
    verdict: describeFindings(findings, { ...compared, waiting: stale.waiting.length }, match),
    findings,
  };
}

function isAbout(matches: (text: string) => boolean): (finding: DriftFinding) => boolean {
  return ({ target, targets = [], summary }) => [target, ...targets, summary].some((text) => matches(text));
}

function sortDrift(findings: readonly DriftFinding[]): readonly DriftFinding[] {
  const keyOf = ({ reason, target }: DriftFinding) => `${reason} ${target}`;
  const sorted = findings.toSorted((a, b) => compareSeverity(a, b) || (keyOf(a) < keyOf(b) ? -1 : 1));
  const times = new Map<string, number>();
  return sorted.map((one) => {
    const time = (times.get(keyOf(one)) ?? 0) + 1;
    times.set(keyOf(one), time);
    return time === 1 ? one : { ...one, target: `${one.target} (${wording.count(time, 'time')})` };
  });
}
