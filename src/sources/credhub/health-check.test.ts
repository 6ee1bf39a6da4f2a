import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Credhub, startCredhub } from '../../../test/world/credhub.ts';
import { connectCredhub } from '../../../test/world/credhub/connect.ts';
import type { Source, SourceHealth, SourcePermission } from '../../ports/source.ts';

const APP = '3f1c9d2e-7a45-4b8e-9c1d-2b6f0e8a4d57';

let credhub: Credhub;
beforeEach(async () => {
  credhub = await startCredhub();
  await credhub.generate('/bosh/cf/ca', { isAuthority: true });
  await credhub.generate('/bosh/cf/leaf', { ca: '/bosh/cf/ca' });
});
afterEach(() => credhub.close());

async function withSource<T>(
  more: Parameters<typeof connectCredhub>[1],
  work: (source: Source) => Promise<T>,
  files: Readonly<Record<string, string>> = {},
): Promise<T> {
  const { source, close } = await connectCredhub(credhub, more, { files });
  try {
    return await work(source);
  } finally {
    await close();
  }
}

async function check(more: object = {}): Promise<SourceHealth> {
  const health = await withSource(more, (source) => source.healthCheck(new AbortController().signal));
  return { ...health, summary: health.summary.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST') };
}

/** In one line each: what is allowed, and what isn't. */
async function permissions(
  more: Parameters<typeof connectCredhub>[1] = {},
  files?: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const reported = await withSource(
    more,
    (source) => source.permissions!(new AbortController().signal),
    files,
  );
  return reported.map(
    ({ method = 'nothing', permission, allowed, credential }: SourcePermission) =>
      `${credential === undefined ? '' : `${credential}: `}${allowed ? 'may' : 'may not'} ${permission} (${method})`,
  );
}

test('says how many certificates can be read', async () => {
  expect(await check()).toEqual({
    ok: true,
    summary: 'CredHub 2.15.20, 2 certificates can be read; read-only',
  });
  expect(await check({ allow: { renew: { auth: { client: credhub.writer } } } })).toEqual({
    ok: true,
    summary: 'CredHub 2.15.20, 2 certificates can be read; renewals can log in',
  });
});

test('counts one certificate', async () => {
  expect((await check({ paths: ['/bosh/cf/leaf'] })).summary).toContain(', 1 certificate can be read');
});

test('reads no content', async () => {
  await check();
  expect(credhub.requests.map(({ path }) => path)).toEqual(['/info', '/version', '/api/v1/certificates']);
});

test.each<[string, () => object | Promise<object>, string, string]>([
  [
    'a wrong secret',
    () => ({ auth: { client: { id: 'wrench-reader', secret: 'wrong' } } }),
    'UAA at HOST rejected the client wrench-reader or its secret (401)',
    'Correct `auth`: docs/sources.md#credhub',
  ],
  [
    'a client that can only be used by people',
    () => ({ auth: { client: credhub.uaa.addClient('people', ['credhub.read'], ['password']) } }),
    'UAA at HOST rejected the client people (401): it lacks the grant type client_credentials',
    'Create the client with `--authorized_grant_types client_credentials`',
  ],
  [
    'a client without the scope',
    () => ({ auth: { client: credhub.uaa.addClient('other', ['uaa.none']) } }),
    'HOST refused (403): the credential may not do this: Access is denied',
    'Give its client the authority credhub.read in UAA: docs/sources.md#credhub',
  ],
  [
    'an address of UAA at which nothing listens',
    () => ({ uaa: 'https://127.0.0.1:1' }),
    'HOST refused the connection: nothing listens there',
    `Check that URL and https://127.0.0.1:1 are correct and reachable from here`,
  ],
  [
    'a client without permissions',
    () => ({ auth: { client: credhub.uaa.addClient('new', ['credhub.read']) } }),
    'CredHub 2.15.20, 0 certificates can be read; CredHub lists no certificates: there are none, or the credential has no permission `read` for them',
    'Give the credential the permission `read` for /*: docs/sources.md#credhub',
  ],
  [
    'a path without certificates',
    () => ({ paths: ['/bosh/cf', '/bosh/mysql'] }),
    'CredHub 2.15.20, 2 certificates can be read; CredHub lists no certificate below /bosh/mysql: there is none, or the credential has no permission `read` for it',
    'Give the credential the permission `read` for /bosh/cf/*, /bosh/mysql/*: docs/sources.md#credhub',
  ],
  [
    'a credential for renewals that can not log in',
    () => ({ allow: { renew: { auth: { client: { id: 'wrench-writer', secret: 'wrong' } } } } }),
    "CredHub 2.15.20, 2 certificates can be read; renewals won't work: UAA at HOST rejected the client wrench-writer or its secret (401)",
    'Correct `allow.renew.auth`, or remove `allow.renew`',
  ],
])('reports %s', async (_, more, summary, hint) => {
  expect(await check(await more())).toEqual({ ok: false, summary, hint: hint.replace('URL', credhub.url) });
});

test('reports a CredHub that is down', async () => {
  await credhub.close();
  const health = await check();
  expect(health).toMatchObject({
    ok: false,
    hint: `Check that ${credhub.url} is correct and reachable from here`,
  });
});

test('reports a certificate that is not trusted', async () => {
  const other = await startCredhub();
  await other.close();
  const { source, close } = await connectCredhub({ ...credhub, ca: other.ca });
  const health = await source.healthCheck(new AbortController().signal);
  await close();
  expect(health).toMatchObject({ ok: false, hint: 'Set `ca` to a PEM file with that CA' });
});

test('without `read_acl`, only the scopes are known', async () => {
  expect(await permissions()).toEqual([
    'may use the scope credhub.read (managed)',
    'may use the scope credhub.read (contents)',
  ]);
});

test('the scope and the permissions for renewals', async () => {
  const client = credhub.writer;
  credhub.grant(`uaa-client:${client.id}`, '/bosh/cf/*', ['read']);
  credhub.grant(`uaa-client:${client.id}`, '/bosh/mysql/*', ['read', 'write']);
  const renew = { auth: { client }, paths: ['/bosh/cf', '/bosh/mysql', '/bosh/unknown'] };

  expect((await permissions({ allow: { renew } })).slice(2)).toEqual([
    'allow.renew: may use the scope credhub.write (renew)',
    'allow.renew: may read /bosh/cf/* (renew)',
    'allow.renew: may not write /bosh/cf/* (renew)',
    'allow.renew: may read /bosh/mysql/* (renew)',
    'allow.renew: may write /bosh/mysql/* (renew)',
  ]);
});

test('warns about a credential for reading that may do more', async () => {
  expect(await permissions({ auth: { client: credhub.writer } })).toEqual([
    'may use the scope credhub.read (managed)',
    'may read /* (managed)',
    'may use the scope credhub.read (contents)',
    'may read /* (contents)',
    'may use the scope credhub.write (nothing)',
    'may write /* (nothing)',
    'may delete /* (nothing)',
    'may write_acl /* (nothing)',
  ]);
});

test('the permissions of a client certificate are those of its application', async () => {
  const { certificatePem, keyPem } = await credhub.makeAppCertificate(APP);
  credhub.grant(`mtls-app:${APP}`, '/*', ['read', 'read_acl']);
  const more = (folder: string) => ({
    auth: { clientCertificate: { cert: `${folder}/cert.pem`, key: `${folder}/key.pem` } },
  });

  expect(await permissions(more, { 'cert.pem': certificatePem, 'key.pem': keyPem })).toEqual([
    'may read /* (managed)',
    'may read /* (contents)',
  ]);
});
