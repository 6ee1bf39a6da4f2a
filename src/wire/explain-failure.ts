import type { SourceErrorKind } from '../ports/source-error.ts';
import type { Deadline } from './deadline.ts';

interface Explanation {
  readonly kind: SourceErrorKind;
  readonly message: string;
  /** Of the failed connection, or `TIMEOUT`. */
  readonly code: string;
}

/** Explanations of errors of Node, OpenSSL and undici, by code: the kind, and the text after the host's name. */
const MESSAGES: Readonly<Record<string, readonly [SourceErrorKind, string]>> = {
  ECONNREFUSED: ['unreachable', 'refused the connection: nothing listens there'],
  ENOTFOUND: ['unreachable', 'has no address: the name was not found'],
  EAI_AGAIN: ['unreachable', "has no address: name resolution isn't responding"],
  EHOSTUNREACH: ['unreachable', "can't be reached: no route to the host"],
  ENETUNREACH: ['unreachable', "can't be reached: no route to its network"],
  ETIMEDOUT: ['unreachable', "didn't accept the connection in time"],
  UND_ERR_CONNECT_TIMEOUT: ['unreachable', "didn't accept the connection in time"],
  ECONNRESET: ['unreachable', 'closed the connection before its response was complete'],
  EPIPE: ['unreachable', 'closed the connection before its response was complete'],
  UND_ERR_SOCKET: ['unreachable', 'closed the connection before its response was complete'],
  UND_ERR_CLOSED: ['unreachable', 'was not queried: the source is closed'],
  UND_ERR_DESTROYED: ['unreachable', 'was not queried: the source is closed'],
  UND_ERR_INVALID_ARG: [
    'malformed',
    "was not queried: a header (the token?) contains characters that can't be sent",
  ],
  UND_ERR_HEADERS_OVERFLOW: ['malformed', 'responded with headers that are too large'],
  CERT_HAS_EXPIRED: ['unreachable', 'presents a certificate that has expired'],
  CERT_NOT_YET_VALID: ['unreachable', 'presents a certificate that is not valid yet'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['unreachable', 'presents a certificate that is not valid for this name'],
  EPROTO: ['unreachable', 'failed the TLS handshake'],
  ERR_SSL_WRONG_VERSION_NUMBER: ['unreachable', "doesn't speak TLS: should the URL be http://?"],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: ['unreachable', "doesn't speak TLS: should the URL be http://?"],
};

const UNTRUSTED =
  /^(UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_(UNTRUSTED|SIGNATURE_FAILURE|REVOKED|REJECTED)|INVALID_CA|INVALID_PURPOSE)$/;
const WANTS_CERTIFICATE =
  /CERTIFICATE_REQUIRED|ALERT_(BAD|UNKNOWN|UNSUPPORTED)_C|UNKNOWN_CA|HANDSHAKE_FAILURE/;

interface FailureContext {
  readonly deadline: Deadline;
  /** Over TLS, without a client certificate. */
  readonly anonymously: boolean;
}

/** Only codes are read, and only Wrench's own text is returned: an error's message may quote what was sent or received. */
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
      message: `${host} didn't respond within ${seconds(context.deadline.timeoutMs)}`,
    };
  if (UNTRUSTED.test(code))
    return {
      kind: 'unreachable',
      message: `the certificate of ${host} is not trusted: set \`ca\` to the CA that signed it`,
    };
  if (code.startsWith('ERR_SSL_') && WANTS_CERTIFICATE.test(code))
    return {
      kind: 'refused',
      message: `${host} rejected the TLS handshake: it requires a client certificate that it trusts`,
    };
  if (code.startsWith('ERR_OSSL_'))
    return { kind: 'malformed', message: `couldn't read the CA, certificate or key configured for ${host}` };
  // The code is absent if undici's own parser found the fault, and not llhttp.
  if (error instanceof Error && error.name === 'HTTPParserError')
    return { kind: 'malformed', message: `${host} doesn't speak HTTP` };
  // In TLS 1.3 a server rejects a missing client certificate only after the handshake, and many just close the connection.
  if (context.anonymously && isReset(error))
    return {
      kind: 'unreachable',
      message: `${host} closed the connection without a response: does it require a client certificate?`,
    };
  const [kind, words] = MESSAGES[code] ?? [
    'unreachable',
    `couldn't be reached (${code || 'unknown failure'})`,
  ];
  return { kind, message: `${host} ${words}` };
}

export function isReset(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error));
}

/** The code of the error or of its cause; a name with several addresses fails as an AggregateError. */
function codeOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 4) return '';
  const { code, cause } = error as Error & { code?: unknown };
  const inner = codeOf(error instanceof AggregateError ? error.errors[0] : cause, depth + 1);
  const own = typeof code === 'string' ? code : '';
  // Undici wraps the error of the socket; the inner code is more specific.
  return own === '' || own === 'UND_ERR_SOCKET' ? inner || own : own;
}

function seconds(ms: number): string {
  return ms >= 1000 ? `${Number((ms / 1000).toFixed(1))} s` : `${ms} ms`;
}
