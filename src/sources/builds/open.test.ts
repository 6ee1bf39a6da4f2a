import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { assert, asyncProperty, constantFrom, nat, oneof, tuple, uint8Array } from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serveReplica, serveSocket, type TestReplica } from '../../../test/world/replicas.ts';
import type { BuildAnswer } from '../../ports/builds.ts';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { buildsConfig } from './config.ts';
import type { ResolveName } from './lookup-allowed.ts';
import { openBuilds } from './open.ts';

const { signal } = new AbortController();
/** For replicas that respond: far longer than a response over loopback takes. */
const LONG_MS = 30_000;
/** For replicas that never respond completely. */
const SHORT_MS = 200;
const CANARY = 'canary-5be1c07a';

interface OpenOptions {
  readonly service?: object;
  readonly config?: object;
  readonly resolve?: ResolveName;
}

function open({ service = {}, config = {}, resolve }: OpenOptions = {}): Source {
  const replicas = 'replicas' in service ? {} : { replicas: { containers: { name: 'api' } }, port: 8080 };
  const source = openBuilds(
    buildsConfig.parse({
      kind: 'builds',
      services: [{ name: 'shop/api', path: '/diagnostics', ...replicas, ...service }],
      hosts: ['127.0.0.0/8'],
      timeoutMs: LONG_MS,
      ...config,
    }),
    resolve && { resolve },
  );
  onTestFinished(source.close);
  return source;
}

const ask = (source: Source, port: number, host = '127.0.0.1') =>
  source.reads.builds!.ask({ service: 'shop/api', host, port, signal });

const failureOf = (asked: Promise<unknown>): Promise<SourceError> =>
  asked.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error as SourceError,
  );

const text =
  (body: string | Buffer, headers: Record<string, string> = {}, status = 200): RequestListener =>
  (_, response) =>
    void response.writeHead(status, headers).end(body);

test('asks a replica at its own address for the configured path, over its own connection', async () => {
  const headers: Record<string, unknown>[] = [];
  const replica = await serveReplica((request, response) => {
    headers.push(request.headers);
    response.writeHead(200, { 'content-type': 'application/JSON; charset=utf-8' }).end('{"buildNumber":209}');
  });
  const source = open({ service: { headers: { 'X-Tenant': 'a', host: 'api.shop.example' } } });

  const answers = [await ask(source, replica.port), await ask(source, replica.port)];

  expect(answers[1]).toEqual({
    url: `http://127.0.0.1:${replica.port}/diagnostics`,
    status: 200,
    contentType: 'application/json',
    body: '{"buildNumber":209}',
  });
  expect(replica.requests).toEqual(['GET /diagnostics', 'GET /diagnostics']);
  expect(replica.connections()).toBe(2);
  expect(headers[0]).toMatchObject({
    connection: 'close',
    host: 'api.shop.example',
    'x-tenant': 'a',
    'accept-encoding': 'identity',
    'user-agent': 'wrench',
  });
});

test('lists its services as configured, without a request', () => {
  const services = [
    {
      name: 'shop/api',
      replicas: { kubernetes: { namespace: 'shop', service: 'api', cluster: 'prod-eu' } },
      port: 'http',
      path: '/',
      build: { pointer: '/meta/build' },
      expected: { annotation: 'example.com/build' },
      container: 'api',
    },
    { name: 'a', replicas: { containers: { labels: { app: 'a' } } }, port: 1, path: '/', build: 'text' },
    {
      name: 'b',
      replicas: { swarm: { service: 'b', engines: 'swarm' } },
      port: 2,
      path: '/',
      build: { header: 'X-Build' },
      expected: { label: 'build' },
    },
    { name: 'c', replicas: { addresses: ['http://c-1:3000/'] }, path: '/' },
  ];

  expect(open({ config: { services } }).reads.builds!.services).toEqual([
    {
      name: 'shop/api',
      replicas: { kind: 'kubernetes', namespace: 'shop', service: 'api', cluster: 'prod-eu', port: 'http' },
      build: { kind: 'pointer', pointer: '/meta/build' },
      expected: { kind: 'annotation', name: 'example.com/build' },
      container: 'api',
    },
    {
      name: 'a',
      replicas: { kind: 'containers', labels: { app: 'a' }, port: 1 },
      build: { kind: 'text' },
    },
    {
      name: 'b',
      replicas: { kind: 'swarm', service: 'b', engines: 'swarm', port: 2 },
      build: { kind: 'header', header: 'X-Build' },
      expected: { kind: 'label', name: 'build' },
    },
    {
      name: 'c',
      replicas: { kind: 'addresses', addresses: ['http://c-1:3000'] },
      build: { kind: 'auto' },
    },
  ]);
});

describe('a response', () => {
  test.each([301, 302, 307, 308])('%i is returned, and the redirect is not followed', async (status) => {
    const elsewhere = await serveReplica(text('{"buildNumber":210}'));
    const location = `http://127.0.0.1:${elsewhere.port}/diagnostics`;
    const replica = await serveReplica(text('', { location }, status));

    expect(await ask(open(), replica.port)).toMatchObject({ status, body: '' });
    expect(elsewhere.connections()).toBe(0);
    expect(replica.requests).toHaveLength(1);
  });

  test.each([204, 401, 404, 429, 500, 503])(
    '%i is returned, and the replica is not asked again',
    async (status) => {
      const replica = await serveReplica(
        text(status === 204 ? '' : 'no build', { 'retry-after': '0' }, status),
      );

      expect((await ask(open(), replica.port)).status).toBe(status);
      expect(replica.requests).toHaveLength(1);
    },
  );

  test('has a body of at most 64 KiB; more is not read', async () => {
    const all = await serveReplica(text('7'.repeat(65_536)));
    const endless = await serveReplica((_, response) => {
      response.writeHead(200, { 'x-build': '209' });
      const more = (): void => {
        while (response.writable && response.write('7'.repeat(16_384)));
      };
      response.on('drain', more);
      more();
    });
    const source = open({ service: { build: { header: 'X-Build' } } });

    expect(await ask(source, all.port)).toMatchObject({ body: '7'.repeat(65_536) });
    expect(await ask(source, endless.port)).toEqual({
      url: `http://127.0.0.1:${endless.port}/diagnostics`,
      status: 200,
      header: '209',
      isTooLarge: true,
    });
  });

  test.each([
    ['compressed', gzipSync('{"buildNumber":209}'), { 'content-encoding': 'gzip' }],
    ['not UTF-8', Buffer.from('K\u00F6ln 209', 'latin1'), {}],
    ['UTF-16', Buffer.from('\uFEFF209', 'utf16le'), {}],
    ['cut inside a character', Buffer.from('209 \u20AC').subarray(0, 5), {}],
  ])('that is %s has no body', async (_, body, headers) => {
    const replica = await serveReplica(text(body, headers));

    const answer = await ask(open(), replica.port);

    expect(answer.status).toBe(200);
    expect(answer).not.toHaveProperty('body');
    expect(answer).not.toHaveProperty('isTooLarge');
  });

  test('is read as UTF-8, without a byte order mark', async () => {
    const replica = await serveReplica(
      text('\uFEFF{"version":"K\u00F6ln-209"}', { 'content-type': 'text/plain; charset=latin1' }),
    );

    expect(await ask(open(), replica.port)).toMatchObject({
      contentType: 'text/plain',
      body: '{"version":"K\u00F6ln-209"}',
    });
  });

  test('has all values of the configured header, without control characters', async () => {
    const replica = await serveReplica((_, response) => {
      response.setHeader('X-Build', ['209', '210\u009B31m']);
      response.end();
    });

    expect((await ask(open({ service: { build: { header: 'X-BUILD' } } }), replica.port)).header).toBe(
      '209, 210\uFFFD31m',
    );
  });

  test('does not show the query of the path, which may have a token', async () => {
    const replica = await serveReplica(text('209'));
    const source = open({ service: { path: `/version?token=${CANARY}` } });

    expect((await ask(source, replica.port)).url).toBe(`http://127.0.0.1:${replica.port}/version`);
    expect(replica.requests).toEqual([`GET /version?token=${CANARY}`]);
  });
});

describe('a replica that does not respond', () => {
  const drip = (text: string) => (socket: Socket) => {
    socket.write(text);
    const timer = setInterval(() => socket.write('x: y\r\n'), 20);
    socket.on('close', () => clearInterval(timer));
  };

  test.each<[string, () => Promise<TestReplica>]>([
    ['never', () => serveReplica(() => undefined)],
    ['with headers that do not end', () => serveSocket(drip('HTTP/1.1 200 OK\r\n'))],
    [
      'with a body that does not end',
      () =>
        serveReplica((_, response) => {
          const timer = setInterval(() => response.write('2'), 20);
          response.on('close', () => clearInterval(timer));
        }),
    ],
  ])('%s is asked three times, and then unreachable', async (_, serve) => {
    const replica = await serve();
    const source = open({ config: { timeoutMs: SHORT_MS } });

    expect(await failureOf(ask(source, replica.port))).toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/didn't respond within 200 ms|headers that are too large/) as string,
    });
    expect(replica.connections()).toBeGreaterThanOrEqual(1);
    expect(replica.connections()).toBeLessThanOrEqual(3);
  });

  test('at first is asked again', async () => {
    const replica = await serveSocket((socket, connection) => {
      if (connection < 3) socket.resetAndDestroy();
      else socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n209'));
    });

    expect(await ask(open(), replica.port)).toMatchObject({ status: 200, body: '209' });
    expect(replica.connections()).toBe(3);
  });

  test('completely is never returned in part', async () => {
    const replica = await serveSocket((socket) =>
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"buildNumber":209'),
      ),
    );

    expect((await failureOf(ask(open(), replica.port))).kind).toBe('unreachable');
    expect(replica.connections()).toBe(3);
  });

  test.each([
    ['nothing listens', undefined, 'unreachable', /refused the connection: nothing listens there/],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'malformed', /doesn't speak HTTP/],
    ['headers of a megabyte', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1_000_000)}`, 'malformed', /too large/],
  ] as const)('because of %s is not asked again', async (_, sent, kind, message) => {
    const replica = await serveSocket((socket) =>
      socket.once('data', () => (sent === undefined ? socket.destroy() : socket.write(sent))),
    );
    const port = sent === undefined ? 1 : replica.port;

    expect(await failureOf(ask(open(), port))).toMatchObject({
      kind,
      message: expect.stringMatching(message) as string,
    });
    expect(replica.connections()).toBe(sent === undefined ? 0 : 1);
  });

  test('is not asked again once many others did not respond either', async () => {
    const replica = await serveReplica(() => undefined);
    const source = open({ config: { timeoutMs: 100, retries: 1 } });
    await Promise.all(Array.from({ length: 20 }, () => failureOf(ask(source, replica.port))));
    const before = replica.connections();

    await failureOf(ask(source, replica.port));

    expect(replica.connections() - before).toBe(1);
  });

  test('delays no others', async () => {
    const hung = await serveReplica(() => undefined);
    const replica = await serveReplica(text('209'));
    const source = open();
    const controller = new AbortController();
    const asked = Array.from({ length: 64 }, () =>
      source.reads
        .builds!.ask({ service: 'shop/api', host: '127.0.0.1', port: hung.port, signal: controller.signal })
        .catch((error: unknown) => error),
    );

    expect((await ask(source, replica.port)).body).toBe('209');

    const reason = new Error('the check has ended');
    controller.abort(reason);
    expect(new Set(await Promise.all(asked))).toEqual(new Set([reason]));
  });
});

describe('a host', () => {
  test('that is not allowed is not connected to, and the error names the setting', async () => {
    const replica = await serveReplica(text('209'));
    const source = open({ config: { hosts: ['10.0.0.0/8', '0.0.0.0/0'] } });

    for (const host of ['127.0.0.1', '::ffff:127.0.0.1', '2130706433', '0x7f.1', '0'])
      expect(await failureOf(ask(source, replica.port, host))).toMatchObject({
        kind: 'refused',
        message: expect.stringMatching(
          /^[\w.:]+ was not asked: add it or its network to `hosts` of the source builds$/,
        ) as string,
      });
    expect(replica.connections()).toBe(0);
  });

  test.each(['fe80::1%lo', 'a b', 'user@host', 'host/path', ''])('%j is no host', async (host) => {
    expect((await failureOf(ask(open(), 80, host))).kind).toBe('malformed');
  });

  test('is asked at the address that was allowed, whatever its name resolves to next', async () => {
    const replica = await serveReplica(text('209'));
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    const source = open({
      resolve: async () => (answers.shift() ?? []).map((address) => ({ address, family: 4 })),
    });

    expect(await ask(source, replica.port, 'node-b.example')).toMatchObject({
      url: `http://node-b.example:${replica.port}/diagnostics`,
      body: '209',
    });
    expect(answers).toHaveLength(1);
    expect(await failureOf(ask(source, replica.port, 'node-b.example'))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('169.254.169.254') as string,
    });
  });

  test('whose name is listed may not be this machine', async () => {
    const replica = await serveReplica(text('209'));
    const resolve: ResolveName = async () => [{ address: '127.0.0.1', family: 4 }];
    const source = open({ config: { hosts: ['*.example'] }, resolve });

    expect(await failureOf(ask(source, replica.port, 'a.example'))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('127.0.0.1') as string,
    });
    expect(replica.connections()).toBe(0);
  });

  test('with several addresses may be several replicas, so it is not asked', async () => {
    const replica = await serveReplica(text('209'));
    const resolve: ResolveName = async () =>
      ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((address) => ({ address, family: 4 }));

    expect(await failureOf(ask(open({ resolve }), replica.port, 'api.example'))).toMatchObject({
      kind: 'refused',
      message:
        'api.example was not asked: it has 3 addresses, which may be different replicas. Configure each address',
    });
    expect(replica.connections()).toBe(0);
  });

  test('with an address of each family is asked at the one that responds', async () => {
    const replica = await serveReplica(text('209'));
    const resolve: ResolveName = async () => [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    const source = open({ config: { hosts: ['::1', '127.0.0.1'] }, resolve });

    expect((await ask(source, replica.port, 'dual.example')).body).toBe('209');
  });

  test('that has no address is unreachable', async () => {
    const resolve: ResolveName = async () => {
      throw Object.assign(new Error('queryA'), { code: 'ENOTFOUND' });
    };

    expect(await failureOf(ask(open({ resolve }), 80, 'node-b'))).toMatchObject({
      kind: 'unreachable',
      message: 'node-b has no address: the name was not found',
    });
  });

  test('in `addresses` is allowed by itself, at its own port only', async () => {
    const replica = await serveReplica(text('209'));
    const other = await serveReplica(text('secret'));
    const source = open({
      service: { replicas: { addresses: [`http://localhost:${replica.port}`] } },
      config: { hosts: [] },
    });

    expect((await ask(source, replica.port, 'localhost')).body).toBe('209');
    expect((await failureOf(ask(source, other.port, 'localhost'))).kind).toBe('missing');
    expect((await failureOf(ask(source, replica.port, '127.0.0.1'))).kind).toBe('missing');
    expect(other.connections()).toBe(0);
  });
});

test('ignores proxies of the environment', async () => {
  const before = { ...process.env };
  onTestFinished(() => {
    process.env = before;
  });
  const proxy = await serveReplica(text('210'));
  const replica = await serveReplica(text('209'));
  for (const name of ['http_proxy', 'HTTP_PROXY', 'ALL_PROXY', 'https_proxy'])
    process.env[name] = `http://127.0.0.1:${proxy.port}`;
  process.env['NODE_USE_ENV_PROXY'] = '1';

  expect((await ask(open(), replica.port)).body).toBe('209');
  expect(proxy.connections()).toBe(0);
});

test('asks no more than 128 replicas at once', async () => {
  let [open_, most] = [0, 0];
  const replica = await serveReplica((_, response) => {
    most = Math.max(most, (open_ += 1));
    setImmediate(() => {
      open_ -= 1;
      response.end('209');
    });
  });
  const source = open();

  const answers = await Promise.all(Array.from({ length: 400 }, () => ask(source, replica.port)));

  expect(answers.filter(({ body }) => body === '209')).toHaveLength(400);
  expect(most).toBeLessThanOrEqual(128);
});

test('stops with the reason of its signal', async () => {
  const controller = new AbortController();
  const replica = await serveReplica(() => controller.abort(new Error('deadline')));

  await expect(
    open().reads.builds!.ask({
      service: 'shop/api',
      host: '127.0.0.1',
      port: replica.port,
      signal: controller.signal,
    }),
  ).rejects.toThrow('deadline');
});

test('secrets in headers appear in no answer and no error', async () => {
  const replica = await serveReplica((_, response) => response.writeHead(401).end('denied'));
  const source = open({ service: { headers: { authorization: `Bearer ${CANARY}` } } });
  const invalid = open({ service: { headers: { authorization: `${CANARY}\u0007\n${CANARY}` } } });
  const errors = [
    await failureOf(ask(source, 1)),
    await failureOf(ask(invalid, replica.port)),
    await failureOf(source.reads.builds!.ask({ service: 'web', host: '127.0.0.1', port: 1, signal })),
  ];

  const seen = [
    await ask(source, replica.port),
    ...errors.map(({ message, stack, cause }) => [message, stack, cause]),
  ];
  expect(JSON.stringify(seen)).not.toContain(CANARY);
});

test('nothing that a replica sends breaks the source', async () => {
  const start = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-build: 209\r\n';
  const known = [
    `${start}content-length: 19\r\n\r\n{"buildNumber":209}`,
    `${start}transfer-encoding: chunked\r\n\r\n3\r\n209\r\n0\r\n\r\n`,
    `HTTP/1.1 100 Continue\r\n\r\n${start}\r\n209`,
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
  ];
  let sent = Buffer.alloc(0);
  const replica = await serveSocket((socket) => socket.once('data', () => socket.end(sent)));
  const source = open({ service: { build: { header: 'X-Build' } }, config: { retries: 0 } });
  const mutated = tuple(constantFrom(...known), nat(), nat(), uint8Array({ maxLength: 8 })).map(
    ([text, at, length, bytes]) => {
      const from = at % text.length;
      const rest = text.slice(from + (length % 8));
      return Buffer.concat([Buffer.from(text.slice(0, from)), bytes, Buffer.from(rest)]);
    },
  );
  const anything = uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));

  await assert(
    asyncProperty(oneof(mutated, mutated, anything), async (bytes) => {
      sent = bytes;
      const answer = await ask(source, replica.port).catch((error: unknown) => error);
      expect(answer instanceof SourceError || Number.isInteger((answer as BuildAnswer).status)).toBe(true);
    }),
    { numRuns: 200 },
  );
});
