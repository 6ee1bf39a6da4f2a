import type { CertificateVersion, ManagedCertificate } from '../../ports/managed-certificates.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';

/** For objects that are filled member by member: spreading takes longer than parsing the list. */
export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * A certificate as CredHub lists it: https://docs.cloudfoundry.org/api/credhub/
 * `signedBy` is in the spelling in which it was requested; names in CredHub are not case-sensitive.
 * @returns undefined for an entry of an unknown shape.
 */
export function toCredhubCertificate(
  source: string,
  value: unknown,
): Mutable<ManagedCertificate> | undefined {
  const { id, name: nameInList, signed_by: signedBy, versions: listed } = asObject(value);
  if (typeof nameInList !== 'string' || nameInList === '' || !Array.isArray(listed)) return undefined;
  if (signedBy !== undefined && signedBy !== null && typeof signedBy !== 'string') return undefined;
  const versions = toVersions(listed);
  if (!versions) return undefined;
  const name = printable(nameInList);
  const isSigned = typeof signedBy === 'string' && signedBy !== '';
  const managed: Mutable<ManagedCertificate> = {
    kind: 'managed',
    place: `${source}:${name}`,
    name,
    versions,
    renewedBy: renewedByOf(versions, isSigned),
  };
  if (isId(id)) managed.id = printable(id);
  if (isSigned) managed.signedBy = printable(signedBy);
  return managed;
}

/** The name of an entry of any shape, if it has one. */
export function listedNameOf(value: unknown): string | undefined {
  const { name } = asObject(value);
  return typeof name === 'string' && name !== '' ? printable(name) : undefined;
}

const MAX_SEARCHED = 50;

/** Each version once: old servers list a transitional one twice. */
function toVersions(values: readonly unknown[]): readonly CertificateVersion[] | undefined {
  const versions: CertificateVersion[] = [];
  // Of a few, searching them is faster.
  const ids = values.length > MAX_SEARCHED ? new Set<string>() : undefined;
  for (const value of values) {
    const version = toVersion(asObject(value));
    if (!version) return undefined;
    if (ids ? ids.has(version.id) : hasVersion(versions, version)) continue;
    versions.push(version);
    ids?.add(version.id);
  }
  return versions;
}

/** A part of the path of requests. A dot would change the path, also if it is escaped: https://url.spec.whatwg.org/#double-dot-path-segment */
function isId(id: unknown): id is string {
  return typeof id === 'string' && !/^(?:\.|%2e){0,2}$/i.test(id);
}

function hasVersion(versions: readonly CertificateVersion[], { id }: CertificateVersion): boolean {
  for (const one of versions) if (one.id === id) return true;
  return false;
}

/** Servers before 2.0 list no more than the id, the expiry date and whether it is transitional. */
function toVersion(value: JsonObject): CertificateVersion | undefined {
  const { id, transitional = false } = value;
  if (!isId(id) || typeof transitional !== 'boolean') return undefined;
  const version: Mutable<CertificateVersion> = { id: printable(id), transitional };
  const {
    expiry_date: expiryDate,
    certificate_authority: authority,
    self_signed: selfSigned,
    generated,
  } = value;
  const notAfter = dateOf(expiryDate);
  if (notAfter) version.notAfter = notAfter;
  if (typeof authority === 'boolean') version.authority = authority;
  if (typeof selfSigned === 'boolean') version.selfSigned = selfSigned;
  if (typeof generated === 'boolean') version.generated = generated;
  return version;
}

/** undefined for an empty text, which stands for an unknown date, and for what is no date. */
function dateOf(value: unknown): Date | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** The newest version that is used, and not only trusted. */
export function activeVersionOf(versions: readonly CertificateVersion[]): CertificateVersion | undefined {
  for (const version of versions) if (!version.transitional) return version;
  return undefined;
}

/**
 * CredHub generates a certificate again if it knows what signs it: itself, or an authority that it has. It refuses to otherwise:
 * https://github.com/cloudfoundry/credhub/blob/main/components/credentials/src/main/java/org/cloudfoundry/credhub/service/regeneratables/CertificateCredentialRegeneratable.java
 */
function renewedByOf(
  versions: readonly CertificateVersion[],
  isSigned: boolean,
): ManagedCertificate['renewedBy'] {
  const version = activeVersionOf(versions) ?? versions[0];
  return isSigned || version?.selfSigned === true || version?.generated === true ? 'store' : 'person';
}

/** Names in CredHub are not case-sensitive. */
export function foldName(name: string): string {
  return name.toLowerCase();
}

/** Whether a name is one of the prefixes, or below it. */
export function isBelowPrefix(name: string, prefixes: readonly string[] | undefined): boolean {
  if (!prefixes) return true;
  const key = foldName(name);
  return prefixes.some((prefix) => {
    const from = foldName(prefix);
    return from === '/' || key === from || key.startsWith(`${from}/`);
  });
}
