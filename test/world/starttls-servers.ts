import type { Socket } from 'node:net';
import type { StartTls } from '../../src/sources/tls/site.ts';

/**
 * The server side of plaintext protocols that upgrade to TLS. Each one speaks its real prologue and calls
 * `upgrade` when the client may start its handshake.
 */
export type Prologue = (socket: Socket, upgrade: () => void) => void;

export const PROLOGUES: Readonly<Record<StartTls, Prologue>> = {
  smtp: lineServer('220 mail.world.test ESMTP\r\n', {
    EHLO: '250-mail.world.test\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n',
    STARTTLS: { goAhead: '220 2.0.0 Ready to start TLS\r\n' },
  }),
  imap: lineServer('* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n', {
    'a1 STARTTLS': { goAhead: 'a1 OK Begin TLS negotiation now.\r\n' },
  }),
  pop3: lineServer('+OK POP3 ready\r\n', { STLS: { goAhead: '+OK Begin TLS negotiation\r\n' } }),
  ftp: lineServer('220-Welcome\r\n220 ready\r\n', { 'AUTH TLS': { goAhead: '234 AUTH TLS successful\r\n' } }),
  ldap: onceServer('', isLdapStartTls, Buffer.from('300c02010178070a010004000400', 'hex')),
  postgres: onceServer(
    '',
    (request) => request.equals(Buffer.from('0000000804d2162f', 'hex')),
    Buffer.from('S'),
  ),
  mysql: onceServer(mysqlGreeting(0xffff), isMysqlTlsRequest, Buffer.alloc(0)),
};

/** Servers without TLS, each saying so in its own way. */
export const REFUSALS: Readonly<Record<StartTls, Prologue>> = {
  smtp: lineServer('220 mail.world.test ESMTP\r\n', { EHLO: '250-mail.world.test\r\n250 8BITMIME\r\n' }),
  imap: lineServer('* OK ready\r\n', { 'a1 STARTTLS': 'a1 BAD no TLS here\r\n' }),
  pop3: lineServer('+OK POP3 ready\r\n', { STLS: '-ERR unknown command\r\n' }),
  ftp: lineServer('220 ready\r\n', { 'AUTH TLS': '534 policy says no\r\n' }),
  ldap: onceServer('', isLdapStartTls, Buffer.from('300c02010178070a013404000400', 'hex'), 'refuse'),
  postgres: onceServer('', () => true, Buffer.from('N'), 'refuse'),
  mysql: onceServer(mysqlGreeting(0xf7ff), () => true, Buffer.alloc(0), 'refuse'),
};

/**
 * Accepts the upgrade and sends more in the same packet, as an attacker in the path could (CVE-2011-0411).
 */
export const injecting: Prologue = lineServer('220 mail.world.test ESMTP\r\n', {
  EHLO: '250-mail.world.test\r\n250 STARTTLS\r\n',
  STARTTLS: { goAhead: '220 ready\r\n250 injected\r\n' },
});

/** A greeting that never ends: `250-` lines for as long as the client reads. */
export const endlessGreeting: Prologue = (socket) => {
  const pour = () => {
    while (!socket.destroyed && socket.write(`220-${'x'.repeat(1000)}\r\n`));
  };
  socket.on('drain', pour);
  pour();
};

type Answers = Readonly<Record<string, string | { readonly goAhead: string }>>;

function lineServer(greeting: string, answers: Answers): Prologue {
  return (socket, upgrade) => {
    let pending = '';
    socket.write(greeting);
    const onData = (data: Buffer) => {
      pending += data.toString('latin1');
      for (let end = pending.indexOf('\r\n'); end >= 0; end = pending.indexOf('\r\n')) {
        const line = pending.slice(0, end);
        pending = pending.slice(end + 2);
        const known = Object.keys(answers).find((verb) => line.toUpperCase().startsWith(verb.toUpperCase()));
        const answer = known === undefined ? undefined : answers[known];
        if (typeof answer === 'object') {
          socket.off('data', onData);
          socket.write(answer.goAhead);
          upgrade();
          return;
        }
        socket.write(answer ?? '502 command not implemented\r\n');
      }
    };
    socket.on('data', onData);
  };
}

function onceServer(
  greeting: string | Buffer,
  understands: (request: Buffer) => boolean,
  answer: Buffer,
  then: 'upgrade' | 'refuse' = 'upgrade',
): Prologue {
  return (socket, upgrade) => {
    if (greeting.length > 0) socket.write(greeting);
    socket.once('data', (received: Buffer) => {
      // A client may send its handshake in the same packet, without waiting for the response.
      const request = answer.length > 0 ? received : received.subarray(0, 36);
      if (!understands(request)) {
        socket.destroy();
        return;
      }
      if (answer.length > 0) socket.write(answer);
      if (then === 'refuse') return;
      socket.pause();
      if (received.length > request.length) socket.unshift(received.subarray(request.length));
      upgrade();
    });
  };
}

/** RFC 4511, section 4.14: an ExtendedRequest with the OID of StartTLS. */
function isLdapStartTls(request: Buffer): boolean {
  return request.includes('1.3.6.1.4.1.1466.20037');
}

/** MySQL's HandshakeV10; bit 0x0800 of the capabilities is CLIENT_SSL. */
function mysqlGreeting(capabilities: number): Buffer {
  const body = Buffer.concat([
    Buffer.from([10]),
    Buffer.from('8.4.0-world\0', 'latin1'),
    Buffer.from('2a000000', 'hex'),
    Buffer.from('abcdefgh\0', 'latin1'),
    Buffer.from([capabilities & 0xff, capabilities >> 8]),
    Buffer.from('ff0200ffdf15', 'hex'),
    Buffer.alloc(10),
    Buffer.from('ijklmnopqrst\0caching_sha2_password\0', 'latin1'),
  ]);
  return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]);
}

function isMysqlTlsRequest(request: Buffer): boolean {
  return (
    request.length === 36 && request[0] === 32 && request[3] === 1 && (request.readUInt32LE(4) & 0x800) !== 0
  );
}
