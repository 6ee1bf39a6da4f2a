import { expect, test } from 'vitest';
import type { ports } from '../kit.ts';
import { managedInCredHub, signedCertificate } from './builders.ts';
import { indexManaged, type KnownCertificate } from './managed-chain.ts';
import { contentsToRead, openQuestions } from './managed-contents.ts';

const HORIZON = new Date('2026-12-26T12:00:00Z');
const [SOON, LATER, MUCH_LATER] = ['2026-12-08T06:00:00Z', '2027-09-01T00:00:00Z', '2031-05-31T00:00:00Z'];
const NEW = { id: 'new', until: MUCH_LATER, selfSigned: true };
const OLD = { id: 'old', until: SOON, selfSigned: true };

function stored(
  name: string,
  versions: Parameters<typeof managedInCredHub>[1],
  known: Partial<KnownCertificate> = {},
): KnownCertificate {
  return { ...managedInCredHub(name, versions, known), store: 'credhub', ...known };
}

function requested(...all: readonly KnownCertificate[]) {
  return contentsToRead(all, HORIZON).map(({ certificate: { name }, versions }) => [name, ...versions]);
}

function questions(...all: readonly KnownCertificate[]) {
  return openQuestions(indexManaged(all), HORIZON).map(({ certificate: { name }, is, authority }) =>
    [name, is, authority].join(' ').trim(),
  );
}

const ca = (versions: Parameters<typeof managedInCredHub>[1], known: Partial<KnownCertificate> = {}) =>
  stored('/ca', versions, { signedBy: '/ca', ...known });
const leaf = (name: string, known: Partial<KnownCertificate> = {}) =>
  stored(name, [{ id: `v of ${name}`, until: LATER }], { signedBy: '/CA', ...known });

test('20,000 certificates of one valid authority are not read', () => {
  const leaves = Array.from({ length: 20_000 }, (_, at) => leaf(`/leaf ${at}`));
  expect(requested(ca([NEW]), ...leaves)).toEqual([]);
  expect(requested(ca([NEW, { ...NEW, id: 'former' }]), ...leaves)).toEqual([]);
  expect(questions(ca([NEW]), ...leaves)).toEqual([]);
});

test('what is due, and what a former version may have signed, is read: the due ones first', () => {
  const due = stored('/due', [
    { id: 'now', until: SOON },
    { id: 'before', until: SOON },
  ]);
  expect(requested(leaf('/leaf'), ca([NEW, OLD]), due)).toEqual([
    ['/due', 'now'],
    ['/ca', 'new', 'old'],
    ['/leaf', 'v of /leaf'],
  ]);
});

test('a version that outlives what it may have signed decides nothing', () => {
  const first = stored('/first', [{ id: 'first', until: '2026-12-01T00:00:00Z' }], { signedBy: '/ca' });
  expect(requested(ca([NEW, OLD]), first)).toEqual([['/first', 'first']]);
});

test('a date that is missing may be any date', () => {
  expect(requested(stored('/undated', [{ id: 'a' }]))).toEqual([['/undated', 'a']]);
  expect(requested(ca([NEW, { id: 'undated' }]), leaf('/leaf'))).toHaveLength(2);
});

test('a former version that ends soon leaves a question open until contents are read', () => {
  const authority = ca([NEW, OLD]);
  expect(questions(authority, leaf('/leaf'))).toEqual(['/leaf version /ca']);
  const newKey = signedCertificate('ca', MUCH_LATER, { issuer: 'ca', key: 'new', signedWith: 'new' });
  const content: ports.VersionContent = {
    id: 'v of /leaf',
    chain: [signedCertificate('leaf', LATER, { issuer: 'ca', signedWith: 'new' })],
    trusts: [newKey],
  };
  expect(questions(authority, leaf('/leaf', { contents: [content] }))).toEqual([]);
  // It was signed, but by none that is known.
  expect(questions(authority, leaf('/leaf', { contents: [{ ...content, trusts: [] }] }))).toEqual([
    '/leaf version /ca',
  ]);
});

test('if the assumed version ends first, nothing worse can be hidden', () => {
  expect(questions(ca([{ ...NEW, transitional: true }, OLD]), leaf('/leaf'))).toEqual([]);
});

test('an authority that the store does not list may end at any time', () => {
  expect(questions(leaf('/leaf'))).toEqual(['/leaf authority /CA']);
  expect(requested(leaf('/leaf'))).toEqual([['/leaf', 'v of /leaf']]);
  const external = stored('/external', [{ id: 'a', until: LATER }], { signedBy: '' });
  expect(questions(external)).toEqual([]);
});

test('without an active version, it is not known what is in use', () => {
  expect(questions(ca([{ ...NEW, transitional: true }]))).toEqual(['/ca active']);
  expect(questions(stored('shop/shop', []))).toEqual([]);
});
