import { describe, expect, test } from 'vitest';
import type { Finding } from '../../kit.ts';
import { cluster, controlPlanePod, factsOf, node, proxyDaemonSet } from './builders.ts';
import type { ClusterState, NodeState } from './cluster-state.ts';
import { diagnose } from './diagnose.ts';
import {
  controlPlaneFollowed,
  forgottenKubeProxy,
  nodesBeforeControlPlane,
  patchAhead,
  suspectedNode,
} from './stories.ts';
import type { ProgramPod } from './workloads.ts';

/** `critical kubelet-too-old lab: lab:n-1, lab:n-2` */
function inShort(clusters: readonly ClusterState[]): readonly string[] {
  return diagnose(factsOf(...clusters)).findings.map(
    ({ severity, reason, target, targets }) =>
      `${severity} ${reason} ${target}${targets ? `: ${targets.join(', ')}` : ''}`,
  );
}

function only(state: ClusterState): Finding<unknown> {
  const { findings } = diagnose(factsOf(state));
  expect(findings).toHaveLength(1);
  return findings[0]!;
}

const nodes = (kubelet: string, names: readonly string[], known: Partial<NodeState> = {}) =>
  names.map((name) => node(name, kubelet, known));

describe('stories', () => {
  test('the suspected node is one supported version behind, so it is not the cause', () => {
    const { verdict, findings } = diagnose(suspectedNode.facts);
    expect(verdict).toBe(
      '1 of 4 nodes runs an older kubelet (1.11.3) than its peers (1.12.1), which is supported',
    );
    expect(findings).toEqual([
      expect.objectContaining({
        severity: 'warning',
        targets: ['antidote:antidote-worker-gt5t'],
        summary: expect.stringContaining('so this alone does not explain an outage') as string,
      }),
    ]);
  });

  test('nodes that were upgraded before the control plane are named, and others are not mentioned', () => {
    const { verdict, findings, measures } = diagnose(nodesBeforeControlPlane.facts);
    expect(verdict).toBe('2 of 4 nodes run kubelet 1.31.3, newer than the API server (1.30.8)');
    expect(findings).toMatchObject([
      {
        severity: 'critical',
        targets: ['pre-prod:ip-10-0-2-21', 'pre-prod:ip-10-0-2-22'],
        summary: expect.stringContaining(
          'Upgrade the control plane to 1.31, or downgrade these nodes to 1.30',
        ) as string,
      },
    ]);
    expect(findings[0]?.offers?.map(({ remediation }) => remediation)).toEqual([
      'cordon',
      'cordon',
      'cordon',
    ]);
    expect(measures).toEqual([
      { label: 'ip-10-0-2-21 in pre-prod', value: 1, unit: 'schedulable' },
      { label: 'ip-10-0-2-22 in pre-prod', value: 1, unit: 'schedulable' },
    ]);
  });

  test('once the control plane is upgraded, Wrench offers to uncordon the nodes that it cordoned', () => {
    const { findings, verdict } = diagnose(controlPlaneFollowed.facts);
    expect(verdict).toBe('2 of 4 nodes are still cordoned by Wrench, but their kubelets are supported now');
    expect(findings).toMatchObject([{ severity: 'info', reason: 'still-cordoned' }]);
    expect(findings[0]?.offers?.[0]).toMatchObject({ remediation: 'uncordon', each: [{}, {}] });
  });

  test('a kube-proxy that was forgotten is too old for the API server and for the kubelets', () => {
    const { verdict, findings } = diagnose(forgottenKubeProxy.facts);
    expect(verdict).toBe('kube-proxy 1.21 is too old for the API server (1.25.16)');
    expect(findings).toMatchObject([{ severity: 'critical', target: 'shop:kube-system/kube-proxy' }]);
    expect(findings[0]?.summary).toContain('4 minor versions older than API server 1.25, at most 2');
    expect(findings[0]?.summary).toContain('also 4 minor versions older than the kubelets (1.25)');
    expect(findings[0]).not.toHaveProperty('offers');
  });

  test('a patch release ahead is clear', () => {
    expect(diagnose(patchAhead.facts)).toMatchObject({ examined: 2, findings: [] });
  });
});

describe('kubelets', () => {
  test.each([
    ['the same', 'v1.30.8', 'v1.30.8'],
    ['a newer patch', 'v1.30.9', 'v1.30.8'],
    ['two minor versions behind', 'v1.28.1', 'v1.30.8'],
    ['a vendor', 'v1.33.5-eks-113cf36', 'v1.33.4-eks-e386d34'],
    ['a pre-release of the same version', 'v1.31.0-rc.0', 'v1.31.0'],
    ['k3s', 'v1.28.3+k3s1', 'v1.28.3+k3s1'],
    ['OpenShift', 'v1.27.6+f67aeb3', 'v1.27.8+4fab27b'],
  ])('%s is clear', (_, kubelet, apiServer) => {
    expect(inShort([cluster(apiServer, nodes(kubelet, ['n-1', 'n-2']))])).toEqual([]);
  });

  test.each([
    ['newer', 'v1.31.0-alpha.1', 'v1.30.8', 'critical kubelet-newer-than-api-server'],
    ['too old', 'v1.26.15-gke.100', 'v1.30.8-gke.1', 'critical kubelet-too-old'],
    ['too old before 1.25', 'v1.24.17', 'v1.27.16', 'critical kubelet-too-old'],
    ['the oldest that is supported', 'v1.27.16', 'v1.30.8', 'info kubelet-blocks-upgrade'],
    ['the oldest from 1.25 on', 'v1.25.16', 'v1.28.15', 'info kubelet-blocks-upgrade'],
  ])('%s is a finding that names exactly these nodes', (_, kubelet, apiServer, says) => {
    const state = cluster(apiServer, [
      ...nodes(apiServer, ['a-1', 'a-2'], { pool: 'a' }),
      ...nodes(kubelet, ['b-1', 'b-2'], { pool: 'b' }),
    ]);
    expect(inShort([state])).toEqual([`${says} lab: lab:b-1, lab:b-2`]);
  });

  test('a NotReady node is judged by its last report, and the finding says that it is NotReady', () => {
    const state = cluster('v1.30.8', [node('n-1', 'v1.30.8'), node('n-2', 'v1.26.1', { ready: 'unknown' })]);
    expect(only(state).summary).toContain('n-2 (NotReady) runs kubelet 1.26');
  });

  test('each version is named with the nodes that run it, with its own limit', () => {
    const state = cluster('v1.30.8', [
      node('n-1', 'v1.30.8'),
      node('alpha', 'v1.26.1'),
      node('beta', 'v1.23.4'),
      node('gamma', 'v1.26.2'),
    ]);
    expect(diagnose(factsOf(state)).verdict).toBe(
      '3 of 4 nodes run kubelet 1.23 and 1.26, too old for the API server (1.30.8)',
    );
    expect(only(state).summary).toBe(
      'beta runs kubelet 1.23 (7 minor versions older than API server 1.30, at most 2 are supported) and alpha and gamma run 1.26 (4 minor versions older, at most 3). Drain them one by one and upgrade to 1.27 or later',
    );
    const newer = cluster('v1.30.8', [
      node('n-1', 'v1.30.8'),
      node('alpha', 'v1.32.0'),
      node('beta', 'v1.31.0'),
    ]);
    expect(only(newer).summary).toBe(
      'beta runs kubelet 1.31 and alpha runs 1.32 under API server 1.30: a newer kubelet is not supported. Upgrade the control plane to 1.32, or downgrade these nodes to 1.30',
    );
  });

  test('a node that is too new and stopped reporting need not be downgraded', () => {
    const lost = node('n-2', 'v1.31.1', { ready: 'unknown' });
    expect(only(cluster('v1.30.8', [node('n-1', 'v1.30.8'), lost])).summary).toContain(
      'Upgrade the control plane to 1.31 before it returns, or remove the node',
    );
  });

  test.each<[string, Partial<NodeState>, string]>([
    ['reports that it is not ready', { ready: 'no' }, 'Drain it and upgrade to 1.27 or later'],
    [
      'stopped reporting',
      { ready: 'unknown' },
      'Repair it and upgrade to 1.27 or later, or remove it from the cluster: its kubelet has stopped reporting, so a drain would not finish',
    ],
    [
      'is a Fargate node',
      { isServerless: true },
      'Restart the pod on it: a Fargate node is never upgraded, and the new one gets the kubelet version of the control plane',
    ],
  ])('the fix for a node that %s', (_, known, fix) => {
    const old = node('n-2', 'v1.26.1', known);
    const one = only(cluster('v1.30.8', [node('n-1', 'v1.30.8'), old]));
    expect(one.summary.split('are supported. ')[1]).toBe(fix);
    const both = only(cluster('v1.30.8', [node('n-1', 'v1.30.8'), old, node('n-3', 'v1.26.1')]));
    expect(both.summary).toContain(known.ready === 'no' ? 'Drain them one by one' : 'Drain n-3 and upgrade');
  });

  test('virtual nodes are not judged', () => {
    const state = cluster('v1.30.8', [
      node('n-1', 'v1.30.8'),
      node('aci', 'v1.19.10-vk-azure-aci-1.4.5', { kind: 'virtual' }),
      node('vk', 'v1.19.10-vk-azure-aci-1.4.5'),
      node('kwok', 'fake'),
    ]);
    expect(diagnose(factsOf(state))).toMatchObject({ examined: 1, findings: [] });
  });

  test('if no API server version is known, nothing is reported as supported', () => {
    const { version: _, ...state } = cluster('v1.30.8', nodes('v1.20.1', ['n-1', 'n-2']));
    const { findings, verdict } = diagnose(factsOf(state));
    expect(findings).toEqual([]);
    expect(verdict).toBe("2 kubelets of lab couldn't be compared with an API server");
  });
});

const CP = { roles: ['control-plane'] };
const servers = (...versions: readonly string[]): readonly ProgramPod[] =>
  versions.map((version, at) => controlPlanePod('kube-apiserver', `cp-${at + 1}`, version));

describe('the control plane', () => {
  const cps = nodes('v1.29.9', ['cp-1', 'cp-2', 'cp-3'], CP);

  test('API servers one minor version apart are an upgrade in progress, two are a violation', () => {
    const apart = (...versions: readonly string[]) =>
      inShort([cluster(versions[0]!, nodes('v1.28.9', ['cp-1', 'cp-2']), { pods: servers(...versions) })]);
    expect(apart('v1.30.8', 'v1.30.2')).toEqual([]);
    expect(apart('v1.30.8', 'v1.29.9')).toEqual([
      'warning api-servers-apart lab:kube-apiserver: lab:kube-system/kube-apiserver-cp-2',
    ]);
    expect(apart('v1.30.8', 'v1.28.9')).toEqual([
      'critical api-servers-apart lab:kube-apiserver: lab:kube-system/kube-apiserver-cp-2',
    ]);
  });

  test('the oldest API server limits how new a kubelet may be, the newest how old', () => {
    const pods = servers('v1.30.8', 'v1.29.9', 'v1.30.8');
    const both = cluster('v1.30.8', [...cps, node('n-1', 'v1.30.8'), node('n-2', 'v1.26.1')], { pods });
    expect(diagnose(factsOf(both)).verdict).toContain('newer than the oldest API server (1.29.9); ');
    expect(inShort([both]).filter((line) => line.startsWith('critical'))).toEqual([
      'critical kubelet-newer-than-api-server lab: lab:n-1',
      'critical kubelet-too-old lab: lab:n-2',
    ]);
  });

  test('a kubelet no newer than the API server on its own node is a warning, because it may talk only to that one', () => {
    const pods = servers('v1.30.8', 'v1.29.9', 'v1.29.9');
    const state = cluster('v1.29.9', [node('cp-1', 'v1.30.8', CP), ...cps.slice(1)], { pods });
    expect(inShort([state])).toEqual([
      'warning kubelet-newer-than-other-api-server lab: lab:cp-1',
      'warning api-servers-apart lab:kube-apiserver: lab:kube-system/kube-apiserver-cp-2, lab:kube-system/kube-apiserver-cp-3',
    ]);
  });

  test('an old API server on a dead node does not make every kubelet too new, but is reported', () => {
    const pods = servers('v1.30.8', 'v1.30.8', 'v1.29.9');
    const up = nodes('v1.30.8', ['cp-1', 'cp-2'], CP);
    const state = cluster('v1.30.8', [...up, node('cp-3', 'v1.29.9', { ...CP, ready: 'unknown' })], { pods });
    const { findings } = diagnose(factsOf(state));
    expect(findings.map(({ severity, reason }) => `${severity} ${reason}`)).toEqual([
      'warning api-servers-apart',
      'warning kubelet-drift',
    ]);
    expect(findings[0]?.summary).toContain('kube-apiserver-cp-3 (on a NotReady node) runs 1.29');
  });

  test('a control plane node that is down is one warning, however old its components are', () => {
    const left = (['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const).map((program) =>
      controlPlanePod(program, 'cp-2', 'v1.28.9'),
    );
    const state = cluster(
      'v1.31.4',
      [node('cp-1', 'v1.31.4', CP), node('cp-2', 'v1.31.4', { ...CP, ready: 'unknown' })],
      { pods: [...servers('v1.31.4'), ...left] },
    );
    expect(inShort([state])).toEqual([
      'warning api-servers-apart lab:kube-apiserver: lab:kube-system/kube-apiserver-cp-2',
    ]);
    expect(only(state).summary).toContain('Remove the NotReady node if it was replaced');
  });

  test('if no node of the control plane is ready, API servers that are too far apart are critical', () => {
    const down = nodes('v1.30.8', ['cp-1', 'cp-2'], { ...CP, ready: 'unknown' });
    expect(inShort([cluster('v1.30.8', down, { pods: servers('v1.30.8', 'v1.28.9') })])).toContain(
      'critical api-servers-apart lab:kube-apiserver: lab:kube-system/kube-apiserver-cp-2',
    );
  });

  test.each([
    ['registry.k8s.io/provider-aws/cloud-controller-manager:v1.28.3', 'critical'],
    ['mirror.example:5000/k8s/provider-aws/cloud-controller-manager:v1.28.3@sha256:51', 'critical'],
    ['mcr.microsoft.com/oss/kubernetes/azure-cloud-controller-manager:v1.28.13', 'critical'],
    ['registry.k8s.io/cloud-pv-vsphere/cloud-provider-vsphere:v1.28.0', 'critical'],
    ['gcr.io/cloud-provider-vsphere/cpi/release/manager:v1.28.0', 'critical'],
    ['rancher/hyperkube:v1.28.3-rancher1', 'critical'],
    // No policy says that these support only one minor version.
    ['registry.k8s.io/provider-os/openstack-cloud-controller-manager:v1.28.2', 'warning'],
    ['mirror.example/cloud-controller-manager:v1.28.2', 'warning'],
    ['registry.k8s.io/provider-aws/cloud-controller-manager:v1.29.0', undefined],
    // Their versions do not say for which Kubernetes they are.
    ['mcr.microsoft.com/oss/kubernetes/azure-cloud-controller-manager:v1.1.26', undefined],
    ['gcr.io/cloud-provider-vsphere/cpi/release/manager:v1.2.1', undefined],
    ['docker.io/hetznercloud/hcloud-cloud-controller-manager:v1.20.0', undefined],
    ['registry.k8s.io/cloud-provider-gcp/cloud-controller-manager:v27.1.6', undefined],
  ])('%s under API server 1.30: %s', (image, severity) => {
    const pods = [
      ...servers('v1.30.8'),
      { ...controlPlanePod('cloud-controller-manager', 'cp-1', ''), image },
    ];
    expect(inShort([cluster('v1.30.8', nodes('v1.30.8', ['cp-1', 'n-1']), { pods })])).toEqual(
      severity === undefined
        ? []
        : [
            `${severity} controller-too-old lab:cloud-controller-manager: lab:kube-system/cloud-controller-manager-cp-1`,
          ],
    );
  });

  test.each([
    ['kube-scheduler', 'v1.31.0', 'critical controller-newer-than-api-server'],
    ['kube-controller-manager', 'v1.28.9', 'critical controller-too-old'],
    ['kube-controller-manager', 'v1.29.9', undefined],
    ['cloud-controller-manager', 'v1.30.1', undefined],
  ] as const)('%s %s under API server 1.30', (program, version, says) => {
    const pods = [...servers('v1.30.8'), controlPlanePod(program, 'cp-1', version)];
    const state = cluster('v1.30.8', nodes('v1.30.8', ['cp-1', 'n-1']), { pods });
    expect(inShort([state])).toEqual(
      says === undefined ? [] : [`${says} lab:${program}: lab:kube-system/${program}-cp-1`],
    );
  });

  test('each version is named with the components that run it', () => {
    const scheduler = (on: string, version: string) => controlPlanePod('kube-scheduler', on, version);
    const three = nodes('v1.28.1', ['cp-1', 'cp-2', 'cp-3']);
    const { findings, verdict } = diagnose(
      factsOf(
        cluster('v1.31.4', three, {
          pods: [
            ...servers('v1.31.4', 'v1.30.8', 'v1.29.9'),
            scheduler('cp-1', 'v1.29.9'),
            scheduler('cp-2', 'v1.28.1'),
          ],
        }),
      ),
    );
    const summaries = findings.map(({ summary }) => summary);
    expect(summaries[0]).toContain(
      'kube-system/kube-apiserver-cp-3 runs 1.29 and kube-system/kube-apiserver-cp-2 runs 1.30, the newest API server runs 1.31: at most',
    );
    expect(summaries[1]).toContain(
      'kube-system/kube-scheduler-cp-1 runs 1.29 under API server 1.31 and kube-system/kube-scheduler-cp-2 runs 1.28 under API server 1.30: at most 1',
    );
    expect(verdict).toContain('kube-scheduler 1.28 and 1.29 are too old for the API server on the same node');
  });

  test('during an upgrade with kubeadm, a controller is compared with the API server on its own node', () => {
    const pods = [...servers('v1.30.8', 'v1.29.9'), controlPlanePod('kube-scheduler', 'cp-1', 'v1.30.8')];
    const state = cluster('v1.29.9', nodes('v1.29.9', ['cp-1', 'cp-2']), { pods });
    expect(inShort([state])).toEqual([
      'warning api-servers-apart lab:kube-apiserver: lab:kube-system/kube-apiserver-cp-2',
    ]);
  });

  test('API servers with the same image without a tag have the version of the one that responded', () => {
    const image = `registry.k8s.io/kube-apiserver@sha256:${'ab'.repeat(32)}`;
    const pods = servers('v1', 'v1').map((pod) => ({ ...pod, image }));
    const state = cluster('v1.30.8', nodes('v1.31.1', ['n-1', 'n-2', 'n-3']), { pods });
    expect(inShort([state])).toEqual([
      'critical kubelet-newer-than-api-server lab: lab:n-1, lab:n-2, lab:n-3',
    ]);
  });
});

describe('kube-proxy', () => {
  const three = nodes('v1.29.4', ['n-1', 'n-2', 'n-3']);
  const withProxy = (tag: string, known: Partial<ClusterState> = {}) =>
    cluster('v1.29.4', three, { proxies: [proxyDaemonSet(tag)], ...known });

  test.each([
    ['v1.29.4', []],
    ['v1.28.1-eksbuild.3', []],
    ['v1.27.1', []],
    ['v1.26.1', ['info kube-proxy-blocks-upgrade lab:kube-system/kube-proxy']],
    ['v1.25.16', ['critical kube-proxy-unsupported lab:kube-system/kube-proxy']],
    ['v1.30.0', ['critical kube-proxy-unsupported lab:kube-system/kube-proxy']],
  ])('%s under API server 1.29', (tag, says) => {
    expect(inShort([withProxy(tag)])).toEqual(says);
  });

  test('the images of pods count too, because the template of a DaemonSet may not be rolled out yet', () => {
    const pods = three.map(({ name }) => ({
      program: 'kube-proxy' as const,
      name: `kube-proxy-of-${name}`,
      node: name,
      daemonSet: 'kube-proxy',
      image: `registry.k8s.io/kube-proxy:${name === 'n-2' ? 'v1.25.16' : 'v1.29.4'}`,
    }));
    const { target, summary } = only(withProxy('v1.29.4', { pods }));
    expect(target).toBe('lab:kube-system/kube-proxy');
    expect(summary).toContain(
      '1 of 3 pods of kube-system/kube-proxy (kube-system/kube-proxy-of-n-2 on n-2) still runs kube-proxy 1.25',
    );
    expect(summary).toContain('4 minor versions older than API server 1.29');
    expect(summary).toContain('also 4 minor versions older than the kubelet of its node (1.29)');
    // The image is right already.
    expect(summary).not.toContain('Upgrade its image');
    expect(summary).toContain('The DaemonSet has a different image now');
  });

  test('static pods are one finding that names them', () => {
    const pods = ['n-1', 'n-2'].map((name) => controlPlanePod('kube-proxy', name, 'v1.25.16'));
    expect(inShort([cluster('v1.29.4', three, { pods })])).toEqual([
      'critical kube-proxy-unsupported lab:kube-proxy: lab:kube-system/kube-proxy-n-1, lab:kube-system/kube-proxy-n-2',
    ]);
  });

  test('each version is named with its pods, the oldest first, and the verdict says which is newer and which too old', () => {
    const static2 = { 'n-1': 'v1.30.0', 'n-2': 'v1.25.16', 'n-3': 'v1.25.16' };
    const pods = Object.entries(static2).map(([name, tag]) => controlPlanePod('kube-proxy', name, tag));
    const { findings, verdict } = diagnose(factsOf(cluster('v1.29.4', three, { pods })));
    expect(verdict).toBe(
      'kube-proxy 1.30 is newer than the API server (1.29.4) and 1.25 is too old for the API server (1.29.4)',
    );
    expect(findings.map(({ summary }) => summary)).toEqual([
      expect.stringContaining(
        'kube-system/kube-proxy-n-2 and kube-system/kube-proxy-n-3 run kube-proxy 1.25 and kube-system/kube-proxy-n-1 runs 1.30: 1.25 is 4 minor',
      ),
    ]);
    const ofDaemonSet = pods.map((pod) => ({ ...pod, daemonSet: 'kube-proxy' }));
    const leftBehind = ofDaemonSet.map((pod) =>
      pod.node === 'n-1' ? { ...pod, image: 'registry.k8s.io/kube-proxy:v1.24.2' } : pod,
    );
    expect(only(withProxy('v1.29.4', { pods: leftBehind })).summary).toContain(
      'kube-system/kube-proxy-n-1 on n-1 with 1.24, kube-system/kube-proxy-n-2 on n-2 with 1.25 and',
    );
  });

  test('static pods in the version of their kubelets are not a second finding', () => {
    const pods = ['n-1', 'n-2'].map((name) => controlPlanePod('kube-proxy', name, 'v1.25.16'));
    const old = cluster('v1.29.4', nodes('v1.25.16', ['n-1', 'n-2']), { pods });
    expect(inShort([old])).toEqual(['critical kubelet-too-old lab: lab:n-1, lab:n-2']);
  });

  test('it is compared with the kubelets if no API server version is known', () => {
    const { version: _, ...state } = withProxy('v1.25.16');
    expect(inShort([state])).toEqual(['critical kube-proxy-unsupported lab:kube-system/kube-proxy']);
    const { version: __, ...fine } = withProxy('v1.27.1');
    expect(inShort([fine])).toEqual([]);
  });

  test('if its nodes are unknown, one kubelet that supports it is enough', () => {
    const proxies = [{ namespace: 'kube-system', name: 'kube-proxy-windows', image: 'kube-proxy:v1.25.3' }];
    const { version: _, ...state } = cluster(
      'v1.29.4',
      [...three, node('win-1', 'v1.25.3', { operatingSystem: 'windows' })],
      { proxies },
    );
    expect(inShort([state])).toEqual([]);
  });

  test('in another namespace it is judged by its template', () => {
    const proxies = [{ namespace: 'networking', name: 'kube-proxy', image: 'kube-proxy:v1.25.3' }];
    const pods: readonly ProgramPod[] = three.map(({ name }) => ({
      program: 'kube-proxy',
      name: `kube-proxy-of-${name}`,
      node: name,
      daemonSet: 'kube-proxy',
      image: 'kube-proxy:v1.29.4',
    }));
    const both = [...proxies, proxyDaemonSet('v1.29.4')];
    expect(inShort([withProxy('v1.29.4', { proxies })])).toEqual([
      'critical kube-proxy-unsupported lab:networking/kube-proxy',
    ]);
    expect(inShort([withProxy('v1.29.4', { proxies: both, pods })])).toEqual([
      'critical kube-proxy-unsupported lab:networking/kube-proxy',
    ]);
  });

  test('with a kubelet that is too old, a supported kube-proxy is not a finding', () => {
    const state = cluster('v1.30.8', [node('n-1', 'v1.30.8'), node('n-2', 'v1.26.1')], {
      proxies: [proxyDaemonSet('v1.30.8')],
    });
    expect(inShort([state])).toEqual(['critical kubelet-too-old lab: lab:n-2']);
  });
});

describe('drift', () => {
  test('pools may differ from one another, and a control plane is upgraded before its nodes', () => {
    const state = cluster('v1.33.4', [
      ...nodes('v1.33.4', ['cp-1', 'cp-2'], CP),
      ...nodes('v1.32.9', ['n-1', 'n-2']),
      ...nodes('v1.33.5', ['a-1', 'a-2'], { pool: 'a', osImage: 'Bottlerocket OS 1.47.0 (aws-k8s-1.33)' }),
      ...nodes('v1.32.1', ['b-1', 'b-2'], { pool: 'b', kernelVersion: '6.12.40' }),
      ...nodes('v1.32.1', ['w-1'], { operatingSystem: 'windows', kernelVersion: '10.0.20348.2113' }),
      ...nodes('v1.32.9', ['arm-1'], { architecture: 'arm64', kernelVersion: '6.8.0-1030-aws' }),
    ]);
    expect(inShort([state])).toEqual([]);
  });

  test('Fargate nodes have the version of their start, so they differ from others', () => {
    const state = cluster('v1.31.4', [
      ...nodes('v1.31.4', ['n-1', 'n-2']),
      node('f-1', 'v1.30.8', { isServerless: true }),
      ...nodes('v1.28.1', ['f-2'], { isServerless: true }),
    ]);
    expect(inShort([state])).toEqual(['info kubelet-blocks-upgrade lab: lab:f-2']);
    expect(only(state).summary).toContain('Restart the pod on it: ');
  });

  test('another minor version in a pool is a warning about the minority, and supported', () => {
    const state = cluster('v1.30.8', [
      ...nodes('v1.30.1', ['a-1', 'a-2', 'a-3'], { pool: 'a' }),
      node('a-4', 'v1.29.1', { pool: 'a' }),
    ]);
    expect(inShort([state])).toEqual(['warning kubelet-drift lab:pool a: lab:a-4']);
    expect(diagnose(factsOf(state)).verdict).toBe(
      '1 of 4 nodes runs an older kubelet (1.29.1) than the rest of pool a (1.30.1), which is supported',
    );
  });

  test('each other minor version is named with its nodes, and nothing is downgraded', () => {
    const state = cluster('v1.31.4', [
      ...nodes('v1.30.1', ['a-3', 'a-4', 'a-5'], { pool: 'a' }),
      node('a-1', 'v1.31.1', { pool: 'a' }),
      node('a-2', 'v1.29.1', { pool: 'a' }),
    ]);
    expect(only(state).summary).toBe(
      'a-2 runs kubelet 1.29.1 and a-1 runs 1.31.1, and the rest of pool a runs 1.30.1. API server 1.31.4 supports all of them, so this alone does not explain an outage. Upgrade all of them to the same minor version',
    );
    const lost = cluster('v1.30.8', [
      ...nodes('v1.30.1', ['n-1', 'n-2']),
      node('n-3', 'v1.29.1', { ready: 'unknown' }),
    ]);
    expect(only(lost).summary).toContain('Repair it and upgrade to 1.30, or remove it');
  });

  test('a different patch, kernel, OS image or runtime in a pool is one finding for information', () => {
    const state = cluster('v1.30.8', [
      ...nodes('v1.30.6', ['a-1', 'a-2'], { pool: 'a' }),
      node('a-3', 'v1.30.8', { pool: 'a', kernelVersion: '6.8.0-90-generic', osImage: 'Ubuntu 24.04.4 LTS' }),
    ]);
    const { findings, verdict } = diagnose(factsOf(state));
    expect(inShort([state])).toEqual(['info pool-drift lab:pool a: lab:a-3']);
    expect(findings[0]?.summary).toContain(
      'a-3 has a different kubelet (1.30.8 instead of 1.30.6), kernel (6.8.0-90-generic instead of',
    );
    expect(verdict).toBe('All 3 kubelets of lab are supported by API server 1.30.8; 1 minor finding');
  });

  test('a node with another minor version is one finding, although the rest of its image differs too', () => {
    const image = { kernelVersion: '6.8.0-90-generic', osImage: 'Ubuntu 24.04.4 LTS' };
    const state = cluster('v1.31.4', [
      ...nodes('v1.31.4', ['a-1', 'a-2'], { pool: 'a' }),
      node('a-3', 'v1.30.8', { pool: 'a', ...image }),
    ]);
    const { evidence } = only(state);
    expect(evidence).toContainEqual({
      kind: 'field',
      label: 'Also different',
      value: 'kernel (6.8.0-90-generic) and OS image (Ubuntu 24.04.4 LTS)',
    });
  });

  test('for nodes without a pool another kind of runtime is information, and other differences are ignored', () => {
    const withRuntime = (containerRuntime: string) =>
      cluster('v1.23.8', [
        ...nodes('v1.23.8', ['n-1', 'n-2']),
        node('n-3', 'v1.23.6', { containerRuntime, kernelVersion: '5.4.0' }),
      ]);
    expect(inShort([withRuntime('docker://20.10.24')])).toEqual(['info pool-drift lab:nodes: lab:n-3']);
    expect(only(withRuntime('docker://20.10.24')).summary).toContain(
      'runtime (docker instead of containerd)',
    );
    expect(inShort([withRuntime('containerd://1.6.8')])).toEqual([]);
  });

  test('another kind of runtime in a pool is a warning', () => {
    const state = cluster('v1.23.8', [
      ...nodes('v1.23.6', ['a-1', 'a-2'], { pool: 'a' }),
      node('a-3', 'v1.23.6', { pool: 'a', containerRuntime: 'docker://20.10.24' }),
    ]);
    expect(inShort([state])).toEqual(['warning pool-drift lab:pool a: lab:a-3']);
  });

  const { kernelVersion: _, ...withoutKernel } = node('a-3', 'v1.30.6-eks-94953ac', { pool: 'a' });
  test.each<[string, NodeState]>([
    ['other builds of one version', node('a-3', 'v1.30.6-eks-7777777', { pool: 'a' })],
    ['a value that is not reported', withoutKernel],
  ])('%s: no drift', (_, other) => {
    const all = [
      ...nodes('v1.30.6-eks-94953ac', ['a-1', 'a-2'], { pool: 'a' }),
      node('n-1', 'v1.30.6'),
      other,
    ];
    expect(inShort([cluster('v1.30.8', all)])).toEqual([]);
  });

  test('the oldest supported version in a pool is one finding, which says that it blocks the upgrade', () => {
    const pool = (name: string, kubelet: string, names: readonly string[]) =>
      nodes(kubelet, names, { pool: name });
    const outlier = cluster('v1.30.8', [
      ...pool('a', 'v1.30.1', ['a-1', 'a-2']),
      ...pool('a', 'v1.27.1', ['a-3']),
    ]);
    expect(inShort([outlier])).toEqual(['warning kubelet-drift lab:pool a: lab:a-3']);
    expect(only(outlier).summary).toContain(
      'Drain it and upgrade to 1.30. Do this before the control plane is upgraded to 1.31',
    );
    // Nodes that do not differ from their pool block it too.
    const both = { ...outlier, nodes: [...outlier.nodes, ...pool('b', 'v1.27.1', ['b-1', 'b-2'])] };
    expect(inShort([both])).toEqual([
      'warning kubelet-drift lab:pool a: lab:a-3',
      'info kubelet-blocks-upgrade lab: lab:b-1, lab:b-2',
    ]);
    // An outlier that blocks nothing.
    const recent = cluster('v1.30.8', [
      ...pool('a', 'v1.30.1', ['a-1', 'a-2']),
      ...pool('a', 'v1.28.1', ['a-3']),
    ]);
    expect(only(recent).summary).not.toContain('1.31');
  });

  test('an unsupported node is not reported as drift too', () => {
    const state = cluster('v1.30.8', [
      ...nodes('v1.30.6', ['a-1', 'a-2'], { pool: 'a' }),
      node('a-3', 'v1.31.1', { pool: 'a' }),
    ]);
    expect(inShort([state])).toEqual(['critical kubelet-newer-than-api-server lab: lab:a-3']);
  });
});

describe('only some nodes', () => {
  test('only their kubelets are judged', () => {
    const state = cluster('v1.29.4', [node('n-1', 'v1.29.4'), node('n-2', 'v1.30.1')], {
      proxies: [proxyDaemonSet('v1.25.16')],
      pods: servers('v1.29.4', 'v1.27.1'),
    });
    expect(inShort([{ ...state, asked: new Set(['n-2']) }])).toEqual([
      'critical kubelet-newer-than-api-server lab: lab:n-2',
    ]);
    expect(diagnose(factsOf({ ...state, pods: [], asked: new Set(['n-1']) }))).toMatchObject({
      examined: 1,
      findings: [],
      verdict: 'The kubelet of lab is supported by API server 1.29.4',
    });
  });
});

describe('several clusters', () => {
  const healthy = (name: string) =>
    cluster('v1.33.4', nodes('v1.33.4', [`${name}-1`, `${name}-2`]), { name });

  test('each problem names its cluster, the worst first', () => {
    const { verdict } = diagnose(
      factsOf(
        healthy('eu'),
        cluster('v1.30.1', nodes('v1.31.1', ['u-1']), { name: 'us' }),
        cluster('v1.30.1', nodes('v1.30.1', ['a-1']), { name: 'ap', proxies: [proxyDaemonSet('v1.25.1')] }),
      ),
    );
    expect(verdict).toBe(
      '1 node runs kubelet 1.31.1, newer than the API server (1.30.1) (us); ' +
        'kube-proxy 1.25 is too old for the API server (1.30.1) (ap); ' +
        'both kubelets of eu are supported by API server 1.33.4',
    );
  });

  test('all are healthy', () => {
    expect(diagnose(factsOf(healthy('eu'), healthy('us'))).verdict).toBe(
      'All 4 kubelets of eu and us are supported by their API servers',
    );
  });
});
