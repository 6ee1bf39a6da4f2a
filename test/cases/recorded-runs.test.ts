import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Report } from '../../src/check/finding.ts';
import { issue, makeAuthority } from '../world/ca.ts';
import { writeCertificateFiles } from '../world/certificate-files.ts';
import { serveFakeCluster } from '../world/etcd/fake-cluster.ts';
import { startEtcd } from '../world/etcd.ts';
import { startBosh } from '../world/bosh/under-test.ts';
import { makeMemoryVms, makeVm } from '../world/bosh/vms.ts';
import { startCluster } from '../world/kubernetes/api-server.ts';
import { secretObject, tlsData } from '../world/kubernetes/certificates.ts';
import { kubelet } from '../world/kubernetes/kubelets.ts';
import {
  configBody,
  containerStatus,
  eventObject,
  nodeObject,
  podObject,
  statsBody,
} from '../world/kubernetes/objects.ts';
import { workloadObject } from '../world/kubernetes/workloads.ts';
import { startFakeMonit } from '../world/monit/fake.ts';
import { startTlsServers } from '../world/tls-servers.ts';
import { startVault } from '../world/vault.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { recordRun } from './record-run.ts';
import { replay } from './replay.ts';

// Real servers start and stop here.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS });

const DAY_MS = 86_400_000;
const daysFromNow = (days: number) => new Date(Date.now() + days * DAY_MS);

/**
 * Everything that a person reads, except the duration. Sources are read at the same time, so their order
 * may differ.
 */
function readable({ gaps, coverage, ...report }: Report): Report {
  return {
    ...report,
    durationMs: 0,
    gaps: gaps.toSorted((one, other) => (one.what < other.what ? -1 : 1)),
    coverage: coverage.toSorted((one, other) => (one.source < other.source ? -1 : 1)),
  };
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-recorded-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Records a run, stops the servers, and runs it again. */
async function expectSameReport(
  check: string,
  sources: readonly object[],
  close: () => Promise<unknown>,
  args: Readonly<Record<string, string>> = {},
): Promise<Report> {
  const { report, recording } = await recordRun(check, sources, { args });
  await close();
  expect(readable(await replay(recording))).toEqual(readable(report));
  return report;
}

test('replays certs/expiring of sites, files and a Vault', async () => {
  const sites = await startTlsServers();
  const folder = await makeFolder();
  const files = await writeCertificateFiles(folder);
  const vault = await startVault();
  const authority = await makeAuthority({ name: 'cf-ca' });
  const old = await issue(authority, { name: 'bbs.internal', notAfter: daysFromNow(-1) });
  const other = await issue(authority, { name: 'rep.internal' });
  await vault.mount('secret', '2');
  await vault.put('secret/cf/bbs', { certificate: old.certificatePem, key: old.keyPem });
  await vault.put('secret/cf/rep', { certificate: other.certificatePem, key: old.keyPem });
  await vault.put('secret/cf/users', { password: 'users-and-no-certificate' });
  await vault.put('secret/denied/x', { certificate: other.certificatePem });
  const ending = await makeAuthority({
    name: 'int-2022',
    notBefore: daysFromNow(-900),
    notAfter: daysFromNow(9),
  });
  vault.mountPki('pki', { issuers: [{ name: 'int-2022', authority: ending }], roles: { edge: { ttl: 60 } } });
  await vault.allow('reader', {
    'pki/issuer/*': ['read'],
    'pki/roles': ['list'],
    'pki/roles/*': ['read'],
    'secret/metadata/*': ['list'],
    'secret/data/cf/*': ['read'],
    'secret/subkeys/cf/*': ['read'],
  });
  const token = await vault.issueToken({ policies: ['reader'], ttl: '1h' });
  const report = await expectSameReport(
    'certs/expiring',
    [
      { kind: 'tls', name: 'edge', sites: Object.values(sites.sites), timeoutMs: 2_000 },
      { kind: 'files', name: 'disk', paths: [files.pattern], passphrases: [files.passphrase] },
      {
        kind: 'vault',
        name: 'vault',
        url: vault.address,
        auth: { token },
        paths: ['secret/cf', 'secret/denied'],
        pki: ['pki'],
        allow: { renew: { paths: ['secret/cf/**'] } },
      },
    ],
    () => Promise.all([sites.close(), vault.close()]),
  );
  expect(report.status).toBe('found');
  const text = JSON.stringify(report);
  expect(text).toContain('vault:secret/cf/bbs:certificate');
  expect(text).toContain('vault:secret/denied/x');
  expect(text).toContain('vault:pki/issuer/int-2022');
});

test('replays certs/show of one site', async () => {
  const { sites, close } = await startTlsServers();
  const { host, port } = sites['expired-leaf'];
  const args = { certificate: `${host}:${port}` };
  const source = { kind: 'tls', name: 'edge', sites: [sites['expired-leaf']] };
  const report = await expectSameReport('certs/show', [source], close, args);
  expect(JSON.stringify(report)).toContain(sites['expired-leaf'].host);
});

test('replays etcd/health of members, one of them down and one with an expired certificate', async () => {
  const etcd = await startEtcd({
    members: 3,
    notAfter: [daysFromNow(300), daysFromNow(-1), daysFromNow(300)],
  });
  onTestFinished(etcd.close);
  await etcd.kill(2);
  const report = await expectSameReport('etcd/health', [{ kind: 'etcd', ...etcd.access }], etcd.close);
  expect(report.findings.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(['member-unreachable', 'certificate-expired']),
  );
});

test('replays etcd/health of members with an alarm, a wrong clock and a refused request', async () => {
  const cluster = await serveFakeCluster({
    alarms: [{ memberID: '1000000000000000001', alarm: 'NOSPACE' }],
    members: [
      { answers: { metrics: { text: 'denied', status: 403 } } },
      {
        answers: {
          version: (_, response) => {
            response.setHeader('date', daysFromNow(-1).toUTCString());
            response.end('{"etcdserver":"3.5.9","etcdcluster":"3.5.0"}');
          },
        },
      },
      { state: 'down' },
    ],
  });
  const report = await expectSameReport(
    'etcd/health',
    [{ kind: 'etcd', endpoints: cluster.endpoints, allow: { maintain: true } }],
    cluster.close,
  );
  expect(report.findings.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(['no-space', 'clock-skew']),
  );
});

test('replays etcd/health with the samples of earlier runs', async () => {
  const cluster = await serveFakeCluster({ members: [{ metrics: [{ fsyncs: [1_000, 1_000] }] }] });
  const source = { kind: 'etcd', endpoints: cluster.endpoints };
  const { samples } = await recordRun('etcd/health', [source]);
  const at = new Date(Date.now() - 3_600_000).toISOString();
  const earlier = samples.map(({ sample }) => ({ at, ...sample }));
  expect(earlier).toHaveLength(1);
  const { report, recording } = await recordRun('etcd/health', [source], { earlier });
  await cluster.close();
  expect(recording.earlier).toEqual(earlier);
  expect(readable(await replay(recording))).toEqual(readable(report));
});

test('replays etcd/doppler with its keys and the processes on its machines', async () => {
  const etcd = await startEtcd({ members: 3 });
  onTestFinished(etcd.close);
  const announcement = JSON.stringify({ version: 1, endpoints: ['udp://10.0.1.1:3457'] });
  await etcd.put('/doppler/meta/z1/doppler_z1/0', announcement, { ttlSeconds: 600 });
  const process = { status: 0, monitor: 1, pendingAction: 0, pid: 10, uptimeSeconds: 5_000 };
  const monits = await Promise.all(
    ['doppler_z1', 'doppler_z2'].map(() => startFakeMonit({ processes: [{ name: 'doppler', ...process }] })),
  );
  const report = await expectSameReport(
    'etcd/doppler',
    [
      { kind: 'etcd', ...etcd.access },
      {
        kind: 'monit',
        auth: { username: 'vcap', password: 'random-password' },
        allow: { restart: { processes: ['doppler'] } },
        hosts: monits.map(({ url }, index) => ({ url, instance: `doppler_z${index + 1}/0` })),
      },
    ],
    () => Promise.all([etcd.close(), ...monits.map(({ close }) => close())]),
  );
  expect(report.findings.map(({ reason }) => reason)).toEqual(['all-missing']);
});

test('replays bosh/processes of a director and of machines with monit', async () => {
  const failing = [{ name: 'rep', state: 'failing' }] as const;
  const vms = [0, 1, 2].map((index) =>
    makeVm('cell_z1', index, index === 0 ? { jobState: 'failing', processes: [...failing] } : {}),
  );
  const bosh = await startBosh({
    deployments: { cf: makeMemoryVms(vms), other: makeMemoryVms([makeVm('router', 0)]) },
    releases: { cf: [{ name: 'cf', version: '245' }] },
  });
  const { director } = bosh;
  director.fail({ path: '/deployments/other/', status: 500, body: '{"code":1,"description":"no"}' });
  const folder = await makeFolder();
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, director.ca);
  const monit = await startFakeMonit({
    processes: [{ name: 'rep', status: 512, monitor: 1, pendingAction: 0 }],
    others: [{ name: 'm\u00FCll', type: 0, status: 1, monitor: 1 }],
  });
  const report = await expectSameReport(
    'bosh/processes',
    [
      {
        kind: 'bosh',
        url: director.url,
        ca,
        auth: { client: { id: director.reader.id, secret: director.reader.secret } },
      },
      {
        kind: 'monit',
        name: 'edge',
        auth: { username: 'vcap', password: 'random-password' },
        hosts: [{ url: monit.url, instance: 'edge/0' }],
      },
    ],
    () => Promise.all([bosh.close(), monit.close()]),
  );
  expect(report.findings.length).toBeGreaterThan(2);
  expect(report.gaps.length).toBeGreaterThan(0);
});

test.each(['proxy', 'direct'] as const)(
  'replays node/disk and node/versions with kubelets: %s',
  async (kubelets) => {
    const full = kubelet({ stats: statsBody('node-b', { availableBytes: 2 ** 30 }), config: configBody() });
    const options = {
      nodes: [nodeObject('node-a'), nodeObject('node-b', { kubeletVersion: 'v1.34.0' })],
      pods: [
        podObject('agent', {
          node: 'node-b',
          annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'CANARY-annotation' },
          containers: [
            {
              name: 'agent',
              image: 'agent:1',
              env: [
                { name: 'DOCKER_HOST', value: 'tcp://localhost:2375' },
                { name: 'GREETING', value: 'CANARY-variable' },
              ],
            },
          ],
        }),
      ],
      kubelets: {
        'node-a': kubelet({ stats: statsBody('node-a'), config: configBody() }),
        'node-b': full,
      },
      kubeletsListen: kubelets === 'direct',
    };
    for (const check of ['node/disk', 'node/versions']) {
      const cluster = await startCluster(options);
      const kubeconfig = join(await makeFolder(), 'kubeconfig');
      await writeFile(kubeconfig, cluster.kubeconfig());
      const source = { kind: 'kubernetes', name: 'lab', kubeconfig, kubelets, allow: { cordon: {} } };
      const { report, recording, text } = await recordRun(check, [source]);
      await cluster.close();

      expect(report.status).toBe('found');
      expect(text).not.toContain('CANARY');
      expect(readable(await replay(recording))).toEqual(readable(report));
    }
  },
);

test('replays certs/expiring with Secrets and CAs of a cluster, without any key', async () => {
  const authority = await makeAuthority({ name: 'lab' });
  const web = await issue(authority, {
    name: 'web.example.org',
    notBefore: daysFromNow(-87),
    notAfter: daysFromNow(3),
  });
  const cluster = await startCluster({
    secrets: [
      secretObject('web', { data: tlsData(web, { authorityPem: authority.certificatePem }) }),
      secretObject('half', { data: { 'tls.crt': '', 'tls.key': '' } }),
    ],
    configmaps: [
      {
        metadata: { name: 'trust', namespace: 'shop' },
        data: { 'ca.crt': authority.certificatePem, password: 'CANARY' },
      },
    ],
  });
  const kubeconfig = join(await makeFolder(), 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig());
  const certificates = { secrets: 'tls', trust: ['shop/trust'] };
  const source = { kind: 'kubernetes', name: 'lab', kubeconfig, certificates };
  const { report, recording, text } = await recordRun('certs/expiring', [source]);
  await cluster.close();

  expect(report.status).toBe('found');
  expect(report.findings).toMatchObject([{ target: 'lab:default/web:tls.crt' }]);
  expect(report.gaps.map(({ what }) => what)).toEqual(['lab:default/half:tls.crt']);
  const [, key = ''] = /-----\n([^]+)\n-----/.exec(web.keyPem) ?? [];
  expect(text).not.toContain('CANARY');
  expect(text).not.toContain(key.slice(60, 120));
  expect(text).not.toContain(Buffer.from(web.keyPem).toString('base64').slice(120, 180));
  expect(readable(await replay(recording))).toEqual(readable(report));
});

test('replays pods/restarts with events, a previous log and the workload, without arguments of probes', async () => {
  const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1_000).toISOString();
  const livenessProbe = {
    exec: { command: ['sh', '-c', 'curl -u CANARY http://localhost'] },
    initialDelaySeconds: 10,
    periodSeconds: 10,
    timeoutSeconds: 1,
    failureThreshold: 3,
  };
  const containers = [{ name: 'app', image: 'app:1', livenessProbe }];
  const cluster = await startCluster({
    nodes: [nodeObject('node-a')],
    pods: [
      podObject('api-5f-1', {
        namespace: 'shop',
        node: 'node-a',
        uid: 'uid-1',
        createdAt: at(600),
        owner: { kind: 'ReplicaSet', name: 'api-5f' },
        containers,
        containerStatuses: [
          containerStatus('app', {
            restartCount: 9,
            state: { running: { startedAt: at(20) } },
            lastState: {
              terminated: {
                exitCode: 137,
                reason: 'Error',
                message: 'CANARY',
                startedAt: at(60),
                finishedAt: at(21),
              },
            },
          }),
        ],
      }),
    ],
    events: [
      eventObject('api-5f-1', {
        kind: 'Pod',
        namespace: 'shop',
        reason: 'Unhealthy',
        message: 'Liveness probe failed: command "sh -c curl -u CANARY http://localhost" timed out',
        count: 27,
        firstAt: at(550),
        lastAt: at(25),
      }),
    ],
    deployments: [workloadObject('api', { namespace: 'shop', containers })],
    replicasets: [
      workloadObject('api-5f', { namespace: 'shop', containers, owner: { kind: 'Deployment', name: 'api' } }),
    ],
  });
  cluster.setPreviousLog(
    { namespace: 'shop', pod: 'api-5f-1', container: 'app' },
    'connecting with password=CANARY\nstopping\n',
  );
  const kubeconfig = join(await makeFolder(), 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig());
  const source = { kind: 'kubernetes', name: 'lab', kubeconfig, allow: { adjust: {} } };
  const { report, recording, text } = await recordRun('pods/restarts', [source]);
  await cluster.close();

  expect(report.status).toBe('found');
  expect(text).not.toContain('CANARY');
  expect(text).toContain('stopping');
  expect(readable(await replay(recording))).toEqual(readable(report));
});

test('responds with 404 to a request that was not recorded, and connects to nothing else', async () => {
  const monit = await startFakeMonit({ processes: [] });
  const source = {
    kind: 'monit',
    auth: { username: 'vcap', password: 'random-password' },
    hosts: [{ url: monit.url, instance: 'edge/0' }],
  };
  const { recording } = await recordRun('bosh/processes', [source]);
  const report = await replay({ ...recording, answers: [] });
  await monit.close();
  expect(report.gaps).toEqual([
    { what: 'monit', because: 'edge/0 sent a response that is not a monit status', kind: 'malformed' },
  ]);
});
