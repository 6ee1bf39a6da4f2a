/** The static pods of kubeadm that serve a certificate, by its file: https://kubernetes.io/docs/setup/best-practices/certificates/ */
const COMPONENTS: readonly (readonly [RegExp, string])[] = [
  [/:\/etc\/kubernetes\/pki\/etcd\/(?:server|peer)\.crt/, 'etcd'],
  [/:\/etc\/kubernetes\/pki\/apiserver\.crt/, 'kube-apiserver'],
];

const MANIFESTS = '/etc/kubernetes/manifests';
/** The kubelet looks for changes every 20 s: https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/#manual-certificate-renewal */
const WAIT_SECONDS = 20;

export function staticPodOf(place: string): string | undefined {
  return COMPONENTS.find(([file]) => file.test(place))?.[1];
}

/** Whether kubeadm runs it as a static pod. */
export function isStaticPod(program: string): boolean {
  return program === 'etcd' || /^kube-(?:apiserver|controller-manager|scheduler)$/.test(program);
}

/** The kubelet stops a static pod whose manifest is gone. Deleting its mirror pod restarts nothing. */
export function staticPodSteps(component: string, host: string): readonly string[] {
  return [
    `On ${host}, as root: \`mv ${MANIFESTS}/${component}.yaml /root/\``,
    `Wait ${WAIT_SECONDS} s until the kubelet has stopped it, then \`mv /root/${component}.yaml ${MANIFESTS}/\``,
    'Run `/certs drift` again before the next machine: the site must serve the new certificate',
  ];
}
