import type { HttpAnswer } from '../../ports/recorder.ts';
import type { CloudServiceType } from './catalogue.ts';
import { ANY_ERROR } from './login.ts';

export interface ApiRequest {
  /** From the root of the version: `/servers/detail`. */
  readonly path: string;
  readonly query?: URLSearchParams;
  /** Statuses other than success that don't throw. */
  readonly accept?: readonly number[];
  readonly signal: AbortSignal;
}

/** One version of the API of a service. */
export interface ServiceApi {
  /** The name of the source, for errors. */
  readonly source: string;
  readonly service: CloudServiceType;
  /** @throws {SourceError} unless it is a success or accepted. */
  readonly get: (request: ApiRequest) => Promise<HttpAnswer>;
  /** The version that requests use: `2.93`, `v2.0`. @throws {SourceError} */
  readonly version: (signal: AbortSignal) => Promise<string>;
}

/** A request that changes something. */
export interface ApiChange extends ApiRequest {
  /** Sent as JSON. */
  readonly body: object;
}

/** A service that responds, but not with a list of its versions. */
export const NO_DOCUMENT: readonly number[] = ANY_ERROR.filter((status) => status < 500);

/** A space is `%20`, because not every proxy decodes a `+`. */
export function queryText(query: URLSearchParams | undefined): string {
  return query ? `?${query.toString().replaceAll('+', '%20')}` : '';
}
