import { blocksUpgrade, skewOf } from './skew.ts';
import type { Kubelet, Survey } from './survey.ts';

/** The kubelets of a cluster by how the skew policy sees them. */
export interface KubeletSkews {
  /** Newer than an API server. */
  readonly newer: readonly Kubelet[];
  /** Newer than an API server, but not than the one on the same node, which may be the only one that they use. */
  readonly ahead: readonly Kubelet[];
  readonly tooOld: readonly Kubelet[];
  /** Supported now, but no longer after the next upgrade of the control plane. */
  readonly blocking: readonly Kubelet[];
  /** Supported, including the blocking ones. */
  readonly supported: readonly Kubelet[];
}

/** Empty if no API server version is known. */
export function kubeletSkews({ kubelets, range }: Survey): KubeletSkews {
  const of = (wanted: ReturnType<typeof skewOf>) =>
    range ? kubelets.filter(({ version }) => skewOf(version, range) === wanted) : [];
  const isAhead = ({ version, local }: Kubelet) =>
    local !== undefined && local.isServing && version.minor <= local.version.minor;
  const newer = of('newer');
  const supported = of('supported');
  return {
    newer: newer.filter((one) => !isAhead(one)),
    ahead: newer.filter(isAhead),
    tooOld: of('too-old'),
    blocking: range ? supported.filter(({ version }) => blocksUpgrade(version, range)) : [],
    supported,
  };
}
