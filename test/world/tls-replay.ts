import {
  createCipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';

/** What a server shows in a handshake. */
export interface ReplayedSite {
  /** The certificates as sent, leaf first, in PEM. */
  readonly sent: readonly string[];
  /** Requests a client certificate, as a server with mutual TLS does. */
  readonly requestsClient?: boolean;
}

/**
 * A server that sends certificates without having a key. It speaks TLS 1.3 up to its Certificate message and then aborts with `handshake_failure`, because a
 * CertificateVerify needs the key: https://www.rfc-editor.org/rfc/rfc8446#section-4.4. A client reads the certificates as from a server that rejects it.
 */
export function makeReplayServer(site: ReplayedSite): Server {
  const chain = site.sent.map((pem) => new X509Certificate(pem));
  return createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      const hello = firstRecord(received);
      if (!hello) return;
      socket.removeAllListeners('data').resume();
      answerHello(socket, hello, chain, site.requestsClient === true);
    });
  });
}

const RECORD = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;
const MESSAGE = { serverHello: 2, encryptedExtensions: 8, certificate: 11, certificateRequest: 13 } as const;
const EXTENSION = { signatureAlgorithms: 13, supportedVersions: 43, keyShare: 51 } as const;
const TLS_1_2 = Buffer.from('0303', 'hex');
const TLS_1_3 = Buffer.from('0304', 'hex');
const X25519 = 0x001d;
const TLS_AES_128_GCM_SHA256 = 0x1301;
const FATAL = 2;
const HANDSHAKE_FAILURE = 40;
const PROTOCOL_VERSION = 70;
/** https://www.iana.org/assignments/tls-parameters/tls-parameters.xhtml#tls-signaturescheme, as TLS 1.3 allows them for a CertificateVerify. */
const SCHEMES: Readonly<Record<string, readonly number[]>> = {
  rsa: [0x0804, 0x0805, 0x0806],
  'rsa-pss': [0x0809, 0x080a, 0x080b],
  ec: [0x0403, 0x0503, 0x0603],
  ed25519: [0x0807],
  ed448: [0x0808],
};
const MAX_RECORD_BYTES = 16_384;

/** The body of the first record; undefined until it is complete. */
function firstRecord(received: Buffer): Buffer | undefined {
  if (received.length < 5 || received.length < 5 + received.readUInt16BE(3)) return undefined;
  return received.subarray(5, 5 + received.readUInt16BE(3));
}

interface ClientHello {
  readonly message: Buffer;
  readonly sessionId: Buffer;
  readonly extensions: ReadonlyMap<number, Buffer>;
}

function answerHello(
  socket: Socket,
  record: Buffer,
  chain: readonly X509Certificate[],
  requestsClient: boolean,
): void {
  const hello = parseHello(record);
  const clientKey = keyShareIn(hello.extensions.get(EXTENSION.keyShare));
  if (!clientKey) return abort(socket, PROTOCOL_VERSION);
  const schemes = SCHEMES[chain[0]?.publicKey.asymmetricKeyType ?? ''] ?? [];
  const offered = uint16sIn(hello.extensions.get(EXTENSION.signatureAlgorithms));
  if (!schemes.some((scheme) => offered.has(scheme))) return abort(socket, HANDSHAKE_FAILURE);
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const { x: ownKey = '' } = publicKey.export({ format: 'jwk' });
  const serverHello = makeServerHello(hello, Buffer.from(ownKey, 'base64url'));
  const client = createPublicKey({
    key: { kty: 'OKP', crv: 'X25519', x: clientKey.toString('base64url') },
    format: 'jwk',
  });
  const shared = diffieHellman({ privateKey, publicKey: client });
  const seal = makeSealer(shared, createHash('sha256').update(hello.message).update(serverHello).digest());
  const messages = Buffer.concat([
    message(MESSAGE.encryptedExtensions, Buffer.from('0000', 'hex')),
    ...(requestsClient ? [certificateRequest()] : []),
    certificateMessage(chain),
  ]);
  const parts: Buffer[] = [];
  for (let at = 0; at < messages.length; at += MAX_RECORD_BYTES)
    parts.push(seal(RECORD.handshake, messages.subarray(at, at + MAX_RECORD_BYTES)));
  socket.end(
    Buffer.concat([
      plainRecord(RECORD.handshake, serverHello),
      plainRecord(RECORD.changeCipherSpec, Buffer.from([1])),
      ...parts,
      seal(RECORD.alert, Buffer.from([FATAL, HANDSHAKE_FAILURE])),
    ]),
  );
}

function abort(socket: Socket, alert: number): void {
  socket.end(plainRecord(RECORD.alert, Buffer.from([FATAL, alert])));
}

/** https://www.rfc-editor.org/rfc/rfc8446#section-4.1.2 */
function parseHello(record: Buffer): ClientHello {
  const length = record.readUIntBE(1, 3);
  const message = record.subarray(0, 4 + length);
  let at = 4 + 2 + 32;
  const take = (bytesOfLength: 1 | 2): Buffer => {
    const start = at + bytesOfLength;
    at = start + message.readUIntBE(at, bytesOfLength);
    return message.subarray(start, at);
  };
  const sessionId = take(1);
  take(2);
  take(1);
  const extensions = new Map<number, Buffer>();
  const all = at < message.length ? take(2) : Buffer.alloc(0);
  for (let from = 0; from < all.length;) {
    const size = all.readUInt16BE(from + 2);
    extensions.set(all.readUInt16BE(from), all.subarray(from + 4, from + 4 + size));
    from += 4 + size;
  }
  return { message, sessionId, extensions };
}

/** The client's key for X25519. Absent before TLS 1.3. */
function keyShareIn(extension: Buffer | undefined): Buffer | undefined {
  if (!extension) return undefined;
  for (let at = 2; at < extension.length;) {
    const size = extension.readUInt16BE(at + 2);
    if (extension.readUInt16BE(at) === X25519) return extension.subarray(at + 4, at + 4 + size);
    at += 4 + size;
  }
  return undefined;
}

function uint16sIn(extension: Buffer = Buffer.alloc(2)): ReadonlySet<number> {
  const found = new Set<number>();
  for (let at = 2; at + 1 < extension.length; at += 2) found.add(extension.readUInt16BE(at));
  return found;
}

function makeServerHello({ sessionId }: ClientHello, ownKey: Buffer): Buffer {
  const share = Buffer.concat([uint16(X25519), withLength(2, ownKey)]);
  const extensions = Buffer.concat([
    extension(EXTENSION.supportedVersions, TLS_1_3),
    extension(EXTENSION.keyShare, share),
  ]);
  return message(
    MESSAGE.serverHello,
    Buffer.concat([
      TLS_1_2,
      randomBytes(32),
      withLength(1, sessionId),
      uint16(TLS_AES_128_GCM_SHA256),
      Buffer.from([0]),
      withLength(2, extensions),
    ]),
  );
}

function certificateRequest(): Buffer {
  const schemes = Buffer.concat(Object.values(SCHEMES).flat().map(uint16));
  const extensions = extension(EXTENSION.signatureAlgorithms, withLength(2, schemes));
  return message(MESSAGE.certificateRequest, Buffer.concat([Buffer.from([0]), withLength(2, extensions)]));
}

function certificateMessage(chain: readonly X509Certificate[]): Buffer {
  const entries = chain.map(({ raw }) => Buffer.concat([withLength(3, raw), uint16(0)]));
  return message(
    MESSAGE.certificate,
    Buffer.concat([Buffer.from([0]), withLength(3, Buffer.concat(entries))]),
  );
}

type Seal = (type: number, content: Buffer) => Buffer;

/** Encrypts with the server's handshake keys: https://www.rfc-editor.org/rfc/rfc8446#section-7.1 */
function makeSealer(shared: Buffer, transcript: Buffer): Seal {
  const zeros = Buffer.alloc(32);
  const derived = expandLabel(extract(zeros, zeros), 'derived', createHash('sha256').digest(), 32);
  const secret = expandLabel(extract(derived, shared), 's hs traffic', transcript, 32);
  const key = expandLabel(secret, 'key', Buffer.alloc(0), 16);
  const iv = expandLabel(secret, 'iv', Buffer.alloc(0), 12);
  let sequence = 0;
  return (type, content) => {
    const nonce = Buffer.from(iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ sequence) >>> 0, 8);
    sequence += 1;
    const inner = Buffer.concat([content, Buffer.from([type])]);
    const header = Buffer.concat([Buffer.from([RECORD.applicationData]), TLS_1_2, uint16(inner.length + 16)]);
    const cipher = createCipheriv('aes-128-gcm', key, nonce).setAAD(header);
    return Buffer.concat([header, cipher.update(inner), cipher.final(), cipher.getAuthTag()]);
  };
}

function extract(salt: Buffer, input: Buffer): Buffer {
  return createHmac('sha256', salt).update(input).digest();
}

function expandLabel(secret: Buffer, label: string, context: Buffer, length: number): Buffer {
  const info = Buffer.concat([
    uint16(length),
    withLength(1, Buffer.from(`tls13 ${label}`)),
    withLength(1, context),
  ]);
  // Node has no HKDF-Expand of its own. The first block is enough: no output is longer than a hash.
  return createHmac('sha256', secret)
    .update(info)
    .update(Buffer.from([1]))
    .digest()
    .subarray(0, length);
}

function message(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type]), withLength(3, body)]);
}

function extension(type: number, body: Buffer): Buffer {
  return Buffer.concat([uint16(type), withLength(2, body)]);
}

function plainRecord(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type]), TLS_1_2, withLength(2, body)]);
}

function withLength(bytes: 1 | 2 | 3, content: Buffer): Buffer {
  const length = Buffer.alloc(bytes);
  length.writeUIntBE(content.length, 0, bytes);
  return Buffer.concat([length, content]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
