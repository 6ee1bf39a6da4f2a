import { type KubeVersion, parseKubeVersion } from './kube-version.ts';

/** The repository of an image, its last part, and the tag. */
interface ImageName {
  readonly repository: string;
  readonly name: string;
  readonly tag?: string;
}

/** Images that contain all programs of Kubernetes. */
const WHOLE_KUBERNETES = /^(?:hyperkube|hardened-kubernetes|kubernetes)(?:-\w+)?$/;
/**
 * cloud-controller-managers with one release per minor version of Kubernetes, to be upgraded with it like kube-controller-manager:
 * https://github.com/kubernetes/cloud-provider-aws#compatibility-with-kubernetes
 * https://github.com/kubernetes/cloud-provider-vsphere#compatibility-with-kubernetes
 * https://github.com/kubernetes-sigs/cloud-provider-azure#version-matrix
 */
const RELEASED_PER_MINOR = [
  /provider-aws\/cloud-controller-manager(?:-(?:amd64|arm64))?$/,
  /(?:^|[/-])(?:aws|azure)-cloud-controller-manager(?:-(?:amd64|arm64))?$/,
  /(?:^|[/-])cloud-provider-vsphere(?:\/cpi\/(?:\w+\/)?manager)?$/,
];
/** The release of Azure for Kubernetes 1.22 was 1.1, and that of vSphere for 1.18 was 1.2. */
const FIRST_SHARED_MINOR = 15;
/** Has the minor versions of Kubernetes, or an unknown vendor. Others have their own: Hetzner's v1.20 is not for Kubernetes 1.20. */
const SIMILAR = /^(?:openstack-)?cloud-controller-manager(?:-(?:amd64|arm64))?$/;

/** Only kube-proxy itself, not `kube-proxy-exporter`. */
const KUBE_PROXY = /(?:^|-)kube-proxy(?:-(?:amd64|arm|arm64|ppc64le|s390x|windows[\w.-]*))?$/;

/** `mirror.example:5000/k8s`, `kube-proxy` and `v1.25.16` of `mirror.example:5000/k8s/kube-proxy:v1.25.16@sha256:5147…`. */
function splitImage(image: string): ImageName {
  const [withoutDigest = ''] = image.split('@');
  const slash = withoutDigest.lastIndexOf('/');
  const last = withoutDigest.slice(slash + 1);
  const colon = last.indexOf(':');
  const name = colon < 0 ? last : last.slice(0, colon);
  return {
    name,
    repository: withoutDigest.slice(0, slash + 1) + name,
    ...(colon >= 0 && { tag: last.slice(colon + 1) }),
  };
}

export function isProxyImage(image: string): boolean {
  return KUBE_PROXY.test(splitImage(image).name);
}

/**
 * What the version of an image says about Kubernetes. `kubernetes`: it is the version of Kubernetes. `similar`: it has the same numbers, but is
 * not bound to that version. `own`: nothing.
 */
export type VersionScheme = 'kubernetes' | 'similar' | 'own';

/** undefined if the image is not known to be one of this program. */
export function versionScheme(program: string, image: string): VersionScheme | undefined {
  const { name, repository, tag } = splitImage(image);
  // The scheduler with plugins is 0.29 for Kubernetes 1.29: https://github.com/kubernetes-sigs/scheduler-plugins
  if (/(?:^|\/)scheduler-plugins\//.test(image)) return 'own';
  if (WHOLE_KUBERNETES.test(name)) return 'kubernetes';
  if (program !== 'cloud-controller-manager') return name.includes(program) ? 'kubernetes' : undefined;
  const isPerMinor = RELEASED_PER_MINOR.some((pattern) => pattern.test(repository));
  if (!isPerMinor && !SIMILAR.test(name)) return 'own';
  const version = tag === undefined ? undefined : parseKubeVersion(tag);
  const isOtherNumber = tag !== undefined && /^v?\d+\.\d+/.test(tag) && version === undefined;
  if (isOtherNumber || (version && version.minor < FIRST_SHARED_MINOR)) return 'own';
  return isPerMinor ? 'kubernetes' : 'similar';
}

/** The Kubernetes version of an image of this program, by its tag; undefined if the tag is not one. */
export function imageVersion(program: string, image: string): KubeVersion | undefined {
  const { tag } = splitImage(image);
  const scheme = versionScheme(program, image);
  return tag === undefined || scheme === undefined || scheme === 'own' ? undefined : parseKubeVersion(tag);
}
