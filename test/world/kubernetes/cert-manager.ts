import { type Authority, issue } from '../ca.ts';
import type { TestCluster } from './api-server.ts';
import { certificateRequestObject, READY, secretObject, tlsData } from './certificates.ts';
import { timestamp } from './deployment-controller.ts';
import type { ApiObject } from './resources.ts';

interface CertManagerOptions {
  /** Signs everything, whatever the issuer of a Certificate is. */
  readonly authority: Authority;
  /** Default: the time of this machine. */
  readonly now?: () => Date;
  /** Default 90. */
  readonly lifetimeDays?: number;
  /** Why its issuer rejects a request, if it does. */
  readonly rejects?: () => string | undefined;
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

interface CertificateStatus {
  readonly conditions?: readonly Condition[];
  readonly revision?: number;
  readonly failedIssuanceAttempts?: number;
}

const DAY_MS = 86_400_000;

/** Issues Certificates that are to be issued (`Issuing`), as cert-manager does: a request, the Secret, and then the status with the next revision. */
export function startCertManager(cluster: TestCluster, options: CertManagerOptions): void {
  const busy = new Set<string>();
  cluster.onChange((plural, { metadata: { name, namespace } }) => {
    const key = `${namespace}/${name}`;
    const current = plural === 'certificates' ? cluster.find('certificates', name, namespace) : undefined;
    if (!current || !isDue(current) || busy.has(key)) return;
    busy.add(key);
    void issueInto(cluster, current, options).finally(() => busy.delete(key));
  });
}

const statusOf = (certificate: ApiObject) => (certificate['status'] ?? {}) as CertificateStatus;

function isDue(certificate: ApiObject): boolean {
  const conditions = statusOf(certificate).conditions ?? [];
  return conditions.some(({ type, status }) => type === 'Issuing' && status === 'True');
}

async function issueInto(
  cluster: TestCluster,
  certificate: ApiObject,
  { authority, now = () => new Date(), lifetimeDays = 90, rejects = () => undefined }: CertManagerOptions,
): Promise<void> {
  const { name, namespace = 'default' } = certificate.metadata;
  const { dnsNames = [], secretName = '' } = certificate['spec'] as {
    readonly dnsNames?: readonly string[];
    readonly secretName?: string;
  };
  const at = now();
  const revision = (statusOf(certificate).revision ?? 0) + 1;
  const because = rejects();
  const request = certificateRequestObject(`${name}-${revision}`, {
    namespace,
    certificate: name,
    revision,
    createdAt: timestamp(at),
    status:
      because === undefined
        ? { conditions: [{ ...READY, reason: 'Issued', lastTransitionTime: timestamp(at) }] }
        : {
            conditions: [{ type: 'Ready', status: 'False', reason: 'Failed', message: because }],
            failureTime: timestamp(at),
          },
  });
  const notAfter = new Date(at.getTime() + lifetimeDays * DAY_MS);
  const issued = await issue(authority, { name, names: dnsNames, notBefore: at, notAfter });
  const saveStatus = (change: object, issuing?: object): void => {
    const current = cluster.find('certificates', name, namespace);
    if (!current) return;
    const others = (statusOf(current).conditions ?? []).filter(
      ({ type }) => type !== 'Issuing' && (issuing !== undefined || type !== 'Ready'),
    );
    const conditions = [...others, issuing ?? { ...READY, lastTransitionTime: timestamp(at) }];
    cluster.save('certificates', { ...current, status: { ...statusOf(current), ...change, conditions } });
  };
  cluster.save('certificaterequests', request);
  if (because !== undefined) {
    const attempts = (statusOf(certificate).failedIssuanceAttempts ?? 0) + 1;
    const message = `The certificate request has failed to complete and will be retried: ${because}`;
    saveStatus(
      { failedIssuanceAttempts: attempts, lastFailureTime: timestamp(at) },
      { type: 'Issuing', status: 'False', reason: 'Failed', message, lastTransitionTime: timestamp(at) },
    );
    return;
  }
  const data = tlsData(issued, { authorityPem: authority.certificatePem });
  const written = { by: 'cert-manager-certificates-issuing', at: timestamp(at) };
  cluster.save('secrets', secretObject(secretName, { namespace, data, written }));
  saveStatus({
    notBefore: timestamp(at),
    notAfter: timestamp(notAfter),
    renewalTime: timestamp(new Date(at.getTime() + (lifetimeDays * DAY_MS * 2) / 3)),
    revision,
  });
}
