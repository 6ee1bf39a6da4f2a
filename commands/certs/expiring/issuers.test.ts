import { describe, expect, test } from 'vitest';
import { signedCertificate } from '../../shared/builders.ts';
import { DEFAULT_THRESHOLDS } from '../../shared/certificate-validity.ts';
import { factsOf } from './builders.ts';
import { diagnose } from './diagnose.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const DAY_MS = 86_400_000;
const { withinDays, ...levels } = DEFAULT_THRESHOLDS;

/** A PKI whose issuer `old` was replaced, and perhaps a certificate that it signed. */
function ask(until: string, { signs = false, isUsed = false } = {}) {
  const old = signedCertificate('old', until, {
    issuer: 'old',
    key: 'old',
    signedWith: 'old',
    selfSigned: true,
  });
  const gw = signedCertificate('gw', '2027-06-01', { issuer: 'old', signedWith: 'old' });
  const facts = factsOf(
    [
      { kind: 'seen', place: 'vault:pki/issuer/old', chain: [old] },
      ...(signs
        ? [
            {
              kind: 'seen' as const,
              place: 'vault:kv/gw:certificate',
              chain: [gw] as const,
              keyMatches: true,
            },
          ]
        : []),
    ],
    NOW,
  );
  const issuer = {
    place: 'vault:pki/issuer/old',
    name: 'old',
    certificate: old,
    isUsed,
    beyondEnd: 'err' as const,
    roles: isUsed ? [{ name: 'edge', ttlSeconds: 3_600, maxTtlSeconds: 3_600 }] : [],
  };
  const { findings } = diagnose(
    { ...facts, issuers: [issuer] },
    { within: withinDays * DAY_MS, ...levels },
    NOW,
  );
  return findings.map(({ severity, reason }) => `${severity} ${reason}`);
}

describe('an issuer that no role uses', () => {
  test.each(['2026-11-06', '2026-12-16'])(
    'is information if nothing that it signed is in use (%s)',
    (until) => {
      expect(ask(until)).toEqual(['info issuer-unused']);
    },
  );

  test('is reported once, as what ends what it signed', () => {
    expect(ask('2026-12-16', { signs: true })).toEqual(['warning certificate-expiring']);
    expect(ask('2026-11-06', { signs: true })).toEqual(['critical certificate-expired']);
  });
});

test('an issuer that a role uses is a certificate like any other', () => {
  expect(ask('2026-12-16', { isUsed: true })).toEqual(['warning certificate-expiring']);
});
