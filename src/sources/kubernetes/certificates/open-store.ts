import type { CertificateStore, CertificateWriter } from '../../../ports/certificates.ts';
import type { KubernetesConfig } from '../config.ts';
import type { ClusterConnection } from '../connection.ts';
import { planRequest } from './plan-renewal.ts';
import { readManaged } from './read-managed.ts';
import { requestRenewal } from './request-renewal.ts';
import { scanCluster } from './scan-cluster.ts';

interface CertificateAccess {
  readonly store: CertificateStore;
  /** Absent if the configuration doesn't allow renewals. */
  readonly writer?: CertificateWriter;
}

/** The certificates of a cluster; undefined if the configuration doesn't ask for them. */
export function openCertificates(
  { name: source, certificates: options }: Pick<KubernetesConfig, 'name' | 'certificates'>,
  {
    reading,
    renewing,
  }: { readonly reading: ClusterConnection; readonly renewing?: ClusterConnection | undefined },
): CertificateAccess | undefined {
  if (!options) return undefined;
  const inCluster = { source, connection: reading, options };
  return {
    store: {
      name: source,
      role: 'stored',
      storedIn: 'secrets',
      scan: (scan) => scanCluster(inCluster, scan),
      ...(options.certManager === 'auto' && {
        managed: (read) => readManaged(inCluster, { ...read, isRenewable: renewing !== undefined }),
      }),
      ...(renewing && {
        planRenewal: (place, { signal }) => planRequest({ source, connection: renewing, signal }, place),
      }),
    },
    ...(renewing && {
      writer: {
        renew: (renewal, { signal }) => requestRenewal({ source, connection: renewing, signal }, renewal),
      },
    }),
  };
}
