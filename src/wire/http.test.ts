import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { SourceError } from '../ports/source-error.ts';
import { issue, makeAuthority } from '../../test/world/ca.ts';
import { openHttp } from './http.ts';
import type { HttpTls, HttpRequest, PlainHttpClient } from './http.ts';

const TOKEN = 'hvs.canary-token-0f9e';
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function listen(server: NetServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        for (const socket of sockets) socket.destroy();
      }),
  );
  return (server.address() as AddressInfo).port;
}

async function serve(answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(answer))}`;
}

function open(tls?: HttpTls): PlainHttpClient {
  const client = openHttp({ source: 'vault', ...(tls ? { tls } : {}) });
  closers.push(client.close);
  return client;
}

function ask(url: string, request: Partial<HttpRequest> = {}, tls?: HttpTls): Promise<unknown> {
  return open(tls).requestJson({
    url,
    headers: { 'x-vault-token': TOKEN },
    timeoutMs: 5000,
    signal: new AbortController().signal,
    ...request,
  });
}

/** What a person reads of the failure; whatever else it is, it holds no token. */
async function failure(answer: Promise<unknown>): Promise<string> {
  const error: unknown = await answer.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(SourceError);
  const { source, kind, message, stack, cause } = error as SourceError;
  expect(source).toBe('vault');
  expect(JSON.stringify([message, stack, cause])).not.toContain(TOKEN);
  return `${kind}: ${message.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')}`;
}

test('an answer is parsed, and a status that was asked for is an answer too', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/gone') response.statusCode = 404;
    response.end('{"data":{"keys":[]}}');
  });
  expect(await ask(url)).toEqual({ status: 200, body: { data: { keys: [] } } });
  expect(await ask(`${url}/gone`, { accept: [404] })).toEqual({ status: 404, body: { data: { keys: [] } } });
});

test('an answer without a body is an answer', async () => {
  const url = await serve((_, response) => response.writeHead(204).end());
  expect(await ask(url, { method: 'POST', body: {} })).toEqual({ status: 204, body: undefined });
});

test('a body is sent as JSON', async () => {
  const url = await serve((request, response) => {
    request.pipe(response.writeHead(200, { 'content-type': request.headers['content-type'] ?? '' }));
  });
  expect(await ask(url, { method: 'POST', body: { role: 'wrench' } })).toEqual({
    status: 200,
    body: { role: 'wrench' },
  });
});

test('connections are kept and used again', async () => {
  let connections = 0;
  const server = createServer((_, response) => response.end('{}'));
  server.on('connection', () => connections++);
  const url = `http://127.0.0.1:${await listen(server)}`;
  const client = open();
  for (let index = 0; index < 20; index++) {
    await client.requestJson({ url, timeoutMs: 5000, signal: new AbortController().signal });
  }
  // A question right behind an answer may find its connection not yet set free: two are used in turn.
  expect(connections).toBeLessThanOrEqual(2);
});

test.each([
  [401, 'refused: HOST refused: permission denied (401)'],
  [403, 'refused: HOST refused: permission denied (403)'],
  [404, 'missing: HOST has nothing there (404)'],
  [400, 'refused: HOST refused the request (400)'],
  [412, 'unreachable: HOST is not up to date yet (412)'],
  [429, 'unreachable: HOST asks for fewer requests (429)'],
  [500, 'unreachable: HOST answered with an error (500)'],
  [503, 'unreachable: HOST answered with an error (503)'],
])('status %i is told in plain words', async (status, words) => {
  const url = await serve((_, response) => response.writeHead(status).end(`{"errors":["${TOKEN}"]}`));
  expect(await failure(ask(url, { retries: 0 }))).toBe(words);
});

test('a server that is not there', async () => {
  const server = createTcpServer();
  const port = await listen(server);
  await closers.pop()!();
  expect(await failure(ask(`http://127.0.0.1:${port}`))).toBe(
    'unreachable: HOST refused the connection: nothing listens there',
  );
});

test('a name that does not exist', async () => {
  expect(await failure(ask('https://vault.invalid:8200/v1'))).toMatch(
    /^unreachable: vault\.invalid:8200 has no address: /,
  );
});

test('a server that accepts and then says nothing', async () => {
  const url = `http://127.0.0.1:${await listen(createTcpServer())}`;
  expect(await failure(ask(url, { timeoutMs: 100 }))).toBe('unreachable: HOST did not answer within 100 ms');
});

test('a server that drips a byte at a time is stopped by the deadline, not kept waiting for', async () => {
  const url = await serve((_, response) => {
    const drip = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(drip));
  });
  expect(await failure(ask(url, { timeoutMs: 200 }))).toBe('unreachable: HOST did not answer within 200 ms');
});

test('an endless body is cut at the cap', async () => {
  let sent = 0;
  const url = await serve((_, response) => {
    const pour = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, ' '))) sent += 65_536;
    };
    response.on('drain', pour);
    pour();
  });
  expect(await failure(ask(url, { maxBytes: 1_000_000 }))).toBe(
    'malformed: HOST answered with more than 1 MB',
  );
  expect(sent).toBeLessThan(50_000_000);
});

test('a connection reset half-way through every answer', async () => {
  const url = await serve((_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"data":');
    setImmediate(() => response.socket?.resetAndDestroy());
  });
  expect(await failure(ask(url))).toBe(
    'unreachable: HOST closed the connection before its answer was complete',
  );
});

test('what came before a connection ended is the answer where a part of it is of use, once asking again did not help', async () => {
  let asked = 0;
  const url = await serve((_, response) => {
    asked += 1;
    response.writeHead(200, { 'content-length': '100' });
    response.write('<monit>', () => response.socket?.end());
  });
  const request: HttpRequest = { url, timeoutMs: 5000, signal: new AbortController().signal, partial: true };
  expect((await open().requestText(request)).text).toBe('<monit>');
  expect(asked).toBe(3);
});

test('a kept connection that was closed in the moment of use is not a failure', async () => {
  let asked = 0;
  const url = await serve((_, response) => {
    if (++asked === 2) response.socket?.resetAndDestroy();
    else response.end('{}');
  });
  const client = open();
  const request: HttpRequest = { url, timeoutMs: 5000, signal: new AbortController().signal };
  await client.requestJson(request);
  expect(await client.requestJson(request)).toEqual({ status: 200, body: {} });
  await expect(client.requestJson({ ...request, method: 'POST' })).resolves.toBeDefined();
});

test('a web page instead of JSON, and other things that are not JSON, are never quoted', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/page') response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(`<title>${TOKEN}</title>`);
  });
  expect(await failure(ask(`${url}/page`))).toBe('malformed: HOST answered 200 with a web page, not JSON');
  expect(await failure(ask(url))).toBe('malformed: HOST answered 200 with something that is not JSON');
});

test('a server that does not speak HTTP', async () => {
  const url = `http://127.0.0.1:${await listen(createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')))}`;
  expect(await failure(ask(url))).toBe('malformed: HOST does not speak HTTP');
});

test('a redirect to another origin is told and not followed: it would be handed the token', async () => {
  const seen: unknown[] = [];
  const other = await serve((request, response) => {
    seen.push(request.headers);
    response.end('{}');
  });
  const url = await serve((_, response) =>
    response.writeHead(307, { location: `${other}/v1/x?token=${TOKEN}` }).end(),
  );
  expect(await failure(ask(url))).toBe(
    'unreachable: HOST redirects to http://HOST, which was not followed: configure the address that answers',
  );
  expect(seen).toEqual([]);
});

test('a redirect to a host that cannot be reached is told by its name, at once', async () => {
  const url = await serve((_, response) =>
    response.writeHead(307, { location: 'https://active.vault.invalid:8200/v1/x' }).end(),
  );
  expect(await failure(ask(url))).toBe(
    'unreachable: HOST redirects to https://active.vault.invalid:8200, which was not followed: configure the address that answers',
  );
});

test('a redirect within the origin is followed, but not in circles', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/circle') response.writeHead(301, { location: '/circle' }).end();
    else if (request.url === '/new') response.end(`{"token":${request.headers['x-vault-token'] === TOKEN}}`);
    else response.writeHead(301, { location: '/new' }).end();
  });
  expect(await ask(`${url}/old`)).toEqual({ status: 200, body: { token: true } });
  expect(await failure(ask(`${url}/circle`))).toMatch('redirects to itself');
});

test.each([412, 429, 502, 503, 504])('a read that meets %i is asked again, twice at most', async (status) => {
  let asked = 0;
  const url = await serve((request, response) => {
    asked++;
    response.statusCode = request.url === '/never' || asked < 3 ? status : 200;
    if (status === 429) response.setHeader('retry-after', '0');
    response.end('{}');
  });
  expect(await ask(url)).toEqual({ status: 200, body: {} });
  asked = 0;
  await failure(ask(`${url}/never`));
  expect(asked).toBe(3);
});

test('a write is never asked again', async () => {
  let asked = 0;
  const url = await serve((_, response) => {
    asked++;
    response.writeHead(503).end('{}');
  });
  await failure(ask(url, { method: 'POST', body: {} }));
  expect(asked).toBe(1);
});

test('a Retry-After beyond the deadline is not waited for', async () => {
  let asked = 0;
  const url = await serve((_, response) => {
    asked++;
    response.writeHead(429, { 'retry-after': '3600' }).end();
  });
  expect(await failure(ask(url, { timeoutMs: 1000 }))).toBe(
    'unreachable: HOST asks for fewer requests (429)',
  );
  expect(asked).toBe(1);
});

test('a check that is stopped stops waiting, with the reason it was stopped for', async () => {
  const stop = new AbortController();
  const reason = new Error('the worker shuts down');
  const url = await serve(() => stop.abort(reason));
  await expect(ask(url, { signal: stop.signal })).rejects.toBe(reason);
  await expect(ask(url, { signal: stop.signal })).rejects.toBe(reason);
});

test('credentials in an address are neither sent nor repeated', async () => {
  const seen: unknown[] = [];
  const url = await serve((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(500).end();
  });
  await failure(ask(url.replace('http://', `http://admin:${TOKEN}@`), { retries: 0 }));
  expect(seen).toEqual([undefined]);
  expect(await failure(ask(`ftp://admin:${TOKEN}@host`))).toBe(
    'malformed: the address is not an http:// or https:// URL',
  );
  expect(await failure(ask(`http://admin:${TOKEN}@host:99999`))).toMatch('is not an http:// or https:// URL');
});

test('a token with a line break in it is told without being shown', async () => {
  const url = await serve((_, response) => response.end('{}'));
  expect(await failure(ask(url, { headers: { 'x-vault-token': `${TOKEN}\n` } }))).toBe(
    'malformed: HOST was not asked: a header (a token?) holds characters that cannot be sent',
  );
});

async function serveTls(options: ServerOptions): Promise<string> {
  return `https://127.0.0.1:${await listen(createTlsServer(options, (_, response) => response.end('{}')))}`;
}

test('a server whose certificate the configured authority signed is trusted, another authority is said so', async () => {
  const authority = await makeAuthority({ name: 'vault ca' });
  const other = await makeAuthority({ name: 'another ca' });
  const { certificatePem: cert, keyPem: key } = await issue(authority, {
    name: 'vault',
    names: ['127.0.0.1'],
  });
  const url = await serveTls({ cert, key });
  expect(await ask(url, {}, { ca: authority.certificatePem })).toEqual({ status: 200, body: {} });
  const untrusted =
    'unreachable: the certificate of HOST is not trusted: configure the authority (ca) that signed it';
  expect(await failure(ask(url, {}, { ca: other.certificatePem }))).toBe(untrusted);
  expect(await failure(ask(url))).toBe(untrusted);
});

test('a server whose certificate has expired, or is for another name', async () => {
  const authority = await makeAuthority({ name: 'vault ca' });
  const expired = await issue(authority, {
    name: 'vault',
    names: ['127.0.0.1'],
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2021-01-01'),
  });
  const elsewhere = await issue(authority, { name: 'elsewhere', names: ['elsewhere.internal'] });
  const ca = authority.certificatePem;
  const expiredUrl = await serveTls({ cert: expired.certificatePem, key: expired.keyPem });
  const elsewhereUrl = await serveTls({ cert: elsewhere.certificatePem, key: elsewhere.keyPem });
  expect(await failure(ask(expiredUrl, {}, { ca }))).toBe(
    'unreachable: HOST shows a certificate that has expired',
  );
  expect(await failure(ask(elsewhereUrl, {}, { ca }))).toBe(
    'unreachable: HOST shows a certificate that is not valid for this name',
  );
  expect(await ask(elsewhereUrl, {}, { ca, servername: 'elsewhere.internal' })).toEqual({
    status: 200,
    body: {},
  });
});

test('a server that requires a client certificate gets the configured one, and is named where there is none', async () => {
  const authority = await makeAuthority({ name: 'vault ca' });
  const server = await issue(authority, { name: 'vault', names: ['127.0.0.1'] });
  const client = await issue(authority, { name: 'wrench', extendedKeyUsage: ['clientAuth'] });
  const ca = authority.certificatePem;
  const asks = {
    cert: server.certificatePem,
    key: server.keyPem,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
  };
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const url = await serveTls({ ...asks, maxVersion });
    expect(await ask(url, {}, { ca, cert: client.certificatePem, key: client.keyPem })).toEqual({
      status: 200,
      body: {},
    });
    expect(await failure(ask(url, {}, { ca }))).toMatch('client certificate');
  }
});

test('https:// asked of a server that speaks http://', async () => {
  const url = await serve((_, response) => response.end('{}'));
  expect(await failure(ask(url.replace('http:', 'https:')))).toBe(
    'unreachable: HOST does not speak TLS: is it http:// and not https://?',
  );
});

test('a configured authority that is no PEM', async () => {
  const authority = await makeAuthority({ name: 'vault ca' });
  const { certificatePem: cert, keyPem: key } = await issue(authority, {
    name: 'vault',
    names: ['127.0.0.1'],
  });
  const url = await serveTls({ cert, key });
  const pem = '-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n';
  expect(await failure(ask(url, {}, { ca: authority.certificatePem, cert: pem, key: pem }))).toBe(
    'malformed: the ca, certificate or key configured for HOST cannot be read',
  );
});

test('text of an age before UTF-8 is read as it was meant', async () => {
  const url = await serve((_, response) => response.end(Buffer.from('zähler', 'latin1')));
  const request = { url, timeoutMs: 5000, signal: new AbortController().signal };
  expect(await open().requestText({ ...request, encoding: 'latin1' })).toMatchObject({ text: 'zähler' });
});

test('an answer can be had as it came, with its headers in lower case however they were written', async () => {
  const url = await serve((_, response) => {
    response.writeHead(500, ['X-ETCD-Index', '7', 'Content-Type', 'text/plain']);
    response.end('etcd 2.0.12');
  });
  const request = { url, timeoutMs: 5000, signal: new AbortController().signal, accept: [500] };
  expect(await open().requestText(request)).toMatchObject({
    status: 500,
    text: 'etcd 2.0.12',
    headers: { 'x-etcd-index': '7', 'content-type': 'text/plain' },
  });
});

test('a redirect that was asked for is given back and not followed', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/') response.writeHead(302, { location: 'https://elsewhere.invalid/tasks/1' });
    response.end();
  });
  const request = { url, timeoutMs: 5000, signal: new AbortController().signal, accept: [302] };
  expect(await open().requestText(request)).toMatchObject({
    status: 302,
    headers: { location: 'https://elsewhere.invalid/tasks/1' },
  });
});

test('a form is sent as a form', async () => {
  const url = await serve((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      response.end(JSON.stringify([request.headers['content-type'], Buffer.concat(chunks).toString()]));
    })();
  });
  expect(await ask(url, { method: 'POST', form: { action: 'restart', token: 'a&b' } })).toEqual({
    status: 200,
    body: ['application/x-www-form-urlencoded', 'action=restart&token=a%26b'],
  });
});
