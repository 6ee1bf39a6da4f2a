/** A Kubernetes version. Suffixes of vendors are ignored, and are not pre-releases: `-eks-94953ac`, `+k3s1`, `-gke.1200`, `+f67aeb3`. */
export interface KubeVersion {
  /** As it was written: `v1.30.6-eks-94953ac`. */
  readonly raw: string;
  readonly minor: number;
  /** Absent if a tag names only the minor version: `v1.29`. */
  readonly patch?: number;
  /** `alpha.1`, `rc.0`. */
  readonly preRelease?: string;
}

/** The only major version so far is 1: `2024.1.0` is not a Kubernetes version. */
const VERSION = /^v?1\.(?<minor>\d{1,3})(?:\.(?<patch>\d+))?(?<suffix>[-+_.].*)?$/;
const PRE_RELEASE = /^-(?<name>(?:alpha|beta|rc)\.\d+)/;
/** Programs that pretend to be a kubelet: `v1.19.10-vk-azure-aci-1.4.5`, `fake`, `kwok-v0.7.0`. */
const PRETENDED = /(?:^|[-.+])(?:vk|virtual-kubelet|kwok|fake)(?:[-.+]|$)/i;

/** undefined if it is not a Kubernetes version. */
export function parseKubeVersion(raw: string): KubeVersion | undefined {
  const { minor, patch, suffix = '' } = VERSION.exec(raw.trim())?.groups ?? {};
  if (minor === undefined) return undefined;
  const preRelease = PRE_RELEASE.exec(suffix)?.groups?.['name'];
  return {
    raw: raw.trim(),
    minor: Number(minor),
    ...(patch !== undefined && { patch: Number(patch) }),
    ...(preRelease !== undefined && { preRelease }),
  };
}

export function isPretendedKubelet(raw: string): boolean {
  return PRETENDED.test(raw);
}

/** `1.30` */
export function minorText(minor: number): string {
  return `1.${minor}`;
}

/** Without the suffix of the vendor: `1.30.6`, `1.31.0-rc.0`. */
export function versionText({ minor, patch, preRelease }: KubeVersion): string {
  return `${minorText(minor)}${patch === undefined ? '' : `.${patch}`}${preRelease === undefined ? '' : `-${preRelease}`}`;
}

/** Negative if the first is older. Compares minor and patch versions and ignores pre-releases. */
export function compareVersions(a: KubeVersion, b: KubeVersion): number {
  return a.minor - b.minor || (a.patch ?? 0) - (b.patch ?? 0);
}
