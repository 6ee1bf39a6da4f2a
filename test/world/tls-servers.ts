import { duplexPair } from 'node:stream';
import { createServer as createPlainServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createSecureContext, createServer, type TlsOptions, TLSSocket } from 'node:tls';
import type { StartTls } from '../../src/sources/tls/site.ts';
import { fullChain, type Issued } from './ca.ts';
import { endlessGreeting, injecting, type Prologue, PROLOGUES, REFUSALS } from './starttls-servers.ts';
import { makeWorldCertificates, type WorldCertificates } from './tls-certificates.ts';

/** One site, in the format of a `tls` source's `sites`. */
export interface WorldSite {
  readonly host: string;
  readonly port: number;
  readonly servername?: string;
  readonly starttls?: StartTls;
}

export interface TlsServers {
  readonly sites: Readonly<Record<SiteKind, WorldSite>>;
  readonly certificates: WorldCertificates;
  /** Names that the `many-names` server accepts besides its own, by SNI; any `*.many.world.test` works. */
  readonly close: () => Promise<void>;
}

export type SiteKind =
  | keyof WorldCertificates['leaves']
  | 'incomplete'
  | 'unrelated-extra'
  | 'out-of-order'
  | 'wrong-name'
  | 'tls12-only'
  | 'tls10-only'
  | 'mtls-tls12'
  | 'mtls-tls13'
  | 'mtls-hangs-up'
  | 'mtls-optional'
  | 'many-names'
  | 'no-default-name'
  | 'stapled'
  | 'chatty'
  | 'plaintext'
  | 'silent'
  | 'resets'
  | 'hangs-up'
  | 'closed'
  | `starttls-${StartTls}`
  | `starttls-refused-${StartTls}`
  | 'starttls-injecting'
  | 'starttls-endless'
  | 'starttls-silent';

/**
 * A minimal OCSPResponse: `tryLater`. Clients that only check whether something is stapled need no more.
 */
const OCSP_TRY_LATER = Buffer.from('30030a0103', 'hex');

/**
 * Real TLS servers on loopback, one for every kind of fault (and some without any). `now` moves the
 * certificates' dates, not the clock. `close` closes only these servers and their open connections.
 */
export async function startTlsServers({ now = new Date() }: { now?: Date } = {}): Promise<TlsServers> {
  const certificates = await makeWorldCertificates(now);
  const listeners = makeListeners();
  const sites: Record<string, WorldSite> = {};
  for (const [kind, server] of Object.entries(serversOf(certificates))) {
    const { host, port } = await listeners.listen(server.make());
    const { servername, starttls } = server;
    sites[kind] = { host, port, ...(servername && { servername }), ...(starttls && { starttls }) };
  }
  const closed = makeListeners();
  sites['closed'] = await closed.listen(createPlainServer());
  await closed.close();
  return { sites: sites as TlsServers['sites'], certificates, close: listeners.close };
}

interface Planned {
  readonly make: () => Server;
  readonly servername?: string;
  readonly starttls?: StartTls;
}

function serversOf(world: WorldCertificates): Record<Exclude<SiteKind, 'closed'>, Planned> {
  const { leaves, middle, unrelated, root } = world;
  const { healthy } = leaves;
  const ownName = Object.fromEntries(
    Object.entries(leaves).map(([kind, { leaf, chain }]) => [kind, serve(leaf, chain, legacyFor(kind))]),
  ) as Record<keyof typeof leaves, Planned>;
  const shuffled = root.certificatePem + middle.certificatePem;
  return {
    ...ownName,
    incomplete: serve(healthy.leaf, ''),
    'unrelated-extra': serve(healthy.leaf, unrelated.certificatePem + middle.certificatePem),
    'out-of-order': serve(healthy.leaf, shuffled),
    'wrong-name': { ...serve(healthy.leaf, healthy.chain), servername: 'other.world.test' },
    'tls12-only': serve(healthy.leaf, healthy.chain, { maxVersion: 'TLSv1.2' }),
    'tls10-only': serve(healthy.leaf, healthy.chain, {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1',
      ciphers: OLD,
    }),
    'mtls-tls12': serve(healthy.leaf, healthy.chain, { ...askForClient(world), maxVersion: 'TLSv1.2' }),
    'mtls-hangs-up': { ...serve(healthy.leaf, ''), make: () => hangingUp(world) },
    'mtls-tls13': serve(healthy.leaf, healthy.chain, { ...askForClient(world), minVersion: 'TLSv1.3' }),
    'mtls-optional': serve(healthy.leaf, healthy.chain, {
      ...askForClient(world),
      rejectUnauthorized: false,
    }),
    'many-names': manyNames(world),
    'no-default-name': noDefaultName(healthy.leaf),
    stapled: stapled(leaves['must-staple'].leaf, leaves['must-staple'].chain),
    chatty: chatty(healthy.leaf, healthy.chain),
    plaintext: {
      make: () => createPlainServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    },
    silent: { make: () => createPlainServer((socket) => socket.resume()) },
    resets: {
      make: () => createPlainServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
    },
    'hangs-up': { make: () => createPlainServer((socket) => socket.resume().end()) },
    ...(startTlsOf('starttls', PROLOGUES, healthy.leaf, healthy.chain) as Record<
      `starttls-${StartTls}`,
      Planned
    >),
    ...(startTlsOf('starttls-refused', REFUSALS, healthy.leaf, '') as Record<
      `starttls-refused-${StartTls}`,
      Planned
    >),
    'starttls-injecting': startTls('smtp', injecting, healthy.leaf, healthy.chain),
    'starttls-endless': startTls('smtp', endlessGreeting, healthy.leaf, ''),
    'starttls-silent': startTls('smtp', (socket) => void socket.resume(), healthy.leaf, ''),
  };
}

/** OpenSSL refuses TLS 1.0, SHA-1 and RSA below 2048 bits above this level: https://docs.openssl.org/3.5/man3/SSL_CTX_set_security_level/ */
const OLD = 'DEFAULT@SECLEVEL=0';

function legacyFor(kind: string): TlsOptions {
  return kind.startsWith('weak-') ? { ciphers: OLD } : {};
}

function serve(leaf: Issued, chain: string, options: TlsOptions = {}): Planned {
  const make = () => createServer({ cert: leaf.certificatePem + chain, key: leaf.keyPem, ...options });
  return { make, servername: leaf.name };
}

function askForClient({ root }: WorldCertificates): TlsOptions {
  return { requestCert: true, rejectUnauthorized: true, ca: [root.certificatePem] };
}

function manyNames({ many, middle, leaves: { healthy } }: WorldCertificates): Planned {
  const context = createSecureContext({ cert: fullChain(many, middle), key: many.keyPem });
  return serve(healthy.leaf, healthy.chain, {
    SNICallback: (name, done) => done(null, name.endsWith('.many.world.test') ? context : undefined),
  });
}

/**
 * Requests a client certificate and closes the connection without an alert at the client's second message,
 * as some appliances do.
 */
function hangingUp(world: WorldCertificates): Server {
  const { leaf, chain } = world.leaves.healthy;
  const secureContext = createSecureContext({
    cert: leaf.certificatePem + chain,
    key: leaf.keyPem,
    maxVersion: 'TLSv1.2',
  });
  return createPlainServer((socket) => {
    const [inner, outer] = duplexPair();
    new TLSSocket(inner, { isServer: true, secureContext, requestCert: true }).on('error', () => {});
    outer.on('data', (bytes: Buffer) => socket.write(bytes));
    socket.once('data', (hello: Buffer) => {
      outer.write(hello);
      socket.once('data', () => socket.destroy());
    });
  });
}

/** Knows one name and has no certificate for another, or for none. */
function noDefaultName(leaf: Issued): Planned {
  const context = createSecureContext({ cert: leaf.certificatePem, key: leaf.keyPem });
  const make = () =>
    createServer({
      SNICallback: (name, done) =>
        name === leaf.name ? done(null, context) : done(new Error('no such name'), undefined),
    });
  return { make, servername: 'unknown.world.test' };
}

function stapled(leaf: Issued, chain: string): Planned {
  const planned = serve(leaf, chain);
  const make = () =>
    planned
      .make()
      .on('OCSPRequest', (_certificate, _issuer, answer: (error: null, response: Buffer) => void) =>
        answer(null, OCSP_TRY_LATER),
      );
  return { ...planned, make };
}

/** Sends data as soon as the handshake is done and never stops. */
function chatty(leaf: Issued, chain: string): Planned {
  const planned = serve(leaf, chain);
  const make = () =>
    planned.make().on('secureConnection', (socket: Socket) => endlessGreeting(socket, () => {}));
  return { ...planned, make };
}

function startTlsOf(
  prefix: string,
  prologues: Readonly<Record<StartTls, Prologue>>,
  leaf: Issued,
  chain: string,
): Record<string, Planned> {
  const entries = Object.entries(prologues) as [StartTls, Prologue][];
  return Object.fromEntries(
    entries.map(([protocol, prologue]) => [
      `${prefix}-${protocol}`,
      startTls(protocol, prologue, leaf, chain),
    ]),
  );
}

function startTls(starttls: StartTls, prologue: Prologue, leaf: Issued, chain: string): Planned {
  const secureContext = createSecureContext({ cert: leaf.certificatePem + chain, key: leaf.keyPem });
  const make = () =>
    createPlainServer((socket) =>
      prologue(socket, () => new TLSSocket(socket, { isServer: true, secureContext }).on('error', () => {})),
    );
  return { make, servername: leaf.name, starttls };
}

/**
 * Listens on free loopback ports and tracks every open connection, so that `close` leaves nothing behind.
 */
export function makeListeners() {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const listen = async (server: Server): Promise<{ host: string; port: number }> => {
    servers.push(server);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
    });
    server.on('tlsClientError', () => {});
    server.on('secureConnection', (socket: Socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  };
  const close = async (): Promise<void> => {
    const ended = servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)));
    for (const socket of sockets) socket.destroy();
    await Promise.all(ended);
  };
  return { listen, close };
}
