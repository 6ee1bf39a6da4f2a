import type { ports } from '../kit.ts';
import { isSignedBy } from './signed-by.ts';

/** A managed certificate with its store and the contents that were read of it. */
export interface KnownCertificate extends ports.ManagedCertificate {
  readonly store: string;
  readonly contents?: readonly ports.VersionContent[];
}

/** Which version of an authority signed a version of a certificate. */
export interface Signer {
  /** As its manager names it, or the name in its certificate if no manager has it. */
  readonly name: string;
  /** Absent if the store doesn't list it. */
  readonly certificate?: KnownCertificate;
  /** Absent if that version isn't known, or no longer exists. */
  readonly version?: ports.CertificateVersion;
  readonly notAfter?: Date;
  /**
   * `signature`: verified with its key. `single`: no other version is known. `assumed`: a manager signs with the version that is active at that moment,
   * but it may have been another one of `alternatives`.
   */
  readonly known: 'signature' | 'single' | 'assumed';
  readonly alternatives: readonly ports.CertificateVersion[];
}

/** A version on the way from a certificate to its root. */
interface ChainLink {
  readonly name: string;
  readonly certificate?: KnownCertificate;
  readonly version?: ports.CertificateVersion;
  readonly notAfter?: Date;
  /** How it is known that it signed the link before it. Absent for the certificate itself. */
  readonly known?: Signer['known'];
}

export interface ManagedChain {
  /** The certificate itself first. */
  readonly links: readonly [ChainLink, ...ChainLink[]];
  /** The link that ends first. Absent if no end is known. */
  readonly ends?: ChainLink & { readonly notAfter: Date };
  /** Whether a link up to that one is assumed. */
  readonly isAssumed: boolean;
  /**
   * The certificate to renew, so that this chain no longer ends with `ends`: that one itself if its active version ends, otherwise the last one before it
   * that must be signed again, by a newer version.
   */
  readonly cause: KnownCertificate;
}

export interface ManagedIndex {
  readonly all: readonly KnownCertificate[];
  /** Names are compared without case, as CredHub does. */
  readonly find: (store: string, name: string) => KnownCertificate | undefined;
  /** The managed certificate whose versions sign it. undefined if it signs itself, or nothing managed signs it. */
  readonly authorityOf: (certificate: KnownCertificate) => KnownCertificate | undefined;
  /** What it signs, of which only the active versions count. */
  readonly signedBy: (certificate: KnownCertificate) => readonly KnownCertificate[];
  /** Who signed a version. undefined if it signs itself, or nothing is known about it. */
  readonly signerOf: (certificate: KnownCertificate, version: ports.CertificateVersion) => Signer | undefined;
  /** From its active version to the root. undefined if it has none. */
  readonly chainOf: (certificate: KnownCertificate) => ManagedChain | undefined;
}

/** What is in use: the newest version that isn't transitional. undefined if there is none. */
export function activeVersion({
  versions,
}: Pick<ports.ManagedCertificate, 'versions'>): ports.CertificateVersion | undefined {
  return versions.find(({ transitional }) => !transitional);
}

export function contentOf(
  { contents = [] }: Pick<KnownCertificate, 'contents'>,
  { id }: Pick<ports.CertificateVersion, 'id'>,
): ports.VersionContent | undefined {
  return contents.find((one) => one.id === id);
}

/** The dates of a version: those of its content if that was read, otherwise what the manager says. */
export function datesOf(
  certificate: Pick<KnownCertificate, 'contents'>,
  version: ports.CertificateVersion,
): { readonly notBefore?: Date; readonly notAfter?: Date } {
  const { notBefore, notAfter } = contentOf(certificate, version)?.chain[0] ?? version;
  return { ...(notBefore && { notBefore }), ...(notAfter && { notAfter }) };
}

export function indexManaged(certificates: readonly KnownCertificate[]): ManagedIndex {
  const all = [...new Map(certificates.toReversed().map((one) => [one.place, one])).values()].toReversed();
  const byName = new Map(all.toReversed().map((one) => [keyOf(one.store, one.name), one]));
  const byTarget = new Map(
    all.flatMap((one) => (one.automation ? [[one.automation.writesTo, one] as const] : [])),
  );
  const find = (store: string, name: string) => byName.get(keyOf(store, name));
  const authorityOf = (one: KnownCertificate) => {
    if (one.signedBy !== undefined) return isOwnName(one) ? undefined : find(one.store, one.signedBy);
    const storedAt = one.automation?.issuer.storedAt;
    const authority = storedAt === undefined ? undefined : byTarget.get(storedAt);
    return authority === one ? undefined : authority;
  };
  const children = Map.groupBy(all, authorityOf);
  const signerOf = (one: KnownCertificate, version: ports.CertificateVersion) =>
    version.selfSigned ? undefined : findSigner(one, version, authorityOf(one));
  return {
    all,
    find,
    authorityOf,
    signedBy: (one) => children.get(one) ?? [],
    signerOf,
    chainOf: (one) => chainFrom(one, signerOf),
  };
}

function keyOf(store: string, name: string): string {
  return `${store} ${name.toLowerCase()}`;
}

/** A self-signed certificate is its own authority. */
function isOwnName({ name, signedBy }: ports.ManagedCertificate): boolean {
  return signedBy?.toLowerCase() === name.toLowerCase();
}

function findSigner(
  certificate: KnownCertificate,
  version: ports.CertificateVersion,
  authority: KnownCertificate | undefined,
): Signer | undefined {
  const content = contentOf(certificate, version);
  if (content?.chain[0].selfSigned) return undefined;
  const verified = content && verifiedSigner(content, authority);
  if (verified) return verified;
  if (!authority) return undefined;
  const candidates = authority.versions.filter(
    (one) => !isTooYoung(one, authority, version, content) && !isDisproved(content, authority, one),
  );
  const assumed = activeVersion({ versions: candidates }) ?? candidates[0];
  if (!assumed) return { name: authority.name, certificate: authority, known: 'assumed', alternatives: [] };
  const alternatives = candidates.filter((one) => one !== assumed);
  const isSingle = alternatives.length === 0 && authority.versions.length === 1;
  const { notAfter } = datesOf(authority, assumed);
  return {
    name: authority.name,
    certificate: authority,
    version: assumed,
    ...(notAfter && { notAfter }),
    known: isSingle ? 'single' : 'assumed',
    alternatives,
  };
}

/**
 * The signer, if a signature shows it. Several versions with the same key may all have signed it: verifiers then use the one that lasts longest. A
 * certificate handed out as `ca` is that of its authority: it identifies the version by fingerprint, or by the second in which it ends.
 */
function verifiedSigner(
  { chain: [leaf, ...behind], trusts }: ports.VersionContent,
  authority: KnownCertificate | undefined,
): Signer | undefined {
  const signed = (authority?.versions ?? []).filter((one) => {
    const own = authority && contentOf(authority, one)?.chain[0];
    return own !== undefined && isSignedBy(leaf, own) === true;
  });
  const [longest] = signed.toSorted((a, b) => endMs(authority, b) - endMs(authority, a));
  if (authority && longest) return signerBy(authority, longest, datesOf(authority, longest).notAfter);
  const handed = [...behind, ...trusts]
    .filter((one) => isSignedBy(leaf, one) === true)
    .toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime());
  const [issuer] = handed;
  if (!issuer) return undefined;
  const version = authority?.versions.find((one) => isVersion(authority, one, issuer));
  if (authority) return signerBy(authority, version, issuer.notAfter);
  return { name: issuer.name, notAfter: issuer.notAfter, known: 'signature', alternatives: [] };
}

function signerBy(
  authority: KnownCertificate,
  version: ports.CertificateVersion | undefined,
  notAfter: Date | undefined,
): Signer {
  return {
    name: authority.name,
    certificate: authority,
    ...(version && { version }),
    ...(notAfter && { notAfter }),
    known: 'signature',
    alternatives: [],
  };
}

function isVersion(
  authority: KnownCertificate,
  version: ports.CertificateVersion,
  issuer: ports.Certificate,
): boolean {
  const content = contentOf(authority, version);
  if (content) return content.chain[0].fingerprint === issuer.fingerprint;
  return version.notAfter !== undefined && inSeconds(version.notAfter) === inSeconds(issuer.notAfter);
}

function inSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1_000);
}

/** Nothing is signed before its signer exists. */
function isTooYoung(
  candidate: ports.CertificateVersion,
  authority: KnownCertificate,
  version: ports.CertificateVersion,
  content: ports.VersionContent | undefined,
): boolean {
  const since = candidate.createdAt ?? contentOf(authority, candidate)?.createdAt;
  const signedAt = version.createdAt ?? content?.createdAt;
  return since !== undefined && signedAt !== undefined && since > signedAt;
}

function isDisproved(
  content: ports.VersionContent | undefined,
  authority: KnownCertificate,
  candidate: ports.CertificateVersion,
): boolean {
  const own = contentOf(authority, candidate)?.chain[0];
  return content !== undefined && own !== undefined && isSignedBy(content.chain[0], own) === false;
}

function endMs(authority: KnownCertificate | undefined, version: ports.CertificateVersion): number {
  return datesOf(authority ?? {}, version).notAfter?.getTime() ?? 0;
}

function chainFrom(
  certificate: KnownCertificate,
  signerOf: ManagedIndex['signerOf'],
): ManagedChain | undefined {
  const active = activeVersion(certificate);
  if (!active) return undefined;
  const links: [ChainLink, ...ChainLink[]] = [
    { name: certificate.name, certificate, version: active, ...datesOf(certificate, active) },
  ];
  const passed = new Set<ports.CertificateVersion>();
  for (let last: ChainLink = links[0]; last.certificate && last.version;) {
    passed.add(last.version);
    const signer = signerOf(last.certificate, last.version);
    if (!signer || (signer.version && passed.has(signer.version))) break;
    const { alternatives: _, ...link } = signer;
    links.push(link);
    last = link;
  }
  const at = links.reduce((first, { notAfter }, index) => {
    const soonest = links[first]?.notAfter;
    return notAfter && (!soonest || notAfter < soonest) ? index : first;
  }, 0);
  const ends = links[at];
  const path = links.slice(0, at + 1);
  return {
    links,
    // The same object as in `links`.
    ...(hasEnd(ends) && { ends }),
    isAssumed: path.some(({ known }) => known === 'assumed'),
    cause: path.findLast(isActive)?.certificate ?? certificate,
  };
}

function hasEnd(link: ChainLink | undefined): link is ChainLink & { readonly notAfter: Date } {
  return link?.notAfter !== undefined;
}

function isActive({ certificate, version }: ChainLink): boolean {
  return certificate !== undefined && version !== undefined && activeVersion(certificate) === version;
}
