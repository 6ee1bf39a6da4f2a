import { type KubeVersion, parseKubeVersion } from './kube-version.ts';

/** The last part of an image's repository, and its tag. A registry may have a port, and a digest may follow. */
interface ImageName {
  readonly name: string;
  readonly tag?: string;
}

/** Images with all programs of Kubernetes in one. */
const WHOLE_KUBERNETES = /^(?:hyperkube|hardened-kubernetes|kubernetes)(?:-\w+)?$/;
/** cloud-controller-managers whose releases are numbered as those of Kubernetes are. Others number theirs in their own way: Hetzner's v1.20 is no Kubernetes 1.20. */
const CLOUD_CONTROLLER_MANAGERS =
  /^(?:(?:aws|azure|openstack)-)?cloud-controller-manager(?:-(?:amd64|arm64))?$/;

/** Of kube-proxy itself, and not of something about it: not `kube-proxy-exporter`. */
const KUBE_PROXY = /(?:^|-)kube-proxy(?:-(?:amd64|arm|arm64|ppc64le|s390x|windows[\w.-]*))?$/;

/** `kube-proxy` and `v1.25.16` of `mirror.example:5000/kube-proxy:v1.25.16@sha256:5147…`. */
function splitImage(image: string): ImageName {
  const [withoutDigest = ''] = image.split('@');
  const last = withoutDigest.slice(withoutDigest.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  return colon < 0 ? { name: last } : { name: last.slice(0, colon), tag: last.slice(colon + 1) };
}

export function isProxyImage(image: string): boolean {
  return KUBE_PROXY.test(splitImage(image).name);
}

/** Whether the images of this program have the version of Kubernetes as their tag. */
function isReleasedWithKubernetes(program: string, image: string): boolean {
  const { name } = splitImage(image);
  if (program === 'cloud-controller-manager')
    return CLOUD_CONTROLLER_MANAGERS.test(name) || WHOLE_KUBERNETES.test(name);
  return name.includes(program) || WHOLE_KUBERNETES.test(name);
}

/**
 * Whether a program has release numbers of its own: most cloud-controller-managers, and the scheduler with plugins, which is 0.29 for Kubernetes 1.29:
 * https://github.com/kubernetes-sigs/scheduler-plugins
 */
export function hasOwnNumbers(program: string, image: string): boolean {
  if (/(?:^|\/)scheduler-plugins\//.test(image)) return true;
  const { tag } = splitImage(image);
  return (
    program === 'cloud-controller-manager' &&
    (!isReleasedWithKubernetes(program, image) ||
      (tag !== undefined && /^v?\d+\.\d+/.test(tag) && parseKubeVersion(tag) === undefined))
  );
}

/** The version of Kubernetes that runs in an image of this program, by its tag; undefined where the tag does not tell. */
export function imageVersion(program: string, image: string): KubeVersion | undefined {
  const { tag } = splitImage(image);
  return tag === undefined || !isReleasedWithKubernetes(program, image) ? undefined : parseKubeVersion(tag);
}
