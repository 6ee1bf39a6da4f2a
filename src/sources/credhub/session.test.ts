import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Credhub, startCredhub } from '../../../test/world/credhub.ts';
import { connectCredhub, type Inventory, listManaged } from '../../../test/world/credhub/connect.ts';
import type { Source } from '../../ports/source.ts';

const APP = '3f1c9d2e-7a45-4b8e-9c1d-2b6f0e8a4d57';

let credhub: Credhub;
beforeEach(async () => {
  credhub = await startCredhub();
  await credhub.generate('/ca', { isAuthority: true });
});
afterEach(() => credhub.close());

async function open(
  more?: Parameters<typeof connectCredhub>[1],
  files?: Readonly<Record<string, string>>,
): Promise<Source> {
  const { source, close } = await connectCredhub(credhub, more, { ...(files && { files }) });
  onTestFinished(close);
  return source;
}

async function list(...options: Parameters<typeof open>): Promise<Inventory> {
  return listManaged(await open(...options));
}

const tokens = () => credhub.uaa.issued.get(credhub.reader.id) ?? 0;

test('logs in once, at the UAA that CredHub reports', async () => {
  const source = await open();
  await Promise.all([listManaged(source), listManaged(source), listManaged(source)]);

  expect(tokens()).toBe(1);
  expect(credhub.requests.filter(({ path }) => path === '/info')).toHaveLength(1);
});

test('logs in at the configured UAA', async () => {
  credhub.fail({ path: '/info', status: 500 });

  expect((await list({ uaa: credhub.uaa.url })).managed).toHaveLength(1);
});

test('logs in again once if the token was rejected', async () => {
  const source = await open();
  await listManaged(source);
  credhub.uaa.revokeTokens();
  await listManaged(source);
  credhub.uaa.expireTokens();
  await listManaged(source);

  expect(tokens()).toBe(3);
});

test('logs in again before the token expires', async () => {
  await credhub.close();
  credhub = await startCredhub({ tokenSeconds: 0 });
  credhub.fail({ path: '/api/v1/certificates', change: () => ({ certificates: [] }), method: 'GET' });
  const source = await open();
  // CredHub rejects tokens that are valid for no time.
  await expect(listManaged(source)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(
      /rejected the token that UAA just issued \(access_token_expired\): check that CredHub trusts this UAA$/,
    ) as string,
  });
  expect(tokens()).toBe(2);
});

test('explains a wrong secret, and never shows it', async () => {
  const client = { id: credhub.reader.id, secret: 'canary-wrong' };
  const error: unknown = await list({ auth: { client } }).catch((reason: unknown) => reason);

  expect(error).toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(
      /^UAA at 127\.0\.0\.1:\d+ rejected the client wrench-reader or its secret \(401\)$/,
    ) as string,
  });
});

test('explains a client that may not log in by itself', async () => {
  const client = credhub.uaa.addClient('people', ['credhub.read'], ['password']);

  await expect(list({ auth: { client } })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(
      'rejected the client people (401): it lacks the grant type client_credentials',
    ) as string,
  });
});

test('explains a client without the scope', async () => {
  const client = credhub.uaa.addClient('other', ['uaa.none']);

  await expect(list({ auth: { client } })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(
      'refused (403): the credential may not do this: Access is denied',
    ) as string,
  });
});

test('a UAA that responds with an error is unreachable', async () => {
  credhub.uaa.failWith(503);

  await expect(list()).rejects.toMatchObject({ kind: 'unreachable' });
});

test.each([
  ['no address', {}],
  ['an address without TLS', { 'auth-server': { url: 'http://127.0.0.1:8080' } }],
  ['no URL', { 'auth-server': { url: 'uaa' } }],
  ['a user in the address', { 'auth-server': { url: 'https://user:password@127.0.0.1' } }],
])('never sends the secret to a UAA of which CredHub reports %s', async (_, info) => {
  credhub.fail({ path: '/info', status: 200, body: JSON.stringify(info) });

  await expect(list()).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringMatching(/configure `uaa`$/) as string,
  });
  expect(tokens()).toBe(0);
});

test('logs in with a client certificate, without UAA', async () => {
  const { certificatePem, keyPem } = await credhub.makeAppCertificate(APP);
  credhub.grant(`mtls-app:${APP}`, '/*', ['read']);
  const auth = (folder: string) => ({
    auth: { clientCertificate: { cert: `${folder}/cert.pem`, key: `${folder}/key.pem` } },
  });
  const { managed } = await list(auth, { 'cert.pem': certificatePem, 'key.pem': keyPem });

  expect(managed).toHaveLength(1);
  expect(tokens()).toBe(0);
  expect(credhub.requests.map(({ path, actor }) => [path, actor])).toEqual([
    ['/api/v1/certificates', `mtls-app:${APP}`],
  ]);
});

test('explains a client certificate without an application', async () => {
  const { certificatePem, keyPem } = await credhub.makeAppCertificate(undefined);
  const auth = (folder: string) => ({
    auth: { clientCertificate: { cert: `${folder}/cert.pem`, key: `${folder}/key.pem` } },
  });

  await expect(list(auth, { 'cert.pem': certificatePem, 'key.pem': keyPem })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(
      'rejected the client certificate (invalid_mtls_identity): it needs an OU of `app:` and a UUID',
    ) as string,
  });
});

test('a missing file fails at the first request, and is read again at the next', async () => {
  const { source, write, close } = await connectCredhub(credhub, (folder) => ({ ca: `${folder}/later.pem` }));
  onTestFinished(close);

  await expect(listManaged(source)).rejects.toMatchObject({ kind: 'missing' });
  await write('later.pem', credhub.ca);
  expect((await listManaged(source)).managed).toHaveLength(1);
});

test('a caller that stops does not stop the login of others', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  credhub.fail({ path: '/info', until: promise }, 1);
  const source = await open();
  const stop = new AbortController();
  const stopped = listManaged(source, stop.signal);
  const other = listManaged(source);
  stop.abort(new Error('no longer needed'));

  await expect(stopped).rejects.toThrow('no longer needed');
  resolve();
  expect((await other).managed).toHaveLength(1);
  expect(tokens()).toBe(1);
});
