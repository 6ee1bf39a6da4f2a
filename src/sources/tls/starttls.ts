import type { Socket } from 'node:net';
import { SourceError } from '../../ports/source-error.ts';
import { readElement } from '../../wire/der.ts';
import type { StartTls } from './site.ts';

/** No real prologue comes near this limit, which stops a peer that never stops sending. */
const MAX_PROLOGUE_BYTES = 65_536;

/**
 * Runs the plaintext beginning of a protocol until the client can start its handshake. Nothing that the peer sent is kept or quoted.
 * Removes its listeners from `socket` afterwards.
 * @throws {SourceError} if the peer speaks another protocol, doesn't offer TLS, or sends more unencrypted data after accepting TLS (which
 * an attacker could have injected: CVE-2011-0411). Errors of the socket are thrown unchanged.
 */
export async function speakPrologue(socket: Socket, protocol: StartTls, source: string): Promise<void> {
  const talk = listenTo(socket, protocol, source);
  try {
    await PROLOGUES[protocol](talk);
    if (talk.unread() > 0) throw talk.wrong('malformed', 'sent more unencrypted data after it accepted TLS');
  } finally {
    talk.stop();
  }
}

interface Talk {
  readonly protocol: StartTls;
  readonly send: (bytes: string | Buffer) => void;
  /** Waits until `take` finds a value at the start of the received data, and removes it. */
  readonly read: <T>(take: (received: Buffer) => Taken<T> | undefined) => Promise<T>;
  readonly unread: () => number;
  readonly wrong: (kind: 'refused' | 'malformed', words: string) => SourceError;
  readonly stop: () => void;
}

interface Taken<T> {
  readonly value: T;
  readonly bytes: number;
}

const PROLOGUES: Readonly<Record<StartTls, (talk: Talk) => Promise<void>>> = {
  /** RFC 3207 */
  smtp: async (talk) => {
    await expectReply(talk, 220);
    talk.send('EHLO wrench.invalid\r\n');
    const offers = await expectReply(talk, 250);
    if (!offers.some((line) => /^250[- ]STARTTLS\b/i.test(line))) throw noTls(talk);
    talk.send('STARTTLS\r\n');
    await expectReply(talk, 220);
  },
  /** RFC 9051, section 6.2.1 */
  imap: async (talk) => {
    if (!/^\* OK\b/i.test(await talk.read(line))) throw talk.wrong('malformed', 'does not speak imap');
    talk.send('a1 STARTTLS\r\n');
    let answer = await talk.read(line);
    while (answer.startsWith('* ')) answer = await talk.read(line);
    if (!/^a1 OK\b/i.test(answer)) throw noTls(talk);
  },
  /** RFC 2595, section 4 */
  pop3: async (talk) => {
    if (!(await talk.read(line)).startsWith('+OK')) throw talk.wrong('malformed', 'does not speak pop3');
    talk.send('STLS\r\n');
    if (!(await talk.read(line)).startsWith('+OK')) throw noTls(talk);
  },
  /** RFC 4217 */
  ftp: async (talk) => {
    await expectReply(talk, 220);
    talk.send('AUTH TLS\r\n');
    await expectReply(talk, 234);
  },
  /** RFC 4511, section 4.14 */
  ldap: async (talk) => {
    talk.send(
      Buffer.concat([Buffer.from('301d02010177188016', 'hex'), Buffer.from('1.3.6.1.4.1.1466.20037')]),
    );
    const code = await talk.read(ldapResultCode);
    if (code === undefined) throw talk.wrong('malformed', 'does not speak ldap');
    if (code !== 0) throw noTls(talk);
  },
  /** https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL */
  postgres: async (talk) => {
    talk.send(Buffer.from('0000000804d2162f', 'hex'));
    const answer = await talk.read((received) => ({ value: received.toString('latin1', 0, 1), bytes: 1 }));
    if (answer === 'N' || answer === 'E') throw noTls(talk);
    if (answer !== 'S') throw talk.wrong('malformed', 'does not speak postgres');
  },
  /** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html */
  mysql: async (talk) => {
    const capabilities = await talk.read(mysqlCapabilities);
    if (capabilities === undefined) throw talk.wrong('malformed', 'does not speak mysql');
    if ((capabilities & MYSQL_CLIENT_SSL) === 0) throw noTls(talk);
    const request = Buffer.alloc(36);
    request.writeUInt32LE(32 | (1 << 24), 0); // length in three bytes, then the sequence number 1
    request.writeUInt32LE(MYSQL_PROTOCOL_41 | MYSQL_CLIENT_SSL | MYSQL_SECURE_CONNECTION, 4);
    request.writeUInt32LE(0x1000000, 8); // largest packet
    request[12] = 45; // utf8mb4
    talk.send(request);
  },
};

const MYSQL_PROTOCOL_41 = 0x0200;
const MYSQL_CLIENT_SSL = 0x0800;
const MYSQL_SECURE_CONNECTION = 0x8000;

function noTls(talk: Talk): SourceError {
  return talk.wrong('refused', 'does not offer TLS (STARTTLS)');
}

/** Reads a reply of one or more lines (`220-…`, `220 …`), as in SMTP and FTP. */
async function expectReply(talk: Talk, code: number): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const next = await talk.read(line);
    lines.push(next);
    const said = /^(\d{3})( |-|$)/.exec(next);
    if (said === null && lines.length > 1) continue; // in FTP, the lines in between may start with anything
    if (said === null) throw talk.wrong('malformed', `does not speak ${talk.protocol}`);
    if (said[2] === '-') continue;
    if (Number(said[1]) !== code)
      throw talk.wrong('refused', `rejected the connection before TLS (${said[1]})`);
    return lines;
  }
}

function line(received: Buffer): Taken<string> | undefined {
  const end = received.indexOf('\n');
  return end < 0 ? undefined : { value: received.toString('latin1', 0, end).trimEnd(), bytes: end + 1 };
}

/** The result code of an ExtendedResponse ([APPLICATION 24]); undefined for anything else. */
function ldapResultCode(received: Buffer): Taken<number | undefined> | undefined {
  if (received[0] !== 0x30) return { value: undefined, bytes: received.length };
  try {
    const message = readElement(received, 0);
    const id = readElement(received, message.start, message.end);
    const response = readElement(received, id.next, message.end);
    const code = readElement(received, response.start, response.end);
    const value = response.tag === 0x78 && code.tag === 0x0a ? received[code.start] : undefined;
    return { value, bytes: message.next };
  } catch {
    return undefined; // incomplete so far
  }
}

/** The lower half of the capabilities in HandshakeV10; undefined for any other message, such as "too many connections". */
function mysqlCapabilities(received: Buffer): Taken<number | undefined> | undefined {
  if (received.length < 5) return undefined;
  const bytes = 4 + received.readUIntLE(0, 3);
  if (received[4] !== 10) return { value: undefined, bytes: received.length };
  if (received.length < bytes) return undefined;
  const afterVersion = received.indexOf(0, 5) + 1;
  const at = afterVersion + 4 + 8 + 1; // thread id, first part of the nonce, filler
  const readable = afterVersion > 0 && at + 2 <= bytes;
  return { value: readable ? received.readUInt16LE(at) : undefined, bytes };
}

function listenTo(socket: Socket, protocol: StartTls, source: string): Talk {
  let received: Buffer = Buffer.alloc(0);
  let total = 0;
  let failure: Error | undefined;
  let wake = () => {};
  const wrong = (kind: 'refused' | 'malformed', words: string) =>
    new SourceError(source, kind, `it ${words}`);
  const fail = (error: Error) => {
    failure ??= error;
    wake();
  };
  const onData = (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    total += chunk.length;
    if (total > MAX_PROLOGUE_BYTES) fail(wrong('malformed', 'sent too much data before TLS'));
    wake();
  };
  const onClose = () => fail(wrong('refused', 'closed the connection before TLS'));
  socket.on('data', onData).on('error', fail).on('end', onClose).on('close', onClose);
  const read: Talk['read'] = async (take) => {
    for (;;) {
      if (failure !== undefined) throw failure;
      const taken = received.length === 0 ? undefined : take(received);
      if (taken !== undefined) {
        received = received.subarray(taken.bytes);
        return taken.value;
      }
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  const stop = () =>
    void socket.off('data', onData).off('error', fail).off('end', onClose).off('close', onClose);
  return {
    protocol,
    send: (bytes) => void socket.write(bytes),
    read,
    unread: () => received.length,
    wrong,
    stop,
  };
}
