import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Finding, ports } from '../../kit.ts';
import { certificate, factsOf, inVault } from './builders.ts';
import { check } from './check.ts';
import { diagnose } from './diagnose.ts';

const NOW = new Date('2026-02-20T07:00:00Z');
const args = check.args.parse({});

/** Dates around now, where the text changes, and any others; also unreadable ones. */
const date = fc.oneof(
  fc.date({ min: new Date('2026-02-01'), max: new Date('2026-04-01'), noInvalidDate: true }),
  fc.date({ min: new Date('1950-01-01'), max: new Date('9999-12-31T23:59:59Z') }),
  fc.constantFrom(NOW, new Date(NOW.getTime() + 1), new Date('9999-12-31T23:59:59Z'), new Date(NaN)),
);

const anyCertificate = fc
  .record({
    name: fc.constantFrom('a', 'B.Example.com', 'CA', 'Root'),
    issuer: fc.constantFrom('CA', 'Root', 'Elsewhere', 'a'),
    notBefore: date,
    notAfter: date,
    authority: fc.boolean(),
    bits: fc.constantFrom(1024, 2048),
    signature: fc.constantFrom('sha1WithRSAEncryption', 'sha256WithRSAEncryption'),
  })
  .map(({ name, issuer, notBefore, notAfter, authority, bits, signature }): ports.Certificate => ({
    ...certificate({
      name,
      issuer,
      authority,
      from: '2026-01-01',
      until: '2027-01-01',
      serial: `${notBefore.getTime()} ${notAfter.getTime()} ${bits} ${signature}`,
    }),
    notBefore,
    notAfter,
    key: { type: 'rsa', bits },
    signature,
  }));

const anyServed: fc.Arbitrary<NonNullable<ports.SeenPlace['served']>> = fc.record({
  address: fc.constant('203.0.113.7:443'),
  servername: fc.constant('B.Example.com'),
  protocol: fc.constantFrom('TLSv1', 'TLSv1.3'),
  nameMatches: fc.boolean(),
  path: fc.constantFrom('complete', 'incomplete', 'self-signed', 'broken'),
  clientCertificateRequired: fc.boolean(),
  legacyOnly: fc.boolean(),
  stapled: fc.boolean(),
});

const anySeen: fc.Arbitrary<ports.SeenPlace> = fc
  .record(
    {
      place: fc.constantFrom(
        'edge:B.Example.com:443',
        'disk:/etc/ssl/certs/x.pem',
        'vault:secret/Cf/x:certificate',
      ),
      chain: fc.array(anyCertificate, { minLength: 1, maxLength: 4 }),
      served: anyServed,
      keyMatches: fc.boolean(),
      trustStore: fc.constant(true as const),
      renewable: fc.constant(true as const),
    },
    { requiredKeys: ['place', 'chain'] },
  )
  .map((seen) => ({ kind: 'seen', ...seen }) as unknown as ports.SeenPlace);

const anyFacts = fc.array(anySeen, { maxLength: 6 }).map((seen) => factsOf(seen, NOW));

/** Many stored certificates of few authorities that expire close to one another. */
const anyBatch = fc
  .array(
    fc.record({
      path: fc.integer({ min: 0, max: 30 }),
      issuer: fc.constantFrom('CA', 'Root'),
      hoursLeft: fc.integer({ min: -60, max: 60 }),
      renewable: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((all) =>
    factsOf(
      all.map(({ path, issuer, hoursLeft, renewable }) => {
        const until = new Date(NOW.getTime() + hoursLeft * 3_600_000).toISOString();
        const known = { name: `leaf ${path}`, issuer, from: '2025-01-01', until };
        return inVault(String(path), { ...known, ...(renewable && { renewable }) });
      }),
      NOW,
    ),
  );

function allTextOf({ summary, evidence = [] }: Finding): string {
  return JSON.stringify([summary, evidence]);
}

test('no duration is negative or out of range', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { verdict, findings } = diagnose(facts, args, NOW);
      const text = [verdict, ...findings.map(allTextOf)].join('\n');
      expect(text).not.toMatch(/-\d+ (?:minute|hour|day|month|year|%)|NaN|Invalid|Infinity|undefined|null/);
      expect(text).not.toMatch(/\b(?:1\d\d|[2-9]\d\d|\d{4,})%/);
    }),
  );
});

const WHOSE = String.raw`^(?:\d+ of \d+ certificates|1 certificate|Both certificates|All \d+ certificates)`;
/** How a verdict begins if a finding with this reason is the worst. */
const BEGINNINGS: Readonly<Record<string, RegExp>> = {
  'certificate-expired': new RegExp(`${WHOSE} ha(?:s|ve) expired`),
  'certificate-never-valid': new RegExp(`${WHOSE} can never be valid`),
  'certificate-not-yet-valid': new RegExp(`${WHOSE} (?:is|are) not valid yet`),
  'certificate-expiring': new RegExp(`${WHOSE} expires? (?:in|within) `),
  'key-mismatch': /^(?:The private key does not match|\d+ places have a private key)/,
  'chain-broken': /^(?:\S+ serves|\d+ sites serve) a broken chain/,
};

test('the verdict begins with something critical if there is any', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { verdict, findings } = diagnose(facts, args, NOW);
      const reasons = new Set(
        findings.filter(({ severity }) => severity === 'critical').map(({ reason }) => reason),
      );
      if (reasons.size === 0) return;
      const says = [...reasons].filter((reason) => BEGINNINGS[reason]?.test(verdict));
      expect([verdict, says.length]).toEqual([verdict, 1]);
    }),
    { numRuns: 500 },
  );
});

test('a certificate at its own place is never less severe than it is alone', () => {
  fc.assert(
    fc.property(anyCertificate, fc.array(anySeen, { maxLength: 4 }), (own, others) => {
      const place: ports.SeenPlace = { kind: 'seen', place: 'vault:secret/own:certificate', chain: [own] };
      const isCritical = (seen: readonly ports.SeenPlace[]) =>
        diagnose(factsOf(seen, NOW), args, NOW)
          .findings.filter(({ evidence }) => JSON.stringify(evidence).includes(own.fingerprint.slice(0, 16)))
          .some(({ reason, severity }) => reason.startsWith('certificate-') && severity === 'critical');
      expect(!isCritical([place]) || isCritical([place, ...others])).toBe(true);
    }),
  );
});

test('grouping keeps every certificate, and names each target once', () => {
  fc.assert(
    fc.property(anyBatch, (facts) => {
      const { findings, measures } = diagnose(facts, args, NOW);
      const dated = findings.filter(
        ({ reason, severity }) => /^certificate-(expired|expiring)$/.test(reason) && severity !== 'info',
      );
      const targets = dated.flatMap(({ reason, target, targets: many = [target] }) =>
        many.map((one) => `${reason} ${one}`),
      );
      expect(new Set(targets).size).toBe(targets.length);
      expect(targets.length).toBe((measures ?? []).reduce((sum, { value }) => sum + value, 0));
      for (const { targets: many, offers = [] } of findings) {
        expect(many === undefined || many.length >= 3).toBe(true);
        for (const offer of offers)
          for (const target of 'each' in offer ? offer.each.map((one) => one.target) : [offer.target])
            expect(many === undefined ? target === undefined : many.includes(target ?? '')).toBe(true);
      }
    }),
  );
});
