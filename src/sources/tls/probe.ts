import { X509Certificate } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import { connect as connectPlain, type LookupFunction, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import type { SourceError } from '../../ports/source-error.ts';
import { type Deadline, startDeadline } from '../../wire/deadline.ts';
import { contextFor, KEY_TYPES, type KeyType, keyTypeOf, legacyContext, modernContext } from './contexts.ts';
import {
  explainTlsError,
  isTimeout,
  isOutdatedTls,
  isRefusal,
  isUnclearRefusal,
  timeoutError,
} from './explain-error.ts';
import { type IsEnough, type ServedChain, servedChain } from './served-chain.ts';
import type { Site } from './site.ts';
import { speakPrologue } from './starttls.ts';

/** Raw facts of one handshake with one address. */
export interface SiteProbe {
  readonly chain: ServedChain;
  /** `203.0.113.7:443` */
  readonly address: string;
  readonly protocol?: string;
  readonly clientCertificateRequired: boolean;
  readonly legacyOnly: boolean;
  readonly stapled: boolean;
}

/** The result for one site at one address. */
export interface ProbeResult {
  /** One per certificate: a server may have one for each type of key. Empty if `failed` is set. */
  readonly shown: readonly SiteProbe[];
  /** Why no certificate was read. Any other error is a bug in Wrench. */
  readonly failed?: SourceError;
  /** No data was received in time, or the connection timed out. */
  readonly isTimeout: boolean;
  /** Types of keys that couldn't be requested, after another certificate was read. */
  readonly untried?: UntriedKeyTypes;
}

export interface UntriedKeyTypes {
  readonly keyTypes: readonly KeyType[];
  readonly error: SourceError;
  readonly isTimeout: boolean;
}

export interface ProbeOptions {
  readonly source: string;
  /** The timeout of each handshake. */
  readonly timeoutMs: number;
  readonly everyKeyType: boolean;
  readonly isEnough: IsEnough;
  readonly signal: AbortSignal;
}

/**
 * Reads all certificates of a site by handshakes, each on its own connection; no application data is sent or read. The first handshake
 * suits most servers, and is repeated with outdated algorithms if it fails for lack of them. One handshake yields one certificate, so
 * further ones request the types of keys that were not seen yet, until the server has no more.
 * @throws the reason of `signal` if it aborted.
 */
export async function probe(
  site: Site,
  addresses: readonly LookupAddress[],
  options: ProbeOptions,
): Promise<ProbeResult> {
  const first = await handshakeInTime({ site, addresses, ...options }, firstHandshake);
  if (first.failed !== undefined) return { shown: [], failed: first.failed, isTimeout: first.isTimeout };
  const shown: SiteProbe[] = [first.shown];
  if (!options.everyKeyType) return { shown, isTimeout: false };
  // At the address that responded, because another address may be another server.
  const at = addresses.filter(({ address }) => addressOf(address, site.port) === first.shown.address);
  const target = { site, addresses: at.length > 0 ? at : addresses, ...options };
  const untried = await probeOtherKeyTypes(shown, target);
  return { shown, isTimeout: false, ...(untried !== undefined && { untried }) };
}

/** Adds the server's other certificates to `shown`. */
async function probeOtherKeyTypes(shown: SiteProbe[], target: Target): Promise<UntriedKeyTypes | undefined> {
  const isLegacy = shown[0]?.legacyOnly === true;
  for (let waiting = [keyTypesBeside(shown)]; waiting.length > 0;) {
    const [keyTypes = [], ...others] = waiting;
    waiting = others;
    if (keyTypes.length === 0) continue;
    const next = await probeWith(contextFor(keyTypes, isLegacy), target);
    if (next === 'has none') continue;
    if (next.failed !== undefined) return { keyTypes, error: next.failed, isTimeout: next.isTimeout };
    const { failure: _, ...other } = next.shown;
    const type = typeOf(other);
    if (type !== undefined && keyTypes.includes(type)) {
      shown.push({ ...other, legacyOnly: isLegacy });
      waiting = [keyTypesBeside(shown)];
    } else if (keyTypes.length > 1) {
      // The server chooses by cipher suite, which several types share, so each type is requested separately.
      waiting = keyTypes.map((keyType) => [keyType]);
    }
  }
  return undefined;
}

/**
 * A server that closes the connection either has no such certificate (Windows gives no reason) or limits connections. It has none if the
 * usual handshake still works and this one fails again.
 */
async function probeWith(context: SecureContext, target: Target): Promise<Outcome | 'has none'> {
  const restricted = () => handshakeInTime(target, (attempt) => handshake(attempt, context));
  const next = await restricted();
  if (next.failed === undefined) return next;
  if (next.refusal === 'clear') return 'has none';
  if (next.refusal === undefined) return next;
  const usual = await handshakeInTime(target, firstHandshake);
  if (usual.failed !== undefined) return next;
  const again = await restricted();
  return again.failed !== undefined && again.refusal !== undefined ? 'has none' : again;
}

/** The types of keys without a certificate so far. */
export function keyTypesBeside(shown: readonly SiteProbe[]): readonly KeyType[] {
  const types = new Set(shown.map(typeOf));
  return KEY_TYPES.filter((keyType) => !types.has(keyType));
}

function typeOf({ chain }: SiteProbe): KeyType | undefined {
  return keyTypeOf(new X509Certificate(chain[0].der));
}

interface Target extends ProbeOptions {
  readonly site: Site;
  readonly addresses: readonly LookupAddress[];
}

interface HandshakeAttempt extends Target {
  readonly deadline: Deadline;
  readonly connection: { heard: boolean };
}

/** The result of a handshake, and the code of the error that ended it after the certificate was received. */
type HandshakeResult = SiteProbe & { readonly failure?: string };

type Outcome =
  | { readonly shown: HandshakeResult; readonly failed?: undefined }
  | { readonly failed: SourceError; readonly isTimeout: boolean; readonly refusal?: 'clear' | 'unclear' };

async function handshakeInTime(
  target: Target,
  work: (attempt: HandshakeAttempt) => Promise<HandshakeResult>,
): Promise<Outcome> {
  const { source, timeoutMs, signal } = target;
  signal.throwIfAborted();
  const deadline = startDeadline(signal, timeoutMs);
  const connection = { heard: false };
  try {
    return { shown: await work({ ...target, deadline, connection }) };
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.passed()) return { failed: timeoutError(source, timeoutMs), isTimeout: !connection.heard };
    const failed = explainTlsError(error, source);
    if (failed === undefined) throw error;
    const code = codeOf(error);
    const refusal = isRefusal(code) ? 'clear' : isUnclearRefusal(code) ? 'unclear' : undefined;
    return { failed, isTimeout: isTimeout(code), ...(refusal && { refusal }) };
  } finally {
    deadline.stop();
  }
}

async function firstHandshake(attempt: HandshakeAttempt): Promise<SiteProbe> {
  try {
    const { failure, ...first } = await handshake(attempt, modernContext());
    const wanted = failure === undefined || first.clientCertificateRequired || !isOutdatedTls(failure);
    return wanted ? first : ((await retryWithLegacy(attempt)) ?? first);
  } catch (error) {
    const again = isOutdatedTls(codeOf(error)) ? await retryWithLegacy(attempt) : undefined;
    if (again === undefined) throw error;
    return again;
  }
}

async function retryWithLegacy(attempt: HandshakeAttempt): Promise<SiteProbe | undefined> {
  try {
    const { failure, ...again } = await handshake(attempt, legacyContext());
    return failure === undefined || again.clientCertificateRequired
      ? { ...again, legacyOnly: true }
      : undefined;
  } catch {
    return undefined; // the first failure is more specific
  }
}

async function handshake(attempt: HandshakeAttempt, secureContext: SecureContext): Promise<HandshakeResult> {
  const { site, addresses, source, deadline, connection } = attempt;
  const target = connectOptions(site, addresses);
  if (site.starttls === undefined)
    return watch(
      connectTls({ ...target, ...tlsOptions(site, secureContext) }),
      attempt,
      onlyAddress(attempt),
    );
  const plain = connectPlain(target);
  const onAbort = () => void plain.destroy();
  deadline.signal.addEventListener('abort', onAbort, { once: true });
  plain.on('error', () => {}); // also after the prologue, when the TLS socket reports it
  try {
    await speakPrologue(plain, site.starttls, source);
    const address = addressOf(plain.remoteAddress, plain.remotePort);
    return await watch(connectTls({ socket: plain, ...tlsOptions(site, secureContext) }), attempt, address);
  } finally {
    connection.heard ||= plain.bytesRead > 0;
    deadline.signal.removeEventListener('abort', onAbort);
    plain.destroy();
  }
}

/** A server that requested a client certificate and got none rejects the client within a round trip, or sends a session ticket. */
const VERDICT_MS = 1000;

/**
 * Destroys the socket and resolves as soon as everything is known. Rejects with the error if it ends before a certificate was received.
 */
function watch(
  socket: TLSSocket,
  { deadline, connection, isEnough }: HandshakeAttempt,
  connectedTo?: string,
): Promise<HandshakeResult> {
  return new Promise((resolve, reject) => {
    let address = connectedTo ?? '';
    let stapled = false;
    let seen: SiteProbe | undefined;
    let asksForCertificate: boolean | undefined;
    let verdict: NodeJS.Timeout | undefined;
    const take = () => {
      seen ??= readProbe(socket, address, stapled, isEnough);
      asksForCertificate ??= wantsClientCertificate(socket);
    };
    let ended = false;
    const end = (error?: Error) => {
      if (ended) return;
      ended = true;
      clearTimeout(verdict);
      deadline.signal.removeEventListener('abort', onAbort);
      if (seen === undefined) reject(error ?? connectionClosed());
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
    if (address === '')
      socket.once('connect', () => (address = addressOf(socket.remoteAddress, socket.remotePort)));
    socket.once('OCSPResponse', (response: Buffer | null) => {
      stapled = response !== null && response.length > 0;
      // Until TLS 1.2, the server decides about our missing certificate before the handshake is done, and if it closes the connection
      // without an alert, nothing can be read any more in `error`.
      if (socket.getProtocol() !== 'TLSv1.3') take();
    });
    socket.on('error', (error) => {
      connection.heard = true;
      take();
      end(error);
    });
    socket.once('close', () => ended || end(connectionClosed()));
    socket.once('secureConnect', () => {
      take();
      if (!asksForCertificate || seen?.protocol !== 'TLSv1.3') return end();
      // In TLS 1.3, the handshake is done before the server decides about our missing certificate.
      verdict = setTimeout(end, VERDICT_MS);
      socket.once('session', () => end()).once('data', () => end());
    });
  });
}

function readProbe(
  socket: TLSSocket,
  address: string,
  stapled: boolean,
  isEnough: IsEnough,
): SiteProbe | undefined {
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

/** On a client, shared signature algorithms exist only after a CertificateRequest: SSL_get_shared_sigalgs(3). */
function wantsClientCertificate(socket: TLSSocket): boolean {
  try {
    return socket.getSharedSigalgs().length > 0;
  } catch {
    return false; // Node throws if the handle is already closed
  }
}

function tlsOptions(site: Site, secureContext: SecureContext) {
  return { servername: site.servername ?? '', rejectUnauthorized: false, requestOCSP: true, secureContext };
}

/** Several addresses are raced as in Node (RFC 8305), without another lookup. */
function connectOptions({ host, port }: Site, addresses: readonly LookupAddress[]): TcpNetConnectOpts {
  const [first] = addresses;
  if (first === undefined || addresses.length === 1) return { host: first?.address ?? host, port };
  const lookup: LookupFunction = (_host, { all }, answer) =>
    all === true ? answer(null, [...addresses]) : answer(null, first.address, first.family);
  return { host, port, lookup };
}

function onlyAddress({ site, addresses }: Target): string | undefined {
  const [only, ...others] = addresses;
  if (only === undefined || others.length > 0) return undefined;
  return addressOf(only.address, site.port);
}

export function addressOf(address = '', port = 0): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function codeOf(error: unknown): string | undefined {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

function connectionClosed(): Error {
  return Object.assign(new Error('the connection ended'), { code: 'ECONNRESET' });
}
