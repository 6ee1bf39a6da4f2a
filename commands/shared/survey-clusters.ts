import type { ports, ReadContext } from '../kit.ts';
import { splitNames } from './sources.ts';
import { unlessMissing } from './unless-missing.ts';

export interface SurveyedCluster {
  readonly source: string;
  readonly ingresses: readonly ports.Ingress[];
  /** Only those that use a Secret with a certificate, or whose address is a site. */
  readonly pods: readonly SurveyedPod[];
}

/** What decides which certificate a pod has loaded. */
export type SurveyedPod = Pick<
  ports.Pod,
  | 'namespace'
  | 'name'
  | 'uid'
  | 'node'
  | 'labels'
  | 'phase'
  | 'startedAt'
  | 'deletingSince'
  | 'controller'
  | 'isMirror'
  | 'addresses'
  | 'volumes'
> & {
  readonly containers: readonly Pick<
    ports.PodContainer,
    'name' | 'kind' | 'mounts' | 'environmentSecrets' | 'status'
  >[];
};

type Context = ReadContext<never, 'clusters'>;

type StoredPlace = Pick<ports.SeenPlace, 'place' | 'served'> & { readonly store: string };

interface ReadCluster {
  readonly about: (places: readonly StoredPlace[]) => SurveyedCluster;
}

/** A cluster is read unless `--source` names others only. An API that the server doesn't have has no objects. */
export function surveyClusters(
  context: Context,
  source: string | undefined,
): Promise<readonly ReadCluster[]> {
  const chosen = source === undefined ? undefined : splitNames(source);
  const clusters = (context.read.clusters ?? []).filter(({ name }) => chosen?.includes(name) ?? true);
  return Promise.all(clusters.map((cluster) => readCluster(context, cluster)));
}

async function readCluster(context: Context, cluster: ports.Cluster): Promise<ReadCluster> {
  const { attempt, signal } = context;
  const source = cluster.name;
  const ingresses: ports.Ingress[] = [];
  const pods: SurveyedPod[] = [];
  const readAll = (what: string, read: () => Promise<void>) =>
    attempt(what, undefined, () => unlessMissing(context, what, undefined, read));
  await Promise.all([
    readAll(`ingresses of ${source}`, async () => {
      for await (const page of cluster.ingresses({ signal })) ingresses.push(...page);
    }),
    readAll(`pods of ${source}`, async () => {
      for await (const page of cluster.pods({ signal })) pods.push(...page.filter(mayServe).map(withoutRest));
    }),
  ]);
  return {
    about: (places) => {
      const secrets = new Set(
        places.filter(({ store }) => store === source).flatMap(({ place }) => secretOf(place) ?? []),
      );
      const addresses = new Set(places.flatMap(({ served }) => (served ? [hostOf(served.address)] : [])));
      return { source, ingresses, pods: pods.filter((pod) => isAbout(pod, secrets, addresses)) };
    },
  };
}

/** `shop/shop-tls` of the place `prod:shop/shop-tls:tls.crt`. undefined if it is no Secret. */
export function secretOf(place: string): string | undefined {
  return /^[^:]+:([^/:]+\/[^/:]+):[^/]*$/.exec(place)?.[1];
}

/** `10.244.3.9` of `10.244.3.9:9093`, `fd00::9` of `[fd00::9]:443`. */
export function hostOf(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** The names of all Secrets that a pod mounts or has in its environment. */
export function secretsOf({
  volumes,
  containers,
}: Pick<SurveyedPod, 'volumes' | 'containers'>): readonly string[] {
  return [
    ...volumes.flatMap(({ secrets = [] }) => secrets),
    ...containers.flatMap(({ environmentSecrets = [] }) => environmentSecrets),
  ];
}

function mayServe({ addresses = [], ...pod }: ports.Pod): boolean {
  return addresses.length > 0 || secretsOf(pod).length > 0;
}

function isAbout(pod: SurveyedPod, secrets: ReadonlySet<string>, addresses: ReadonlySet<string>): boolean {
  return (
    (pod.addresses ?? []).some((address) => addresses.has(address)) ||
    secretsOf(pod).some((name) => secrets.has(`${pod.namespace}/${name}`))
  );
}

/** A cluster may have thousands of pods; only what is needed is kept. */
function withoutRest(pod: ports.Pod): SurveyedPod {
  const { namespace, name, uid, labels, phase, isMirror, volumes } = pod;
  const { node, startedAt, deletingSince, controller, addresses } = pod;
  return {
    namespace,
    name,
    uid,
    labels,
    phase,
    isMirror,
    volumes: volumes.filter(({ secrets }) => secrets !== undefined),
    ...(node !== undefined && { node }),
    ...(startedAt && { startedAt }),
    ...(deletingSince && { deletingSince }),
    ...(controller && { controller }),
    ...(addresses && { addresses }),
    containers: pod.containers.map(({ name: container, kind, mounts, environmentSecrets, status }) => ({
      name: container,
      kind,
      mounts,
      ...(environmentSecrets && { environmentSecrets }),
      ...(status && { status }),
    })),
  };
}
