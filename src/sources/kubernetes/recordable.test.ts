import { expect, test } from 'vitest';
import { issue, makeAuthority } from '../../../test/world/ca.ts';
import {
  certificateObject,
  ISSUING,
  READY,
  secretObject,
  tlsData,
} from '../../../test/world/kubernetes/certificates.ts';
import { containerStatus, podObject } from '../../../test/world/kubernetes/objects.ts';
import { endpointOf, endpointSliceObject, serviceObject } from '../../../test/world/kubernetes/services.ts';
import type { Recordable, SourceRecorder } from '../../ports/recorder.ts';
import type { JsonObject } from '../../wire/json-object.ts';
import { withoutPrivateParts } from './recordable.ts';
import { toKubeletConfig } from './kubelet-config.ts';
import { toEvent } from './to-event.ts';
import { openBundleReader } from './certificates/authorities.ts';
import { secretContents } from './certificates/secret-contents.ts';
import { toManaged } from './certificates/to-managed.ts';
import { toPod } from './to-pod.ts';
import { toRollout } from './to-rollout.ts';
import { toEndpoints, toService } from './to-service.ts';
import { toWorkload } from './to-workload.ts';

/** What is recorded of a response with this body. */
async function recorded(body: unknown, url = 'https://x'): Promise<JsonObject> {
  let part: unknown;
  const recorder: SourceRecorder = {
    http: async (_question, _send, recordable: Recordable = (whole) => whole) => {
      part = recordable(JSON.parse(JSON.stringify(body)));
      return { status: 200, text: '', headers: {} };
    },
    certificate: (_place, read) => read(),
    observe: (_what, observe) => observe(),
  };
  await withoutPrivateParts(recorder).http({ url }, () => Promise.reject(new Error('nothing is sent')));
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

test('recorded Secrets contain only certificates, and are mapped to the same except for their keys', async () => {
  const authority = await makeAuthority({ name: 'lab' });
  const web = await issue(authority, { name: 'web' });
  const tls = secretObject('web', {
    data: { ...tlsData(web, { authorityPem: authority.certificatePem }), note: 'CANARY' },
    written: { by: 'cert-manager', at: '2026-11-26T11:59:15Z' },
  });
  const annotated = { ...tls, metadata: { ...tls.metadata, annotations: { applied: 'CANARY' } } };
  const empty = secretObject('empty', { data: { 'tls.crt': '', 'tls.key': '' } });
  const list = {
    kind: 'SecretList',
    apiVersion: 'v1',
    metadata: { continue: 'x' },
    items: [annotated, empty],
  };
  const mapped = (secret: JsonObject) =>
    secretContents({ source: 'lab', readBundle: openBundleReader() }, secret);

  const { items, ...head } = await recorded(list, 'https://x/api/v1/namespaces/shop/secrets?limit=250');

  const [first, second] = items as readonly [JsonObject, JsonObject];
  expect(head).toEqual({ kind: 'SecretList', apiVersion: 'v1', metadata: { continue: 'x' } });
  const [own, ...rest] = mapped(plain(annotated));
  const { keyMatches, ...withoutKey } = own as typeof own & { readonly keyMatches: boolean };
  expect(keyMatches).toBe(true);
  expect(mapped(first)).toEqual([withoutKey, ...rest]);
  expect(mapped(second)).toEqual(mapped(plain(empty)));
});

test.each(['"CANARY', ['CANARY'], { kind: 'SecretList', items: ['CANARY', null, { data: 'CANARY' }] }])(
  'of a response for Secrets that is none, nothing is recorded',
  async (body) => {
    const part = await recorded(body, 'https://x/api/v1/secrets');

    expect(JSON.stringify(part)).not.toContain('CANARY');
  },
);

test('a recorded Certificate is mapped to the same, without passwords of keystores', async () => {
  const certificate = certificateObject('shop', {
    spec: { keystores: { jks: { password: 'CANARY' } }, isCA: true, privateKey: { rotationPolicy: 'Never' } },
    status: { conditions: [READY, ISSUING], nextPrivateKeySecretName: 'shop-8k4vz' },
  });
  const mapped = (item: JsonObject) =>
    toManaged({ source: 'lab', issuers: new Map(), isRenewable: false }, item);

  const url = 'https://x/apis/cert-manager.io/v1/namespaces/default/certificates/shop';
  expect(mapped(await recorded(certificate, url))).toEqual(mapped(plain(certificate)));
});

test('recorded webhooks contain only what is called, and its authorities', async () => {
  const { certificatePem } = await makeAuthority({ name: 'lab' });
  const caBundle = Buffer.from(certificatePem).toString('base64');
  const url = 'https://x/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  const webhook = (clientConfig: object) => ({ name: 'hook', clientConfig, matchConditions: ['CANARY'] });
  const items = [
    {
      metadata: { name: 'a' },
      webhooks: [
        webhook({ service: { name: 'hook', namespace: 'shop', path: '/CANARY' }, caBundle }),
        webhook({ url: 'https://hook.example/x?token=CANARY', caBundle: 'CANARY' }),
      ],
    },
  ];

  expect((await recorded({ kind: 'List', metadata: {}, items }, url))['items']).toEqual([
    {
      metadata: { name: 'a' },
      webhooks: [
        { name: 'hook', clientConfig: { service: { name: 'hook', namespace: 'shop' }, caBundle } },
        { name: 'hook', clientConfig: { url: 'https://hook.example', caBundle: '[redacted]' } },
      ],
    },
  ]);
});

test('recorded rollouts, Services and endpoints are mapped to the same, except for annotations that are no builds', async () => {
  const annotations = {
    'deployment.kubernetes.io/revision': '18',
    'harbour.example/build': '210',
    'harbour.example/commit': '8f1c0de51b2a7f0c4f1e0a7c5d9b3e2f6a8c4d10',
    'build.example/notes': 'see https://x/?token=CANARY',
    'checksum/secret': 'CANARY',
    'kubectl.kubernetes.io/last-applied-configuration': '{"build":"CANARY"}',
  };
  const { 'harbour.example/build': build, 'harbour.example/commit': commit, ...others } = annotations;
  const rollout = {
    metadata: { name: 'api', labels: { strategy: 'canary' }, annotations },
    spec: {
      strategy: { canary: { steps: [{ analysis: { args: [{ name: 'token', value: 'CANARY' }] } }] } },
      template: {
        metadata: {
          annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-11-26T09:00:00Z', x: 'CANARY' },
        },
        spec: { containers: [{ name: 'app', image: 'x:1', env: [{ name: 'P', value: 'CANARY' }] }] },
      },
    },
    status: { conditions: [{ type: 'Progressing', message: 'GET https://x/?token=CANARY failed' }] },
  };

  const mapped = toRollout('Rollout', await recorded(rollout));

  const plainly = toRollout('Rollout', plain(rollout));
  const revision = others['deployment.kubernetes.io/revision'];
  expect(mapped).toEqual({
    ...plainly,
    annotations: {
      'deployment.kubernetes.io/revision': revision,
      'harbour.example/build': build,
      'harbour.example/commit': commit,
    },
  });
  expect(mapped.template.restartedAt).toEqual(new Date('2026-11-26T09:00:00Z'));

  const service = serviceObject('api', { namespace: 'shop' });
  expect(toService(await recorded(service))).toEqual(toService(service));
  const slice = endpointSliceObject('api', { service: 'api', endpoints: [endpointOf('api-1', '10.0.0.1')] });
  expect(toEndpoints(await recorded(slice))).toEqual(toEndpoints(slice));
});

test('the conversion of a custom resource is recorded, and the arguments of a strategy are not', async () => {
  expect(
    await recorded({ spec: { conversion: { strategy: 'None' }, strategy: { args: ['CANARY'] } } }),
  ).toEqual({
    spec: { conversion: { strategy: 'None' }, strategy: {} },
  });
});
