import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { RemediationsByName } from '../../src/check/define-remediation.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { WRITES } from '../../src/sources/kubernetes/act-permission.ts';
import { certificateUses } from '../../src/sources/kubernetes/certificates/certificate-access.ts';
import { accessReviews, reportOf } from '../../src/sources/kubernetes/needed-access.ts';
import {
  accessRules,
  READ_METHODS,
  type ReadMethod,
  ruleInWords,
  WRITE_METHODS,
} from '../../src/sources/kubernetes/permissions.ts';
import { ACTS, type CertificateOptions, kubernetesConfig } from '../../src/sources/kubernetes/config.ts';
import { readText, readTree } from './tree.ts';

/** The roles in deploy/kubernetes/rbac grant what checks and fixes need in a cluster, and nothing else. */

const FOLDER = 'deploy/kubernetes/rbac';
const READ_ROLES = {
  none: ['wrench-read'],
  direct: ['wrench-read', 'wrench-kubelet-read'],
  proxy: ['wrench-read', 'wrench-kubelet-proxy'],
} as const;
type Kubelets = keyof typeof READ_ROLES;
/** For what every check works without. */
const OPTIONAL_ROLES = { previousLog: 'wrench-logs' } as const;
/** For `certificates`. */
const CERTIFICATE_ROLES = ['wrench-certificates', 'wrench-secrets', 'wrench-config-maps'] as const;
const CERTIFICATES: CertificateOptions = {
  secrets: 'all',
  certManager: 'auto',
  caBundles: 'all',
  clusterResourceNamespace: 'cert-manager',
  trust: ['shop/trust'],
};
const READ_ONLY_ROLES: readonly string[] = [
  ...Object.values(READ_ROLES).flat(),
  ...Object.values(OPTIONAL_ROLES),
  ...CERTIFICATE_ROLES,
];

type ActPermission = keyof typeof WRITES;

const rule = z.union([
  z.strictObject({
    apiGroups: z.array(z.string()),
    resources: z.array(z.string()),
    verbs: z.array(z.string()),
  }),
  z.strictObject({ nonResourceURLs: z.array(z.string()), verbs: z.array(z.string()) }),
]);
const roleSchema = z.strictObject({
  apiVersion: z.literal('rbac.authorization.k8s.io/v1'),
  kind: z.literal('ClusterRole'),
  metadata: z.strictObject({ name: z.string() }),
  rules: z.array(rule),
});
const bindingSchema = z.strictObject({
  apiVersion: z.literal('rbac.authorization.k8s.io/v1'),
  kind: z.literal('ClusterRoleBinding'),
  metadata: z.strictObject({ name: z.string() }),
  roleRef: z.strictObject({
    apiGroup: z.literal('rbac.authorization.k8s.io'),
    kind: z.literal('ClusterRole'),
    name: z.string(),
  }),
  subjects: z.tuple([
    z.strictObject({ kind: z.literal('ServiceAccount'), name: z.string(), namespace: z.literal('wrench') }),
  ]),
});

const documents = [...readTree([FOLDER], /\.yaml$/).values()].flatMap((text) =>
  parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return z.looseObject({ kind: z.string() }).parse(document.toJS());
  }),
);
const ofKind = (kind: string) => documents.filter((document) => document.kind === kind);
const roles = ofKind('ClusterRole').map((document) => roleSchema.parse(document));
const bindings = ofKind('ClusterRoleBinding').map((document) => bindingSchema.parse(document));

const { checks } = await loadCatalogue();
const readers = [...checks].flatMap(([name, { uses, mayUse = [], reads = {} }]) =>
  [...uses, ...mayUse].includes('clusters') ? [{ name, methods: reads.clusters ?? [] }] : [],
);
const fixes = [...checks].flatMap(([check, { remediations = {} }]) =>
  Object.entries(remediations as RemediationsByName)
    .filter(([, { uses }]) => uses.includes('clusters'))
    .map(([name, { allow }]) => ({ name: `${check}:${name}`, allow })),
);

/** The permissions that roles grant, as `wrench doctor` words them: `list nodes`. */
function grantedBy(names: readonly string[]): readonly string[] {
  const named = names.map((name) => roles.find(({ metadata }) => metadata.name === name));
  expect(named).not.toContain(undefined);
  return named.flatMap((role) => role?.rules ?? []).flatMap(inWords);
}

function inWords(granted: z.output<typeof rule>): readonly string[] {
  if ('nonResourceURLs' in granted)
    return granted.verbs.flatMap((verb) => granted.nonResourceURLs.map((path) => `${verb} ${path}`));
  const { apiGroups, resources, verbs } = granted;
  return verbs.flatMap((verb) =>
    resources.flatMap((resource) => {
      const [name = '', subresource] = resource.split('/');
      const end = subresource === undefined ? '' : `/${subresource}`;
      return apiGroups.map((group) => `${verb} ${name}${group === '' ? '' : `.${group}`}${end}`);
    }),
  );
}

function neededBy(methods: readonly Parameters<typeof accessRules>[0][], kubelets: Kubelets) {
  return methods.flatMap((method) => accessRules(method, kubelets)).map(ruleInWords);
}

type Declared = (typeof readers)[number]['methods'][number];

/** Methods that need a read role. All others need none, because every account may review its own permissions, or an optional or an act role. */
function needsRole(method: Declared): method is Exclude<ReadMethod, keyof typeof OPTIONAL_ROLES> {
  return READ_METHODS.some((known) => known === method) && !(method in OPTIONAL_ROLES);
}

const MODES = Object.keys(READ_ROLES) as Kubelets[];

test.each(readers.flatMap((reader) => MODES.map((kubelets) => ({ ...reader, kubelets }))))(
  'the read roles grant what $name needs with `kubelets: $kubelets`',
  ({ methods, kubelets }) => {
    expect(grantedBy(READ_ROLES[kubelets])).toEqual(
      expect.arrayContaining(neededBy(methods.filter(needsRole), kubelets)),
    );
  },
);

test.each(MODES)('the read roles for `kubelets: %s` grant nothing that no check needs', (kubelets) => {
  const needed = new Set(readers.flatMap(({ methods }) => neededBy(methods.filter(needsRole), kubelets)));

  expect(grantedBy(READ_ROLES[kubelets]).toSorted()).toEqual([...needed].toSorted());
});

test.each(Object.entries(OPTIONAL_ROLES))(
  'the optional role for %s grants nothing else, and no check is reported as lacking it',
  (method, role) => {
    const needed = neededBy([method as ReadMethod], 'none');
    const reviewed = accessReviews({ kubelets: 'none', allow: {} }).map(({ rule: one }) => one);

    expect(grantedBy([role])).toEqual(needed);
    expect(reviewed.flatMap((one) => (one === 'anything' ? [] : ruleInWords(one)))).not.toContain(needed[0]);
  },
);

test.each(CERTIFICATE_ROLES)(
  'the role %s grants what `certificates` needs from it, and nothing else',
  (name) => {
    const needed = certificateUses(CERTIFICATES).filter(({ role }) => role === name);

    // Roles name no objects.
    expect(grantedBy([name]).toSorted()).toEqual(
      needed.map((use) => ruleInWords(use.rule).replace(/ trust$/, '')).toSorted(),
    );
  },
);

test('only the role for `secrets` allows reading Secrets', () => {
  const allowed = roles.filter(({ metadata }) =>
    grantedBy([metadata.name]).some((words) => /\bsecrets\b/.test(words)),
  );

  expect(allowed.map(({ metadata }) => metadata.name)).toEqual(['wrench-secrets']);
});

test.each(fixes)('$name has an act role', ({ allow }) => {
  expect(Object.keys(WRITES)).toContain(allow);
});

test.each(Object.keys(WRITES) as ActPermission[])(
  'the act role for `allow.%s` grants what its fixes need and nothing else, to an account of its own',
  (permission) => {
    const needed = new Set(neededBy(WRITES[permission], 'none'));

    expect(grantedBy([`wrench-${permission}`]).toSorted()).toEqual([...needed].toSorted());
    expect(bindings.filter(({ roleRef }) => roleRef.name === `wrench-${permission}`)).toEqual([
      expect.objectContaining({
        subjects: [{ kind: 'ServiceAccount', name: `wrench-${permission}`, namespace: 'wrench' }],
      }),
    ]);
  },
);

test('there is an act role for each permission that the source accepts, and each write method has one', () => {
  const allow = kubernetesConfig.shape.allow.unwrap().unwrap();

  expect(Object.keys(WRITES)).toEqual(Object.keys(allow.shape));
  expect(Object.values(WRITES).flat()).toEqual([...WRITE_METHODS]);
});

test.each(MODES)('the hints for `kubelets: %s` name the role that grants what is missing', (kubelets) => {
  const allow = kubernetesConfig.shape.allow.parse(Object.fromEntries(ACTS.map((act) => [act, {}])));
  const reviews = accessReviews({ kubelets, allow, certificates: CERTIFICATES });
  const missing = reportOf(
    reviews,
    reviews.map(() => false),
  );

  expect(missing).not.toEqual([]);
  for (const { permission, hint = '' } of missing) {
    const [, file = '', role = ''] = /^apply (\S+), or bind its ClusterRole `([\w-]+)`/.exec(hint) ?? [];
    const [rule = ''] = permission.split(/ in the namespace | (?=trust)/);
    expect(grantedBy([role])).toContain(rule);
    expect(readText(file)).toContain(`kind: ClusterRole\nmetadata: { name: ${role} }\n`);
  }
});

test('no read role allows a write, and no role has a wildcard', () => {
  const words = (names: readonly string[]) => grantedBy(names).map((granted) => granted.split(' '));

  expect(words(READ_ONLY_ROLES).filter(([verb = '']) => !['get', 'list'].includes(verb))).toEqual([]);
  expect(
    words(roles.map(({ metadata }) => metadata.name)).filter((parts) => parts.join().includes('*')),
  ).toEqual([]);
});

test('every role is bound to one existing account, and read roles to that of the worker', () => {
  const accounts = ofKind('ServiceAccount').map(
    ({ metadata }) => z.object({ name: z.string(), namespace: z.literal('wrench') }).parse(metadata).name,
  );
  expect(bindings.map(({ roleRef }) => roleRef.name).toSorted()).toEqual(
    roles.map(({ metadata }) => metadata.name).toSorted(),
  );
  for (const { roleRef, subjects } of bindings) {
    expect(accounts).toContain(subjects[0].name);
    expect(subjects[0].name === 'wrench-worker').toBe(READ_ONLY_ROLES.includes(roleRef.name));
  }
});

test('permissions to run commands, read logs or change anything, and long-lived tokens, are not applied by default', () => {
  const kustomization = z.object({ resources: z.array(z.string()) }).parse(ofKind('Kustomization')[0]);

  expect(kustomization.resources).toEqual(['account.yaml', 'read.yaml', 'kubelet-read.yaml']);
});

test('every token belongs to an existing account', () => {
  const name = 'kubernetes.io/service-account.name';
  const secrets = ofKind('Secret').map((document) =>
    z
      .strictObject({
        apiVersion: z.literal('v1'),
        kind: z.literal('Secret'),
        type: z.literal('kubernetes.io/service-account-token'),
        metadata: z.strictObject({
          name: z.string(),
          namespace: z.literal('wrench'),
          annotations: z.strictObject({ [name]: z.string() }),
        }),
      })
      .parse(document),
  );
  const accounts = ofKind('ServiceAccount').map(({ metadata }) => metadata);

  expect(secrets).toHaveLength(1 + Object.keys(WRITES).length);
  for (const { metadata } of secrets)
    expect(
      accounts.some((account) =>
        isDeepStrictEqual(account, { name: metadata.annotations[name], namespace: 'wrench' }),
      ),
    ).toBe(true);
});
