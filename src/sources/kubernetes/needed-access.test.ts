import { expect, test } from 'vitest';
import type { z } from 'zod';
import { accessReviews, type CredentialName, credentialOf, reportOf } from './needed-access.ts';
import { type KubernetesConfig, kubernetesConfig } from './config.ts';
import { ruleInWords } from './permissions.ts';

type Written = Partial<z.input<typeof kubernetesConfig>>;

const reading = { kubeconfig: '/etc/wrench/read' };

function reviewsOf(written: Written) {
  return accessReviews(kubernetesConfig.parse({ kind: 'kubernetes', ...reading, ...written }));
}

/** The report for credentials with only these permissions: the one for reading, and each of `allow`. */
function reported(
  written: Written,
  allowed: readonly string[],
  acting: { readonly [Credential in CredentialName]?: readonly string[] } = {},
) {
  const reviews = reviewsOf(written);
  const answers = reviews.map(({ credential, rule }) =>
    (credential === 'reading' ? allowed : (acting[credential] ?? [])).includes(
      rule === 'anything' ? rule : ruleInWords(rule),
    ),
  );
  return reportOf(reviews, answers);
}

const LISTS = [
  'get /version',
  'list nodes',
  'list pods',
  'list events',
  'list daemonsets.apps',
  'list replicasets.apps',
  'list ingresses.networking.k8s.io',
  'list services',
  'list endpointslices.discovery.k8s.io',
  'list deployments.apps',
  'list statefulsets.apps',
  'get deployments.apps',
  'get statefulsets.apps',
  'get daemonsets.apps',
  'get replicasets.apps',
];
const CORDON = ['get nodes', 'patch nodes'];
const REMOVE = ['get pods', 'delete pods'];
const CHANGES = ['patch deployments.apps', 'patch statefulsets.apps', 'patch daemonsets.apps'];
const ADJUST = ['get deployments.apps', 'get statefulsets.apps', 'get daemonsets.apps', ...CHANGES];
const EVERYTHING = [
  ...LISTS,
  ...CORDON,
  ...REMOVE,
  ...ADJUST,
  'get nodes/proxy',
  'get nodes/stats',
  'get nodes/configz',
  'get pods/log',
  'list secrets',
  'get certificates.cert-manager.io',
  'patch certificates.cert-manager.io/status',
  'anything',
];
const separate = { allow: { cordon: { kubeconfig: '/etc/wrench/cordon' } } };
const allSeparate = {
  allow: {
    cordon: { kubeconfig: '/etc/wrench/cordon' },
    remove: { kubeconfig: '/etc/wrench/remove' },
    adjust: { context: 'adjust' },
  },
};

const missing = (all: ReturnType<typeof reported>) => all.filter(({ allowed }) => !allowed);
const excess = (all: ReturnType<typeof reported>) =>
  all.filter(
    ({ allowed, method, alsoAllows }) => allowed && (method === undefined || alsoAllows !== undefined),
  );
const named = (all: ReturnType<typeof reported>) => [...new Set(all.map(({ permission }) => permission))];

test.each<[KubernetesConfig['kubelets'], readonly string[]]>([
  ['none', LISTS],
  ['direct', [...LISTS, 'get nodes/stats', 'get nodes/configz']],
])(
  'an account with what `kubelets: %s` needs has no missing and no excess permissions',
  (kubelets, allowed) => {
    const all = reported({ kubelets }, allowed);

    expect(missing(all)).toEqual([]);
    expect(excess(all)).toEqual([]);
    expect(named(all).toSorted()).toEqual(allowed.toSorted());
  },
);

test('a missing permission names its methods and the role that grants it', () => {
  expect(
    missing(
      reported(
        { kubelets: 'direct' },
        LISTS.filter((one) => one !== 'list daemonsets.apps'),
      ),
    ),
  ).toEqual([
    ...['daemonSets', 'rollouts'].map((method) => ({
      method,
      permission: 'list daemonsets.apps',
      allowed: false,
      hint: 'apply deploy/kubernetes/rbac/read.yaml, or bind its ClusterRole `wrench-read` to the account',
    })),
    {
      method: 'kubeletStats',
      permission: 'get nodes/stats',
      allowed: false,
      hint: 'apply deploy/kubernetes/rbac/kubelet-read.yaml, or bind its ClusterRole `wrench-kubelet-read` to the account',
    },
    {
      method: 'kubeletConfig',
      permission: 'get nodes/configz',
      allowed: false,
      hint: 'apply deploy/kubernetes/rbac/kubelet-read.yaml, or bind its ClusterRole `wrench-kubelet-read` to the account',
    },
  ]);
});

test('`kubelets: proxy` needs nodes/proxy, which is always reported as dangerous', () => {
  const granted = reported({ kubelets: 'proxy' }, [...LISTS, 'get nodes/proxy']);

  expect(named(missing(reported({ kubelets: 'proxy' }, LISTS)))).toEqual(['get nodes/proxy']);
  expect(missing(granted)).toEqual([]);
  expect(excess(granted)).toEqual(
    ['kubeletStats', 'kubeletConfig'].map((method) => ({
      method,
      permission: 'get nodes/proxy',
      allowed: true,
      alsoAllows: 'run commands in every container',
      hint: expect.stringContaining('`kubelets: direct`') as string,
    })),
  );
});

test('nodes/proxy is reported if it is granted and not used', () => {
  expect(excess(reported({}, [...LISTS, 'get nodes/proxy']))).toMatchObject([
    { permission: 'get nodes/proxy', hint: 'delete the ClusterRoleBinding `wrench-kubelet-proxy`' },
  ]);
  // Kubelets before 1.33 require it for their configuration.
  expect(excess(reported({ kubelets: 'direct' }, ['get nodes/proxy']))).toMatchObject([
    { method: 'kubeletConfig', permission: 'get nodes/proxy', alsoAllows: expect.any(String) as string },
  ]);
});

test('patch nodes is an excess permission, except for the account that cordons', () => {
  const allowed = [...LISTS, ...CORDON];

  expect(named(excess(reported({}, allowed)))).toEqual(['patch nodes']);
  expect(named(excess(reported(separate, allowed, { cordon: CORDON })))).toEqual(['patch nodes']);
  expect(excess(reported({ allow: { cordon: {} } }, allowed))).toEqual([]);
});

test('the permissions for cordoning are reviewed with the credential that cordons', () => {
  expect(missing(reported({}, LISTS))).toEqual([]);
  expect(missing(reported(separate, LISTS, { cordon: CORDON }))).toEqual([]);
  const refused = missing(reported(separate, [...LISTS, ...CORDON]));

  expect(named(refused)).toEqual(CORDON);
  expect(new Set(refused.map(({ credential }) => credential))).toEqual(new Set(['allow.cordon']));
  expect(named(missing(reported({ allow: { cordon: {} } }, LISTS, { cordon: CORDON })))).toEqual(CORDON);
  expect(missing(reported({ allow: { cordon: {} } }, LISTS)).map(({ method }) => method)).toEqual([
    'cordon',
    'cordon',
  ]);
});

test('an account that may do anything is a single excess permission', () => {
  expect(named(excess(reported({ kubelets: 'proxy' }, EVERYTHING)))).toEqual(['do anything in the cluster']);
  expect(excess(reported(separate, LISTS, { cordon: EVERYTHING }))).toMatchObject([
    { permission: 'do anything in the cluster', credential: 'allow.cordon' },
  ]);
});

test('each credential is reviewed for what its key of `allow` needs', () => {
  expect(missing(reported(allSeparate, LISTS, { cordon: CORDON, remove: REMOVE, adjust: ADJUST }))).toEqual(
    [],
  );
  const nothing = missing(reported(allSeparate, LISTS));
  const of = (credential: string) => named(nothing.filter((one) => one.credential === credential));

  expect(of('allow.cordon')).toEqual(CORDON);
  expect(of('allow.remove')).toEqual(REMOVE);
  expect(of('allow.adjust').toSorted()).toEqual(ADJUST.toSorted());
  expect(nothing).toHaveLength(CORDON.length + REMOVE.length + ADJUST.length);
  expect([...new Set(nothing.map(({ method }) => method))]).toEqual(['cordon', 'remove', 'adjust']);
});

test('a credential that may change more than its key of `allow` permits has excess permissions', () => {
  const all = [...LISTS, ...CORDON, ...REMOVE, ...ADJUST];
  const found = excess(reported(allSeparate, all, { cordon: all, remove: all, adjust: all }));
  const of = (credential: string | undefined) =>
    named(found.filter((one) => one.credential === credential)).toSorted();

  expect(of(undefined)).toEqual(['delete pods', ...CHANGES, 'patch nodes'].toSorted());
  expect(of('allow.cordon')).toEqual(['delete pods', ...CHANGES].toSorted());
  expect(of('allow.remove')).toEqual(['patch nodes', ...CHANGES].toSorted());
  expect(of('allow.adjust')).toEqual(['delete pods', 'patch nodes']);
});

test('with `{}`, the credential for reading is reviewed for both, and has nothing to spare', () => {
  const written = { allow: { remove: {}, adjust: { managed: true } } };
  const all = [...LISTS, ...REMOVE, ...ADJUST];

  expect(missing(reported(written, all))).toEqual([]);
  expect(excess(reported(written, all))).toEqual([]);
  expect(named(missing(reported(written, LISTS))).toSorted()).toEqual([...REMOVE, ...CHANGES].toSorted());
});

test('a credential that two keys of `allow` name is one, with the name of the first', () => {
  const both = { kubeconfig: '/etc/wrench/act' };
  const written = { allow: { remove: both, adjust: { ...both, managed: true } } };
  const config = kubernetesConfig.parse({ kind: 'kubernetes', ...reading, ...written });

  expect(credentialOf(config, 'adjust')).toBe('remove');
  expect(excess(reported(written, LISTS, { remove: [...REMOVE, ...ADJUST] }))).toEqual([]);
  expect(named(missing(reported(written, LISTS))).toSorted()).toEqual([...REMOVE, ...ADJUST].toSorted());
});

test('a role that can also be bound in single namespaces has a hint that says so', () => {
  const [first] = missing(reported({ allow: { remove: {} } }, LISTS));

  expect(first?.hint).toBe(
    'apply deploy/kubernetes/rbac/remove.yaml, or bind its ClusterRole `wrench-remove` to the account; ' +
      'ignore this if RoleBindings grant it in the namespaces that need it',
  );
});

test.each(['get pods/log', 'list rollouts.argoproj.io'])('%s is optional', (permission) => {
  expect(reviewsOf({}).map(({ rule }) => (rule === 'anything' ? rule : ruleInWords(rule)))).not.toContain(
    permission,
  );
});

test('no review is sent twice', () => {
  const all = { kubeconfig: '/etc/wrench/act' };
  const configured: readonly Written[] = [
    { kubelets: 'proxy', ...separate },
    { allow: { cordon: {} } },
    allSeparate,
    { allow: { cordon: {}, remove: {}, adjust: {} } },
    { allow: { cordon: all, remove: all, adjust: all } },
  ];
  for (const written of configured) {
    const asked = reviewsOf(written).map(({ credential, rule }) => JSON.stringify([credential, rule]));
    expect(asked).toEqual([...new Set(asked)]);
  }
});

const CERT_MANAGER = [
  'list certificates.cert-manager.io',
  'list certificaterequests.cert-manager.io',
  'list issuers.cert-manager.io',
];

test('reading Secrets is needed only if it is configured, and is then reported as dangerous', () => {
  const certificates = { secrets: 'tls' as const };
  const allowed = [...LISTS, ...CERT_MANAGER, 'list secrets'];

  expect(named(missing(reported({ certificates }, LISTS)))).toEqual(['list secrets', ...CERT_MANAGER]);
  expect(missing(reported({ certificates }, allowed))).toEqual([]);
  expect(excess(reported({ certificates }, allowed))).toEqual([
    {
      method: 'certificates',
      permission: 'list secrets',
      allowed: true,
      alsoAllows: 'read all other secrets there, including private keys',
      hint: expect.stringContaining('`secrets: none`') as string,
    },
  ]);
  for (const other of [{}, { certificates: {} }])
    expect(named(excess(reported(other, allowed)))).toEqual(['list secrets']);
});

test('permissions are reviewed in the namespaces that are read', () => {
  const certificates = {
    secrets: 'tls' as const,
    certManager: 'none' as const,
    namespaces: ['shop', 'pay'],
    trust: ['fin/trust'],
  };
  const reviews = reviewsOf({ certificates }).filter(({ namespace }) => namespace !== undefined);

  expect(
    reviews.map(({ rule, namespace }) => [rule === 'anything' ? rule : ruleInWords(rule), namespace]),
  ).toEqual([
    ['list secrets', 'shop'],
    ['list secrets', 'pay'],
    ['get configmaps trust', 'fin'],
  ]);
  expect(named(missing(reported({ certificates }, LISTS)))).toEqual([
    'list secrets in the namespace shop',
    'list secrets in the namespace pay',
    'get configmaps trust in the namespace fin',
  ]);
});

test('what is read only if it happens to be permitted is not reported as missing', () => {
  expect(named(missing(reported({ certificates: { certManager: 'none' } }, LISTS)))).toEqual([]);
  expect(
    named(missing(reported({ certificates: { certManager: 'none', caBundles: 'all' } }, LISTS))),
  ).toHaveLength(4);
});

test('restarting, pinning and changing probes need the same permissions, which none has to spare', () => {
  const acts = ['restart', 'adjust', 'pin'] as const;
  const written = {
    allow: Object.fromEntries(acts.map((act) => [act, { context: act }])),
    kubeconfig: '/k',
  };
  const granted = Object.fromEntries(acts.map((act) => [act, ADJUST]));

  expect(excess(reported(written, LISTS, granted))).toEqual([]);
  expect(missing(reported(written, LISTS, granted))).toEqual([]);
  const [, , last] = missing(reported(written, LISTS)).filter(({ method }) => method === 'pin');
  expect(last).toMatchObject({
    credential: 'allow.pin',
    hint: expect.stringContaining('ignore this if RoleBindings grant it') as string,
  });
});
