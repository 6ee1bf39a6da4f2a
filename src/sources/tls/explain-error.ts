import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';

type Explanation = readonly [SourceErrorKind, string];

const NO_TLS: Explanation = ['malformed', 'it does not speak TLS on this port'];
const TOO_LARGE: Explanation = [
  'malformed',
  'it sends more than 100 KB of certificates, which TLS clients reject',
];
const CONNECTION_CLOSED: Explanation = ['unreachable', 'it closed the connection during the handshake'];

/** Explanations of Node's connection errors, by code. */
const BY_CODE: Readonly<Record<string, Explanation>> = {
  ECONNREFUSED: ['unreachable', 'nothing listens there'],
  ENOTFOUND: ['missing', 'name not found'],
  ENODATA: ['missing', 'name not found'],
  EAI_AGAIN: ['unreachable', 'the name servers did not respond'],
  EHOSTUNREACH: ['unreachable', 'no route to it'],
  ENETUNREACH: ['unreachable', 'no route to its network'],
  EADDRNOTAVAIL: ['unreachable', 'no route to its network'],
  ETIMEDOUT: ['unreachable', 'the connection timed out'],
  EACCES: ['refused', 'this machine is not permitted to connect to it'],
  EPERM: ['refused', 'this machine is not permitted to connect to it'],
  EMFILE: ['unreachable', 'this process has too many open files: lower `concurrency` or raise the limit'],
  ECONNRESET: CONNECTION_CLOSED,
  ECONNABORTED: CONNECTION_CLOSED,
  EPIPE: CONNECTION_CLOSED,
};

const SPEAKS_NO_TLS =
  /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL|HTTP_REQUEST|HTTPS_PROXY|RECORD_TOO_SMALL/;

/** OpenSSL's reasons, as in Node's codes `ERR_SSL_…`. OpenSSL 3.5 has `SSL/TLS_ALERT_…` instead of `SSLV3_ALERT_…`. */
const BY_TLS_REASON: readonly (readonly [RegExp, Explanation])[] = [
  [SPEAKS_NO_TLS, NO_TLS],
  [/EXCESSIVE_MESSAGE_SIZE/, TOO_LARGE],
  [/UNRECOGNIZED_NAME/, ['refused', 'it has no certificate for this name']],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, ['refused', 'it supports no TLS version that Wrench supports']],
  [
    /ALERT_HANDSHAKE_FAILURE|NO_SHARED|NO_CIPHERS/,
    ['refused', 'it has no TLS cipher suite or algorithm in common with Wrench'],
  ],
  [/ALERT/, ['refused', 'it aborted the TLS handshake']],
];

/**
 * Explains the error of one site, by its code: a message might quote received data.
 * @returns undefined for a bug in Wrench.
 */
export function explainTlsError(error: unknown, source: string): SourceError | undefined {
  if (error instanceof SourceError) return error;
  const { code } = Object(error) as { code?: unknown };
  if (!(error instanceof Error) || typeof code !== 'string') return undefined;
  const known =
    BY_CODE[code] ?? BY_TLS_REASON.find(([reason]) => code.startsWith('ERR_SSL_') && reason.test(code))?.[1];
  if (known !== undefined) return new SourceError(source, ...known);
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO')
    return new SourceError(source, 'malformed', `invalid TLS handshake (${code})`);
  return isSystemError(error)
    ? new SourceError(source, 'unreachable', `the connection failed (${code})`)
    : undefined;
}

/** Whether nothing was received, as with our own timeout. */
export function isTimeout(code: string | undefined): boolean {
  return code === 'ETIMEDOUT' || code === 'EHOSTUNREACH';
}

/** Whether the server has no certificate of the requested type (RFC 8446, section 6.2). */
export function isRefusal(code: string | undefined): boolean {
  return (
    code !== undefined &&
    /^ERR_SSL_.*(ALERT_HANDSHAKE_FAILURE|ALERT_INSUFFICIENT_SECURITY|ALERT_UNSUPPORTED_CERTIFICATE|NO_SHARED|NO_CIPHERS|NO_SUITABLE)/.test(
      code,
    )
  );
}

/**
 * Whether the server ended the handshake without a clear reason. Some do so because they have no such certificate, others because they
 * limit connections.
 */
export function isUnclearRefusal(code: string | undefined): boolean {
  if (code === undefined || isRefusal(code)) return false;
  return BY_CODE[code] === CONNECTION_CLOSED || (code.startsWith('ERR_SSL_') && !SPEAKS_NO_TLS.test(code));
}

/** libuv's errors have a syscall; ours and Node's argument errors don't. */
function isSystemError(error: Error): boolean {
  return 'syscall' in error;
}

/** @param more continues the sentence: from where, and when */
export function timeoutError(source: string, timeoutMs: number, more = ''): SourceError {
  return new SourceError(source, 'unreachable', `no response within ${formatMs(timeoutMs)}${more}`);
}

/** In whole seconds, for people: `3 s`. */
export function formatAge(ms: number): string {
  return `${Math.max(1, Math.round(ms / 1000))} s`;
}

export function formatMs(ms: number): string {
  return ms >= 1000 ? `${Number((ms / 1000).toFixed(1))} s` : `${ms} ms`;
}

/** Failures that a retry with outdated algorithms may avoid. */
export function isOutdatedTls(code: string | undefined): boolean {
  return (
    code !== undefined &&
    /^ERR_SSL_.*(PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|LEGACY_SIGALG|UNSAFE_LEGACY|DH_KEY_TOO_SMALL|KEY_TOO_SMALL|MD_TOO_WEAK|WRONG_SIGNATURE_TYPE|NO_SUITABLE|ALERT_HANDSHAKE_FAILURE|ALERT_INSUFFICIENT_SECURITY|ALERT_ILLEGAL_PARAMETER|BAD_ECPOINT|WRONG_CURVE)/.test(
      code,
    )
  );
}

/** For `wrench doctor`: what to do about sites that don't respond. */
export function hintFor(failed: readonly { readonly error: SourceError }[], source: string): string {
  const hints: Readonly<Record<SourceErrorKind, string>> = {
    unreachable: `check firewalls and routes from the worker, start these sites, or remove them from \`sites\` of the source ${source}`,
    missing: `correct the names in \`sites\` of the source ${source}, or remove them`,
    refused: `check \`servername\` and \`starttls\` in \`sites\` of the source ${source}`,
    malformed: `check that the ports in \`sites\` of the source ${source} use TLS; for STARTTLS, use \`smtp://…\` or \`starttls\``,
  };
  return [...new Set(failed.map(({ error }) => hints[error.kind]))].join('; ');
}
