import { expect, test } from 'vitest';
import { toWorkload } from './to-workload.ts';

const spec = (more: object = {}) => ({
  replicas: 3,
  template: { spec: { containers: [{ name: 'app' }] } },
  ...more,
});
const deployment = (metadata: object = {}, more: object = {}) =>
  toWorkload('Deployment', {
    metadata: { name: 'api', namespace: 'shop', uid: 'uid-1', ...metadata },
    spec: spec(more),
  });

test('maps a Deployment with what matters about its probes and its rollout', () => {
  const template = {
    metadata: {
      annotations: {
        'wrench/adjusted-by': 'm1',
        'wrench/adjusted-at': '2026-11-26T12:00:00Z',
        'wrench/adjusted-container': 'app',
      },
    },
    spec: {
      nodeName: 'gpu-1',
      terminationGracePeriodSeconds: 60,
      initContainers: [
        { name: 'sync', startupProbe: { exec: { command: ['ready'] }, failureThreshold: 30 } },
      ],
      containers: [{ name: 'app', livenessProbe: { httpGet: { port: 8080, path: '/live' } } }],
    },
  };

  expect(deployment({}, { paused: true, template })).toEqual({
    kind: 'Deployment',
    namespace: 'shop',
    name: 'api',
    uid: 'uid-1',
    replicas: 3,
    isPaused: true,
    templateNode: 'gpu-1',
    graceSeconds: 60,
    containers: [
      {
        name: 'sync',
        kind: 'init',
        startup: {
          action: 'exec',
          text: 'exec ready',
          initialDelaySeconds: 0,
          periodSeconds: 10,
          timeoutSeconds: 1,
          failureThreshold: 30,
        },
      },
      {
        name: 'app',
        kind: 'main',
        liveness: {
          action: 'http',
          text: 'GET http://:8080/live',
          initialDelaySeconds: 0,
          periodSeconds: 10,
          timeoutSeconds: 1,
          failureThreshold: 3,
        },
      },
    ],
    fieldManagers: [],
    adjusted: { by: 'm1', at: new Date('2026-11-26T12:00:00Z'), container: 'app' },
  });
});

test('a DaemonSet has no replicas, and a controller that updates pods only when they are deleted is marked', () => {
  const item = { metadata: { name: 'agent' }, spec: spec({ updateStrategy: { type: 'OnDelete' } }) };

  expect(toWorkload('DaemonSet', item)).not.toHaveProperty('replicas');
  expect(toWorkload('DaemonSet', item)).toMatchObject({ isUpdatedOnDelete: true });
  expect(deployment()).not.toHaveProperty('isUpdatedOnDelete');
});

test('a rollout is known once its controller has seen the current template', () => {
  const status = { observedGeneration: 4, replicas: 3, updatedReplicas: 2 };
  const read = (kind: 'Deployment' | 'StatefulSet' | 'DaemonSet', more: object) =>
    toWorkload(kind, { metadata: { name: 'api', generation: 4 }, spec: spec(), status, ...more }).rollout;

  expect(read('Deployment', {})).toEqual({ desired: 3, updated: 2, total: 3 });
  expect(read('StatefulSet', { spec: {} })).toEqual({ desired: 1, updated: 2, total: 3 });
  // Counts of zero are omitted.
  expect(read('Deployment', { status: { observedGeneration: 4 } })).toEqual({
    desired: 3,
    updated: 0,
    total: 0,
  });
  const ofNodes = {
    observedGeneration: 5,
    desiredNumberScheduled: 7,
    currentNumberScheduled: 6,
    updatedNumberScheduled: 5,
  };
  expect(read('DaemonSet', { status: ofNodes })).toEqual({ desired: 7, updated: 5, total: 6 });
  expect(read('Deployment', { status: { ...status, observedGeneration: 3 } })).toBeUndefined();
  expect(read('Deployment', { status: {} })).toBeUndefined();
  expect(read('Deployment', { metadata: { name: 'api' } })).toBeUndefined();
});

test('a StatefulSet may keep the earlier template for some pods', () => {
  const read = (partition: number) =>
    toWorkload('StatefulSet', { spec: spec({ updateStrategy: { rollingUpdate: { partition } } }) });

  expect(read(2)).toMatchObject({ partition: 2 });
  expect(read(0)).not.toHaveProperty('partition');
});

test.each<readonly [string, object]>([
  ['Argo CD (shop)', { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/api' } }],
  ['Argo CD (shop)', { labels: { 'argocd.argoproj.io/instance': 'shop' } }],
  ['Argo CD (shop)', { annotations: { 'argocd.argoproj.io/instance': 'shop' } }],
  ['Flux (apps)', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } }],
  ['Flux (redis)', { labels: { 'helm.toolkit.fluxcd.io/name': 'redis' } }],
  ['Config Sync', { labels: { 'app.kubernetes.io/managed-by': 'configmanagement.gke.io' } }],
  [
    'Config Sync (root-sync)',
    {
      annotations: {
        'configmanagement.gke.io/managed': 'enabled',
        'configmanagement.gke.io/sync-name': 'root-sync',
      },
    },
  ],
  ['PipeCD', { labels: { 'pipecd.dev/managed-by': 'piped' } }],
  ['PipeCD', { annotations: { 'pipecd.dev/managed-by': 'piped' } }],
  [
    'the Operator Lifecycle Manager (etcdoperator.v0.9.4)',
    { labels: { 'olm.owner': 'etcdoperator.v0.9.4', 'olm.owner.kind': 'ClusterServiceVersion' } },
  ],
  ['the addon manager', { labels: { 'addonmanager.kubernetes.io/mode': 'Reconcile' } }],
  ['Argo CD', { managedFields: [{ manager: 'helm' }, { manager: 'argocd-controller' }] }],
  ['Argo CD', { managedFields: [{ manager: 'argocd-application-controller' }] }],
  ['Flux', { managedFields: [{ manager: 'kustomize-controller' }] }],
  ['Flux', { managedFields: [{ manager: 'helm-controller' }] }],
  ['Config Sync', { managedFields: [{ manager: 'configsync' }] }],
  ['Fleet', { managedFields: [{ manager: 'fleetagent' }] }],
  ['Amazon EKS', { managedFields: [{ manager: 'eks' }] }],
])('is managed by %s', (tool, metadata) => {
  expect(deployment(metadata).managedBy).toBe(tool);
});

test.each<readonly [string, object]>([
  [
    'Helm by hand',
    {
      labels: { 'app.kubernetes.io/managed-by': 'Helm', 'app.kubernetes.io/instance': 'shop' },
      annotations: { 'meta.helm.sh/release-name': 'shop' },
      managedFields: [{ manager: 'helm', operation: 'Update' }],
    },
  ],
  [
    'kubectl',
    {
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      managedFields: [
        { manager: 'kubectl-client-side-apply', operation: 'Update' },
        { manager: 'kubectl-edit', operation: 'Update' },
      ],
    },
  ],
  ['kustomize by hand', { labels: { 'app.kubernetes.io/managed-by': 'kustomize' } }],
  ['an addon that people may change', { labels: { 'addonmanager.kubernetes.io/mode': 'EnsureExists' } }],
  [
    'a controller that only writes its status',
    { managedFields: [{ manager: 'argocd-controller', subresource: 'status' }] },
  ],
  ['a name that only resembles one', { managedFields: [{ manager: 'my-argocd-controller' }] }],
  [
    'an object that Config Sync no longer manages',
    { annotations: { 'configmanagement.gke.io/managed': 'disabled' } },
  ],
  ['unreadable marks', { labels: 7, annotations: ['x'], managedFields: 'argocd-controller' }],
  ['empty marks', { annotations: { 'argocd.argoproj.io/tracking-id': '' } }],
])('is not managed by a tool: %s', (_, metadata) => {
  expect(deployment(metadata)).not.toHaveProperty('managedBy');
});

test('the name of a tool cannot disguise itself', () => {
  const labels = { 'argocd.argoproj.io/instance': `shop\u202E\n${'x'.repeat(500)}` };
  const { managedBy = '' } = deployment({ labels });

  expect(managedBy).toMatch(/^Argo CD \([\w\uFFFD]{1,100}\)$/);
});

const owned = (containers: object, list = 'f:containers') => ({
  'f:spec': { 'f:template': { 'f:spec': { [list]: containers } } },
});

test('names who set the limits of probes', () => {
  const managedFields = [
    {
      manager: 'kubectl-client-side-apply',
      operation: 'Update',
      fieldsV1: owned({
        'k:{"name":"app"}': {
          '.': {},
          'f:livenessProbe': { 'f:failureThreshold': {}, 'f:timeoutSeconds': {}, 'f:periodSeconds': {} },
          'f:readinessProbe': { 'f:failureThreshold': {} },
        },
      }),
    },
    {
      manager: 'deployer',
      operation: 'Apply',
      fieldsV1: owned(
        { 'k:{"name":"sync"}': { 'f:startupProbe': { 'f:failureThreshold': {} } } },
        'f:initContainers',
      ),
    },
    {
      manager: 'kube-controller-manager',
      operation: 'Update',
      fieldsV1: { 'f:status': {} },
      subresource: 'status',
    },
  ];

  expect(deployment({ managedFields }).fieldManagers).toEqual([
    {
      manager: 'kubectl-client-side-apply',
      operation: 'Update',
      container: 'app',
      probe: 'liveness',
      field: 'failureThreshold',
    },
    {
      manager: 'kubectl-client-side-apply',
      operation: 'Update',
      container: 'app',
      probe: 'liveness',
      field: 'timeoutSeconds',
    },
    {
      manager: 'deployer',
      operation: 'Apply',
      container: 'sync',
      probe: 'startup',
      field: 'failureThreshold',
    },
  ]);
});

test.each<readonly [string, unknown]>([
  ['no list', 'x'],
  ['an entry that is no object', [null, 7]],
  ['a manager without a name', [{ fieldsV1: owned({ 'k:{"name":"app"}': {} }) }]],
  ['a key that is not JSON', [{ manager: 'm', fieldsV1: owned({ 'k:{name': { 'f:livenessProbe': {} } }) }]],
  [
    'a key without a name',
    [{ manager: 'm', fieldsV1: owned({ 'k:{"name":7}': {}, 'k:null': {}, '.': {} }) }],
  ],
  [
    'inherited fields',
    [{ manager: 'm', fieldsV1: owned({ 'k:{"name":"app"}': { 'f:livenessProbe': 'x' } }) }],
  ],
])('unreadable managedFields name no one: %s', (_, managedFields) => {
  expect(deployment({ managedFields }).fieldManagers).toEqual([]);
});
