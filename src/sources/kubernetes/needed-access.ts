import type { SourcePermission } from '../../ports/source.ts';
import type { KubernetesConfig } from './config.ts';
import { type AccessRule, accessRules, READ_METHODS, ruleInWords, WRITE_METHODS } from './permissions.ts';

/** One SelfSubjectAccessReview, and what its result means for `wrench doctor`. */
export interface AccessReview {
  /** The credential to review: the one for reading, or that of `allow.cordon`. */
  readonly credential: 'reading' | 'cordoning';
  /** `anything` is every verb on every resource. */
  readonly rule: AccessRule | 'anything';
  /** What to report, if anything. For a credential that may do anything, excess permissions are not listed one by one. */
  readonly report: (allowed: boolean, mayDoAnything: boolean) => readonly SourcePermission[];
}

type Configured = Pick<KubernetesConfig, 'kubelets' | 'allow'>;

const ANYTHING = 'do anything in the cluster';
const EXEC = 'run commands in every container';

/** The permissions that the credentials of a source need in its cluster, and those that they should not have. The hints name the roles in `deploy/kubernetes/rbac`. */
export function accessReviews({ kubelets, allow: { cordon } }: Configured): readonly AccessReview[] {
  const isSeparate = cordon?.kubeconfig !== undefined || cordon?.context !== undefined;
  const cordoning = isSeparate ? 'cordoning' : 'reading';
  return [
    ...byRule(READ_METHODS, (method) => accessRules(method, kubelets)).map(([rule, methods]) =>
      needed('reading', rule, methods, roleFor(rule)),
    ),
    ...(cordon
      ? byRule(WRITE_METHODS, (method) => accessRules(method, kubelets)).map(([rule, methods]) =>
          needed(cordoning, rule, methods, 'wrench-cordon'),
        )
      : []),
    ...(kubelets === 'proxy' ? [] : [excessiveProxy(kubelets)]),
    ...(cordon && !isSeparate ? [] : [excessive('reading', { verb: 'patch', group: '', resource: 'nodes' })]),
    excessive('reading', 'anything'),
    ...(isSeparate ? [excessive('cordoning', 'anything')] : []),
  ];
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

/** Each rule once, with all methods that need it. */
function byRule<Method extends string>(
  methods: readonly Method[],
  rulesOf: (method: Method) => readonly AccessRule[],
): readonly (readonly [AccessRule, readonly Method[]])[] {
  const rules = new Map<string, [AccessRule, Method[]]>();
  for (const method of methods)
    for (const rule of rulesOf(method)) {
      const [, named] = rules.get(ruleInWords(rule)) ?? [rule, []];
      rules.set(ruleInWords(rule), [rule, [...named, method]]);
    }
  return [...rules.values()];
}

function needed(
  credential: AccessReview['credential'],
  rule: AccessRule,
  methods: readonly string[],
  role: Role,
): AccessReview {
  const asked = inWords(rule, credential);
  const isProxy = role === 'wrench-kubelet-proxy';
  return {
    credential,
    rule,
    report: (allowed, mayDoAnything) =>
      methods.map((method) => ({
        ...asked,
        method,
        allowed,
        ...(isProxy && !mayDoAnything && { alsoAllows: EXEC }),
        ...(allowed ? isProxy && { hint: DIRECT } : { hint: bind(role) }),
      })),
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

function excessive(credential: AccessReview['credential'], rule: AccessReview['rule']): AccessReview {
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
  credential: AccessReview['credential'],
): Pick<SourcePermission, 'permission' | 'credential'> {
  return {
    permission: rule === 'anything' ? ANYTHING : ruleInWords(rule),
    ...(credential === 'cordoning' && { credential: 'allow.cordon' }),
  };
}

/** A ClusterRole in `deploy/kubernetes/rbac`: `wrench-read` is in `read.yaml`. */
type Role = 'wrench-read' | 'wrench-kubelet-read' | 'wrench-kubelet-proxy' | 'wrench-cordon';

function bind(role: Role): string {
  return `apply deploy/kubernetes/rbac/${role.replace('wrench-', '')}.yaml, or bind its ClusterRole \`${role}\` to the account`;
}

const ONLY_ROLES = 'use an account with only the roles in deploy/kubernetes/rbac that this source needs';
const DIRECT = 'set `kubelets: direct`, which needs only `get nodes/stats` and `get nodes/configz`';

function roleFor(rule: AccessRule): Role {
  if ('path' in rule || rule.subresource === undefined) return 'wrench-read';
  return rule.subresource === 'proxy' ? 'wrench-kubelet-proxy' : 'wrench-kubelet-read';
}
