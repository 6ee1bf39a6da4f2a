export type SourceErrorKind = 'unreachable' | 'refused' | 'missing' | 'malformed';

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
  /** Node's code of a connection that failed (`ECONNREFUSED`), or `TIMEOUT` if there was no response in time. */
  readonly code?: string;

  constructor(
    source: string,
    kind: SourceErrorKind,
    message: string,
    {
      places,
      placeNames,
      code,
      ...options
    }: ErrorOptions & {
      readonly places?: number;
      readonly placeNames?: readonly string[];
      readonly code?: string;
    } = {},
  ) {
    super(message, options);
    this.source = source;
    this.kind = kind;
    if (places !== undefined && places > 1) this.places = places;
    if (placeNames !== undefined && placeNames.length > 1) this.placeNames = placeNames;
    if (code !== undefined) this.code = code;
  }
}
