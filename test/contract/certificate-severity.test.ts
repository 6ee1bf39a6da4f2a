import { expect, test } from 'vitest';
import { certificate, factsOf, live } from '../../commands/certs/expiring/builders.ts';
import { check as expiring } from '../../commands/certs/expiring/check.ts';
import { factsOf as shownIn, shownAt } from '../../commands/certs/show/builders.ts';
import { check as show } from '../../commands/certs/show/check.ts';
import type { Finding } from '../../src/check/finding.ts';
import type { Certificate } from '../../src/ports/certificate.ts';
import type { SeenPlace } from '../../src/ports/certificates.ts';

const DAY_MS = 86_400_000;
const NOW = new Date('2026-02-20T07:00:00Z');
const NEVER = Date.parse('9999-12-31T23:59:59Z');

const LEAF = certificate({ name: 'a.test', from: '2026-01-01', until: '2027-01-01' });

const at = (days: number) => new Date(NOW.getTime() + days * DAY_MS);

const DATES: readonly (readonly [lifetime: number, left: number])[] = [
  1, 6, 47, 90, 100, 397, 825, 3650,
].flatMap((lifetime) =>
  [-400, -0.001, 0, 0.05, 0.5, 1, 2, 4.7, 4.8, 6.9, 7, 7.1, 15, 16, 29, 30, 30.1, 90, 400, 4000].map(
    (left) => [lifetime, left] as const,
  ),
);

function datesOf({
  findings,
}: {
  readonly findings: readonly Pick<Finding, 'reason' | 'severity'>[];
}): readonly string[] {
  return findings
    .filter(({ reason }) => reason.startsWith('certificate-') && reason !== 'certificate-shown')
    .map(({ severity, reason }) => `${severity} ${reason}`);
}

/** The findings of each of the two checks about the dates of one certificate. */
function severities(from: Date, until: Date, served?: SeenPlace['served']) {
  const leaf = {
    ...LEAF,
    notBefore: from,
    notAfter: until,
  };
  const seen: SeenPlace = { kind: 'seen', place: 'x:a.test:443', chain: [leaf], ...(served && { served }) };
  return {
    show: datesOf(show.diagnose(shownIn('a', [seen], NOW), { certificate: 'a' }, NOW)),
    expiring: datesOf(expiring.diagnose(factsOf([seen], NOW), expiring.args.parse({}), NOW)),
  };
}

test.each([
  ['in a file', undefined],
  ['at a site', live('a.test:443', [LEAF]).served],
] as const)(
  '/certs show and /certs expiring give the dates of a certificate the same severity: %s',
  (_, served) => {
    const reported = new Set<string>();
    const cases = [
      ...DATES.map(([lifetime, left]) => [at(left - lifetime), at(left)] as const),
      [at(-9), new Date(NEVER)],
      [at(9), new Date(NEVER)],
      [at(40), at(20)],
      [at(-20), at(-40)],
      [new Date(NaN), at(20)],
      [at(-20), new Date(NaN)],
    ] as const;
    for (const [from, until] of cases) {
      const { show: shown, expiring: listed } = severities(from, until, served);
      expect([String(from), String(until), shown]).toEqual([String(from), String(until), listed]);
      for (const one of shown) reported.add(one);
    }
    expect(reported).toContain('critical certificate-expiring');
    expect(reported).toContain('warning certificate-expiring');
  },
);

const OLD = certificate({ name: 'old.test', from: '2025-01-01', until: '2026-01-01' });
const EARLY = certificate({ name: 'early.test', from: '2026-03-01', until: '2027-03-01' });
const WEAK = {
  ...certificate({ name: 'weak.test', from: '2026-01-01', until: '2027-01-01' }),
  key: { type: 'rsa', bits: 1024 },
  signature: 'sha1WithRSAEncryption',
};
const ROOT = certificate({
  name: 'Root',
  issuer: 'Root',
  authority: true,
  from: '2006-01-01',
  until: '2026-01-01',
});

function inFile(leaf: Certificate, more: Partial<SeenPlace> = {}): SeenPlace {
  return { kind: 'seen', place: `disk:/${leaf.name}.pem`, chain: [leaf], ...more };
}

test.each<readonly [string, Certificate, readonly SeenPlace[], readonly string[]]>([
  ['expired, next to the path', OLD, [live('a.test:443', [LEAF, OLD])], ['info certificate-expired']],
  [
    'expired, next to one path and on another',
    OLD,
    [live('a.test:443', [LEAF, OLD]), inFile(OLD)],
    ['critical certificate-expired'],
  ],
  [
    "a server's own in the folder of a trust store",
    OLD,
    [inFile(OLD, { trustStore: true })],
    ['critical certificate-expired'],
  ],
  [
    'not valid yet, in a file and at a site',
    EARLY,
    [inFile(EARLY), live('early.test:443', [EARLY])],
    ['critical certificate-not-yet-valid'],
  ],
  ['weak, in a file', WEAK, [inFile(WEAK)], ['info weak-key', 'info weak-signature']],
  [
    'weak, in a file and at a site',
    WEAK,
    [inFile(WEAK), live('weak.test:443', [WEAK])],
    ['warning weak-key', 'warning weak-signature'],
  ],
])(
  '/certs show and /certs expiring give one certificate the same severity: %s',
  (_, shown, seen, severities) => {
    const { findings } = expiring.diagnose(factsOf(seen, NOW), expiring.args.parse({}), NOW);
    expect(findings.map(({ severity, reason }) => `${severity} ${reason}`)).toEqual(severities);
    const [first, ...elsewhere] = seen;
    const facts = {
      what: 'a',
      exact: true,
      shown: [shownAt(first!, NOW, { certificate: shown, elsewhere })],
      matching: 1,
      managed: [],
      unchecked: 0,
    };
    expect(
      show
        .diagnose(facts, { certificate: 'a' }, NOW)
        .findings.filter(({ reason }) => reason !== 'certificate-shown')
        .map(({ severity, reason }) => `${severity} ${reason}`),
    ).toEqual(severities);
  },
);

test('/certs show and /certs expiring report an expired root of a trust store as information', () => {
  const seen = inFile(ROOT, { trustStore: true });
  const { findings } = expiring.diagnose(factsOf([seen], NOW), expiring.args.parse({}), NOW);
  expect(findings.map(({ severity }) => severity)).toEqual(['info']);
  expect(datesOf(show.diagnose(shownIn('a', [seen], NOW), { certificate: 'a' }, NOW))).toEqual([
    'info certificate-expired',
  ]);
});
