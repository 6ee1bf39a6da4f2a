import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Credhub, startCredhub } from '../../../test/world/credhub.ts';
import { connectCredhub } from '../../../test/world/credhub/connect.ts';
import type { StoredVersion } from '../../../test/world/credhub/state.ts';
import type { PlanRenewalOptions } from '../../ports/certificates.ts';
import type { RegeneratedRenewal, RenewalResult } from '../../ports/renewals.ts';
import type { Source } from '../../ports/source.ts';

const DAY_MS = 86_400_000;
const { signal } = new AbortController();
const CA = '/bosh/cf/uaa_ca';
const LEAF = '/bosh/cf/uaa_ssl';

let credhub: Credhub;
beforeEach(async () => {
  credhub = await startCredhub();
});
afterEach(() => credhub.close());

const inDays = (days: number) => new Date(Math.floor(Date.now() / 1000) * 1000 + days * DAY_MS);
const versionsOf = (name: string): readonly StoredVersion[] => credhub.state.find(name)!.versions;

async function makePair(): Promise<void> {
  await credhub.generate(CA, { isAuthority: true, notBefore: inDays(-100), notAfter: inDays(1000) });
  await credhub.generate(LEAF, { ca: CA, notBefore: inDays(-360), notAfter: inDays(5) });
}

async function open(more: object = {}): Promise<Source> {
  const { writer, reader } = credhub;
  const allow = { renew: { auth: { client: writer } } };
  const { source, close } = await connectCredhub(credhub, { auth: { client: reader }, allow, ...more });
  onTestFinished(close);
  return source;
}

async function plan(
  source: Source,
  name: string,
  options: Partial<PlanRenewalOptions> = {},
): Promise<RegeneratedRenewal> {
  const store = source.reads.certificates!;
  return (await store.planRenewal!(`credhub:${name}`, { signal, ...options })) as RegeneratedRenewal;
}

function renew(source: Source, renewal: RegeneratedRenewal): Promise<RenewalResult> {
  return source.writes!.certificates!.renew(renewal, { idempotencyKey: 'm1', signal });
}

const posts = () => credhub.requests.filter(({ method }) => method === 'POST').map(({ path }) => path);

test('plans and renews a leaf: new key, same names, signed by the active version of its authority', async () => {
  await makePair();
  const source = await open();
  const [before] = versionsOf(LEAF);

  const renewal = await plan(source, LEAF);

  expect(renewal).toEqual({
    method: 'regenerate',
    place: `credhub:${LEAF}`,
    name: LEAF,
    notAfter: before!.issued!.x509.validToDate.toISOString(),
    versions: { [`credhub:${LEAF}`]: before!.id, [`credhub:${CA}`]: versionsOf(CA)[0]!.id },
    asTransitional: false,
    signedBy: { name: CA, notAfter: expect.any(String) as string },
    signs: [],
  });
  expect(posts()).toEqual([]);

  const result = await renew(source, renewal);

  const [after, ...rest] = versionsOf(LEAF);
  expect(rest).toEqual([before]);
  expect(result).toEqual({
    version: after!.id,
    fingerprint: after!.issued!.x509.fingerprint256.replaceAll(':', '').toLowerCase(),
    serial: expect.any(String) as string,
    notAfter: after!.issued!.x509.validToDate.toISOString(),
  });
  expect(posts()).toEqual([`/api/v1/certificates/${credhub.state.find(LEAF)!.id}/regenerate`]);
  expect(JSON.stringify([renewal, result])).not.toContain('PRIVATE KEY');
});

test('generates an authority as transitional, and leaves what it signs alone', async () => {
  await makePair();
  const source = await open();

  const renewal = await plan(source, CA, { asTransitional: true });
  expect(renewal).toMatchObject({ asTransitional: true, signs: [LEAF] });
  expect(renewal).not.toHaveProperty('signedBy');
  await renew(source, renewal);

  expect(versionsOf(CA).map(({ transitional }) => transitional)).toEqual([true, false]);
  expect(versionsOf(LEAF)).toHaveLength(1);
});

test('reads with the credential for reading, and renews with the other', async () => {
  await makePair();
  const source = await open();
  await renew(source, await plan(source, LEAF));
  for await (const _ of source.reads.certificates!.managed!({ signal })) break;

  const actorOf = (path: string) => credhub.requests.find((one) => one.path === path)?.actor;
  expect(actorOf('/api/v1/certificates')).toBe(`uaa-client:${credhub.reader.id}`);
  expect(
    new Set(credhub.requests.filter(({ method }) => method === 'POST').map(({ actor }) => actor)),
  ).toEqual(new Set([`uaa-client:${credhub.writer.id}`]));
});

test('without `allow.renew`, nothing can be planned or renewed', async () => {
  const source = await open({ allow: {} });

  expect(source.reads.certificates!.planRenewal).toBeUndefined();
  expect(source.writes).toBeUndefined();
});

async function setByHand(name: string, more: Partial<StoredVersion> = {}): Promise<void> {
  const made = await credhub.generate('/made', { isAuthority: true, notAfter: inDays(400) });
  credhub.state.certificates.delete('/made');
  credhub.set(name, { ...made, generated: false, selfSigned: false, ...more });
}

test.each<[string, () => Promise<unknown>, Partial<PlanRenewalOptions>, RegExp]>([
  [
    'a certificate that someone set',
    () => setByHand(LEAF, { isAuthority: false }),
    {},
    /^\/bosh\/cf\/uaa_ssl was set by someone, and CredHub has nothing that can sign it/,
  ],
  [
    'an authority without the transitional step',
    () => credhub.generate(LEAF, { isAuthority: true }),
    {},
    /is an authority: generate it as transitional first/,
  ],
  ['a leaf as transitional', makePair, { asTransitional: true }, /is not an authority/],
  [
    'a second transitional version',
    async () => {
      await credhub.generate(LEAF, { isAuthority: true });
      await credhub.state.regenerate(credhub.state.find(LEAF)!, { transitional: true });
    },
    { asTransitional: true },
    /already has a transitional version \([0-9a-f-]{36}\), and CredHub allows one/,
  ],
  [
    'a certificate that has only a transitional version',
    () => credhub.generate(LEAF, { isAuthority: true, transitional: true }),
    { asTransitional: true },
    /has no version that is in use/,
  ],
  [
    'a leaf whose authority was set without its private key',
    async () => {
      await setByHand('/given', { hasKey: false, selfSigned: true });
      const made = await credhub.generate('/other', { isAuthority: true, notAfter: inDays(3) });
      credhub.set(LEAF, { ...made, isAuthority: false, selfSigned: false, signedBy: '/given' });
    },
    {},
    /^\/given, which signs \/bosh\/cf\/uaa_ssl, is stored without its private key$/,
  ],
  [
    'a leaf whose authority expires first',
    async () => {
      await credhub.generate(CA, { isAuthority: true, notAfter: inDays(9) });
      await credhub.generate(LEAF, { ca: CA, notAfter: inDays(150) });
    },
    {},
    /\/bosh\/cf\/uaa_ca, which signs \/bosh\/cf\/uaa_ssl, expires first, on \d{4}-\d\d-\d\d: rotate it first/,
  ],
  [
    'a leaf whose authority has expired',
    async () => {
      await credhub.generate(CA, { isAuthority: true, notBefore: inDays(-30), notAfter: inDays(-3) });
      await credhub.generate(LEAF, { ca: CA, notBefore: inDays(-30), notAfter: inDays(-9) });
    },
    {},
    /expired on \d{4}-\d\d-\d\d: rotate it first/,
  ],
  [
    'a leaf whose authority does not exist anymore',
    async () => {
      await makePair();
      credhub.state.certificates.delete(CA);
    },
    {},
    /^\/bosh\/cf\/uaa_ssl is signed by \/bosh\/cf\/uaa_ca, which doesn't exist, or the credential for renewals has no permission/,
  ],
  [
    'a version without an expiry date',
    async () => {
      const { issued: _, ...made } = await credhub.generate('/other', {});
      credhub.set(LEAF, made);
    },
    {},
    /^CredHub doesn't say when \/bosh\/cf\/uaa_ssl expires$/,
  ],
])('refuses %s', async (_, prepare, options, message) => {
  await prepare();
  const source = await open();

  await expect(plan(source, LEAF, options)).rejects.toMatchObject({
    name: 'SourceError',
    kind: 'refused',
    message: expect.stringMatching(message) as string,
  });
  expect(posts()).toEqual([]);
});

test('refuses what `allow.renew.paths` does not include', async () => {
  await makePair();
  const source = await open({
    allow: { renew: { paths: ['/bosh/mysql'], auth: { client: credhub.writer } } },
  });

  await expect(plan(source, LEAF)).rejects.toMatchObject({ kind: 'refused' });
  expect(credhub.requests).toEqual([]);
});

test('refuses a credential without the scope `credhub.write`', async () => {
  await makePair();
  const source = await open({ allow: { renew: {} } });

  await expect(plan(source, LEAF)).rejects.toMatchObject({
    kind: 'refused',
    message: 'the credential for renewals lacks the scope credhub.write (it has credhub.read)',
  });
});

test('what does not exist, or may not be read, is missing', async () => {
  await makePair();
  credhub.forbid(`uaa-client:${credhub.writer.id}`);
  const source = await open();

  await expect(plan(source, LEAF)).rejects.toMatchObject({
    kind: 'missing',
    message: `${LEAF} doesn't exist, or the credential for renewals has no permission \`read\` for it`,
  });
});

test('names the missing permission `write`', async () => {
  await makePair();
  credhub.forbid(`uaa-client:${credhub.writer.id}`);
  credhub.grant(`uaa-client:${credhub.writer.id}`, '/bosh/*', ['read']);
  const source = await open();

  await expect(renew(source, await plan(source, LEAF))).rejects.toMatchObject({
    kind: 'refused',
    message: `the credential for renewals has no permission \`write\` for ${LEAF} (403)`,
  });
  expect(versionsOf(LEAF)).toHaveLength(1);
});

test.each<[string, () => unknown]>([
  ['the certificate', () => credhub.state.regenerate(credhub.state.find(LEAF)!)],
  ['its authority', () => credhub.state.regenerate(credhub.state.find(CA)!)],
])('renews nothing if someone renewed %s since the plan', async (_, meanwhile) => {
  await makePair();
  const source = await open();
  const renewal = await plan(source, LEAF);
  await meanwhile();

  await expect(renew(source, renewal)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('has a newer version than planned') as string,
  });
  expect(posts()).toEqual([]);
});

test('a plan that says something else is not applied', async () => {
  await makePair();
  const source = await open();
  const renewal = await plan(source, LEAF);

  await expect(renew(source, { ...renewal, signs: ['/x'] })).rejects.toMatchObject({
    kind: 'refused',
    message: 'the renewal would differ from the plan: request a new plan',
  });
});

test.each([
  ['an error', { status: 500, body: '{"error":"boom"}' }],
  ['an error of a proxy', { status: 502 }],
  ['half a response', { half: true }],
  ['no response', { silent: true, done: true }],
] as const)(
  'is sent once, and says that it may have been renewed, if the response is %s',
  async (_, fault) => {
    await makePair();
    const source = await open({ timeoutMs: 2_000 });
    const renewal = await plan(source, LEAF);
    credhub.fail({ path: '/api/v1/certificates/', method: 'POST', ...fault });

    await expect(renew(source, renewal)).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/; \/bosh\/cf\/uaa_ssl may have been renewed$/) as string,
    });
    expect(posts()).toHaveLength(1);
  },
);

test('says that nothing was changed if CredHub is in read-only mode', async () => {
  await makePair();
  const source = await open();
  const renewal = await plan(source, LEAF);
  credhub.fail({
    path: '/api/v1/certificates/',
    method: 'POST',
    status: 503,
    body: '{"error":"The system is in read-only mode. Please try again later."}',
  });

  await expect(renew(source, renewal)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('is in read-only mode (503)') as string,
  });
});

test('a rejected token is replaced before the request is sent again', async () => {
  await makePair();
  const source = await open();
  const renewal = await plan(source, LEAF);
  credhub.uaa.expireTokens();

  await renew(source, renewal);

  expect(versionsOf(LEAF)).toHaveLength(2);
});

test('says so if the new version could not be verified', async () => {
  await makePair();
  const source = await open();
  const renewal = await plan(source, LEAF);
  let isMade = false;
  credhub.fail({
    path: '/api/v1/certificates/',
    change: (body) => {
      isMade = true;
      credhub.fail({ path: '/api/v1/certificates?', status: 500 });
      return body;
    },
  });

  await expect(renew(source, renewal)).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringMatching(
      /^\/bosh\/cf\/uaa_ssl was renewed, but the new version couldn't be verified: /,
    ) as string,
  });
  expect(isMade).toBe(true);
});

test.each<[string, (version: Record<string, unknown>, lists: Record<string, unknown>[]) => unknown, string]>([
  [
    'ends before the old one',
    (version) => ({ ...version, expiry_date: inDays(2).toISOString() }),
    'it expires before the old one',
  ],
  ['has expired', (version) => ({ ...version, expiry_date: inDays(-2).toISOString() }), 'it has expired'],
  ['is transitional', (version) => ({ ...version, transitional: true }), 'it is transitional'],
  [
    'has no expiry date',
    (version) => ({ ...version, expiry_date: '' }),
    "CredHub doesn't say when it expires",
  ],
  ['is not listed', (version, all) => all[1] ?? version, 'CredHub lists no new version'],
])('reports a new version that %s', async (_, change, message) => {
  await makePair();
  const source = await open();
  const renewal = await plan(source, LEAF);
  let isMade = false;
  credhub.fail({
    path: '/api/v1/certificates',
    change: (body) => {
      const { certificates } = body as {
        certificates?: { name: string; versions: Record<string, unknown>[] }[];
      };
      const [first] = certificates ?? [];
      if (!first) isMade = true;
      if (!first || !isMade) return body;
      const [newest, ...rest] = first.versions;
      return { certificates: [{ ...first, versions: [change(newest!, first.versions), ...rest] }] };
    },
  });

  await expect(renew(source, renewal)).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining(`was renewed, but the result is wrong: ${message}`) as string,
  });
});

test('an old server renews by name', async () => {
  await credhub.close();
  credhub = await startCredhub({ age: 'old' });
  await makePair();
  const source = await open();

  const result = await renew(source, await plan(source, LEAF));

  expect(result.version).toBe(versionsOf(LEAF)[0]!.id);
  expect(posts()).toEqual([
    `/api/v1/certificates/${credhub.state.find(LEAF)!.id}/regenerate`,
    '/api/v1/regenerate',
  ]);
});

test('an old server is not asked by name for a transitional version, which would become active', async () => {
  await credhub.close();
  credhub = await startCredhub({ age: 'old' });
  await makePair();
  const source = await open();
  const renewal = await plan(source, CA, { asTransitional: true });

  await expect(renew(source, renewal)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('is too old to generate a transitional version') as string,
  });
  expect(versionsOf(CA)).toHaveLength(1);
});

test('refuses a renewal of another kind of store', async () => {
  const source = await open();

  expect(() =>
    source.writes!.certificates!.renew({ method: 'request' } as never, { idempotencyKey: 'm1', signal }),
  ).toThrow(TypeError);
});

test('a version that signs something is an authority, also if CredHub does not say so', async () => {
  await makePair();
  const [old] = versionsOf(CA);
  credhub.state.find(CA)!.versions = [{ ...old!, isAuthority: false }];
  const source = await open();

  await expect(plan(source, CA)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('is an authority: generate it as transitional first') as string,
  });
});
