import { connect, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, type TlsOptions, TLSSocket } from 'node:tls';
import { afterEach, beforeAll, expect, test } from 'vitest';
import {
  type Authority,
  fullChain,
  issue,
  type Issued,
  type KeyType,
  makeAuthority,
} from '../../../test/world/ca.ts';
import { PROLOGUES } from '../../../test/world/starttls-servers.ts';
import { makeListeners } from '../../../test/world/tls-servers.ts';
import type { ScanResult } from '../../ports/certificates.ts';
import { tlsConfig } from './config.ts';
import { openTls } from './open.ts';

const DAY_MS = 86_400_000;
const NAME = 'both.world.test';
const expired = {
  notBefore: new Date(Date.now() - 400 * DAY_MS),
  notAfter: new Date(Date.now() - 3 * DAY_MS),
};

const ground = makeListeners();
let authority: Authority;
let leaves: Record<'rsa' | 'oldRsa' | 'ecdsa' | 'ed25519' | 'otherRsa', Issued>;

beforeAll(async () => {
  // Most public ECDSA certificates are signed by RSA CAs.
  authority = await makeAuthority({ name: 'RSA Root', keyType: 'rsa2048' });
  const make = (keyType: KeyType, dates = {}) => issue(authority, { name: NAME, keyType, ...dates });
  leaves = {
    rsa: await make('rsa2048'),
    oldRsa: await make('rsa2048', expired),
    ecdsa: await make('p256'),
    ed25519: await make('ed25519'),
    otherRsa: await make('rsa2048'),
  };
});
afterEach(() => ground.close());

const holding = (...those: Issued[]): TlsOptions => ({
  cert: those.map((leaf) => fullChain(leaf, authority)),
  key: those.map(({ keyPem }) => keyPem),
});

test.each<[string, TlsOptions]>([
  ['TLS 1.3', {}],
  ['TLS 1.2', { maxVersion: 'TLSv1.2' }],
  ['TLS 1.2 that prefers its own order', { maxVersion: 'TLSv1.2', honorCipherOrder: true }],
  ['a server that asks for a client certificate', { requestCert: true, rejectUnauthorized: true }],
  ['TLS 1.2 that asks for a client certificate', { requestCert: true, maxVersion: 'TLSv1.2' }],
])('reads both certificates over %s', async (_over, options) => {
  const { port } = await ground.listen(
    createTlsServer({ ...holding(leaves.ecdsa, leaves.oldRsa), ...options }),
  );

  const results = await scan(`${NAME}@127.0.0.1:${port}`);

  const place = `edge:${NAME}@127.0.0.1:${port}`;
  const [ecdsa, oldRsa] = [fingerprintOf(leaves.ecdsa), fingerprintOf(leaves.oldRsa)];
  const isRsaFirst = summary(results)[place] === oldRsa; // which one comes first is up to the server
  expect(summary(results)).toEqual(
    isRsaFirst
      ? { [place]: oldRsa, [`${place} (ECDSA)`]: ecdsa }
      : { [place]: ecdsa, [`${place} (RSA)`]: oldRsa },
  );
});

test('reads three certificates', async () => {
  const { port } = await ground.listen(createTlsServer(holding(leaves.ecdsa, leaves.oldRsa, leaves.ed25519)));

  const results = await scan(`${NAME}@127.0.0.1:${port}`);

  const types = results.map((result) => result.kind === 'seen' && result.chain[0].key.type);
  expect(new Set(types)).toEqual(new Set(['ec', 'ed25519', 'rsa']));
  expect(new Set(results.map(({ place }) => place)).size).toBe(3);
  expect(results[0]?.place).toBe(`edge:${NAME}@127.0.0.1:${port}`);
});

test('requests the same name again', async () => {
  const asked: string[] = [];
  const context = createSecureContext(holding(leaves.ecdsa));
  const SNICallback: TlsOptions['SNICallback'] = (name, done) => {
    asked.push(name);
    done(null, context);
  };
  const { port } = await ground.listen(createTlsServer({ ...holding(leaves.ecdsa), SNICallback }));

  await scan(`${NAME}@127.0.0.1:${port}`);

  expect(asked).toEqual([NAME, NAME]);
});

test.each(['smtp', 'imap', 'ldap', 'postgres', 'mysql'] as const)(
  'reads both certificates after the prologue of %s',
  async (protocol) => {
    const secureContext = createSecureContext(holding(leaves.ecdsa, leaves.oldRsa));
    const { port } = await ground.listen(
      createServer((socket) =>
        PROLOGUES[protocol](socket, () =>
          new TLSSocket(socket, { isServer: true, secureContext }).on('error', () => {}),
        ),
      ),
    );

    const results = await scan(`${protocol}://${NAME}@127.0.0.1:${port}`);

    expect(Object.values(summary(results))).toEqual([
      fingerprintOf(leaves.ecdsa),
      fingerprintOf(leaves.oldRsa),
    ]);
  },
);

test.each<[string, () => Issued[], TlsOptions]>([
  ['ECDSA', () => [leaves.ecdsa], {}],
  ['ECDSA over TLS 1.2', () => [leaves.ecdsa], { maxVersion: 'TLSv1.2' }],
  ['RSA', () => [leaves.rsa], {}],
  ['RSA over TLS 1.2', () => [leaves.rsa], { maxVersion: 'TLSv1.2' }],
  ['RSA without forward secrecy', () => [leaves.rsa], { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }],
  ['Ed25519', () => [leaves.ed25519], {}],
])('a server with %s only has one certificate and no gap', async (_type, those, options) => {
  const server = await counting(createTlsServer({ ...holding(...those()), ...options }));

  const results = await scan(`${NAME}@127.0.0.1:${server.port}`);

  expect(summary(results)).toEqual({
    [`edge:${NAME}@127.0.0.1:${server.port}`]: fingerprintOf(those()[0]!),
  });
  expect(server.count()).toBe(2);
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'over %s, a leaf without an RSA key may be signed by an RSA CA',
  async (version) => {
    const offered: string[][] = [];
    const server = createTlsServer({
      ...holding(leaves.rsa, leaves.ecdsa),
      minVersion: version,
      maxVersion: version,
      honorCipherOrder: true,
      sigalgs: 'rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256:rsa_pkcs1_sha256', // RSA first
    });
    const { port } = await before(server, (hello) => offered.push(signatureAlgorithms(hello)) > 0);

    expect(await scan(`${NAME}@127.0.0.1:${port}`)).toHaveLength(2);

    expect(offered[0]).toContain(RSA_PSS_RSAE_SHA256);
    expect(offered[1]).toContain(RSA_PKCS1_SHA256);
    expect(offered[1]).not.toContain(RSA_PSS_RSAE_SHA256);
  },
);

test('uses one handshake if configured', async () => {
  const server = await counting(createTlsServer(holding(leaves.ecdsa, leaves.oldRsa)));

  expect(await scan(`${NAME}@127.0.0.1:${server.port}`, { everyKeyType: false })).toHaveLength(1);
  expect(server.count()).toBe(1);
});

test.each<[string, (socket: Socket) => void]>([
  ['resets', (socket) => socket.resetAndDestroy()],
  ['hangs up', (socket) => void socket.end()],
])('a server that %s has no such certificate, as on Windows', async (_how, refuse) => {
  const { port } = await before(
    createTlsServer(holding(leaves.ecdsa)),
    (hello) => signatureAlgorithms(hello).includes(ECDSA_SECP256R1_SHA256),
    refuse,
  );

  const results = await scan(`${NAME}@127.0.0.1:${port}`);

  expect(results.map(({ kind, place }) => [kind, place])).toEqual([
    ['seen', `edge:${NAME}@127.0.0.1:${port}`],
  ]);
});

test.each<[string, (socket: Socket) => void]>([
  ['resets', (socket) => socket.once('data', () => socket.resetAndDestroy())],
  ['hangs up', (socket) => socket.once('data', () => socket.end())],
])(
  'a server that %s after several connections may have another certificate, which is a gap',
  async (_how, again) => {
    const { port } = await afterTheFirst(again);
    const place = `edge:${NAME}@127.0.0.1:${port}`;

    expect(await scan(`${NAME}@127.0.0.1:${port}`)).toMatchObject([
      { kind: 'seen', place },
      { kind: 'unseen', place: `${place} (RSA or EdDSA)`, error: { kind: 'unreachable' } },
    ]);
  },
);

test('reads a server that does not respond to a second handshake, and reports the other key types as a gap', async () => {
  const { port } = await afterTheFirst((socket) => void socket.resume());
  const place = `edge:${NAME}@127.0.0.1:${port}`;

  expect(await scan(`${NAME}@127.0.0.1:${port}`, { timeoutMs: 2000 })).toMatchObject([
    { kind: 'seen', place },
    {
      kind: 'unseen',
      place: `${place} (RSA or EdDSA)`,
      error: {
        kind: 'unreachable',
        message: 'also requested an RSA or EdDSA certificate: no response within 2 s',
      },
    },
  ]);
});

test('does not repeat such handshakes for each name of a server that drops them', async () => {
  let dropped = 0;
  const { port } = await before(createTlsServer(holding(leaves.ecdsa)), (hello) => {
    const isUsual = signatureAlgorithms(hello).includes(ECDSA_SECP256R1_SHA256);
    if (!isUsual) dropped += 1;
    return isUsual;
  });
  const sites = Array.from({ length: 30 }, (_, index) => `n${index}.world.test@127.0.0.1:${port}`);

  const results = await scan('both.world.test', { sites, timeoutMs: 4000 });

  expect(results.filter(({ kind }) => kind === 'seen')).toHaveLength(30);
  expect(results.filter(({ kind }) => kind === 'unseen')).toHaveLength(30);
  expect(new Set(results.map(({ place }) => place)).size).toBe(60);
  expect(dropped).toBe(2);
});

test('the health check counts a site once, however many certificates it has', async () => {
  const { port } = await ground.listen(createTlsServer(holding(leaves.ecdsa, leaves.oldRsa)));
  const { healthCheck } = open(`${NAME}@127.0.0.1:${port}`);

  expect(await healthCheck(new AbortController().signal)).toEqual({
    ok: true,
    summary: '1 of 1 site responds',
  });
});

test('reads every certificate at every address', async () => {
  const { port } = await ground.listen(createTlsServer(holding(leaves.ecdsa, leaves.oldRsa)));

  const results = await scan(`${NAME}@localhost:${port}`, { everyAddress: true });

  const seen = results.filter(({ kind }) => kind === 'seen').map(({ place }) => place);
  expect(seen).toHaveLength(2);
  expect(seen[1]).toBe(`${seen[0]} (RSA)`);
});

test('lookAt reads every certificate of a site, at each of its addresses', async () => {
  const { port } = await ground.listen(createTlsServer(holding(leaves.ecdsa, leaves.oldRsa)));
  const { certificates } = open(`${NAME}@127.0.0.1:${port}`).reads;

  const results = await certificates!.inspectSite!(`127.0.0.1:${port}`, {
    signal: new AbortController().signal,
  });

  const place = `edge:${NAME}@127.0.0.1:${port}`;
  expect(results.map((result) => [result.kind, result.place])).toEqual([
    ['seen', place],
    ['seen', expect.stringMatching(/ \((RSA|ECDSA)\)$/)],
  ]);
});

function open(site: string, config: object = {}) {
  return openTls(tlsConfig.parse({ kind: 'tls', name: 'edge', timeoutMs: 20_000, sites: [site], ...config }));
}

async function scan(site: string, config: object = {}): Promise<ScanResult[]> {
  const { signal } = new AbortController();
  const results: ScanResult[] = [];
  for await (const result of open(site, config).reads.certificates!.scan({ signal })) results.push(result);
  return results;
}

function summary(results: readonly ScanResult[]): Record<string, string> {
  return Object.fromEntries(
    results.map((result) => [
      result.place,
      result.kind === 'seen' ? result.chain[0].fingerprint : result.error.message,
    ]),
  );
}

async function counting(server: Server): Promise<{ port: number; count: () => number }> {
  let connections = 0;
  server.on('connection', () => (connections += 1));
  const { port } = await ground.listen(server);
  return { port, count: () => connections };
}

/** Has an ECDSA certificate, and behaves differently at every connection after the first. */
async function afterTheFirst(again: (socket: Socket) => void): Promise<{ port: number }> {
  const tls = createTlsServer(holding(leaves.ecdsa)).on('tlsClientError', () => {});
  let connections = 0;
  return ground.listen(
    createServer((socket) => {
      connections += 1;
      if (connections === 1) tls.emit('connection', socket);
      else again(socket);
    }),
  );
}

/** The cipher suites that a ClientHello offers, as hexadecimal: https://www.rfc-editor.org/rfc/rfc5246#section-7.4.1.2 */
function cipherSuitesOf(hello: Buffer): readonly string[] {
  const sessionIdAt = 43;
  const lengthAt = sessionIdAt + 1 + hello.readUInt8(sessionIdAt);
  const suites = hello.subarray(lengthAt + 2, lengthAt + 2 + hello.readUInt16BE(lengthAt));
  return suites.toString('hex').match(/.{4}/g) ?? [];
}

test('reads both certificates of a server that chooses by cipher suite, whatever signatures are offered', async () => {
  const ecdsa = await ground.listen(createTlsServer({ ...holding(leaves.ecdsa), maxVersion: 'TLSv1.2' }));
  const rsa = await ground.listen(createTlsServer({ ...holding(leaves.oldRsa), maxVersion: 'TLSv1.2' }));
  const { port } = await ground.listen(
    createServer((socket) =>
      socket.once('data', (hello: Buffer) => {
        const behind = connect(cipherSuitesOf(hello).includes(ECDHE_ECDSA_AES128_GCM) ? ecdsa : rsa).on(
          'error',
          () => {},
        );
        behind.write(hello);
        socket.pipe(behind).pipe(socket);
      }),
    ),
  );

  const results = await scan(`${NAME}@127.0.0.1:${port}`);

  expect(Object.values(summary(results)).toSorted()).toEqual(
    [leaves.ecdsa, leaves.oldRsa].map(fingerprintOf).toSorted(),
  );
});

test('requests both certificates of a TLS 1.1 server by cipher suite', async () => {
  const options = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const { port } = await ground.listen(
    createTlsServer({ ...holding(leaves.ecdsa, leaves.oldRsa), ...options }),
  );

  const results = await scan(`${NAME}@127.0.0.1:${port}`);

  expect(Object.values(summary(results)).toSorted()).toEqual(
    [leaves.ecdsa, leaves.oldRsa].map(fingerprintOf).toSorted(),
  );
  expect(results.every((result) => result.kind === 'seen' && result.served?.legacyOnly === true)).toBe(true);
});

/** https://www.iana.org/assignments/tls-parameters/tls-parameters.xhtml#tls-parameters-4 */
const ECDHE_ECDSA_AES128_GCM = 'c02b';
/** https://www.iana.org/assignments/tls-parameters/tls-parameters.xhtml#tls-signaturescheme */
const ECDSA_SECP256R1_SHA256 = '0403';
const RSA_PKCS1_SHA256 = '0401';
const RSA_PSS_RSAE_SHA256 = '0804';

/** Connects a client to `server` if its ClientHello `isWelcome`; otherwise doesn't respond, or rejects it. */
async function before(
  server: Server,
  isWelcome: (hello: Buffer) => boolean,
  refuse: (socket: Socket) => void = (socket) => void socket.resume(),
): Promise<{ port: number }> {
  const inner = await ground.listen(server);
  return ground.listen(
    createServer((socket) =>
      socket.once('data', (hello: Buffer) => {
        if (!isWelcome(hello)) return refuse(socket);
        const behind = connect(inner).on('error', () => {});
        behind.write(hello);
        socket.pipe(behind).pipe(socket);
      }),
    ),
  );
}

/** The values in an extension of a ClientHello (RFC 8446, section 4.2.3): type 13, its length, and that of the list. */
function signatureAlgorithms(hello: Buffer): string[] {
  for (let at = hello.indexOf('000d', 0, 'hex'); at >= 0; at = hello.indexOf('000d', at + 1, 'hex')) {
    const length = hello.readUInt16BE(at + 2);
    if (at + 4 + length > hello.length || hello.readUInt16BE(at + 4) !== length - 2) continue;
    return hello.toString('hex', at + 6, at + 4 + length).match(/.{4}/g) ?? [];
  }
  throw new Error('this is not a ClientHello');
}

function fingerprintOf({ x509 }: Issued): string {
  return x509.fingerprint256.replaceAll(':', '').toLowerCase();
}
