import { X509Certificate } from 'node:crypto';
import { findCertificates } from '../../src/wire/find-certificates.ts';
import { issue, makeAuthority } from '../world/ca.ts';
import type { Figure } from './figure.ts';

const CERTIFICATES = 200;
const ROUNDS = 8;
const READS = 5;

/**
 * A PEM bundle read by `findCertificates`, against splitting it at the markers and making Node's object for
 * each part.
 */
export async function benchFindCertificates(): Promise<Figure[]> {
  const root = await makeAuthority({ name: 'Root' });
  const leaves = await Promise.all(
    Array.from({ length: CERTIFICATES }, (_, at) => issue(root, { name: `n${at}.bench.test` })),
  );
  const bundle = leaves.map(({ certificatePem }) => certificatePem).join('\n');
  const best = { ours: 0, bare: 0 };
  for (let round = 0; round < ROUNDS; round += 1) {
    best.bare = Math.max(best.bare, perSecond(bundle, splitAndRead));
    best.ours = Math.max(best.ours, perSecond(bundle, find));
  }
  return [
    {
      name: `find certificates in a bundle of ${CERTIFICATES}`,
      ...best,
      ratio: best.ours / best.bare,
      unit: 'certificates/s',
      goal: 'ratio >= 0.7',
    },
  ];
}

function find(bundle: string): number {
  return findCertificates(bundle).certificates.length;
}

function splitAndRead(bundle: string): number {
  const parts = bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return parts.map((part) => new X509Certificate(part)).length;
}

function perSecond(bundle: string, read: (bundle: string) => number): number {
  const startedAt = performance.now();
  for (let at = 0; at < READS; at += 1) {
    const found = read(bundle);
    if (found !== CERTIFICATES) throw new Error(`${found} of ${CERTIFICATES} certificates were found`);
  }
  return (READS * CERTIFICATES * 1_000) / (performance.now() - startedAt);
}
