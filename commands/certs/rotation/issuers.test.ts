import { expect, test } from 'vitest';
import { factsOf, inVault, issuer, signedCertificate } from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { Facts } from './facts.ts';
import { issuerEndsFirst } from './stories.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const ARGS = { within: 60 * 86_400_000 };
const gw = inVault(
  'kv/edge/gw',
  signedCertificate('gw', '2026-12-20', {
    issuer: 'int-2022',
    signedWith: 'int-2022',
    notBefore: new Date('2026-09-21'),
  }),
);

function findingsOf(facts: Partial<Facts>) {
  return diagnose(factsOf(facts), ARGS, NOW).findings;
}

test('the issuer comes before what it signed, from when the ttl of its roles no longer fits', () => {
  const [finding, ...others] = diagnose(issuerEndsFirst.facts, ARGS, NOW).findings;
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    severity: 'warning',
    reason: 'rotation-due',
    target: 'int-2022',
    targets: ['int-2022', 'kv/edge/gw'],
  });
  expect(finding?.summary).toBe(
    'The issuer int-2022 expires in 49 days, and since 2026-10-17 every request with the ttl of role edge (90 days) fails; replace it, then renew kv/edge/gw',
  );
  // Renewed now, it would end with the issuer, if it could be issued at all.
  expect(finding?.offers).toBeUndefined();
  expect(JSON.stringify(finding?.evidence)).toContain('request a ttl below 49 days');
});

test.each([
  ['truncate', 'end with it, earlier than usual', 'info'],
  ['permit', 'are rejected once it has ended', 'info'],
  ['err', 'fails', 'warning'],
] as const)('what happens to requests that end after the issuer: %s', (beyondEnd, words, severity) => {
  const [finding] = findingsOf({ issuers: [issuer('int-2022', '2027-01-15', { beyondEnd })] });
  expect(finding).toMatchObject({ severity, target: 'int-2022' });
  expect(finding?.summary).toContain(words);
});

test('an issuer that lasts for long enough needs no one, and a leaf below it is renewed', () => {
  const issuers = [issuer('int-2022', '2027-06-30')];
  expect(findingsOf({ issuers })).toEqual([]);
  const [leaf] = findingsOf({ issuers, places: [gw] });
  expect(leaf).toMatchObject({ severity: 'warning', reason: 'renewal-due', target: 'kv/edge/gw' });
  expect(leaf?.offers).toHaveLength(1);
});

test('an issuer whose ttl soon no longer fits is information until then', () => {
  const [finding] = findingsOf({ issuers: [issuer('int-2022', '2027-04-20')] });
  expect(finding).toMatchObject({ severity: 'info', target: 'int-2022' });
  expect(finding?.summary).toContain("can't sign for the ttl of role edge (90 days) from 2027-01-20 on");
});

test('once roles use another issuer, what the old one signed is renewed', () => {
  const issuers = [
    issuer('int-2022', '2027-01-15', { roles: [], isDefault: false }),
    issuer('int-2026', '2030-01-15'),
  ];
  const [finding, ...others] = findingsOf({ issuers, places: [gw] });
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    severity: 'warning',
    reason: 'signed-by-former-version',
    target: 'int-2022',
  });
  expect(finding?.offers).toEqual([
    { remediation: 'renew', params: { store: 'vault', place: gw.place }, target: 'kv/edge/gw' },
  ]);
  expect(findingsOf({ issuers })).toEqual([]);
});

test('an expired issuer is critical, and what signed an issuer may end first', () => {
  expect(findingsOf({ issuers: [issuer('int-2022', '2026-11-20')] })[0]?.severity).toBe('critical');
  const [{ chain }] = [issuer('int-2022', '2029-01-15')];
  const root = signedCertificate('root', '2026-12-10', {
    issuer: 'root',
    key: 'root key',
    signedWith: 'root key',
  });
  const [finding] = findingsOf({ issuers: [issuer('int-2022', '2029-01-15', { chain: [chain[0], root] })] });
  expect(finding?.summary).toContain('expires in 13 days');
});

test('a role that still names the former issuer only needs the newer one', () => {
  const [finding] = findingsOf({
    issuers: [
      issuer('int-2022', '2027-01-15', { isDefault: false }),
      issuer('int-2026', '2031-01-15', { roles: [] }),
    ],
  });
  expect(finding).toMatchObject({ severity: 'warning', target: 'int-2022' });
  expect(finding?.summary).toMatch(/fails; use int-2026 in role edge$/);
  const steps = JSON.stringify(finding?.evidence);
  expect(steps).toContain('vault patch pki/roles/edge issuer_ref=int-2026');
  expect(steps).not.toContain('common_name');
});

test('an issuer of another PKI replaces none', () => {
  const [finding] = findingsOf({
    issuers: [
      issuer('int-2022', '2027-01-15'),
      issuer('int-2026', '2031-01-15', { place: 'vault:other/issuer/int-2026' }),
    ],
  });
  expect(finding?.summary).toMatch(/fails; replace it$/);
});

test('an issuer that ends with the authority above it needs both replaced', () => {
  const own = issuer('int', '2031-01-15');
  const root = signedCertificate('corp root', '2026-11-24', {
    issuer: 'corp root',
    key: 'root key',
    signedWith: 'root key',
  });
  const [finding] = findingsOf({ issuers: [{ ...own, chain: [own.chain[0], root] }] });
  expect(finding).toMatchObject({ severity: 'critical', target: 'int' });
  expect(finding?.summary).toBe(
    'The issuer int expired 2 days ago with its authority corp root; replace both',
  );
});
