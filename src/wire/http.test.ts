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

/** The message of the failure, which never contains the token. */
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

test('parses a response, also one with an accepted error status', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/gone') response.statusCode = 404;
    response.end('{"data":{"keys":[]}}');
  });
  expect(await ask(url)).toEqual({ status: 200, body: { data: { keys: [] } } });
  expect(await ask(`${url}/gone`, { accept: [404] })).toEqual({ status: 404, body: { data: { keys: [] } } });
});

test('accepts a response without a body', async () => {
  const url = await serve((_, response) => response.writeHead(204).end());
  expect(await ask(url, { method: 'POST', body: {} })).toEqual({ status: 204, body: undefined });
});

test('sends a body as JSON', async () => {
  const url = await serve((request, response) => {
    request.pipe(response.writeHead(200, { 'content-type': request.headers['content-type'] ?? '' }));
  });
  expect(await ask(url, { method: 'POST', body: { role: 'wrench' } })).toEqual({
    status: 200,
    body: { role: 'wrench' },
  });
});

test('keeps connections and reuses them', async () => {
  let connections = 0;
  const server = createServer((_, response) => response.end('{}'));
  server.on('connection', () => connections++);
  const url = `http://127.0.0.1:${await listen(server)}`;
  const client = open();
  for (let index = 0; index < 20; index++) {
    await client.requestJson({ url, timeoutMs: 5000, signal: new AbortController().signal });
  }
  // A request right after a response may find its connection still in use, so two take turns.
  expect(connections).toBeLessThanOrEqual(2);
});

test.each([
  [401, 'refused: HOST refused: permission denied (401)'],
  [403, 'refused: HOST refused: permission denied (403)'],
  [404, 'missing: HOST has nothing at this path (404)'],
  [400, 'refused: HOST refused the request (400)'],
  [412, 'unreachable: HOST is not up to date yet (412)'],
  [429, 'unreachable: HOST is rate limiting requests (429)'],
  [500, 'unreachable: HOST responded with an error (500)'],
  [503, 'unreachable: HOST responded with an error (503)'],
])('explains status %i', async (status, words) => {
  const url = await serve((_, response) => response.writeHead(status).end(`{"errors":["${TOKEN}"]}`));
  expect(await failure(ask(url, { retries: 0 }))).toBe(words);
});

test('explains a refused connection', async () => {
  const server = createTcpServer();
  const port = await listen(server);
  await closers.pop()!();
  expect(await failure(ask(`http://127.0.0.1:${port}`))).toBe(
    'unreachable: HOST refused the connection: nothing listens there',
  );
});

test('explains a name that does not exist', async () => {
  expect(await failure(ask('https://vault.invalid:8200/v1'))).toMatch(
    /^unreachable: vault\.invalid:8200 has no address: /,
  );
});

test('explains a server that accepts and never responds', async () => {
  const url = `http://127.0.0.1:${await listen(createTcpServer())}`;
  expect(await failure(ask(url, { timeoutMs: 100 }))).toBe("unreachable: HOST didn't respond within 100 ms");
});

test('the deadline stops a server that sends a byte at a time', async () => {
  const url = await serve((_, response) => {
    const drip = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(drip));
  });
  expect(await failure(ask(url, { timeoutMs: 200 }))).toBe("unreachable: HOST didn't respond within 200 ms");
});

test('rejects an endless body at the maximum size', async () => {
  let sent = 0;
  const url = await serve((_, response) => {
    const pour = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, ' '))) sent += 65_536;
    };
    response.on('drain', pour);
    pour();
  });
  expect(await failure(ask(url, { maxBytes: 1_000_000 }))).toBe(
    'malformed: HOST responded with more than 1 MB',
  );
  expect(sent).toBeLessThan(50_000_000);
});

test('explains a connection that is reset in the middle of every response', async () => {
  const url = await serve((_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"data":');
    setImmediate(() => response.socket?.resetAndDestroy());
  });
  expect(await failure(ask(url))).toBe(
    'unreachable: HOST closed the connection before its response was complete',
  );
});

test('returns a partial response if that is requested and retries did not help', async () => {
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

test('a kept connection that closes at the moment of reuse is not a failure', async () => {
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

test('never quotes a web page or anything else that is not JSON', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/page') response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(`<title>${TOKEN}</title>`);
  });
  expect(await failure(ask(`${url}/page`))).toBe(
    'malformed: HOST responded with a web page instead of JSON (200)',
  );
  expect(await failure(ask(url))).toBe('malformed: HOST responded with something other than JSON (200)');
});

test('explains a server that does not speak HTTP', async () => {
  const url = `http://127.0.0.1:${await listen(createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')))}`;
  expect(await failure(ask(url))).toBe("malformed: HOST doesn't speak HTTP");
});

test('reports a redirect to another origin and does not follow it, because it would receive the token', async () => {
  const seen: unknown[] = [];
  const other = await serve((request, response) => {
    seen.push(request.headers);
    response.end('{}');
  });
  const url = await serve((_, response) =>
    response.writeHead(307, { location: `${other}/v1/x?token=${TOKEN}` }).end(),
  );
  expect(await failure(ask(url))).toBe(
    'unreachable: HOST redirects to http://HOST, which was not followed: configure the final address',
  );
  expect(seen).toEqual([]);
});

test('reports a redirect to an unreachable host by its name, immediately', async () => {
  const url = await serve((_, response) =>
    response.writeHead(307, { location: 'https://active.vault.invalid:8200/v1/x' }).end(),
  );
  expect(await failure(ask(url))).toBe(
    'unreachable: HOST redirects to https://active.vault.invalid:8200, which was not followed: configure the final address',
  );
});

test('follows a redirect within the origin, but not in circles', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/circle') response.writeHead(301, { location: '/circle' }).end();
    else if (request.url === '/new') response.end(`{"token":${request.headers['x-vault-token'] === TOKEN}}`);
    else response.writeHead(301, { location: '/new' }).end();
  });
  expect(await ask(`${url}/old`)).toEqual({ status: 200, body: { token: true } });
  expect(await failure(ask(`${url}/circle`))).toMatch('redirects to itself');
});

test.each([412, 429, 502, 503, 504])('retries a read with status %i at most twice', async (status) => {
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

test('never retries a write', async () => {
  let asked = 0;
  const url = await serve((_, response) => {
    asked++;
    response.writeHead(503).end('{}');
  });
  await failure(ask(url, { method: 'POST', body: {} }));
  expect(asked).toBe(1);
});

test('does not wait for a Retry-After beyond the deadline', async () => {
  let asked = 0;
  const url = await serve((_, response) => {
    asked++;
    response.writeHead(429, { 'retry-after': '3600' }).end();
  });
  expect(await failure(ask(url, { timeoutMs: 1000 }))).toBe(
    'unreachable: HOST is rate limiting requests (429)',
  );
  expect(asked).toBe(1);
});

test('an aborted request fails with the reason of the signal', async () => {
  const stop = new AbortController();
  const reason = new Error('the worker shuts down');
  const url = await serve(() => stop.abort(reason));
  await expect(ask(url, { signal: stop.signal })).rejects.toBe(reason);
  await expect(ask(url, { signal: stop.signal })).rejects.toBe(reason);
});

test('neither sends nor shows credentials in an address', async () => {
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

test('reports a token with a line break without showing it', async () => {
  const url = await serve((_, response) => response.end('{}'));
  expect(await failure(ask(url, { headers: { 'x-vault-token': `${TOKEN}\n` } }))).toBe(
    "malformed: HOST was not queried: a header (the token?) contains characters that can't be sent",
  );
});

async function serveTls(options: ServerOptions): Promise<string> {
  return `https://127.0.0.1:${await listen(createTlsServer(options, (_, response) => response.end('{}')))}`;
}

test('trusts a certificate that the configured CA signed, and reports any other', async () => {
  const authority = await makeAuthority({ name: 'vault ca' });
  const other = await makeAuthority({ name: 'another ca' });
  const { certificatePem: cert, keyPem: key } = await issue(authority, {
    name: 'vault',
    names: ['127.0.0.1'],
  });
  const url = await serveTls({ cert, key });
  expect(await ask(url, {}, { ca: authority.certificatePem })).toEqual({ status: 200, body: {} });
  const untrusted = 'unreachable: the certificate of HOST is not trusted: set `ca` to the CA that signed it';
  expect(await failure(ask(url, {}, { ca: other.certificatePem }))).toBe(untrusted);
  expect(await failure(ask(url))).toBe(untrusted);
});

test('explains a certificate that has expired or is for another name', async () => {
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
    'unreachable: HOST presents a certificate that has expired',
  );
  expect(await failure(ask(elsewhereUrl, {}, { ca }))).toBe(
    'unreachable: HOST presents a certificate that is not valid for this name',
  );
  expect(await ask(elsewhereUrl, {}, { ca, servername: 'elsewhere.internal' })).toEqual({
    status: 200,
    body: {},
  });
});

test('sends the configured client certificate, and reports a server that requires one if none is configured', async () => {
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

test('explains https:// to a server that speaks http://', async () => {
  const url = await serve((_, response) => response.end('{}'));
  expect(await failure(ask(url.replace('http:', 'https:')))).toBe(
    "unreachable: HOST doesn't speak TLS: should the URL be http://?",
  );
});

test('explains a configured CA that is not PEM', async () => {
  const authority = await makeAuthority({ name: 'vault ca' });
  const { certificatePem: cert, keyPem: key } = await issue(authority, {
    name: 'vault',
    names: ['127.0.0.1'],
  });
  const url = await serveTls({ cert, key });
  const pem = '-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n';
  expect(await failure(ask(url, {}, { ca: authority.certificatePem, cert: pem, key: pem }))).toBe(
    "malformed: couldn't read the CA, certificate or key configured for HOST",
  );
});

test('decodes Latin-1 if that is requested', async () => {
  const url = await serve((_, response) => response.end(Buffer.from('zähler', 'latin1')));
  const request = { url, timeoutMs: 5000, signal: new AbortController().signal };
  expect(await open().requestText({ ...request, encoding: 'latin1' })).toMatchObject({ text: 'zähler' });
});

test('returns an unparsed response with its header names in lower case', async () => {
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

test('returns a redirect and does not follow it if its status is accepted', async () => {
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

test('sends a form', async () => {
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
