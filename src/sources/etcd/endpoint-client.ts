import { readFile } from 'node:fs/promises';
import type { SourceRecorder } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { HttpTls, HttpRequest, PlainHttpClient, TextResponse } from '../../wire/http.ts';
import { openHttp } from '../../wire/http.ts';
import { ResponseTooLarge } from './responses.ts';
import type { EtcdConfig } from './config.ts';
import { wantsClientCertificate } from './handshake.ts';

/** One client port, by the address that is dialled and the name that is asked for. */
export interface EndpointAddress {
  readonly url: string;
  readonly servername?: string | undefined;
}

/** No status is an error here: etcd explains it in the body. */
export interface EtcdRequest extends Pick<HttpRequest, 'method' | 'body' | 'headers' | 'signal'> {
  readonly path: string;
  readonly timeoutMs?: number;
}

/** An HTTP client of one client port. */
export interface EndpointClient extends EndpointAddress {
  /** `10.0.16.5:4001`, for messages. */
  readonly host: string;
  /** @throws {SourceError} where there is no answer, or too much of one. */
  readonly request: (question: EtcdRequest) => Promise<TextResponse>;
  /** What handshakes with it are made with. @throws {SourceError} where a file cannot be read. */
  readonly tls: () => Promise<HttpTls>;
  /** Of everything that is read from this port. */
  readonly recorder?: SourceRecorder | undefined;
}

export interface EndpointClients {
  /** Each once, however often it is configured. */
  readonly configured: readonly EndpointClient[];
  /** For an address that a member advertises. */
  readonly at: (endpoint: EndpointAddress) => EndpointClient;
  readonly close: () => Promise<void>;
}

/** Connections are kept for each port alone, since each has a name of its own to ask for. */
export function openEndpointClients(config: EtcdConfig, recorder?: SourceRecorder): EndpointClients {
  const opened = new Map<string, { readonly client: EndpointClient; readonly close: () => Promise<void> }>();
  const readTls = readOnce(config);
  let closed = false;
  const at = (endpoint: EndpointAddress): EndpointClient => {
    const key = `${endpoint.url} ${endpoint.servername ?? ''}`;
    const known = opened.get(key);
    if (known) return known.client;
    const made = openEndpointClient({ config, endpoint, recorder, readTls, isClosed: () => closed });
    opened.set(key, made);
    return made.client;
  };
  return {
    configured: [...new Set(config.endpoints.map(at))],
    at,
    close: async () => {
      closed = true;
      await Promise.all([...opened.values()].map(({ close }) => close()));
    },
  };
}

function openEndpointClient({
  config,
  endpoint: { url, servername },
  recorder,
  readTls,
  isClosed,
}: {
  readonly config: EtcdConfig;
  readonly endpoint: EndpointAddress;
  readonly recorder: SourceRecorder | undefined;
  readonly readTls: () => Promise<HttpTls>;
  readonly isClosed: () => boolean;
}): { readonly client: EndpointClient; readonly close: () => Promise<void> } {
  const { host } = new URL(url);
  const tls = async () => ({ ...(await readTls()), ...(servername !== undefined && { servername }) });
  let http: PlainHttpClient | undefined;
  const request = async ({ path, timeoutMs, ...options }: EtcdRequest): Promise<TextResponse> => {
    const settings = await tls();
    if (isClosed())
      throw new SourceError(config.name, 'unreachable', `${host} was not queried: the source is closed`);
    http ??= openHttp({ source: config.name, tls: settings, connectTimeoutMs: CONNECT_TIMEOUT_MS, recorder });
    try {
      return await http.requestText({
        ...options,
        url: `${url}${path}`,
        timeoutMs: timeoutMs ?? config.timeoutMs,
        maxBytes: config.maxBytes,
        accept: REFUSALS,
        retries: 0,
      });
    } catch (error) {
      throw error instanceof SourceError ? await explainClosed(error, client, options.signal) : error;
    }
  };
  const client: EndpointClient = { url, servername, host, request, tls, recorder };
  return { client, close: async () => http?.close() };
}

/** A host that does not accept connections in this time is unreachable, and the others must be asked before a check ends. */
const CONNECT_TIMEOUT_MS = 3_000;

const REFUSALS: readonly number[] = [...Array(200).keys()].map((index) => index + 400);

/** Why a connection was closed without an answer, as far as it can be found out. */
async function explainClosed(
  error: SourceError,
  client: EndpointClient,
  signal: AbortSignal,
): Promise<SourceError> {
  const { source, kind, message, code } = error;
  if (message.includes('answered with more than')) return new ResponseTooLarge(source, message);
  if (!message.includes('closed the connection')) return error;
  const hungUp = `${client.host} closed the connection without an answer`;
  if (client.url.startsWith('http:'))
    return new SourceError(source, kind, `${hungUp}: is it https:// and not http://?`, withCode(code));
  if (await wantsClientCertificate(client, signal))
    return new SourceError(source, 'refused', `${client.host} requires a client certificate that it trusts`);
  return new SourceError(source, kind, hungUp, withCode(code));
}

function withCode(code: string | undefined): { readonly code?: string } {
  return code === undefined ? {} : { code };
}

/** Reads the PEM files at the first request, so that a missing one fails this source only. */
function readOnce({ name, ca, clientCertificate }: EtcdConfig): () => Promise<HttpTls> {
  const read = (path: string): Promise<string> =>
    readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new SourceError(name, 'missing', `the file ${path} cannot be read (${error.code})`);
    });
  let reading: Promise<HttpTls> | undefined;
  const readAll = async (): Promise<HttpTls> => ({
    ...(ca !== undefined && { ca: await read(ca) }),
    ...(clientCertificate && {
      cert: await read(clientCertificate.cert),
      key: await read(clientCertificate.key),
    }),
  });
  return () => {
    reading ??= readAll().catch((error: unknown) => {
      reading = undefined;
      throw error;
    });
    return reading;
  };
}
