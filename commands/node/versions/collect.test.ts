import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { clusterNode, clusterSource } from '../../shared/fixture-clusters.ts';
import { collect } from './collect.ts';

const signal = AbortSignal.timeout(2 ** 31 - 1);

async function collectFrom(
  clusters: readonly ports.Cluster[],
  args: Parameters<typeof collect>[1] = {},
  stopped: AbortSignal = signal,
) {
  const gaps: string[] = [];
  const unrelated: string[] = [];
  const notes: string[] = [];
  const seen: Record<string, number> = {};
  const gap: ReadContext['gap'] = (what, error, more = {}) =>
    void (more.unrelated === true ? unrelated : gaps).push(`${what}: ${error.message}`);
  const facts = await collect(
    {
      read: { clusters },
      now: new Date('2026-11-26T12:00:00Z'),
      signal: stopped,
      leftMs: () => 60_000,
      gap,
      attempt: () => Promise.reject(new Error('not used')),
      note: (text) => void notes.push(text),
      saw: (source, count = 1) => void (seen[source] = (seen[source] ?? 0) + count),
    },
    args,
  );
  return { facts, gaps, unrelated, notes, seen };
}

const VERSION = 'v1.33.4';

function proxySet(image = `registry.k8s.io/kube-proxy:${VERSION}`, desired = 3): ports.DaemonSet {
  return {
    namespace: 'kube-system',
    name: 'kube-proxy',
    containers: [{ name: 'kube-proxy', image }],
    desired,
  };
}

function systemPod(name: string, program: string, known: Partial<ports.Pod> = {}): ports.Pod {
  const image = `registry.k8s.io/${program}:${VERSION}`;
  return {
    namespace: 'kube-system',
    name,
    uid: `uid-of-${name}`,
    labels: { component: program },
    phase: 'Running',
    isMirror: true,
    containers: [{ name: program, kind: 'main', image, privileged: false, command: [], mounts: [] }],
    volumes: [],
    ...known,
  };
}

const nodes = ['n-1', 'n-2', 'n-3'].map((name) => clusterNode(name));
const healthy = (name: string, more: Partial<Parameters<typeof clusterSource>[0]> = {}) =>
  clusterSource({ name, nodes, daemonSets: [proxySet()], ...more });

const refused = (needs: string) =>
  new SourceError('eu', 'refused', `permission denied (403): needs \`${needs}\``);
const failing = (reason: Error): AsyncIterable<never> => ({
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(reason) }),
});

test('a healthy cluster is read page by page, and the permission to cordon is not read if there is nothing to cordon', async () => {
  const source = healthy('eu');
  const cordonPermission = () => Promise.reject(new Error('there is nothing to cordon'));
  const { facts, gaps, notes, seen } = await collectFrom([{ ...source, cordonPermission }]);
  expect({ gaps, notes, seen }).toEqual({ gaps: [], notes: [], seen: { eu: 3 } });
  expect(facts.clusters).toMatchObject([
    {
      name: 'eu',
      version: VERSION,
      nodes: [{ name: 'n-1', ready: 'yes' }, { name: 'n-2' }, { name: 'n-3' }],
      proxies: [{ name: 'kube-proxy' }],
      pods: [],
    },
  ]);
});

test('each missing permission is one gap, and the rest is still read', async () => {
  const source = {
    ...healthy('eu'),
    pods: () => failing(refused('list pods')),
    daemonSets: () => failing(refused('list daemonsets.apps')),
  };
  const { facts, gaps, notes } = await collectFrom([source]);
  expect(gaps).toEqual([
    'eu: pods in kube-system: permission denied (403): needs `list pods`',
    'eu: DaemonSets: permission denied (403): needs `list daemonsets.apps`',
  ]);
  // There may be a kube-proxy that could not be listed.
  expect(notes).toEqual([]);
  expect(facts.clusters[0]?.nodes).toHaveLength(3);
});

test.each([
  ['is unreachable', new SourceError('eu', 'unreachable', 'ECONNREFUSED')],
  ['does not accept the token', new SourceError('eu', 'refused', 'the token has expired (401)')],
])('a cluster that %s is one gap, and the others are still read', async (_, error) => {
  const gone: ports.Cluster = {
    ...healthy('eu'),
    version: () => Promise.reject(error),
    nodes: () => failing(error),
    pods: () => failing(error),
    daemonSets: () => failing(error),
  };
  const { facts, gaps, seen } = await collectFrom([gone, healthy('us')]);
  expect(gaps).toEqual([`eu: ${error.message}`]);
  expect(seen).toEqual({ us: 3 });
  expect(facts.clusters.map(({ name }) => name)).toEqual(['eu', 'us']);
});

test('pages before a list fails are kept', async () => {
  const source: ports.Cluster = {
    ...healthy('eu'),
    // oxlint-disable-next-line typescript/require-await -- its pages are complete
    nodes: async function* () {
      yield nodes.slice(0, 2);
      throw new SourceError('eu', 'unreachable', 'the list expired too often');
    },
  };
  const { facts, gaps } = await collectFrom([source]);
  expect(gaps).toEqual(['eu: nodes: the list expired too often']);
  expect(facts.clusters[0]?.nodes.map(({ name }) => name)).toEqual(['n-1', 'n-2']);
});

test('what was not read at the deadline is a gap', async () => {
  const late = new SourceError('deadline', 'unreachable', 'not finished within 60 s');
  const source: ports.Cluster = {
    ...healthy('eu'),
    pods: () => failing(new DOMException('aborted', 'AbortError')),
  };
  const { gaps } = await collectFrom([source], {}, AbortSignal.abort(late));
  expect(gaps).toEqual(['eu: pods in kube-system: not finished within 60 s']);
});

test('an error that is a bug is thrown', async () => {
  const source = { ...healthy('eu'), nodes: () => failing(new TypeError('a bug')) };
  await expect(collectFrom([source])).rejects.toThrow('a bug');
});

test('a cluster without nodes is a gap', async () => {
  expect((await collectFrom([healthy('eu', { nodes: [] })])).gaps).toEqual(['eu: eu has no nodes']);
});

test('each version that cannot be parsed is one gap that names the nodes', async () => {
  const { kubeletVersion: _, ...silent } = clusterNode('n-3');
  const digest = `registry.k8s.io/kube-proxy@sha256:${'ab'.repeat(32)}`;
  const { gaps } = await collectFrom([
    healthy('eu', {
      version: 'devel',
      nodes: [
        clusterNode('n-1', { kubeletVersion: 'custom-7' }),
        clusterNode('n-2', { kubeletVersion: 'custom-7' }),
        silent,
      ],
      daemonSets: [proxySet(digest)],
    }),
  ]);
  expect(gaps).toEqual([
    'eu: version of the API server: devel is not a Kubernetes version',
    'eu: kubelet version of n-1 and n-2: custom-7 is not a Kubernetes version',
    'eu: kubelet version of n-3: no kubelet version is reported',
    `eu: version of kube-system/kube-proxy: image ${digest} does not show its Kubernetes version`,
  ]);
});

test.each([
  ['cloud-controller-manager', 'registry.k8s.io/cloud-provider-gcp/cloud-controller-manager:v32.2.4'],
  ['cloud-controller-manager', 'example/cloud-controller-manager:v0.1.0'],
  ['kube-scheduler', 'registry.k8s.io/scheduler-plugins/kube-scheduler:v0.29.7'],
])('its own version scheme is a note: %s in %s', async (program, image) => {
  const container = {
    name: program,
    kind: 'main',
    image,
    privileged: false,
    command: [],
    mounts: [],
  } as const;
  const { gaps, notes } = await collectFrom([
    healthy('eu', { pods: [systemPod('own', program, { containers: [container] })] }),
  ]);
  expect(gaps).toEqual([]);
  expect(notes).toEqual([`kube-system/own of eu is not compared: ${image} has its own version scheme`]);
});

test.each([
  ['kube-scheduler', 'registry.k8s.io/kube-scheduler:2024.1.0'],
  ['cloud-controller-manager', 'registry.k8s.io/provider-aws/cloud-controller-manager:latest'],
])('an image that does not show its version is a gap: %s in %s', async (program, image) => {
  const container = {
    name: program,
    kind: 'main',
    image,
    privileged: false,
    command: [],
    mounts: [],
  } as const;
  const { gaps } = await collectFrom([
    healthy('eu', { pods: [systemPod('odd', program, { containers: [container] })] }),
  ]);
  expect(gaps).toEqual([
    `eu: version of kube-system/odd: image ${image} does not show its Kubernetes version`,
  ]);
});

test.each<[string, ports.DaemonSet[], readonly string[]]>([
  ['by its image', [{ ...proxySet(), name: 'services' }], ['kube-system/services']],
  [
    'by its image alone',
    [
      {
        ...proxySet(),
        name: 'services',
        containers: [{ name: 'proxy', image: 'm:5000/kube-proxy:v1.25.2' }],
      },
    ],
    ['kube-system/services'],
  ],
  [
    'by its name',
    [{ ...proxySet(), containers: [{ name: 'main', image: 'hyperkube:v1.18.4' }] }],
    ['kube-system/kube-proxy'],
  ],
  ['in another namespace', [{ ...proxySet(), namespace: 'networking' }], ['networking/kube-proxy']],
  [
    'in another namespace by both names',
    [
      {
        ...proxySet(),
        namespace: 'openshift-kube-proxy',
        name: 'openshift-kube-proxy',
        containers: [{ name: 'kube-proxy', image: 'hyperkube:v1.29.1' }],
      },
    ],
    ['openshift-kube-proxy/openshift-kube-proxy'],
  ],
  [
    'not a program about it',
    [
      {
        ...proxySet(),
        name: 'kube-proxy-exporter',
        containers: [{ name: 'exporter', image: 'kube-proxy-exporter:v1.2.0' }],
      },
    ],
    [],
  ],
  [
    'not a `kubectl proxy` in a container of that name',
    [
      {
        ...proxySet(),
        namespace: 'tools',
        name: 'console',
        containers: [{ name: 'kube-proxy', image: 'kubectl:1.29' }],
      },
    ],
    [],
  ],
])('a DaemonSet of kube-proxy is recognized: %s', async (_, daemonSets, found) => {
  const { facts, gaps } = await collectFrom([healthy('eu', { daemonSets })]);
  expect(facts.clusters[0]?.proxies.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(found);
  expect(gaps).toEqual([]);
});

test('a DaemonSet whose image does not show its version is one gap for all pods', async () => {
  const image = `registry.k8s.io/kube-proxy@sha256:${'ab'.repeat(32)}`;
  const container = { kind: 'main', privileged: false, command: [], mounts: [] } as const;
  const pods = nodes.map(({ name }) =>
    systemPod(`kube-proxy-of-${name}`, 'kube-proxy', {
      isMirror: false,
      controller: { kind: 'DaemonSet', name: 'kube-proxy' },
      containers: [{ ...container, name: 'kube-proxy', image }],
    }),
  );
  const { gaps } = await collectFrom([healthy('eu', { pods, daemonSets: [proxySet(image)] })]);
  expect(gaps).toEqual([
    `eu: version of kube-system/kube-proxy: image ${image} does not show its Kubernetes version`,
  ]);
});

test('expected differences are notes: virtual nodes, controllers with their own version scheme, no kube-proxy', async () => {
  const hcloud = 'hetznercloud/hcloud-cloud-controller-manager:v1.20.0';
  const { gaps, notes, seen } = await collectFrom([
    healthy('eu', {
      nodes: [clusterNode('n-1'), clusterNode('kwok-1', { kind: 'virtual', kubeletVersion: 'fake' })],
      pods: [
        systemPod('ccm', 'cloud-controller-manager', {
          containers: [
            { name: 'ccm', kind: 'main', image: hcloud, privileged: false, command: [], mounts: [] },
          ],
        }),
      ],
      // Switched off by a selector that no node matches.
      daemonSets: [proxySet('registry.k8s.io/kube-proxy:v1.20.1', 0)],
    }),
  ]);
  expect({ gaps, seen }).toEqual({ gaps: [], seen: { eu: 1 } });
  expect(notes).toEqual([
    'kwok-1 of eu is not compared: virtual node',
    `kube-system/ccm of eu is not compared: ${hcloud} has its own version scheme`,
    'eu runs no kube-proxy as a pod, so none is compared: the distribution or a network plugin may replace it',
  ]);
});

test('only running pods of the programs count, with the image of the container named after the program', async () => {
  const sidecar = {
    name: 'healthcheck',
    kind: 'main',
    image: 'registry.k8s.io/kops/kube-apiserver-healthcheck:1.20.5',
    privileged: false,
    command: [],
    mounts: [],
  } as const;
  const server = systemPod('kube-apiserver-cp', 'kube-apiserver', {
    labels: { 'k8s-app': 'kube-apiserver' },
    node: 'n-1',
  });
  const { facts } = await collectFrom([
    healthy('eu', {
      pods: [
        { ...server, containers: [sidecar, ...server.containers] },
        systemPod('evicted', 'kube-scheduler', { phase: 'Failed' }),
        systemPod('coredns', 'kube-dns'),
        systemPod('proxy-x', 'kube-proxy', { controller: { kind: 'DaemonSet', name: 'kube-proxy' } }),
        { ...systemPod('imitation', 'kube-apiserver'), namespace: 'tenant' },
      ],
    }),
  ]);
  expect(facts.clusters[0]?.pods).toEqual([
    {
      program: 'kube-apiserver',
      name: 'kube-apiserver-cp',
      node: 'n-1',
      image: 'registry.k8s.io/kube-apiserver:v1.33.4',
    },
    {
      program: 'kube-proxy',
      name: 'proxy-x',
      daemonSet: 'kube-proxy',
      image: 'registry.k8s.io/kube-proxy:v1.33.4',
    },
  ]);
});

test('a static pod without labels is found by the name of its container, other pods are not', async () => {
  const labels = {};
  const { facts } = await collectFrom([
    healthy('eu', {
      pods: [
        systemPod('kube-scheduler-cp', 'kube-scheduler', { labels }),
        systemPod('another-scheduler', 'kube-scheduler', { labels, isMirror: false }),
      ],
    }),
  ]);
  expect(facts.clusters[0]?.pods.map(({ program, name }) => `${program} ${name}`)).toEqual([
    'kube-scheduler kube-scheduler-cp',
  ]);
});

const tooNew = [...nodes, clusterNode('n-4', { kubeletVersion: 'v1.34.1' })];

test('the permission to cordon is read if a node is unsupported, and a failure changes nothing else', async () => {
  const cordon = { allowed: true } as const;
  const allowed = await collectFrom([healthy('eu', { nodes: tooNew, cordon })]);
  expect(allowed.facts.clusters[0]?.cordon).toEqual(cordon);

  const error = new SourceError('eu', 'unreachable', 'timeout');
  const source = { ...healthy('eu', { nodes: tooNew }), cordonPermission: () => Promise.reject(error) };
  const { facts, gaps, unrelated } = await collectFrom([source]);
  expect(facts.clusters[0]).not.toHaveProperty('cordon');
  expect({ gaps, unrelated }).toEqual({
    gaps: [],
    unrelated: ['eu: permission to cordon nodes: timeout'],
  });
});

test('with --node, other nodes cause no gaps, but an unknown name does', async () => {
  const odd = [...nodes, clusterNode('n-4', { kubeletVersion: 'custom-7' })];
  const some = await collectFrom([healthy('eu', { nodes: odd })], { node: 'n-1' });
  expect(some.gaps).toEqual([]);
  expect([...(some.facts.clusters[0]?.asked ?? [])]).toEqual(['n-1']);
  expect((await collectFrom([healthy('eu')], { node: 'n-l' })).gaps).toEqual([
    '--node n-l: not found; did you mean n-1?',
  ]);
});
