import { type ports, wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { secretOf, type SurveyedPod } from '../../shared/survey-clusters.ts';
import type { CertificateSurvey, SurveyedPlace } from '../../shared/certificate-survey.ts';
import type { DriftFinding } from './finding-words.ts';
import type { Matched } from './match.ts';
import { loadingOf, type PodLoading, workloadOf } from './pod-loading.ts';

/** Whether workloads of a namespace may be restarted. */
export interface NamespaceRestart {
  readonly cluster: string;
  readonly namespace: string;
  readonly permission: ports.WorkloadPermission;
  /** Why single workloads may not, by kind and name: `Deployment web`. */
  readonly obstacles?: Readonly<Record<string, string>>;
}

/** Whether a workload may be restarted; without one, whether any in the namespace of the pod may. Undefined if the permission is unknown. */
export function restartOf(
  restarts: readonly NamespaceRestart[],
  cluster: string,
  { namespace, workload }: { readonly namespace: string; readonly workload?: ports.WorkloadName | undefined },
): ports.ClusterPermission | undefined {
  const found = restarts.find((one) => one.cluster === cluster && one.namespace === namespace);
  if (!found?.permission.allowed) return found?.permission;
  const because = workload && found.obstacles?.[`${workload.kind} ${workload.name}`];
  return because === undefined ? { allowed: true } : { allowed: false, because };
}

interface StalePods {
  readonly survey: CertificateSurvey;
  readonly restarts: readonly NamespaceRestart[];
}

export interface StalePod {
  readonly cluster: string;
  readonly pod: SurveyedPod;
  readonly loading: PodLoading & { readonly startedAt: Date };
  readonly stored: SurveyedPlace;
  readonly secret: string;
}

/**
 * Pods that are certain to have a former certificate, also if no site of theirs is read: they mount a Secret with `subPath` or have it in the environment,
 * which are never refreshed, and started before the stored certificate begins.
 */
export function stalePods({ clusters, places }: CertificateSurvey, now: Date): readonly StalePod[] {
  const stored = Map.groupBy(
    places.filter(
      ({ role, verifies, chain: [leaf] }) => role === 'stored' && verifies === undefined && !leaf.authority,
    ),
    ({ store, place }) => JSON.stringify([store, secretOf(place)]),
  );
  return clusters.flatMap(({ source, pods }) =>
    pods
      .filter(({ phase, deletingSince }) => phase === 'Running' && deletingSince === undefined)
      .flatMap((pod) =>
        namesIn(pod).flatMap((secret): readonly StalePod[] => {
          const [first] = stored.get(JSON.stringify([source, secret])) ?? [];
          const loading = first && loadingOf(pod, secret);
          if (!loading || loading.by === 'volume' || !loading.startedAt) return [];
          if (loading.by === 'subPath' && mountsOnlyAuthority(pod, loading.container)) return [];
          const [leaf] = first.chain;
          const isOlder = loading.startedAt < leaf.notBefore && leaf.notBefore <= now;
          return isOlder
            ? [
                {
                  cluster: source,
                  pod,
                  loading: { ...loading, startedAt: loading.startedAt },
                  stored: first,
                  secret,
                },
              ]
            : [];
        }),
      ),
  );
}

/** Those who only verify others mount `ca.crt` alone. */
function mountsOnlyAuthority({ containers }: SurveyedPod, container: string): boolean {
  const mounts = containers.find(({ name }) => name === container)?.mounts ?? [];
  return mounts.every(
    ({ subPath }) => subPath === undefined || /(?:^|\/)[\w.-]*\b(?:ca|trust|bundle)\b[\w.-]*$/i.test(subPath),
  );
}

function namesIn({ namespace, volumes, containers }: SurveyedPod): readonly string[] {
  const names = [
    ...volumes.flatMap(({ secrets = [] }) => secrets),
    ...containers.flatMap(({ environmentSecrets = [] }) => environmentSecrets),
  ];
  return [...new Set(names)].map((name) => `${namespace}/${name}`);
}

/** A pod with a site is judged by what it serves. */
export function reportPods(
  { survey, restarts }: StalePods,
  matched: readonly Matched[],
  now: Date,
): readonly DriftFinding[] {
  const served = new Set(matched.flatMap(({ pod }) => (pod ? [`${pod.cluster} ${pod.pod.uid}`] : [])));
  const stale = stalePods(survey, now).filter(({ cluster, pod }) => !served.has(`${cluster} ${pod.uid}`));
  const groups = Map.groupBy(stale, ({ cluster, pod, secret }) =>
    JSON.stringify([cluster, targetOf(pod), secret]),
  );
  return [...groups.values()].flatMap((all) => {
    const [first] = all;
    return first ? [findingFor(first, all, restarts, now)] : [];
  });
}

function targetOf(pod: SurveyedPod): string {
  const workload = workloadOf(pod);
  return workload
    ? `${workload.namespace}/${workload.name} (${workload.kind})`
    : `${pod.namespace}/${pod.name}`;
}

function findingFor(
  first: StalePod,
  all: readonly StalePod[],
  restarts: readonly NamespaceRestart[],
  now: Date,
): DriftFinding {
  const { cluster, pod, loading, stored, secret } = first;
  const [leaf] = stored.chain;
  const workload = workloadOf(pod);
  const target = targetOf(pod);
  const how = loading.by === 'subPath' ? 'mounted with `subPath`' : 'in an environment variable';
  const permission = restartOf(restarts, cluster, { namespace: pod.namespace, workload });
  const isUsable = leaf.notAfter > now && stored.keyMatches !== false;
  const isOffered = workload !== undefined && permission?.allowed === true && isUsable;
  const command =
    workload &&
    `\`kubectl -n ${workload.namespace} rollout restart ${workload.kind.toLowerCase()}/${workload.name}\``;
  const restart = workload
    ? `Restart ${workload.kind} ${workload.namespace}/${workload.name}`
    : 'Replace the pod';
  return {
    reason: 'pod-keeps-former-secret',
    severity: 'warning',
    target,
    targets: [...new Set(all.map((one) => `${one.pod.namespace}/${one.pod.name}`))].toSorted(),
    ...(workload && { areTargetsReplaced: true as const }),
    summary: `${wording.list([...new Set(all.map((one) => one.pod.name))].toSorted(), 2)} started before the certificate in Secret ${secret} began (${wording.utcTime(leaf.notBefore)}), and the Secret is ${how}, which is never refreshed. ${isUsable ? restart : 'The stored certificate is not usable either: replace it first'}`,
    evidence: [
      ...steps([
        isOffered || !isUsable ? undefined : command,
        loading.by === 'subPath'
          ? 'For good, mount the Secret without `subPath`'
          : 'For good, mount the Secret as a volume',
      ]),
      field('Container', `${loading.container}, started ${wording.utcTime(loading.startedAt)}`),
      field('Stored', `${leaf.name}, valid until ${wording.utcTime(leaf.notAfter)}`),
      ...optionalField(
        'Restart',
        permission?.allowed === false ? `not offered: ${permission.because}` : undefined,
      ),
    ],
    ...(isOffered && {
      offers: [
        {
          remediation: 'restart-workload',
          params: {
            cluster,
            namespace: workload.namespace,
            kind: workload.kind,
            name: workload.name,
            secret: secret.slice(pod.namespace.length + 1),
            pod: pod.name,
            podUid: pod.uid,
          },
          target,
        },
      ] as const,
    }),
  };
}
