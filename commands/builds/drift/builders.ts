import type { Build } from './build.ts';
import type { Facts, KubernetesFacts, Replica, ServiceFacts, WorkloadFacts } from './facts.ts';
import { parseImageId } from './image-id.ts';

/** Builders for stories and tests. */

/** 64 hexadecimal digits, derived from a word. */
export function digestOf(word: string): string {
  const hex = Array.from(word, (letter) => letter.charCodeAt(0).toString(16)).join('');
  return `sha256:${hex.padEnd(64, '0').slice(0, 64)}`;
}

/** A replica that gets requests, with overrides. A number or text is the number of its build. */
export function replica(
  name: string,
  build: Build | string | number | undefined,
  known: Partial<Omit<Replica, 'imageId'>> & { readonly imageId?: string } = {},
): Replica {
  const { imageId: written, ...more } = known;
  const imageId = written === undefined ? undefined : parseImageId(written);
  return {
    name,
    state: 'serving',
    ...(build === undefined
      ? { because: 'nothing responded' }
      : { build: typeof build === 'object' ? build : { number: String(build) } }),
    ...more,
    ...(imageId && { imageId }),
  };
}

interface PodOf {
  readonly workload?: WorkloadFacts;
  readonly template?: string;
  readonly isCurrent?: boolean;
  readonly isReplaceable?: true;
  /** Its ReplicaSet, without a Deployment. */
  readonly replicaSet?: string;
}

/** A pod of a workload, with its current template unless overridden. */
export function podOf(
  name: string,
  build: Build | string | number | undefined,
  { workload, template, isCurrent = true, isReplaceable, replicaSet }: PodOf,
  known: Parameters<typeof replica>[2] = {},
): Replica {
  const kind = workload && workload.kind !== 'Deployment' ? workload.kind : 'ReplicaSet';
  const owner = replicaSet ?? template ?? workload?.newest?.name ?? workload?.name ?? '';
  const namespace = workload?.namespace ?? 'shop';
  return replica(name, build, {
    node: 'node-a',
    ...(workload?.container && { image: workload.container.image }),
    pod: {
      namespace,
      name,
      uid: `uid-of-${name}`,
      labels: {},
      createdAt: new Date('2026-11-20T08:00:00Z'),
      ...(owner !== '' && { controller: { kind, name: owner, uid: `uid-of-${owner}` } }),
      ...(workload
        ? {
            workload: workload.uid,
            template: `uid-of-${template ?? workload.newest?.name ?? workload.name}`,
            isCurrent,
          }
        : replicaSet !== undefined && { workload: `uid-of-${replicaSet}`, template: `uid-of-${replicaSet}` }),
      ...(isReplaceable && { isReplaceable }),
    },
    ...known,
  });
}

interface KnownWorkload extends Partial<Omit<WorkloadFacts, 'status' | 'template' | 'container'>> {
  readonly status?: Partial<WorkloadFacts['status']>;
  readonly image?: string;
  readonly pullPolicy?: string;
  readonly templateLabels?: Readonly<Record<string, string>>;
}

/** A Deployment with three replicas whose rollout is complete, with overrides. */
export function deployment(name: string, known: KnownWorkload = {}): WorkloadFacts {
  const {
    status,
    image = 'registry.example/api:209',
    pullPolicy = 'IfNotPresent',
    templateLabels = {},
    ...more
  } = known;
  const container = { name: 'api', kind: 'main', image, pullPolicy } as const;
  const replicas = more.replicas ?? 3;
  return {
    kind: 'Deployment',
    namespace: 'shop',
    name,
    uid: `uid-of-${name}`,
    labels: {},
    annotations: {},
    matchLabels: { app: name },
    replicas,
    isPaused: false,
    revision: '7',
    isObserved: true,
    conditions: [
      { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
      { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
    ],
    newest: { name: `${name}-7c`, uid: `uid-of-${name}-7c`, createdAt: new Date('2026-11-20T08:00:00Z') },
    ...more,
    status: { total: replicas, updated: replicas, ready: replicas, available: replicas, ...status },
    template: { labels: { app: name, ...templateLabels }, containers: [container] },
    container,
  };
}

/** A ReplicaSet that no Deployment owns. */
export function replicaSet(name: string, known: KnownWorkload = {}): WorkloadFacts {
  const { newest: _, ...own } = deployment(name, known);
  return { ...own, kind: 'ReplicaSet', conditions: [] };
}

export function kubernetes(
  workloads: readonly WorkloadFacts[],
  known: Partial<KubernetesFacts> = {},
): KubernetesFacts {
  return {
    cluster: 'prod',
    namespace: 'shop',
    service: 'api',
    workloads,
    restart: { allowed: true, managed: false },
    pin: { allowed: true, managed: false },
    remove: { allowed: true, running: true },
    ...known,
  };
}

export function serviceFacts(
  name: string,
  replicas: readonly Replica[],
  known: Partial<ServiceFacts> = {},
): ServiceFacts {
  return { name, source: 'builds', replicas, ...known };
}

export function factsOf(...services: readonly ServiceFacts[]): Facts {
  return { services };
}

export function expecting(value: string, from = '`--expect`') {
  return { expected: { value, from } };
}
