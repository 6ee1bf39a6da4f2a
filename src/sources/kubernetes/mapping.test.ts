import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  configBody,
  containerStatus,
  daemonSetObject,
  eventObject,
  nodeObject,
  podObject,
  statsBody,
} from '../../../test/world/kubernetes/objects.ts';
import {
  certificateObject,
  ISSUING,
  READY,
  secretObject,
} from '../../../test/world/kubernetes/certificates.ts';
import { endpointOf, endpointSliceObject, serviceObject } from '../../../test/world/kubernetes/services.ts';
import type { JsonObject } from '../../wire/json-object.ts';
import { toKubeletConfig } from './kubelet-config.ts';
import { toKubeletStats } from './kubelet-stats.ts';
import { openBundleReader } from './certificates/authorities.ts';
import { secretContents } from './certificates/secret-contents.ts';
import { toManaged } from './certificates/to-managed.ts';
import { toIngress } from './to-ingress.ts';
import { toEvent } from './to-event.ts';
import { toNode } from './to-node.ts';
import { toDaemonSet, toPod } from './to-pod.ts';
import { toRollout } from './to-rollout.ts';
import { toEndpoints, toService } from './to-service.ts';
import { toWorkload } from './to-workload.ts';

class Malformed extends Error {}
const malformed = (because: string): Error => new Malformed(because);

/** Values that replace parts of a response. */
const wrong = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    -1,
    1e308,
    2 ** 64,
    '',
    '7',
    '-5%',
    '1e999',
    '0001-01-01T00:00:00Z',
    '999999-99-99T99:99:99Z',
    'a:b\n\u0000\u202E',
    '\uD800',
    'x'.repeat(10_000),
    '1'.repeat(10_000),
    [],
    [null],
    [[]],
    {},
    { toString: 1, valueOf: null },
    { length: 3 },
  ),
  fc.jsonValue(),
);

type Path = readonly (string | number)[];

function pathsIn(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [path, ...keys.flatMap((key) => pathsIn((value as never)[key], [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

/** The body with up to three of its parts replaced; its root is still an object. */
function damaged(body: object): fc.Arbitrary<JsonObject> {
  const plain = JSON.parse(JSON.stringify(body)) as JsonObject;
  const paths = pathsIn(plain).filter(({ length }) => length > 0);
  const damage = fc.tuple(fc.constantFrom(...paths), wrong);
  return fc.array(damage, { minLength: 1, maxLength: 3 }).map((damages) =>
    damages.reduce<JsonObject>((changed, [path, by]) => {
      try {
        return replaced(changed, path, by) as JsonObject;
      } catch {
        // Its parent has already been replaced.
        return changed;
      }
    }, plain),
  );
}

/** Whether a value contains no invalid date, no negative or infinite number except an exit code, and no `undefined`. */
function isSound(value: unknown, key?: string): boolean {
  if (value instanceof Date) return value.getTime() >= 0;
  if (typeof value === 'number') return value < Infinity && (value >= 0 || key === 'exitCode');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).every(([name, one]) => isSound(one, name));
  return value !== undefined;
}

const PROBES = {
  livenessProbe: { exec: { command: ['sh', '-c', 'check'] }, failureThreshold: 8, timeoutSeconds: 15 },
  startupProbe: { httpGet: { port: 80, path: '/health', scheme: 'HTTPS', host: 'localhost' } },
};
const TERMINATED = {
  exitCode: 137,
  signal: 9,
  reason: 'StartError',
  message: 'exec failed',
  startedAt: '2026-11-26T11:00:00Z',
  finishedAt: '2026-11-26T11:01:31Z',
};
const POD = {
  ...podObject('pod-a', {
    namespace: 'ci',
    node: 'node-a',
    annotations: { 'wrench/adjusted-by': 'm1', 'wrench/adjusted-at': '2026-11-26T12:00:00Z' },
    containerStatuses: [
      containerStatus('dind', { restartCount: 7, lastState: { terminated: TERMINATED } }),
      containerStatus('lost', { state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } } }),
    ],
    initContainerStatuses: [containerStatus('setup', { state: { terminated: TERMINATED } })],
  }),
  spec: {
    nodeName: 'node-a',
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    initContainers: [{ name: 'setup', image: 'busybox', restartPolicy: 'Always' }],
    containers: [
      {
        name: 'dind',
        image: 'docker:dind',
        resources: { limits: { memory: '512Mi' } },
        ...PROBES,
        command: ['dockerd'],
        args: ['--tls=false'],
        env: [{ name: 'DOCKER_HOST', value: 'tcp://localhost:2375' }],
        securityContext: { privileged: true },
        volumeMounts: [{ name: 'socket', mountPath: '/var/run/docker.sock' }],
      },
    ],
    volumes: [
      { name: 'socket', hostPath: { path: '/var/run/docker.sock' } },
      { name: 'scratch', emptyDir: { medium: 'Memory' } },
      { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'cache', ephemeral: { volumeClaimTemplate: {} } },
    ],
  },
};
const WORKLOAD = {
  metadata: {
    name: 'api',
    namespace: 'shop',
    labels: { 'argocd.argoproj.io/instance': 'shop' },
    annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/api' },
    ownerReferences: [{ kind: 'Operator', name: 'o', controller: true }],
    managedFields: [
      {
        manager: 'argocd-controller',
        operation: 'Apply',
        fieldsV1: {
          'f:spec': {
            'f:template': {
              'f:spec': {
                'f:containers': { 'k:{"name":"app"}': { 'f:livenessProbe': { 'f:failureThreshold': {} } } },
              },
            },
          },
        },
      },
    ],
  },
  spec: {
    replicas: 3,
    paused: true,
    updateStrategy: { type: 'OnDelete' },
    template: {
      metadata: { annotations: { 'wrench/adjusted-by': 'm1' } },
      spec: {
        nodeName: 'gpu-1',
        terminationGracePeriodSeconds: 5,
        initContainers: [{ name: 'sync', ...PROBES }],
        containers: [{ name: 'app', ...PROBES }],
      },
    },
  },
};
const ROLLOUT = {
  ...WORKLOAD,
  metadata: {
    ...WORKLOAD.metadata,
    uid: 'uid-api',
    generation: 12,
    creationTimestamp: '2026-11-26T11:00:00Z',
    annotations: { 'rollout.argoproj.io/revision': '4', build: '210' },
  },
  spec: {
    ...WORKLOAD.spec,
    restartAt: '2026-11-26T11:00:00Z',
    progressDeadlineSeconds: 600,
    selector: { matchLabels: { app: 'api' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }] },
    template: {
      metadata: { labels: { app: 'api' } },
      spec: { containers: [{ name: 'api', image: 'x:1', imagePullPolicy: 'Always' }] },
    },
  },
  status: {
    observedGeneration: '12',
    replicas: 3,
    desiredNumberScheduled: 3,
    pauseConditions: [{ reason: 'CanaryPauseStep' }],
    stableRS: '7c9d',
    conditions: [
      { type: 'Progressing', status: 'True', message: 'ok', lastUpdateTime: '2026-11-26T11:00:00Z' },
    ],
  },
};
const NODE = nodeObject('node-a', {
  unschedulable: true,
  annotations: { 'wrench/cordoned-by': 'm1' },
});
const STATS = {
  ...statsBody('node-a'),
  pods: [
    {
      podRef: { name: 'pod-a', namespace: 'ci', uid: 'uid-a' },
      'ephemeral-storage': { usedBytes: 7, inodesUsed: 1 },
      containers: [{ name: 'dind', rootfs: { usedBytes: 1 }, logs: { usedBytes: 1 } }],
      volume: [{ name: 'data', usedBytes: 1, pvcRef: { name: 'data' } }],
    },
  ],
};

const POD_WITH_SECRETS = {
  metadata: { name: 'alertmanager-0', namespace: 'mon', uid: 'u' },
  spec: {
    containers: [
      {
        name: 'app',
        env: [
          { name: 'A', valueFrom: { secretKeyRef: { name: 'one', key: 'a' } } },
          { name: 'B', valueFrom: { configMapKeyRef: { name: 'no', key: 'b' } } },
        ],
        envFrom: [
          { secretRef: { name: 'two' } },
          { secretRef: { name: 'one' } },
          { configMapRef: { name: 'no' } },
        ],
        volumeMounts: [
          { name: 'web', mountPath: '/etc/tls/tls.crt', subPath: 'tls.crt' },
          { name: 'web', mountPath: '/etc/x', subPathExpr: '$(POD_NAME)' },
          { name: 'all', mountPath: '/etc/all', subPath: '' },
        ],
      },
    ],
    volumes: [
      { name: 'web', secret: { secretName: 'alerts-tls' } },
      {
        name: 'all',
        projected: {
          sources: [{ secret: { name: 'ca' } }, { configMap: { name: 'no' } }, { secret: { name: 'ca' } }],
        },
      },
      { name: 'none', emptyDir: {} },
    ],
  },
  status: { phase: 'Running', podIP: '10.244.3.9', podIPs: [{ ip: '10.244.3.9' }, { ip: 'fd00::9' }] },
};
const CERTIFICATE = certificateObject('shop', { status: { conditions: [READY, ISSUING] } });
const SECRET = secretObject('shop-tls', {
  data: { 'tls.crt': 'x', 'tls.key': 'y', 'ca.crt': 'z' },
  written: { by: 'cert-manager', at: '2026-11-26T11:59:15Z' },
});
const INGRESS = {
  metadata: { name: 'web', namespace: 'shop' },
  spec: { ingressClassName: 'nginx', tls: [{ hosts: ['shop.example'], secretName: 'shop-tls' }] },
};

test('the addresses of a pod, and the Secrets that it mounts and has in its environment', () => {
  expect(toPod(POD_WITH_SECRETS)).toMatchObject({
    addresses: ['10.244.3.9', 'fd00::9'],
    containers: [
      {
        environmentSecrets: ['one', 'two'],
        mounts: [
          { volume: 'web', path: '/etc/tls/tls.crt', subPath: 'tls.crt' },
          { volume: 'web', path: '/etc/x', subPath: '$(POD_NAME)' },
          { volume: 'all', path: '/etc/all' },
        ],
      },
    ],
    volumes: [{ name: 'web', secrets: ['alerts-tls'] }, { name: 'all', secrets: ['ca'] }, { name: 'none' }],
  });
  const { podIPs: _, ...status } = POD_WITH_SECRETS.status;
  expect(toPod({ ...POD_WITH_SECRETS, status }).addresses).toEqual(['10.244.3.9']);
  const plain = toPod({ metadata: { name: 'a' }, spec: { containers: [{ name: 'app' }] } });
  expect(plain).not.toHaveProperty('addresses');
  expect(plain.containers[0]).not.toHaveProperty('environmentSecrets');
});

test('the controller, the ports, the pull policy and the running image of a pod', () => {
  const digest = `sha256:${'a1'.repeat(32)}`;
  const pod = toPod({
    metadata: {
      name: 'api-1',
      ownerReferences: [{ kind: 'ReplicaSet', name: 'api-7c9d', uid: 'uid-7', controller: true }],
    },
    spec: {
      containers: [
        {
          name: 'api',
          image: 'registry.example/api:latest',
          imagePullPolicy: 'IfNotPresent',
          ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }, { containerPort: 9090 }, {}],
        },
        { name: 'proxy', image: 'registry.example/proxy:7', ports: null },
      ],
    },
    status: {
      containerStatuses: [
        { name: 'api', imageID: `docker-pullable://registry.example/api@${digest}` },
        { name: 'proxy', imageID: '' },
      ],
    },
  });

  expect(pod.controller).toEqual({ kind: 'ReplicaSet', name: 'api-7c9d', uid: 'uid-7' });
  expect(pod.containers[0]).toMatchObject({
    pullPolicy: 'IfNotPresent',
    ports: [{ port: 8080, name: 'http' }, { port: 9090 }],
    status: { imageId: `docker-pullable://registry.example/api@${digest}` },
  });
  expect(pod.containers[1]).not.toHaveProperty('ports');
  expect(pod.containers[1]?.status).not.toHaveProperty('imageId');
});

test('an image of a container is one line of visible characters, and not too long', () => {
  const imageOf = (imageID: unknown) =>
    toPod({
      metadata: { name: 'api-1' },
      spec: { containers: [{ name: 'api' }] },
      status: { containerStatuses: [{ name: 'api', imageID }] },
    }).containers[0]?.status?.imageId;

  expect(imageOf('x\u001B[31m\u202Ey')).toBe('x\uFFFD[31m\uFFFDy');
  expect(imageOf('x'.repeat(10_000))).toHaveLength(500);
  expect(imageOf(7)).toBeUndefined();
});

test.each<readonly [string, object, (body: JsonObject) => unknown]>([
  ['node', NODE, toNode],
  ['pod', POD, toPod],
  ['pod with Secrets', POD_WITH_SECRETS, toPod],
  ['Ingress', INGRESS, toIngress],
  [
    'Certificate',
    CERTIFICATE,
    (body) => toManaged({ source: 'lab', issuers: new Map(), isRenewable: true }, body),
  ],
  [
    'Secret',
    SECRET,
    (body) =>
      secretContents({ source: 'lab', readBundle: openBundleReader() }, body).map((one) =>
        one.kind === 'seen' ? one : { place: one.place, because: one.error.message },
      ),
  ],
  ['event', eventObject('node-a', { reason: 'FreeDiskSpaceFailed', count: 7 }), toEvent],
  [
    'event of a container',
    {
      ...eventObject('pod-a', {
        kind: 'Pod',
        reason: 'Unhealthy',
        message: 'Liveness probe failed: command "sh -c x" timed out',
      }),
      involvedObject: { kind: 'Pod', name: 'pod-a', uid: 'u', fieldPath: 'spec.containers{app}' },
      series: { count: 7, lastObservedTime: '2026-11-26T11:01:31.123456Z' },
    },
    toEvent,
  ],
  ['workload', WORKLOAD, (body) => toWorkload('Deployment', body)],
  ['rollout', ROLLOUT, (body) => toRollout('Rollout', body)],
  ['DaemonSet that is rolled out', ROLLOUT, (body) => toRollout('DaemonSet', body)],
  ['Service', serviceObject('api'), toService],
  [
    'EndpointSlice',
    endpointSliceObject('api-x7k2p', { service: 'api', endpoints: [endpointOf('api-1', '10.0.0.1')] }),
    (body) => toEndpoints(body) ?? [],
  ],
  ['DaemonSet', daemonSetObject('kube-proxy', { image: 'kube-proxy:v1.33.5' }), toDaemonSet],
  ['stats', STATS, (body) => toKubeletStats(body, malformed)],
  ['configuration', configBody(), (body) => toKubeletConfig(body, malformed)],
])('%s: maps any response to valid values, or rejects it as malformed', (_, body, map) => {
  expect(map(JSON.parse(JSON.stringify(body)) as JsonObject)).toSatisfy((mapped) => isSound(mapped));
  fc.assert(
    fc.property(damaged(body), (answer) => {
      try {
        return isSound(map(answer));
      } catch (error) {
        return error instanceof Malformed;
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a number with millions of digits is parsed quickly', () => {
  const body = { kubeletconfig: { evictionHard: { 'nodefs.available': `${'1'.repeat(5_000_000)}x` } } };

  expect(toKubeletConfig(body, malformed).evictionHard['nodefs.available']).toHaveProperty('unreadable');
});
