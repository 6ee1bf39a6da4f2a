import { blocksUpgrade, skewOf } from './skew.ts';
import type { Kubelet, Survey } from './survey.ts';

/** The kubelets that the skew policy has something to say about. */
export interface KubeletSkews {
  /** Newer than an API server. */
  readonly newer: readonly Kubelet[];
  /** The same, but not newer than the API server on the same node, which may be the only one that they talk to. */
  readonly ahead: readonly Kubelet[];
  readonly tooOld: readonly Kubelet[];
  /** Supported now, and not any more after the next upgrade of the control plane. */
  readonly blocking: readonly Kubelet[];
  /** Supported, the blocking ones included. */
  readonly supported: readonly Kubelet[];
}

/** None of a cluster whose API server's version is not known. */
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
