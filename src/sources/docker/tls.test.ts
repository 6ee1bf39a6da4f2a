import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Authority, issue, makeAuthority } from '../../../test/world/ca.ts';
import { openEngines } from '../../../test/world/docker/open-engines.ts';
import { serveEngine } from '../../../test/world/docker/served-engine.ts';

const query = { engine: 'lab', signal: new AbortController().signal };
let authority: Authority;

beforeAll(async () => {
  authority = await makeAuthority({ name: 'docker ca' });
});

/** An engine behind TLS that requires a client certificate, as `dockerd --tlsverify`. */
async function serveWithTls(names: readonly string[]): Promise<number> {
  const served = await serveEngine();
  const leaf = await issue(authority, { name: 'engine', names });
  const server = createServer(
    {
      cert: leaf.certificatePem,
      key: leaf.keyPem,
      ca: authority.certificatePem,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => {
      const upstream = connect(served.port, '127.0.0.1');
      socket.on('error', () => upstream.destroy());
      upstream.on('error', () => socket.destroy());
      socket.pipe(upstream).pipe(socket);
    },
  );
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(async () => {
    server.close();
    await served.close();
  });
  return (server.address() as AddressInfo).port;
}

async function save(files: Readonly<Record<string, string>>): Promise<(name: string) => string> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-docker-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return (name) => join(folder, name);
}

async function clientFiles(): Promise<{
  readonly ca: string;
  readonly clientCertificate: { readonly cert: string; readonly key: string };
}> {
  const client = await issue(authority, { name: 'wrench', extendedKeyUsage: ['clientAuth'] });
  const path = await save({
    'ca.pem': authority.certificatePem,
    'cert.pem': client.certificatePem,
    'key.pem': client.keyPem,
  });
  return { ca: path('ca.pem'), clientCertificate: { cert: path('cert.pem'), key: path('key.pem') } };
}

test('uses TLS with a client certificate', async () => {
  const port = await serveWithTls(['127.0.0.1']);
  const { engines } = openEngines({ url: `tcp://127.0.0.1:${port}`, ...(await clientFiles()) });

  expect(await engines.info(query)).toMatchObject({ product: 'docker', hostname: 'build-1' });
});

test('rejects a certificate for another name, and one of another CA', async () => {
  const port = await serveWithTls(['other.example']);
  const files = await clientFiles();
  const other = await save({ 'ca.pem': (await makeAuthority({ name: 'another ca' })).certificatePem });
  const info = (config: object) =>
    openEngines({ url: `tcp://127.0.0.1:${port}`, ...files, ...config }).engines.info(query);

  await expect(info({})).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('not valid for this name') as string,
  });
  await expect(info({ ca: other('ca.pem') })).rejects.toMatchObject({
    message: expect.stringContaining('is not trusted') as string,
  });
});

test('verifies certificates whatever Node’s environment variables are', async () => {
  const port = await serveWithTls(['other.example']);
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());
  const { engines } = openEngines({ url: `tcp://127.0.0.1:${port}`, ...(await clientFiles()) });

  await expect(engines.info(query)).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('not valid for this name') as string,
  });
});

test('reports that the engine requires a client certificate, requires TLS, or doesn’t use TLS', async () => {
  const port = await serveWithTls(['127.0.0.1']);
  const { ca } = await clientFiles();
  const plain = await serveEngine();
  onTestFinished(plain.close);
  const info = (config: object) => openEngines(config).engines.info(query);

  await expect(info({ url: `tcp://127.0.0.1:${port}`, ca })).rejects.toMatchObject({
    message: expect.stringContaining('client certificate') as string,
  });
  await expect(info({ url: plain.url, ca })).rejects.toMatchObject({
    message: expect.stringContaining('without TLS only on loopback') as string,
  });
  expect(await openEngines({ url: plain.url, ca }).source.healthCheck(query.signal)).toMatchObject({
    ok: false,
    hint: expect.stringContaining('check that the engine runs') as string,
  });
});

test('reads files when the first request is sent, and again after one was missing', async () => {
  const port = await serveWithTls(['127.0.0.1']);
  const path = await save({});
  const ca = path('ca.pem');
  const { clientCertificate } = await clientFiles();
  const { engines } = openEngines({ url: `tcp://127.0.0.1:${port}`, ca, clientCertificate });

  await expect(engines.info(query)).rejects.toMatchObject({
    kind: 'missing',
    message: `couldn't read the file ${ca} (ENOENT)`,
  });
  await writeFile(ca, authority.certificatePem);
  expect((await engines.info(query)).product).toBe('docker');
});
