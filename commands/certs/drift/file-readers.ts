import type { ports } from '../../kit.ts';

/** What reads a certificate file, as far as its path says. */
export interface FileReader {
  readonly program?: ports.HostProgram;
  /** The job of BOSH that the file belongs to. */
  readonly job?: string;
  /** It reads a changed file without a restart. */
  readonly reloads: boolean;
}

const PROGRAMS: readonly (readonly [RegExp, ports.HostProgram, reloads: boolean])[] = [
  // Since 3.2, with every connection: https://etcd.io/docs/v3.5/op-guide/security/#notes-for-tls-authentication
  [/:\/etc\/kubernetes\/pki\/etcd\/(?:server|peer)\.crt/, 'etcd', true],
  // Since 1.17: https://github.com/kubernetes/kubernetes/pull/83579
  [/:\/etc\/kubernetes\/pki\/(?:apiserver[\w-]*|front-proxy-client)\.crt/, 'kube-apiserver', true],
  // https://kubernetes.io/docs/tasks/tls/certificate-rotation/
  [/:\/(?:etc\/kubernetes\/kubelet\.conf#|var\/lib\/kubelet\/pki\/)/, 'kubelet', true],
  // Their certificates are in the file itself: https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/#manual-certificate-renewal
  [/:\/etc\/kubernetes\/controller-manager\.conf#/, 'kube-controller-manager', false],
  [/:\/etc\/kubernetes\/scheduler\.conf#/, 'kube-scheduler', false],
  [/:\/(?:[^/]+\/)*nginx\//, 'nginx', false],
  [/:\/(?:[^/]+\/)*haproxy\//, 'haproxy', false],
];

export function readerOf(place: string): FileReader | undefined {
  const job = /:\/var\/vcap\/jobs\/([\w.-]+)\//.exec(place)?.[1];
  const [, program, reloads = false] = PROGRAMS.find(([path]) => path.test(place)) ?? [];
  if (program === undefined && job === undefined) return undefined;
  return { ...(program && { program }), ...(job !== undefined && { job }), reloads };
}

/** A reload replaces the processes of these without restarting the one that a supervisor knows. */
export function isReloadedInPlace(name: string): boolean {
  return /nginx|haproxy/.test(name);
}
