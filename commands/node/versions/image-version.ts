import { type KubeVersion, parseKubeVersion } from './kube-version.ts';

/** The last part of an image's repository, and its tag. */
interface ImageName {
  readonly name: string;
  readonly tag?: string;
}

/** Images that contain all programs of Kubernetes. */
const WHOLE_KUBERNETES = /^(?:hyperkube|hardened-kubernetes|kubernetes)(?:-\w+)?$/;
/** cloud-controller-managers with the version numbers of Kubernetes. Others have their own version scheme: Hetzner's v1.20 is not for Kubernetes 1.20. */
const CLOUD_CONTROLLER_MANAGERS =
  /^(?:(?:aws|azure|openstack)-)?cloud-controller-manager(?:-(?:amd64|arm64))?$/;

/** Only kube-proxy itself, not `kube-proxy-exporter`. */
const KUBE_PROXY = /(?:^|-)kube-proxy(?:-(?:amd64|arm|arm64|ppc64le|s390x|windows[\w.-]*))?$/;

/** `kube-proxy` and `v1.25.16` for `mirror.example:5000/kube-proxy:v1.25.16@sha256:5147…`. A registry may have a port. */
function splitImage(image: string): ImageName {
  const [withoutDigest = ''] = image.split('@');
  const last = withoutDigest.slice(withoutDigest.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  return colon < 0 ? { name: last } : { name: last.slice(0, colon), tag: last.slice(colon + 1) };
}

export function isProxyImage(image: string): boolean {
  return KUBE_PROXY.test(splitImage(image).name);
}

/** Whether the tag of this image is the version of Kubernetes. */
function isReleasedWithKubernetes(program: string, image: string): boolean {
  const { name } = splitImage(image);
  if (program === 'cloud-controller-manager')
    return CLOUD_CONTROLLER_MANAGERS.test(name) || WHOLE_KUBERNETES.test(name);
  return name.includes(program) || WHOLE_KUBERNETES.test(name);
}

/**
 * Whether a program has its own version scheme: most cloud-controller-managers, and the scheduler with plugins, which is 0.29 for Kubernetes
 * 1.29: https://github.com/kubernetes-sigs/scheduler-plugins
 */
export function hasOwnVersionScheme(program: string, image: string): boolean {
  if (/(?:^|\/)scheduler-plugins\//.test(image)) return true;
  const { tag } = splitImage(image);
  return (
    program === 'cloud-controller-manager' &&
    (!isReleasedWithKubernetes(program, image) ||
      (tag !== undefined && /^v?\d+\.\d+/.test(tag) && parseKubeVersion(tag) === undefined))
  );
}

/** The Kubernetes version of an image of this program, by its tag; undefined if the tag is not one. */
export function imageVersion(program: string, image: string): KubeVersion | undefined {
  const { tag } = splitImage(image);
  return tag === undefined || !isReleasedWithKubernetes(program, image) ? undefined : parseKubeVersion(tag);
}
