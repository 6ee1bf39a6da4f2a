import type { SamplesUnavailable, SavedSample } from '../../check/remembers.ts';
import type { HostKeyProblem, SourceErrorKind } from '../../ports/source-error.ts';
import type { SourceConfig } from '../../sources/schemas.ts';

/** One run of a check with all responses of its sources. `wrench run --record` writes it, and a test can replay it. */
export interface Recording {
  readonly check: string;
  readonly environment: string;
  readonly args: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly now: string;
  /** For a check that remembers. */
  readonly earlier?: readonly SavedSample[] | SamplesUnavailable;
  /** How the sources are configured, without secrets. */
  readonly sources: readonly SourceConfig[];
  readonly answers: readonly RecordedAnswer[];
}

export type RecordedAnswer =
  | RecordedHttp
  | RecordedPlace
  | RecordedScan
  | RecordedObservation
  | RecordedReply;

interface Recorded {
  /** Kind and name of the source: `etcd:etcd`. */
  readonly from: string;
  /** When the answer was complete, in milliseconds after `now`, to the microsecond: it shows their order. */
  readonly afterMs: number;
  /** Why there is no answer. */
  readonly error?: RecordedError;
}

/** A response over HTTP, or the error that came instead of one. */
export interface RecordedHttp extends Recorded {
  /** The origin of the URL: `https://10.0.16.5:4001`. A source may have several. */
  readonly at: string;
  /** Method, path, query, and the body if the request was not a login: `POST /v3/kv/range {"key":"AA=="}`. */
  readonly request: string;
  readonly status?: number;
  /** Only those that sources read. None of them is a credential. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Parsed JSON, or a text. */
  readonly body?: unknown;
}

/** A place of a store of certificates; or one certificate that a source of another kind read. */
export interface RecordedPlace extends Recorded {
  /** `scan`, `inspect www.example.com:443`; absent for a single certificate. */
  readonly request?: string;
  readonly place: string;
  /** PEM, the leaf first. */
  readonly certificates?: readonly string[];
  /** Each is an index into `certificates`, or PEM if it is not among them. */
  readonly path?: readonly (number | string)[];
  /** The facts of a result besides its certificates, such as those of the handshake. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** How reading a store of certificates ended. */
export interface RecordedScan extends Recorded {
  readonly request: string;
  /** How many places have no certificate. */
  readonly empty: number;
}

export interface RecordedObservation extends Recorded {
  readonly observed: string;
  readonly result?: boolean;
}

/** What a host replied to a question, as it was understood. A list that is incomplete has an error as well. */
export interface RecordedReply extends Recorded {
  /** The method and its arguments: `links {"host":"cmp-12"}`; `hosts` is the list of hosts. */
  readonly request: string;
  readonly answer?: unknown;
}

/** `other`: the run no longer waited for the answer, or there is a bug in Wrench. */
export interface RecordedError {
  readonly kind: SourceErrorKind | 'other';
  readonly code?: string;
  readonly places?: number;
  readonly hostKey?: HostKeyProblem;
  /** If it is not the source itself, as with a deadline. */
  readonly source?: string;
  readonly message: string;
}

/** The request of an answer: the fields by which a replay finds it. */
export type Asked = Readonly<Partial<Record<'at' | 'request' | 'place' | 'observed', string>>>;

/** The other fields of an answer, computed when the recording is written. */
export type Answered = () => object;

/** Notes an answer at the moment when it came. */
export type Note = (asked: Asked, answered: Answered) => void;
