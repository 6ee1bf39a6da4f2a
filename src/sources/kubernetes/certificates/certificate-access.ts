import type { CertificateOptions } from '../config.ts';
import type { AccessRule } from '../permissions.ts';
import { REQUESTS } from './issuing-requests.ts';
import { namespacesOf } from './list-objects.ts';
import { CERTIFICATES, CLUSTER_ISSUERS, ISSUERS } from './read-managed.ts';
import { BUNDLE_KINDS, readConfigMap } from './scan-bundles.ts';
import { LIST_SECRETS } from './scan-secrets.ts';

/** A permission that reading certificates needs, and the ClusterRole that grants it. */
export interface CertificateUse {
  readonly rule: AccessRule;
  readonly role: 'wrench-certificates' | 'wrench-secrets' | 'wrench-config-maps';
  /** Default: all. */
  readonly namespace?: string;
}

/** The permissions that the configuration asks for. */
export function certificateUses(options: CertificateOptions | undefined): readonly CertificateUse[] {
  if (!options) return [];
  const { secrets, trust, certManager, caBundles, clusterResourceNamespace } = options;
  const inEach = (rule: AccessRule, role: CertificateUse['role']): readonly CertificateUse[] =>
    namespacesOf(options).map((namespace) => ({
      rule,
      role,
      ...(namespace !== undefined && { namespace }),
    }));
  return [
    ...(secrets === 'none' ? [] : inEach(LIST_SECRETS, 'wrench-secrets')),
    ...(certManager === 'none'
      ? []
      : [CERTIFICATES, REQUESTS, ISSUERS].flatMap(({ rule }) => inEach(rule, 'wrench-certificates'))),
    ...(certManager === 'none' || clusterResourceNamespace === undefined
      ? []
      : [{ rule: CLUSTER_ISSUERS.rule, role: 'wrench-certificates' as const }]),
    ...(caBundles === 'all' ? BUNDLE_KINDS : []).map(({ rule }): CertificateUse => ({
      rule,
      role: 'wrench-certificates',
    })),
    ...trust.map((trusted): CertificateUse => {
      const [namespace = '', name = ''] = trusted.split('/');
      return { rule: readConfigMap(name), role: 'wrench-config-maps', namespace };
    }),
  ];
}
