import { configBody } from '../world/kubernetes/objects.ts';

/** A large cluster as JSON, generated page by page on request. Objects have the size and the number of fields of real ones. */
export interface ClusterSize {
  readonly nodes: number;
  readonly podsPerNode: number;
}

/** The time of all measurements. */
export const MEASURED_AT = '2026-11-26T11:59:40Z';
const CREATED_AT = '2026-09-27T12:00:00Z';

export function nodeName(index: number): string {
  return `ip-10-${index >> 8}-${index & 255}-17.eu-central-1.compute.internal`;
}

/** One in a hundred is low on disk. */
export function isShort(node: number): boolean {
  return node % 100 === 7;
}

/** One in a hundred is restarted by its liveness probe again and again. */
function isRestarting(pod: number): boolean {
  return pod % 100 === 3;
}

/** Consecutive pods are on different nodes, as in a real list, which is sorted by namespace and name. */
function nodeOfPod(pod: number, { nodes }: ClusterSize): number {
  return pod % nodes;
}

function podName(index: number): string {
  return `checkout-7d9f8c6b5d-${digits(index, 6)}`;
}

/** `kind`, 0: of a node, 1: of a pod, 2: of a boot. */
function uid(kind: number, index: number): string {
  return `6f366fbf-c7ef-479c-a68${kind}-${digits(index, 12)}`;
}

function digits(index: number, count: number): string {
  return String(index).padStart(count, '0');
}

/** The items `from` to `to` of a list, `to` excluded. */
export function nodesJson(from: number, to: number): string {
  return join(from, to, (index) => (isShort(index) ? shortNode : healthyNode)(nodeValues(index)));
}

export function podsJson(from: number, to: number, size: ClusterSize): string {
  return join(from, to, (index) => {
    const node = nodeOfPod(index, size);
    const values = { pod: podName(index), podUid: uid(1, index), ...nodeValues(node) };
    return podTemplateOf(index, node, size)(values);
  });
}

function podTemplateOf(index: number, node: number, { nodes }: ClusterSize): (values: Values) => string {
  if (index < nodes) return agentPod;
  if (isShort(node) && index % 3 === 0) return builderPod;
  return isRestarting(index) ? restartingPod : servicePod;
}

/** Two of each node that is low on disk: `from` and `to` count these. */
export function eventsJson(from: number, to: number): string {
  return join(from, to, (index) =>
    (index % 2 === 0 ? garbageEvent : thresholdEvent)({
      event: digits(index, 16),
      ...nodeValues(Math.floor(index / 2) * 100 + 7),
    }),
  );
}

export function eventCount({ nodes }: ClusterSize): number {
  return 2 * Array.from({ length: nodes }, (_, index) => index).filter(isShort).length;
}

/** Two of each pod that is restarted: `from` and `to` count these. */
export function podEventsJson(from: number, to: number): string {
  return join(from, to, (index) => {
    const pod = Math.floor(index / 2) * 100 + 3;
    return (index % 2 === 0 ? killingEvent : unhealthyEvent)({
      event: digits(index, 16),
      pod: podName(pod),
      podUid: uid(1, pod),
    });
  });
}

export function podEventCount({ nodes, podsPerNode }: ClusterSize): number {
  return 2 * Array.from({ length: nodes * podsPerNode }, (_, index) => index).filter(isRestarting).length;
}

/** A kubelet's response to `/stats/summary`. */
export function statsJson(node: number, size: ClusterSize): string {
  const pods = join(0, size.podsPerNode, (at) => {
    const index = node + at * size.nodes;
    return podStats({ pod: podName(index), podUid: uid(1, index) });
  });
  return (isShort(node) ? shortStats : healthyStats)({ ...nodeValues(node), pods });
}

function nodeValues(index: number): Values {
  return { node: nodeName(index), nodeUid: uid(0, index), boot: uid(2, index) };
}

function join(from: number, to: number, write: (index: number) => string): string {
  let json = '';
  for (let index = from; index < to; index += 1) json += `${index > from ? ',' : ''}${write(index)}`;
  return json;
}

type Values = Readonly<Record<string, string>>;

/** Replaces `%node%` with the value of that name, and `"%%pods%%"` including its quotes. */
function template(object: object): (values: Values) => string {
  const parts = JSON.stringify(object).split(/"%%(\w+)%%"|%(\w+)%/);
  return (values) => {
    let text = parts[0] ?? '';
    for (let at = 1; at < parts.length; at += 3)
      text += (values[parts[at] ?? parts[at + 1] ?? ''] ?? '') + (parts[at + 2] ?? '');
    return text;
  };
}

const GIB = 1024 ** 3;

function nodeObject(isShortOfDisk: boolean): object {
  const condition = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    lastHeartbeatTime: MEASURED_AT,
    lastTransitionTime: CREATED_AT,
    reason,
    message,
  });
  return {
    metadata: {
      name: '%node%',
      uid: '%nodeUid%',
      resourceVersion: '918440211',
      creationTimestamp: CREATED_AT,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/instance-type': 'm6i.4xlarge',
        'beta.kubernetes.io/os': 'linux',
        'eks.amazonaws.com/capacityType': 'ON_DEMAND',
        'eks.amazonaws.com/nodegroup': 'blue',
        'failure-domain.beta.kubernetes.io/region': 'eu-central-1',
        'failure-domain.beta.kubernetes.io/zone': 'eu-central-1a',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': '%node%',
        'kubernetes.io/os': 'linux',
        'node.kubernetes.io/instance-type': 'm6i.4xlarge',
        'topology.kubernetes.io/region': 'eu-central-1',
        'topology.kubernetes.io/zone': 'eu-central-1a',
      },
      annotations: {
        'csi.volume.kubernetes.io/nodeid': '{"ebs.csi.aws.com":"i-0a1b2c3d4e5f67890"}',
        'node.alpha.kubernetes.io/ttl': '300',
        'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
      },
    },
    spec: {
      providerID: 'aws:///eu-central-1a/i-0a1b2c3d4e5f67890',
      ...(isShortOfDisk && {
        taints: [{ key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule', timeAdded: MEASURED_AT }],
      }),
    },
    status: {
      capacity: { cpu: '16', 'ephemeral-storage': '83873772Ki', memory: '64334612Ki', pods: '110' },
      allocatable: { cpu: '15890m', 'ephemeral-storage': '76224326324', memory: '63317780Ki', pods: '110' },
      conditions: [
        condition('NetworkUnavailable', 'False', 'CiliumIsUp', 'Cilium is running on this node'),
        condition(
          'MemoryPressure',
          'False',
          'KubeletHasSufficientMemory',
          'kubelet has sufficient memory available',
        ),
        isShortOfDisk
          ? condition('DiskPressure', 'True', 'KubeletHasDiskPressure', 'kubelet has disk pressure')
          : condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
        condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
      ],
      addresses: [
        { type: 'InternalIP', address: '10.0.0.17' },
        { type: 'InternalDNS', address: '%node%' },
        { type: 'Hostname', address: '%node%' },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
      nodeInfo: {
        machineID: 'ec2f8a0b5d1e4c7a9b3d6e8f0a1c2b4d',
        systemUUID: 'ec2f8a0b-5d1e-4c7a-9b3d-6e8f0a1c2b4d',
        bootID: '%boot%',
        kernelVersion: '6.1.153-175.280.amzn2023.x86_64',
        osImage: 'Amazon Linux 2023.9.20251027',
        containerRuntimeVersion: 'containerd://2.1.4',
        kubeletVersion: 'v1.33.5-eks-113cf36',
        kubeProxyVersion: '',
        operatingSystem: 'linux',
        architecture: 'amd64',
      },
      // A kubelet reports the 50 largest.
      images: Array.from({ length: 50 }, (_, index) => ({
        names: [
          `registry.example.com/platform/service-${index}@sha256:${digits(index, 2).repeat(32)}`,
          `registry.example.com/platform/service-${index}:2026.11.${index}`,
        ],
        sizeBytes: 1_500_000_000 - index * 20_000_000,
      })),
    },
  };
}

interface PodShape {
  readonly owner: { readonly kind: string; readonly name: string };
  readonly image: string;
  readonly hostPath?: string;
  /** Replaces parts of the status of its container. */
  readonly status?: object;
}

function podObject({ owner, image, hostPath, status: changed }: PodShape): object {
  const labels = { app: 'checkout', 'app.kubernetes.io/name': 'checkout', 'pod-template-hash': '7d9f8c6b5d' };
  const resources = { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '250m', memory: '512Mi' } };
  const token = {
    name: 'kube-api-access-x7k2p',
    readOnly: true,
    mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
  };
  const container = (name: string, its: string) => ({
    name,
    image: its,
    args: ['--listen=:8080', '--config=/etc/app/config.yaml', '--log-format=json'],
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
      { name: 'NODE_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'spec.nodeName' } } },
      { name: 'DATABASE_URL', valueFrom: { secretKeyRef: { name: 'checkout', key: 'database-url' } } },
      { name: 'REGION', value: 'eu-central-1' },
    ],
    resources,
    volumeMounts: [
      { name: 'config', readOnly: true, mountPath: '/etc/app' },
      { name: 'scratch', mountPath: '/tmp' },
      ...(hostPath === undefined ? [] : [{ name: 'host', mountPath: hostPath }]),
      token,
    ],
    livenessProbe: {
      httpGet: { path: '/healthz', port: 'http', scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true },
  });
  const status = (name: string, its: string) => ({
    name,
    state: { running: { startedAt: CREATED_AT } },
    lastState: {},
    ready: true,
    restartCount: 0,
    image: its,
    imageID: `registry.example.com/checkout@sha256:${'4f'.repeat(32)}`,
    containerID: `containerd://${'9c'.repeat(32)}`,
    started: true,
    ...changed,
  });
  const condition = (type: string) => ({
    type,
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: CREATED_AT,
  });
  return {
    metadata: {
      name: '%pod%',
      generateName: 'checkout-7d9f8c6b5d-',
      namespace: 'shop',
      uid: '%podUid%',
      resourceVersion: '918440977',
      creationTimestamp: CREATED_AT,
      labels,
      annotations: { 'prometheus.io/port': '8080', 'prometheus.io/scrape': 'true' },
      ownerReferences: [
        { apiVersion: 'apps/v1', uid: uid(1, 0), controller: true, blockOwnerDeletion: true, ...owner },
      ],
      managedFields: managedFields(labels),
    },
    spec: {
      volumes: [
        { name: 'config', configMap: { name: 'checkout', defaultMode: 420 } },
        { name: 'scratch', emptyDir: {} },
        ...(hostPath === undefined ? [] : [{ name: 'host', hostPath: { path: hostPath, type: '' } }]),
        {
          name: 'kube-api-access-x7k2p',
          projected: {
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            ],
            defaultMode: 420,
          },
        },
      ],
      containers: [container('app', image)],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'checkout',
      serviceAccount: 'checkout',
      nodeName: '%node%',
      securityContext: {},
      schedulerName: 'default-scheduler',
      tolerations: ['not-ready', 'unreachable'].map((state) => ({
        key: `node.kubernetes.io/${state}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      })),
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: {
      phase: 'Running',
      conditions: [
        'PodReadyToStartContainers',
        'Initialized',
        'Ready',
        'ContainersReady',
        'PodScheduled',
      ].map(condition),
      hostIP: '10.0.0.17',
      hostIPs: [{ ip: '10.0.0.17' }],
      podIP: '10.128.4.77',
      podIPs: [{ ip: '10.128.4.77' }],
      startTime: CREATED_AT,
      containerStatuses: [status('app', image)],
      qosClass: 'Burstable',
    },
  };
}

/** One entry for the controller that created the pod, one for the kubelet that reports its status. */
function managedFields(labels: object): readonly object[] {
  const fields = (names: readonly string[]) => Object.fromEntries(names.map((name) => [`f:${name}`, {}]));
  const entry = { operation: 'Update', apiVersion: 'v1', time: CREATED_AT, fieldsType: 'FieldsV1' };
  const conditions = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady'];
  return [
    {
      manager: 'kube-controller-manager',
      ...entry,
      fieldsV1: {
        'f:metadata': {
          'f:generateName': {},
          'f:labels': { '.': {}, ...fields(Object.keys(labels)) },
          'f:ownerReferences': { '.': {}, [`k:{"uid":"${uid(1, 0)}"}`]: {} },
        },
        'f:spec': {
          'f:containers': {
            'k:{"name":"app"}': {
              '.': {},
              ...fields([
                'args',
                'env',
                'image',
                'livenessProbe',
                'name',
                'ports',
                'resources',
                'volumeMounts',
              ]),
            },
          },
          ...fields(['dnsPolicy', 'restartPolicy', 'schedulerName', 'securityContext', 'serviceAccount']),
        },
      },
    },
    {
      manager: 'kubelet',
      ...entry,
      fieldsV1: {
        'f:status': {
          'f:conditions': Object.fromEntries(
            conditions.map((type) => [
              `k:{"type":"${type}"}`,
              { '.': {}, ...fields(['lastProbeTime', 'lastTransitionTime', 'status', 'type']) },
            ]),
          ),
          ...fields(['containerStatuses', 'hostIP', 'hostIPs', 'phase', 'podIP', 'podIPs', 'startTime']),
        },
      },
      subresource: 'status',
    },
  ];
}

function eventObject(reason: string, message: string): object {
  return {
    metadata: { name: '%node%.%event%', namespace: 'default', creationTimestamp: MEASURED_AT },
    involvedObject: { kind: 'Node', name: '%node%', uid: '%node%' },
    reason,
    message,
    source: { component: 'kubelet', host: '%node%' },
    firstTimestamp: MEASURED_AT,
    lastTimestamp: MEASURED_AT,
    count: 12,
    type: 'Warning',
    eventTime: null,
    reportingComponent: 'kubelet',
    reportingInstance: '%node%',
  };
}

function podEventObject(reason: string, message: string): object {
  return {
    metadata: { name: '%pod%.%event%', namespace: 'shop', creationTimestamp: MEASURED_AT },
    involvedObject: {
      kind: 'Pod',
      namespace: 'shop',
      name: '%pod%',
      uid: '%podUid%',
      fieldPath: 'spec.containers{app}',
    },
    reason,
    message,
    source: { component: 'kubelet' },
    firstTimestamp: '2026-11-26T11:02:10Z',
    lastTimestamp: '2026-11-26T11:58:40Z',
    count: 34,
    type: reason === 'Killing' ? 'Normal' : 'Warning',
    eventTime: null,
    reportingComponent: 'kubelet',
    reportingInstance: '',
  };
}

function statsObject(availableBytes: number): object {
  const disk = {
    time: MEASURED_AT,
    availableBytes,
    capacityBytes: 80 * GIB,
    inodes: 41_942_512,
    inodesFree: 40_800_221,
    inodesUsed: 1_142_291,
  };
  return {
    node: {
      nodeName: '%node%',
      startTime: CREATED_AT,
      systemContainers: ['kubelet', 'runtime', 'pods'].map((name) => ({ name, ...processor(), ...memory() })),
      ...processor(),
      ...memory(),
      network: network(),
      fs: { ...disk, usedBytes: 80 * GIB - availableBytes },
      runtime: { imageFs: { ...disk, usedBytes: 22 * GIB } },
      rlimit: { time: MEASURED_AT, maxpid: 4_194_304, curproc: 1_622 },
    },
    pods: ['%%pods%%'],
  };
}

function podStatsObject(): object {
  const disk = {
    time: MEASURED_AT,
    availableBytes: 48 * GIB,
    capacityBytes: 80 * GIB,
    inodes: 41_942_512,
    inodesFree: 40_800_221,
  };
  return {
    podRef: { name: '%pod%', namespace: 'shop', uid: '%podUid%' },
    startTime: CREATED_AT,
    containers: [
      {
        name: 'app',
        startTime: CREATED_AT,
        ...processor(),
        ...memory(),
        rootfs: { ...disk, usedBytes: 80_003_072, inodesUsed: 57 },
        logs: { ...disk, usedBytes: 19_677_184, inodesUsed: 3 },
      },
    ],
    ...processor(),
    ...memory(),
    network: network(),
    volume: ['scratch', 'config', 'kube-api-access-x7k2p'].map((name) => ({
      ...disk,
      usedBytes: 12_288,
      inodesUsed: 9,
      name,
    })),
    'ephemeral-storage': { ...disk, usedBytes: 99_692_544, inodesUsed: 69 },
    process_stats: { process_count: 14 },
  };
}

function processor(): object {
  return { cpu: { time: MEASURED_AT, usageNanoCores: 183_426_230, usageCoreNanoSeconds: 2_315_397_811_598 } };
}

function memory(): object {
  return {
    memory: {
      time: MEASURED_AT,
      availableBytes: 611_160_064,
      usageBytes: 462_581_760,
      workingSetBytes: 462_581_760,
      rssBytes: 411_590_656,
      pageFaults: 422_455,
      majorPageFaults: 14,
    },
  };
}

function network(): object {
  const traffic = { name: 'eth0', rxBytes: 10_836_002_727, rxErrors: 0, txBytes: 257_380_913, txErrors: 0 };
  return { network: { time: MEASURED_AT, ...traffic, interfaces: [traffic] } };
}

const healthyNode = template(nodeObject(false));
const shortNode = template(nodeObject(true));
const APP = 'registry.example.com/shop/checkout:2026.11.3';
const servicePod = template(
  podObject({ owner: { kind: 'ReplicaSet', name: 'checkout-7d9f8c6b5d' }, image: APP }),
);
const restartingPod = template(
  podObject({
    owner: { kind: 'ReplicaSet', name: 'checkout-7d9f8c6b5d' },
    image: APP,
    status: {
      state: { running: { startedAt: '2026-11-26T11:58:41Z' } },
      lastState: {
        terminated: {
          exitCode: 137,
          reason: 'Error',
          startedAt: '2026-11-26T11:57:21Z',
          finishedAt: '2026-11-26T11:58:19Z',
          containerID: `containerd://${'7b'.repeat(32)}`,
        },
      },
      restartCount: 41,
    },
  }),
);
const killingEvent = template(
  podEventObject('Killing', 'Container app failed liveness probe, will be restarted'),
);
const unhealthyEvent = template(
  podEventObject(
    'Unhealthy',
    'Liveness probe failed: Get "http://10.128.4.77:8080/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
  ),
);
const agentPod = template(
  podObject({
    owner: { kind: 'DaemonSet', name: 'log-agent' },
    image: 'registry.example.com/ops/log-agent:4.0.12',
    hostPath: '/var/log',
  }),
);
const builderPod = template(
  podObject({
    owner: { kind: 'ReplicaSet', name: 'builder-58b6f7d9c4' },
    image: 'registry.example.com/ci/agent:3261',
    hostPath: '/var/run/docker.sock',
  }),
);
const garbageEvent = template(
  eventObject(
    'FreeDiskSpaceFailed',
    'Failed to garbage collect required amount of images. Attempted to free 8418135901 bytes, but only found 0 bytes eligible to free.',
  ),
);
const thresholdEvent = template(
  eventObject('EvictionThresholdMet', 'Attempting to reclaim ephemeral-storage'),
);
/** Less than half, so that the check looks for what fills the disk. */
const healthyStats = template(statsObject(36 * GIB));
const shortStats = template(statsObject(6 * GIB));
const podStats = template(podStatsObject());

/** Every kubelet's response to `/configz`. */
export const CONFIG_JSON = JSON.stringify(
  configBody({
    syncFrequency: '1m0s',
    fileCheckFrequency: '20s',
    imageMinimumGCAge: '2m0s',
    featureGates: { RotateKubeletServerCertificate: true },
    kubeReserved: { cpu: '110m', 'ephemeral-storage': '1Gi', memory: '893Mi' },
  }),
);
