import type { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Authority, issue, issueSelfSigned, makeAuthority } from '../../test/world/ca.ts';
import { judgePath, trustRoots } from './certificate-path.ts';

const root = await makeAuthority({ name: 'Root' });
const middle = await makeAuthority({ name: 'Middle', issuer: root });
const low = await makeAuthority({ name: 'Low', issuer: middle });
const leaf = await issue(low, { name: 'leaf' });
const stranger = await makeAuthority({ name: 'Stranger' });

const judge = (
  [first, ...others]: [{ readonly x509: X509Certificate }, ...{ readonly x509: X509Certificate }[]],
  trusted: readonly Authority[] = [],
) => judgePath([first.x509, ...others.map(({ x509 }) => x509)], trustRoots(trusted.map(({ x509 }) => x509)));

test('a path up to a served root is complete, in whatever order and company', () => {
  expect(judge([leaf, low, middle, root])).toBe('complete');
  expect(judge([leaf, root, stranger, middle, low])).toBe('complete');
});

test('a path below a configured authority is complete, root or not', () => {
  expect(judge([leaf, low, middle], [root])).toBe('complete');
  expect(judge([leaf, low], [middle])).toBe('complete');
  expect(judge([leaf], [low])).toBe('complete');
  expect(judge([leaf, low, middle], [middle])).toBe('complete');
});

test('a gap in the path is a gap wherever it is', () => {
  expect(judge([leaf])).toBe('incomplete');
  expect(judge([leaf, low, middle])).toBe('incomplete');
  expect(judge([leaf, middle, root])).toBe('incomplete');
  expect(judge([leaf, stranger], [root])).toBe('incomplete');
});

test('an issuer of the right name with another key breaks the path', async () => {
  const impostor = await makeAuthority({ name: 'Low', issuer: middle });

  expect(judge([leaf, impostor, middle, root])).toBe('broken');
  expect(judge([leaf, impostor, low, middle, root])).toBe('complete');
  expect(judge([leaf, impostor], [low])).toBe('complete');
});

test('an authority signed by two others is complete by either', async () => {
  const crossSigned = await makeAuthority({ name: 'Low', issuer: stranger, keys: low.keys });

  expect(judge([leaf, crossSigned, low], [root])).toBe('incomplete');
  expect(judge([leaf, crossSigned, low, middle], [root])).toBe('complete');
  expect(judge([leaf, low, crossSigned], [stranger])).toBe('complete');
});

test('a leaf that signs itself is self-signed, and complete only where it is configured', async () => {
  const own = await issueSelfSigned({ name: 'own' });
  const asAuthority: Authority = { ...own, servedPem: '' };

  expect(judge([own])).toBe('self-signed');
  expect(judge([own, root])).toBe('self-signed');
  expect(judge([own], [asAuthority])).toBe('complete');
});

test('authorities that sign each other in rings come to an end, however many', async () => {
  const [one, two] = [await makeAuthority({ name: 'One' }), await makeAuthority({ name: 'Two' })];
  const copies = (name: string, keys: Authority['keys'], issuer: Authority) =>
    Promise.all(Array.from({ length: 9 }, () => makeAuthority({ name, keys, issuer })));
  const ring = [...(await copies('One', one.keys, two)), ...(await copies('Two', two.keys, one))];
  const below = await issue(two, { name: 'leaf' });

  expect(judge([below, ...ring])).toBe('incomplete');
  expect(judge([below, ...ring, one])).toBe('complete');
});
