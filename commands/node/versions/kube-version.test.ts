import { expect, test } from 'vitest';
import { imageVersion } from './image-version.ts';
import { isPretendedKubelet, parseKubeVersion, versionText } from './kube-version.ts';

test.each([
  ['v1.30.6-eks-94953ac', '1.30.6'],
  ['v1.33.4-gke.1036000', '1.33.4'],
  ['v1.28.3+k3s1', '1.28.3'],
  ['v1.29.2+rke2r1', '1.29.2'],
  ['v1.22.15-aliyun.1', '1.22.15'],
  ['v1.24.9+vmware.1', '1.24.9'],
  ['v1.22.6-hotfix.20220728', '1.22.6'],
  ['v1.27.6+f67aeb3', '1.27.6'],
  ['v1.30.9+IKS', '1.30.9'],
  ['v1.31.0-alpha.1', '1.31.0-alpha.1'],
  ['v1.31.0-rc.0', '1.31.0-rc.0'],
  ['v1.32.0-beta.0.24+59e1a32fc8ed35', '1.32.0-beta.0'],
  ['1.29.4', '1.29.4'],
  ['v1.29', '1.29'],
])('%s is Kubernetes %s', (raw, text) => {
  const version = parseKubeVersion(raw);
  expect(version && versionText(version)).toBe(text);
});

test.each(['', 'fake', 'latest', 'devel', 'v2.1.0', '2024.1.5', 'kwok-v0.7.0', 'v1', '30+', 'v1.x.0'])(
  '"%s" is not a Kubernetes version',
  (raw) => {
    expect(parseKubeVersion(raw)).toBeUndefined();
  },
);

test('a virtual kubelet and KWOK are recognized by their versions, and vendor versions are not', () => {
  for (const raw of ['v1.19.10-vk-azure-aci-1.4.5', 'fake', 'kwok-v0.7.0', 'v1.25.0-virtual-kubelet'])
    expect(isPretendedKubelet(raw), raw).toBe(true);
  for (const raw of ['v1.30.6-eks-94953ac', 'v1.28.3+k3s1', 'v1.24.9+vmware.1', 'v1.27.6+f67aeb3'])
    expect(isPretendedKubelet(raw), raw).toBe(false);
});

const DIGEST = 'sha256:5147a6de6c26ca2472e0b20e803a1ba7fe6643775294aa714b6263bf176c37d1';
test.each([
  ['mirror.example:5000/kube-proxy:v1.25.16@' + DIGEST, '1.25.16'],
  ['602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/kube-proxy:v1.30.6-minimal-eksbuild.3', '1.30.6'],
  ['gke.gcr.io/kube-proxy-amd64:v1.27.3-gke.100', '1.27.3'],
  ['mcr.microsoft.com/oss/kubernetes/kube-proxy:v1.27.3-hotfix.20230728', '1.27.3'],
  ['projects.registry.vmware.com/tkg/kube-proxy:v1.24.9_vmware.1', '1.24.9'],
  ['rancher/hardened-kubernetes:v1.28.3-rke2r1-build20231018', '1.28.3'],
  ['k8s.gcr.io/hyperkube:v1.15.3', '1.15.3'],
  ['kube-proxy:1.29.4-debian-12-r1', '1.29.4'],
  ['mirror.example:5000/kube-proxy', undefined],
  ['mirror.example:5000/kube-proxy@' + DIGEST, undefined],
  ['registry.k8s.io/kube-proxy:latest', undefined],
  ['example.com/service-router:v1.2.3', undefined],
  ['', undefined],
])('kube-proxy in the image %s has the version %s', (image, text) => {
  const version = imageVersion('kube-proxy', image);
  expect(version && versionText(version)).toBe(text);
});

test('a cloud-controller-manager with its own version scheme has no Kubernetes version', () => {
  const versionOf = (image: string) => imageVersion('cloud-controller-manager', image)?.minor;
  expect(versionOf('hetznercloud/hcloud-cloud-controller-manager:v1.20.0')).toBeUndefined();
  expect(versionOf('registry.k8s.io/provider-aws/cloud-controller-manager:v1.29.0')).toBe(29);
});
