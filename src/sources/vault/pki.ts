import type { Certificate } from '../../ports/certificate.ts';
import type { InspectOptions, SeenPlace, UnseenPlace } from '../../ports/certificates.ts';
import type { PkiIssuer, PkiRole } from '../../ports/managed-certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import { printable, toCertificate } from '../../wire/x509.ts';
import { issuerPlace, readData, readIssuers, type StoredIssuer } from './pki-issuers.ts';
import { readRoles, type StoredRole } from './pki-roles.ts';
import { certificatesOf } from './replace-certificate.ts';
import type { WriteAccess } from './versioned.ts';

/**
 * The issuers of the configured PKIs, with the roles that use them. What couldn't be read is `unseen`: a PKI, an issuer, the list of roles, a role.
 * @throws {SourceError} if nothing can be read.
 */
export async function* pkiIssuers(reading: WriteAccess): AsyncGenerator<PkiIssuer | UnseenPlace> {
  await reading.session.start(reading.signal);
  for (const mount of reading.config.pki ?? []) yield* issuersOf(reading, mount);
}

async function* issuersOf(reading: WriteAccess, mount: string): AsyncGenerator<PkiIssuer | UnseenPlace> {
  const [issuers, roles] = await Promise.all([issuersIn(reading, mount), readRoles(reading, mount)]);
  const known = issuers.filter((one) => one.kind === 'stored');
  const assigned = new Map(known.map((one): [StoredIssuer, PkiRole[]] => [one, []]));
  for (const one of issuers) if (one.kind === 'unseen') yield one;
  for (const role of roles) {
    if (role.kind === 'unseen') {
      yield role;
      continue;
    }
    const issuer = known.find((one) => isMeant(one, role.issuerReference));
    if (issuer) assigned.get(issuer)?.push(toPkiRole(role));
    // A PKI that can't be read at all is one gap.
    else if (known.length > 0)
      yield {
        kind: 'unseen',
        place: printable(`${reading.config.name}:${mount}/roles/${role.name}`),
        error: new SourceError(
          reading.config.name,
          'missing',
          printable(`its issuer ${role.issuerReference} doesn't exist or couldn't be read`),
        ),
      };
  }
  for (const [issuer, used] of assigned) yield toPkiIssuer(reading, mount, issuer, used);
}

/** The certificates of the issuers, each a place of its own. */
export async function* issuerPlaces(
  reading: WriteAccess,
  { onCertificate }: Pick<InspectOptions, 'onCertificate'>,
): AsyncGenerator<SeenPlace | UnseenPlace, void, undefined> {
  for (const mount of reading.config.pki ?? [])
    for (const one of await issuersIn(reading, mount)) {
      if (one.kind === 'unseen') {
        yield one;
        continue;
      }
      for (const { raw } of one.chain) onCertificate?.(raw);
      const [own, ...rest] = one.chain;
      yield {
        kind: 'seen',
        place: issuerPlace(reading, mount, one.name),
        chain: [toCertificate(own), ...rest.map(toCertificate)],
      };
    }
}

/** A PKI that can't be read is one `unseen`. @throws {SourceError} if the login is lost */
async function issuersIn(
  reading: WriteAccess,
  mount: string,
): Promise<readonly (StoredIssuer | UnseenPlace)[]> {
  return readIssuers(reading, mount).catch((error: unknown) => {
    if (!(error instanceof SourceError) || reading.signal.aborted) throw error;
    return [{ kind: 'unseen', place: printable(`${reading.config.name}:${mount}`), error }];
  });
}

function isMeant({ id, name, isDefault }: StoredIssuer, reference: string): boolean {
  return reference === id || reference === name || (reference === 'default' && isDefault);
}

function toPkiRole({ name, ttlSeconds, maxTtlSeconds, isAssumed }: StoredRole): PkiRole {
  return { name: printable(name), ttlSeconds, maxTtlSeconds, ...(isAssumed && { isAssumed }) };
}

function toPkiIssuer(
  reading: WriteAccess,
  mount: string,
  { name, chain: [own, ...rest], isDefault, issues, beyondEnd }: StoredIssuer,
  roles: readonly PkiRole[],
): PkiIssuer {
  return {
    kind: 'issuer',
    place: issuerPlace(reading, mount, name),
    name: printable(name),
    chain: [toCertificate(own), ...rest.map(toCertificate)],
    isDefault,
    issues,
    beyondEnd,
    roles: roles.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
  };
}

/**
 * The PKI that has stored a certificate, by its serial number: https://developer.hashicorp.com/vault/api-docs/secret/pki#read-certificate. Roles with
 * `no_store` store none.
 * @throws {SourceError} if a PKI couldn't be read, and no other has it.
 */
export async function findIssued(
  reading: WriteAccess,
  { serial, fingerprint }: Pick<Certificate, 'serial' | 'fingerprint'>,
): Promise<string | undefined> {
  if (serial.startsWith('-')) return undefined;
  let failed: SourceError | undefined;
  const padded = serial.length % 2 === 0 ? serial : `0${serial}`;
  const name = padded.match(/../g)?.join(':') ?? padded;
  for (const mount of reading.config.pki ?? [])
    try {
      const data = await readData(reading, `${mount}/cert/${name}`, [400, 404]);
      const [stored] = certificatesOf(data?.['certificate']);
      if (stored && toCertificate(stored).fingerprint === fingerprint)
        return printable(`${reading.config.name}:${mount}`);
    } catch (error) {
      if (!(error instanceof SourceError) || reading.signal.aborted) throw error;
      failed = error;
    }
  if (failed) throw failed;
  return undefined;
}
