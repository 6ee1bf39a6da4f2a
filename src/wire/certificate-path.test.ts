import type { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Authority, issue, issueSelfSigned, makeAuthority } from '../../test/world/ca.ts';
import { judgePath, trustRoots } from './certificate-path.ts';

const root = await makeAuthority({ name: 'Root' });
const middle = await makeAuthority({ name: 'Middle', issuer: root });
const low = await makeAuthority({ name: 'Low', issuer: middle });
const leaf = await issue(low, { name: 'leaf' });
const stranger = await makeAuthority({ name: 'Stranger' });

type Held = { readonly x509: X509Certificate };

const now = new Date();
const day = (days: number) => new Date(now.getTime() + days * 86_400_000);
const expired = { notBefore: day(-1500), notAfter: day(-5) };

const judged = (
  [first, ...others]: [Held, ...Held[]],
  trusted: readonly Held[] = [],
  publicRoots: readonly Held[] = [],
) => {
  const roots = trustRoots(
    trusted.map(({ x509 }) => x509),
    publicRoots.map(({ x509 }) => x509),
  );
  return judgePath([first.x509, ...others.map(({ x509 }) => x509)], roots, now);
};
const judge = (...args: Parameters<typeof judged>) => judged(...args).state;
/** By name, or by the certificates themselves if several have the same name. */
const names = ({ path }: ReturnType<typeof judged>) => path.map(({ subject }) => subject.replace('CN=', ''));
const isOn = ({ path }: ReturnType<typeof judged>, { x509 }: Held) =>
  path.some(({ fingerprint256 }) => fingerprint256 === x509.fingerprint256);

test('a path up to a served root is complete in any order and with unrelated certificates', () => {
  expect(judge([leaf, low, middle, root])).toBe('complete');
  expect(judge([leaf, root, stranger, middle, low])).toBe('complete');
});

test('a path below a configured authority is complete, root or not', () => {
  expect(judge([leaf, low, middle], [root])).toBe('complete');
  expect(judge([leaf, low], [middle])).toBe('complete');
  expect(judge([leaf], [low])).toBe('complete');
  expect(judge([leaf, low, middle], [middle])).toBe('complete');
});

test('a missing issuer makes a path incomplete at any position', () => {
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

test('a leaf that signs itself is self-signed, and complete only if it is configured', async () => {
  const own = await issueSelfSigned({ name: 'own' });
  const asAuthority: Authority = { ...own, servedPem: '' };

  expect(judge([own])).toBe('self-signed');
  expect(judge([own, root])).toBe('self-signed');
  expect(judge([own], [asAuthority])).toBe('complete');
});

test('terminates for any number of authorities that sign each other in rings', async () => {
  const [one, two] = [await makeAuthority({ name: 'One' }), await makeAuthority({ name: 'Two' })];
  const copies = (name: string, keys: Authority['keys'], issuer: Authority) =>
    Promise.all(Array.from({ length: 9 }, () => makeAuthority({ name, keys, issuer })));
  const ring = [...(await copies('One', one.keys, two)), ...(await copies('Two', two.keys, one))];
  const below = await issue(two, { name: 'leaf' });

  expect(judge([below, ...ring])).toBe('incomplete');
  expect(judge([below, ...ring, one])).toBe('complete');
});

test('the path ends at the root that was served or configured, not at a public one', () => {
  expect(names(judged([leaf, stranger, root, middle, low]))).toEqual(['leaf', 'Low', 'Middle', 'Root']);
  expect(names(judged([leaf, middle, low], [root]))).toEqual(['leaf', 'Low', 'Middle', 'Root']);
  expect(names(judged([leaf, middle, low], [], [root]))).toEqual(['leaf', 'Low', 'Middle']);
  expect(names(judged([leaf, middle, low, root], [], [root]))).toEqual(['leaf', 'Low', 'Middle', 'Root']);
});

test('the path ends at an intermediate that is configured', () => {
  expect(names(judged([leaf, low, middle, root], [middle]))).toEqual(['leaf', 'Low', 'Middle']);
  expect(names(judged([leaf], [low]))).toEqual(['leaf', 'Low']);
  expect(names(judged([leaf, low, middle, root], [leaf]))).toEqual(['leaf']);
});

test('an incomplete path has the certificates that exist, including expired ones', async () => {
  const old = await makeAuthority({ name: 'Low', issuer: middle, keys: low.keys, ...expired });

  expect(names(judged([leaf, low, middle]))).toEqual(['leaf', 'Low', 'Middle']);
  expect(names(judged([leaf, middle]))).toEqual(['leaf']);
  expect(isOn(judged([leaf, old]), old)).toBe(true);
  expect(isOn(judged([leaf, old, low]), old)).toBe(false);
  expect(isOn(judged([leaf, low, old]), old)).toBe(false);
});

test('compares names as OpenSSL does, ignoring case and spacing', async () => {
  const shouted = await makeAuthority({ name: 'MIDDLE', issuer: root, keys: middle.keys });
  const spaced = await makeAuthority({ name: 'Wide  Root' });
  const below = await issue(await makeAuthority({ name: 'wide root', keys: spaced.keys, issuer: root }), {
    name: 'leaf',
  });

  expect(judge([leaf, low, shouted], [root])).toBe('complete');
  expect(judge([below], [spaced])).toBe('complete');
});

test('a leaf without a subject has a path like any other', async () => {
  const nameless = await issue(low, { name: 'nameless.test', subject: [] });
  const alone = await issueSelfSigned({ name: 'nameless.test', subject: [] });

  expect(judge([nameless, low, middle, root])).toBe('complete');
  expect(judge([nameless, low])).toBe('incomplete');
  expect(judge([alone])).toBe('self-signed');
});

test('a valid root that is not trusted does not replace a trusted one that has expired', async () => {
  const old = await makeAuthority({ name: 'Own Root', ...expired });
  const reissued = await makeAuthority({ name: 'Own Root', keys: old.keys });
  const site = await issue(old, { name: 'site' });

  expect(isOn(judged([site, reissued], [old]), old)).toBe(true);
  expect(judged([site, reissued], [old])).toMatchObject({ isUsable: false });
  expect(judged([site, reissued], [old, reissued])).toMatchObject({ isUsable: true });
  expect(judged([site, reissued])).toMatchObject({ isUsable: true });
});

test('a certificate that may not issue is on no path unless it is configured', async () => {
  const other = await issue(middle, { name: 'Not An Authority' });
  const below = await issue({ ...other, servedPem: '' }, { name: 'below' });

  expect(judge([below, other, middle, root], [root])).toBe('broken');
  expect(judge([below, other], [other])).toBe('complete');
});

test('a missing issuer with the name of the leaf is incomplete, not broken', async () => {
  const authority = await makeAuthority({ name: 'localhost' });
  const site = await issue(authority, { name: 'localhost' });

  expect(judge([site])).toBe('incomplete');
  expect(judge([site], [authority])).toBe('complete');
});

test('an impostor is not on the path', async () => {
  const impostor = await makeAuthority({ name: 'Low', issuer: middle });

  expect(names(judged([leaf, impostor, middle, root]))).toEqual(['leaf']);
  expect(isOn(judged([leaf, impostor, low, middle, root]), impostor)).toBe(false);
});

/** As when AddTrust External CA Root expired on 30 May 2020. */
describe('an authority that was cross-signed by one that has expired', async () => {
  const addT = await makeAuthority({ name: 'AddT', ...expired });
  const userT = await makeAuthority({ name: 'UserT' });
  const crossed = await makeAuthority({ name: 'UserT', issuer: addT, keys: userT.keys, ...expired });
  const issuing = await makeAuthority({ name: 'Issuing', issuer: userT });
  const site = await issue(issuing, { name: 'site' });

  test.each<[string, [Held, ...Held[]], Held[], Held[], string[]]>([
    ['is configured', [site, issuing, crossed, addT], [userT], [], ['site', 'Issuing', 'UserT']],
    [
      'is configured next to the expired one',
      [site, issuing, crossed, addT],
      [addT, userT],
      [],
      ['site', 'Issuing', 'UserT'],
    ],
    ['is public', [site, issuing, crossed, addT], [], [userT], ['site', 'Issuing']],
    ['is served', [site, issuing, crossed, addT, userT], [], [], ['site', 'Issuing', 'UserT']],
  ])('does not matter if its own root %s', (_where, chain, trusted, publicRoots, path) => {
    const found = judged(chain, trusted, publicRoots);

    expect(found).toMatchObject({ state: 'complete', isUsable: true });
    expect(names(found)).toEqual(path);
    expect([isOn(found, crossed), isOn(found, addT)]).toEqual([false, false]);
  });

  test.each<[string, Held[], Held[], string[]]>([
    ['nothing else is known', [], [], ['site', 'Issuing', 'UserT', 'AddT']],
    ['only the expired one is configured', [addT], [], ['site', 'Issuing', 'UserT', 'AddT']],
    ['only the expired one is public', [], [addT], ['site', 'Issuing', 'UserT', 'AddT']],
  ])('is on the path if %s', (_where, trusted, publicRoots, path) => {
    const found = judged([site, issuing, crossed, addT], trusted, publicRoots);

    expect(found).toMatchObject({ state: 'complete', isUsable: false });
    expect(names(found)).toEqual(path);
    expect(isOn(found, crossed)).toBe(true);
  });

  test('is chosen while it is the only valid one', async () => {
    const youngT = await makeAuthority({
      name: 'UserT',
      keys: userT.keys,
      notBefore: day(3),
      notAfter: day(3000),
    });
    const oldT = await makeAuthority({ name: 'OldT' });
    const crossedByOld = await makeAuthority({ name: 'UserT', issuer: oldT, keys: userT.keys });

    const found = judged([site, issuing, crossedByOld, oldT], [youngT, oldT]);

    expect(found).toMatchObject({ state: 'complete', isUsable: true });
    expect(names(found)).toEqual(['site', 'Issuing', 'UserT', 'OldT']);
  });
});

test('chooses the valid path that expires last, in any order', async () => {
  const [near, far] = [day(20), day(2000)];
  const other = await makeAuthority({ name: 'Other' });
  const short = await makeAuthority({ name: 'Low', issuer: other, keys: low.keys, notAfter: near });
  const long = await makeAuthority({ name: 'Low', issuer: middle, keys: low.keys, notAfter: far });
  const twin = await makeAuthority({ name: 'Low', issuer: middle, keys: low.keys, notAfter: far });

  expect(isOn(judged([leaf, short, other, long, middle, root]), short)).toBe(false);
  expect(judged([leaf, long, twin, middle, root]).path).toEqual(
    judged([leaf, middle, twin, root, long]).path,
  );
});

test('prefers a trusted authority to a self-signed one that expires later', async () => {
  const trusted = await makeAuthority({ name: 'Trusted', notAfter: day(9) });
  const crossed = await makeAuthority({ name: 'Low', issuer: trusted, keys: low.keys, notAfter: day(9) });

  const found = judged([leaf, low, middle, root, crossed], [trusted]);

  expect(found).toMatchObject({ state: 'complete', isUsable: true });
  expect(isOn(found, trusted)).toBe(true);
});

test('without a valid path, chooses the complete one that expired last', async () => {
  const [sooner, later] = [day(-40), day(-2)];
  const notBefore = day(-1500);
  const first = await makeAuthority({
    name: 'Low',
    issuer: middle,
    keys: low.keys,
    notBefore,
    notAfter: sooner,
  });
  const last = await makeAuthority({
    name: 'Low',
    issuer: middle,
    keys: low.keys,
    notBefore,
    notAfter: later,
  });

  const found = judged([leaf, first, last, middle, root]);

  expect(found).toMatchObject({ state: 'complete', isUsable: false });
  expect([isOn(found, first), isOn(found, last)]).toEqual([false, true]);
});

test('an expired root is on the path if it is the only one, whatever its origin', async () => {
  const oldRoot = await makeAuthority({ name: 'Old Root', ...expired });
  const below = await makeAuthority({ name: 'Below', issuer: oldRoot });
  const site = await issue(below, { name: 'site' });
  const renewed = await makeAuthority({ name: 'Old Root', keys: oldRoot.keys });

  for (const found of [
    judged([site, below], [oldRoot]),
    judged([site, below, oldRoot]),
    judged([site, below], [], [oldRoot]),
  ]) {
    expect(found).toMatchObject({ state: 'complete', isUsable: false });
    expect(isOn(found, oldRoot)).toBe(true);
  }
  const found = judged([site, below, oldRoot], [oldRoot, renewed]);
  expect(found).toMatchObject({ state: 'complete', isUsable: true });
  expect([isOn(found, oldRoot), isOn(found, renewed)]).toEqual([false, true]);
});

test('an expired leaf does not change which path is chosen', async () => {
  const old = await issue(low, { name: 'old', ...expired });
  const crossed = await makeAuthority({ name: 'Low', issuer: stranger, keys: low.keys, ...expired });

  const found = judged([old, crossed, stranger, low, middle, root]);

  expect(found).toMatchObject({ state: 'complete', isUsable: true });
  expect(names(found)).toEqual(['old', 'Low', 'Middle', 'Root']);
});

test('follows a long chain to its end', async () => {
  const steps = [await makeAuthority({ name: 'deep 0' })];
  for (let depth = 1; depth < 60; depth += 1)
    steps.push(await makeAuthority({ name: `deep ${depth}`, issuer: steps.at(-1)! }));
  const below = await issue(steps.at(-1)!, { name: 'leaf' });

  const found = judged([below, ...steps.toReversed()]);

  expect(found).toMatchObject({ state: 'complete', isUsable: true });
  expect(found.path).toHaveLength(61);
});

test('gives up on hundreds of certificates with one name and different keys, which are not valid', async () => {
  const same = await Promise.all(Array.from({ length: 40 }, () => makeAuthority({ name: 'Same' })));
  const rings = await Promise.all(
    same.map((issuer, index) => makeAuthority({ name: 'Same', issuer, keys: same[(index + 1) % 40]!.keys })),
  );
  const below = await issue(rings[0]!, { name: 'leaf' });

  expect(judged([below, ...rings])).toMatchObject({ isUsable: false, path: expect.any(Array) });
});
