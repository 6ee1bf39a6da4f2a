import type { ports } from '../kit.ts';
import { nameKeyOf } from './survey-versions.ts';

interface StoredPlace {
  readonly place: string;
  readonly certificate: ports.Certificate;
  /** Former versions, if they were read. */
  readonly history?: readonly ports.VersionContent[];
}

/** By its begin. kubeadm gives all certificates the begin of their authority (https://github.com/kubernetes/kubernetes/issues/113618): then by its end. */
export function isIssuedBefore(
  one: Pick<ports.Certificate, 'notBefore' | 'notAfter'>,
  other: Pick<ports.Certificate, 'notBefore' | 'notAfter'>,
): boolean {
  const byBegin = one.notBefore.getTime() - other.notBefore.getTime();
  return byBegin === 0 ? one.notAfter < other.notAfter : byBegin < 0;
}

/**
 * Where the successor of a certificate is stored: the place has it as a former version, or has a newer one with the same names and issuer. The first place
 * by name. undefined if it isn't known to be renewed.
 */
export function indexSuccessors(
  stored: readonly StoredPlace[],
): (certificate: ports.Certificate) => string | undefined {
  const leaves = stored.filter(({ certificate }) => !certificate.authority);
  const byNames = Map.groupBy(leaves, ({ certificate }) => keyOf(certificate));
  const byFormer = Map.groupBy(
    leaves.flatMap(({ place, certificate, history = [] }) =>
      history.flatMap(({ chain: [{ fingerprint }] }) =>
        fingerprint === certificate.fingerprint ? [] : [{ place, fingerprint }],
      ),
    ),
    ({ fingerprint }) => fingerprint,
  );
  return (certificate) => {
    if (certificate.authority) return undefined;
    const former = byFormer.get(certificate.fingerprint) ?? [];
    const newer = (byNames.get(keyOf(certificate)) ?? []).filter((one) =>
      isIssuedBefore(certificate, one.certificate),
    );
    const [first] = (former.length > 0 ? former : newer).map(({ place }) => place).toSorted();
    return first;
  };
}

function keyOf(certificate: ports.Certificate): string {
  return JSON.stringify([certificate.issuer, nameKeyOf(certificate)]);
}
