import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Credhub, type CredhubOptions, startCredhub } from '../../../test/world/credhub.ts';
import { connectCredhub, type Inventory, listManaged } from '../../../test/world/credhub/connect.ts';
import type { CertificateStore } from '../../ports/certificates.ts';
import type { SourceError } from '../../ports/source-error.ts';

const DAY_MS = 86_400_000;
const { signal } = new AbortController();

let credhub: Credhub;
beforeEach(async () => {
  credhub = await startCredhub();
});
afterEach(() => credhub.close());

async function list(more: object = {}): Promise<Inventory> {
  const { source, close } = await connectCredhub(credhub, more);
  try {
    return await listManaged(source);
  } finally {
    await close();
  }
}

async function open(more: object = {}): Promise<CertificateStore> {
  const { source, close } = await connectCredhub(credhub, more);
  onTestFinished(close);
  return source.reads.certificates!;
}

/** Replaces the list of certificates. */
function listsInstead(certificates: unknown): void {
  credhub.fail({ path: '/api/v1/certificates', change: () => ({ certificates }) });
}

const version = (id: string, more: object = {}) => ({
  id,
  expiry_date: '2031-11-20T10:00:00Z',
  transitional: false,
  certificate_authority: true,
  self_signed: true,
  generated: true,
  ...more,
});

const entry = (name: string, versions: readonly unknown[], more: object = {}) => ({
  id: `id-of-${name}`,
  name,
  signed_by: '',
  signs: [],
  versions,
  ...more,
});

test('lists every certificate with its versions, newest first, and reads no private key', async () => {
  await credhub.generate('/bosh/cf/uaa_ca', { isAuthority: true, days: 1825 });
  await credhub.generate('/bosh/cf/uaa_ssl', { ca: '/bosh/cf/uaa_ca' });
  await credhub.state.regenerate(credhub.state.find('/bosh/cf/uaa_ca')!, { transitional: true });

  const { managed, gaps } = await list();

  expect(gaps).toEqual([]);
  expect(managed).toMatchObject([
    {
      kind: 'managed',
      place: 'credhub:/bosh/cf/uaa_ca',
      name: '/bosh/cf/uaa_ca',
      signedBy: '/bosh/cf/uaa_ca',
      renewedBy: 'store',
      versions: [
        { transitional: true, authority: true, selfSigned: true, generated: true },
        { transitional: false, authority: true },
      ],
    },
    {
      place: 'credhub:/bosh/cf/uaa_ssl',
      signedBy: '/bosh/cf/uaa_ca',
      renewedBy: 'store',
      versions: [{ transitional: false, authority: false, selfSigned: false }],
    },
  ]);
  expect(managed[0]).not.toHaveProperty('renewable');
  expect(credhub.requests.map(({ path }) => path)).toEqual(['/info', '/api/v1/certificates']);
});

test('a scan reads nothing', async () => {
  await credhub.generate('/bosh/cf/uaa_ca', { isAuthority: true });
  const store = await open();
  const results: unknown[] = [];
  for await (const result of store.scan({ signal })) results.push(result);

  expect(results).toEqual([]);
  expect(credhub.requests).toEqual([]);
});

test('an old server says less about versions', async () => {
  await credhub.close();
  credhub = await startCredhub({ age: 'old' } satisfies CredhubOptions);
  await credhub.generate('/bosh/cf/uaa_ca', { isAuthority: true });

  const { managed } = await list();

  expect(managed[0]?.versions).toHaveLength(1);
  expect(managed[0]?.versions[0]).toEqual({
    id: expect.any(String) as string,
    notAfter: expect.any(Date) as Date,
    transitional: false,
  });
});

test('an empty expiry date is unknown, and so is one that is no date', async () => {
  listsInstead([
    entry('/a', [version('1', { expiry_date: '' })]),
    entry('/b', [version('1', { expiry_date: 'soon' })]),
    entry('/c', [version('1', { expiry_date: null })]),
  ]);

  const { managed, gaps } = await list();

  expect(gaps).toEqual([]);
  expect(managed.map(({ versions }) => versions[0]?.notAfter)).toEqual([undefined, undefined, undefined]);
});

test('names are the same in any case', async () => {
  listsInstead([
    entry('/Bosh/CF/Leaf', [version('1', { self_signed: false })], { signed_by: '/BOSH/cf/root_CA' }),
    entry('/bosh/cf/Root_CA', [version('2')], { signed_by: '/bosh/cf/root_ca' }),
  ]);

  const { managed, gaps } = await list({ paths: ['/BOSH/cf'] });

  expect(gaps).toEqual([]);
  expect(managed.map(({ name, signedBy }) => [name, signedBy])).toEqual([
    ['/Bosh/CF/Leaf', '/bosh/cf/Root_CA'],
    ['/bosh/cf/Root_CA', '/bosh/cf/Root_CA'],
  ]);
});

test('a version that is listed twice is one', async () => {
  listsInstead([
    entry('/ca', [version('2', { transitional: true }), version('2', { transitional: true }), version('1')]),
  ]);

  const { managed } = await list();

  expect(managed[0]?.versions.map(({ id, transitional }) => [id, transitional])).toEqual([
    ['2', true],
    ['1', false],
  ]);
});

test('a certificate that is listed twice is one, unless its versions differ', async () => {
  listsInstead([
    entry('/a', [version('1')]),
    entry('/A', [version('1')]),
    entry('/b', [version('2')]),
    entry('/b', [version('3'), version('2')]),
  ]);

  const { managed, gaps } = await list();

  expect(managed.map(({ name }) => name)).toEqual(['/a', '/b']);
  expect(gaps).toEqual(['credhub:/b: malformed: CredHub lists it twice, with different versions']);
});

test('an entry of an unknown format is a gap, and the others are still listed', async () => {
  listsInstead([
    entry('/a', [version('1')]),
    entry('/no-id', [{ expiry_date: '2031-11-20T10:00:00Z' }]),
    entry('/odd-flag', [version('1', { transitional: 'maybe' })]),
    { name: '/no-versions' },
    'text',
    entry('/z', [version('2')]),
  ]);

  const { managed, gaps } = await list();

  expect(managed.map(({ name }) => name)).toEqual(['/a', '/z']);
  expect(gaps).toEqual([
    'credhub:/no-id: malformed: CredHub lists it in an unknown format',
    'credhub:/odd-flag: malformed: CredHub lists it in an unknown format',
    'credhub:/no-versions: malformed: CredHub lists it in an unknown format',
    'credhub:/: malformed: CredHub lists 1 entry without a name',
  ]);
});

test.each([
  ['generated', { generated: true, self_signed: false }, { signed_by: '/ca' }, 'store'],
  [
    'set, with an authority that CredHub has',
    { generated: false, self_signed: false },
    { signed_by: '/ca' },
    'store',
  ],
  ['set, and self-signed', { generated: false }, {}, 'store'],
  ['set, without an authority', { generated: false, self_signed: false }, {}, 'person'],
  ['of an old server, without an authority', { generated: null, self_signed: false }, {}, 'person'],
])('a certificate that was %s is renewed by: %s %s %s', async (_, of, more, renewedBy) => {
  listsInstead([entry('/ca', [version('0')]), entry('/x', [version('1', of)], more)]);

  const { managed } = await list({ allow: { renew: {} } });

  expect(managed[1]).toMatchObject({ name: '/x', renewedBy });
  expect(managed[1]?.renewable).toBe(renewedBy === 'store' ? true : undefined);
});

test('`allow.renew.paths` limits what can be renewed', async () => {
  listsInstead([entry('/bosh/a', [version('1')]), entry('/bosh-2/b', [version('2')])]);

  const { managed } = await list({ allow: { renew: { paths: ['/bosh'] } } });

  expect(managed.map(({ name, renewable }) => [name, renewable])).toEqual([
    ['/bosh-2/b', undefined],
    ['/bosh/a', true],
  ]);
});

test('only certificates below the paths are listed, and an empty path is a gap', async () => {
  await credhub.generate('/bosh/cf/ca', { isAuthority: true });
  await credhub.generate('/bosh/cf-2/ca', { isAuthority: true });

  const { managed, gaps } = await list({ paths: ['/bosh/cf', '/bosh/mysql'] });

  expect(managed.map(({ name }) => name)).toEqual(['/bosh/cf/ca']);
  expect(gaps).toEqual([
    'credhub:/bosh/mysql: missing: CredHub lists no certificate below /bosh/mysql: there is none, or the credential has no permission `read` for it',
  ]);
});

test('a missing permission looks as if nothing were there, and is a gap', async () => {
  await credhub.generate('/bosh/cf/ca', { isAuthority: true });
  credhub.forbid(`uaa-client:${credhub.reader.id}`);

  const { managed, gaps } = await list();

  expect(managed).toEqual([]);
  expect(gaps).toEqual([
    'credhub:/: missing: CredHub lists no certificates: there are none, or the credential has no permission `read` for them',
  ]);
});

test('an authority that the credential may not read is a gap', async () => {
  await credhub.generate('/bosh/ca', { isAuthority: true });
  await credhub.generate('/bosh/cf/leaf', { ca: '/bosh/ca' });
  credhub.forbid(`uaa-client:${credhub.reader.id}`);
  credhub.grant(`uaa-client:${credhub.reader.id}`, '/bosh/cf/*', ['read']);

  const { managed, gaps } = await list();

  expect(managed).toMatchObject([{ name: '/bosh/cf/leaf', signedBy: '/bosh/ca' }]);
  expect(gaps).toEqual([
    'credhub:/bosh/ca: missing: it signs other certificates, but CredHub does not list it: it was deleted, or the credential has no permission `read` for it',
  ]);
});

test.each([
  ['a web page', { status: 200, body: '<html>' }, 'malformed'],
  ['half a response', { half: true }, 'unreachable'],
  ['an error', { status: 500, body: '{"error":"boom"}' }, 'unreachable'],
  ['another object', { status: 200, body: '{"credentials":[]}' }, 'malformed'],
  ['a list that is cut off', { status: 200, body: '{"certificates":[{"name":"/a"}' }, 'malformed'],
  ['a list that is not JSON', { status: 200, body: '{"certificates":[{"name":/a}]}' }, 'malformed'],
] as const)('%s instead of a list ends it', async (_, fault, kind) => {
  credhub.fail({ path: '/api/v1/certificates', ...fault });

  await expect(list()).rejects.toMatchObject({ name: 'SourceError', kind });
});

test('20,000 certificates are listed, and other work is not delayed for long', async () => {
  const count = 20_000;
  const versions = Array.from({ length: 5 }, (_, at) => version(`version-${at}`));
  listsInstead(Array.from({ length: count }, (_, at) => entry(`/bosh/d${at}/c`, versions)));
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  onTestFinished(() => clearImmediate(next));

  const { managed } = await list();

  expect(managed).toHaveLength(count);
  expect(managed.every((one) => one.versions.length === 5)).toBe(true);
  expect(turns).toBeGreaterThan(count / 1_000);
});

test('a long list that is not JSON somewhere is an error', async () => {
  const long = JSON.stringify(entry('/bosh/x', [version('x'.repeat(1_000))]));
  const body = `{"certificates":[${`${long},`.repeat(15_000)}{"name":/a}]}`;
  credhub.fail({ path: '/api/v1/certificates', status: 200, body });

  await expect(list()).rejects.toMatchObject({ kind: 'malformed' });
});

test('a list with endless short entries is an error before it fills the memory', async () => {
  const body = `{"certificates":[${'{},'.repeat(6_000_000)}{}]}`;
  credhub.fail({ path: '/api/v1/certificates', status: 200, body });

  await expect(list()).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('more than 200000 certificates') as string,
  });
});

test('a certificate with a hundred thousand versions, each listed twice, does not take forever', async () => {
  const versions = Array.from({ length: 100_000 }, (_, at) => version(`v${at}`));
  listsInstead([entry('/ca', [...versions, ...versions])]);

  expect((await list()).managed[0]?.versions).toHaveLength(100_000);
});

test.each(['.', '..', '%2e%2E'])(
  'an id %s, which would change the path of requests, is not used',
  async (id) => {
    listsInstead([entry('/ca', [version(id)]), entry('/leaf', [version('1')], { id })]);

    const { managed, gaps } = await list();

    expect(managed).toMatchObject([{ name: '/leaf' }]);
    expect(managed[0]).not.toHaveProperty('id');
    expect(gaps).toEqual(['credhub:/ca: malformed: CredHub lists it in an unknown format']);
  },
);

test('contents are read by version, without their private key', async () => {
  await credhub.generate('/bosh/ca', { isAuthority: true, days: 30 });
  const old = credhub.state.find('/bosh/ca')!.versions[0]!;
  const { version: next } = await credhub.state.regenerate(credhub.state.find('/bosh/ca')!);
  const store = await open();

  const contents = await store.contents!('credhub:/bosh/ca', { versions: [old.id, 'gone', next.id], signal });

  expect(contents.map(({ id }) => id)).toEqual([old.id, next.id]);
  expect(contents[0]).toEqual({
    id: old.id,
    createdAt: expect.any(Date) as Date,
    chain: [expect.objectContaining({ name: 'ca', authority: true, selfSigned: true })],
    trusts: [expect.objectContaining({ fingerprint: contents[0]?.chain[0].fingerprint })],
  });
  expect(JSON.stringify(contents)).not.toContain('PRIVATE KEY');
});

test('two authorities in `ca` are both trusted, whatever is between them', async () => {
  await credhub.close();
  credhub = await startCredhub({ concatenates: true });
  await credhub.generate('/ca', { isAuthority: true });
  await credhub.generate('/leaf', { ca: '/ca' });
  await credhub.state.regenerate(credhub.state.find('/ca')!, { transitional: true });
  const [leaf] = credhub.state.find('/leaf')!.versions;
  const [fresh, used] = credhub.state.find('/ca')!.versions;
  credhub.fail({
    path: `/api/v1/data/${leaf!.id}`,
    change: (body) => {
      const { value } = body as { value: { ca: string } };
      const junk = value.ca.replace(
        '-----END CERTIFICATE-----\n',
        '-----END CERTIFICATE-----\r\n\n# next:\n',
      );
      return { ...body, value: { ...value, ca: `  ${junk}${value.ca}` } };
    },
  });
  const store = await open();

  const [content] = await store.contents!('credhub:/leaf', { versions: [leaf!.id], signal });

  const fingerprint = (pem: { issued?: { x509: { fingerprint256: string } } } | undefined) =>
    pem?.issued?.x509.fingerprint256.replaceAll(':', '').toLowerCase();
  expect(content?.trusts.map((one) => one.fingerprint)).toEqual([fingerprint(used), fingerprint(fresh)]);
});

test('what does not exist or may not be read is missing', async () => {
  const made = await credhub.generate('/bosh/ca', { isAuthority: true });
  credhub.forbid(`uaa-client:${credhub.reader.id}`);
  const store = await open();

  await expect(store.contents!('credhub:/bosh/ca', { versions: [made.id], signal })).rejects.toMatchObject({
    kind: 'missing',
    message: expect.stringMatching(
      /returned 404 for \/bosh\/ca: it doesn't exist, or the credential has no permission `read` for it$/,
    ) as string,
  });
});

test('contents are not read if the configuration forbids it', async () => {
  const made = await credhub.generate('/bosh/ca', { isAuthority: true });
  const store = await open({ contents: 'never' });

  await expect(store.contents!('credhub:/bosh/ca', { versions: [made.id], signal })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('`contents` is `never`') as string,
  });
  expect(credhub.requests).toEqual([]);
});

test.each([
  ['another version', (body: object) => ({ ...body, id: 'other' }), 'is something else'],
  ['another name', (body: object) => ({ ...body, name: '/other' }), 'is something else'],
  ['a password', (body: object) => ({ ...body, type: 'password', value: 'x' }), 'is something else'],
  [
    'no certificate',
    (body: object) => ({ ...body, value: { ca: null, certificate: null } }),
    'contains no certificate',
  ],
  [
    'a certificate that is cut off',
    (body: object) => {
      const { value } = body as { value: { certificate: string } };
      return { ...body, value: { ...value, certificate: value.certificate.slice(0, 300) } };
    },
    "has a `certificate` that can't be read",
  ],
  [
    'an authority that is cut off',
    (body: object) => {
      const { value } = body as { value: { ca: string } };
      return { ...body, value: { ...value, ca: value.ca + value.ca.slice(0, 300) } };
    },
    "has a `ca` that can't be read",
  ],
])('%s instead of a version is an error that quotes nothing', async (_, change, message) => {
  const made = await credhub.generate('/bosh/ca', { isAuthority: true });
  credhub.fail({ path: '/api/v1/data/', change });
  const store = await open();

  const error = await store.contents!('credhub:/bosh/ca', { versions: [made.id], signal }).catch(
    (reason: unknown) => reason as SourceError,
  );

  expect(error).toMatchObject({ kind: 'malformed', message: expect.stringContaining(message) as string });
  expect(inspect(error)).not.toMatch(/BEGIN|MII/);
});

test('`expires-within-days` of CredHub hides an active version behind a transitional one; the list does not', async () => {
  await credhub.generate('/ca', { isAuthority: true, notAfter: new Date(Date.now() + 9 * DAY_MS) });
  credhub.state.find('/ca')!.versions.unshift({
    ...(await credhub.generate('/next', { isAuthority: true, days: 1825 })),
    transitional: true,
  });

  const { managed } = await list({ paths: ['/ca'] });

  const active = managed[0]?.versions.find(({ transitional }) => !transitional);
  expect(active?.notAfter?.getTime()).toBeLessThan(Date.now() + 10 * DAY_MS);
});
