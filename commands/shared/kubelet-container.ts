import type { ports } from '../kit.ts';

/** What a kubelet runs on a Docker Engine: a container of a pod, or the sandbox that holds the pod's network. */
export interface KubeletContainer {
  readonly namespace: string;
  readonly pod: string;
  /** Of a static pod, the hash of its manifest. */
  readonly uid: string;
  readonly container: string;
  /** How often it had been created before, in the same pod. Absent if unreadable. */
  readonly attempt?: number;
  readonly isSandbox: boolean;
}

/** The name of the container in the names of sandboxes. */
const SANDBOX = 'POD';

/** `k8s_<container>_<pod>_<namespace>_<uid>_<attempt>`, after a conflict with eight random digits: no part of it may contain an underscore. */
const NAME =
  /^k8s_(?<container>[^_]+)_(?<pod>[^_]+)_(?<namespace>[^_]+)_(?<uid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32})_(?<attempt>\d+)(?:_[0-9a-f]{8})?$/;

/** Nothing else uses this form: https://github.com/kubernetes/kubernetes/blob/v1.23.0/pkg/kubelet/dockershim/naming.go */
export function hasKubeletName(name: string): boolean {
  return NAME.test(name);
}

/**
 * By its labels, or if these are lost, by its name. Undefined if it is not a kubelet's; an image may have labels of this kind too, but not these:
 * https://github.com/kubernetes/kubernetes/blob/v1.23.0/pkg/kubelet/kuberuntime/labels.go
 */
export function kubeletContainerOf({
  name,
  labels,
}: Pick<ports.EngineContainer, 'name' | 'labels'>): KubeletContainer | undefined {
  const named = NAME.exec(name)?.groups;
  const namespace = labels['io.kubernetes.pod.namespace'] ?? named?.['namespace'];
  const pod = labels['io.kubernetes.pod.name'] ?? named?.['pod'];
  const uid = labels['io.kubernetes.pod.uid'] ?? named?.['uid'];
  const isSandbox = labels['io.kubernetes.docker.type'] === 'podsandbox' || named?.['container'] === SANDBOX;
  const container =
    labels['io.kubernetes.container.name'] ?? named?.['container'] ?? (isSandbox ? SANDBOX : '');
  if (!namespace || !pod || !uid || !container) return undefined;
  const attempt =
    wholeNumber(labels['annotation.io.kubernetes.container.restartCount']) ?? wholeNumber(named?.['attempt']);
  return { namespace, pod, uid, container, isSandbox, ...(attempt !== undefined && { attempt }) };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
