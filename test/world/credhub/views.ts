import type { StoredCertificate, StoredVersion } from './state.ts';

/** Servers before 2.0 omit what is not in their list. */
export type ViewAge = 'current' | 'old';

/** As in `GET /api/v1/certificates`: no key material. */
export function listed(
  { id, name, versions }: StoredCertificate,
  signs: readonly string[],
  age: ViewAge,
): object {
  const [newest] = versions;
  return {
    id,
    name,
    signed_by: newest?.selfSigned === true ? name : (newest?.signedBy ?? ''),
    signs,
    versions: versions.map((version) => versionView(version, age)),
  };
}

function versionView(version: StoredVersion, age: ViewAge): object {
  return {
    id: version.id,
    expiry_date: expiryOf(version),
    transitional: version.transitional,
    ...(age === 'current' && {
      certificate_authority: version.isAuthority,
      self_signed: version.selfSigned,
      ...(version.generated !== undefined && { generated: version.generated }),
    }),
  };
}

/** As in `GET /api/v1/data`: with the private key. */
export function credential(name: string, version: StoredVersion): object {
  return {
    type: 'certificate',
    version_created_at: secondsOf(version.createdAt),
    id: version.id,
    name,
    metadata: null,
    transitional: version.transitional,
    expiry_date: expiryOf(version),
    certificate_authority: version.isAuthority,
    self_signed: version.selfSigned,
    ...(version.generated !== undefined && { generated: version.generated }),
    value: {
      ca: version.trusts.length > 0 ? version.trusts.map((pem) => `${pem.trim()}\n`).join('') : null,
      certificate: version.pem ?? version.issued?.certificatePem ?? null,
      private_key: version.hasKey ? (version.issued?.keyPem ?? null) : null,
    },
  };
}

export function expiryOf({ issued }: StoredVersion): string {
  return issued ? secondsOf(issued.x509.validToDate) : '';
}

function secondsOf(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
