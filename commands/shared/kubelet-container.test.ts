import { expect, test } from 'vitest';
import { hasKubeletName, kubeletContainerOf } from './kubelet-container.ts';

const UID = '9a8ab44e28b43ed1203b49f15201573e';
const ETCD = { namespace: 'kube-system', pod: 'etcd-cp-1', uid: UID, container: 'etcd', isSandbox: false };
const LABELS = {
  'io.kubernetes.pod.name': 'etcd-cp-1',
  'io.kubernetes.pod.namespace': 'kube-system',
  'io.kubernetes.pod.uid': UID,
  'io.kubernetes.container.name': 'etcd',
  'io.kubernetes.docker.type': 'container',
  'annotation.io.kubernetes.container.restartCount': '3',
};

test('by its labels, whatever its name', () => {
  expect(kubeletContainerOf({ name: 'a', labels: LABELS })).toEqual({ ...ETCD, attempt: 3 });
});

test.each([
  [`k8s_etcd_etcd-cp-1_kube-system_${UID}_12`, 12],
  [`k8s_etcd_etcd-cp-1_kube-system_${UID}_0_0a1b2c3d`, 0],
])('by its name %s, if it has no labels', (name, attempt) => {
  expect(kubeletContainerOf({ name, labels: {} })).toEqual({ ...ETCD, attempt });
});

test('the sandbox of a pod, by its label or its name', () => {
  const { 'io.kubernetes.container.name': _, ...labels } = LABELS;
  const sandbox = { ...labels, 'io.kubernetes.docker.type': 'podsandbox' };
  expect(kubeletContainerOf({ name: 'a', labels: sandbox })?.isSandbox).toBe(true);
  expect(kubeletContainerOf({ name: `k8s_POD_etcd-cp-1_kube-system_${UID}_0`, labels: {} })?.isSandbox).toBe(
    true,
  );
});

test('an unreadable number of restarts is unknown', () => {
  const labels = { ...LABELS, 'annotation.io.kubernetes.container.restartCount': 'many' };
  expect(kubeletContainerOf({ name: 'a', labels })).toEqual(ETCD);
});

test.each([
  ['k8s-debug', {}],
  ['k8s_web_web-1_shop', {}],
  ['web', { 'io.kubernetes.display-name': 'A base image' }],
  ['web', { 'io.kubernetes.pod.name': 'web-1' }],
])('%s with the labels %o is not of a kubelet', (name, labels) => {
  expect(kubeletContainerOf({ name, labels })).toBeUndefined();
  expect(hasKubeletName(name)).toBe(false);
});
