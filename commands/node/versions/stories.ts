import type { Story } from '../../kit.ts';
import { cluster, controlPlanePod, factsOf, node } from './builders.ts';
import type { Facts } from './cluster-state.ts';

const MASTER = {
  roles: ['master'],
  taints: [{ key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' }],
};
const MACHINE_OF_2018 = {
  osImage: 'CentOS Linux 7 (Core)',
  kernelVersion: '3.10.0-862.14.4.el7.x86_64',
  containerRuntime: 'docker://18.6.1',
};

/** December 2018: etcd and the API server restart every two minutes. The node with another version is the suspect, and the cluster is rebuilt for nothing. */
export const suspectedNode: Story<Facts> = {
  title: 'One node of four with an older version, and an API server that restarts',
  source:
    'https://oswalt.dev/2018/12/december-4-nre-labs-outage-post-mortem/: the cause was a liveness probe of etcd, which the rebuilt cluster had too',
  now: new Date('2018-12-04T16:30:00Z'),
  facts: factsOf(
    cluster(
      'v1.12.1',
      [
        node('antidote-controller-4m3j', 'v1.12.1', { ...MACHINE_OF_2018, ...MASTER }),
        node('antidote-worker-3m7f', 'v1.12.1', MACHINE_OF_2018),
        node('antidote-worker-3mcj', 'v1.12.1', MACHINE_OF_2018),
        node('antidote-worker-gt5t', 'v1.11.3', MACHINE_OF_2018),
      ],
      {
        name: 'antidote',
        pods: (['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const).map((program) =>
          controlPlanePod(program, 'antidote-controller-4m3j', 'v1.12.1'),
        ),
        proxies: [{ namespace: 'kube-system', name: 'kube-proxy', image: 'k8s.gcr.io/kube-proxy:v1.12.1' }],
      },
    ),
  ),
};

const blue = { pool: 'blue' };
const green = { pool: 'green' };
const eksNodes = [
  node('ip-10-0-1-11', 'v1.30.6-eks-94953ac', blue),
  node('ip-10-0-1-12', 'v1.30.6-eks-94953ac', blue),
  node('ip-10-0-2-21', 'v1.31.3-eks-59bf375', green),
  node('ip-10-0-2-22', 'v1.31.3-eks-59bf375', green),
];
const eks = {
  name: 'pre-prod',
  proxies: [
    {
      namespace: 'kube-system',
      name: 'kube-proxy',
      image: '602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/kube-proxy:v1.30.6-eksbuild.3',
    },
  ],
  cordon: { allowed: true },
} as const;

/** January 2025: the node image is rolled out first, and the step that upgrades the control plane is missed. */
export const nodesBeforeControlPlane: Story<Facts> = {
  title: 'New node images before the control plane',
  source: 'https://github.com/awslabs/amazon-eks-ami/issues/2119',
  now: new Date('2025-01-15T10:00:00Z'),
  facts: factsOf(cluster('v1.30.8-eks-2d5f260', eksNodes, eks)),
};

/** The same cluster later: its new nodes were cordoned, then the control plane was upgraded. */
export const controlPlaneFollowed: Story<Facts> = {
  title: 'The same cluster after its control plane was upgraded',
  source: 'https://github.com/awslabs/amazon-eks-ami/issues/2119, with the step that was missed',
  now: new Date('2025-01-15T13:00:00Z'),
  facts: factsOf(
    cluster(
      'v1.31.4-eks-2d5f260',
      eksNodes.map((one) =>
        one.pool === 'green'
          ? { ...one, unschedulable: true, cordonedBy: `m0123456789abcdef-${one.name.at(-1)}` }
          : one,
      ),
      eks,
    ),
  ),
};

/**
 * March 2025: the control plane and the nodes are upgraded one version at a time, but the add-on is not upgraded. Services stop working at
 * 1.25, which removes an API that kube-proxy 1.21 needs.
 */
export const forgottenKubeProxy: Story<Facts> = {
  title: 'A kube-proxy that was not upgraded with the nodes',
  source: 'https://github.com/awsdocs/amazon-eks-user-guide/pull/922',
  now: new Date('2025-03-14T09:00:00Z'),
  facts: factsOf(
    cluster(
      'v1.25.16-eks-2d5f260',
      ['ip-10-0-3-31', 'ip-10-0-3-32', 'ip-10-0-3-33'].map((name) =>
        node(name, 'v1.25.16-eks-59bf375', { pool: 'apps' }),
      ),
      {
        name: 'shop',
        proxies: [
          {
            namespace: 'kube-system',
            name: 'kube-proxy',
            image: '602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/kube-proxy:v1.21.2-eksbuild.2',
          },
        ],
      },
    ),
  ),
};

/** A healthy cluster that looks broken: its kubelets are one patch newer than the API server. */
export const patchAhead: Story<Facts> = {
  title: 'Nodes one patch release ahead of the API server',
  source: 'https://github.com/aws/containers-roadmap/issues/188: "Patch version skew is normal"',
  now: new Date('2019-03-29T12:00:00Z'),
  facts: factsOf(
    cluster(
      'v1.11.8-eks-7c34c0',
      ['ip-10-0-4-41', 'ip-10-0-4-42'].map((name) => node(name, 'v1.11.9', { pool: 'workers' })),
      {
        name: 'main',
        proxies: [
          {
            namespace: 'kube-system',
            name: 'kube-proxy',
            image: '602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/kube-proxy:v1.11.8',
          },
        ],
      },
    ),
  ),
};
