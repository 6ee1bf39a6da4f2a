import { expect, test } from 'vitest';
import { kubernetesConfig } from './config.ts';

const LEAST = { kind: 'kubernetes' };

test('accepts the minimal configuration', () => {
  expect(kubernetesConfig.parse(LEAST)).toEqual({
    kind: 'kubernetes',
    name: 'kubernetes',
    kubelets: 'none',
    kubeletInsecure: false,
    allow: {},
    timeoutMs: 10_000,
  });
});

test.each([
  ['a context without a kubeconfig', { context: 'prod' }],
  ['a context for cordoning without a kubeconfig', { allow: { cordon: { context: 'prod' } } }],
  ['a context for deleting pods without a kubeconfig', { allow: { remove: { context: 'prod' } } }],
  ['a context for changing probes without a kubeconfig', { allow: { adjust: { context: 'prod' } } }],
  ['renewals without certificates', { kubeconfig: '/k', allow: { renew: {} } }],
  ['renewals without cert-manager', { certificates: { certManager: 'none' }, allow: { renew: {} } }],
  ['labels without Secrets', { certificates: { labelSelector: 'team=web' } }],
  ['a ConfigMap without a namespace', { certificates: { trust: ['trust'] } }],
  ['a ConfigMap that leads elsewhere', { certificates: { trust: ['shop/../../secrets'] } }],
  ['a namespace that leads elsewhere', { certificates: { namespaces: ['shop/secrets'] } }],
  ['no namespaces', { certificates: { namespaces: [] } }],
  ['a context for changing images without a kubeconfig', { allow: { pin: { context: 'prod' } } }],
  ['an option that `allow.remove` does not have', { allow: { remove: { managed: true } } }],
  ['an option that only `allow.remove` has', { allow: { pin: { running: true } } }],
  ['a CA of kubelets that are not read directly', { kubelets: 'proxy', kubeletCa: '/ca.pem' }],
  ['insecure kubelets that are not read directly', { kubeletInsecure: true }],
  ['a CA that is not used', { kubelets: 'direct', kubeletCa: '/ca.pem', kubeletInsecure: true }],
  ['an unknown way to read kubelets', { kubelets: 'agent' }],
  ['a token', { token: 'secret' }],
])('rejects %s', (_, options) => {
  expect(kubernetesConfig.safeParse({ ...LEAST, ...options }).success).toBe(false);
});

test('the context for cordoning can be in the kubeconfig for reading', () => {
  const options = { kubeconfig: '/etc/kubeconfig', allow: { cordon: { context: 'acting' } } };

  expect(kubernetesConfig.parse({ ...LEAST, ...options })).toMatchObject(options);
});

test.each(['adjust', 'restart', 'pin'] as const)(
  'with `allow.%s`, workloads that a GitOps tool manages are changed only if that is allowed too',
  (act) => {
    const allow = (options: object) => kubernetesConfig.parse({ ...LEAST, allow: { [act]: options } }).allow;

    expect(allow({})).toEqual({ [act]: { managed: false } });
    expect(allow({ managed: true })).toEqual({ [act]: { managed: true } });
  },
);

test('running pods are deleted only if that is allowed too', () => {
  const allow = (remove: object) => kubernetesConfig.parse({ ...LEAST, allow: { remove } }).allow;

  expect(allow({})).toEqual({ remove: { running: false } });
  expect(allow({ running: true })).toEqual({ remove: { running: true } });
});

test('by default, `certificates` reads nothing that contains keys', () => {
  expect(kubernetesConfig.parse({ ...LEAST, certificates: {} }).certificates).toEqual({
    secrets: 'none',
    certManager: 'auto',
    trust: [],
    caBundles: 'auto',
  });
});
