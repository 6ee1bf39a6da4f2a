import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type HttpServer, makeHttpServer } from './http-server.ts';
import { makeLog } from './log.ts';
import { makeMetrics, type Metrics } from './metrics.ts';
import { currentListener } from './request-scope.ts';

let log: string[];
let metrics: Metrics;
let server: HttpServer;
let port: number;
let sockets: Socket[];
let isReset: PromiseWithResolvers<void>;

beforeEach(async () => {
  log = [];
  sockets = [];
  isReset = Promise.withResolvers();
  metrics = makeMetrics();
  server = makeHttpServer({
    name: 'lab',
    routes: {
      '/ok': { methods: ['GET', 'HEAD'], handle: async () => ({ status: 200, body: 'ok\n' }) },
      '/post': { methods: ['POST'], handle: async () => ({ status: 200 }) },
      '/read': {
        methods: ['POST'],
        handle: async (request) => ({ status: 200, body: await text(request).catch(() => '') }),
      },
      '/scope': { methods: ['GET'], handle: async () => ({ status: 200, body: String(currentListener()) }) },
      '/throws': {
        methods: ['GET'],
        handle: async () => {
          throw new TypeError('a bug of the lab');
        },
      },
      '/large': {
        methods: ['GET'],
        handle: async (request) => {
          request.socket.once('close', isReset.resolve);
          return { status: 200, body: 'x'.repeat(50_000_000) };
        },
      },
    },
    log: makeLog({ level: 'debug', secrets: [], to: { write: (line) => log.push(line) } }),
    metrics,
  });
  port = await server.listen(0, '127.0.0.1');
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await server.close();
});

async function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Sends bytes as they are and reads until the server closes. */
async function send(bytes: string | Buffer): Promise<string> {
  const socket = await open();
  socket.write(bytes);
  return text(socket).catch(() => '');
}

const ask = (line: string, headers = 'Host: x\r\nConnection: close\r\n') => send(`${line}\r\n${headers}\r\n`);
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);

test.each([
  ['GET // HTTP/1.1', 404],
  ['GET //a:99999999/ HTTP/1.1', 404],
  ['GET /\\ HTTP/1.1', 404],
  ['GET /__proto__ HTTP/1.1', 404],
  ['GET /ok/../constructor HTTP/1.1', 404],
  ['GET /%zz HTTP/1.1', 404],
  ['GET /nothing HTTP/1.1', 404],
  ['GET http://[ HTTP/1.1', 400],
  ['GET http://a:99999999/ HTTP/1.1', 400],
  ['GET ok HTTP/1.1', 400],
  ['OPTIONS * HTTP/1.1', 400],
  ['GET ftp://x/ok HTTP/1.1', 400],
  ['GET  HTTP/1.1', 400],
  ['GET /ok HTTP/9.9', 400],
  ['G@T /ok HTTP/1.1', 400],
  ['GET /ok', 200],
  ['POST /ok HTTP/1.1', 405],
  ['OPTIONS /ok HTTP/1.1', 405],
  ['TRACE /ok HTTP/1.1', 405],
  ['GET /post HTTP/1.1', 405],
  ['CONNECT example.com:443 HTTP/1.1', 405],
  ['CONNECT // HTTP/1.1', 405],
  ['GET /ok HTTP/1.1', 200],
  ['GET /ok?a=%zz#b HTTP/1.1', 200],
  ['GET http://x/ok HTTP/1.1', 200],
  ['HEAD /ok HTTP/1.1', 200],
])('%s is answered with %i', async (line, status) => {
  expect(statusOf(await ask(line))).toBe(status);
  expect((await get('/ok')).status).toBe(200);
});

test('a wrong method is answered with those allowed', async () => {
  expect(await ask('DELETE /ok HTTP/1.1')).toMatch(/^allow: GET, HEAD\r$/m);
  expect(await ask('CONNECT x:1 HTTP/1.1')).toMatch(/^Allow: GET, HEAD, POST\r$/m);
});

test('HEAD is answered without a body', async () => {
  const answer = await ask('HEAD /ok HTTP/1.1');

  expect(answer).toMatch(/^content-type: text\/plain\r$/m);
  expect(answer.endsWith('\r\n\r\n')).toBe(true);
});

test.each([
  ['bytes that are no HTTP', Buffer.from([0, 1, 2, 0xff, 0xfe, 13, 10, 13, 10]), 400],
  ['a TLS handshake', Buffer.from('16030100a5010000a10303', 'hex'), 400],
  ['headers that are too large', `GET /ok HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ['a header without a colon', 'GET /ok HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n', 400],
  ['two lengths', 'POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
  [
    'a chunk without a length',
    'POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    400,
  ],
  ['no host', 'GET /ok HTTP/1.1\r\n\r\n', 400],
  ['an expectation', 'GET /ok HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\nConnection: close\r\n\r\n', 417],
  [
    'an upgrade',
    'GET /ok HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n',
    200,
  ],
])('a request with %s is answered', async (_, bytes, status) => {
  expect(statusOf(await send(bytes))).toBe(status);
  expect((await get('/ok')).status).toBe(200);
});

test('an error in a route is answered with 500, logged and counted', async () => {
  expect((await get('/throws')).status).toBe(500);

  expect(await metrics.registry.getSingleMetricAsString('wrench_request_errors_total')).toContain(
    'wrench_request_errors_total{listener="lab"} 1',
  );
  expect(log.join('')).toContain('a bug of the lab');
  expect((await get('/ok')).status).toBe(200);
});

test('a route runs as part of a request', async () => {
  expect(await (await get('/scope')).text()).toBe('lab');
  expect(currentListener()).toBeUndefined();
});

test('a client that resets the connection during an answer does not crash the server', async () => {
  const socket = await open();
  socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'data');
  socket.resetAndDestroy();
  await isReset.promise;

  expect((await get('/ok')).status).toBe(200);
});

test('connections that send nothing do not block others', async () => {
  const parked = await Promise.all(Array.from({ length: 1_200 }, open));
  // The longest idle ones are closed.
  await expect
    .poll(() => parked.filter((socket) => socket.closed || socket.readableEnded).length)
    .toBeGreaterThan(0);

  expect((await get('/ok')).status).toBe(200);
});

test('bodies that never arrive do not block others', async () => {
  const parked = await Promise.all(Array.from({ length: 1_100 }, open));
  for (const socket of parked)
    socket.write('POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
  await expect
    .poll(() => parked.filter((socket) => socket.closed || socket.readableEnded).length)
    .toBeGreaterThan(0);

  // A connection that was kept from an earlier request may be among those that are closed.
  const status = () =>
    get('/ok').then(
      (response) => response.status,
      () => undefined,
    );
  await expect.poll(status).toBe(200);
});

test('a connection stays open for longer than a proxy may reuse it', async () => {
  const { headers } = await get('/ok');

  expect(Number(/timeout=(\d+)/.exec(headers.get('keep-alive') ?? '')?.[1])).toBeGreaterThan(60);
});

test('it closes despite idle connections and incomplete requests', async () => {
  await open();
  (await open()).write('POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
  (await open()).write('GET /ok HT');

  await server.close();

  expect(server.isListening()).toBe(false);
});

test('a port that is taken is reported', async () => {
  const other = makeHttpServer({
    name: 'other',
    routes: {},
    log: makeLog({ level: 'silent', secrets: [] }),
    metrics,
  });

  await expect(other.listen(port, '127.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
