import { constants } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import { connect as connectPlain, type LookupFunction, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { type Deadline, startDeadline } from '../../wire/deadline.ts';
import { explain, isOfAnotherAge, noAnswer } from './explain.ts';
import { type IsEnough, type ServedChain, servedChain } from './served-chain.ts';
import type { Site } from './site.ts';
import { speakPrologue } from './starttls.ts';

/** Raw facts of one look at one address. */
export interface Probe {
  readonly chain: ServedChain;
  /** `203.0.113.7:443` */
  readonly address: string;
  readonly protocol?: string;
  readonly clientCertificateRequired: boolean;
  readonly legacyOnly: boolean;
  readonly stapled: boolean;
}

/**
 * One handshake (two, where the first fails for a reason of another age), after which the connection is destroyed; no
 * application data is sent or read. A server that ends the handshake because it wants a client certificate has shown its own: success.
 * @throws {SourceError} without a certificate; the reason of `signal` where it aborted.
 */
export async function probe(
  site: Site,
  addresses: readonly LookupAddress[],
  options: {
    readonly source: string;
    /** What is told as the limit, and what of it is left. */
    readonly timeoutMs: number;
    readonly leftMs: number;
    readonly isEnough: IsEnough;
    readonly signal: AbortSignal;
  },
): Promise<Probe> {
  const { source, timeoutMs, leftMs, isEnough, signal } = options;
  signal.throwIfAborted();
  const deadline = startDeadline(signal, leftMs);
  const asked: Asked = { site, addresses, source, isEnough, deadline };
  try {
    const { failure, ...first } = await shake(asked, modernContext());
    const wanted = failure === undefined || first.clientCertificateRequired || !isOfAnotherAge(failure);
    return wanted ? first : ((await lookAgain(asked)) ?? first);
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.passed()) throw noAnswer(source, timeoutMs);
    const again = isOfAnotherAge(codeOf(error)) ? await lookAgain(asked) : undefined;
    if (again !== undefined) return again;
    throw explain(error, source) ?? error;
  } finally {
    deadline.stop();
  }
}

interface Asked {
  readonly site: Site;
  readonly addresses: readonly LookupAddress[];
  readonly source: string;
  readonly isEnough: IsEnough;
  readonly deadline: Deadline;
}

/** What a handshake showed, and the code of what ended it after the certificate had come. */
type Shaken = Probe & { readonly failure?: string };

async function lookAgain(asked: Asked): Promise<Probe | undefined> {
  try {
    const { failure, ...again } = await shake(asked, legacyContext());
    return failure === undefined || again.clientCertificateRequired
      ? { ...again, legacyOnly: true }
      : undefined;
  } catch {
    return undefined; // the first failure says more
  }
}

async function shake(asked: Asked, secureContext: SecureContext): Promise<Shaken> {
  const { site, addresses, source, deadline } = asked;
  const target = connectOptions(site, addresses);
  if (site.starttls === undefined)
    return watch(connectTls({ ...target, ...tlsOptions(site, secureContext) }), asked, onlyAddress(asked));
  const plain = connectPlain(target);
  const onAbort = () => void plain.destroy();
  deadline.signal.addEventListener('abort', onAbort, { once: true });
  plain.on('error', () => {}); // also after the prologue, when the TLS socket tells of it
  try {
    await speakPrologue(plain, site.starttls, source);
    const address = addressOf(plain);
    return await watch(connectTls({ socket: plain, ...tlsOptions(site, secureContext) }), asked, address);
  } finally {
    deadline.signal.removeEventListener('abort', onAbort);
    plain.destroy();
  }
}

/** A server that has asked for a client certificate and got none says no within a round trip, or sends a session ticket. */
const VERDICT_MS = 1000;

/** Resolves as soon as all is known, destroying the socket; rejects with what ended it before a certificate came. */
function watch(socket: TLSSocket, { deadline, isEnough }: Asked, connectedTo?: string): Promise<Shaken> {
  return new Promise((resolve, reject) => {
    let address = connectedTo ?? '';
    let stapled = false;
    let seen: Probe | undefined;
    let asksForCertificate: boolean | undefined;
    let verdict: NodeJS.Timeout | undefined;
    const take = () => {
      seen ??= look(socket, address, stapled, isEnough);
      asksForCertificate ??= wantsClientCertificate(socket);
    };
    let ended = false;
    const end = (error?: Error) => {
      if (ended) return;
      ended = true;
      clearTimeout(verdict);
      deadline.signal.removeEventListener('abort', onAbort);
      if (seen === undefined) reject(error ?? hungUp());
      else if (error === undefined) resolve(seen);
      else
        resolve({
          ...seen,
          clientCertificateRequired: asksForCertificate === true,
          failure: codeOf(error) ?? 'unknown',
        });
      socket.destroy();
    };
    const onAbort = () => end();
    deadline.signal.addEventListener('abort', onAbort, { once: true });
    if (address === '') socket.once('connect', () => (address = addressOf(socket)));
    socket.once('OCSPResponse', (response: Buffer | null) => {
      stapled = response !== null && response.length > 0;
      // Until TLS 1.2 the server judges our lack of a certificate before the handshake is done,
      // and of one that hangs up without a word nothing can be read any more in `error`.
      if (socket.getProtocol() !== 'TLSv1.3') take();
    });
    socket.on('error', (error) => {
      take();
      end(error);
    });
    socket.once('close', () => ended || end(hungUp()));
    socket.once('secureConnect', () => {
      take();
      if (!asksForCertificate || seen?.protocol !== 'TLSv1.3') return end();
      // TLS 1.3 calls the handshake done before the server has judged our lack of a certificate.
      verdict = setTimeout(end, VERDICT_MS);
      socket.once('session', () => end()).once('data', () => end());
    });
  });
}

function look(socket: TLSSocket, address: string, stapled: boolean, isEnough: IsEnough): Probe | undefined {
  const chain = servedChain(socket, isEnough);
  if (chain === undefined) return undefined;
  const protocol = socket.getProtocol();
  return {
    chain,
    address,
    ...(protocol !== null && { protocol }),
    clientCertificateRequired: false,
    legacyOnly: false,
    stapled,
  };
}

/** On a client, signature algorithms are shared only by a CertificateRequest: SSL_get_shared_sigalgs(3). */
function wantsClientCertificate(socket: TLSSocket): boolean {
  try {
    return socket.getSharedSigalgs().length > 0;
  } catch {
    return false; // Node throws once the handle is gone
  }
}

function tlsOptions(site: Site, secureContext: SecureContext) {
  return { servername: site.servername ?? '', rejectUnauthorized: false, requestOCSP: true, secureContext };
}

/** Several addresses are raced as Node does (RFC 8305), without asking the resolver again. */
function connectOptions({ host, port }: Site, addresses: readonly LookupAddress[]): TcpNetConnectOpts {
  const [first] = addresses;
  if (first === undefined || addresses.length === 1) return { host: first?.address ?? host, port };
  const lookup: LookupFunction = (_host, { all }, answer) =>
    all === true ? answer(null, [...addresses]) : answer(null, first.address, first.family);
  return { host, port, lookup };
}

function onlyAddress({ site, addresses }: Asked): string | undefined {
  const [only, ...others] = addresses;
  if (only === undefined || others.length > 0) return undefined;
  return addressOf({ remoteAddress: only.address, remotePort: site.port });
}

function addressOf({
  remoteAddress = '',
  remotePort = 0,
}: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
}

function codeOf(error: unknown): string | undefined {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

function hungUp(): Error {
  return Object.assign(new Error('the connection ended'), { code: 'ECONNRESET' });
}

let modern: SecureContext | undefined;
let legacy: SecureContext | undefined;

/** One context for all handshakes: making one costs more than a handshake. `ca: []` trusts nothing, so that nothing local is mixed in. */
function modernContext(): SecureContext {
  modern ??= createSecureContext({ ca: [] });
  return modern;
}

function legacyContext(): SecureContext {
  legacy ??= createSecureContext({
    ca: [],
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT@SECLEVEL=0',
    secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
  });
  return legacy;
}
