import type { SourcePermission } from '../../ports/source.ts';
import { actingChoice, isSameChoice } from './acting.ts';
import { ACTS, type Act, type KubernetesConfig } from './config.ts';
import { type AccessRule, accessRules, type ReadMethod, READ_METHODS, ruleInWords } from './permissions.ts';
import { WRITES } from './act-permission.ts';
import { type CertificateUse, certificateUses } from './certificates/certificate-access.ts';
import { LIST_SECRETS } from './certificates/scan-secrets.ts';

/** The credential for reading, or the one of a key of `allow`. A credential that several keys share has the name of the first. */
export type CredentialName = 'reading' | Act;

/** One SelfSubjectAccessReview, and what its result means for `wrench doctor`. */
export interface AccessReview {
  /** The credential to review. */
  readonly credential: CredentialName;
  /** `anything` is every verb on every resource. */
  readonly rule: AccessRule | 'anything';
  /** Default: all. */
  readonly namespace?: string;
  /** What to report, if anything. For a credential that may do anything, excess permissions are not listed one by one. */
  readonly report: (allowed: boolean, mayDoAnything: boolean) => readonly SourcePermission[];
}

type Configured = Pick<KubernetesConfig, 'kubelets' | 'allow' | 'kubeconfig' | 'context' | 'certificates'>;

const ANYTHING = 'do anything in the cluster';
const EXEC = 'run commands in every container';
const KEYS = 'read all other secrets there, including private keys';

/** Optional: without it, reports do not quote the log of the previous container. Logs may contain secrets, so granting it is a separate decision. */
const OPTIONAL: readonly ReadMethod[] = ['previousLog'];
/** Most clusters don't have Argo Rollouts. In one that does, a check that lacks the permission says so. */
const isOfExtension = (rule: AccessRule): boolean => !('path' in rule) && rule.group === 'argoproj.io';

/** The permissions that the credentials of a source need in its cluster, and those that they should not have. The hints name the roles in `deploy/kubernetes/rbac`. */
export function accessReviews(config: Configured): readonly AccessReview[] {
  const { kubelets, allow } = config;
  const acts = ACTS.filter((act) => allow[act]);
  const credentials = [
    ...new Set<CredentialName>(['reading', ...acts.map((act) => credentialOf(config, act))]),
  ];
  const uses = [
    ...READ_METHODS.filter((method) => !OPTIONAL.includes(method)).flatMap((method) =>
      accessRules(method, kubelets)
        .filter((rule) => !isOfExtension(rule))
        .map((rule): Use => ({ credential: 'reading', method, rule, role: roleFor(rule) })),
    ),
    ...certificateUses(config.certificates).map((use): Use => ({
      credential: 'reading',
      method: 'certificates',
      ...use,
    })),
    ...acts.flatMap((act) =>
      rulesOf(act).map((rule): Use => ({
        credential: credentialOf(config, act),
        method: act,
        rule,
        role: `wrench-${act}`,
      })),
    ),
  ];
  const unused = (credential: CredentialName): readonly AccessReview[] => {
    const used = uses.filter((use) => use.credential === credential).map(({ rule }) => ruleInWords(rule));
    const writes = ACTS.flatMap(rulesOf).filter(({ verb }) => verb !== 'get' && verb !== 'list');
    const others = new Map(writes.map((rule) => [ruleInWords(rule), rule]));
    return [...others]
      .filter(([words]) => !used.includes(words))
      .map(([, rule]) => excessive(credential, rule));
  };
  return [
    ...byRule(uses).map(needed),
    ...(kubelets === 'proxy' ? [] : [excessiveProxy(kubelets)]),
    ...credentials
      .filter((credential) => credential !== 'reading' || (config.certificates?.secrets ?? 'none') === 'none')
      .map((credential) => excessive(credential, LIST_SECRETS)),
    ...credentials.flatMap(unused),
    ...credentials.map((credential) => excessive(credential, 'anything')),
  ];
}

/** The credential that `allow` names for a kind of change that it permits. */
export function credentialOf(config: Configured, act: Act): CredentialName {
  const choice = actingChoice(config, act) ?? config;
  if (isSameChoice(choice, config)) return 'reading';
  const first = ACTS.find((one) => {
    const other = actingChoice(config, one);
    return other && isSameChoice(other, choice);
  });
  return first ?? act;
}

/** @param answers results in the order of the reviews. */
export function reportOf(
  reviews: readonly AccessReview[],
  answers: readonly boolean[],
): readonly SourcePermission[] {
  const mayDoAnything = new Set(
    reviews.filter(({ rule }, at) => rule === 'anything' && answers[at]).map(({ credential }) => credential),
  );
  return reviews.flatMap(({ credential, report }, at) =>
    report(answers[at] ?? false, mayDoAnything.has(credential)),
  );
}

/** A method that reads, or a key of `allow`, that needs a permission, and the role that grants it. */
interface Use {
  readonly credential: CredentialName;
  readonly method: string;
  readonly rule: AccessRule;
  readonly role: Role;
  readonly namespace?: string;
}

/** The uses of each permission of each credential. */
function byRule(uses: readonly Use[]): readonly (readonly [Use, ...Use[]])[] {
  const same = Map.groupBy(
    uses,
    ({ credential, rule, namespace = '' }) => `${credential} ${namespace} ${ruleInWords(rule)}`,
  );
  return [...same.values()].flatMap(([first, ...others]) => (first ? [[first, ...others] as const] : []));
}

/** All methods of one key need the same. */
function rulesOf(act: Act): readonly AccessRule[] {
  return accessRules(WRITES[act][0], 'none');
}

function needed(uses: readonly [Use, ...Use[]]): AccessReview {
  const [{ credential, rule, namespace }] = uses;
  const asked = inWords(rule, credential, namespace);
  return {
    credential,
    rule,
    ...(namespace !== undefined && { namespace }),
    report: (allowed, mayDoAnything) =>
      uses.map(({ method, role }) => {
        const more = BEYOND[role];
        return {
          ...asked,
          method,
          allowed,
          ...(more && !mayDoAnything && { alsoAllows: more.alsoAllows }),
          ...(allowed ? more && { hint: more.hint } : { hint: bind(role) }),
        };
      }),
  };
}

/** Kubelets before 1.33 require it for their configuration, so with `kubelets: direct` it may be granted on purpose. */
function excessiveProxy(kubelets: 'direct' | 'none'): AccessReview {
  const rule: AccessRule = { verb: 'get', group: '', resource: 'nodes', subresource: 'proxy' };
  const found: SourcePermission = {
    permission: ruleInWords(rule),
    allowed: true,
    ...(kubelets === 'direct'
      ? { method: 'kubeletConfig', alsoAllows: EXEC, hint: 'remove it if all kubelets are 1.33 or newer' }
      : { hint: 'delete the ClusterRoleBinding `wrench-kubelet-proxy`' }),
  };
  return {
    credential: 'reading',
    rule,
    report: (allowed, mayDoAnything) => (allowed && !mayDoAnything ? [found] : []),
  };
}

function excessive(credential: CredentialName, rule: AccessReview['rule']): AccessReview {
  const isAnything = rule === 'anything';
  const found = { ...inWords(rule, credential), allowed: true, hint: ONLY_ROLES };
  return {
    credential,
    rule,
    report: (allowed, mayDoAnything) => (allowed && (isAnything || !mayDoAnything) ? [found] : []),
  };
}

/** The permission in words, and the credential if it is not the one for reading. */
function inWords(
  rule: AccessReview['rule'],
  credential: CredentialName,
  namespace?: string,
): Pick<SourcePermission, 'permission' | 'credential'> {
  const where = namespace === undefined ? '' : ` in the namespace ${namespace}`;
  return {
    permission: rule === 'anything' ? ANYTHING : ruleInWords(rule) + where,
    ...(credential !== 'reading' && { credential: `allow.${credential}` }),
  };
}

/** A ClusterRole in `deploy/kubernetes/rbac`: `wrench-read` is in `read.yaml`. */
type Role =
  | 'wrench-read'
  | 'wrench-kubelet-read'
  | 'wrench-kubelet-proxy'
  | CertificateUse['role']
  | `wrench-${Act}`;

function bind(role: Role): string {
  const how = `apply deploy/kubernetes/rbac/${role.replace('wrench-', '')}.yaml, or bind its ClusterRole \`${role}\` to the account`;
  return BY_NAMESPACE.has(role)
    ? `${how}; ignore this if RoleBindings grant it in the namespaces that need it`
    : how;
}

/** A review of a permission in all namespaces does not see RoleBindings, which are in one. */
const BY_NAMESPACE: ReadonlySet<Role> = new Set([
  'wrench-secrets',
  'wrench-config-maps',
  'wrench-remove',
  'wrench-adjust',
  'wrench-restart',
  'wrench-pin',
  'wrench-renew',
]);

const ONLY_ROLES = 'use an account with only the roles in deploy/kubernetes/rbac that this source needs';
const DIRECT = 'set `kubelets: direct`, which needs only `get nodes/stats` and `get nodes/configz`';

/** What roles allow beyond what Wrench does, and how to need less. */
const BEYOND: { readonly [One in Role]?: { readonly alsoAllows: string; readonly hint: string } } = {
  'wrench-kubelet-proxy': { alsoAllows: EXEC, hint: DIRECT },
  'wrench-secrets': {
    alsoAllows: KEYS,
    hint: 'set `namespaces` and bind the role only there, or set `secrets: none` if cert-manager issues all certificates',
  },
};

function roleFor(rule: AccessRule): Role {
  if ('path' in rule || rule.subresource === undefined) return 'wrench-read';
  return rule.subresource === 'proxy' ? 'wrench-kubelet-proxy' : 'wrench-kubelet-read';
}
