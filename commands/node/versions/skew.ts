import type { KubeVersion } from './kube-version.ts';

/** How far the versions of a cluster may be apart. The policy is about minor versions only: patch releases never violate it. */
export const SKEW_POLICY = 'https://kubernetes.io/releases/version-skew-policy/';

/** The oldest and the newest API server that a component uses: the first limits how new it may be, the second how old. */
export interface ApiServerRange {
  readonly oldest: KubeVersion;
  readonly newest: KubeVersion;
}

export type Skew = 'newer' | 'supported' | 'too-old';

/** kube-controller-manager, kube-scheduler and cloud-controller-manager may be this many minor versions older than their API server. */
export const CONTROLLER_MOST_BEHIND = 1;
/** API servers of one cluster may be this many minor versions apart. */
export const API_SERVERS_MOST_APART = 1;

/** How many minor versions a kubelet or kube-proxy of this version may be older than an API server. */
export function nodeMostBehind(minor: number): number {
  return minor < 25 ? 2 : 3;
}

export function skewOf(
  { minor }: KubeVersion,
  { oldest, newest }: ApiServerRange,
  mostBehind = nodeMostBehind(minor),
): Skew {
  if (minor > oldest.minor) return 'newer';
  return newest.minor - minor > mostBehind ? 'too-old' : 'supported';
}

/** Whether it is supported now, but would not be after an upgrade of the API servers to the next minor version. */
export function blocksUpgrade(version: KubeVersion, range: ApiServerRange): boolean {
  return (
    skewOf(version, range) === 'supported' &&
    range.newest.minor + 1 - version.minor > nodeMostBehind(version.minor)
  );
}

/** The oldest minor version of a kubelet or kube-proxy that this API server supports. */
export function oldestSupportedMinor({ minor: newest }: KubeVersion): number {
  let minor = newest;
  while (minor > 0 && newest - (minor - 1) <= nodeMostBehind(minor - 1)) minor -= 1;
  return minor;
}

/** Whether kube-proxy is close enough to the kubelet of its node. */
export function isSupportedBeside(kubeProxy: KubeVersion, kubelet: KubeVersion): boolean {
  return Math.abs(kubeProxy.minor - kubelet.minor) <= nodeMostBehind(kubeProxy.minor);
}
