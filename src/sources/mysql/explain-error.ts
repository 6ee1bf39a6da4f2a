import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import type { Deadline } from '../../wire/deadline.ts';
import { explainFailure } from '../../wire/explain-failure.ts';

/**
 * By the server's number: https://mariadb.com/kb/en/mariadb-error-code-reference/ and
 * https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html
 */
const MESSAGES: Readonly<Record<number, readonly [SourceErrorKind, string]>> = {
  1040: ['unreachable', 'has too many connections'],
  1044: ['refused', "doesn't let this user read the database"],
  1045: ['refused', 'rejects the user or the password'],
  1046: ['missing', 'has no such database'],
  1047: ['unreachable', "is not part of a Galera cluster with a majority, and doesn't accept queries"],
  1049: ['missing', 'has no such database'],
  1053: ['unreachable', 'is shutting down'],
  1054: ['malformed', "has tables that aren't those of Nova"],
  1129: ['refused', 'blocks this host after too many errors: `mysqladmin flush-hosts`'],
  1130: ['refused', "doesn't allow this host to connect"],
  1142: ['refused', "doesn't let this user read the table"],
  1143: ['refused', "doesn't let this user read all columns of the table"],
  1146: ['missing', 'has no such table'],
  1203: ['unreachable', 'has too many connections of this user'],
  1226: ['unreachable', 'has reached the limit of connections or queries of this user'],
  1227: ['refused', "doesn't let this user run this query"],
  1820: ['refused', 'requires a new password for this user'],
  1862: ['refused', "doesn't accept the password of this user: it has expired"],
  3118: ['refused', 'has locked the account of this user'],
  3159: ['refused', 'requires TLS: set `tls` to `true`'],
  4151: ['refused', 'has locked the account of this user'],
};
/** The statement took too long. 1317 is also for one that someone stopped. */
const STOPPED: ReadonlySet<number> = new Set([1317, 1969, 3024]);

interface FailedQuery {
  readonly source: string;
  readonly server: string;
  readonly deadline: Deadline;
  readonly limitSeconds: number;
}

/** The client's own errors, by their codes. */
const CLIENT: Readonly<Record<string, readonly [SourceErrorKind, string]>> = {
  HANDSHAKE_NO_SSL_SUPPORT: [
    'refused',
    'does not support TLS: set `tls` to `false` if the network is trusted',
  ],
  PROTOCOL_CONNECTION_LOST: ['unreachable', 'closed the connection'],
  AUTH_SWITCH_PLUGIN_ERROR: ['refused', "requires a login method that Wrench doesn't support"],
  MYSQL_CLEAR_PASSWORD_NOT_ENABLED: [
    'refused',
    'requires the password in plain text, as for LDAP or PAM, which Wrench never sends',
  ],
};

/** Only codes are read: a message of a server may quote what was sent. */
export function explainQueryError(
  error: unknown,
  { source, server, deadline, limitSeconds }: FailedQuery,
): SourceError {
  const { errno, code } = error as { readonly errno?: unknown; readonly code?: unknown };
  if (typeof errno === 'number' && STOPPED.has(errno))
    return new SourceError(
      source,
      'unreachable',
      `${server} stopped the query: it took longer than ${limitSeconds} s`,
      {
        code: 'TIMEOUT',
      },
    );
  const known =
    (typeof errno === 'number' ? MESSAGES[errno] : undefined) ??
    (typeof code === 'string' && !deadline.passed() ? CLIENT[code] : undefined);
  if (known) {
    const [kind, message] = known;
    return new SourceError(source, kind, `${server} ${message}`);
  }
  if (typeof errno === 'number' && errno >= 1000)
    return new SourceError(source, 'malformed', `${server} rejected the query (error ${errno})`);
  if (typeof code !== 'string' && !deadline.passed())
    return new SourceError(source, 'malformed', `${server} doesn't speak the protocol of MySQL`);
  const {
    kind,
    message,
    code: of,
  } = explainFailure(withTlsCode(error), server, {
    deadline,
    anonymously: false,
  });
  return new SourceError(source, kind, message, { code: of });
}

/** The client replaces the code of a failed handshake with its own. */
function withTlsCode(error: unknown): unknown {
  const { code, message, cert } = error as { readonly [key: string]: unknown };
  if (code !== 'HANDSHAKE_SSL_ERROR') return error;
  const text = String(message);
  return Object.assign(new Error(text), {
    code:
      cert !== undefined
        ? 'ERR_TLS_CERT_ALTNAME_INVALID'
        : /expired/.test(text)
          ? 'CERT_HAS_EXPIRED'
          : /certificate|issuer/.test(text)
            ? 'CERT_UNTRUSTED'
            : 'EPROTO',
  });
}
