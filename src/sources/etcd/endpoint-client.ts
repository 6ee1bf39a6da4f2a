import type { SourceRecorder } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { HttpTls, HttpRequest, PlainHttpClient, TextResponse } from '../../wire/http.ts';
import { openHttp } from '../../wire/http.ts';
import { readTextFile } from '../../wire/read-text-file.ts';
import { ResponseTooLarge } from './responses.ts';
import type { EtcdConfig } from './config.ts';
import { wantsClientCertificate } from './handshake.ts';

/** One client port: the address to connect to, and the server name. */
export interface EndpointAddress {
  readonly url: string;
  readonly servername?: string | undefined;
}

/** A response of any status: etcd explains errors in the body. */
export interface EtcdRequest extends Pick<HttpRequest, 'method' | 'body' | 'headers' | 'signal'> {
  readonly path: string;
  readonly timeoutMs?: number;
}

/** An HTTP client for one client port. */
export interface EndpointClient extends EndpointAddress {
  /** `10.0.16.5:4001`, for messages. */
  readonly host: string;
  /** @throws {SourceError} if there is no response, or if it is too large. */
  readonly request: (question: EtcdRequest) => Promise<TextResponse>;
  /** The TLS options for handshakes with it. @throws {SourceError} if a file can't be read. */
  readonly tls: () => Promise<HttpTls>;
  /** Records everything that is read from this port. */
  readonly recorder?: SourceRecorder | undefined;
}

export interface EndpointClients {
  /** Without duplicates. */
  readonly configured: readonly EndpointClient[];
  /** For an address that a member advertises. */
  readonly at: (endpoint: EndpointAddress) => EndpointClient;
  readonly close: () => Promise<void>;
}

/** Connections aren't shared between ports, because each port has its own server name. */
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

/** A host that doesn't accept connections within this time is unreachable. The others must be queried before the check ends. */
const CONNECT_TIMEOUT_MS = 3_000;

const REFUSALS: readonly number[] = [...Array(200).keys()].map((index) => index + 400);

/** Finds out why a connection was closed without a response, if possible. */
async function explainClosed(
  error: SourceError,
  client: EndpointClient,
  signal: AbortSignal,
): Promise<SourceError> {
  const { source, kind, message, code } = error;
  if (message.includes('responded with more than')) return new ResponseTooLarge(source, message);
  if (!message.includes('closed the connection')) return error;
  const hungUp = `${client.host} closed the connection without a response`;
  if (client.url.startsWith('http:'))
    return new SourceError(
      source,
      kind,
      `${hungUp}: should it be https:// instead of http://?`,
      withCode(code),
    );
  if (await wantsClientCertificate(client, signal))
    return new SourceError(source, 'refused', `${client.host} requires a client certificate that it trusts`);
  return new SourceError(source, kind, hungUp, withCode(code));
}

function withCode(code: string | undefined): { readonly code?: string } {
  return code === undefined ? {} : { code };
}

/** Reads the PEM files at the first request, so that a missing file fails only this source. */
function readOnce({ name, ca, clientCertificate }: EtcdConfig): () => Promise<HttpTls> {
  const read = (path: string): Promise<string> => readTextFile(name, path);
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
