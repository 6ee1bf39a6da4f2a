import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { isKeyOf } from '../../wire/found-content.ts';
import type { JsonObject } from '../../wire/json-object.ts';
import { splitPem } from '../../wire/pem.ts';
import { isIssuedBy } from '../../wire/x509.ts';
import { certificatesOf, inLinesOf } from './replace-certificate.ts';

/** What the values of a secret have to do with the certificate to replace. */
interface SecretLayout {
  /** Those with the certificate, its private key, or both. */
  readonly own: readonly string[];
  /** Those with the authorities that signed it, for servers to send. */
  readonly chain: readonly string[];
  /** Those with the authorities with which others verify it. */
  readonly trust: readonly string[];
}

const TRUST_NAMES: ReadonlySet<string> = new Set(['ca', 'ca.crt']);
const FACT_NAMES = ['serial_number', 'expiration', 'private_key_type'] as const;

function layoutOf(values: JsonObject, leaf: X509Certificate): SecretLayout {
  const own: string[] = [];
  const chain: string[] = [];
  const trust: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    const certificates = textsOf(value).flatMap(certificatesOf);
    const hasLeaf = certificates.some((one) => isSame(one, leaf));
    if (typeof value === 'string' && (hasLeaf || keysIn(value).some((key) => isKeyOf(leaf, key))))
      own.push(name);
    else if (TRUST_NAMES.has(name) && certificates.length > 0) trust.push(name);
    else if (certificates.some((one) => isIssuedBy(leaf, one))) chain.push(name);
  }
  return { own, chain, trust };
}

/** What a PKI issued. */
export interface IssuedContent {
  readonly leaf: X509Certificate;
  readonly key: KeyObject;
  /** The issuer first. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
}

/**
 * The whole secret with the certificate and its key replaced, each in the form in which it was stored. The authorities stay if the same one signed
 * it; otherwise they are replaced, except that those with which others verify it are only added to.
 */
export function valuesWithIssued(
  values: JsonObject,
  old: X509Certificate,
  issued: IssuedContent,
): JsonObject {
  const layout = layoutOf(values, old);
  const [issuer] = issued.chain;
  const isSameIssuer = isIssuedBy(old, issuer);
  const next: Record<string, unknown> = { ...values, ...changedFacts(values, old, issued) };
  for (const name of layout.own) next[name] = replaceOwn(String(values[name]), old, issued, isSameIssuer);
  if (isSameIssuer) return next;
  for (const name of layout.chain) next[name] = replaceChain(name, values[name], issued);
  for (const name of layout.trust) next[name] = addTrust(values[name], issued);
  return next;
}

/** Names of the values that {@link valuesWithIssued} changes, if an issuer with this chain signs. */
export function namesOfChanged(
  values: JsonObject,
  old: X509Certificate,
  issuerChain: IssuedContent['chain'],
): readonly string[] {
  const { own, chain, trust } = layoutOf(values, old);
  const facts = hasFacts(values, old) ? FACT_NAMES.filter((name) => values[name] !== undefined) : [];
  if (isIssuedBy(old, issuerChain[0])) return [...own, ...facts];
  const untrusting = trust.filter((name) => !holdsOneOf(values[name], issuerChain));
  return [...own, ...chain, ...untrusting, ...facts];
}

function replaceOwn(text: string, old: X509Certificate, issued: IssuedContent, keepsTail: boolean): string {
  const { blocks } = splitPem(text);
  const tail = blocks.flatMap((block) => certificatesOf(block.text).filter((one) => !isSame(one, old)));
  const sendsRoot = tail.some(signsItself);
  const newTail =
    keepsTail || tail.length === 0 ? [] : issued.chain.filter((one) => sendsRoot || !signsItself(one));
  let done = '';
  let at = 0;
  for (const { from, to, text: pem } of blocks) {
    const raw = text.slice(from, to);
    const [certificate] = certificatesOf(pem);
    const isOld = certificate !== undefined && isSame(certificate, old);
    const isDropped = certificate !== undefined && !isOld && !keepsTail;
    const isKey = keysIn(pem).some((key) => isKeyOf(old, key));
    const between = text.slice(at, from);
    at = to;
    done += between;
    if (isOld)
      done += [issued.leaf, ...newTail]
        .map((one) => inLinesOf(raw, one.toString().trimEnd()))
        .join(lineEnd(raw));
    else if (isKey) done += inLinesOf(raw, exportAs(issued.key, pem).trimEnd());
    else if (isDropped) at += /^(\r\n|\n|\r|\\r\\n|\\n| )?/.exec(text.slice(to))?.[0].length ?? 0;
    else done += raw;
  }
  return done + text.slice(at);
}

function lineEnd(block: string): string {
  return inLinesOf(block, '\n');
}

/** In the format of the old one, if the new key can have it. */
function exportAs(key: KeyObject, old: string): string {
  const isPkcs8 = old.startsWith('-----BEGIN PRIVATE KEY');
  const usual = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs8';
  return key.export({ type: isPkcs8 ? 'pkcs8' : usual, format: 'pem' }).toString();
}

/** As Vault returns them: `issuing_ca` is one certificate, `ca_chain` all, as a list or as one text. */
function replaceChain(name: string, old: unknown, { chain }: IssuedContent): unknown {
  const pems = chain.map((one) => one.toString());
  if (Array.isArray(old)) return pems.map((pem) => pem.trimEnd());
  const isOne = name === 'issuing_ca' || certificatesOf(old).length === 1;
  return inLinesOf(String(old), (isOne ? pems.slice(0, 1) : pems).join(''));
}

/** Unless it has an authority of the new chain already. */
function addTrust(old: unknown, { chain }: IssuedContent): unknown {
  if (holdsOneOf(old, chain)) return old;
  const pem = chain[0].toString();
  return Array.isArray(old)
    ? [pem.trimEnd(), ...(old as unknown[])]
    : inLinesOf(String(old), pem) + String(old);
}

/** What `vault write -format=json pki/issue` returns besides, if it was stored too. */
function changedFacts(values: JsonObject, old: X509Certificate, { leaf, key }: IssuedContent): JsonObject {
  const facts = {
    serial_number: colons(leaf),
    expiration: seconds(leaf),
    private_key_type: key.asymmetricKeyType,
  };
  const isStored = hasFacts(values, old);
  return Object.fromEntries(
    FACT_NAMES.filter((name) => isStored && values[name] !== undefined).map((name) => [
      name,
      typeof values[name] === 'string' ? String(facts[name]) : facts[name],
    ]),
  );
}

function hasFacts(values: JsonObject, old: X509Certificate): boolean {
  return values['serial_number'] === colons(old) || Number(values['expiration']) === seconds(old);
}

function colons({ serialNumber }: X509Certificate): string {
  return serialNumber.toLowerCase().match(/../g)?.join(':') ?? '';
}

function seconds({ validToDate }: X509Certificate): number {
  return Math.floor(validToDate.getTime() / 1000);
}

function holdsOneOf(value: unknown, wanted: readonly X509Certificate[]): boolean {
  const held = textsOf(value).flatMap(certificatesOf);
  return wanted.some((one) => held.some((other) => isSame(one, other)));
}

function textsOf(value: unknown): readonly string[] {
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  return texts.filter((one) => typeof one === 'string');
}

function isSame(one: X509Certificate, other: X509Certificate): boolean {
  return one.fingerprint256 === other.fingerprint256;
}

function signsItself(one: X509Certificate): boolean {
  return isIssuedBy(one, one);
}

/** The private keys in a text, without those that need a passphrase. */
function keysIn(text: string): readonly KeyObject[] {
  return splitPem(text).blocks.flatMap(({ label, text: pem }) => {
    if (!label.endsWith('PRIVATE KEY') || label.startsWith('ENCRYPTED') || pem.includes('Proc-Type:'))
      return [];
    try {
      return [createPrivateKey(pem)];
    } catch {
      return [];
    }
  });
}
