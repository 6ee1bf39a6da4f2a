import { expect, onTestFinished, test } from 'vitest';
import { startCluster, type TestCluster } from '../../../test/world/kubernetes/api-server.ts';
import { saveFile } from '../../../test/world/kubernetes/open-source.ts';
import type { ApiObject } from '../../../test/world/kubernetes/resources.ts';
import { type PodTemplate, workloadObject } from '../../../test/world/kubernetes/workloads.ts';
import type { ProbeChange } from '../../ports/clusters.ts';
import { openProbeWriter, type ProbeWriter } from './change-probe.ts';
import { kubernetesConfig } from './config.ts';
import { openConnection } from './connection.ts';

const { signal } = new AbortController();
const approved = { idempotencyKey: 'm0123456789abcdef', signal };
const CHANGE: ProbeChange = {
  workload: { kind: 'Deployment', namespace: 'airflow', name: 'scheduler', uid: 'uid-s' },
  container: 'scheduler',
  probe: 'liveness',
  field: 'failureThreshold',
  from: 5,
  to: 15,
};
const PATH = '/apis/apps/v1/namespaces/airflow/deployments/scheduler';
const PATCH = { path: PATH, method: 'PATCH' };

type WorkloadRequest = Parameters<typeof workloadObject>[1];

const CONTAINERS = [
  {
    name: 'scheduler',
    image: 'registry.example/airflow:2.2',
    env: [{ name: 'HOME', value: '/root' }],
    livenessProbe: {
      exec: { command: ['/check', '--token=hunter2'] },
      periodSeconds: 30,
      failureThreshold: 5,
    },
    startupProbe: { exec: { command: ['/check'] } },
  },
  { name: 'proxy', image: 'registry.example/proxy:1' },
];

const scheduler = (request: WorkloadRequest = {}) =>
  workloadObject('scheduler', { namespace: 'airflow', uid: 'uid-s', containers: CONTAINERS, ...request });

interface Opened {
  readonly server: TestCluster;
  readonly writer: ProbeWriter;
  readonly template: () => PodTemplate;
  readonly put: (object: ApiObject) => void;
}

async function open(
  object = scheduler(),
  plural: 'deployments' | 'statefulsets' | 'daemonsets' = 'deployments',
): Promise<Opened> {
  const server = await startCluster({ [plural]: [object] });
  onTestFinished(server.close);
  const kubeconfig = await saveFile('kubeconfig', server.kubeconfig());
  const config = kubernetesConfig.parse({ kind: 'kubernetes', name: 'lab', kubeconfig, timeoutMs: 2_000 });
  const connection = openConnection(config, config, undefined);
  onTestFinished(connection.close);
  return {
    server,
    writer: openProbeWriter('lab', connection),
    template: () =>
      (server.find(plural, 'scheduler', 'airflow')!['spec'] as { readonly template: PodTemplate }).template,
    put: (changed) => void server.save(plural, changed),
  };
}

const patches = ({ asked }: TestCluster) => asked.filter(({ method }) => method === 'PATCH');

test('changes one field, and annotates the template with the id of the remediation; only once', async () => {
  const { server, writer, template } = await open();
  const before = template();

  await writer.changeProbe(CHANGE, approved);
  await writer.changeProbe(CHANGE, approved);

  const { annotations, ...metadata } = template().metadata!;
  expect(annotations).toEqual({
    'wrench/adjusted-by': approved.idempotencyKey,
    'wrench/adjusted-container': 'scheduler',
    'wrench/adjusted-at': expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
  });
  expect(metadata).toEqual(before.metadata);
  const [first, second] = before.spec.containers;
  expect(template().spec).toEqual({
    ...before.spec,
    containers: [{ ...first, livenessProbe: { ...first!.livenessProbe, failureThreshold: 15 } }, second],
  });
  expect(patches(server)).toHaveLength(1);
  expect(patches(server)[0]).toMatchObject({
    path: `${PATH}?fieldManager=wrench`,
    contentType: 'application/strategic-merge-patch+json',
  });
  expect(JSON.parse(patches(server)[0]!.body!)).toMatchObject({
    metadata: { uid: 'uid-s', resourceVersion: '1' },
  });
});

test('a later remediation changes it again', async () => {
  const { writer, template } = await open();
  await writer.changeProbe(CHANGE, approved);

  await writer.changeProbe({ ...CHANGE, from: 15, to: 45 }, { idempotencyKey: 'mold', signal });

  expect(template().metadata!.annotations).toMatchObject({ 'wrench/adjusted-by': 'mold' });
  expect(template().spec.containers[0]!.livenessProbe).toMatchObject({ failureThreshold: 45 });
});

test('the same remediation does not change it again, even if someone has reset it since', async () => {
  const { server, writer, template, put } = await open();
  await writer.changeProbe(CHANGE, approved);
  const now = server.find('deployments', 'scheduler', 'airflow')!;
  put({ ...now, spec: { template: { ...template(), spec: { containers: CONTAINERS } } } });

  await writer.changeProbe(CHANGE, approved);

  expect(patches(server)).toHaveLength(1);
});

test.each([
  ['statefulsets', 'StatefulSet'],
  ['daemonsets', 'DaemonSet'],
] as const)('%s are changed too', async (plural, kind) => {
  const { server, writer, template } = await open(scheduler(), plural);

  await writer.changeProbe({ ...CHANGE, workload: { ...CHANGE.workload, kind } }, approved);

  expect(template().spec.containers[0]!.livenessProbe).toMatchObject({ failureThreshold: 15 });
  expect(patches(server)[0]!.path).toContain(`/${plural}/`);
});

test('the startup probe, a timeout that is not in the object, and a sidecar', async () => {
  const sidecar = {
    name: 'logs',
    image: 'i',
    restartPolicy: 'Always',
    livenessProbe: { tcpSocket: { port: 80 } },
  };
  const { writer, template } = await open(scheduler({ initContainers: [sidecar] }));

  await writer.changeProbe(
    { ...CHANGE, probe: 'startup', field: 'timeoutSeconds', from: 1, to: 5 },
    { idempotencyKey: 'm1', signal },
  );
  await writer.changeProbe(
    { ...CHANGE, container: 'logs', from: 3, to: 9 },
    { idempotencyKey: 'm2', signal },
  );

  expect(template().spec.containers[0]!.startupProbe).toMatchObject({ timeoutSeconds: 5 });
  expect(template().spec['initContainers']).toMatchObject([
    { name: 'logs', livenessProbe: { failureThreshold: 9 } },
  ]);
  expect(template().spec.containers).toHaveLength(2);
});

test.each([
  ['was deleted', 'no longer exists', undefined, CHANGE],
  ['was replaced', 'was replaced by another one with the same name', scheduler({ uid: 'uid-2' }), CHANGE],
  [
    'has another value',
    'livenessProbe.failureThreshold of scheduler in the Deployment airflow/scheduler is now 5, not 8',
    scheduler(),
    { ...CHANGE, from: 8 },
  ],
  [
    'lacks the container',
    'the Deployment airflow/scheduler no longer has the container web',
    scheduler(),
    { ...CHANGE, container: 'web' },
  ],
  [
    'lacks the probe',
    'the container proxy of the Deployment airflow/scheduler no longer has a livenessProbe',
    scheduler(),
    { ...CHANGE, container: 'proxy' },
  ],
  [
    'is being deleted',
    'the Deployment airflow/scheduler is being deleted',
    {
      ...scheduler(),
      metadata: { ...scheduler().metadata, deletionTimestamp: '2026-11-26T12:00:00Z' },
    },
    CHANGE,
  ],
] as const)('a workload that %s is not changed', async (_, because, object, change) => {
  const { server, writer } = await open(object ?? scheduler());
  if (!object) server.remove('deployments', 'scheduler', 'airflow');

  for (const attempt of [
    () => writer.changeProbe(change, approved),
    () => writer.tryChange(change, { signal }),
  ])
    await expect(attempt()).rejects.toMatchObject({
      kind: 'missing',
      message: expect.stringContaining(because) as string,
    });
  expect(patches(server)).toEqual([]);
});

test.each([
  ['a paused rollout', scheduler({ paused: true }), CHANGE, 'is paused'],
  [
    'a ReplicaSet',
    scheduler(),
    { ...CHANGE, workload: { ...CHANGE.workload, kind: 'ReplicaSet' } },
    'does not replace its pods',
  ],
] as const)('%s is not changed, because nothing would follow', async (_, object, change, because) => {
  const { server, writer } = await open(object);

  for (const attempt of [
    async () => writer.changeProbe(change, approved),
    async () => writer.tryChange(change, { signal }),
  ])
    await expect(attempt()).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(because) as string,
    });
  expect(patches(server)).toEqual([]);
});

/** Does something after the workload was read and before the patch is processed. */
function before(server: TestCluster, happens: () => void): void {
  let done: () => void = () => {};
  server.fail(
    {
      ...PATCH,
      until: new Promise<void>((resolve) => (done = resolve)),
      onWait: () => {
        happens();
        done();
      },
    },
    1,
  );
}

test('a workload that changes between the read and the patch is read again', async () => {
  const { server, writer, template, put } = await open();
  before(server, () => put({ ...scheduler(), status: { replicas: 2 } }));

  await writer.changeProbe(CHANGE, approved);

  expect(template().spec.containers[0]!.livenessProbe).toMatchObject({ failureThreshold: 15 });
  expect(patches(server).map(({ status }) => status)).toEqual([409, 200]);
});

test('a value that someone else changes between the read and the patch stays', async () => {
  const { server, writer, template, put } = await open();
  const [first] = CONTAINERS;
  const containers = [{ ...first!, livenessProbe: { ...first!.livenessProbe!, failureThreshold: 7 } }];
  before(server, () => put(scheduler({ containers })));

  await expect(writer.changeProbe(CHANGE, approved)).rejects.toMatchObject({
    kind: 'missing',
    message: expect.stringContaining('is now 7, not 5') as string,
  });
  expect(template().spec.containers[0]!.livenessProbe).toMatchObject({ failureThreshold: 7 });
});

test('a workload that is replaced between the read and the patch is not changed', async () => {
  const { server, writer, template } = await open();
  before(server, () => {
    server.remove('deployments', 'scheduler', 'airflow');
    server.put('deployments', scheduler({ uid: 'uid-2' }));
  });

  await expect(writer.changeProbe(CHANGE, approved)).rejects.toMatchObject({ kind: 'missing' });
  expect(template().spec.containers[0]!.livenessProbe).toMatchObject({ failureThreshold: 5 });
});

test('of two concurrent remediations, one changes it and the other finds it changed', async () => {
  const { writer, template } = await open();
  const ids = ['m000000000000000a', 'm000000000000000b'];

  const results = await Promise.allSettled(
    ids.map((idempotencyKey) => writer.changeProbe(CHANGE, { idempotencyKey, signal })),
  );

  const won = results.findIndex(({ status }) => status === 'fulfilled');
  expect(results[1 - won]).toMatchObject({ status: 'rejected', reason: { kind: 'missing' } });
  expect(template().metadata!.annotations).toMatchObject({ 'wrench/adjusted-by': ids[won] });
});

test('of two workers with the same remediation, one sends the change', async () => {
  const { server, writer, template } = await open();

  await Promise.all([writer.changeProbe(CHANGE, approved), writer.changeProbe(CHANGE, approved)]);

  expect(patches(server).filter(({ status }) => status === 200)).toHaveLength(1);
  expect(template().spec.containers[0]!.livenessProbe).toMatchObject({ failureThreshold: 15 });
});

test('endless conflicts are an error', async () => {
  const { server, writer, template } = await open();
  server.fail({ ...PATCH, status: 409, body: { kind: 'Status', message: 'conflict' } });

  await expect(writer.changeProbe(CHANGE, approved)).rejects.toMatchObject({ kind: 'refused' });
  expect(patches(server)).toHaveLength(6);
  expect(template().spec.containers[0]!.livenessProbe).toMatchObject({ failureThreshold: 5 });
});

test.each([
  ['lost', { lose: 'answer' }],
  ['cut off', { lose: 'half' }],
] as const)('if the response is %s, reading again shows the change', async (_, fault) => {
  const { server, writer, template } = await open();
  server.fail({ ...PATCH, ...fault }, 1);

  await writer.changeProbe(CHANGE, approved);

  expect(patches(server)).toHaveLength(1);
  expect(template().spec.containers[0]!.livenessProbe).toMatchObject({ failureThreshold: 15 });
});

test.each([
  ['a lost connection', { lose: 'request' }],
  ['no response', { until: 'closed' }],
  ['an API server without etcd', { status: 500, body: { kind: 'Status', message: 'etcd timed out' } }],
] as const)('%s: the error says that the outcome is unknown', async (_, fault) => {
  const { server, writer, template } = await open();
  server.fail({ ...PATCH, ...fault });

  const error = await writer.changeProbe(CHANGE, approved).catch((failure: unknown) => failure);

  expect(error).toMatchObject({ name: 'SourceError', kind: 'unreachable' });
  expect(String(error)).toMatch(/; it is unknown whether the Deployment airflow\/scheduler was changed$/);
  expect(template().spec.containers[0]!.livenessProbe).toMatchObject({ failureThreshold: 5 });
});

test.each([
  ['an empty object', {}],
  ['an unchanged workload', scheduler()],
])('a 200 with %s is an error', async (_, body) => {
  const { server, writer } = await open();
  server.fail({ ...PATCH, status: 200, body });

  await expect(writer.changeProbe(CHANGE, approved)).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining(
      'accepted the patch of the Deployment airflow/scheduler but did not apply it',
    ) as string,
  });
});

test('RBAC forbids it', async () => {
  const { server, writer } = await open();
  server.allow('system:serviceaccount:ops:wrench', [
    { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get'] },
  ]);

  for (const attempt of [
    () => writer.changeProbe(CHANGE, approved),
    () => writer.tryChange(CHANGE, { signal }),
  ])
    await expect(attempt()).rejects.toMatchObject({
      kind: 'refused',
      message: 'permission denied (403): needs `patch deployments.apps`',
    });
});

test.each([
  [403, 'admission webhook "probes.example" denied the request: you cannot raise thresholds'],
  [400, 'admission webhook "probes.example" denied the request without explanation'],
  [422, `ValidatingAdmissionPolicy 'probes' with binding 'all' denied request: at most 10`],
  [
    422,
    'Deployment.apps "scheduler" is invalid: spec.template.spec.containers[0].livenessProbe: Invalid value',
  ],
])('admission rejects it with %i, and its message is quoted', async (status, message) => {
  const { server, writer } = await open();
  server.fail({ ...PATCH, status, body: { kind: 'Status', status: 'Failure', message } });

  for (const [attempt, what] of [
    [() => writer.changeProbe(CHANGE, approved), 'a patch of'],
    [() => writer.tryChange(CHANGE, { signal }), 'a dry run of a patch of'],
  ] as const)
    await expect(attempt()).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(
        new RegExp(
          `rejected the request for ${what} the Deployment airflow/scheduler \\(${status}\\): ${escaped(message)}$`,
        ),
      ) as string,
    });
  expect(patches(server)).toHaveLength(2);
});

function escaped(text: string): string {
  return text.replaceAll(/[[\](){}.'"]/g, String.raw`\$&`);
}

test('a dry run sends the same patch and changes nothing', async () => {
  const { server, writer } = await open();
  const stored = server.find('deployments', 'scheduler', 'airflow');

  await writer.tryChange(CHANGE, { signal });

  expect(server.find('deployments', 'scheduler', 'airflow')).toEqual(stored);
  expect(patches(server)[0]!.path).toBe(`${PATH}?dryRun=All&fieldManager=wrench`);
  expect(JSON.parse(patches(server)[0]!.body!)).toMatchObject({
    metadata: { uid: 'uid-s' },
    spec: {
      template: { spec: { containers: [{ name: 'scheduler', livenessProbe: { failureThreshold: 15 } }] } },
    },
  });
});

test('a dry run whose response lacks the change: a webhook resets it', async () => {
  const { server, writer } = await open();
  server.fail({ ...PATCH, status: 200, body: scheduler() });

  await expect(writer.tryChange(CHANGE, { signal })).rejects.toMatchObject({
    kind: 'refused',
    message:
      'after a dry run, livenessProbe.failureThreshold of scheduler is 5, not 15: an admission webhook may reset it',
  });
});

test('a 404 from a proxy does not mean that the workload no longer exists', async () => {
  const { server, writer } = await open();
  server.fail({ path: PATH, status: 404, body: '<html>default backend</html>' });

  await expect(writer.changeProbe(CHANGE, approved)).rejects.toMatchObject({ kind: 'malformed' });
});
