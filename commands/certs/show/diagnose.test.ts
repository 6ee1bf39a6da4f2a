import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Finding, ports } from '../../kit.ts';
import type { Facts } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { certificate, factsOf, shownAt, stored } from './builders.ts';
import { severalMatch, siteWithItsChain, suspectedLocket } from './stories.ts';

function fieldsOf(finding: Finding | undefined): Record<string, string> {
  const fields = (finding?.evidence ?? []).filter((one) => one.kind === 'field');
  return Object.fromEntries(fields.map(({ label, value }) => [label, value]));
}

test('shows a certificate in full, its problems first', () => {
  const { facts, now } = suspectedLocket;
  const { examined, verdict, findings } = diagnose(facts, {}, now);
  expect(examined).toBe(1);
  expect(verdict).toBe('locket.service.cf.internal expired 10 hours ago');
  expect(findings.map(({ severity, summary }) => `${severity}: ${summary}`)).toEqual([
    'critical: locket.service.cf.internal expired 10 hours ago',
    'info: Details of locket.service.cf.internal (vault:secret/bbs/locket/tls/cert:certificate and 1 other place)',
  ]);
  expect(fieldsOf(findings[1])).toMatchObject({
    Issuer: 'CN=cf-internal-ca',
    Valid: '2018-07-13 22:25 UTC to 2019-07-12 22:25 UTC',
    Key: 'rsa 4096 bits',
    Names: 'DNS:locket.service.cf.internal',
    'Private key': 'matches',
  });
  const tables = findings[1]?.evidence?.flatMap((one) => (one.kind === 'table' ? [one.columns] : []));
  expect(tables).toEqual([['Place']]);
});

test('shows a site with its handshake and the chain behind its certificate', () => {
  const { facts, now } = siteWithItsChain;
  const { verdict, findings } = diagnose(facts, {}, now);
  expect(verdict).toBe(
    'www.example.com expires later than its issuer: R3, until 2021-09-29 19:21 UTC; it is valid for 53 days, until 2021-11-18 00:00 UTC',
  );
  expect(findings.map(({ reason }) => reason)).toEqual(['issuer-expires-first', 'certificate-shown']);
  expect(findings[0]?.summary).toBe(
    'www.example.com expires later than its issuer: R3, until 2021-09-29 19:21 UTC',
  );
  expect(fieldsOf(findings[1])).toMatchObject({
    Protocol: 'TLSv1.3',
    'OCSP response': 'stapled',
    'Name check': 'matches',
  });
  const table = findings[1]?.evidence?.find((one) => one.kind === 'table');
  expect(table?.rows.map((row) => row.slice(0, 4))).toEqual([
    ['R3', '1', 'CN=DST Root CA X3', '2021-09-29 19:21 UTC'],
  ]);
});

test('several matches are a list to choose from', () => {
  const { facts, now } = severalMatch;
  const { verdict, findings } = diagnose(facts, {}, now);
  expect(verdict).toBe('2 certificates match “cf-internal”');
  expect(findings).toHaveLength(1);
  expect(findings[0]?.evidence?.[0]).toMatchObject({
    kind: 'table',
    rows: [
      [
        'locket.service.cf.internal',
        'expired 10 hours ago',
        expect.any(String),
        'rsa 4096 bits',
        expect.any(String),
      ],
      [
        'cf-internal-ca',
        expect.stringMatching(/^valid for /),
        expect.any(String),
        'rsa 4096 bits',
        expect.any(String),
      ],
    ],
  });
});

test('without a match nothing was examined, so the report is never clear', () => {
  const facts: Facts = { what: 'x', exact: false, shown: [], matching: 0, managed: [], unchecked: 0 };
  expect(diagnose(facts, {}, new Date('2026-01-01'))).toEqual({ examined: 0, verdict: '', findings: [] });
});

const NOW = new Date('2026-02-20T07:00:00Z');
const SERVED: NonNullable<ports.SeenPlace['served']> = {
  address: '203.0.113.7:443',
  servername: 'A.Example.com',
  protocol: 'TLSv1.3',
  nameMatches: true,
  path: 'complete',
  clientCertificateRequired: false,
  legacyOnly: false,
  stapled: false,
};

function askAbout(
  dates: readonly [from: string, until: string],
  more: Partial<ports.SeenPlace> = {},
  unchecked = 0,
) {
  const leaf = certificate('A.Example.com', 'ca', ...dates);
  const seen: ports.SeenPlace = { kind: 'seen', place: 'disk:/a.pem', chain: [leaf], ...more };
  return diagnose({ ...factsOf('a', [seen], NOW), unchecked }, {}, NOW);
}

function ask(places: readonly ports.SeenPlace[]) {
  return diagnose(factsOf('a', places, NOW), {}, NOW);
}

function problemsIn({ findings }: { readonly findings: readonly Finding[] }): readonly string[] {
  return findings
    .filter(({ reason }) => reason !== 'certificate-shown')
    .map(({ severity, reason }) => `${severity} ${reason}`);
}

const VALID = ['2025-12-01', '2026-12-01'] as const;

test.each<readonly [string, string, verdict: string, valid: string, problems: readonly string[]]>([
  ['2020-01-01', '9999-12-31T23:59:59Z', 'never expires', 'from 2020-01-01 00:00 UTC, no expiry', []],
  ['2025-12-01', '2026-12-01', 'is valid for 9 months, until 2026-12-01 00:00 UTC', '2025-12-01', []],
  [
    '2025-03-01',
    '2026-03-01',
    'expires in 8 days, at 2026-03-01 00:00 UTC',
    '2025-03-01',
    ['warning certificate-expiring'],
  ],
  [
    '2026-03-01',
    '2027-03-01',
    'is not valid until 2026-03-01 00:00 UTC, in 8 days',
    '2026-03-01',
    ['warning certificate-not-yet-valid'],
  ],
  [
    '2026-02-20T07:03:00Z',
    '9999-12-31T23:59:59Z',
    'is not valid yet: it becomes valid in 3 minutes, at 2026-02-20 07:03 UTC; it was just issued, or a clock is wrong',
    'from 2026-02-20 07:03 UTC, no expiry',
    ['warning certificate-not-yet-valid'],
  ],
  [
    '2027-01-01',
    '2026-12-01',
    'can never be valid: it ends 2026-12-01 00:00 UTC, before it begins 2027-01-01 00:00 UTC',
    'never: it begins 2027-01-01 00:00 UTC and ends 2026-12-01 00:00 UTC',
    ['critical certificate-never-valid'],
  ],
  [
    '2026-02-01',
    '2026-01-01',
    'expired 50 days ago and was never valid: it ends 2026-01-01 00:00 UTC, before it begins 2026-02-01 00:00 UTC',
    'never: it begins',
    ['critical certificate-expired'],
  ],
  [
    'nonsense',
    '2026-12-01',
    'has unreadable dates',
    'no readable date',
    ['warning certificate-dates-unreadable'],
  ],
])('from %s until %s: %s', (from, until, words, valid, problems) => {
  const diagnosis = askAbout([from, until]);
  expect(diagnosis.verdict).toBe(`A.Example.com ${words}`);
  expect(problemsIn(diagnosis)).toEqual(problems);
  expect(fieldsOf(diagnosis.findings.at(-1))['Valid']).toContain(valid);
});

test('not valid yet is critical if it is served', () => {
  expect(problemsIn(askAbout(['2026-03-01', '2027-03-01'], { served: SERVED }))).toEqual([
    'critical certificate-not-yet-valid',
  ]);
});

test('the verdict begins with the critical problem, and keeps the case of the name', () => {
  expect(askAbout(VALID, { keyMatches: false }).verdict).toBe(
    'A.Example.com does not match the private key next to it; it is valid for 9 months, until 2026-12-01 00:00 UTC',
  );
  const broken = { served: { ...SERVED, path: 'broken', nameMatches: false } } as const;
  expect(askAbout(VALID, broken).verdict).toBe(
    'A.Example.com is not signed by the issuer that is served with it; it is valid for 9 months, until 2026-12-01 00:00 UTC; 1 other problem',
  );
  expect(askAbout(['2025-01-01', '2026-01-01'], broken).verdict).toBe(
    'A.Example.com expired 50 days ago; it is not signed by the issuer that is served with it; 1 other problem',
  );
});

test('a certificate with only a CN is not reported as being for another name', () => {
  const leaf = { ...certificate('A.Example.com', 'ca', ...VALID), alternativeNames: [] };
  const seen = stored('edge:A.Example.com:443', [leaf]);
  const diagnosis = ask([{ ...seen, served: { ...SERVED, nameMatches: false } }]);
  expect(problemsIn(diagnosis)).toEqual(['warning no-alternative-name']);
  expect(diagnosis.verdict).toMatch(/^A\.Example\.com has no subject alternative name; it is valid for/);
});

test('of several certificates the worst comes first', () => {
  const { verdict, findings } = ask([
    stored('edge:fine.cases:443', [certificate('fine.cases', 'ca', ...VALID)]),
    stored('edge:soon.cases:443', [certificate('soon.cases', 'ca', '2025-03-01', '2026-03-01')]),
    stored('edge:old.cases:443', [certificate('old.cases', 'ca', '2025-01-01', '2026-01-01')]),
  ]);
  expect(verdict).toBe(
    'old.cases expired 50 days ago; soon.cases expires in 8 days, at 2026-03-01 00:00 UTC; ' +
      'fine.cases is valid for 9 months, until 2026-12-01 00:00 UTC',
  );
  expect(findings.slice(2).map(({ target }) => target)).toEqual([
    'edge:old.cases:443',
    'edge:soon.cases:443',
    'edge:fine.cases:443',
  ]);
});

test.each<
  readonly [string, places: readonly [string, string], keys: readonly [string, string], words: string]
>([
  ['its place', ['edge:a:443 (ECDSA)', 'edge:a:443 (RSA)'], ['rsa', 'rsa'], '(RSA) (ECDSA)'],
  ['its address', ['edge:a:443 (::1)', 'edge:a:443 (::2)'], ['rsa', 'ec'], '(::2) (::1)'],
  ['its key', ['edge:a:443', 'edge:a:443'], ['ec', 'rsa'], '(RSA) (ECDSA)'],
  ['its key', ['edge:a:443', 'edge:a:443 (RSA)'], ['ed25519', 'rsa'], '(RSA) (ed25519)'],
  ['its file', ['disk:/a.pem', 'disk:/b.pem'], ['rsa', 'rsa'], '(/b.pem) (/a.pem)'],
  [
    'its fingerprint',
    ['disk:/a.pem', 'disk:/a.pem'],
    ['rsa', 'rsa'],
    '(SHA-256 2222222222222222) (SHA-256 1111111111111111)',
  ],
])('certificates of the same name are distinguished by %s', (_, [first, second], [key, otherKey], words) => {
  const make = (digit: string, type: string, dates: readonly [string, string]) => ({
    ...certificate('localhost', 'ca', ...dates),
    fingerprint: digit.repeat(64),
    key: { type },
  });
  const { verdict, findings } = ask([
    stored(first, [make('1', key, VALID)]),
    stored(second, [make('2', otherKey, ['2025-01-01', '2026-02-17'])]),
  ]);
  const [expired, valid] = words.split(/(?<=\)) /);
  expect(verdict).toBe(
    `localhost ${expired} expired 3 days ago; localhost ${valid} is valid for 9 months, until 2026-12-01 00:00 UTC`,
  );
  expect(findings[0]?.summary).toBe(`localhost ${expired} expired 3 days ago`);
});

test('a certificate without expiry is not reported as expiring, and its issuer is mentioned once it is due', () => {
  const leaf = certificate('a', 'ca', '2020-01-01', '9999-12-31T23:59:59Z');
  const signedUntil = (until: string) =>
    ask([stored('disk:/a.pem', [leaf, certificate('ca', 'root', '2016-01-01', until)])]);
  expect(problemsIn(signedUntil('2036-01-01'))).toEqual([]);
  expect(signedUntil('2036-01-01').verdict).toBe('a never expires');
  expect(signedUntil('2026-03-01').verdict).toBe(
    'a has an issuer that expires soon: ca, until 2026-03-01 00:00 UTC; it never expires',
  );
});

test('an expired issuer is critical only if it is on the path', () => {
  const leaf = certificate('A.Example.com', 'ca', ...VALID);
  const old = { ...certificate('ca', 'root', '2016-01-01', '2026-01-01'), fingerprint: '01' };
  const modern = { ...certificate('ca', 'root', '2025-01-01', '2035-01-01'), fingerprint: '02' };
  const chain = [leaf, old, modern] as const;
  const onPath = askAbout(VALID, { chain, path: [leaf, old], served: SERVED });
  expect(problemsIn(onPath)).toEqual(['critical issuer-expired']);
  expect(onPath.verdict).toMatch(
    /^A\.Example\.com depends on an expired issuer: ca \(expired 50 days ago\); it is valid/,
  );
  expect(problemsIn(askAbout(VALID, { chain, path: [leaf, modern], served: SERVED }))).toEqual([]);
  expect(problemsIn(askAbout(VALID, { chain }))).toEqual([]);
  expect(problemsIn(askAbout(VALID, { chain: [leaf, old] }))).toEqual(['critical issuer-expired']);
});

test('the chain shows unneeded certificates, and the root from the configuration', () => {
  const leaf = certificate('A.Example.com', 'ca', ...VALID);
  const ca = { ...certificate('ca', 'root', '2016-01-01', '2036-01-01'), fingerprint: '01' };
  const cross = { ...certificate('ca', 'old root', '2016-01-01', '2026-01-01'), fingerprint: '02' };
  const root = { ...certificate('root', 'root', '2016-01-01', '2036-01-01'), fingerprint: '03' };
  const { findings } = askAbout(VALID, { chain: [leaf, ca, cross], path: [leaf, ca, root], served: SERVED });
  const table = findings[0]?.evidence?.find((one) => one.kind === 'table');
  expect(table?.rows.map((row) => row.slice(0, 2))).toEqual([
    ['ca', '1'],
    ['ca', '2, not needed'],
    ['root', 'trusted root'],
  ]);
});

test('an expired root in a trust store is information, and its weak key is not reported', () => {
  const root = {
    ...certificate('Old Root', 'Old Root', '2000-01-01', '2020-01-01'),
    key: { type: 'rsa', bits: 1024 },
  };
  const seen: ports.SeenPlace = {
    kind: 'seen',
    place: 'disk:/etc/ssl/certs/old.pem',
    chain: [root],
    trustStore: true,
  };
  expect(problemsIn(ask([seen]))).toEqual(['info certificate-expired']);
});

test('places that could not be checked are counted with the other places', () => {
  expect(fieldsOf(askAbout(VALID, {}, 40).findings[0])['Places']).toBe("1; couldn't check 40 other places");
  expect(fieldsOf(askAbout(VALID).findings[0])).not.toHaveProperty('Places');
});

const date = fc.oneof(
  fc.date({ min: new Date('2026-02-01'), max: new Date('2026-04-01'), noInvalidDate: true }),
  fc.date({ min: new Date('1950-01-01'), max: new Date('9999-12-31T23:59:59Z') }),
);

test('no duration is negative or out of range', () => {
  fc.assert(
    fc.property(date, date, date, date, fc.boolean(), (from, until, from2, until2, live) => {
      const leaf = { ...certificate('a', 'ca', ...VALID), notBefore: from, notAfter: until };
      const ca = { ...certificate('ca', 'root', ...VALID), notBefore: from2, notAfter: until2 };
      const seen: ports.SeenPlace = {
        kind: 'seen',
        place: 'edge:a:443',
        chain: [leaf, ca],
        ...(live && { served: SERVED, path: [leaf, ca] }),
      };
      const shown = [leaf, ca].map((certificate) => shownAt(seen, NOW, { certificate }));
      const facts: Facts = { what: 'a', exact: true, shown, matching: 2, managed: [], unchecked: 0 };
      const text = JSON.stringify([diagnose(facts, {}, NOW), diagnose({ ...facts, exact: false }, {}, NOW)]);
      expect(text).not.toMatch(/-\d+ (?:minute|hour|day|month|year)|NaN|Invalid|Infinity|undefined/);
    }),
  );
});
