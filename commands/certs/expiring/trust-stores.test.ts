import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { certificate, factsOf, inTrustStore, inVault, live } from './builders.ts';
import { check } from './check.ts';
import { diagnose } from './diagnose.ts';
import { expiredTrustedRoot } from './stories.ts';

const NOW = new Date('2026-11-26');
const healthySite = live('www.example.com:443', [
  certificate({ name: 'www.example.com', from: '2026-10-01', until: '2027-04-01' }),
]);
const addTrust = { name: 'AddTrust External CA Root', from: '2000-05-30', until: '2020-05-30' };

function ask(seen: readonly ports.SeenPlace[]) {
  return diagnose(factsOf(seen, NOW), check.args.parse({}), NOW);
}

test('an expired root in a trust store is information, and the summary says what to do', () => {
  const { facts, now } = expiredTrustedRoot;
  const { verdict, findings, measures } = diagnose(facts, check.args.parse({}), now);
  expect(verdict).toBe('1 certificate is valid for more than 30 days; 1 trusted root has expired');
  expect(
    findings.map(({ severity, reason, target, summary }) => [severity, reason, target, summary]),
  ).toEqual([
    [
      'info',
      'trust-store-outdated',
      'disk:/etc/ssl/certs',
      "AddTrust External CA Root expired 6 years ago (in the trust store /etc/ssl/certs): remove it, or update the system's certificates",
    ],
  ]);
  expect(measures?.[0]?.value).toBe(0);
});

test('30 expired roots are one finding with a table', () => {
  const roots = Array.from({ length: 30 }, (_, at) =>
    inTrustStore(`root-${at}.pem`, { ...addTrust, name: `Root ${at}` }),
  );
  const { verdict, findings } = ask([...roots, healthySite]);
  expect(verdict).toBe('1 certificate is valid for more than 30 days; 30 trusted roots have expired');
  expect(findings).toHaveLength(1);
  expect(findings[0]?.summary).toBe(
    "30 trusted roots have expired (Root 0, Root 1 and 28 more, in the trust store /etc/ssl/certs): remove them, or update the system's certificates",
  );
  expect(findings[0]?.evidence?.[0]).toMatchObject({ kind: 'table', rows: { length: 30 } });
});

test('a healthy trust store with old keys and signatures is clear', () => {
  const weak = inTrustStore('weak.pem', { name: 'Weak Root', from: '1999-01-01', until: '2029-01-01' });
  const [root] = weak.chain;
  const { verdict, findings } = ask([
    { ...weak, chain: [{ ...root, key: { type: 'rsa', bits: 1024 }, signature: 'sha1WithRSAEncryption' }] },
    {
      ...inTrustStore('cross.pem', {
        name: 'Cross',
        issuer: 'Other',
        from: '2016-01-01',
        until: '2036-01-01',
      }),
    },
    healthySite,
  ]);
  expect(findings).toEqual([]);
  expect(verdict).toBe('1 certificate and 2 trusted roots are valid for more than 30 days');
});

test('a trust store alone, with and without expired roots', () => {
  const valid = inTrustStore('isrg.pem', { name: 'ISRG Root X1', from: '2015-06-04', until: '2035-06-04' });
  expect(ask([valid]).verdict).toBe('1 trusted root is valid for more than 30 days');
  expect(ask([valid, inTrustStore('add.pem', addTrust)]).verdict).toBe('1 trusted root has expired');
});

test('roots that expire soon, are not valid yet or are unreadable are information as well', () => {
  const { verdict, findings } = ask([
    inTrustStore('a.pem', { name: 'Soon', from: '2006-12-01', until: '2026-12-01' }),
    inTrustStore('b.pem', { name: 'Later', from: '2027-01-01', until: '2047-01-01' }),
    inTrustStore('c.pem', { name: 'Never', from: '2047-01-01', until: '2027-01-01' }),
    healthySite,
  ]);
  expect(verdict).toBe(
    '1 certificate is valid for more than 30 days; 1 trusted root can never be valid, 1 expires soon, 1 is not valid yet',
  );
  expect(findings.map(({ severity }) => severity)).toEqual(['info']);
});

test('still critical: a chain that needs the expired root, our own copy of it, a server’s own certificate in that folder', () => {
  const root = inTrustStore('add.pem', addTrust);
  const needs = {
    ...live('old.example.com:443', [
      certificate({
        name: 'old.example.com',
        issuer: addTrust.name,
        from: '2026-10-01',
        until: '2027-04-01',
      }),
    ]),
  };
  const [leaf] = needs.chain;
  expect(ask([root, { ...needs, path: [leaf, root.chain[0]] }]).findings.map((one) => one.severity)).toEqual([
    'critical',
  ]);
  const ours = { ...inVault('ca', { ...addTrust, authority: true }), chain: root.chain };
  expect(ask([root, ours]).findings.map((one) => one.severity)).toEqual(['critical']);
  const snakeoil = certificate({ name: 'host', issuer: 'host', from: '2016-01-01', until: '2026-01-01' });
  const own: ports.SeenPlace = {
    kind: 'seen',
    place: 'disk:/etc/ssl/certs/ssl-cert-snakeoil.pem',
    chain: [snakeoil],
    trustStore: true,
  };
  expect(ask([own]).findings.map((one) => one.severity)).toEqual(['critical']);
});

test('an authority that is only trusted or served need not be renewed first', () => {
  const leaf = inVault('leaf', {
    name: 'leaf',
    issuer: addTrust.name,
    from: '2025-12-01',
    until: '2026-12-01',
  });
  const evidence = (seen: readonly ports.SeenPlace[]) =>
    JSON.stringify(ask(seen).findings.find(({ target }) => target.includes('leaf'))?.evidence);
  expect(evidence([leaf, inTrustStore('add.pem', addTrust)])).not.toContain('Renew first');
  const { chain } = inTrustStore('add.pem', addTrust);
  expect(evidence([leaf, live('ca.example.com:443', chain)])).not.toContain('Renew first');
  expect(evidence([leaf, inVault('ca', { ...addTrust, authority: true })])).toContain('Renew first');
});

test('if a valid authority of that name is stored, none must be renewed first', () => {
  const leaf = inVault('leaf', { name: 'leaf', issuer: 'ca', from: '2025-12-01', until: '2026-12-01' });
  const old = inVault('ca/old', { name: 'ca', from: '2016-12-01', until: '2026-12-01', authority: true });
  const modern = inVault('ca/new', { name: 'ca', from: '2026-10-01', until: '2036-10-01', authority: true });
  const evidence = (seen: readonly ports.SeenPlace[]) =>
    JSON.stringify(ask(seen).findings.find(({ target }) => target.includes('leaf'))?.evidence);
  expect(evidence([leaf, old])).toContain('Renew first');
  expect(evidence([leaf, old, modern])).not.toContain('Renew first');
});
