import { expect, onTestFinished, test } from 'vitest';
import { type ClusterOptions, startCluster } from '../../../test/world/kubernetes/api-server.ts';
import { kubelet } from '../../../test/world/kubernetes/kubelets.ts';
import { configBody, nodeObject, statsBody } from '../../../test/world/kubernetes/objects.ts';
import { openLab, readAll, saveFile } from '../../../test/world/kubernetes/open-source.ts';
import type { ClusterNode } from '../../ports/clusters.ts';

const { signal } = new AbortController();
const rulesFor = (...resources: readonly string[]) => [
  { apiGroups: [''], resources: ['nodes'], verbs: ['list'] },
  { apiGroups: [''], resources, verbs: ['get'] },
];
const answering = kubelet({ stats: statsBody('node-a'), config: configBody() });

async function openNode(cluster: ClusterOptions, config: object) {
  const server = await startCluster({ nodes: [nodeObject('node-a')], ...cluster });
  onTestFinished(server.close);
  const lab = await openLab(server.kubeconfig(), config);
  const [node] = (await readAll(lab.cluster.nodes({ signal }))).items as [ClusterNode];
  return { server, cluster: lab.cluster, node };
}

test('through the API server, with nodes/proxy', async () => {
  const { server, cluster, node } = await openNode(
    { kubelets: { 'node-a': answering }, users: [{ name: 'jane', rules: rulesFor('nodes/proxy') }] },
    { kubelets: 'proxy' },
  );

  expect(await cluster.kubeletStats(node, { signal })).toMatchObject({
    nodeFs: { availableBytes: 24 * 1024 ** 3, capacityBytes: 40 * 1024 ** 3 },
    pods: [],
  });
  expect((await cluster.kubeletConfig(node, { signal })).evictionHard).toMatchObject({
    'imagefs.available': { share: 0.15 },
  });
  expect(server.asked.map(({ path }) => path)).toContain('/api/v1/nodes/node-a/proxy/stats/summary');
});

test('directly, with nodes/stats and nodes/configz and the CA of the cluster', async () => {
  const { server, cluster, node } = await openNode(
    {
      kubelets: { 'node-a': answering },
      kubeletsListen: true,
      users: [{ name: 'jane', rules: rulesFor('nodes/stats', 'nodes/configz') }],
    },
    { kubelets: 'direct' },
  );

  expect(await cluster.kubeletStats(node, { signal })).toHaveProperty('nodeFs');
  expect(await cluster.kubeletConfig(node, { signal })).toHaveProperty('imageGcHighPercent', 85);
  expect(server.asked.map(({ kubelet: asked, path }) => [asked, path])).toContainEqual([
    'node-a',
    '/configz',
  ]);
});

test.each(['proxy', 'direct'] as const)(
  'a missing permission has one text for all nodes: %s',
  async (kubelets) => {
    const { cluster, node } = await openNode(
      {
        kubelets: { 'node-a': answering },
        kubeletsListen: true,
        users: [{ name: 'jane', rules: rulesFor() }],
      },
      { kubelets },
    );
    const needed = kubelets === 'proxy' ? 'nodes/proxy' : 'nodes/stats';

    await expect(cluster.kubeletStats(node, { signal })).rejects.toMatchObject({
      kind: 'refused',
      message: `permission denied (403): needs \`get ${needed}\``,
    });
  },
);

test('a kubelet before 1.33 requires nodes/proxy for its configuration', async () => {
  const { cluster, node } = await openNode(
    {
      nodes: [nodeObject('node-a', { kubeletVersion: 'v1.30.2' })],
      kubelets: { 'node-a': answering },
      kubeletsListen: true,
      users: [{ name: 'jane', rules: rulesFor('nodes/stats', 'nodes/configz') }],
    },
    { kubelets: 'direct' },
  );

  await expect(cluster.kubeletConfig(node, { signal })).rejects.toMatchObject({
    kind: 'refused',
    message: 'permission denied (403): needs `get nodes/proxy` from kubelets before 1.33',
  });
});

test('no token is sent to a kubelet whose certificate cannot be verified', async () => {
  const own = { ...answering, certificate: 'own' } as const;
  const { server, cluster, node } = await openNode(
    { kubelets: { 'node-a': own }, kubeletsListen: true },
    { kubelets: 'direct' },
  );

  await expect(cluster.kubeletStats(node, { signal })).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringMatching(/^the kubelet's certificate is not trusted: .*`kubeletCa`$/) as string,
  });
  expect(server.asked.filter(({ kubelet: asked }) => asked !== undefined)).toEqual([]);
});

test('`kubeletInsecure` accepts any certificate, and `kubeletCa` another CA', async () => {
  const own = { ...answering, certificate: 'own' } as const;
  const insecure = await openNode(
    { kubelets: { 'node-a': own }, kubeletsListen: true },
    { kubelets: 'direct', kubeletInsecure: true },
  );
  expect(await insecure.cluster.kubeletStats(insecure.node, { signal })).toHaveProperty('nodeFs');

  const server = await startCluster({});
  onTestFinished(server.close);
  const kubeletCa = await saveFile('ca.pem', server.ca);
  const other = await openNode(
    { kubelets: { 'node-a': answering }, kubeletsListen: true },
    { kubelets: 'direct', kubeletCa },
  );
  await expect(other.cluster.kubeletStats(other.node, { signal })).rejects.toMatchObject({
    kind: 'unreachable',
  });
});

test('with `kubelets: none`, the error names the option', async () => {
  const { cluster, node } = await openNode({}, {});

  expect(cluster.kubelets).toBe('none');
  await expect(cluster.kubeletStats(node, { signal })).rejects.toMatchObject({
    kind: 'refused',
    message: 'kubelets are not queried: set `kubelets` to `direct` or `proxy`',
  });
});

test('404 is missing, and a kubelet that is down is unreachable', async () => {
  const { cluster, node } = await openNode(
    {
      nodes: [nodeObject('node-a'), nodeObject('node-b')],
      kubelets: { 'node-a': kubelet({ config: configBody() }) },
    },
    { kubelets: 'proxy' },
  );
  await expect(cluster.kubeletStats(node, { signal })).rejects.toMatchObject({ kind: 'missing' });
  await expect(cluster.kubeletStats({ ...node, name: 'node-b' }, { signal })).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('connection refused') as string,
  });
});

test.each([
  ['a web page', '<html></html>'],
  ['an empty object', {}],
  ['a negative number', { node: { fs: { availableBytes: -1, capacityBytes: 10 } } }],
  ['text instead of a number', { node: { fs: { availableBytes: '1', capacityBytes: 10 } } }],
  ['pods that are not a list', { node: {}, pods: {} }],
])('%s instead of stats is malformed', async (_, body) => {
  const { cluster, node } = await openNode(
    { kubelets: { 'node-a': { answers: { '/stats/summary': { status: 200, body } } } } },
    { kubelets: 'proxy' },
  );

  await expect(cluster.kubeletStats(node, { signal })).rejects.toMatchObject({
    name: 'SourceError',
    kind: 'malformed',
  });
});

test.each(['proxy', 'direct'] as const)('stats of another node are an error: %s', async (kubelets) => {
  const { cluster, node } = await openNode(
    { kubelets: { 'node-a': kubelet({ stats: statsBody('node-b') }) }, kubeletsListen: true },
    { kubelets },
  );

  await expect(cluster.kubeletStats(node, { signal })).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringMatching(/unusable data: it describes the node node-b$/) as string,
  });
});

test.each([
  'evil.example.com/api',
  'evil.example.com?',
  'evil.example.com#',
  'user@evil.example.com',
  'evil.example.com:443/',
  '10.0.0.1 ',
  '',
  '::1]:443/[',
  'fe80::1%eth0',
  'xn--\u{1F4A9}',
])('no request is sent to an invalid address: %j', async (address) => {
  const { server, cluster, node } = await openNode(
    { kubelets: { 'node-a': answering }, kubeletsListen: true },
    { kubelets: 'direct' },
  );
  const before = server.asked.length;

  await expect(
    cluster.kubeletStats({ ...node, addresses: [{ type: 'InternalIP', address }] }, { signal }),
  ).rejects.toMatchObject({ kind: 'missing', message: 'node-a has no address for its kubelet' });
  expect(server.asked).toHaveLength(before);
});

test.each(['..', 'a/../../pods', 'a%2Fb', '\uD800', 'node-a\nforged: line'])(
  'no request is sent for a node whose name contains path characters: %j',
  async (name) => {
    const { server, cluster, node } = await openNode(
      { kubelets: { 'node-a': answering } },
      { kubelets: 'proxy' },
    );
    const before = server.asked.length;

    await expect(cluster.kubeletStats({ ...node, name }, { signal })).rejects.toMatchObject({
      kind: 'malformed',
      message: expect.stringMatching(/^[^\n]* is not a valid node name$/) as string,
    });
    expect(server.asked).toHaveLength(before);
  },
);

test('without a CA for kubelets, no credential is sent to them', async () => {
  const server = await startCluster({
    nodes: [nodeObject('node-a')],
    kubelets: { 'node-a': answering },
    kubeletsListen: true,
  });
  onTestFinished(server.close);
  const unverified = JSON.stringify({
    'current-context': 'lab',
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    clusters: [{ name: 'lab', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'lab', user: { token: server.tokenOf() } }],
  });
  const { cluster } = await openLab(unverified, { kubelets: 'direct' });
  const [node] = (await readAll(cluster.nodes({ signal }))).items as [ClusterNode];

  await expect(cluster.kubeletStats(node, { signal })).rejects.toMatchObject({
    kind: 'refused',
    message: 'not configured: the kubeconfig has no CA to verify kubelets with, so set `kubeletCa`',
  });
  expect(server.asked.some(({ kubelet: asked }) => asked !== undefined)).toBe(false);

  const empty = await openLab(server.kubeconfig(), {
    kubelets: 'direct',
    kubeletCa: await saveFile('ca.crt', ''),
  });
  await expect(empty.cluster.kubeletStats(node, { signal })).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringMatching(/^the file .*ca\.crt contains no certificate$/) as string,
  });
});

test("our credential is kept if a kubelet rejects the API server's own", async () => {
  const { server, cluster, node } = await openNode(
    { kubelets: { 'node-a': { answers: { '/stats/summary': { status: 401, body: 'Unauthorized' } } } } },
    { kubelets: 'proxy' },
  );

  await expect(cluster.kubeletStats(node, { signal })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(
      /^kubelets do not accept the API server's own credential \(401\)/,
    ) as string,
  });
  expect(server.asked).toHaveLength(2);
});
