import { describe, expect, test } from 'vitest';
import { workloadObject } from '../../../test/world/kubernetes/workloads.ts';
import type { JsonObject } from '../../wire/json-object.ts';
import { toRollout } from './to-rollout.ts';

const PROGRESSING = {
  type: 'Progressing',
  status: 'False',
  reason: 'ProgressDeadlineExceeded',
  message: 'ReplicaSet "api-7c9d" has timed out progressing.',
  lastUpdateTime: '2026-11-26T10:40:01Z',
  lastTransitionTime: '2026-11-26T10:40:00Z',
};

const api = workloadObject('api', {
  namespace: 'shop',
  uid: 'uid-api',
  replicas: 3,
  annotations: {
    'deployment.kubernetes.io/revision': '18',
    'harbour.example/build': '210',
    'kubectl.kubernetes.io/last-applied-configuration': '{"password":"CANARY"}',
    long: 'x'.repeat(1_001),
  },
  labels: { 'app.kubernetes.io/version': '210' },
  templateAnnotations: { 'kubectl.kubernetes.io/restartedAt': '2026-11-26T09:00:00Z' },
  containers: [{ name: 'api', image: 'registry.example/api:210', imagePullPolicy: 'IfNotPresent' }],
  initContainers: [{ name: 'migrate', image: 'registry.example/migrate:7' }],
});

const withParts = (object: JsonObject, { metadata, spec, status }: Record<string, object>): JsonObject => ({
  ...object,
  metadata: { ...(object['metadata'] as object), ...metadata },
  spec: { ...(object['spec'] as object), ...spec },
  status: { ...(object['status'] as object), ...status },
});

describe('a Deployment', () => {
  test('has its template and how far it is rolled out', () => {
    const stuck = withParts(api, {
      metadata: { generation: 18 },
      spec: { progressDeadlineSeconds: 600 },
      status: {
        observedGeneration: 18,
        replicas: 4,
        updatedReplicas: 1,
        readyReplicas: 3,
        conditions: [PROGRESSING, { type: 'Odd', status: 'Perhaps' }],
      },
    });

    expect(toRollout('Deployment', stuck)).toEqual({
      kind: 'Deployment',
      namespace: 'shop',
      name: 'api',
      uid: 'uid-api',
      createdAt: new Date('2026-09-27T12:00:00Z'),
      labels: { app: 'api', 'app.kubernetes.io/version': '210' },
      annotations: { 'deployment.kubernetes.io/revision': '18', 'harbour.example/build': '210' },
      matchLabels: { app: 'api', 'app.kubernetes.io/version': '210' },
      replicas: 3,
      isPaused: false,
      revision: '18',
      isObserved: true,
      status: { total: 4, updated: 1, ready: 3, available: 0 },
      conditions: [
        {
          type: 'Progressing',
          status: 'False',
          reason: 'ProgressDeadlineExceeded',
          message: 'ReplicaSet "api-7c9d" has timed out progressing.',
          since: new Date('2026-11-26T10:40:00Z'),
          updatedAt: new Date('2026-11-26T10:40:01Z'),
        },
        { type: 'Odd', status: 'Unknown' },
      ],
      progressDeadlineSeconds: 600,
      template: {
        labels: { app: 'api', 'app.kubernetes.io/version': '210' },
        restartedAt: new Date('2026-11-26T09:00:00Z'),
        containers: [
          { name: 'migrate', kind: 'init', image: 'registry.example/migrate:7' },
          { name: 'api', kind: 'main', image: 'registry.example/api:210', pullPolicy: 'IfNotPresent' },
        ],
      },
    });
  });

  test('that is paused, being deleted, or managed by other tools', () => {
    const deleting = { metadata: { deletionTimestamp: '2026-11-26T12:00:30Z' }, spec: { paused: true } };
    expect(toRollout('Deployment', withParts(api, deleting))).toMatchObject({
      isPaused: true,
      deletingSince: new Date('2026-11-26T12:00:30Z'),
    });
    const owner = { apiVersion: 'x/v1', kind: 'Shop', name: 'prod', uid: 'uid-shop', controller: true };
    const owned = {
      labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' },
      ownerReferences: [{ ...owner, name: 'other', controller: false }, owner],
    };
    expect(toRollout('Deployment', withParts(api, { metadata: owned }))).toMatchObject({
      managedBy: 'Flux (apps)',
      controller: { kind: 'Shop', name: 'prod', uid: 'uid-shop' },
    });
  });

  test('whose selector has more than labels says so', () => {
    const matchExpressions = [{ key: 'tier', operator: 'In', values: ['web'] }];
    const found = toRollout('Deployment', withParts(api, { spec: { selector: { matchExpressions } } }));
    expect(found).toMatchObject({ matchLabels: {}, hasMatchExpressions: true });
    expect(toRollout('Deployment', api)).not.toHaveProperty('hasMatchExpressions');
  });

  test.each([
    [{ generation: 3 }, { observedGeneration: 3 }, true],
    [{ generation: 3 }, { observedGeneration: 4 }, true],
    [{ generation: 3 }, { observedGeneration: 2 }, false],
    [{ generation: 3 }, {}, false],
    [{ generation: 3 }, { observedGeneration: null }, false],
    [{ generation: undefined }, {}, true],
  ])('with %j and %j: its controller has seen its template: %s', (metadata, status, expected) => {
    expect(toRollout('Deployment', withParts(api, { metadata, status })).isObserved).toBe(expected);
  });
});

test('a StatefulSet with a partition, and one that is updated on deletion', () => {
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };
  const status = {
    replicas: 3,
    updatedReplicas: 1,
    currentRevision: 'db-7c9d',
    updateRevision: 'db-5f4b',
  };
  expect(toRollout('StatefulSet', withParts(api, { spec: { updateStrategy }, status }))).toMatchObject({
    partition: 2,
    status: { total: 3, updated: 1, currentRevision: 'db-7c9d', updateRevision: 'db-5f4b' },
  });
  const onDelete = { spec: { updateStrategy: { type: 'OnDelete' } } };
  const rollout = toRollout('StatefulSet', withParts(api, onDelete));
  expect(rollout).toMatchObject({ isUpdatedOnDelete: true });
  expect(rollout).not.toHaveProperty('partition');
});

test('a DaemonSet counts nodes', () => {
  const status = {
    desiredNumberScheduled: 5,
    currentNumberScheduled: 4,
    updatedNumberScheduled: 3,
    numberReady: 2,
    numberAvailable: 1,
  };
  const rollout = toRollout('DaemonSet', withParts(api, { status }));
  expect(rollout.status).toEqual({ desired: 5, total: 4, updated: 3, ready: 2, available: 1 });
  expect(rollout).not.toHaveProperty('replicas');
});

test('all pods of a ReplicaSet count as updated, because it replaces none', () => {
  const status = { replicas: 2, readyReplicas: 2, availableReplicas: 2 };
  expect(toRollout('ReplicaSet', withParts(api, { status })).status).toEqual({
    total: 2,
    updated: 2,
    ready: 2,
    available: 2,
  });
});

describe('a Rollout of Argo', () => {
  const canary: JsonObject = {
    metadata: {
      name: 'api',
      generation: 12,
      annotations: { 'rollout.argoproj.io/revision': '4' },
    },
    spec: { strategy: { canary: {} }, template: {}, restartAt: '2026-11-26T09:00:00Z' },
    status: {
      observedGeneration: '12',
      pauseConditions: [{ reason: 'CanaryPauseStep', startTime: '2026-11-26T11:00:00Z' }],
      stableRS: '7c9d',
      currentPodHash: '5f4b',
      replicas: 3,
      updatedReplicas: 1,
    },
  };

  test('that waits at a step is paused, and has the hashes of its stable and its new pods', () => {
    expect(toRollout('Rollout', canary)).toMatchObject({
      kind: 'Rollout',
      replicas: 1,
      isPaused: true,
      isObserved: true,
      revision: '4',
      status: { total: 3, updated: 1, currentRevision: '7c9d', updateRevision: '5f4b' },
      template: { restartedAt: new Date('2026-11-26T09:00:00Z'), containers: [] },
    });
  });

  test.each([
    ['11', false],
    ['', false],
    ['7f9b8d6c7', true],
    ['12', true],
  ])('its controller wrote the generation as text: %j', (observedGeneration, expected) => {
    const rollout = toRollout('Rollout', withParts(canary, { status: { observedGeneration } }));
    expect(rollout.isObserved).toBe(expected);
  });
});

test('messages are one line, short, and without recognized secrets', () => {
  const message = `denied: ${'x'.repeat(2_000)}`;
  const conditions = [
    { ...PROGRESSING, message: 'see\nhttps://hook.example/x?token=CANARY \u001B[31mred' },
    { ...PROGRESSING, message },
  ];
  const [first, second] = toRollout('Deployment', withParts(api, { status: { conditions } })).conditions;

  expect(first?.message).toBe('see https://hook.example/x red');
  expect(second?.message?.length).toBeLessThanOrEqual(1_000);
});
