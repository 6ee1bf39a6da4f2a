import type { SourceErrorKind } from '../ports/source-error.ts';
import type { Deadline } from './deadline.ts';

interface Explanation {
  readonly kind: SourceErrorKind;
  readonly message: string;
  /** Of the failed connection, or `TIMEOUT`. */
  readonly code: string;
}

/** Explanations of the errors of Node, OpenSSL and undici, by code: (kind, what comes after the host's name). */
const MESSAGES: Readonly<Record<string, readonly [SourceErrorKind, string]>> = {
  ECONNREFUSED: ['unreachable', 'refused the connection: nothing listens there'],
  ENOTFOUND: ['unreachable', 'has no address: the name was not found'],
  EAI_AGAIN: ['unreachable', 'has no address: name resolution does not answer'],
  EHOSTUNREACH: ['unreachable', 'cannot be reached: no route to the host'],
  ENETUNREACH: ['unreachable', 'cannot be reached: no route to its network'],
  ETIMEDOUT: ['unreachable', 'did not accept the connection in time'],
  UND_ERR_CONNECT_TIMEOUT: ['unreachable', 'did not accept the connection in time'],
  ECONNRESET: ['unreachable', 'closed the connection before its answer was complete'],
  EPIPE: ['unreachable', 'closed the connection before its answer was complete'],
  UND_ERR_SOCKET: ['unreachable', 'closed the connection before its answer was complete'],
  UND_ERR_CLOSED: ['unreachable', 'was not asked: the source is closed'],
  UND_ERR_DESTROYED: ['unreachable', 'was not asked: the source is closed'],
  UND_ERR_INVALID_ARG: [
    'malformed',
    'was not asked: a header (a token?) holds characters that cannot be sent',
  ],
  UND_ERR_HEADERS_OVERFLOW: ['malformed', 'answered with headers too large to read'],
  CERT_HAS_EXPIRED: ['unreachable', 'shows a certificate that has expired'],
  CERT_NOT_YET_VALID: ['unreachable', 'shows a certificate that is not valid yet'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['unreachable', 'shows a certificate that is not valid for this name'],
  EPROTO: ['unreachable', 'does not speak TLS as we do'],
  ERR_SSL_WRONG_VERSION_NUMBER: ['unreachable', 'does not speak TLS: is it http:// and not https://?'],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: ['unreachable', 'does not speak TLS: is it http:// and not https://?'],
};

const UNTRUSTED =
  /^(UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_(UNTRUSTED|SIGNATURE_FAILURE|REVOKED|REJECTED)|INVALID_CA|INVALID_PURPOSE)$/;
const WANTS_CERTIFICATE =
  /CERTIFICATE_REQUIRED|ALERT_(BAD|UNKNOWN|UNSUPPORTED)_C|UNKNOWN_CA|HANDSHAKE_FAILURE/;

interface FailureContext {
  readonly deadline: Deadline;
  /** Over TLS, and with no certificate of our own. */
  readonly anonymously: boolean;
}

/** Only codes are read, and only our own text is returned: an error's message may quote what was sent or received. */
export function explainFailure(error: unknown, host: string, context: FailureContext): Explanation {
  const code = context.deadline.passed() ? 'TIMEOUT' : codeOf(error);
  return { ...explainCode(error, code, host, context), code };
}

function explainCode(
  error: unknown,
  code: string,
  host: string,
  context: FailureContext,
): Pick<Explanation, 'kind' | 'message'> {
  if (code === 'TIMEOUT')
    return {
      kind: 'unreachable',
      message: `${host} did not answer within ${seconds(context.deadline.timeoutMs)}`,
    };
  if (UNTRUSTED.test(code))
    return {
      kind: 'unreachable',
      message: `the certificate of ${host} is not trusted: configure the authority (ca) that signed it`,
    };
  if (code.startsWith('ERR_SSL_') && WANTS_CERTIFICATE.test(code))
    return {
      kind: 'refused',
      message: `${host} ended the TLS handshake: it asks for a client certificate it trusts`,
    };
  if (code.startsWith('ERR_OSSL_'))
    return { kind: 'malformed', message: `the ca, certificate or key configured for ${host} cannot be read` };
  // Its code is absent where undici's own reader, and not llhttp's, met the fault.
  if (error instanceof Error && error.name === 'HTTPParserError')
    return { kind: 'malformed', message: `${host} does not speak HTTP` };
  // TLS 1.3 tells a client that lacks a certificate only after the handshake, and many servers just hang up.
  if (context.anonymously && isReset(error))
    return {
      kind: 'unreachable',
      message: `${host} closed the connection without an answer: does it ask for a client certificate?`,
    };
  const [kind, words] = MESSAGES[code] ?? [
    'unreachable',
    `could not be asked (${code || 'unknown failure'})`,
  ];
  return { kind, message: `${host} ${words}` };
}

export function isReset(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error));
}

/** The code of the error or of what caused it; a name with several addresses fails as an AggregateError. */
function codeOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 4) return '';
  const { code, cause } = error as Error & { code?: unknown };
  const inner = codeOf(error instanceof AggregateError ? error.errors[0] : cause, depth + 1);
  const own = typeof code === 'string' ? code : '';
  // Undici wraps the socket's own failure; the inner code says more.
  return own === '' || own === 'UND_ERR_SOCKET' ? inner || own : own;
}

function seconds(ms: number): string {
  return ms >= 1000 ? `${Number((ms / 1000).toFixed(1))} s` : `${ms} ms`;
}
