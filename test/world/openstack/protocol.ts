export type CloudService = 'keystone' | 'nova' | 'neutron' | 'glance';

export interface CloudRequest {
  readonly method: string;
  /**
   * Decoded, as in the API reference of the service: `/v3/auth/tokens`, `/servers/detail` (without `/v2.1`),
   * `/v2.0/networks`, `/v2/images/{id}`. `/` is the list of versions.
   */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
}

export interface CloudResponse {
  readonly status: number;
  readonly json?: unknown;
  /** Sent instead of JSON. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Answers a request before the data of the cloud does; undefined leaves it to them. All but Keystone call it
 * once a token was accepted.
 */
export type AnswerHook = (service: CloudService, request: CloudRequest) => CloudResponse | undefined;

/** An object as the API shows it to an administrator. */
export type CloudObject = Readonly<Record<string, unknown>>;

/** What is in the cloud, as its APIs show it to an administrator. `objects.ts` makes such objects. */
export interface CloudContent {
  readonly networks?: readonly CloudObject[];
  readonly ports?: readonly CloudObject[];
  readonly agents?: readonly CloudObject[];
  readonly servers?: readonly CloudObject[];
  /** Of Nova: computes, conductors, schedulers. A PUT changes the object itself. */
  readonly services?: readonly CloudObject[];
  readonly images?: readonly CloudObject[];
}
