export type SourceErrorKind = 'unreachable' | 'refused' | 'missing' | 'malformed';

/**
 * A source did not answer as asked: expected in an outage, and told to the asker as a gap. Any other error is a bug of ours.
 *
 * - `unreachable`: no answer (connection, timeout, deadline);
 * - `refused`: an answer that says no (401, 403, a policy);
 * - `missing`: what was asked for is not there;
 * - `malformed`: an answer that cannot be read.
 */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly source: string;
  readonly kind: SourceErrorKind;
  /** How many places were not read because of it, where that is known and more than one. */
  readonly places?: number;
  /** Node's code of a connection that failed (`ECONNREFUSED`), or `TIMEOUT` where there was no answer in time. */
  readonly code?: string;

  constructor(
    source: string,
    kind: SourceErrorKind,
    message: string,
    { places, code, ...options }: ErrorOptions & { readonly places?: number; readonly code?: string } = {},
  ) {
    super(message, options);
    this.source = source;
    this.kind = kind;
    if (places !== undefined && places > 1) this.places = places;
    if (code !== undefined) this.code = code;
  }
}
