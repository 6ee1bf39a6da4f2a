import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { kubernetesConfig } from '../../src/sources/kubernetes/config.ts';
import { tlsConfig } from '../../src/sources/tls/config.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { type Authority, issue, type Issued, makeAuthority } from '../world/ca.ts';
import { EVERYTHING } from '../world/kubernetes/access.ts';
import { startCluster, type TestCluster, WRENCH } from '../world/kubernetes/api-server.ts';
import { startCertManager } from '../world/kubernetes/cert-manager.ts';
import {
  certificateObject,
  ISSUING,
  READY,
  secretObject,
  tlsData,
} from '../world/kubernetes/certificates.ts';
import { startDeploymentController, timestamp } from '../world/kubernetes/deployment-controller.ts';
import { containerStatus, nodeObject } from '../world/kubernetes/objects.ts';
import type { ApiObject } from '../world/kubernetes/resources.ts';
import { type PodTemplate, workloadObject } from '../world/kubernetes/workloads.ts';
import { ADA, GRACE, INCIDENT, KATE, setStage, type Stage } from './harness.ts';
import { ask } from './incident.ts';

// A cluster with its controllers, and both roles.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);
const decoded = (secret: ApiObject | undefined, key: string) =>
  Buffer.from((secret?.['data'] as Record<string, string> | undefined)?.[key] ?? '', 'base64').toString();

/** What runs in a pod: it has the address of the pod, and serves the Secret as it was when it was started. */
interface App {
  readonly name: string;
  readonly address: string;
  readonly server: Server;
  readonly port: number;
  /** It also loads every new version of the Secret, which is mounted without `subPath`. */
  readonly reloads: boolean;
}

let folder: string;
let authority: Authority;
let cluster: TestCluster;
let stage: Stage;
let rejection: string | undefined;
const apps: App[] = [];
/** The pods of the beginning have run for a month. */
let startsAt = () => inDays(-30);
/** While it is true, no new pod is started. */
let isNodeFull = false;

function secretOf(name: string): ApiObject | undefined {
  return cluster.find('secrets', `${name}-tls`, 'shop');
}

function issueFor(name: string, from: number, until: number): Promise<Issued> {
  return issue(authority, {
    name,
    names: [`${name}.example.org`],
    notBefore: inDays(from),
    notAfter: inDays(until),
  });
}

async function store(name: string, issued: Issued, daysAgo = 0): Promise<void> {
  const data = tlsData(issued, { authorityPem: authority.certificatePem });
  const written = { by: 'cert-manager-certificates-issuing', at: timestamp(inDays(-daysAgo)) };
  cluster.save('secrets', secretObject(`${name}-tls`, { namespace: 'shop', data, written }));
}

function load({ name, server }: App): void {
  server.setSecureContext({
    cert: decoded(secretOf(name), 'tls.crt'),
    key: decoded(secretOf(name), 'tls.key'),
  });
}

async function startApp(name: string, address: string, reloads: boolean): Promise<void> {
  const server = createServer();
  server.on('tlsClientError', () => undefined);
  await once(server.listen(0, address), 'listening');
  const { port } = server.address() as AddressInfo;
  const app = { name, address, server, port, reloads };
  apps.push(app);
  load(app);
  const template = workloadObject(name, {
    namespace: 'shop',
    containers: [
      {
        name,
        image: `registry.example/${name}:1`,
        volumeMounts: [{ name: 'tls', mountPath: '/tls/tls.crt', ...(!reloads && { subPath: 'tls.crt' }) }],
      },
    ],
  });
  const spec = template['spec'] as { readonly template: PodTemplate };
  const volumes = [{ name: 'tls', secret: { secretName: `${name}-tls` } }];
  cluster.save('deployments', {
    ...template,
    spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, volumes } } },
  });
}

/** What a kubelet does: runs new pods, and refreshes what is mounted without `subPath`. */
function kubelet(): void {
  for (const pod of cluster.list('pods')) {
    const app = apps.find(({ name }) => pod.metadata.name.startsWith(`${name}-`));
    if (!app || isNodeFull || (pod['status'] as { phase?: string }).phase !== 'Pending') continue;
    load(app);
    const now = timestamp(startsAt());
    cluster.save('pods', {
      ...pod,
      status: {
        phase: 'Running',
        startTime: now,
        podIP: app.address,
        podIPs: [{ ip: app.address }],
        containerStatuses: [containerStatus(app.name, { state: { running: { startedAt: now } } })],
      },
    });
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-cluster-'));
  authority = await makeAuthority({ name: 'shop CA' });
  cluster = await startCluster({ nodes: [nodeObject('node-a')], certificates: [], secrets: [] });
  startDeploymentController(cluster, { nodes: ['node-a'], now: () => inDays(-30) });
  startCertManager(cluster, { authority, rejects: () => rejection });
  cluster.onChange((plural, { metadata }) => {
    if (plural === 'pods') queueMicrotask(kubelet);
    if (plural === 'secrets')
      for (const app of apps)
        if (app.reloads && metadata.name === `${app.name}-tls`) queueMicrotask(() => load(app));
  });
  await store('web', await issueFor('web', -87, 3), 87);
  await store('mail', await issueFor('mail', -80, 10), 80);
  await startApp('web', '127.0.0.2', true);
  await startApp('mail', '127.0.0.3', false);
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig());
  const source = kubernetesConfig.parse({
    kind: 'kubernetes',
    name: 'lab',
    kubeconfig,
    certificates: { secrets: 'tls' },
    allow: { renew: {}, restart: {} },
  });
  const sites = tlsConfig.parse({
    kind: 'tls',
    sites: apps.map(({ name, address, port }) => `${name}.example.org@${address}:${port}`),
  });
  stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: { environments: { prod: { sources: [source, sites] } } },
  });
  await Promise.all([stage.startWorker(), stage.startBot()]);
  startsAt = () => inDays(-0.1);
});
afterAll(async () => {
  await stage?.close();
  for (const { server } of apps) server.close();
  await cluster?.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  rejection = undefined;
  isNodeFull = false;
  cluster.allow(WRENCH, EVERYTHING);
});

const asked = (text: string, verdict: string) => ask(stage, ['/certs', text], verdict);

/** A Certificate of cert-manager whose Secret ends in three days. */
async function addCertificate(name: string): Promise<void> {
  const [from, until] = [-87, 3];
  if (!secretOf(name)) await store(name, await issueFor(name, from, until), -from);
  const status = {
    notBefore: timestamp(inDays(from)),
    notAfter: new X509Certificate(decoded(secretOf(name), 'tls.crt')).validToDate.toISOString(),
    renewalTime: timestamp(inDays(1)),
  };
  cluster.save('certificates', certificateObject(name, { namespace: 'shop', status }));
}

const certificate = (name: string) => cluster.find('certificates', name, 'shop')!;
const patches = () => cluster.asked.filter(({ method }) => method === 'PATCH');

async function served({ address, port }: App): Promise<string> {
  const socket = connect({ host: address, port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

const stored = (name: string) => new X509Certificate(decoded(secretOf(name), 'tls.crt')).fingerprint256;

test('cert-manager issues a certificate again, and the pod that reloads it serves the new one', async () => {
  await addCertificate('web');
  const [web] = apps as [App];
  const before = await served(web);
  const expiring = await asked('expiring --match shop/web', 'expires in');
  await expiring.press(KATE, 'request');
  await stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(KATE, INCIDENT).find(({ text }) => text.includes('requester role')),
  );
  expect(patches()).toEqual([]);

  await expiring.press(ADA, 'request');
  const fixed = await expiring.posted('FIXED');

  expect(fixed.text).toContain('unless they mount it with ˋsubPathˋ');
  expect(patches()).toHaveLength(1);
  expect(stored('web')).not.toBe(before);
  expect(await served(web)).toBe(stored('web'));
  await asked('drift --match web', 'No difference found');
});

type Change = (name: string) => unknown;

test.each<[string, string, string, Change, RegExp]>([
  [
    'it is already being issued',
    'busy',
    'REFUSED',
    // Without telling the cert-manager of this cluster, which would finish it.
    (name) => Object.assign(certificate(name)['status'] as object, { conditions: [READY, ISSUING] }),
    /cert-manager is already issuing shop\/busy/,
  ],
  [
    'the credential lacks the permission',
    'locked',
    'REFUSED',
    () => cluster.allow(WRENCH, [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list'] }]),
    /lacks .patch certificates.+\/status. in the namespace shop/,
  ],
  [
    'it was issued meanwhile',
    'early',
    'SKIPPED',
    async (name) => {
      await store(name, await issueFor(name, 0, 90));
      const status = {
        ...(certificate(name)['status'] as object),
        notAfter: timestamp(inDays(90)),
        revision: 5,
      };
      cluster.save('certificates', { ...certificate(name), status });
    },
    /finding is gone/,
  ],
  [
    'its issuer rejects the request',
    'denied',
    'FAILED',
    () => {
      rejection = 'role shop not found';
    },
    /couldn't issue shop\/denied: .*role shop not found/,
  ],
])('nothing is issued if %s', async (_, name, word, change, because) => {
  await addCertificate(name);
  const expiring = await asked(`expiring --match shop/${name}`, 'expires in');
  await change(name);
  const before = stored(name);
  await expiring.press(ADA, 'request');

  expect((await expiring.posted(word)).text).toMatch(because);
  expect(stored(name)).toBe(before);
});

test('a workload that never loads the new certificate is restarted, and FIXED once its pod serves it', async () => {
  const mail = apps[1]!;
  await store('mail', await issueFor('mail', -1, 89), 1);
  const drift = await asked('drift --match mail', "isn't served yet");
  await drift.press(ADA, 'request');
  const plan = await drift.posted('PLAN ·');
  expect(plan.text).toContain('Restart Deployment shop/mail, as ˋkubectl rollout restartˋ does');
  for (const [userId, because] of [
    [ADA, 'someone else must'],
    [KATE, 'approver role'],
  ] as const) {
    await drift.press(userId, 'approve');
    await stage.workspace.waitFor(() =>
      stage.workspace.ephemerals(userId, INCIDENT).find(({ text }) => text.includes(because)),
    );
  }
  const [old] = podsOf('mail');

  isNodeFull = true;
  await drift.press(GRACE, 'approve');
  const verifying = await drift.posted("isn't ready yet");
  expect(verifying.text).toContain('VERIFYING');
  expect(podsOf('mail')).not.toEqual([old]);
  expect(await served(mail)).not.toBe(stored('mail'));
  expect(drift.shown()).not.toContain('FIXED');

  isNodeFull = false;
  kubelet();
  await drift.posted('FIXED');
  expect(await served(mail)).toBe(stored('mail'));
  await asked('drift --match mail', 'No difference found');
});

const podsOf = (name: string) =>
  cluster
    .list('pods')
    .map(({ metadata }) => metadata.name)
    .filter((pod) => pod.startsWith(`${name}-`));

test('a restart is refused if the rollout was paused, and skipped if someone else restarted it', async () => {
  await store('mail', await issueFor('mail', 0, 80));
  const first = await asked('drift --match mail', "isn't served yet");
  setPaused(true);
  await first.press(ADA, 'request');
  expect((await first.posted('REFUSED')).text).toContain('its rollout is paused');
  setPaused(false);

  const second = await asked('drift --match mail', "isn't served yet");
  await second.press(ADA, 'request');
  await second.posted('PLAN ·');
  for (const { metadata } of cluster.list('pods'))
    if (metadata.name.startsWith('mail-')) cluster.remove('pods', metadata.name, 'shop');
  await second.press(GRACE, 'approve');
  await second.posted('SKIPPED');
});

function setPaused(paused: boolean): void {
  const deployment = cluster.find('deployments', 'mail', 'shop')!;
  cluster.save('deployments', { ...deployment, spec: { ...(deployment['spec'] as object), paused } });
}

test('no private key reaches Slack or the log', () => {
  const { workspace, log } = stage;
  const seen = JSON.stringify([workspace.requests.map(({ args }) => args), log]);
  const lines = cluster
    .list('secrets')
    .flatMap((secret) => decoded(secret, 'tls.key').split('\n'))
    .filter((line) => line.length > 40 && !line.startsWith('-----'));
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.filter((line) => seen.includes(line))).toEqual([]);
});
