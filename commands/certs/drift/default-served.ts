import { type ports, wording } from '../../kit.ts';
import type { CertificateSurvey } from '../../shared/certificate-survey.ts';
import { DEFAULT_THRESHOLDS, isDueStatus, judgeValidity } from '../../shared/certificate-validity.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { withoutSource } from '../../shared/sources.ts';
import { hostOf } from '../../shared/survey-clusters.ts';
import { type DriftFinding, endOf } from './finding-words.ts';
import { causeFor, type IngressSecrets, rulesFor } from './ingress-secrets.ts';
import type { Matched } from './match.ts';
import { severityOfServed } from './stale-sites.ts';

/** Hosts for which an ingress controller serves the certificate that it made itself, with the cause if the cluster shows it. */
export function reportDefaults(
  matched: readonly Matched[],
  survey: CertificateSurvey,
  secrets: IngressSecrets,
  now: Date,
): readonly DriftFinding[] {
  const defaults = matched.flatMap((one) =>
    one.origin.is === 'default' ? [{ ...one, by: one.origin.of }] : [],
  );
  const others = matched.filter((one) => isOther(one, survey, now));
  return [
    ...[...Map.groupBy(defaults, requestedName)].flatMap(([host, sites]) => {
      const [first] = sites;
      if (!first) return [];
      return first.site.served?.servername === undefined
        ? [namelessFinding(host, first.by, sites)]
        : [findingFor(host, first.by, sites, secrets, now)];
    }),
    ...[...Map.groupBy(others, requestedName)].map(([host, sites]) =>
      otherFinding(host, sites, secrets, now),
    ),
  ];
}

/** Whether a host of an Ingress gets the certificate of another Secret, which is not for it or ends soon: a controller may be told to use one by default. */
export function isOther(
  { site, leaf, origin }: Matched,
  { clusters, places }: CertificateSurvey,
  now: Date,
): boolean {
  const { servername: host, nameMatches } = site.served ?? {};
  if (host === undefined || origin.is === 'default' || origin.is === 'former') return false;
  const named = rulesFor(host, clusters).flatMap(({ source, namespace, secret }) =>
    secret === undefined ? [] : [`${source}:${namespace}/${secret}:`],
  );
  if (named.length === 0) return false;
  const isNamed = places.some(
    ({ place, role, chain: [one] }) =>
      role === 'stored' &&
      one.fingerprint === leaf.fingerprint &&
      named.some((name) => place.startsWith(name)),
  );
  if (isNamed) return false;
  return (
    nameMatches === false || (origin.is === 'stored' && origin.at.secret !== undefined && isDue(leaf, now))
  );
}

function isDue(leaf: ports.Certificate, now: Date): boolean {
  return isDueStatus(judgeValidity(leaf, DEFAULT_THRESHOLDS, now.getTime()));
}

function otherFinding(
  host: string,
  sites: readonly Matched[],
  secrets: IngressSecrets,
  now: Date,
): DriftFinding {
  const [first] = sites;
  const cause = causeFor(host, secrets, now);
  const isRefused = sites.some(({ site }) => site.served?.nameMatches === false);
  const at = first && 'at' in first.origin ? ` of ${withoutSource(first.origin.at.place)}` : '';
  const why = isRefused ? 'which is not for that name' : first ? `which ${endOf(first.leaf, now)}` : '';
  return {
    reason: 'other-certificate-served',
    severity:
      isRefused || sites.some(({ leaf }) => severityOfServed(leaf, now) === 'critical')
        ? 'critical'
        : 'warning',
    target: host,
    summary: `For ${host}, the certificate${at} is served, ${why}, instead of the one that its Ingress names: ${cause.says}`,
    evidence: [
      ...steps(cause.steps),
      ...optionalField('Secret', cause.target),
      field('Served at', wording.list(sites.map(({ site }) => site.place).toSorted())),
      field('Served', first?.leaf.subject ?? ''),
    ],
  };
}

/** A client that requests no name always gets the default certificate. */
function namelessFinding(host: string, by: string, sites: readonly Matched[]): DriftFinding {
  return {
    reason: 'default-certificate-served',
    severity: 'info',
    target: host,
    summary: `At ${host}, ${by} serves its default certificate, as it does to clients that request no name: set \`servername\` of the site to the host to check`,
    evidence: [field('Served at', wording.list(sites.map(({ site }) => site.place).toSorted()))],
  };
}

function requestedName({ site }: Matched): string {
  return site.served?.servername ?? hostOf(site.place.slice(site.place.indexOf(':') + 1));
}

function findingFor(
  host: string,
  by: string,
  sites: readonly Matched[],
  secrets: IngressSecrets,
  now: Date,
): DriftFinding {
  const cause = causeFor(host, secrets, now);
  const places = sites.map(({ site }) => site.place).toSorted();
  return {
    reason: 'default-certificate-served',
    severity: 'critical',
    target: host,
    summary: `For ${host}, ${by} serves its default certificate, which no client accepts: ${cause.says}`,
    evidence: [
      ...steps(cause.steps),
      ...optionalField('Secret', cause.target),
      field('Served at', wording.list(places)),
      field('Served', sites[0]?.leaf.subject ?? ''),
    ],
  };
}
