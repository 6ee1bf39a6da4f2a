import { expect, test } from 'vitest';
import { containerStatus, podObject } from '../../../test/world/kubernetes/objects.ts';
import type { Recordable, SourceRecorder } from '../../ports/recorder.ts';
import type { JsonObject } from '../../wire/json-object.ts';
import { withoutPrivateParts } from './recordable.ts';
import { toKubeletConfig } from './kubelet-config.ts';
import { toEvent } from './to-event.ts';
import { toPod } from './to-pod.ts';
import { toWorkload } from './to-workload.ts';

/** What is recorded of a response with this body. */
async function recorded(body: unknown): Promise<JsonObject> {
  let part: unknown;
  const recorder: SourceRecorder = {
    http: async (_question, _send, recordable: Recordable = (whole) => whole) => {
      part = recordable(JSON.parse(JSON.stringify(body)));
      return { status: 200, text: '', headers: {} };
    },
    certificate: (_place, read) => read(),
    observe: (_what, observe) => observe(),
  };
  await withoutPrivateParts(recorder).http({ url: 'https://x' }, () =>
    Promise.reject(new Error('nothing is sent')),
  );
  expect(JSON.stringify(part)).not.toContain('CANARY');
  return part as JsonObject;
}

const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as JsonObject;

const PROBES = {
  livenessProbe: { exec: { command: ['sh', '-c', 'curl -u CANARY'] }, failureThreshold: 8 },
  startupProbe: {
    httpGet: {
      port: 80,
      host: 'u:CANARY@h',
      path: '/x?token=CANARY',
      httpHeaders: [{ name: 'X', value: 'CANARY' }],
    },
  },
  readinessProbe: { exec: { command: ['CANARY'] } },
};
const ENDED = {
  exitCode: 1,
  reason: 'Error',
  startedAt: '2026-11-26T11:00:00Z',
  finishedAt: '2026-11-26T11:01:31Z',
};

test('a recorded pod is mapped to the same, and contains nothing private', async () => {
  const pod = podObject('etcd-a', {
    annotations: { 'wrench/adjusted-by': 'm1', other: 'CANARY' },
    labels: { env: 'prod' },
    containers: [
      {
        name: 'etcd',
        image: 'etcd',
        ...PROBES,
        env: [{ name: 'P', value: 'CANARY' }],
        lifecycle: { preStop: { exec: { command: ['CANARY'] } } },
      },
      { name: 'tcp', livenessProbe: { tcpSocket: { port: 'x', host: 'CANARY' } } },
      { name: 'grpc', livenessProbe: { grpc: { port: 9, service: 'CANARY' } } },
      { name: 'odd', livenessProbe: 'x', startupProbe: { failureThreshold: '7' } },
    ],
    containerStatuses: [
      containerStatus('etcd', {
        restartCount: 183,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s' } },
        lastState: { terminated: { ...ENDED, message: 'CANARY' } },
      }),
      containerStatus('tcp', {
        lastState: {
          terminated: { ...ENDED, reason: 'StartError', message: 'exec: "x -p CANARY": not found' },
        },
      }),
    ],
  });

  const mapped = toPod(await recorded(pod));

  expect(mapped).toEqual(
    toPod(
      JSON.parse(JSON.stringify(pod).replace('exec: \\"x -p CANARY\\"', 'exec: \\"x …\\"')) as JsonObject,
    ),
  );
  expect(mapped.containers[0]?.liveness?.text).toBe('exec curl');
});

test('a recorded workload, event and kubelet configuration are mapped to the same', async () => {
  const metadata = {
    name: 'api',
    annotations: {
      'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:shop/api',
      'kubectl.kubernetes.io/last-applied-configuration': 'CANARY',
    },
    managedFields: [
      {
        manager: 'm',
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
  };
  const template = {
    metadata: { annotations: { 'wrench/adjusted-by': 'm1', 'checksum/secret': 'CANARY' } },
    spec: { containers: [{ name: 'app', ...PROBES, env: [{ name: 'P', value: 'CANARY' }] }] },
  };
  const workload = { metadata, spec: { replicas: 2, template } };
  const event = {
    involvedObject: { kind: 'Pod', name: 'api', fieldPath: 'spec.containers{app}' },
    reason: 'Unhealthy',
    message: 'Liveness probe failed: command "curl -u CANARY" timed out',
  };
  const config = { kubeletconfig: { staticPodPath: '/etc/kubernetes/manifests', clusterDNS: ['CANARY'] } };
  const toConfig = (body: JsonObject) => toKubeletConfig(body, (because) => new Error(because));

  expect(toWorkload('Deployment', await recorded(workload))).toEqual(
    toWorkload('Deployment', plain(workload)),
  );
  expect(toEvent(await recorded(event))).toEqual(toEvent(event));
  expect(toConfig(await recorded(config))).toEqual(toConfig(config));
});
