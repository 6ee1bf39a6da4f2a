import { X509Certificate } from 'node:crypto';
import type { Certificate } from '../ports/certificate.ts';
import { type Element, readElement } from './der.ts';
import { hashPublicKey, keyIdsIn, publicKeyElement } from './key-ids.ts';

/** Reads one certificate, DER or PEM, into plain facts. @throws what `X509Certificate` throws: an `ERR_OSSL_…` error. */
export function readCertificate(content: Buffer | string): Certificate {
  return toCertificate(new X509Certificate(content));
}

/** The plain facts of a certificate. Keep these and drop the object: 10,000 objects take 61 MB outside the heap. */
export function toCertificate(x509: X509Certificate): Certificate {
  const { subject, issuer, subjectAltName } = x509;
  const names = alternativeNames(subjectAltName);
  const serial = normalSerial(x509.serialNumber);
  const fingerprint = x509.fingerprint256.replaceAll(':', '').toLowerCase();
  const der = x509.raw;
  const authority = x509.ca;
  const keyIds = keyIdsIn(der);
  return {
    fingerprint,
    name: certificateName(subject, names, serial),
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    alternativeNames: names,
    serial,
    notBefore: x509.validFromDate,
    notAfter: x509.validToDate,
    authority,
    selfSigned: subject === issuer && signsItself(x509, fingerprint),
    key: keyOf(x509, der),
    publicKey: hashPublicKey(der),
    ...keyIds,
    ...((authority || keyIds.authorityKeyId === undefined) && { der: der.toString('base64') }),
    signature: x509.signatureAlgorithm ?? x509.signatureAlgorithmOid,
    extendedKeyUsage: (x509.keyUsage ?? []).map((oid) => extendedKeyUsageNames.get(oid) ?? oid),
    mustStaple: der.includes(tlsFeatureOid),
  };
}

/** The name to show for a certificate: its CN, else its first subject alternative name, else `serial <hex>`. */
export function displayName(x509: X509Certificate): string {
  return certificateName(
    x509.subject,
    alternativeNames(x509.subjectAltName),
    normalSerial(x509.serialNumber),
  );
}

/** Whether `issuer` issued `certificate`: by name and by signature, because `checkIssued` compares only names. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && signs(issuer, certificate);
}

/** Consecutive certificates, each issued by the next, are one chain; a self-signed one ends its chain; unrelated ones are separate chains. */
export function groupChains(certificates: readonly X509Certificate[]): X509Certificate[][] {
  const chains: X509Certificate[][] = [];
  let previous: X509Certificate | undefined;
  for (const certificate of certificates) {
    // In this order, because names are almost always enough, and a bundle of roots is grouped without verifying a signature.
    const continues = previous && isIssuedBy(previous, certificate) && !isIssuedBy(previous, previous);
    if (continues) chains.at(-1)?.push(certificate);
    else chains.push([certificate]);
    previous = certificate;
  }
  return chains;
}

/**
 * One line of text from a certificate, safe to log and to display: control characters, line and paragraph separators,
 * bidirectional overrides and invisible characters each become U+FFFD, so that a disguised name is visible as such. Slack markup (`<!channel>`)
 * stays; the renderer escapes it.
 */
export function printable(text: string): string {
  const cut = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;
  return plain.test(cut) ? cut : cut.replace(unprintable, '\uFFFD').toWellFormed();
}

const MAX_TEXT_LENGTH = 1000;
const plain = /^[\x20-\x7e]*$/;
/** Control and format characters (bidi, zero-width, tags), separators, and everything else that is invisible (fillers, variation selectors). */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Node returns one RDN per line, in the order of the certificate, escaped as in RFC 2253 except for the `+` between the values of one RDN. */
function oneLine(name: string | undefined): string {
  return printable((name ?? '').replaceAll('\n', ', '));
}

/** The last of several CNs, which is the most specific one, as in Go and RFC 6125. */
function certificateName(subject: string | undefined, names: readonly string[], serial: string): string {
  const values = subject?.includes('+') ? subject.split(/\n| \+ /) : subject?.split('\n');
  const commonName = values?.findLast((value) => value.startsWith('CN='))?.slice('CN='.length);
  const name = commonName ? printable(unescapeRdn(commonName)).trim() : '';
  return name || names[0]?.replace(/^[A-Za-z ]+:/, '') || `serial ${serial}`;
}

/** `\,` is a comma; `\0A` is a byte, several in a row are UTF-8. */
function unescapeRdn(value: string): string {
  if (!value.includes('\\')) return value;
  return value.replace(/((?:\\[0-9A-Fa-f]{2})+)|\\(.)/gs, (_, bytes: string | undefined, character: string) =>
    bytes ? Buffer.from(bytes.replaceAll('\\', ''), 'hex').toString('utf8') : character,
  );
}

/**
 * Node joins names with `, ` and quotes, as JSON, those that could be mistaken for two (CVE-2021-44532). Kinds are OpenSSL's, except `IP` for `IP
 * Address`.
 */
function alternativeNames(joined: string | undefined): string[] {
  if (!joined) return [];
  const names = joined.includes('"')
    ? (joined.match(/(?:"(?:\\.|[^"\\])*"|[^",]|,(?! ))+/g) ?? [])
    : joined.split(', ');
  return names.map((name) =>
    printable(
      name
        .trim()
        .replace(/^IP Address:/, 'IP:')
        .replace(/"(?:\\.|[^"\\])*"/g, unquote),
    ),
  );
}

function unquote(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

/** Vault, Go and OpenSSL each print serials differently; Node prints `0A`, `-05` or `0`. */
function normalSerial(serial: string): string {
  return serial.toLowerCase().replace(/^(-?)0+(?=.)/, '$1');
}

/** `asymmetricKeyDetails` costs as much as all other facts together, so the DER of common keys is read instead. */
function keyOf(x509: X509Certificate, der: Buffer): Certificate['key'] {
  try {
    const type = x509.publicKey.asymmetricKeyType ?? 'unknown';
    if (type === 'ed25519' || type === 'ed448') return { type };
    const usual = type === 'rsa' ? { bits: rsaBits(der) } : type === 'ec' ? { curve: usualCurve(der) } : {};
    const details = usual.bits || usual.curve ? undefined : x509.publicKey.asymmetricKeyDetails;
    const bits = usual.bits ?? details?.modulusLength;
    const curve = usual.curve ?? details?.namedCurve;
    return { type, ...(bits && { bits }), ...(curve && { curve }) };
  } catch {
    // A key of a type that this OpenSSL does not know, such as GOST: the dates still count.
    return { type: 'unknown' };
  }
}

function publicKeyInfo(der: Buffer): { algorithm: Element; key: Element } {
  const algorithm = readElement(der, publicKeyElement(der).start);
  return { algorithm, key: readElement(der, algorithm.next) };
}

/** RFC 8017 appendix A.1.1: a bit string (whose first byte counts unused bits) holds a sequence whose first integer is the modulus. */
function rsaBits(der: Buffer): number {
  const { key } = publicKeyInfo(der);
  const modulus = readElement(der, readElement(der, key.start + 1).start);
  let from = modulus.start;
  while (der[from] === 0 && from < modulus.end) from += 1;
  return (modulus.end - from) * 8 - (Math.clz32(der[from] ?? 0) - 24);
}

function usualCurve(der: Buffer): string | undefined {
  const { algorithm } = publicKeyInfo(der);
  const parameters = readElement(der, readElement(der, algorithm.start).next);
  return curveNames.get(der.toString('hex', parameters.from, parameters.next));
}

/** Named as in OpenSSL and Node, by OID as DER (RFC 5480 section 2.1.1.1, SEC 2). */
const curveNames: ReadonlyMap<string, string> = new Map([
  ['06082a8648ce3d030107', 'prime256v1'],
  ['06052b81040022', 'secp384r1'],
  ['06052b81040023', 'secp521r1'],
  ['06052b8104000a', 'secp256k1'],
]);

/** Verifying costs more than reading, and the same few roots occur in every place. */
const knownSelfSigned = new Map<string, boolean>();
const MAX_KNOWN = 2000;

function signsItself(x509: X509Certificate, fingerprint: string): boolean {
  const known = knownSelfSigned.get(fingerprint);
  if (known !== undefined) return known;
  if (knownSelfSigned.size >= MAX_KNOWN) knownSelfSigned.clear();
  const verified = signs(x509, x509);
  knownSelfSigned.set(fingerprint, verified);
  return verified;
}

function signs(issuer: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** The extension TLS Feature (RFC 7633), as DER. */
const tlsFeatureOid = Buffer.from('06082b06010505070118', 'hex');

/** RFC 5280 section 4.2.1.12, and those of Microsoft and Kerberos (RFC 4556). */
const extendedKeyUsageNames: ReadonlyMap<string, string> = new Map([
  ['2.5.29.37.0', 'any'],
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
  ['1.3.6.1.5.5.7.3.3', 'codeSigning'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  ['1.3.6.1.5.5.7.3.5', 'ipsecEndSystem'],
  ['1.3.6.1.5.5.7.3.6', 'ipsecTunnel'],
  ['1.3.6.1.5.5.7.3.7', 'ipsecUser'],
  ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
  ['1.3.6.1.5.5.7.3.9', 'OCSPSigning'],
  ['1.3.6.1.5.5.7.3.17', 'ipsecIKE'],
  ['1.3.6.1.5.2.3.4', 'pkinitClient'],
  ['1.3.6.1.5.2.3.5', 'pkinitKdc'],
  ['1.3.6.1.4.1.311.20.2.2', 'smartcardLogon'],
]);
