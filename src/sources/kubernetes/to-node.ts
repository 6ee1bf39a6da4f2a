import type { ClusterNode, NodeCondition, Taint } from '../../ports/clusters.ts';
import { asObject, type JsonObject, listIn, numberIn, textIn } from '../../wire/json-object.ts';
import { cordonedBy } from './cordon-mark.ts';
import { optionalDate, optionalText, textsIn } from './json-values.ts';

const KUBELET_PORT = 10_250;
const ROLE_LABEL = 'node-role.kubernetes.io/';

/** Vendors' labels for the pool of a node; the first that is set is used. */
const POOL_LABELS = [
  'eks.amazonaws.com/nodegroup',
  'karpenter.sh/nodepool',
  'karpenter.sh/provisioner-name',
  'alpha.eksctl.io/nodegroup-name',
  'cloud.google.com/gke-nodepool',
  'kubernetes.azure.com/agentpool',
  'agentpool',
  'doks.digitalocean.com/node-pool',
  'kops.k8s.io/instancegroup',
  'hypershift.openshift.io/nodePool',
  'worker.gardener.cloud/pool',
  'giantswarm.io/machine-pool',
  'giantswarm.io/machine-deployment',
  'ibm-cloud.kubernetes.io/worker-pool-name',
  'alibabacloud.com/nodepool-id',
  'k8s.scaleway.com/pool-name',
  'kubernetes.civo.com/civo-node-pool',
  'lke.linode.com/pool-id',
  'vke.vultr.com/node-pool',
] as const;

/** Maps a `Node` that has a name. */
export function toNode(item: JsonObject): ClusterNode {
  const metadata = asObject(item['metadata']);
  const spec = asObject(item['spec']);
  const status = asObject(item['status']);
  const info = asObject(status['nodeInfo']);
  const labels = textsIn(metadata, 'labels');
  const taints = listIn(spec, 'taints').flatMap(toTaint);
  const pool = POOL_LABELS.map((label) => labels[label]).find((value) => value);
  const mark = cordonedBy(item);
  const endpoints = asObject(status['daemonEndpoints']);
  const port = numberIn(asObject(endpoints['kubeletEndpoint']), 'Port');
  return {
    name: textIn(metadata, 'name') ?? '',
    uid: textIn(metadata, 'uid') ?? '',
    ...optionalDate('createdAt', metadata, 'creationTimestamp'),
    kind: isVirtual(metadata, labels, taints, textIn(info, 'kubeletVersion')) ? 'virtual' : 'machine',
    ...(isFargate(labels, taints) && { isServerless: true as const }),
    operatingSystem: (
      textIn(info, 'operatingSystem') ??
      labels['kubernetes.io/os'] ??
      labels['beta.kubernetes.io/os'] ??
      ''
    ).toLowerCase(),
    ...optionalText('osImage', info),
    ...optionalText('kernelVersion', info),
    ...optionalText('architecture', info),
    ...optionalText('containerRuntime', info, 'containerRuntimeVersion'),
    ...optionalText('kubeletVersion', info),
    ...optionalText('bootId', info, 'bootID'),
    ...(pool !== undefined && { pool }),
    roles: rolesOf(labels),
    conditions: listIn(status, 'conditions').flatMap(toCondition),
    taints,
    unschedulable: spec['unschedulable'] === true,
    ...(mark !== undefined && { cordonedBy: mark }),
    addresses: listIn(status, 'addresses').flatMap((one) => {
      const [type, address] = [textIn(one, 'type'), textIn(one, 'address')];
      return type !== undefined && address !== undefined ? [{ type, address }] : [];
    }),
    kubeletPort:
      port !== undefined && Number.isInteger(port) && port > 0 && port < 65_536 ? port : KUBELET_PORT,
  };
}

/**
 * Whether a node is not a machine: a virtual kubelet (https://virtual-kubelet.io/docs/) for a cloud's container service or another cluster, KWOK
 * (https://kwok.sigs.k8s.io/docs/user/kwok-manage-nodes-and-pods/), a node simulated by vcluster, or a super node of Tencent (eklet). AWS Fargate nodes
 * are machines: each is a virtual machine with a kubelet and a disk.
 */
function isVirtual(
  metadata: JsonObject,
  labels: Readonly<Record<string, string>>,
  taints: readonly Taint[],
  kubeletVersion = '',
): boolean {
  return (
    labels['type'] === 'virtual-kubelet' ||
    labels['type'] === 'kwok' ||
    labels['liqo.io/type'] === 'virtual-node' ||
    labels['vcluster.loft.sh/fake-node'] === 'true' ||
    labels['node.kubernetes.io/instance-type'] === 'eklet' ||
    taints.some(({ key }) => key === 'virtual-kubelet.io/provider' || key === 'kwok.x-k8s.io/node') ||
    Object.hasOwn(textsIn(metadata, 'annotations'), 'kwok.x-k8s.io/node') ||
    /^(fake|kwok-.*)$|-vk-/.test(kubeletVersion)
  );
}

/** By the label and the taint of https://docs.aws.amazon.com/eks/latest/userguide/fargate.html */
function isFargate(labels: Readonly<Record<string, string>>, taints: readonly Taint[]): boolean {
  const key = 'eks.amazonaws.com/compute-type';
  return labels[key] === 'fargate' || taints.some((taint) => taint.key === key && taint.value === 'fargate');
}

function rolesOf(labels: Readonly<Record<string, string>>): readonly string[] {
  const roles = Object.keys(labels).flatMap((label) =>
    label.startsWith(ROLE_LABEL) && label.length > ROLE_LABEL.length ? [label.slice(ROLE_LABEL.length)] : [],
  );
  const old = labels['kubernetes.io/role'];
  return [...new Set([...roles, ...(old ? [old] : [])])];
}

/** An unrecognized status is Unknown, never healthy. */
function toCondition(condition: JsonObject): NodeCondition | [] {
  const type = textIn(condition, 'type');
  if (type === undefined) return [];
  const status = condition['status'];
  return {
    type,
    status: status === 'True' || status === 'False' ? status : 'Unknown',
    ...optionalText('reason', condition),
    ...optionalText('message', condition),
    ...optionalDate('since', condition, 'lastTransitionTime'),
    ...optionalDate('reportedAt', condition, 'lastHeartbeatTime'),
  };
}

function toTaint(taint: JsonObject): Taint | [] {
  const key = textIn(taint, 'key');
  if (key === undefined) return [];
  return {
    key,
    ...optionalText('value', taint),
    effect: textIn(taint, 'effect') ?? '',
    ...optionalDate('since', taint, 'timeAdded'),
  };
}
