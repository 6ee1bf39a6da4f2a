import { expect, test } from 'vitest';
import { daemonSetObject, podObject } from '../world/kubernetes/objects.ts';
import { askCase, problems } from './ask-case.ts';
import { type CaseNode, type CaseRequest, makeCase, refusal } from './make-case.ts';

/**
 * Inputs rebuilt from public reports, and variations of them. Supported versions:
 * https://kubernetes.io/releases/version-skew-policy/
 */
const ask = (version: string, nodes: readonly CaseNode[], more: Partial<CaseRequest> = {}) =>
  askCase(makeCase({ check: 'node/versions', version, nodes, ...more }));

const at = (name: string, kubeletVersion: string, more: Partial<CaseNode> = {}): CaseNode => ({
  name,
  kubeletVersion,
  ...more,
});

const kubeProxy = (image: string) => ({ daemonsets: [daemonSetObject('kube-proxy', { image, desired: 1 })] });

/** https://github.com/awslabs/amazon-eks-ami/issues/2119 */
test('nodes of an EKS group that was upgraded before the control plane are critical, and the others are fine', async () => {
  const verdict = await askCase('k23');
  expect(verdict.status).toBe('found');
  expect(verdict.faults).toEqual(['critical ip-10-0-2-21', 'critical ip-10-0-2-22']);
  const text = verdict.about('ip-10-0-2-21');
  expect(text).toMatch(/1\.31/);
  expect(text).toMatch(/1\.30/);
  expect(text).toMatch(/[Uu]pgrade the control plane to 1\.31/);
  expect(verdict.text).not.toMatch(/ip-10-0-1-1[12]/);
  expect(new Set(verdict.offers)).toEqual(new Set(['cordon']));
  expect(verdict.report.gaps).toEqual([]);
});

test('a cordon is offered only for the nodes that are too new', async () => {
  const { report } = await askCase('k23');
  const params = report.findings.flatMap(({ offers = [] }) =>
    offers.flatMap(({ each, params: one }) => each?.map(({ params: many }) => many) ?? [one]),
  ) as readonly { readonly node: string }[];
  expect(new Set(params.map(({ node }) => node))).toEqual(new Set(['ip-10-0-2-21', 'ip-10-0-2-22']));
});

/** https://github.com/kubernetes/kubernetes/issues/126721 */
test('a kube-proxy that was never upgraded is judged by its image, not by what kubelets report', async () => {
  const verdict = await askCase('k24');
  expect(verdict.status).toBe('found');
  expect(verdict.faults).toEqual(['critical kube-system/kube-proxy']);
  const text = verdict.about('kube-system/kube-proxy');
  expect(text).toMatch(/1\.25/);
  expect(text).toMatch(/1\.29/);
  expect(text).toMatch(/\b4 minor/);
  expect(text).toMatch(/at most 3/);
  expect(verdict.offers).toEqual([]);
  expect(verdict.report.gaps).toEqual([]);
});

/** https://github.com/aws/containers-roadmap/issues/188 */
test('kubelets one patch newer than the API server, and another OS in another pool, are clear', async () => {
  const verdict = await askCase('k25');
  expect(verdict.status).toBe('clear');
  expect(verdict.faults).toEqual([]);
});

test.each([
  ['GKE', 'v1.26.5-gke.1200', 'v1.27.3-gke.100'],
  ['k3s', 'v1.30.4+k3s1', 'v1.31.0+k3s1'],
  ['a release candidate', 'v1.30.2', 'v1.31.0-rc.1'],
  ['OpenShift', 'v1.26.9+c7606e7', 'v1.27.6+f67aeb3'],
  ['the minor after 9', 'v1.29.0', 'v1.30.0'],
])('a kubelet that is newer than its API server is critical: %s', async (_vendor, server, kubelet) => {
  const verdict = await ask(server, [at('ok-1', server), at('new-1', kubelet)]);
  expect(verdict.faults).toContain('critical new-1');
  expect(problems(verdict).filter((fault) => fault.includes('ok-1') && fault.startsWith('critical'))).toEqual(
    [],
  );
});

test.each([
  ['4 minors older', 'v1.32.1', 'v1.28.9'],
  ['3 minors older, before 1.25', 'v1.27.4', 'v1.24.17'],
])('a kubelet that is too old is critical: %s', async (_what, server, kubelet) => {
  const verdict = await ask(server, [at('ok-1', server), at('old-1', kubelet)]);
  expect(verdict.faults).toContain('critical old-1');
});

test.each([
  ['3 minors older', 'v1.31.1', 'v1.28.9'],
  ['2 minors older, before 1.25', 'v1.26.4', 'v1.24.17'],
  ['1 minor older', 'v1.12.1', 'v1.11.3'],
])('an older but supported kubelet is not critical: %s', async (_what, server, kubelet) => {
  const verdict = await ask(server, [at('ok-1', server), at('ok-2', server), at('old-1', kubelet)]);
  expect(verdict.faults.filter((fault) => fault.startsWith('critical'))).toEqual([]);
});

test.each([
  ['k3s builds', 'v1.30.4+k3s1', ['v1.30.4+k3s1', 'v1.30.4+k3s1']],
  ['RKE2', 'v1.31.2+rke2r1', ['v1.31.2+rke2r1']],
  ['GKE, one patch older', 'v1.29.8-gke.1031000', ['v1.29.7-gke.1104000', 'v1.29.7-gke.1104000']],
  ['EKS, another build', 'v1.30.8-eks-2d5f260', ['v1.30.8-eks-aeac579', 'v1.30.8-eks-aeac579']],
  ['AKS', 'v1.30.6', ['v1.30.6', 'v1.30.6']],
  ['OpenShift', 'v1.27.6+f67aeb3', ['v1.27.6+f67aeb3']],
  ['Alibaba', 'v1.28.9-aliyun.1', ['v1.28.9-aliyun.1']],
])('a healthy cluster is clear: %s', async (_vendor, server, kubelets) => {
  const verdict = await ask(
    server,
    kubelets.map((version, index) => at(`node-${index}`, version)),
  );
  expect(verdict.report.findings).toEqual([]);
  expect(verdict.status).toBe('clear');
});

test.each([
  ['a virtual kubelet of Azure', 'v1.19.10-vk-azure-aci-1.4.8', { type: 'virtual-kubelet' }],
  ['KWOK', 'fake', { type: 'kwok' }],
])('a node without a kubelet is not judged by its version string: %s', async (_what, version, labels) => {
  const verdict = await ask('v1.33.5', [at('node-a', 'v1.33.5'), at('virtual', version, { labels })]);
  expect(verdict.report.findings).toEqual([]);
  expect(verdict.status).toBe('clear');
});

test('an unreadable version is shown verbatim, and the result is not clear', async () => {
  const verdict = await ask('v1.33.5', [at('node-a', 'v1.33.5'), at('odd', 'unversioned')]);
  expect(verdict.status).not.toBe('clear');
  expect(verdict.text).toMatch(/odd/);
  expect(verdict.faults.filter((fault) => fault.startsWith('critical'))).toEqual([]);
});

test.each([
  ['newer than the API server', 'registry.k8s.io/kube-proxy:v1.30.0'],
  ['4 minors older', 'localhost:5000/kube-proxy:v1.25.2'],
])('a kube-proxy is critical: %s', async (_what, image) => {
  const verdict = await ask('v1.29.4', [at('node-a', 'v1.29.4')], kubeProxy(image));
  expect(verdict.faults).toEqual(['critical kube-system/kube-proxy']);
});

test.each([
  ['the same minor', 'registry.k8s.io/kube-proxy:v1.29.1'],
  ['3 minors older', 'localhost:5000/mirror/kube-proxy:v1.26.2'],
  [
    'a vendor’s build',
    '602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/kube-proxy:v1.29.3-minimal-eksbuild.5',
  ],
])('a kube-proxy is not critical: %s', async (_what, image) => {
  const verdict = await ask('v1.29.4', [at('node-a', 'v1.29.4')], kubeProxy(image));
  expect(verdict.faults.filter((fault) => fault.startsWith('critical'))).toEqual([]);
});

const controlPlane = (component: string, version: string, node: string) =>
  podObject(`${component}-${node}`, {
    namespace: 'kube-system',
    node,
    labels: { component, tier: 'control-plane' },
    annotations: { 'kubernetes.io/config.mirror': 'hash' },
    containers: [{ name: component, image: `registry.k8s.io/${component}:${version}` }],
  });

test('a controller manager is critical if it is two minors older or newer than its API server', async () => {
  const nodes = [at('cp-1', 'v1.31.1'), at('cp-2', 'v1.31.1')];
  const pods = [
    controlPlane('kube-apiserver', 'v1.31.1', 'cp-1'),
    controlPlane('kube-apiserver', 'v1.31.1', 'cp-2'),
    controlPlane('kube-controller-manager', 'v1.29.9', 'cp-1'),
    controlPlane('kube-scheduler', 'v1.32.0', 'cp-2'),
  ];
  const verdict = await ask('v1.31.1', nodes, { pods });
  expect(verdict.report.findings.filter(({ severity }) => severity === 'critical')).not.toHaveLength(0);
  expect(verdict.text).toMatch(/kube-controller-manager-cp-1/);
  expect(verdict.text).toMatch(/kube-scheduler-cp-2/);
});

test('a kube-proxy outside kube-system is judged too, one without desired pods is not', async () => {
  const daemonsets = [
    daemonSetObject('kube-proxy', { image: 'registry.k8s.io/kube-proxy:v1.20.0', desired: 0 }),
    daemonSetObject('kube-proxy', { namespace: 'networking', image: 'registry.k8s.io/kube-proxy:v1.25.2' }),
  ];
  const verdict = await ask('v1.29.4', [at('node-a', 'v1.29.4')], { daemonsets });
  expect(verdict.faults).toEqual(['critical networking/kube-proxy']);
});

test('a kube-proxy pod left behind by a rollout is reported with its node', async () => {
  const pod = (name: string, node: string, version: string) =>
    podObject(name, {
      namespace: 'kube-system',
      node,
      labels: { 'k8s-app': 'kube-proxy' },
      owner: { kind: 'DaemonSet', name: 'kube-proxy' },
      containers: [{ name: 'kube-proxy', image: `registry.k8s.io/kube-proxy:${version}` }],
    });
  const verdict = await ask('v1.29.4', [at('node-a', 'v1.29.4'), at('node-b', 'v1.29.4')], {
    ...kubeProxy('registry.k8s.io/kube-proxy:v1.29.4'),
    pods: [pod('proxy-1', 'node-a', 'v1.29.4'), pod('proxy-2', 'node-b', 'v1.25.16')],
  });
  expect(verdict.faults).toEqual(['critical kube-system/kube-proxy']);
  expect(verdict.text).toMatch(/1 of 2 pods .*proxy-2 on node-b/);
  expect(verdict.text).not.toMatch(/Upgrade its image/);
});

test.each([
  ['Google’s own numbering', 'registry.k8s.io/cloud-provider-gcp/cloud-controller-manager:v32.2.4'],
  ['an early version', 'registry.example/cloud-controller-manager:v0.1.0'],
  ['another provider’s numbering', 'hetznercloud/hcloud-cloud-controller-manager:v1.20.0'],
])('a cloud controller manager with its own versions is clear: %s', async (_whose, image) => {
  const pods = [
    controlPlane('kube-apiserver', 'v1.31.1', 'cp-1'),
    podObject('ccm', {
      namespace: 'kube-system',
      node: 'cp-1',
      labels: { component: 'cloud-controller-manager' },
      containers: [{ name: 'cloud-controller-manager', image }],
    }),
  ];
  const verdict = await ask('v1.31.1', [at('cp-1', 'v1.31.1')], { pods });
  expect(verdict.report.findings).toEqual([]);
  expect(verdict.status).toBe('clear');
});

test.each([
  [
    'of AWS',
    { 'k8s-app': 'aws-cloud-controller-manager' },
    'aws-cloud-controller-manager',
    'registry.k8s.io/provider-aws/cloud-controller-manager:v1.28.3',
    'critical',
  ],
  [
    'of vSphere',
    { 'k8s-app': 'vsphere-cloud-controller-manager' },
    'vsphere-cloud-controller-manager',
    'registry.k8s.io/cloud-pv-vsphere/cloud-provider-vsphere:v1.29.0',
    'critical',
  ],
  [
    'of OpenStack',
    { app: 'openstack-cloud-controller-manager', component: 'controllermanager' },
    'openstack-cloud-controller-manager',
    'registry.k8s.io/provider-os/openstack-cloud-controller-manager:v1.28.2',
    'warning',
  ],
])(
  "a cloud controller manager two minors older than its API server is found by its provider's labels: %s",
  async (_whose, labels, name, image, severity) => {
    const ccm = podObject('ccm', {
      namespace: 'kube-system',
      node: 'cp-1',
      labels,
      containers: [
        { name: 'proxy', image: 'registry.example/sidecar:v1.2.3' },
        { name, image },
      ],
    });
    const pods = [controlPlane('kube-apiserver', 'v1.31.1', 'cp-1'), ccm];
    const verdict = await ask('v1.31.1', [at('cp-1', 'v1.31.1')], { pods });
    expect(verdict.faults).toEqual([`${severity} kube-system/ccm`]);
  },
);

test('stale pods of an unreachable control plane node are not critical', async () => {
  const nodes = [at('cp-1', 'v1.31.1'), at('cp-2', 'v1.31.1', { conditions: { Ready: 'Unknown' } })];
  const pods = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].flatMap((component) => [
    controlPlane(component, 'v1.31.1', 'cp-1'),
    controlPlane(component, 'v1.28.9', 'cp-2'),
  ]);
  const verdict = await ask('v1.31.1', nodes, { pods });
  expect(verdict.faults).toEqual(['warning kube-system/kube-apiserver-cp-2']);
});

test('the older of two API servers decides what is too new', async () => {
  const nodes = [at('cp-1', 'v1.30.4'), at('cp-2', 'v1.31.1'), at('worker-1', 'v1.31.1')];
  const pods = [
    controlPlane('kube-apiserver', 'v1.30.4', 'cp-1'),
    controlPlane('kube-apiserver', 'v1.31.1', 'cp-2'),
  ];
  const verdict = await ask('v1.31.1', nodes, { pods });
  expect(verdict.faults).toContain('critical worker-1');
  // With kubeadm it talks to the API server on its own node, which has the same version.
  expect(verdict.faults).toContain('warning cp-2');
});

test('a kube-proxy that runs as a static pod is found too', async () => {
  const pod = (image: string) =>
    podObject('kube-proxy-node-a', {
      namespace: 'kube-system',
      node: 'node-a',
      labels: { 'k8s-app': 'kube-proxy' },
      annotations: { 'kubernetes.io/config.mirror': 'hash' },
      containers: [{ name: 'kube-proxy', image }],
    });
  const nodes = [at('node-a', 'v1.29.4')];
  const old = await ask('v1.29.4', nodes, { pods: [pod('registry.k8s.io/kube-proxy-amd64:v1.24.3')] });
  expect(old.faults).toEqual(['critical kube-system/kube-proxy-node-a']);
  const fine = await ask('v1.29.4', nodes, { pods: [pod('registry.k8s.io/kube-proxy-amd64:v1.29.4')] });
  expect(fine.status).toBe('clear');
});

test('an image without a version is ignored', async () => {
  const image = `registry.k8s.io/kube-proxy@sha256:${'5147a6de'.repeat(8)}`;
  const verdict = await ask('v1.29.4', [at('node-a', 'v1.29.4')], kubeProxy(image));
  expect(verdict.status).toBe('unknown');
});

test.each([
  ['it is already cordoned', { unschedulable: true }, {}],
  [
    'nodes may not be patched',
    {},
    { answers: { 'PATCH /api/v1/nodes/new-1': refusal('nodes "new-1" is forbidden') } },
  ],
])('no cordon is offered if %s', async (_why, node, more) => {
  const verdict = await ask('v1.30.4', [at('ok-1', 'v1.30.4'), at('new-1', 'v1.31.0', node)], more);
  expect(verdict.faults).toEqual(['critical new-1']);
  expect(verdict.offers).toEqual([]);
});

test.each([
  ['Wrench', { 'wrench/cordoned-by': 'r-1' }, ['uncordon']],
  ['someone else', {}, []],
])('a node with a supported version that %s cordoned', async (_who, annotations, offers) => {
  const node = at('node-a', 'v1.31.0', { unschedulable: true, annotations });
  const verdict = await ask('v1.31.4', [at('ok-1', 'v1.31.0'), node]);
  expect(verdict.offers).toEqual(offers);
  expect(problems(verdict)).toEqual([]);
});

test('missing permission to list pods is named once with its verb, and nodes are still judged', async () => {
  const message =
    'pods is forbidden: User "system:serviceaccount:ops:wrench" cannot list resource "pods" in API group "" at the cluster scope';
  const answers = { 'GET /api/v1/pods': refusal(message) };
  const verdict = await ask('v1.30.1', [at('node-a', 'v1.30.1'), at('new-1', 'v1.31.0')], { answers });
  expect(verdict.faults).toContain('critical new-1');
  expect(verdict.report.gaps.filter(({ because }) => because.includes('list pods'))).toHaveLength(1);
  const healthy = await ask('v1.30.1', [at('node-a', 'v1.30.1')], { answers });
  expect(healthy.status).toBe('unknown');
});

test('an API server behind a login page is never clear', async () => {
  const page = { status: 200, body: '<html><title>Sign in</title></html>' };
  const answers = { 'GET /api/v1/nodes': page, 'GET /version': page };
  const verdict = await ask('v1.30.1', [at('node-a', 'v1.30.1')], { answers });
  expect(verdict.status).toBe('unknown');
});
