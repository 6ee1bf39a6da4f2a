import { X509Certificate } from 'node:crypto';
import { readCertificate } from '../../src/wire/x509.ts';
import { issue, type KeyType, makeAuthority } from '../world/ca.ts';
import type { Figure } from './figure.ts';

const KINDS: readonly KeyType[] = ['rsa2048', 'p256', 'ed25519'];
const ROUNDS = 8;
const CERTIFICATES = 1500;

/**
 * Certificates per second, read into plain facts, against reading the same facts from Node's object, and
 * against only making the object. The best of several alternating rounds.
 */
export async function benchReadCertificates(): Promise<Figure[]> {
  const root = await makeAuthority({ name: 'Root' });
  const results: Figure[] = [];
  for (const keyType of KINDS) {
    const { certificatePem } = await issue(root, { name: 'www.example.test', keyType });
    const best = { ours: 0, facts: 0, object: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      best.ours = Math.max(
        best.ours,
        perSecond(() => readCertificate(certificatePem)),
      );
      best.facts = Math.max(
        best.facts,
        perSecond(() => readBare(certificatePem)),
      );
      best.object = Math.max(
        best.object,
        perSecond(() => new X509Certificate(certificatePem)),
      );
    }
    const against = (name: string, bare: number) => ({
      name: `read a certificate, ${keyType}, against ${name}`,
      ours: best.ours,
      bare,
      ratio: best.ours / bare,
      unit: 'certificates/s',
    });
    results.push({ ...against('the same facts off X509Certificate', best.facts), goal: 'ratio >= 0.7' });
    results.push(against('new X509Certificate, and nothing read', best.object));
  }
  return results;
}

function readBare(pem: string): unknown[] {
  const x509 = new X509Certificate(pem);
  const { subject, issuer, subjectAltName, serialNumber, fingerprint256, validFromDate, validToDate } = x509;
  const { ca, signatureAlgorithm, keyUsage, raw, publicKey } = x509;
  const { asymmetricKeyType, asymmetricKeyDetails } = publicKey;
  return [
    [subject, issuer, subjectAltName, serialNumber, fingerprint256, validFromDate, validToDate],
    [ca, signatureAlgorithm, keyUsage, raw, asymmetricKeyType, asymmetricKeyDetails],
  ];
}

function perSecond(read: () => unknown): number {
  const start = performance.now();
  for (let count = 0; count < CERTIFICATES; count += 1) read();
  return (CERTIFICATES * 1000) / (performance.now() - start);
}
