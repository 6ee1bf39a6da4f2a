import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { issue, makeAuthority } from '../../../test/world/ca.ts';
import { serveReplica } from '../../../test/world/replicas.ts';
import type { SourceHealth } from '../../ports/source.ts';
import { buildsConfig } from './config.ts';
import { openBuilds } from './open.ts';

const { signal } = new AbortController();

function open(services: readonly object[], config: object = {}) {
  const named = services.map((one, index) => ({ name: `s${index}`, path: '/version', ...one }));
  const source = openBuilds(
    buildsConfig.parse({ kind: 'builds', services: named, hosts: ['10.0.0.0/8'], retries: 0, ...config }),
  );
  onTestFinished(source.close);
  return source;
}

const healthOf = (services: readonly object[], config?: object): Promise<SourceHealth> =>
  open(services, config).healthCheck(signal);

const pods = { replicas: { kubernetes: { namespace: 'shop', service: 'api' } } };
const at = (...ports: readonly number[]) => ({
  replicas: { addresses: ports.map((port) => `http://127.0.0.1:${port}`) },
});

test('asks the addresses that are configured, and says that others were not asked', async () => {
  const replica = await serveReplica((_, response) => response.end('209'));

  expect(await healthOf([at(replica.port), pods])).toEqual({
    ok: true,
    summary: '1 of 1 address responds; the replicas of s1 are found when a check runs, and were not asked',
  });
});

test('a replica that refuses the path, and one that is down, are not fine', async () => {
  const replica = await serveReplica((_, response) => response.writeHead(404).end());

  expect(await healthOf([at(replica.port, 1)])).toEqual({
    ok: false,
    summary: expect.stringMatching(
      /^0 of 2 addresses respond; failed: .*127\.0\.0\.1:1 refused the connection.*/,
    ) as string,
    hint: expect.stringMatching(/./) as string,
  });
  expect((await healthOf([at(replica.port)])).hint).toContain('correct `path`');
});

test('reads the files of services whose replicas are found later', async () => {
  expect(await healthOf([{ ...pods, scheme: 'https', ca: '/nonexistent/ca.pem' }])).toMatchObject({
    ok: false,
    summary: expect.stringContaining('/nonexistent/ca.pem') as string,
    hint: 'correct the path of the file',
  });
});

test('a timeout ends it', async () => {
  const controller = new AbortController();
  const replica = await serveReplica(() => controller.abort(new Error('deadline')));

  expect(await open([at(replica.port)]).healthCheck(controller.signal)).toEqual({
    ok: false,
    summary: '0 of 1 address responded before the timeout',
    hint: 'allow more time',
  });
});

test('verifies certificates for `serverName`, because replicas are asked by address', async () => {
  const authority = await makeAuthority({ name: 'replica ca' });
  const leaf = await issue(authority, { name: 'api.shop.svc' });
  const client = await issue(authority, { name: 'wrench', extendedKeyUsage: ['clientAuth'] });
  const folder = await mkdtemp(join(tmpdir(), 'wrench-builds-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = async (name: string, pem: string): Promise<string> => {
    await writeFile(join(folder, name), pem);
    return join(folder, name);
  };
  const server = createServer(
    {
      cert: leaf.certificatePem,
      key: leaf.keyPem,
      ca: authority.certificatePem,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (_, response) => response.end('209'),
  );
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const service = {
    replicas: { addresses: [`https://127.0.0.1:${port}`] },
    ca: await file('ca.pem', authority.certificatePem),
    serverName: 'api.shop.svc',
    clientCertificate: {
      cert: await file('cert.pem', client.certificatePem),
      key: await file('key.pem', client.keyPem),
    },
  };
  const { ca: _ca, ...withoutCa } = service;
  const { serverName: _name, ...withoutName } = service;
  const { clientCertificate: _client, ...withoutClient } = service;

  expect(await healthOf([service])).toEqual({ ok: true, summary: '1 of 1 address responds' });
  expect((await healthOf([withoutCa])).hint).toContain('set `ca`');
  expect((await healthOf([withoutName])).hint).toContain('set `serverName`');
  expect((await healthOf([withoutClient])).summary).toMatch(/requires? a client certificate/);
});
