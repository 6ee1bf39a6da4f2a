import { wording } from '../../kit.ts';
import type { SurveyedCertificate } from '../../shared/certificate-survey.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { withoutSource } from '../../shared/sources.ts';
import { coversHost } from './default-certificates.ts';
import type { DriftFinding } from './finding-words.ts';
import {
  causeOf,
  type IngressRule,
  type IngressSecrets,
  isAbsent,
  isEmpty,
  isForHost,
} from './ingress-secrets.ts';
import type { Matched } from './match.ts';

/** Controllers of clouds with certificates of their own: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/cert_discovery/ */
const IGNORES_TLS = /alb|gce|gke/i;
/** It chooses among the certificates of all Ingresses by name: https://doc.traefik.io/traefik/https/tls/ */
const SHARES_CERTIFICATES = /traefik/i;
const PATIENCE_MS = 10 * 60_000;

interface JudgedHost extends Required<IngressRule> {
  readonly host: string;
  readonly className: string;
  readonly isCovered: boolean;
}

interface Known {
  readonly matched: readonly Matched[];
  readonly findings: readonly DriftFinding[];
}

/**
 * Ingresses whose Secret doesn't exist or is not for their hosts, as far as the API shows it. What is served for a host counts more: a controller may be told
 * to use another certificate by default.
 */
export function reportIngresses(
  secrets: IngressSecrets,
  { matched, findings }: Known,
  now: Date,
): { readonly compared: number; readonly findings: readonly DriftFinding[] } {
  const judged = secrets.clusters.flatMap((cluster) => judgeHosts(cluster, secrets));
  // Several Ingresses may name a host, and one of their Secrets is enough.
  const covered = new Set(judged.filter(({ isCovered }) => isCovered).map(keyOf));
  const shared = new Set(judged.flatMap((one) => sharedNames(one, secrets)));
  const about = new Set(findings.flatMap(({ target, targets = [] }) => [target, ...targets]));
  const isServed = servedHosts(matched);
  const isKnown = (one: JudgedHost) =>
    about.has(one.host) ||
    isServed(one.host) ||
    (secrets.writers.get(targetOf(one)) ?? []).some(
      (writer) => about.has(writer.name) || isYoung(writer, now),
    );
  const isShared = ({ className, source, host }: JudgedHost) =>
    SHARES_CERTIFICATES.test(className) &&
    [host, `*${parentOf(host)}`].some((name) => shared.has(`${source} ${name}`));
  const wrong = judged.filter((one) => !covered.has(keyOf(one)) && !isShared(one) && !isKnown(one));
  return {
    compared: new Set(judged.map(keyOf)).size,
    findings: [...Map.groupBy(wrong, targetOf).values()].flatMap((group) => findingFor(group, secrets, now)),
  };
}

/** The hosts of which the Secret is known: what it has, or that it is not there. */
function judgeHosts(
  { source, ingresses }: IngressSecrets['clusters'][number],
  secrets: IngressSecrets,
): readonly JudgedHost[] {
  return ingresses.flatMap(({ namespace, name, className = '', tls }) => {
    if (IGNORES_TLS.test(className)) return [];
    return tls.flatMap(({ hosts, secret }) => {
      if (secret === undefined) return [];
      const rule = { source, namespace, name, secret };
      const stored = secrets.stored.get(targetOf(rule));
      if (!stored && !isAbsent(rule, secrets) && !isEmpty(rule, secrets)) return [];
      return hosts.map((one) => {
        const host = one.toLowerCase();
        return { ...rule, className, host, isCovered: stored !== undefined && isForHost(stored, host) };
      });
    });
  });
}

function sharedNames(one: JudgedHost, { stored }: IngressSecrets): readonly string[] {
  const names = stored.get(targetOf(one))?.chain[0].alternativeNames ?? [];
  return names.map((name) => `${one.source} ${name.replace(/^DNS:/, '').toLowerCase()}`);
}

function targetOf({ source, namespace, secret }: Required<IngressRule>): string {
  return `${source}:${namespace}/${secret}`;
}

function keyOf({ source, host }: JudgedHost): string {
  return `${source} ${host}`;
}

function parentOf(host: string): string {
  return host.slice(host.indexOf('.'));
}

/** Whether a site shows that clients get a certificate for the host. */
function servedHosts(matched: readonly Matched[]): (host: string) => boolean {
  const names = matched.flatMap(({ site, leaf }) => {
    const name = site.served?.servername?.toLowerCase();
    const isFor = leaf.alternativeNames.some(
      (one) => one.startsWith('DNS:') && coversHost(one.slice(4), name ?? ''),
    );
    return name !== undefined && isFor ? [name] : [];
  });
  const served = new Set(names.flatMap((name) => [name, `*${parentOf(name)}`]));
  return (host) => served.has(host);
}

/** Being issued, or just created: its Secret follows. */
function isYoung({ automation }: SurveyedCertificate, now: Date): boolean {
  const { createdAt, ready, issuing } = automation ?? {};
  return [createdAt, ready?.since, issuing?.status === 'True' ? issuing.since : undefined].some(
    (since) => since !== undefined && now.getTime() - since.getTime() < PATIENCE_MS,
  );
}

function findingFor(
  group: readonly JudgedHost[],
  secrets: IngressSecrets,
  now: Date,
): readonly DriftFinding[] {
  const [first] = group;
  if (!first) return [];
  const hosts = [...new Set(group.map(({ host }) => host))].toSorted();
  const cause = causeOf(first, hosts, secrets, now);
  const byDefault = hosts.map((host) => secrets.wildcards.get(`${first.source} ${parentOf(host)}`));
  const mayBeRight = byDefault.every((place) => place !== undefined);
  return [
    {
      reason: 'ingress-secret-invalid',
      // A controller may be told to use that one by default.
      severity: mayBeRight ? 'info' : 'warning',
      target: hosts[0] ?? '',
      ...(hosts.length > 1 && { targets: hosts }),
      summary: `For ${wording.list(hosts)}, the controller finds no certificate where the Ingress points it to: ${cause.says}`,
      evidence: [
        ...steps(cause.steps),
        field('Secret', cause.target ?? targetOf(first)),
        ...optionalField(
          'May be used by default',
          mayBeRight && byDefault[0] ? withoutSource(byDefault[0].place) : undefined,
        ),
        ...optionalField(
          'Assumed',
          isAbsent(first, secrets)
            ? 'every Secret with a certificate in this namespace is read. Its configuration may leave out some types and labels'
            : undefined,
        ),
        field('Not checked', 'which certificate clients get'),
      ],
    },
  ];
}
