import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { checkSource } from '../../src/doctor/sources.ts';
import { writeLines } from '../../src/doctor/run-doctor.ts';
import type { Cluster, ClusterNode, ImageChange, ProbeChange } from '../../src/ports/clusters.ts';
import type { Source } from '../../src/ports/source.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import {
  type Act,
  ACTS,
  type KubernetesConfig,
  kubernetesConfig,
} from '../../src/sources/kubernetes/config.ts';
import { openKubernetes } from '../../src/sources/kubernetes/open.ts';
import { EVERYTHING, type Rule } from '../world/kubernetes/access.ts';
import { startCluster, type TestCluster } from '../world/kubernetes/api-server.ts';
import { kubelet } from '../world/kubernetes/kubelets.ts';
import { configBody, nodeObject, podObject, statsBody } from '../world/kubernetes/objects.ts';
import { endpointOf, endpointSliceObject, serviceObject } from '../world/kubernetes/services.ts';
import { workloadObject } from '../world/kubernetes/workloads.ts';
import { filesIn, readAllYaml } from './tree.ts';

/** Accounts with the roles in deploy/kubernetes/rbac, against a server that enforces RBAC. */

const FOLDER = 'deploy/kubernetes/rbac';
const READER = 'system:serviceaccount:wrench:wrench-worker';
const accountOf = (act: Act) => `system:serviceaccount:wrench:wrench-${act}`;
const TIMEOUT_MS = 30_000;

const rule = z.union([
  z.object({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) }),
  z.object({ nonResourceURLs: z.array(z.string()), verbs: z.array(z.string()) }),
]);
const role = z.object({
  kind: z.literal('ClusterRole'),
  metadata: z.object({ name: z.string() }),
  rules: z.array(rule),
});
const roles = new Map(
  filesIn(FOLDER)
    .flatMap((file) => readAllYaml(`${FOLDER}/${file}`))
    .flatMap((document) => {
      const { success, data } = role.safeParse(document);
      return success ? [[data.metadata.name, data.rules] as const] : [];
    }),
);
const { checks } = await loadCatalogue();

const EVICTED = podObject('api-1', {
  namespace: 'shop',
  uid: 'uid-1',
  phase: 'Failed',
  reason: 'Evicted',
  owner: { kind: 'ReplicaSet', name: 'api-5f' },
});
const CONTAINER = { namespace: 'shop', pod: 'api-1', container: 'app' };
const API = workloadObject('api', {
  namespace: 'shop',
  uid: 'uid-api',
  containers: [
    {
      name: 'app',
      image: 'registry.example/app:1',
      livenessProbe: { tcpSocket: { port: 80 }, failureThreshold: 3 },
    },
  ],
});
const workload = { kind: 'Deployment', namespace: 'shop', name: 'api', uid: 'uid-api' } as const;
const CHANGE: ProbeChange = {
  workload,
  container: 'app',
  probe: 'liveness',
  field: 'failureThreshold',
  from: 3,
  to: 6,
};

const PIN: ImageChange = {
  workload,
  container: 'app',
  from: 'registry.example/app:1',
  to: `registry.example/app@sha256:${'a1'.repeat(32)}`,
};
const SLICE = endpointSliceObject('api-x7k2p', {
  namespace: 'shop',
  service: 'api',
  endpoints: [endpointOf('api-1', '10.244.1.1')],
});

let cluster: TestCluster;
let source: Source;
afterEach(async () => {
  await source.close();
  await cluster.close();
});

interface Written {
  readonly kubelets?: KubernetesConfig['kubelets'];
  /** Each has its own account. */
  readonly allow?: readonly Act[];
}

/** Opens a source for a cluster with two nodes. Its accounts have these rules, or the roles with these names. */
async function open(
  { kubelets, allow = [] }: Written,
  reading: readonly string[] | readonly Rule[],
  acting?: readonly string[],
): Promise<void> {
  const rulesOf = (named: readonly string[] | readonly Rule[]): readonly Rule[] =>
    named.flatMap((one): readonly Rule[] => (typeof one === 'string' ? (roles.get(one) ?? []) : [one]));
  cluster = await startCluster({
    nodes: [nodeObject('node-a'), nodeObject('node-b')],
    kubelets: (node) => kubelet({ stats: statsBody(node), config: configBody() }),
    kubeletsListen: true,
    pods: [EVICTED],
    deployments: [API],
    rollouts: [workloadObject('web', { namespace: 'shop' })],
    services: [serviceObject('api', { namespace: 'shop' })],
    endpointslices: [SLICE],
    users: [
      { name: READER, rules: rulesOf(reading) },
      ...ACTS.map((act) => ({ name: accountOf(act), rules: rulesOf(acting ?? [`wrench-${act}`]) })),
    ],
  });
  cluster.setPreviousLog(CONTAINER, 'leaderelection lost\n');
  const folder = await mkdtemp(join(tmpdir(), 'wrench-access-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const kubeconfig = join(folder, 'read');
  await writeFile(kubeconfig, cluster.kubeconfig({ user: READER }));
  for (const act of ACTS) await writeFile(join(folder, act), cluster.kubeconfig({ user: accountOf(act) }));
  const config = kubernetesConfig.parse({
    kind: 'kubernetes',
    name: 'lab',
    kubeconfig,
    ...(kubelets && { kubelets }),
    ...(allow.includes('renew') && { certificates: {} }),
    allow: Object.fromEntries(allow.map((act) => [act, { kubeconfig: join(folder, act) }])),
  });
  source = openKubernetes(config);
}

async function runDoctor(): Promise<string> {
  return writeLines(await checkSource({ environment: 'prod', source, checks }, TIMEOUT_MS));
}

function clusterOf({ reads: { clusters } }: Source): Cluster {
  if (!clusters) throw new Error('it reads no cluster');
  return clusters;
}

async function countOf(pages: AsyncIterable<readonly unknown[]>): Promise<number> {
  let count = 0;
  for await (const page of pages) count += page.length;
  return count;
}

const KUBELET_ROLES = { direct: 'wrench-kubelet-read', proxy: 'wrench-kubelet-proxy' } as const;

test.each(['direct', 'proxy'] as const)(
  'with `kubelets: %s`, the roles are enough for every read and every change',
  async (kubelets) => {
    await open({ kubelets, allow: ACTS }, [
      'wrench-read',
      'wrench-logs',
      'wrench-certificates',
      KUBELET_ROLES[kubelets],
    ]);
    const lab = clusterOf(source);
    const { signal } = new AbortController();
    const nodes: ClusterNode[] = [];
    for await (const page of lab.nodes({ signal })) nodes.push(...page);
    const [node] = nodes;
    if (!node) throw new Error('it lists no node');

    expect(await lab.version({ signal })).toBe('v1.33.5');
    expect(nodes).toHaveLength(2);
    expect(await countOf(lab.pods({ signal }))).toBe(1);
    expect(await countOf(lab.pods({ signal, namespace: 'kube-system' }))).toBe(0);
    expect(await countOf(lab.events({ signal, about: 'Node' }))).toBe(0);
    expect(await countOf(lab.daemonSets({ signal }))).toBe(0);
    expect(await countOf(lab.replicaSets({ signal }))).toBe(0);
    expect(await countOf(lab.services({ signal, namespace: 'shop' }))).toBe(1);
    expect(await countOf(lab.endpoints({ signal, namespace: 'shop', service: 'api' }))).toBe(1);
    expect(await countOf(lab.rollouts({ signal, namespace: 'shop' }))).toBe(2);
    expect(await lab.workload(workload, { signal })).toMatchObject({ name: 'api' });
    expect(await lab.previousLog(CONTAINER, { signal, lines: 5 })).toEqual(['leaderelection lost']);
    expect(await lab.kubeletStats(node, { signal })).toMatchObject({ nodeFs: expect.anything() as object });
    expect(await lab.kubeletConfig(node, { signal })).toMatchObject({
      evictionHard: expect.anything() as object,
    });
    expect(await lab.cordonPermission({ signal })).toEqual({ allowed: true });
    expect(await lab.removePermission({ signal, namespace: 'shop' })).toEqual({
      allowed: true,
      running: false,
    });
    expect(await lab.adjustPermission({ signal, namespace: 'shop' })).toEqual({
      allowed: true,
      managed: false,
    });
    for (const permission of [lab.restartPermission, lab.pinPermission])
      expect(await permission({ signal, namespace: 'shop' })).toEqual({ allowed: true, managed: false });
    await lab.tryProbeChange(CHANGE, { signal });
    await lab.tryImageChange(PIN, { signal });
    const writer = source.writes!.clusters!;
    await writer.cordon(node, { idempotencyKey: 'm1', signal });
    await writer.deletePod(
      { namespace: 'shop', name: 'api-1', uid: 'uid-1' },
      { idempotencyKey: 'm2', signal },
    );
    await writer.changeProbe(CHANGE, { idempotencyKey: 'm3', signal });
    await writer.restartWorkload(workload, { idempotencyKey: 'm4', signal });
    await writer.changeImage(PIN, { idempotencyKey: 'm5', signal });

    expect(cluster.find('nodes', node.name)).toMatchObject({ spec: { unschedulable: true } });
    expect(cluster.find('pods', 'api-1', 'shop')).toBeUndefined();
    expect(cluster.find('deployments', 'api', 'shop')).toMatchObject({
      spec: {
        template: {
          metadata: { annotations: { 'wrench/restarted-by': 'm4', 'wrench/pinned-by': 'm5' } },
          spec: { containers: [{ image: PIN.to, livenessProbe: { failureThreshold: 6 } }] },
        },
      },
    });
    expect(cluster.asked.filter(({ status }) => status === 403)).toEqual([]);
  },
);

test('the account with the roles for `kubelets: direct` passes the doctor without warnings', async () => {
  await open({ kubelets: 'direct', allow: ACTS }, [
    'wrench-read',
    'wrench-kubelet-read',
    'wrench-certificates',
  ]);

  const output = await runDoctor();

  expect(output).toMatch(
    /^✔ prod\/lab: Kubernetes v1\.33\.5, 2 nodes\n✔ prod\/lab: has all permissions that /,
  );
  expect(output).not.toMatch(/[!✖]/);
});

test('without a role, the doctor lists each missing permission once, with the file that grants it', async () => {
  await open({ kubelets: 'direct' }, []);

  const output = await runDoctor();

  expect(output).toMatch(/^✔ prod\/lab: Kubernetes v1\.33\.5\n/);
  for (const permission of ['list nodes', 'list pods']) expect(output.split(permission)).toHaveLength(2);
  expect(output).toContain('    Apply deploy/kubernetes/rbac/read.yaml');
  expect(output).not.toMatch(/!|HTTP|403/);
});

test('`kubelets: proxy` is a warning', async () => {
  await open({ kubelets: 'proxy' }, ['wrench-read', 'wrench-kubelet-proxy']);

  expect(await runDoctor()).toContain(
    '! prod/lab: is allowed to get nodes/proxy, which also lets it run commands in every container\n' +
      '    Set `kubelets: direct`',
  );
});

test('a kubeconfig of an administrator is one warning', async () => {
  await open({ kubelets: 'proxy' }, EVERYTHING);

  const output = await runDoctor();

  expect(output.match(/^!.*$/gm)).toEqual([
    '! prod/lab: is allowed to do anything in the cluster, which nothing in the configuration needs',
  ]);
  expect(output).not.toContain('✖');
});

test('an account for cordoning without the permission fails, with the fixes that need it', async () => {
  await open({ allow: ['cordon'] }, ['wrench-read'], []);

  expect(await runDoctor()).toMatch(
    /✖ prod\/lab: the credential of `allow\.cordon` isn't allowed to get nodes and patch nodes, which node\/versions:cordon and node\/versions:uncordon need\n/,
  );
});

test('an expired token is one line', async () => {
  await open({}, ['wrench-read']);
  cluster.renewToken(READER);

  const output = await runDoctor();

  expect(output.match(/prod\/lab:/g)).toHaveLength(1);
  expect(output).toContain('✖ prod/lab:');
});
