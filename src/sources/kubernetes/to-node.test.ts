import { assert as assertProperty, constantFrom, dictionary, object, property } from 'fast-check';
import { expect, test } from 'vitest';
import { toEvent } from './to-event.ts';
import { toKubeletStats } from './kubelet-stats.ts';
import { toNode } from './to-node.ts';
import { toDaemonSet, toPod } from './to-pod.ts';

const node = (parts: { metadata?: object; spec?: object; status?: object }) =>
  toNode({ ...parts, metadata: { name: 'node-a', ...parts.metadata } });
const running = (kubeletVersion: string) => ({ status: { nodeInfo: { kubeletVersion } } });

test.each([
  ['a virtual kubelet by its label', { metadata: { labels: { type: 'virtual-kubelet' } } }],
  [
    'a virtual kubelet by its taint',
    { spec: { taints: [{ key: 'virtual-kubelet.io/provider', value: 'azure', effect: 'NoSchedule' }] } },
  ],
  ['a virtual kubelet by its version', running('v1.19.10-vk-azure-aci-v1.5.0')],
  ['KWOK by its annotation', { metadata: { annotations: { 'kwok.x-k8s.io/node': 'fake' } } }],
  ['KWOK by its version', running('fake')],
  ['a node simulated by vcluster', { metadata: { labels: { 'vcluster.loft.sh/fake-node': 'true' } } }],
  ['a super node of Tencent', { metadata: { labels: { 'node.kubernetes.io/instance-type': 'eklet' } } }],
])('%s is virtual', (_, parts) => {
  expect(node(parts).kind).toBe('virtual');
});

test.each([
  ['a node of EKS', running('v1.30.6-eks-94953ac')],
  [
    'a node of Fargate, which has a kubelet and a disk',
    { metadata: { labels: { 'eks.amazonaws.com/compute-type': 'fargate' } } },
  ],
  ['a node without any information', {}],
  ['a node of another type', { metadata: { labels: { type: 'worker' } } }],
])('%s is a machine', (_, parts) => {
  expect(node(parts).kind).toBe('machine');
});

test.each([
  ['its label', { metadata: { labels: { 'eks.amazonaws.com/compute-type': 'fargate' } } }],
  [
    'its taint',
    {
      spec: { taints: [{ key: 'eks.amazonaws.com/compute-type', value: 'fargate', effect: 'NoSchedule' }] },
    },
  ],
])('recognizes a Fargate node by %s', (_, parts) => {
  expect(node(parts).isServerless).toBe(true);
  expect(node({})).not.toHaveProperty('isServerless');
});

test.each([
  ['eks.amazonaws.com/nodegroup', 'blue'],
  ['karpenter.sh/nodepool', 'default'],
  ['cloud.google.com/gke-nodepool', 'default-pool'],
  ['kubernetes.azure.com/agentpool', 'nodepool1'],
  ['doks.digitalocean.com/node-pool', 'pool-1'],
  ['worker.gardener.cloud/pool', 'cpu-worker'],
])('the pool is the label %s', (label, pool) => {
  expect(node({ metadata: { labels: { [label]: pool } } }).pool).toBe(pool);
});

test('absent fields and fields of the wrong type are absent', () => {
  expect(
    node({
      metadata: { creationTimestamp: 'yesterday', labels: { 'node-role.kubernetes.io/worker': '' } },
      spec: { unschedulable: 'yes', taints: 'none' },
      status: {
        nodeInfo: { kernelVersion: '', osImage: 7 },
        daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
        conditions: [
          { type: 'Ready' },
          { type: 'DiskPressure', status: 'False', lastTransitionTime: '0001-01-01T00:00:00Z' },
          {},
        ],
        addresses: null,
      },
    }),
  ).toEqual({
    name: 'node-a',
    uid: '',
    kind: 'machine',
    operatingSystem: '',
    roles: ['worker'],
    conditions: [
      { type: 'Ready', status: 'Unknown' },
      { type: 'DiskPressure', status: 'False' },
    ],
    taints: [],
    unschedulable: false,
    addresses: [],
    kubeletPort: 10_250,
  });
});

const cordoned = (managers: readonly string[]) =>
  node({
    metadata: {
      annotations: { 'wrench/cordoned-by': 'm1' },
      managedFields: managers.map((manager) => ({
        manager,
        fieldsV1: { 'f:spec': { 'f:unschedulable': {} } },
      })),
    },
    spec: { unschedulable: true },
  }).cordonedBy;

test('a node that someone else cordoned after Wrench is not cordoned by Wrench', () => {
  expect(cordoned([])).toBe('m1');
  expect(cordoned(['wrench'])).toBe('m1');
  expect(cordoned(['kubectl'])).toBeUndefined();
  // An applied configuration that wants it too.
  expect(cordoned(['wrench', 'flux'])).toBeUndefined();
});

const pod = (parts: { metadata?: object; spec?: object; status?: object }) =>
  toPod({ ...parts, metadata: { name: 'pod-a', namespace: 'ci', ...parts.metadata } });

test('the volumes, mounts and containers of a pod', () => {
  const { containers, volumes } = pod({
    spec: {
      initContainers: [{ name: 'setup', image: 'busybox' }],
      containers: [
        {
          name: 'dind',
          image: 'docker:dind',
          command: ['dockerd'],
          args: ['--tls=false'],
          securityContext: { privileged: true },
          volumeMounts: [{ name: 'socket', mountPath: '/var/run/docker.sock' }],
        },
        {
          name: 'agent',
          image: 'agent',
          env: [
            { name: 'PASSWORD', value: 'x' },
            { name: 'DOCKER_HOST', value: 'tcp://localhost:2375' },
          ],
        },
      ],
      ephemeralContainers: [{ name: 'debug', image: 'busybox' }],
      volumes: [
        { name: 'socket', hostPath: { path: '/var/run/docker.sock' } },
        { name: 'data', emptyDir: {} },
        { name: 'shm', emptyDir: { medium: 'Memory' } },
        { name: 'work', persistentVolumeClaim: { claimName: 'work' } },
        { name: 'scratch', ephemeral: { volumeClaimTemplate: {} } },
        { name: 'config', configMap: { name: 'config' } },
      ],
    },
  });

  expect(containers.map(({ name, kind, privileged }) => [name, kind, privileged])).toEqual([
    ['setup', 'init', false],
    ['dind', 'main', true],
    ['agent', 'main', false],
    ['debug', 'ephemeral', false],
  ]);
  expect(containers[1]).toMatchObject({
    command: ['dockerd', '--tls=false'],
    mounts: [{ volume: 'socket', path: '/var/run/docker.sock' }],
  });
  expect(containers[2]!.dockerHost).toBe('tcp://localhost:2375');
  expect(volumes).toEqual([
    { name: 'socket', hostPath: '/var/run/docker.sock' },
    { name: 'data', emptyDir: 'disk' },
    { name: 'shm', emptyDir: 'memory' },
    { name: 'work', claim: 'work' },
    { name: 'scratch', claim: 'pod-a-scratch' },
    { name: 'config' },
  ]);
});

test('a mirror pod has no controller, though its node is named as one', () => {
  const owner = { kind: 'Node', name: 'node-a', controller: true };

  expect(pod({ metadata: { ownerReferences: [owner] } })).toMatchObject({ isMirror: true });
  expect(pod({ metadata: { ownerReferences: [owner] } })).not.toHaveProperty('controller');
  expect(pod({ metadata: { annotations: { 'kubernetes.io/config.mirror': 'a' } } }).isMirror).toBe(true);
  expect(
    pod({ metadata: { ownerReferences: [{ kind: 'ReplicaSet', name: 'rs', controller: true }] } }),
  ).toMatchObject({ isMirror: false, controller: { kind: 'ReplicaSet', name: 'rs' } });
});

test('the count and the last time of an event series', () => {
  expect(
    toEvent({
      involvedObject: { kind: 'Node', name: 'node-a' },
      reason: 'EvictionThresholdMet',
      eventTime: '2026-11-26T10:00:00.000000Z',
      lastTimestamp: null,
      series: { count: 9, lastObservedTime: '2026-11-26T11:00:00.000000Z' },
    }),
  ).toEqual({
    about: { kind: 'Node', name: 'node-a' },
    reason: 'EvictionThresholdMet',
    message: '',
    type: '',
    count: 9,
    firstAt: new Date('2026-11-26T10:00:00Z'),
    lastAt: new Date('2026-11-26T11:00:00Z'),
  });
});

test('an empty image file system, as on Windows, is absent', () => {
  const stats = toKubeletStats(
    { node: { fs: { availableBytes: 1, capacityBytes: 10 }, runtime: { imageFs: {} } }, pods: [] },
    (because) => new Error(because),
  );

  expect(stats).toEqual({ nodeFs: { availableBytes: 1, capacityBytes: 10 }, pods: [] });
});

test('an invalid number of a pod is omitted', () => {
  const { pods } = toKubeletStats(
    {
      node: {},
      pods: [
        {
          podRef: { namespace: 'a', name: 'b', uid: 'c' },
          'ephemeral-storage': { usedBytes: 5, inodesUsed: 18_446_744_073_709_552_000 },
          containers: [{ name: 'd', logs: { usedBytes: 7 }, rootfs: { usedBytes: -1 } }],
          volume: [{ name: 'e', usedBytes: 3, capacityBytes: 9, pvcRef: { name: 'claim' } }],
        },
      ],
    },
    (because) => new Error(because),
  );

  expect(pods).toEqual([
    {
      namespace: 'a',
      name: 'b',
      uid: 'c',
      ephemeral: { bytes: 5 },
      containers: [{ name: 'd', logs: { bytes: 7 } }],
      volumes: [{ name: 'e', bytes: 3, claim: 'claim', capacityBytes: 9 }],
    },
  ]);
});

test('objects of any shape are mapped without an error', () => {
  const parts = constantFrom('metadata', 'spec', 'status', 'series', 'involvedObject');
  const mapAll = (item: object) =>
    [toNode, toPod, toEvent, toDaemonSet].map((map) => map(item as Readonly<Record<string, unknown>>));

  expect(() =>
    assertProperty(property(dictionary(parts, object()), (item) => mapAll(item).length === 4)),
  ).not.toThrow();
});
