import type { UnseenPlace } from '../../src/ports/certificates.ts';
import type {
  CertificateVersion,
  ManagedCertificate,
  PkiIssuer,
} from '../../src/ports/managed-certificates.ts';
import type { DeployedCertificates } from '../../src/ports/processes.ts';
import { SourceError } from '../../src/ports/source-error.ts';

interface Incomplete<Value> {
  readonly what: string;
  readonly subject: string;
  readonly value: readonly Value[];
}

type Listed = ManagedCertificate | PkiIssuer | UnseenPlace;

/** Each item that can't be read, and each end that is unknown. */
export function incompleteManaged(items: readonly Listed[]): readonly Incomplete<Listed>[] {
  return items.flatMap((item, at) => {
    const instead = (what: string, value: Listed): Incomplete<Listed> => ({
      what: `${item.place} ${what}`,
      subject: item.place,
      value: items.map((one, index) => (index === at ? value : one)),
    });
    if (item.kind === 'unseen') return [];
    const error = new SourceError(item.place.split(':')[0] ?? '', 'malformed', "it can't be parsed");
    const unseen = instead('is unseen', { kind: 'unseen', place: item.place, error });
    if (item.kind === 'issuer') return [unseen];
    return [
      unseen,
      ...item.versions.flatMap((version, index) =>
        version.notAfter && !version.transitional
          ? [instead(`has no expiry date in ${version.id}`, withVersion(item, index, withoutEnd(version)))]
          : [],
      ),
    ];
  });
}

function withVersion(item: ManagedCertificate, at: number, version: CertificateVersion): ManagedCertificate {
  return { ...item, versions: item.versions.map((one, index) => (index === at ? version : one)) };
}

function withoutEnd(version: CertificateVersion): CertificateVersion {
  const { notAfter: _notAfter, ...rest } = version;
  return rest;
}

/** Each deployment whose certificates can't be read. */
export function unreadDeployments(
  deployed: readonly DeployedCertificates[],
): readonly Incomplete<DeployedCertificates>[] {
  return deployed.map(({ deployment }) => ({
    what: `the certificates of ${deployment} can't be read`,
    subject: deployment,
    value: deployed.map((one) =>
      one.deployment === deployment
        ? { deployment, certificates: [], error: new SourceError('bosh', 'refused', 'not permitted') }
        : one,
    ),
  }));
}
