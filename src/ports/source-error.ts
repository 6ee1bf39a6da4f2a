export type SourceErrorKind = 'unreachable' | 'refused' | 'missing' | 'malformed';

/** Why the host key of a machine was rejected. */
export interface HostKeyProblem {
  /** The machine that presented it: the host, or the jump host in front of it. */
  readonly host: string;
  readonly is: 'changed' | 'unknown' | 'revoked' | 'other type';
  /** `SHA256:…` */
  readonly fingerprint: string;
}

/**
 * A source did not respond as expected. That is normal in an outage, and becomes a gap in the report. Any other error is a bug in Wrench.
 *
 * - `unreachable`: no response (connection, timeout, deadline);
 * - `refused`: permission denied (401, 403, a policy);
 * - `missing`: what was requested does not exist;
 * - `malformed`: a response that cannot be parsed.
 */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly source: string;
  readonly kind: SourceErrorKind;
  /** How many places were not read because of it, if known and more than one. */
  readonly places?: number;
  /** Which places these are, if known. The message need not list them all. */
  readonly placeNames?: readonly string[];
  /** Set if the host key of a machine was rejected: nothing was sent to it. */
  readonly hostKey?: HostKeyProblem;
  /** Node's code of a connection that failed (`ECONNREFUSED`), `TIMEOUT` if there was no response in time, or `TOO_LARGE` if it was too long. */
  readonly code?: string;

  constructor(
    source: string,
    kind: SourceErrorKind,
    message: string,
    {
      places,
      placeNames,
      code,
      hostKey,
      ...options
    }: ErrorOptions & {
      readonly places?: number;
      readonly placeNames?: readonly string[];
      readonly code?: string;
      readonly hostKey?: HostKeyProblem;
    } = {},
  ) {
    super(message, options);
    this.source = source;
    this.kind = kind;
    if (places !== undefined && places > 1) this.places = places;
    if (placeNames !== undefined && placeNames.length > 1) this.placeNames = placeNames;
    if (code !== undefined) this.code = code;
    if (hostKey) this.hostKey = hostKey;
  }
}
