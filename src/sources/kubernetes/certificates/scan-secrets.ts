import type { ScanOptions, ScanResult } from '../../../ports/certificates.ts';
import { listPages } from '../list-pages.ts';
import type { AccessRule } from '../permissions.ts';
import { openBundleReader } from './authorities.ts';
import type { CertificateReading } from './list-objects.ts';
import { secretContents } from './secret-contents.ts';

export const LIST_SECRETS: AccessRule = { verb: 'list', group: '', resource: 'secrets' };

/** Types without certificates, some of which are large: https://kubernetes.io/docs/concepts/configuration/secret/#secret-types */
const WITHOUT_CERTIFICATES = [
  'helm.sh/release.v1',
  'kubernetes.io/service-account-token',
  'kubernetes.io/dockercfg',
  'kubernetes.io/dockerconfigjson',
  'kubernetes.io/basic-auth',
  'kubernetes.io/ssh-auth',
  'bootstrap.kubernetes.io/token',
];

const FIELD_SELECTORS = {
  tls: 'type=kubernetes.io/tls',
  all: WITHOUT_CERTIFICATES.map((type) => `type!=${type}`).join(','),
} as const;

const SECRETS_PER_PAGE = 250;

/** The certificates in the Secrets of one namespace, or of all. */
export async function* scanClusterSecrets(
  { source, connection, options }: CertificateReading,
  secrets: 'tls' | 'all',
  { namespace, onEmpty, ...scan }: ScanOptions & { readonly namespace: string | undefined },
): AsyncGenerator<readonly ScanResult[]> {
  const { onCertificate, ...reading } = scan;
  const readBundle = openBundleReader();
  const select = [FIELD_SELECTORS[secrets], options.labelSelector] as const;
  const pages = listPages({
    connection,
    rule: LIST_SECRETS,
    items: 'secrets',
    kind: 'SecretList',
    pageSize: SECRETS_PER_PAGE,
    make: ({ core }, { limit, continueToken: token }) =>
      namespace === undefined
        ? core.listSecretForAllNamespaces(undefined, token, ...select, limit)
        : core.listNamespacedSecret(namespace, undefined, undefined, token, ...select, limit),
    map: (item) => secretContents({ source, readBundle, onCertificate }, item),
    ...reading,
  });
  for await (const page of pages) {
    for (const results of page) if (results.length === 0) onEmpty?.();
    yield page.flat();
  }
}
