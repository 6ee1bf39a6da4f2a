import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { certificate, factsOf, inTrustStore, inVault, live } from './builders.ts';
import { certificatePath } from '../../shared/certificate-occurrences.ts';
import { groupPlaces } from './collect.ts';

const NOW = new Date('2026-02-20');
const leaf = certificate({ name: 'leaf', from: '2026-01-01', until: '2027-01-01', issuer: 'Issuing' });
const issuing = (issuer: string, from: string, until: string) =>
  certificate({ name: 'Issuing', issuer, from, until, authority: true });
const root = (name: string, from: string, until: string) =>
  certificate({ name, issuer: name, from, until, authority: true });

function namesOf(path: readonly ports.Certificate[]): readonly string[] {
  return path.map(({ name, issuer }) => `${name} by ${issuer.replace('CN=', '')}`);
}

function rolesOf(seen: readonly ports.SeenPlace[]): Record<string, string> {
  const { certificates } = factsOf(seen, NOW);
  return Object.fromEntries(
    certificates.map(({ certificate, places }) => [
      `${certificate.name} by ${certificate.issuer.replace('CN=', '')}`,
      places[0].as,
    ]),
  );
}

test('of several issuers of one name, the one that expires last is on the path', () => {
  const chain = [leaf, issuing('A', '2020-01-01', '2027-01-01'), issuing('B', '2020-01-01', '2030-01-01')];
  expect(namesOf(certificatePath({ chain: chain as never }, NOW))).toEqual([
    'leaf by Issuing',
    'Issuing by B',
  ]);
});

test('a path that is valid now is preferred to one that expires later but is not valid', () => {
  const valid = issuing('A', '2020-01-01', '2027-01-01');
  const future = issuing('B', '2026-06-01', '2036-01-01');
  expect(namesOf(certificatePath({ chain: [leaf, future, valid] }, NOW))).toEqual([
    'leaf by Issuing',
    'Issuing by A',
  ]);
});

test('an issuer that leads to an expired root is passed over for one that leads to a valid root', () => {
  const chain = [
    leaf,
    issuing('Old Root', '2020-01-01', '2036-01-01'),
    root('Old Root', '2000-01-01', '2020-01-01'),
    issuing('New Root', '2020-01-01', '2030-01-01'),
    root('New Root', '2019-01-01', '2039-01-01'),
  ] as const;
  expect(namesOf(certificatePath({ chain }, NOW))).toEqual([
    'leaf by Issuing',
    'Issuing by New Root',
    'New Root by New Root',
  ]);
});

test('if no path is valid, the expired certificate is on the path and not extra', () => {
  const chain = [leaf, issuing('Root', '2010-01-01', '2020-01-01'), root('Root', '2000-01-01', '2040-01-01')];
  expect(namesOf(certificatePath({ chain: chain as never }, NOW))).toEqual([
    'leaf by Issuing',
    'Issuing by Root',
    'Root by Root',
  ]);
});

test('a hundred authorities that sign each other do not loop', () => {
  const names = Array.from({ length: 100 }, (_, at) => `CA ${at}`);
  const ring = names.map((name, at) =>
    certificate({ name, issuer: names[(at + 1) % 100] ?? '', from: '2020-01-01', until: '2030-01-01' }),
  );
  const start = certificate({ name: 'leaf', issuer: 'CA 0', from: '2026-01-01', until: '2027-01-01' });
  expect(certificatePath({ chain: [start, ...ring] }, NOW).length).toBeGreaterThan(1);
});

test('the path that a source reports is used, whatever the names say', () => {
  const old = issuing('Root', '2010-01-01', '2020-01-01');
  const modern = issuing('Root', '2019-01-01', '2030-01-01');
  const trusted = root('Root', '2000-01-01', '2040-01-01');
  const seen = { ...live('a.example.com:443', [leaf, modern, old]), path: [leaf, old, trusted] as const };
  const { certificates } = factsOf([seen], NOW);
  expect(certificates.map(({ certificate, places }) => [certificate.fingerprint, places[0].as])).toEqual([
    [leaf.fingerprint, 'own'],
    [old.fingerprint, 'issuer'],
    [trusted.fingerprint, 'issuer'],
    [modern.fingerprint, 'extra'],
  ]);
});

test('a root in a trust store is trusted there, and has its other role at places that need it', () => {
  const known = { name: 'Root', from: '2000-01-01', until: '2040-01-01' };
  const store = inTrustStore('Root.pem', known);
  expect(rolesOf([store])).toEqual({ 'Root by Root': 'trusted' });
  const served = live('a.example.com:443', [
    certificate({ name: 'a', issuer: 'Root', from: '2026-01-01', until: '2027-01-01' }),
    store.chain[0],
  ]);
  expect(rolesOf([store, served])).toMatchObject({ 'Root by Root': 'issuer' });
});

test('a server’s own certificate in the folder of a trust store is not a trusted root', () => {
  const snakeoil = certificate({ name: 'host', issuer: 'host', from: '2016-01-01', until: '2026-01-01' });
  const v1Root = { ...snakeoil, name: 'GTE', alternativeNames: [], fingerprint: 'ab' };
  const at = (one: ports.Certificate): ports.SeenPlace => ({
    kind: 'seen',
    place: `disk:/etc/ssl/certs/${one.name}.pem`,
    chain: [one],
    trustStore: true,
  });
  expect(Object.values(rolesOf([at(snakeoil)]))).toEqual(['own']);
  expect(Object.values(rolesOf([at(v1Root)]))).toEqual(['trusted']);
});

test('the first place that stores a certificate as its own is known, whatever sites serve it', () => {
  const ca = { name: 'ca', from: '2020-01-01', until: '2030-01-01', authority: true } as const;
  const kept = inVault('b/ca', { ...ca, serial: '1' });
  const [same] = kept.chain;
  const { certificates } = factsOf(
    [kept, { ...kept, place: 'vault:secret/a/ca:certificate' }, live('ca.example.com:443', [same])],
    NOW,
  );
  expect(certificates[0]?.storedAt).toBe('vault:secret/a/ca:certificate');
  expect(factsOf([live('ca.example.com:443', [same])], NOW).certificates[0]).not.toHaveProperty('storedAt');
  expect(factsOf([inTrustStore('ca.pem', ca)], NOW).certificates[0]).not.toHaveProperty('storedAt');
});

test('places without a certificate count as examined, and trust stores do not', () => {
  const grouper = groupPlaces(NOW);
  grouper.addEmpty();
  grouper.add(inTrustStore('ca.pem', { name: 'ca', from: '2020-01-01', until: '2030-01-01' }));
  grouper.add(live('a.example.com:443', [leaf]));
  expect(grouper.close().placeCount).toBe(2);
});
