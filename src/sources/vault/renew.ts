import { createPrivateKey, randomBytes, type X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { SignedRenewal, RenewalResult } from '../../ports/renewals.ts';
import { SourceError } from '../../ports/source-error.ts';
import { lostIn } from '../../wire/certificate-parts.ts';
import { reissue } from '../../wire/issue.ts';
import { isIssuedBy, printable, toCertificate } from '../../wire/x509.ts';
import { certificatesOf, replaceCertificate } from './replace-certificate.ts';
import {
  type StoredCertificate,
  NEVER_MS,
  prepareRenewal,
  type PreparedRenewal,
  unescaped,
} from './renew-plan.ts';
import {
  versionConflict,
  readWritten,
  type VersionedSecret,
  writeNext,
  type WriteAccess,
} from './versioned.ts';

/** For machines whose clock is behind that of the worker. */
const CLOCK_ALLOWANCE_MS = 60_000;

/**
 * Renews as planned: writes the next serial of the CA first, then the certificate, each bound to the planned version, then reads and
 * verifies the result. A failure in between skips a serial, which does no harm.
 * @throws {SourceError} as `CertificateWriter.renew` says.
 */
export async function renewCertificate(writing: WriteAccess, planned: SignedRenewal): Promise<RenewalResult> {
  const { config, signal } = writing;
  const prepared = await prepareRenewal(writing, planned.place);
  requireAsPlanned(config.name, prepared, planned);
  const fresh = await issueCertificate(prepared);
  await countSerial(writing, prepared);
  // The next serial is written. If aborted by now, the certificate is not.
  signal.throwIfAborted();
  const version = await writeNext(writing, prepared.leaf.secret, valuesWith(prepared.leaf, fresh));
  await verify(writing, prepared, fresh, version);
  const { fingerprint, serial, notAfter } = toCertificate(fresh);
  return { fingerprint, serial, notAfter: notAfter.toISOString() };
}

function requireAsPlanned(
  source: string,
  { renewal, leaf, authority }: PreparedRenewal,
  planned: SignedRenewal,
): void {
  for (const { secret, place } of [
    { secret: leaf.secret, place: renewal.place },
    { secret: authority.secret, place: renewal.authority.place },
  ])
    if (planned.versions[place] !== secret.version) throw versionConflict(source, secret.path);
  if (!isDeepStrictEqual(planned, renewal))
    throw new SourceError(source, 'refused', 'the renewal would differ from the plan: request a new plan');
}

/** The only use of the CA's private key. */
async function issueCertificate({
  renewal,
  leaf,
  authority,
  signing,
}: PreparedRenewal): Promise<X509Certificate> {
  const presentFromMs = leaf.certificate.validFromDate.getTime();
  const fromMs = Math.max(wholeSeconds(Date.now() - CLOCK_ALLOWANCE_MS), presentFromMs);
  const untilMs = Math.min(
    fromMs + renewal.lifetimeMs,
    new Date(renewal.authority.notAfter).getTime(),
    NEVER_MS,
  );
  return reissue({
    present: leaf.certificate,
    authority: authority.certificate,
    authorityKey: unescaped(authority.secret.values['key'] as string),
    signing,
    serial: renewal.authority.nextSerial ?? randomSerial(),
    notBefore: new Date(fromMs),
    notAfter: new Date(wholeSeconds(untilMs)),
  });
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** 159 bits, as in `safe`: RFC 5280 allows positive numbers of up to 20 octets. */
function randomSerial(): string {
  const bytes = randomBytes(20);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex');
}

async function countSerial(writing: WriteAccess, { renewal, authority }: PreparedRenewal): Promise<void> {
  const { nextSerial } = renewal.authority;
  if (nextSerial === undefined) return;
  const { values } = authority.secret;
  const following = (BigInt(`0x${nextSerial}`) + 1n).toString(16);
  const next = { ...values, serial: following };
  const version = await writeNext(writing, authority.secret, next);
  const written = await readWritten(writing, authority.secret.path, version);
  if (isDeepStrictEqual(written.values, next)) return;
  throw verificationError(writing, authority.secret, ['its values differ from what was written']);
}

/** The whole secret, with the old certificate replaced by the new one, also in `combined`. */
function valuesWith({ secret, certificate }: StoredCertificate, fresh: X509Certificate) {
  const renewed = ['certificate', 'combined'].flatMap((key) => {
    const text = secret.values[key];
    if (typeof text !== 'string') return [];
    return [[key, replaceCertificate(text, certificate, fresh) ?? text] as const];
  });
  return { ...secret.values, ...Object.fromEntries(renewed) };
}

async function verify(
  writing: WriteAccess,
  { leaf, authority }: PreparedRenewal,
  fresh: X509Certificate,
  version: number,
): Promise<void> {
  const { secret, certificate } = leaf;
  const { values } = await readWritten(writing, secret.path, version);
  const [held, ...rest] = certificatesOf(values['certificate']);
  const tail = certificatesOf(secret.values['certificate']).slice(1);
  const signed = (one: X509Certificate): boolean =>
    authority === leaf ? toCertificate(one).selfSigned : isIssuedBy(one, authority.certificate);
  const differs = [
    ...(held?.fingerprint256 === fresh.fingerprint256 ? [] : ['it is not the certificate that was written']),
    ...(held && held.validToDate >= certificate.validToDate ? [] : ['it expires before the old one']),
    ...(held && signed(held) ? [] : ["its CA didn't sign it"]),
    ...(held ? lostIn(certificate.raw, held.raw).map((what) => `${what} differ from before`) : []),
    ...(held && hasKey(held, values['key']) ? [] : ["its key doesn't match"]),
    ...(isDeepStrictEqual(rest.map(fingerprintOf), tail.map(fingerprintOf)) ? [] : ['its chain differs']),
    ...(isDeepStrictEqual(values, valuesWith(leaf, fresh)) ? [] : ['other keys in the secret differ']),
  ];
  if (differs.length > 0) throw verificationError(writing, secret, differs);
}

function verificationError(
  { config }: WriteAccess,
  { path, version }: VersionedSecret,
  differs: readonly string[],
): SourceError {
  const back = `vault kv rollback -version=${version} ${path}`;
  const says = `${path} was written, but the result is wrong: ${differs.join(', ')}. To roll back: ${back}`;
  return new SourceError(config.name, 'malformed', printable(says));
}

function fingerprintOf({ fingerprint256 }: X509Certificate): string {
  return fingerprint256;
}

function hasKey(certificate: X509Certificate, pem: unknown): boolean {
  try {
    return typeof pem === 'string' && certificate.checkPrivateKey(createPrivateKey(unescaped(pem)));
  } catch {
    return false;
  }
}
