/** An HTTP request, without its headers, which contain credentials. */
export interface HttpQuestion {
  readonly url: string;
  /** Default: GET. */
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly form?: Readonly<Record<string, string>>;
}

/** The response, with any status. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** Names in lower case. If a header is repeated, only the first is included. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The part of the JSON body of a response that may be recorded. */
export type Recordable = (body: unknown) => unknown;

/**
 * Records the requests to one source and its responses, for `wrench run --record`. Each function returns the result or throws the error of the
 * function that it is given. Other runs have no recorder.
 */
export interface SourceRecorder {
  /** One request, with all its retries. `recordable` is for bodies of which only a part may be recorded. */
  readonly http: <Question extends HttpQuestion>(
    question: Question,
    send: (question: Question) => Promise<HttpAnswer>,
    recordable?: Recordable,
  ) => Promise<HttpAnswer>;
  /** Reads a certificate, as DER, from a handshake or a file. */
  readonly certificate: (
    place: string,
    read: () => Promise<Buffer | undefined>,
  ) => Promise<Buffer | undefined>;
  /** Any other boolean observation, such as whether a port accepts connections. */
  readonly observe: (what: string, observe: () => Promise<boolean>) => Promise<boolean>;
}
