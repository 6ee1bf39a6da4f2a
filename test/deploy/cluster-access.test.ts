import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { checkSource } from '../../src/doctor/sources.ts';
import { writeLines } from '../../src/doctor/run-doctor.ts';
import type { Cluster, ClusterNode } from '../../src/ports/clusters.ts';
import type { Source } from '../../src/ports/source.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { type KubernetesConfig, kubernetesConfig } from '../../src/sources/kubernetes/config.ts';
import { openKubernetes } from '../../src/sources/kubernetes/open.ts';
import { EVERYTHING, type Rule } from '../world/kubernetes/access.ts';
import { startCluster, type TestCluster } from '../world/kubernetes/api-server.ts';
import { kubelet } from '../world/kubernetes/kubelets.ts';
import { configBody, nodeObject, statsBody } from '../world/kubernetes/objects.ts';
import { filesIn, readAllYaml } from './tree.ts';

/** Accounts with the roles in deploy/kubernetes/rbac, against a server that enforces RBAC. */

const FOLDER = 'deploy/kubernetes/rbac';
const READER = 'system:serviceaccount:wrench:wrench-worker';
const CORDONER = 'system:serviceaccount:wrench:wrench-cordon';
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

let cluster: TestCluster;
let source: Source;
afterEach(async () => {
  await source.close();
  await cluster.close();
});

type Written = Partial<z.input<typeof kubernetesConfig>>;

/** Opens a source for a cluster with two nodes. Its accounts have these rules, or the roles with these names. */
async function open(
  written: Written,
  reading: readonly string[] | readonly Rule[],
  cordoning: readonly string[] = ['wrench-cordon'],
): Promise<void> {
  const rulesOf = (named: readonly string[] | readonly Rule[]): readonly Rule[] =>
    named.flatMap((one): readonly Rule[] => (typeof one === 'string' ? (roles.get(one) ?? []) : [one]));
  cluster = await startCluster({
    nodes: [nodeObject('node-a'), nodeObject('node-b')],
    kubelets: (node) => kubelet({ stats: statsBody(node), config: configBody() }),
    kubeletsListen: true,
    users: [
      { name: READER, rules: rulesOf(reading) },
      { name: CORDONER, rules: rulesOf(cordoning) },
    ],
  });
  const folder = await mkdtemp(join(tmpdir(), 'wrench-access-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [kubeconfig, acting] = [join(folder, 'read'), join(folder, 'cordon')];
  await writeFile(kubeconfig, cluster.kubeconfig({ user: READER }));
  await writeFile(acting, cluster.kubeconfig({ user: CORDONER }));
  const config: KubernetesConfig = kubernetesConfig.parse({
    kind: 'kubernetes',
    name: 'lab',
    kubeconfig,
    ...written,
    ...(written.allow && { allow: { cordon: { kubeconfig: acting } } }),
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
  'with `kubelets: %s`, the roles are enough for every read, and for cordoning',
  async (kubelets) => {
    await open({ kubelets, allow: {} }, ['wrench-read', KUBELET_ROLES[kubelets]]);
    const lab = clusterOf(source);
    const { signal } = new AbortController();
    const nodes: ClusterNode[] = [];
    for await (const page of lab.nodes({ signal })) nodes.push(...page);
    const [node] = nodes;
    if (!node) throw new Error('it lists no node');

    expect(await lab.version({ signal })).toBe('v1.33.5');
    expect(nodes).toHaveLength(2);
    expect(await countOf(lab.pods({ signal }))).toBe(0);
    expect(await countOf(lab.pods({ signal, namespace: 'kube-system' }))).toBe(0);
    expect(await countOf(lab.events({ signal, about: 'Node' }))).toBe(0);
    expect(await countOf(lab.daemonSets({ signal }))).toBe(0);
    expect(await lab.kubeletStats(node, { signal })).toMatchObject({ nodeFs: expect.anything() as object });
    expect(await lab.kubeletConfig(node, { signal })).toMatchObject({
      evictionHard: expect.anything() as object,
    });
    expect(await lab.cordonPermission({ signal })).toEqual({ allowed: true });
    await source.writes?.clusters?.cordon(node, { idempotencyKey: 'm1', signal });

    expect(cluster.find('nodes', node.name)).toMatchObject({ spec: { unschedulable: true } });
    expect(cluster.asked.filter(({ status }) => status === 403)).toEqual([]);
  },
);

test('the account with the roles for `kubelets: direct` passes the doctor without warnings', async () => {
  await open({ kubelets: 'direct', allow: {} }, ['wrench-read', 'wrench-kubelet-read']);

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
  await open({ allow: {} }, ['wrench-read'], []);

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
