import type { ports } from '../kit.ts';
import {
  activeVersion,
  contentOf,
  datesOf,
  indexManaged,
  type KnownCertificate,
  type ManagedIndex,
} from './managed-chain.ts';

/** The versions of one certificate to read. */
export interface ContentRequest {
  readonly certificate: KnownCertificate;
  readonly versions: readonly string[];
}

/** A fact that contents would show, and that may hide an end before the horizon. */
export interface OpenQuestion {
  readonly certificate: KnownCertificate;
  /**
   * `version`: which version of its authority signed it. `authority`: when its authority ends, which the store doesn't list. `active`: none of its
   * versions is in use, or none is known.
   */
  readonly is: 'version' | 'authority' | 'active';
  /** The name of its authority. */
  readonly authority?: string;
}

/**
 * The contents that decide something, the most important first: of what ends before `horizon` or at an unknown time, of authorities whose versions end at
 * different times, and of what they may have signed. Reading a content may read a private key too, and there may be 20,000 certificates, so all others are
 * left out.
 */
export function contentsToRead(
  certificates: readonly KnownCertificate[],
  horizon: Date,
): readonly ContentRequest[] {
  const index = indexManaged(certificates);
  const due: KnownCertificate[] = [];
  const authorities = new Set<KnownCertificate>();
  const signed: KnownCertificate[] = [];
  for (const one of index.all) {
    const active = activeVersion(one);
    if (!active) continue;
    const { notAfter } = active;
    if (notAfter === undefined || notAfter <= horizon) due.push(one);
    const authority = index.authorityOf(one);
    if (authority ? mayEndEarlier(active, authority.versions, horizon) : isUnlisted(one, active)) {
      if (authority) authorities.add(authority);
      signed.push(one);
    }
  }
  const requests = new Map<KnownCertificate, Set<string>>();
  const request = (certificate: KnownCertificate, versions: readonly ports.CertificateVersion[]) => {
    const ids = requests.get(certificate) ?? new Set();
    for (const version of versions) if (!contentOf(certificate, version)) ids.add(version.id);
    requests.set(certificate, ids);
  };
  for (const one of due) request(one, activeOf(one));
  for (const one of authorities) request(one, one.versions);
  for (const one of signed) request(one, activeOf(one));
  return [...requests].flatMap(([certificate, ids]) =>
    ids.size === 0 ? [] : [{ certificate, versions: [...ids] }],
  );
}

/** What remains undecided after contents were read. Each may hide an end before `horizon`, so without an answer nothing is clear. */
export function openQuestions(index: ManagedIndex, horizon: Date): readonly OpenQuestion[] {
  return index.all.flatMap((certificate): readonly OpenQuestion[] => {
    const active = activeVersion(certificate);
    // What was never issued has nothing that could end.
    if (!active) return certificate.versions.length === 0 ? [] : [{ certificate, is: 'active' }];
    const signer = index.signerOf(certificate, active);
    if (!signer) {
      const { signedBy = '' } = certificate;
      const isRoot = contentOf(certificate, active)?.chain[0].selfSigned ?? false;
      const isOpen = !isRoot && isUnlisted(certificate, active);
      return isOpen ? [{ certificate, is: 'authority', authority: signedBy }] : [];
    }
    const { certificate: authority, version, alternatives, name, notAfter } = signer;
    if (signer.known === 'signature') return [];
    if (!authority || !version) return [{ certificate, is: 'version', authority: name }];
    const own = datesOf(certificate, active).notAfter;
    const isHidden = alternatives.some((one) => {
      const end = datesOf(authority, one).notAfter;
      return !end || (end <= horizon && (!own || end < own) && (!notAfter || end < notAfter));
    });
    return isHidden ? [{ certificate, is: 'version', authority: name }] : [];
  });
}

function activeOf(certificate: KnownCertificate): readonly ports.CertificateVersion[] {
  const active = activeVersion(certificate);
  return active ? [active] : [];
}

/** Whether it makes a difference which of these versions signed it. */
function mayEndEarlier(
  { notAfter: own }: ports.CertificateVersion,
  versions: readonly ports.CertificateVersion[],
  horizon: Date,
): boolean {
  return (
    versions.length > 1 &&
    versions.some(({ notAfter }) => !notAfter || (notAfter <= horizon && (!own || notAfter < own)))
  );
}

/** Its authority isn't in the list: it doesn't exist, or the credential may not read it. */
function isUnlisted(
  { name, signedBy = '' }: KnownCertificate,
  { selfSigned }: ports.CertificateVersion,
): boolean {
  return signedBy !== '' && !selfSigned && signedBy.toLowerCase() !== name.toLowerCase();
}
