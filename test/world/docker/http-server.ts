import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request to an engine. */
export interface EngineRequest {
  readonly method: string;
  /** Decoded, without the API version. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** `1.41`; undefined if the path has none: then the engine's newest version applies. */
  readonly apiVersion?: string;
}

export interface EngineResponse {
  readonly status: number;
  /** A string is sent as plain text. */
  readonly body?: unknown;
}

export type EngineFault =
  /** Accepts the connection and never responds. */
  | 'hang'
  /** Resets the connection. */
  | 'reset'
  /** A web page, as sent by a proxy in between. */
  | 'html'
  /** Truncated JSON. */
  | 'cut'
  | { readonly delayMs: number }
  | { readonly status: number; readonly message: string };

/** The API versions that an engine supports. */
export interface VersionRange {
  readonly min: string;
  readonly max: string;
}

export interface EngineServerOptions {
  readonly answer: (request: EngineRequest) => EngineResponse;
  /** A request with another version is rejected. */
  readonly versions?: VersionRange;
  /** Whose headers and errors to send. Default `docker`. */
  readonly product?: 'docker' | 'podman';
}

export interface EngineServer {
  /** `tcp://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** The requests, with the version and the query: `GET /v1.41/containers/json?all=1`. */
  readonly requests: readonly string[];
  /** Applies the fault to every request whose path begins like this, until it is set to undefined. */
  readonly setFault: (path: string, fault: EngineFault | undefined) => void;
  /** Connections that have been opened. */
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

/** Serves the Docker Engine API on loopback, in plain HTTP. */
export async function serveEngineApi({
  answer,
  versions,
  product = 'docker',
}: EngineServerOptions): Promise<EngineServer> {
  const requests: string[] = [];
  const faults = new Map<string, EngineFault>();
  let connections = 0;
  const server = createServer((message, response) => {
    requests.push(`${message.method} ${message.url}`);
    const request = parseRequest(message);
    const [, fault] = [...faults].find(([path]) => request.path.startsWith(path)) ?? [];
    const send = () => {
      const refusal = versions && refuseVersion(request, versions);
      sendAnswer(response, refusal ?? answerOrFail(answer, request), product, versions);
    };
    if (fault === undefined) send();
    else breakAnswer(fault, response, send, product);
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `tcp://127.0.0.1:${port}`,
    port,
    requests,
    setFault: (path, fault) => void (fault ? faults.set(path, fault) : faults.delete(path)),
    connections: () => connections,
    close: async () => {
      server.closeAllConnections();
      if (server.listening) await new Promise((done) => server.close(done));
    },
  };
}

/** A bug in a test's response must not crash the process. */
function answerOrFail(answer: EngineServerOptions['answer'], request: EngineRequest): EngineResponse {
  try {
    return answer(request);
  } catch (error) {
    return failure(500, `the engine of the tests has a bug: ${(error as Error).stack}`);
  }
}

function parseRequest({ method = 'GET', url = '/' }: IncomingMessage): EngineRequest {
  const { pathname, searchParams: query } = new URL(url, 'http://engine');
  const [, apiVersion, path = '/'] = /^(?:\/v(\d+\.\d+))?(\/.*)$/.exec(pathname) ?? [];
  return { method, path: decodeURIComponent(path), query, ...(apiVersion !== undefined && { apiVersion }) };
}

function refuseVersion(
  { apiVersion }: EngineRequest,
  { min, max }: VersionRange,
): EngineResponse | undefined {
  if (apiVersion === undefined) return undefined;
  if (compareVersions(apiVersion, max) > 0)
    return failure(400, `client version ${apiVersion} is too new. Maximum supported API version is ${max}`);
  if (compareVersions(apiVersion, min) < 0)
    return failure(
      400,
      `client version ${apiVersion} is too old. Minimum supported API version is ${min}, please upgrade your client to a newer version`,
    );
  return undefined;
}

export function failure(status: number, message: string): EngineResponse {
  return { status, body: { message } };
}

/** Positive if the first is the newer one. */
export function compareVersions(one: string, other: string): number {
  const [a = 0, b = 0] = one.split('.').map(Number);
  const [c = 0, d = 0] = other.split('.').map(Number);
  return a - c || b - d;
}

function sendAnswer(
  response: ServerResponse,
  { status, body }: EngineResponse,
  product: 'docker' | 'podman',
  versions: VersionRange | undefined,
): void {
  response.setHeader('Api-Version', versions?.max ?? '1.41');
  if (product === 'podman') response.setHeader('Libpod-Api-Version', '4.3.1');
  response.setHeader('Server', product === 'podman' ? 'Libpod/4.3.1 (linux)' : 'Docker/27.5.1 (linux)');
  if (body === undefined) return void response.writeHead(status).end();
  const isText = typeof body === 'string';
  response.writeHead(status, { 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json' });
  response.end(isText ? body : `${JSON.stringify(inDialect(status, body, product))}\n`);
}

/** Podman explains errors in three fields. */
function inDialect(status: number, body: unknown, product: 'docker' | 'podman'): unknown {
  if (product !== 'podman' || status < 400) return body;
  const { message = '' } = body as { readonly message?: string };
  return { cause: message.toLowerCase(), message, response: status };
}

function breakAnswer(
  fault: EngineFault,
  response: ServerResponse,
  send: () => void,
  product: 'docker' | 'podman',
): void {
  if (fault === 'hang') return;
  if (fault === 'reset') return void response.socket?.resetAndDestroy();
  if (fault === 'html')
    return void response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<!doctype html><title>Sign in</title>');
  if (fault === 'cut')
    return void response.writeHead(200, { 'content-type': 'application/json' }).end('[{"Id":"ab');
  if ('delayMs' in fault) return void setTimeout(send, fault.delayMs);
  sendAnswer(response, failure(fault.status, fault.message), product, undefined);
}
