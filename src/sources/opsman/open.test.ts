import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { makeAuthority } from '../../../test/world/ca.ts';
import { type OpsManager, type OpsManagerOptions, startOpsManager } from '../../../test/world/ops-manager.ts';
import type { ScanResult } from '../../ports/certificates.ts';
import type { ManagedCertificate } from '../../ports/managed-certificates.ts';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { opsmanConfig } from './config.ts';
import { openOpsman } from './open.ts';

let opsman: OpsManager;
let folder: string | undefined;
const sources: Source[] = [];
const { signal } = new AbortController();

afterEach(async () => {
  for (const source of sources.splice(0)) await source.close();
  await opsman.close();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

async function open(options: OpsManagerOptions = {}, more: object = {}): Promise<Source> {
  opsman = await startOpsManager(options);
  folder = await mkdtemp(join(tmpdir(), 'wrench-opsman-'));
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, opsman.ca);
  const config = opsmanConfig.parse({
    kind: 'opsman',
    url: opsman.url,
    ca,
    auth: { client: opsman.client },
    ...more,
  });
  const source = openOpsman(config);
  sources.push(source);
  return source;
}

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const one of items) found.push(one);
  return found;
}

function list(source: Source) {
  return all(source.reads.certificates!.managed!({ signal }));
}

async function failure(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(SourceError);
  const { kind, message } = error as SourceError;
  for (const canary of opsman.canaries()) expect(message).not.toContain(canary);
  return `${kind}: ${message.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')}`;
}

const NESTED: OpsManagerOptions = {
  certificates: [
    {
      name: '/services/tls_ca',
      is_ca: true,
      deployments: ['cf', 'service-instance_1'],
      outdated_deployments: ['service-instance_1'],
      signs: [
        {
          name: '/opsmgr/p-mysql/instance_tls',
          outdated_deployments: ['service-instance_1'],
        },
        { name: '/services/second_ca', is_ca: true, signs: [{ name: '/opsmgr/deep' }] },
      ],
    },
    {
      name: '.properties.networking_poe_ssl_certs',
      product_guid: 'cf-23dbd1a7',
      configurable: true,
      rotation_procedure_name: 'Configurable Leaf Procedure',
    },
    { name: '/automatic', auto_rotated: true },
  ],
};

test('certificates nested below authorities are listed too', async () => {
  const listed = (await list(await open(NESTED))) as readonly ManagedCertificate[];
  expect(listed.map(({ place, signedBy, renewedBy }) => [place, signedBy, renewedBy])).toEqual([
    ['opsman:/services/tls_ca', undefined, 'person'],
    ['opsman:/opsmgr/p-mysql/instance_tls', '/services/tls_ca', 'person'],
    ['opsman:/services/second_ca', '/services/tls_ca', 'person'],
    ['opsman:/opsmgr/deep', '/services/second_ca', 'person'],
    ['opsman:cf-23dbd1a7.properties.networking_poe_ssl_certs', undefined, 'person'],
    ['opsman:/automatic', undefined, 'automatic'],
  ]);
  expect(listed[0]).toEqual({
    kind: 'managed',
    place: 'opsman:/services/tls_ca',
    name: '/services/tls_ca',
    versions: [
      {
        id: 'deployed',
        notBefore: new Date('2026-11-20T09:00:00Z'),
        notAfter: new Date('2028-11-20T09:00:00Z'),
        transitional: false,
        authority: true,
        generated: true,
      },
    ],
    issuer: '/C=US/O=Harbour/CN=services-ca',
    deployments: ['cf', 'service-instance_1'],
    outdatedDeployments: ['service-instance_1'],
    renewedBy: 'person',
    procedure: { name: 'Services TLS CA Procedure', url: 'https://docs.example.com/rotate/services' },
  });
  expect(listed[4]!.versions[0]).toMatchObject({ generated: false });
});

test('before 3.0, the older list is read, which does not know outdated deployments', async () => {
  const listed = (await list(await open({ ...NESTED, version: '2.10.55' }))) as readonly ManagedCertificate[];
  expect(listed.map(({ place }) => place)).toEqual([
    'opsman:/services/tls_ca',
    'opsman:/opsmgr/p-mysql/instance_tls',
    'opsman:/services/second_ca',
    'opsman:/opsmgr/deep',
    'opsman:cf-23dbd1a7.properties.networking_poe_ssl_certs',
    'opsman:/automatic',
  ]);
  expect(listed[0]).not.toHaveProperty('outdatedDeployments');
});

test('a certificate that is listed twice is one', async () => {
  const leaf = { name: '/leaf' };
  const listed = (await list(
    await open({ certificates: [leaf, { name: '/ca', is_ca: true, signs: [leaf] }] }),
  )) as readonly ManagedCertificate[];
  expect(listed.map(({ name, signedBy }) => [name, signedBy])).toEqual([
    ['/leaf', '/ca'],
    ['/ca', undefined],
  ]);
});

test('two certificates with one name and different dates are not taken for one: the first end counts', async () => {
  const late = { name: '/leaf', valid_until: '2028-11-20T09:00:00Z' };
  const early = { name: '/leaf', valid_until: '2026-12-01T09:00:00Z' };
  for (const leaves of [
    [late, early],
    [early, late],
  ]) {
    const listed = await list(
      await open({ certificates: leaves.map((leaf, at) => ({ name: `/ca${at}`, signs: [leaf] })) }),
    );
    const ofLeaf = listed.filter(({ place }) => place === 'opsman:/leaf');
    expect(
      ofLeaf.map((one) => (one.kind === 'managed' ? one.versions[0]!.notAfter : one.error.message)),
    ).toEqual([new Date('2026-12-01T09:00:00Z'), 'Ops Manager lists it twice, with different dates']);
    await opsman.close();
  }
});

test('an end that is missing or unreadable is absent, and an entry without a name is unseen', async () => {
  const source = await open({
    certificates: [
      { name: '/without_end', valid_until: null },
      { name: '/strange_end', valid_until: 'in a while' },
      {} as never,
    ],
  });
  const listed = await list(source);
  expect(
    listed.map((one) => (one.kind === 'managed' ? one.versions[0]!.notAfter : one.error.message)),
  ).toEqual([undefined, undefined, 'Ops Manager lists a certificate without a name']);
});

test('a user logs in through the client opsman, at the right address', async () => {
  const source = await open({}, { auth: { user: { username: 'wrench', password: 'canary-user-password' } } });
  expect(await list(source)).toHaveLength(1);
  expect(opsman.requests.map(({ path }) => path)).toEqual([
    '/uaa/oauth/token',
    '/api/v1/deployed/certificates',
  ]);
});

test('logs in again once the token was revoked', async () => {
  const source = await open();
  await list(source);
  opsman.revokeTokens();
  expect(await list(source)).toHaveLength(1);
});

test('a locked Ops Manager says what to do', async () => {
  const source = await open();
  opsman.lock();
  expect(await failure(list(source))).toBe(
    "unreachable: couldn't log in to HOST: HOST responded with an error (503); after a reboot, Ops Manager is locked until someone enters the decryption passphrase on its login page",
  );
  expect(await source.healthCheck(signal)).toMatchObject({
    ok: false,
    hint: `Enter the decryption passphrase at ${opsman.url}`,
  });
  opsman.unlock();
  expect(await list(source)).toHaveLength(1);
});

test('a file that is missing is not a locked Ops Manager', async () => {
  const source = await open({}, { ca: '/no-such-file.pem' });
  expect(await source.healthCheck(signal)).toEqual({
    ok: false,
    summary: "couldn't read the file /no-such-file.pem (ENOENT)",
    hint: 'Correct the file name or its permissions',
  });
});

test('locked while logged in', async () => {
  const source = await open();
  await list(source);
  opsman.lock();
  expect(await failure(list(source))).toContain('decryption passphrase');
});

test('a wrong secret is refused, and not tried again for a while', async () => {
  const source = await open({}, { auth: { client: { id: 'wrench', secret: 'wrong' } } });
  const said = 'refused: UAA at HOST rejected the client wrench or its secret (401)';
  expect(await failure(list(source))).toBe(said);
  expect(await failure(list(source))).toBe(said);
  expect(opsman.requests).toHaveLength(1);
});

test('without a role, the error is that of Ops Manager', async () => {
  expect(await failure(list(await open({ scopes: ['uaa.user'] })))).toBe(
    'refused: HOST returned 403: Forbidden',
  );
});

test.each([
  ['a page', { status: 200, body: '<html>' }, 'malformed: HOST responded with something other than JSON'],
  [
    'another list',
    { status: 200, body: { products: [] } },
    'malformed: the response of Ops Manager has no list',
  ],
  ['a redirect', { status: 302, body: '' }, 'unreachable: HOST returned 302'],
  [
    'errors by key',
    { status: 422, body: { errors: { base: ['not now'] } } },
    'refused: HOST returned 422: not now',
  ],
])('%s instead of the list', async (_, answer, said) => {
  const source = await open({
    answer: ({ path }) => (path === '/api/v1/deployed/certificates' ? answer : undefined),
  });
  expect(await failure(list(source))).toContain(said);
});

function scan(source: Source): Promise<readonly ScanResult[]> {
  return all(source.reads.certificates!.scan({ signal }));
}

test('a scan reads the active root authority, and an unreadable one is unseen', async () => {
  const root = await makeAuthority({ name: 'Pivotal' });
  const source = await open({
    authorities: [
      { guid: 'f7bc18f3', pem: root.certificatePem, active: true },
      { guid: '00000000', pem: root.certificatePem, active: false },
      { guid: 'broken', pem: 'not a certificate', active: true },
    ],
  });
  const [seen, broken, ...others] = await scan(source);
  expect(seen).toMatchObject({
    place: 'opsman:certificate_authorities/f7bc18f3',
    chain: [{ name: 'Pivotal', authority: true }],
  });
  expect(broken).toMatchObject({ kind: 'unseen', place: 'opsman:certificate_authorities/broken' });
  expect(others).toEqual([]);
});

test('an Ops Manager that lists no authorities (404) has none to scan', async () => {
  const source = await open({
    answer: ({ path }) =>
      path === '/api/v0/certificate_authorities' ? { status: 404, body: { errors: [] } } : undefined,
  });
  expect(await scan(source)).toEqual([]);
});

test('the doctor reports the version, and a role that allows too much', async () => {
  const source = await open({ scopes: ['opsman.admin', 'uaa.user'] });
  expect(await source.healthCheck(signal)).toEqual({
    ok: true,
    summary: 'Ops Manager 3.0.37, 1 certificate of deployments',
  });
  expect(await source.permissions!(signal)).toEqual([
    {
      method: 'managed',
      permission: 'list the certificates of deployments',
      allowed: true,
      alsoAllows: 'change everything in Ops Manager',
      hint: 'Give the login the role Restricted View: docs/sources.md#ops-manager',
    },
  ]);
});
