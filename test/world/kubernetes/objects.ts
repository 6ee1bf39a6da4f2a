import { randomUUID } from 'node:crypto';
import type { ApiObject, ObjectMetadata } from './resources.ts';

/** Overrides of a healthy object: `nodeObject('node-a', { unschedulable: true })`. */
export interface NodeRequest extends MetadataRequest {
  /** By type: `{ DiskPressure: 'True' }`. Default: Ready without pressure. */
  readonly conditions?: Readonly<Record<string, 'True' | 'False' | 'Unknown'>>;
  readonly taints?: readonly { readonly key: string; readonly effect: string; readonly value?: string }[];
  readonly unschedulable?: boolean;
  readonly kubeletVersion?: string;
  readonly containerRuntime?: string;
  readonly operatingSystem?: 'linux' | 'windows';
  readonly osImage?: string;
  readonly kernelVersion?: string;
  /** When the conditions were last reported, and last changed. */
  readonly at?: string;
}

export interface MetadataRequest {
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly createdAt?: string;
}

const CREATED_AT = '2026-09-27T12:00:00Z';
const REPORTED_AT = '2026-11-26T11:59:50Z';

function metadata(name: string, request: MetadataRequest, namespace?: string): ObjectMetadata {
  const { uid = randomUUID(), labels, annotations, createdAt = CREATED_AT } = request;
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    uid,
    resourceVersion: '1',
    creationTimestamp: createdAt,
    ...(labels && { labels }),
    ...(annotations && { annotations }),
  };
}

export function nodeObject(name: string, request: NodeRequest = {}): ApiObject {
  const {
    conditions = {},
    taints,
    unschedulable,
    kubeletVersion = 'v1.33.5',
    containerRuntime = 'containerd://2.1.4',
    operatingSystem = 'linux',
    osImage = 'Ubuntu 24.04.3 LTS',
    kernelVersion = '6.8.0-85-generic',
    at = REPORTED_AT,
  } = request;
  const labels = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': operatingSystem,
    'kubernetes.io/arch': 'amd64',
    ...request.labels,
  };
  const all = {
    DiskPressure: 'False',
    MemoryPressure: 'False',
    PIDPressure: 'False',
    Ready: 'True',
    ...conditions,
  };
  return {
    metadata: metadata(name, { ...request, labels }),
    spec: { ...(taints && { taints }), ...(unschedulable !== undefined && { unschedulable }) },
    status: {
      conditions: Object.entries(all).map(([type, status]) => ({
        type,
        status,
        lastHeartbeatTime: at,
        lastTransitionTime: at,
      })),
      addresses: [
        { type: 'InternalIP', address: '10.0.0.1' },
        { type: 'Hostname', address: name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
      nodeInfo: {
        kubeletVersion,
        kubeProxyVersion: '',
        containerRuntimeVersion: containerRuntime,
        operatingSystem,
        osImage,
        kernelVersion,
        architecture: 'amd64',
        bootID: randomUUID(),
      },
    },
  };
}

export interface PodRequest extends MetadataRequest {
  readonly namespace?: string;
  readonly node?: string;
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  /** As in a spec. Default: one called `app`. */
  readonly containers?: readonly object[];
  readonly volumes?: readonly object[];
  readonly initContainers?: readonly object[];
  /** As in a status. */
  readonly containerStatuses?: readonly object[];
  readonly initContainerStatuses?: readonly object[];
  readonly owner?: { readonly kind: string; readonly name: string };
}

/** A status of a container in a pod. By default it has run for a while, and was never restarted. */
export function containerStatus(name: string, more: object = {}): object {
  return {
    name,
    image: `registry.example/${name}:1`,
    imageID: '',
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: { startedAt: CREATED_AT } },
    lastState: {},
    ...more,
  };
}

export function podObject(name: string, request: PodRequest = {}): ApiObject {
  const { namespace = 'default', node, phase = 'Running', reason, message, owner, volumes } = request;
  const { containers = [{ name: 'app', image: 'registry.example/app:1' }], initContainers } = request;
  const { containerStatuses, initContainerStatuses } = request;
  return {
    metadata: {
      ...metadata(name, request, namespace),
      ...(owner && {
        ownerReferences: [{ apiVersion: 'apps/v1', uid: randomUUID(), controller: true, ...owner }],
      }),
    },
    spec: {
      ...(node !== undefined && { nodeName: node }),
      ...(initContainers && { initContainers }),
      containers,
      ...(volumes && { volumes }),
    },
    status: {
      phase,
      ...(reason !== undefined && { reason }),
      ...(message !== undefined && { message }),
      startTime: request.createdAt ?? CREATED_AT,
      ...(containerStatuses && { containerStatuses }),
      ...(initContainerStatuses && { initContainerStatuses }),
    },
  };
}

export interface EventRequest {
  readonly kind?: 'Node' | 'Pod';
  readonly namespace?: string;
  readonly reason: string;
  readonly message?: string;
  readonly type?: 'Normal' | 'Warning';
  readonly count?: number;
  readonly firstAt?: string;
  readonly lastAt?: string;
}

/** An event about an object, as a kubelet writes it: the uid of a node in it is the node's name. */
export function eventObject(about: string, request: EventRequest): ApiObject {
  const { kind = 'Node', namespace = 'default', reason, message = '', type = 'Warning', count = 1 } = request;
  const { firstAt = REPORTED_AT, lastAt = REPORTED_AT } = request;
  return {
    metadata: metadata(`${about}.${randomUUID().slice(0, 16)}`, {}, namespace),
    involvedObject: { kind, name: about, uid: about, ...(kind === 'Pod' && { namespace }) },
    reason,
    message,
    type,
    count,
    firstTimestamp: firstAt,
    lastTimestamp: lastAt,
    eventTime: null,
    source: { component: 'kubelet', host: about },
  };
}

export function daemonSetObject(
  name: string,
  {
    namespace = 'kube-system',
    image,
    desired = 1,
  }: { readonly namespace?: string; readonly image: string; readonly desired?: number },
): ApiObject {
  const labels = { 'k8s-app': name };
  return {
    metadata: metadata(name, { labels }, namespace),
    spec: { selector: { matchLabels: labels }, template: { spec: { containers: [{ name, image }] } } },
    status: { desiredNumberScheduled: desired, numberReady: desired },
  };
}

const GIB = 1024 ** 3;

/** The stats of a kubelet on a node with one disk. */
export function statsBody(
  node: string,
  {
    capacityBytes = 40 * GIB,
    availableBytes = 24 * GIB,
    imageBytes = 6 * GIB,
    inodes = 2_621_440,
    inodesFree = 2_300_000,
    time = '2026-11-26T11:59:40Z',
    pods = [],
  }: {
    readonly capacityBytes?: number;
    readonly availableBytes?: number;
    readonly imageBytes?: number;
    readonly inodes?: number;
    readonly inodesFree?: number;
    readonly time?: string;
    readonly pods?: readonly object[];
  } = {},
): object {
  const disk = {
    time,
    availableBytes,
    capacityBytes,
    inodes,
    inodesFree,
    inodesUsed: inodes - inodesFree,
  };
  const usedBytes = capacityBytes - availableBytes;
  return {
    node: {
      nodeName: node,
      fs: { ...disk, usedBytes },
      runtime: { imageFs: { ...disk, usedBytes: imageBytes } },
    },
    pods,
  };
}

/** The default configuration of a kubelet. */
export function configBody(more: object = {}): object {
  return {
    kubeletconfig: {
      evictionPressureTransitionPeriod: '5m0s',
      imageGCHighThresholdPercent: 85,
      imageGCLowThresholdPercent: 80,
      containerLogMaxSize: '10Mi',
      containerLogMaxFiles: 5,
      evictionHard: {
        'imagefs.available': '15%',
        'imagefs.inodesFree': '5%',
        'memory.available': '100Mi',
        'nodefs.available': '10%',
        'nodefs.inodesFree': '5%',
      },
      ...more,
    },
  };
}
