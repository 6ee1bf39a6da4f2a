import { expect, test } from 'vitest';
import type { ports } from '../kit.ts';
import { managedInCredHub, signedCertificate } from './builders.ts';
import { activeVersion, indexManaged, type KnownCertificate } from './managed-chain.ts';

const CA = '/bosh/cf/ca';
const LEAF = '/bosh/cf/leaf';
const [OLD_END, NEW_END, LEAF_END] = ['2026-12-08T06:00:00Z', '2031-05-31T00:00:00Z', '2027-09-01T00:00:00Z'];

const OLD = { id: 'old', until: OLD_END, authority: true, selfSigned: true };
const NEW = { id: 'new', until: NEW_END, authority: true, selfSigned: true };

const oldCa = signedCertificate('ca', OLD_END, { issuer: 'ca', key: 'old key', signedWith: 'old key' });
const newCa = signedCertificate('ca', NEW_END, { issuer: 'ca', key: 'new key', signedWith: 'new key' });
const byOld = signedCertificate('leaf', LEAF_END, { issuer: 'ca', signedWith: 'old key' });
const byNew = signedCertificate('leaf', LEAF_END, { issuer: 'ca', signedWith: 'new key' });

function known(
  certificate: ports.ManagedCertificate,
  contents: readonly ports.VersionContent[] = [],
): KnownCertificate {
  return { ...certificate, store: 'credhub', contents };
}

function content(
  id: string,
  certificate: ports.Certificate,
  trusts: readonly ports.Certificate[] = [],
): ports.VersionContent {
  return { id, chain: [certificate], trusts };
}

function authority(
  versions: Parameters<typeof managedInCredHub>[1],
  contents: readonly ports.VersionContent[] = [],
): KnownCertificate {
  return known(managedInCredHub(CA, versions, { signedBy: CA }), contents);
}

function leaf(
  contents: readonly ports.VersionContent[] = [],
  more: Partial<ports.CertificateVersion> = {},
): KnownCertificate {
  return known(
    managedInCredHub(LEAF, [{ id: 'leaf', until: LEAF_END, ...more }], { signedBy: CA }),
    contents,
  );
}

function chainOf(one: KnownCertificate, ...others: readonly KnownCertificate[]) {
  return indexManaged([one, ...others]).chainOf(one);
}

test('a transitional version is never the active one, however many there are', () => {
  const { versions } = authority([
    { ...NEW, id: 'a', transitional: true },
    { ...NEW, id: 'b', transitional: true },
    OLD,
  ]);
  expect(activeVersion({ versions })?.id).toBe('old');
  expect(activeVersion({ versions: versions.slice(0, 2) })).toBeUndefined();
  expect(activeVersion({ versions: [] })).toBeUndefined();
});

test('without contents, the version that is active is assumed to have signed, and the others are named', () => {
  const ca = authority([{ ...NEW, transitional: true }, OLD]);
  const chain = chainOf(leaf(), ca);
  expect(chain).toMatchObject({
    ends: { name: CA, version: { id: 'old' }, notAfter: new Date(OLD_END) },
    isAssumed: true,
    cause: { name: CA },
  });
  const one = leaf();
  const signer = indexManaged([one, ca]).signerOf(one, one.versions[0]!);
  expect(signer).toMatchObject({ known: 'assumed', alternatives: [{ id: 'new' }] });
});

test('an authority with one version signs without an assumption', () => {
  expect(chainOf(leaf(), authority([OLD]))).toMatchObject({
    links: [{ name: LEAF }, { name: CA, known: 'single' }],
    isAssumed: false,
  });
});

test('a signature shows that a former version signed, although it is no longer active', () => {
  const ca = authority([NEW, OLD], [content('new', newCa), content('old', oldCa)]);
  expect(chainOf(leaf([content('leaf', byOld)]), ca)).toMatchObject({
    ends: { name: CA, version: { id: 'old' }, known: 'signature', notAfter: new Date(OLD_END) },
    isAssumed: false,
    // The authority was renewed already: the leaf must be signed again.
    cause: { name: LEAF },
  });
  expect(chainOf(leaf([content('leaf', byNew)]), ca)).toMatchObject({ ends: { name: LEAF } });
});

test('the `ca` handed out with a certificate identifies the version by its end, if the authority itself cannot be read', () => {
  const ca = authority([NEW, { ...OLD, transitional: true }]);
  // Both are handed out during a rotation. Only the signature shows which one counts.
  const trusts = [oldCa, newCa];
  expect(chainOf(leaf([content('leaf', byNew, trusts)]), ca)).toMatchObject({
    links: [{ name: LEAF }, { version: { id: 'new' }, known: 'signature' }],
    ends: { name: LEAF },
  });
  expect(chainOf(leaf([content('leaf', byOld, trusts)]), ca)).toMatchObject({
    ends: { version: { id: 'old' }, known: 'signature' },
  });
});

test('a version that was deleted still ends what it signed', () => {
  const chain = chainOf(leaf([content('leaf', byOld, [oldCa])]), authority([NEW]));
  expect(chain).toMatchObject({ ends: { name: CA, notAfter: new Date(OLD_END), known: 'signature' } });
  expect(chain?.ends?.version).toBeUndefined();
  expect(chain?.cause.name).toBe(LEAF);
});

test('an authority of another store ends what it signed', () => {
  expect(chainOf(leaf([content('leaf', byOld, [oldCa])]))).toMatchObject({
    ends: { name: 'ca', notAfter: new Date(OLD_END) },
    cause: { name: LEAF },
  });
});

test('a version that is younger than what was signed did not sign it', () => {
  const ca = authority([
    { ...NEW, createdAt: new Date('2026-06-01T00:00:00Z') },
    { ...OLD, createdAt: new Date('2024-12-08T06:00:00Z') },
  ]);
  expect(chainOf(leaf([], { createdAt: new Date('2025-09-01T00:00:00Z') }), ca)).toMatchObject({
    ends: { version: { id: 'old' }, known: 'assumed' },
    cause: { name: LEAF },
  });
});

test('if several versions have the same key, the one that lasts longest counts', () => {
  const renewed = signedCertificate('ca', NEW_END, { issuer: 'ca', key: 'old key', signedWith: 'old key' });
  const ca = authority([NEW, OLD], [content('new', renewed), content('old', oldCa)]);
  expect(chainOf(leaf([content('leaf', byOld, [oldCa])]), ca)).toMatchObject({ ends: { name: LEAF } });
});

test('names are compared without case, and each store has its own', () => {
  const ca = known(managedInCredHub('/Bosh/CF/CA', [OLD], { signedBy: '/bosh/cf/ca' }));
  expect(chainOf(leaf(), ca)).toMatchObject({ cause: { name: '/Bosh/CF/CA' } });
  expect(indexManaged([ca]).authorityOf(ca)).toBeUndefined();
  expect(chainOf(leaf(), { ...ca, store: 'another' })?.links).toHaveLength(1);
});

test('the same certificate twice in a list counts once', () => {
  expect(indexManaged([leaf(), leaf(), authority([OLD])]).all).toHaveLength(2);
});

test('authorities that sign each other end a chain', () => {
  const one = known(managedInCredHub('/a', [{ id: 'a', until: LEAF_END }], { signedBy: '/b' }));
  const other = known(managedInCredHub('/b', [{ id: 'b', until: OLD_END }], { signedBy: '/a' }));
  expect(chainOf(one, other)).toMatchObject({ ends: { name: '/b' }, links: [{}, {}] });
});

test('an end two authorities up is found', () => {
  const root = known(managedInCredHub('/root', [OLD], { signedBy: '/root' }));
  const middle = known(managedInCredHub(CA, [{ id: 'm', until: NEW_END }], { signedBy: '/root' }));
  const index = indexManaged([leaf(), middle, root]);
  expect(index.chainOf(index.find('credhub', LEAF)!)).toMatchObject({ cause: { name: '/root' } });
  expect(index.signedBy(root).map(({ name }) => name)).toEqual([CA]);
});

test('cert-manager: the authority is the certificate that is written where the issuer reads', () => {
  const automation = { dnsNames: [], isAuthority: false };
  const ca = known(
    managedInCredHub('pki/ca', [OLD], {
      automation: { ...automation, writesTo: 'prod:pki/ca', issuer: { name: 'Issuer self' } },
    }),
  );
  const one = known(
    managedInCredHub('shop/shop', [{ id: '1', until: LEAF_END }], {
      automation: {
        ...automation,
        writesTo: 'prod:shop/tls',
        issuer: { name: 'ClusterIssuer ca', storedAt: 'prod:pki/ca' },
      },
    }),
  );
  expect(chainOf(one, ca)).toMatchObject({ cause: { name: 'pki/ca' } });
});

test('a version without a date has no end, and the chain ends with what has one', () => {
  const one = known(managedInCredHub(LEAF, [{ id: 'leaf' }], { signedBy: CA }));
  expect(chainOf(one)?.ends).toBeUndefined();
  expect(chainOf(one, authority([OLD]))).toMatchObject({ ends: { name: CA } });
});
