import { expect, test } from 'vitest';
import { accessRules, READ_METHODS, ruleInWords, WRITE_METHODS } from './permissions.ts';

const inWords = (
  methods: readonly Parameters<typeof accessRules>[0][],
  kubelets: Parameters<typeof accessRules>[1],
) => [...new Set(methods.flatMap((method) => accessRules(method, kubelets).map(ruleInWords)))];

test.each([
  ['none', []],
  ['direct', ['get nodes/stats', 'get nodes/configz']],
  ['proxy', ['get nodes/proxy']],
] as const)('reading with kubelets: %s', (kubelets, more) => {
  expect(inWords(READ_METHODS, kubelets)).toEqual([
    'get /version',
    'list nodes',
    'list pods',
    'list events',
    'list daemonsets.apps',
    'list replicasets.apps',
    'get deployments.apps',
    'get statefulsets.apps',
    'get daemonsets.apps',
    'get replicasets.apps',
    'get pods/log',
    'list ingresses.networking.k8s.io',
    'list services',
    'list endpointslices.discovery.k8s.io',
    'list deployments.apps',
    'list statefulsets.apps',
    'list rollouts.argoproj.io',
    ...more,
  ]);
});

test('only writes need a verb that writes', () => {
  expect(inWords(WRITE_METHODS, 'none')).toEqual([
    'get nodes',
    'patch nodes',
    'get pods',
    'delete pods',
    'get deployments.apps',
    'patch deployments.apps',
    'get statefulsets.apps',
    'patch statefulsets.apps',
    'get daemonsets.apps',
    'patch daemonsets.apps',
    'get certificates.cert-manager.io',
    'patch certificates.cert-manager.io/status',
  ]);
});
