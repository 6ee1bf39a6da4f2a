import type { ports } from '../../kit.ts';
import { isProxyImage } from './image-version.ts';

/** The programs of Kubernetes that run as pods. Their version is the tag of their image. */
export type Program = 'kube-proxy' | ControlPlaneProgram;

export type ControlPlaneProgram =
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'cloud-controller-manager';

/** A running pod of one of them. */
export interface ProgramPod {
  readonly program: Program;
  readonly name: string;
  readonly node?: string;
  readonly image: string;
  /** The DaemonSet that it belongs to; absent for static pods. */
  readonly daemonSet?: string;
}

/** A DaemonSet of kube-proxy, with the image of its template. */
export interface ProxyDaemonSet {
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
}

export const SYSTEM_NAMESPACE = 'kube-system';

const PROGRAMS: readonly Program[] = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'cloud-controller-manager',
  'kube-proxy',
];

/** kubeadm, GKE, RKE2 and Talos use `component`; kops, Bootkube and most DaemonSets `k8s-app`; the Helm chart of OpenStack `app`. */
const LABELS = [
  'component',
  'k8s-app',
  'app.kubernetes.io/component',
  'app.kubernetes.io/name',
  'app',
] as const;

const NOT_RUNNING: ReadonlySet<string> = new Set(['Pending', 'Succeeded', 'Failed']);

/** undefined if this pod of the system namespace is not one of the programs, or does not run. */
export function programPodOf({
  name,
  node,
  labels,
  phase,
  controller,
  containers,
  isMirror,
}: ports.Pod): ProgramPod | undefined {
  const main = containers.filter(({ kind }) => kind === 'main');
  const program = programOf(labels) ?? (isMirror ? programIn(main) : undefined);
  if (program === undefined || NOT_RUNNING.has(phase)) return undefined;
  const image = imageOf(program, main);
  return {
    program,
    name,
    image,
    ...(node !== undefined && { node }),
    ...(controller?.kind === 'DaemonSet' && { daemonSet: controller.name }),
  };
}

function programOf(labels: ports.Pod['labels']): Program | undefined {
  const values = LABELS.flatMap((label) => labels[label] ?? []);
  return (
    PROGRAMS.find((program) => values.includes(program)) ??
    // `aws-cloud-controller-manager`, `vsphere-cloud-controller-manager`: each provider puts its name in front.
    (values.some((value) => value.endsWith('-cloud-controller-manager'))
      ? 'cloud-controller-manager'
      : undefined)
  );
}

/** Of a static pod, which may have no labels: only files on a node create one, so its container's name is not an accident. */
function programIn(containers: readonly Container[]): Program | undefined {
  return PROGRAMS.find((program) => containers.some(({ name }) => name === program));
}

/** undefined for a DaemonSet that is not kube-proxy, and for one that is switched off by a selector that matches no node. */
export function proxyDaemonSetOf({
  namespace,
  name,
  containers,
  desired,
}: ports.DaemonSet): ProxyDaemonSet | undefined {
  const isNamed = PROXY_NAME.test(name);
  const hasNamed = containers.some((one) => one.name === 'kube-proxy');
  // In other namespaces a container of this name alone may be a `kubectl proxy`.
  const isProxy =
    containers.some((one) => isProxyImage(one.image)) ||
    (namespace === SYSTEM_NAMESPACE ? isNamed || hasNamed : isNamed && hasNamed);
  return isProxy && desired !== 0 ? { namespace, name, image: imageOf('kube-proxy', containers) } : undefined;
}

/** Also `kube-proxy-windows`, but not `kube-proxy-exporter`. */
const PROXY_NAME =
  /^(?:[\w.-]*-)?kube-proxy(?:-(?:windows|linux|master|worker|control-plane|amd64|arm64)[\w.-]*)?$/;

type Container = Pick<ports.PodContainer, 'name' | 'image'>;

/** The image of the container named after the program (`aws-cloud-controller-manager` too), else the first image that contains its name, else the first image. */
function imageOf(program: Program, containers: readonly Container[]): string {
  const named =
    containers.find(({ name }) => name === program) ??
    containers.find(({ name }) => name.endsWith(`-${program}`)) ??
    containers.find(({ image }) =>
      program === 'kube-proxy' ? isProxyImage(image) : image.includes(program),
    ) ??
    containers[0];
  return named?.image ?? '';
}
