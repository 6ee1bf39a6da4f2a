import { expect, test } from 'vitest';
import { accessReviews, reportOf } from './needed-access.ts';
import { type KubernetesConfig, kubernetesConfig } from './config.ts';
import { ruleInWords } from './permissions.ts';

type Written = Partial<Pick<KubernetesConfig, 'kubelets' | 'allow' | 'kubeconfig'>>;

function reviewsOf(written: Written) {
  return accessReviews(kubernetesConfig.parse({ kind: 'kubernetes', ...written }));
}

/** The report for a credential for reading with only these permissions. */
function reported(written: Written, allowed: readonly string[], cordoning: readonly string[] = []) {
  const reviews = reviewsOf(written);
  const answers = reviews.map(({ credential, rule }) =>
    (credential === 'reading' ? allowed : cordoning).includes(rule === 'anything' ? rule : ruleInWords(rule)),
  );
  return reportOf(reviews, answers);
}

const LISTS = ['get /version', 'list nodes', 'list pods', 'list events', 'list daemonsets.apps'];
const EVERYTHING = [...LISTS, 'get nodes', 'patch nodes', 'get nodes/proxy', 'get nodes/stats', 'anything'];
const CORDON = ['get nodes', 'patch nodes'];
const separate = { allow: { cordon: { kubeconfig: '/etc/wrench/cordon' } } };

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
  expect(missing(reported({ kubelets: 'direct' }, LISTS.slice(0, -1)))).toEqual([
    {
      method: 'daemonSets',
      permission: 'list daemonsets.apps',
      allowed: false,
      hint: 'apply deploy/kubernetes/rbac/read.yaml, or bind its ClusterRole `wrench-read` to the account',
    },
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
  expect(named(excess(reported(separate, allowed, CORDON)))).toEqual(['patch nodes']);
  expect(excess(reported({ allow: { cordon: {} } }, allowed))).toEqual([]);
});

test('the permissions for cordoning are reviewed with the credential that cordons', () => {
  expect(missing(reported({}, LISTS))).toEqual([]);
  expect(missing(reported(separate, LISTS, CORDON))).toEqual([]);
  const refused = missing(reported(separate, [...LISTS, ...CORDON]));

  expect(named(refused)).toEqual(CORDON);
  expect(new Set(refused.map(({ credential }) => credential))).toEqual(new Set(['allow.cordon']));
  expect(named(missing(reported({ allow: { cordon: {} } }, LISTS, CORDON)))).toEqual(CORDON);
  expect(missing(reported({ allow: { cordon: {} } }, LISTS)).map(({ method }) => method)).toEqual([
    'cordon',
    'uncordon',
    'cordon',
    'uncordon',
  ]);
});

test('an account that may do anything is a single excess permission', () => {
  expect(named(excess(reported({ kubelets: 'proxy' }, EVERYTHING)))).toEqual(['do anything in the cluster']);
  expect(excess(reported(separate, LISTS, EVERYTHING))).toMatchObject([
    { permission: 'do anything in the cluster', credential: 'allow.cordon' },
  ]);
});

test('no review is sent twice', () => {
  for (const written of [{ kubelets: 'proxy' as const, ...separate }, { allow: { cordon: {} } }]) {
    const asked = reviewsOf(written).map(({ credential, rule }) => JSON.stringify([credential, rule]));
    expect(asked).toEqual([...new Set(asked)]);
  }
});
