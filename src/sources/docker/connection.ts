import type Docker from 'dockerode';
import type { HttpAnswer, SourceRecorder } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import { type EngineVersion, negotiate } from './api-version.ts';
import type { DockerAccess } from './config.ts';
import { errorOfStatus, isVersionRefused, jsonIn } from './explain-answer.ts';
import { type EngineTransport, openTransport } from './transport.ts';

/** What a request is about, for messages and limits. */
export interface Asking {
  /** `the list of containers`. */
  readonly what: string;
  readonly signal: AbortSignal;
  /** The engine computes the response or changes something, so it may take longer. */
  readonly isSlow?: boolean;
}

/** One engine with one access. Reads files and connects with the first request. */
export interface EngineConnection {
  /** The source and the engine, for errors. */
  readonly source: string;
  /** How errors name the engine: its name, or its socket. */
  readonly name: string;
  /** @throws {SourceError} if there is no API version that both support. */
  readonly version: (signal: AbortSignal) => Promise<EngineVersion>;
  /**
   * Calls dockerode with an API version that the engine accepts; its responses are not validated.
   * @throws {AnswerError} if the response is not a success.
   * @throws {SourceError} if there is no response; then `code` is set.
   */
  readonly ask: (asking: Asking, call: (docker: Docker) => Promise<unknown>) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

export interface ConnectionOptions {
  readonly source: string;
  /** How errors name the engine, if the address doesn't. */
  readonly engine: string;
  readonly timeoutMs: number;
  readonly recorder: SourceRecorder | undefined;
}

/** How much longer a request may take if the engine computes its response. */
const SLOW_FACTOR = 6;
/** A list of 10,000 containers has about 15 MB. */
const MAX_BYTES = 128_000_000;
/** Error responses are read too: their bodies have the reason. */
const STATUSES = Array.from({ length: 300 }, (_, index) => 300 + index);

let library: Promise<typeof Docker> | undefined;

/** At the first request to any engine. */
function loadLibrary(): Promise<typeof Docker> {
  library ??= import('dockerode').then((loaded) => loaded.default);
  return library;
}

export function openEngineConnection(access: DockerAccess, options: ConnectionOptions): EngineConnection {
  const { source, timeoutMs, recorder } = options;
  const isSocket = access.url.startsWith('unix:');
  const name = isSocket ? access.url.slice('unix://'.length) : options.engine;
  let opening: Promise<EngineTransport> | undefined;
  let negotiating: Promise<EngineVersion> | undefined;
  let closed = false;

  const transport = (): Promise<EngineTransport> => {
    if (closed) throw new SourceError(source, 'unreachable', `${name} was not queried: the source is closed`);
    if (opening) return opening;
    const started = openTransport(access, { source, timeoutMs, recorder });
    opening = started;
    started.catch(() => {
      if (opening === started) opening = undefined;
    });
    return started;
  };

  const send = async (
    { what, signal, isSlow = false }: Asking,
    { method, path }: { readonly method: 'GET' | 'DELETE'; readonly path: string },
  ): Promise<HttpAnswer> => {
    const { http, origin } = await transport();
    const limitMs = isSlow ? SLOW_FACTOR * timeoutMs : timeoutMs;
    try {
      return await http.requestText({
        url: `${origin}${path}`,
        method,
        headers: { 'user-agent': 'wrench' },
        accept: STATUSES,
        maxBytes: MAX_BYTES,
        timeoutMs: limitMs,
        signal,
      });
    } catch (error) {
      throw error instanceof SourceError ? reword(error, { what, access, limitMs, isSlow, name }) : error;
    }
  };

  const negotiateNow = async (signal: AbortSignal): Promise<EngineVersion> => {
    const asking = { what: 'its version', signal };
    const answer = await send(asking, { method: 'GET', path: '/version' });
    if (answer.status !== 200) throw errorOfStatus({ source, name, what: asking.what }, answer);
    return negotiate(source, name, {
      body: jsonIn({ source, name, what: asking.what }, answer),
      isLibpod: answer.headers['libpod-api-version'] !== undefined,
    });
  };

  /** Not shared while in progress, because it would end with the signal of the first caller. */
  const version = async (signal: AbortSignal): Promise<EngineVersion> => {
    if (negotiating) return negotiating;
    const found = await negotiateNow(signal);
    negotiating = Promise.resolve(found);
    return found;
  };

  const request = async (asking: Asking, dialled: Dialled): Promise<unknown> => {
    const { what, signal } = asking;
    const { options = {} } = dialled;
    const method = methodOf(dialled.method, options);
    const path = dialled.path.replace(/\?$/, '') + queryOf(options);
    const once = async (): Promise<HttpAnswer> => {
      const { apiVersion } = await version(signal);
      return send(asking, { method, path: `/v${apiVersion}${path}` });
    };
    let answer = await once();
    if (isVersionRefused(answer)) {
      // The engine was upgraded or downgraded in the meantime, and has done nothing.
      negotiating = undefined;
      answer = await once();
    }
    if (answer.status < 200 || answer.status > 299) throw errorOfStatus({ source, name, what }, answer);
    return jsonIn({ source, name, what }, answer);
  };

  return {
    source,
    name,
    version,
    ask: async (asking, call) => {
      const DockerClient = await loadLibrary();
      // Replaces its modem, which reads variables such as DOCKER_HOST and follows redirects to other hosts.
      const modem = {
        dial: async (dialled: Dialled, done: (error: unknown, body: unknown) => void): Promise<void> => {
          try {
            done(null, await request(asking, dialled));
          } catch (error) {
            done(error, null);
          }
        },
      };
      return call(new DockerClient({ modem } as Docker.DockerOptions));
    },
    close: async () => {
      closed = true;
      const opened = await opening?.catch(() => undefined);
      await opened?.close();
    },
  };
}

/** A request as dockerode passes it on: the path ends with `?` if it may have a query. */
export interface Dialled {
  readonly path: string;
  readonly method: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Nothing is ever created, changed or removed by force. */
function methodOf(method: string, { force }: Readonly<Record<string, unknown>>): 'GET' | 'DELETE' {
  if (method === 'GET') return method;
  if (method === 'DELETE' && force === false) return method;
  throw new TypeError(`a ${method} request must not be sent`);
}

/** Booleans are 1 and 0, and objects are JSON, as the API documents them; lists are repeated. */
function queryOf(options: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value])
      query.append(key, parameterOf(one));
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}

function parameterOf(value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

interface FailureContext {
  readonly what: string;
  readonly access: DockerAccess;
  readonly limitMs: number;
  readonly isSlow: boolean;
  readonly name: string;
}

/** What failures mean for an engine. */
function reword(error: SourceError, { what, access, limitMs, isSlow, name }: FailureContext): SourceError {
  const { source, code } = error;
  const reworded = (kind: SourceError['kind'], message: string): SourceError =>
    new SourceError(source, kind, message, { cause: error, ...(code !== undefined && { code }) });
  if (code === 'TIMEOUT' && isSlow)
    return reworded(
      'unreachable',
      `${name} didn't complete the request for ${what} within ${limitMs / 1_000} s`,
    );
  if (code?.startsWith('ERR_SSL_WRONG_VERSION') || code?.startsWith('ERR_SSL_PACKET_LENGTH'))
    return reworded(
      'unreachable',
      `${name} doesn't use TLS on this port: Wrench uses Docker without TLS only on loopback`,
    );
  if (access.url.startsWith('ssh:') && error.message.endsWith("doesn't speak HTTP"))
    return reworded(
      'malformed',
      `\`docker system dial-stdio\` on ${name} did not respond in HTTP: a login script such as .bashrc may print text. It must print nothing for commands over ssh`,
    );
  if (!access.url.startsWith('unix:')) return error;
  if (code === 'EACCES')
    return reworded(
      'refused',
      `permission denied on the socket ${name}: add the user that runs Wrench to the group of the socket (\`docker\`; members are root on this machine)`,
    );
  if (code === 'ENOENT')
    return reworded(
      'unreachable',
      `there is no socket ${name}: Docker is not installed or not running, or listens elsewhere`,
    );
  if (code === 'ECONNREFUSED')
    return reworded('unreachable', `nothing listens on the socket ${name}: Docker is not running`);
  return error;
}
