import { createPrivateKey, type X509Certificate } from 'node:crypto';
import type { SignedRenewal } from '../../ports/renewals.ts';
import { SourceError } from '../../ports/source-error.ts';
import { type Signing, signingFor } from '../../wire/issue.ts';
import { displayName, isIssuedBy, printable, toCertificate } from '../../wire/x509.ts';
import { certificatesOf, replaceCertificate } from './replace-certificate.ts';
import { pathOf, placeOf, siblingOf } from './renew-place.ts';
import {
  keepsNumbers,
  requireUpdateCapability,
  readVersioned,
  type VersionedSecret,
  type WriteAccess,
} from './versioned.ts';

/** A certificate and its CA, as just read. The secrets in it contain private keys. */
export interface PreparedRenewal {
  readonly renewal: SignedRenewal;
  readonly leaf: StoredCertificate;
  /** The leaf itself if it is self-signed. */
  readonly authority: StoredCertificate;
  readonly signing: Signing;
}

export interface StoredCertificate {
  readonly secret: VersionedSecret;
  readonly certificate: X509Certificate;
}

/** RFC 5280, section 4.1.2.5: the end date of a certificate without one. */
export const NEVER_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

/** A serial is positive and has at most 20 octets: RFC 5280, section 4.1.2.2. */
const MOST_SERIAL = 2n ** 159n - 1n;

/** The keys of a secret that a renewal writes, and `key`, which it reads. */
const OWN_KEYS: ReadonlySet<string> = new Set(['certificate', 'key', 'combined']);

/**
 * Plans a renewal without changing anything. It verifies what `safe x509 renew` doesn't, above all that the CA next to the certificate
 * signed it: https://github.com/cloudfoundry-community/safe/blob/master/vault/x509.go
 * @throws {SourceError} `refused` with the reason if it can't be done safely.
 */
export async function prepareRenewal(writing: WriteAccess, place: string): Promise<PreparedRenewal> {
  const { config, session, signal } = writing;
  await session.start(signal);
  const refuse = refusing(config.name);
  const path = pathOf(config, place);
  const leaf = await readLeaf(writing, path);
  // By name and signature only: `checkIssued` requires the key usage keyCertSign, which self-signed certificates of appliances lack.
  const signsItself = toCertificate(leaf.certificate).selfSigned;
  const authority = signsItself ? leaf : await readAuthority(writing, leaf);
  const signing = await signingFor(leaf.certificate, authority.certificate);
  if (!signing) throw refuse(`the key of ${authority.secret.path} has an unsupported type`);

  const serial = signsItself ? undefined : nextSerialOf(config.name, authority, leaf);
  await requireUpdateCapability(writing, [
    { at: leaf.secret.at, why: 'where the certificate is' },
    ...(serial === undefined
      ? []
      : [{ at: authority.secret.at, why: 'which has the serial counter of its CA' }]),
  ]);
  return {
    renewal: describe(writing, { leaf, authority, signing }, serial),
    leaf,
    authority,
    signing,
  };
}

function refusing(source: string): (because: string) => SourceError {
  return (because) => new SourceError(source, 'refused', printable(because));
}

async function readLeaf(writing: WriteAccess, path: string): Promise<StoredCertificate> {
  const refuse = refusing(writing.config.name);
  const secret = await readVersioned(writing, path);
  const { values } = secret;
  const [certificate] = certificatesOf(values['certificate']);
  if (!certificate) throw refuse(`${path} contains no readable certificate`);
  if (certificate.ca)
    throw refuse(
      `${displayName(certificate)} is a CA: renew it by hand, because it must be distributed to everything that trusts it`,
    );
  if (certificate.validFromDate.getTime() > Date.now())
    throw refuse(
      `${displayName(certificate)} is not valid before ${day(certificate.validFromDate)}: it doesn't need a renewal`,
    );
  requireMatchingKey(refuse, path, certificate, values['key']);
  if (!replaceCertificate(String(values['certificate']), certificate, certificate))
    throw refuse(`the certificate in ${path} is in a format that can't be written back unchanged`);
  const { combined } = values;
  if (combined !== undefined && !holds(combined, certificate))
    throw refuse(
      `${path} contains different certificates in \`combined\` and \`certificate\`: it's unclear which one is in use`,
    );
  if (!keepsNumbers(values))
    throw refuse(`${path} contains a number that is too large to be written back unchanged`);
  return { secret, certificate };
}

function holds(text: unknown, certificate: X509Certificate): boolean {
  return typeof text === 'string' && replaceCertificate(text, certificate, certificate) !== undefined;
}

async function readAuthority(writing: WriteAccess, leaf: StoredCertificate): Promise<StoredCertificate> {
  const refuse = refusing(writing.config.name);
  const path = siblingOf(leaf.secret.path);
  const secret = await readVersioned(writing, path).catch((error: unknown) => {
    if (!(error instanceof SourceError) || error.kind !== 'missing') throw error;
    throw refuse(
      `couldn't find its CA: nothing is at ${path}, or it is hidden from this token; ` +
        `it was signed by ${toCertificate(leaf.certificate).issuer}`,
    );
  });
  const [certificate] = certificatesOf(secret.values['certificate']);
  if (!certificate) throw refuse(`${path} contains no readable certificate`);
  if (!isIssuedBy(leaf.certificate, certificate)) {
    const { subject } = toCertificate(certificate);
    const { issuer } = toCertificate(leaf.certificate);
    const signer = issuer === subject ? 'another CA with that name' : issuer;
    throw refuse(`the CA next to it (${path}: ${subject}) didn't sign this certificate (${signer} did)`);
  }
  requireMatchingKey(refuse, path, certificate, secret.values['key']);
  requireLongerLife(refuse, path, certificate, leaf.certificate);
  if (!keepsNumbers(secret.values))
    throw refuse(`${path} contains a number that is too large to be written back unchanged`);
  return { secret, certificate };
}

type Refuse = (because: string) => SourceError;

/** Parses the key, compares it and drops it. Errors of the parser are not quoted. */
function requireMatchingKey(refuse: Refuse, path: string, certificate: X509Certificate, pem: unknown): void {
  if (typeof pem !== 'string' || pem === '') throw refuse(`${path} has no \`key\` for the certificate`);
  const belongs = keyBelongs(certificate, pem);
  if (belongs === undefined)
    throw refuse(`couldn't read the \`key\` in ${path}: it is encrypted, damaged, or of an unknown type`);
  if (!belongs) throw refuse(`the \`key\` in ${path} belongs to another certificate`);
}

function keyBelongs(certificate: X509Certificate, pem: string): boolean | undefined {
  // Decrypting a key may take as long as its own parameters demand.
  if (pem.includes('ENCRYPTED')) return undefined;
  try {
    return certificate.checkPrivateKey(createPrivateKey(unescaped(pem)));
  } catch {
    return undefined;
  }
}

/** Some secrets contain a PEM with escaped line breaks. */
export function unescaped(pem: string): string {
  return pem.replaceAll(String.raw`\n`, '\n');
}

function requireLongerLife(
  refuse: Refuse,
  path: string,
  authority: X509Certificate,
  leaf: X509Certificate,
): void {
  const end = authority.validToDate;
  const says = `${displayName(authority)} (${path})`;
  if (end.getTime() <= Date.now()) throw refuse(`its CA ${says} expired on ${day(end)}`);
  if (end <= leaf.validToDate)
    throw refuse(
      `its CA ${says} expires on ${day(end)}, and a certificate can't outlive its CA: renew the CA first`,
    );
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** `safe` writes it in hexadecimal. It may exceed 64 bits if other tools wrote it. */
function nextSerialOf(
  source: string,
  authority: StoredCertificate,
  leaf: StoredCertificate,
): bigint | undefined {
  const refuse = refusing(source);
  const { values, path } = authority.secret;
  const written = values['serial'];
  if (written === undefined) return undefined;
  if (typeof written !== 'string' || !/^[0-9a-f]{1,60}$/i.test(written.trim()))
    throw refuse(`the \`serial\` in ${path} is not a hexadecimal number`);
  const serial = BigInt(`0x${written.trim()}`);
  if (serial < 1n || serial >= MOST_SERIAL)
    throw refuse(`the \`serial\` in ${path} is not a valid serial number`);
  if (serial === BigInt(`0x${leaf.certificate.serialNumber.replace('-', '')}`))
    throw refuse(
      `the next \`serial\` in ${path} is the serial of the current certificate: the counter was lost`,
    );
  return serial;
}

function describe(
  { config }: WriteAccess,
  { leaf, authority, signing }: Pick<PreparedRenewal, 'leaf' | 'authority' | 'signing'>,
  serial: bigint | undefined,
): SignedRenewal {
  const { certificate, secret } = leaf;
  const place = placeOf(config, secret.path);
  const from = certificate.validFromDate.getTime();
  const signsItself = authority === leaf;
  const authorityPlace = placeOf(config, authority.secret.path);
  const { insteadOf, algorithm } = signing;
  return {
    method: 'sign',
    place,
    name: displayName(certificate),
    fingerprint: toCertificate(certificate).fingerprint,
    notAfter: certificate.validToDate.toISOString(),
    lifetimeMs: certificate.validToDate.getTime() - from,
    authority: {
      place: authorityPlace,
      name: displayName(authority.certificate),
      ...(serial !== undefined && { nextSerial: serial.toString(16) }),
      notAfter: (signsItself ? new Date(NEVER_MS) : authority.certificate.validToDate).toISOString(),
    },
    ...(insteadOf !== undefined && { signature: { from: insteadOf, to: algorithm.hash ?? algorithm.name } }),
    kept: Object.keys(secret.values)
      .filter((key) => !OWN_KEYS.has(key))
      .map(printable)
      .toSorted(),
    intermediates: certificatesOf(secret.values['certificate']).length - 1,
    versions: { [place]: secret.version, [authorityPlace]: authority.secret.version },
  };
}
