import type { ports } from '../../kit.ts';
import { ownerOf } from '../../shared/pod-owner.ts';
import type { SurveyedPod } from '../../shared/survey-clusters.ts';

/** How a pod gets the content of a Secret, and since when it has run. */
export interface PodLoading {
  /**
   * `volume` is refreshed within about two minutes: https://kubernetes.io/docs/concepts/configuration/secret/#mounted-secrets-are-updated-automatically
   * `subPath` and `environment` never are, nor is what an `init` container copied.
   */
  readonly by: 'volume' | 'subPath' | 'environment' | 'init';
  readonly container: string;
  /** Absent if the container is not running. */
  readonly startedAt?: Date;
}

/** undefined if the pod doesn't use this Secret (`shop/shop-tls`). If several containers do, the one that can't be refreshed. */
export function loadingOf(pod: SurveyedPod, secret: string | undefined): PodLoading | undefined {
  const names = (name: string) => `${pod.namespace}/${name}` === secret;
  const volumes = new Set(
    pod.volumes.filter(({ secrets = [] }) => secrets.some(names)).map(({ name }) => name),
  );
  const found = pod.containers.flatMap((container): readonly PodLoading[] => {
    const by = waysOf(container, volumes, names);
    if (container.kind === 'ephemeral' || by === undefined) return [];
    const running = container.status?.state;
    const since = running?.kind === 'running' ? running.startedAt : undefined;
    const startedAt = container.kind === 'init' ? pod.startedAt : (since ?? pod.startedAt);
    return [
      {
        by: container.kind === 'init' ? 'init' : by,
        container: container.name,
        ...(startedAt && { startedAt }),
      },
    ];
  });
  const main = found.filter(({ by }) => by !== 'init');
  return main.find(({ by }) => by !== 'volume') ?? main[0] ?? found[0];
}

function waysOf(
  { mounts, environmentSecrets = [] }: SurveyedPod['containers'][number],
  volumes: ReadonlySet<string>,
  names: (secret: string) => boolean,
): 'volume' | 'subPath' | 'environment' | undefined {
  const own = mounts.filter(({ volume }) => volumes.has(volume));
  if (own.length > 0) return own.every(({ subPath }) => subPath !== undefined) ? 'subPath' : 'volume';
  return environmentSecrets.some(names) ? 'environment' : undefined;
}

const RESTARTABLE = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;

type Restartable = ports.WorkloadName & { readonly kind: (typeof RESTARTABLE)[number] };

/** What creates the pod, if `kubectl rollout restart` can restart it. */
export function workloadOf(pod: SurveyedPod): Restartable | undefined {
  const { kind, name } = ownerOf({ ...pod, ...(pod.node !== undefined && { node: pod.node }) });
  const known = RESTARTABLE.find((one) => one === kind);
  return known && { kind: known, namespace: pod.namespace, name };
}
