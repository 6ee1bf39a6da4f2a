import type { Step } from './steps.ts';

/**
 * `kubeadm certs renew apiserver` for the place of a certificate; all if it isn't one that kubeadm names:
 * https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-certs/
 */
export function kubeadmCommand(place: string): string {
  const path = /\/etc\/kubernetes\/(?<path>.+)$/.exec(place)?.groups?.['path'] ?? '';
  const name = /^(?:pki\/)?(?<name>[a-z/-]+?)(?:\.crt|(?<conf>\.conf)(?:#.*)?)$/.exec(path)?.groups;
  const conf = name?.['conf'] ?? '';
  const short = (name?.['name'] ?? '').replace('etcd/', 'etcd-');
  return `\`kubeadm certs renew ${RENEWED.has(`${short}${conf}`) ? `${short}${conf}` : 'all'}\``;
}

const RENEWED = new Set([
  'admin.conf',
  'super-admin.conf',
  'controller-manager.conf',
  'scheduler.conf',
  'apiserver',
  'apiserver-kubelet-client',
  'apiserver-etcd-client',
  'front-proxy-client',
  'etcd-server',
  'etcd-peer',
  'etcd-healthcheck-client',
]);

/** Some reload their certificates themselves, but not all: https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/ */
export const RESTART_STATIC_PODS: Step = {
  id: 'restart',
  state: 'open',
  by: 'person',
  what: 'restart the static pods that use them, one machine at a time: move the manifest out of `/etc/kubernetes/manifests`, wait 20 seconds, move it back',
};
