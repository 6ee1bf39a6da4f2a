import { createPrivateKey, type X509Certificate } from 'node:crypto';
import type { Renewal } from '../../ports/certificates.ts';
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

/** A certificate and who will sign it, as read a moment ago; the secrets in it hold private keys. */
export interface PreparedRenewal {
  readonly renewal: Renewal;
  readonly leaf: StoredCertificate;
  /** The leaf itself where it signs itself. */
  readonly authority: StoredCertificate;
  readonly signing: Signing;
}

export interface StoredCertificate {
  readonly secret: VersionedSecret;
  readonly certificate: X509Certificate;
}

/** RFC 5280 section 4.1.2.5: the end of what has none. */
export const NEVER_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

/** A serial has at most 20 octets and is positive: RFC 5280 section 4.1.2.2. */
const MOST_SERIAL = 2n ** 159n - 1n;

/** What of a secret a renewal writes, and the key, which it must know. */
const OWN_KEYS: ReadonlySet<string> = new Set(['certificate', 'key', 'combined']);

/**
 * Works out a renewal and changes nothing. It verifies what `safe x509 renew` does not, above all that the authority beside the certificate
 * signed it: https://github.com/starkandwayne/safe, vault/x509.go.
 * @throws {SourceError} `refused` where it cannot be done safely, saying why.
 */
export async function prepareRenewal(writing: WriteAccess, place: string): Promise<PreparedRenewal> {
  const { config, session, signal } = writing;
  await session.start(signal);
  const refuse = refusing(config.name);
  const path = pathOf(config, place);
  const leaf = await readLeaf(writing, path);
  // By name and signature alone: `checkIssued` asks for the usage keyCertSign, which an appliance's own certificate lacks.
  const signsItself = toCertificate(leaf.certificate).selfSigned;
  const authority = signsItself ? leaf : await readAuthority(writing, leaf);
  const signing = await signingFor(leaf.certificate, authority.certificate);
  if (!signing) throw refuse(`the key of ${authority.secret.path} is of a kind that cannot sign here`);

  const serial = signsItself ? undefined : nextSerialOf(config.name, authority, leaf);
  await requireUpdateCapability(writing, [
    { at: leaf.secret.at, why: 'where the certificate is' },
    ...(serial === undefined
      ? []
      : [{ at: authority.secret.at, why: "which counts its authority's serial numbers" }]),
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
  if (!certificate) throw refuse(`${path} holds no certificate that can be read`);
  if (certificate.ca)
    throw refuse(
      `${displayName(certificate)} is an authority: renewing one is for those who distribute it to all that trust it`,
    );
  if (certificate.validFromDate.getTime() > Date.now())
    throw refuse(
      `${displayName(certificate)} is not valid before ${day(certificate.validFromDate)}: it needs no renewal`,
    );
  requireMatchingKey(refuse, path, certificate, values['key']);
  if (!replaceCertificate(String(values['certificate']), certificate, certificate))
    throw refuse(`the certificate of ${path} is in a form that cannot be written back as it is`);
  const { combined } = values;
  if (combined !== undefined && !holds(combined, certificate))
    throw refuse(
      `${path} holds another certificate in \`combined\` than in \`certificate\`: nobody can tell which one is in use`,
    );
  if (!keepsNumbers(values))
    throw refuse(`${path} holds a number too great to be written back exactly as it is`);
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
      `no authority is known for it: nothing is at ${path}, or it is hidden from this token; ` +
        `it was signed by ${toCertificate(leaf.certificate).issuer}`,
    );
  });
  const [certificate] = certificatesOf(secret.values['certificate']);
  if (!certificate) throw refuse(`${path} holds no certificate that can be read`);
  if (!isIssuedBy(leaf.certificate, certificate)) {
    const { subject } = toCertificate(certificate);
    const { issuer } = toCertificate(leaf.certificate);
    const signer = issuer === subject ? 'another authority of that name' : issuer;
    throw refuse(`the ca beside it (${path}: ${subject}) did not sign this certificate (${signer} did)`);
  }
  requireMatchingKey(refuse, path, certificate, secret.values['key']);
  requireLongerLife(refuse, path, certificate, leaf.certificate);
  if (!keepsNumbers(secret.values))
    throw refuse(`${path} holds a number too great to be written back exactly as it is`);
  return { secret, certificate };
}

type Refuse = (because: string) => SourceError;

/** The key is opened, compared and let go of; what was wrong with it is not said in its own words. */
function requireMatchingKey(refuse: Refuse, path: string, certificate: X509Certificate, pem: unknown): void {
  if (typeof pem !== 'string' || pem === '') throw refuse(`no \`key\` is beside the certificate in ${path}`);
  const belongs = keyBelongs(certificate, pem);
  if (belongs === undefined)
    throw refuse(`the \`key\` in ${path} cannot be read: under a passphrase, damaged, or of an unknown kind`);
  if (!belongs) throw refuse(`the \`key\` in ${path} belongs to another certificate`);
}

function keyBelongs(certificate: X509Certificate, pem: string): boolean | undefined {
  // Opening one under a passphrase may take as long as it says itself.
  if (pem.includes('ENCRYPTED')) return undefined;
  try {
    return certificate.checkPrivateKey(createPrivateKey(unescaped(pem)));
  } catch {
    return undefined;
  }
}

/** Some keep a PEM with its line ends written out. */
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
  if (end.getTime() <= Date.now()) throw refuse(`its authority ${says} has expired itself, on ${day(end)}`);
  if (end <= leaf.validToDate)
    throw refuse(
      `its authority ${says} ends on ${day(end)}, and nothing can be valid for longer: renew that first`,
    );
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** `safe` writes it in hexadecimal, without limit; a 64-bit integer would not hold what others wrote there. */
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
    throw refuse(`the \`serial\` in ${path} is no hexadecimal number`);
  const serial = BigInt(`0x${written.trim()}`);
  if (serial < 1n || serial >= MOST_SERIAL) throw refuse(`the \`serial\` in ${path} is no serial number`);
  if (serial === BigInt(`0x${leaf.certificate.serialNumber.replace('-', '')}`))
    throw refuse(`the next \`serial\` in ${path} is that of the present certificate: its count was lost`);
  return serial;
}

function describe(
  { config }: WriteAccess,
  { leaf, authority, signing }: Pick<PreparedRenewal, 'leaf' | 'authority' | 'signing'>,
  serial: bigint | undefined,
): Renewal {
  const { certificate, secret } = leaf;
  const place = placeOf(config, secret.path);
  const from = certificate.validFromDate.getTime();
  const signsItself = authority === leaf;
  const authorityPlace = placeOf(config, authority.secret.path);
  const { insteadOf, algorithm } = signing;
  return {
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
