import { X509Certificate } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import { connect as connectPlain, type LookupFunction, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import type { SourceError } from '../../ports/source-error.ts';
import { type Deadline, startDeadline } from '../../wire/deadline.ts';
import { contextFor, KEY_TYPES, type KeyType, keyTypeOf, legacyContext, modernContext } from './contexts.ts';
import {
  explain,
  isNoAnswer,
  isOfAnotherAge,
  isRefusal,
  isUnclearRefusal,
  noAnswer,
} from './explain-error.ts';
import { type IsEnough, type ServedChain, servedChain } from './served-chain.ts';
import type { Site } from './site.ts';
import { speakPrologue } from './starttls.ts';

/** Raw facts of one handshake with one address. */
export interface Probe {
  readonly chain: ServedChain;
  /** `203.0.113.7:443` */
  readonly address: string;
  readonly protocol?: string;
  readonly clientCertificateRequired: boolean;
  readonly legacyOnly: boolean;
  readonly stapled: boolean;
}

/** What one site showed at one address. */
export interface Answer {
  /** One for each certificate: a server may have one for each type of key. Empty where `failed` is set. */
  readonly shown: readonly Probe[];
  /** Why nothing was shown. Any other error than this is ours. */
  readonly failed?: SourceError;
  /** Not a byte was received in time, or the connection itself timed out. */
  readonly isSilent: boolean;
  /** Types of keys that could not be asked for, after another was shown. */
  readonly unasked?: Unasked;
}

export interface Unasked {
  readonly keyTypes: readonly KeyType[];
  readonly error: SourceError;
  readonly isSilent: boolean;
}

export interface Options {
  readonly source: string;
  /** For each handshake. */
  readonly timeoutMs: number;
  readonly everyKeyType: boolean;
  readonly isEnough: IsEnough;
  readonly signal: AbortSignal;
}

/**
 * Reads all certificates of a site by handshakes, each on a connection of its own; no application data is sent or read. The first handshake suits
 * most servers, and is repeated with outdated algorithms where it fails for lack of them. One handshake shows one certificate, so further ones ask
 * for the types of keys that were not shown yet, until the server has nothing more to show.
 * @throws the reason of `signal` where it aborted.
 */
export async function probe(
  site: Site,
  addresses: readonly LookupAddress[],
  options: Options,
): Promise<Answer> {
  const first = await shakeInTime({ site, addresses, ...options }, shakeFirst);
  if (first.failed !== undefined) return { shown: [], failed: first.failed, isSilent: first.isSilent };
  const shown: Probe[] = [first.shown];
  if (!options.everyKeyType) return { shown, isSilent: false };
  // At the address that answered: another one may be another server.
  const at = addresses.filter(({ address }) => addressOf(address, site.port) === first.shown.address);
  const target = { site, addresses: at.length > 0 ? at : addresses, ...options };
  const unasked = await askForOtherKeys(shown, target);
  return { shown, isSilent: false, ...(unasked !== undefined && { unasked }) };
}

/** Adds the server's other certificates to `shown`. */
async function askForOtherKeys(shown: Probe[], target: Target): Promise<Unasked | undefined> {
  const isLegacy = shown[0]?.legacyOnly === true;
  for (let waiting = [keyTypesBeside(shown)]; waiting.length > 0;) {
    const [keyTypes = [], ...others] = waiting;
    waiting = others;
    if (keyTypes.length === 0) continue;
    const next = await askWith(contextFor(keyTypes, isLegacy), target);
    if (next === 'has none') continue;
    if (next.failed !== undefined) return { keyTypes, error: next.failed, isSilent: next.isSilent };
    const { failure: _, ...other } = next.shown;
    const type = typeOf(other);
    if (type !== undefined && keyTypes.includes(type)) {
      shown.push({ ...other, legacyOnly: isLegacy });
      waiting = [keyTypesBeside(shown)];
    } else if (keyTypes.length > 1) {
      // It chooses by cipher suite, and several types share theirs: ask for each alone.
      waiting = keyTypes.map((keyType) => [keyType]);
    }
  }
  return undefined;
}

/**
 * A server that hangs up either has no such certificate (Windows gives no reason) or limits connections. It has none where the
 * usual handshake still works and this one fails again.
 */
async function askWith(context: SecureContext, target: Target): Promise<Outcome | 'has none'> {
  const restricted = () => shakeInTime(target, (asked) => shake(asked, context));
  const next = await restricted();
  if (next.failed === undefined) return next;
  if (next.refusal === 'clear') return 'has none';
  if (next.refusal === undefined) return next;
  const usual = await shakeInTime(target, shakeFirst);
  if (usual.failed !== undefined) return next;
  const again = await restricted();
  return again.failed !== undefined && again.refusal !== undefined ? 'has none' : again;
}

/** The types of keys of which no certificate was shown. */
export function keyTypesBeside(shown: readonly Probe[]): readonly KeyType[] {
  const types = new Set(shown.map(typeOf));
  return KEY_TYPES.filter((keyType) => !types.has(keyType));
}

function typeOf({ chain }: Probe): KeyType | undefined {
  return keyTypeOf(new X509Certificate(chain[0].der));
}

interface Target extends Options {
  readonly site: Site;
  readonly addresses: readonly LookupAddress[];
}

interface Asked extends Target {
  readonly deadline: Deadline;
  readonly contact: { heard: boolean };
}

/** What a handshake showed, and the code of what ended it after the certificate had come. */
type Shaken = Probe & { readonly failure?: string };

type Outcome =
  | { readonly shown: Shaken; readonly failed?: undefined }
  | { readonly failed: SourceError; readonly isSilent: boolean; readonly refusal?: 'clear' | 'unclear' };

async function shakeInTime(target: Target, work: (asked: Asked) => Promise<Shaken>): Promise<Outcome> {
  const { source, timeoutMs, signal } = target;
  signal.throwIfAborted();
  const deadline = startDeadline(signal, timeoutMs);
  const contact = { heard: false };
  try {
    return { shown: await work({ ...target, deadline, contact }) };
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.passed()) return { failed: noAnswer(source, timeoutMs), isSilent: !contact.heard };
    const failed = explain(error, source);
    if (failed === undefined) throw error;
    const code = codeOf(error);
    const refusal = isRefusal(code) ? 'clear' : isUnclearRefusal(code) ? 'unclear' : undefined;
    return { failed, isSilent: isNoAnswer(code), ...(refusal && { refusal }) };
  } finally {
    deadline.stop();
  }
}

async function shakeFirst(asked: Asked): Promise<Probe> {
  try {
    const { failure, ...first } = await shake(asked, modernContext());
    const wanted = failure === undefined || first.clientCertificateRequired || !isOfAnotherAge(failure);
    return wanted ? first : ((await lookAgain(asked)) ?? first);
  } catch (error) {
    const again = isOfAnotherAge(codeOf(error)) ? await lookAgain(asked) : undefined;
    if (again === undefined) throw error;
    return again;
  }
}

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
  const { site, addresses, source, deadline, contact } = asked;
  const target = connectOptions(site, addresses);
  if (site.starttls === undefined)
    return watch(connectTls({ ...target, ...tlsOptions(site, secureContext) }), asked, onlyAddress(asked));
  const plain = connectPlain(target);
  const onAbort = () => void plain.destroy();
  deadline.signal.addEventListener('abort', onAbort, { once: true });
  plain.on('error', () => {}); // also after the prologue, when the TLS socket reports it
  try {
    await speakPrologue(plain, site.starttls, source);
    const address = addressOf(plain.remoteAddress, plain.remotePort);
    return await watch(connectTls({ socket: plain, ...tlsOptions(site, secureContext) }), asked, address);
  } finally {
    contact.heard ||= plain.bytesRead > 0;
    deadline.signal.removeEventListener('abort', onAbort);
    plain.destroy();
  }
}

/** A server that has asked for a client certificate and got none says no within a round trip, or sends a session ticket. */
const VERDICT_MS = 1000;

/** Resolves as soon as all is known, destroying the socket; rejects with what ended it before a certificate came. */
function watch(
  socket: TLSSocket,
  { deadline, contact, isEnough }: Asked,
  connectedTo?: string,
): Promise<Shaken> {
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
    if (address === '')
      socket.once('connect', () => (address = addressOf(socket.remoteAddress, socket.remotePort)));
    socket.once('OCSPResponse', (response: Buffer | null) => {
      stapled = response !== null && response.length > 0;
      // Until TLS 1.2 the server judges our lack of a certificate before the handshake is done,
      // and of one that hangs up without a word nothing can be read any more in `error`.
      if (socket.getProtocol() !== 'TLSv1.3') take();
    });
    socket.on('error', (error) => {
      contact.heard = true;
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

function hungUp(): Error {
  return Object.assign(new Error('the connection ended'), { code: 'ECONNRESET' });
}
