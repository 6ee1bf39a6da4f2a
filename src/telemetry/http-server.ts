import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { inRequest } from './request-scope.ts';

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Route {
  readonly methods: readonly string[];
  readonly handle: (request: IncomingMessage) => Promise<HttpResponse>;
}

export interface HttpServer {
  readonly isListening: () => boolean;
  /** A port of 0 takes a free one. @returns the port. */
  readonly listen: (port: number, host?: string) => Promise<number>;
  /** Accepts no more connections and closes idle ones. Requests in progress get a few seconds to finish. */
  readonly close: () => Promise<void>;
}

const HEADERS_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 15_000;
/**
 * Longer than a proxy keeps an idle connection, 60 s by default in nginx and AWS load balancers: if the server closes first,
 * a request that is being sent is lost. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
 */
const IDLE_WITHIN_MS = 75_000;
const CHECK_TIMEOUTS_EVERY_MS = 2_000;
const CLOSE_WITHIN_MS = 3_000;
/** Above this many connections, each new one closes the one that has been without a complete request longest. */
const MAX_CONNECTIONS = 1_000;

/**
 * An HTTP server that no request can crash. A malformed request target is answered with 400, an unknown path with 404 and a wrong
 * method with 405. An error thrown by a route is logged, counted and answered with 500. New connections that send nothing time out and, however
 * many there are, do not keep others out.
 * `name` is the value of the label `listener` in metrics and logs.
 */
export function makeHttpServer(settings: {
  readonly name: string;
  /** By path. */
  readonly routes: Readonly<Record<string, Route>>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'requestErrors'>;
}): HttpServer {
  const { name: listener, log, metrics } = settings;
  const routes = new Map(Object.entries(settings.routes));
  const methods = [...new Set([...routes.values()].flatMap((route) => route.methods))];
  const connections = trackConnections();
  const server = createServer({
    headersTimeout: HEADERS_WITHIN_MS,
    requestTimeout: REQUEST_WITHIN_MS,
    keepAliveTimeout: IDLE_WITHIN_MS,
    connectionsCheckingInterval: CHECK_TIMEOUTS_EVERY_MS,
  });

  const answer = async (request: IncomingMessage): Promise<HttpResponse> => {
    const found = findRoute(routes, request);
    if ('status' in found) return found;
    try {
      return await found.handle(request);
    } catch (error) {
      metrics.requestErrors.inc({ listener });
      log.error(
        { event: 'request-failed', err: error, listener },
        'Request failed because of a bug in Wrench',
      );
      return { status: 500 };
    }
  };
  server.on('request', (request, response) => {
    // A client that resets the connection is not our error, and an `error` event without a listener would crash the process.
    request.on('error', ignore);
    response.on('error', ignore);
    connections.begin(request.socket, request);
    response.once('close', () => connections.end(request.socket));
    inRequest(listener, () => void answer(request).then((answered) => send(response, answered)));
  });
  server.on('connection', connections.add);
  // Node passes the bare socket, without an error listener.
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', ignore);
    socket.end(
      `HTTP/1.1 405 Method Not Allowed\r\nAllow: ${methods.join(', ')}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      () => socket.destroy(),
    );
  });

  return {
    isListening: () => server.listening,
    listen: async (port, host) => {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          server.on('error', (error) =>
            log.error({ event: 'http-server-failed', err: error, listener }, 'HTTP server failed'),
          );
          resolve();
        });
      });
      return (server.address() as AddressInfo).port;
    },
    close: () =>
      new Promise((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN_MS);
        server.close(() => {
          clearTimeout(late);
          resolve();
        });
        connections.close();
      }),
  };
}

function ignore(): void {
  // The connection is closed, so there is no one to respond to.
}

function findRoute(
  routes: ReadonlyMap<string, Route>,
  { url = '', method = '' }: IncomingMessage,
): Route | HttpResponse {
  const path = pathOf(url);
  if (path === undefined) return { status: 400, body: 'bad request\n' };
  const route = routes.get(path);
  if (!route) return { status: 404, body: 'not found\n' };
  if (route.methods.includes(method)) return route;
  return { status: 405, headers: { allow: route.methods.join(', ') }, body: 'method not allowed\n' };
}

/** The path of a request target in origin form or absolute form (RFC 9112 section 3.2); undefined for anything else. */
function pathOf(target: string): string | undefined {
  if (target.startsWith('/')) return /^[^?#]*/.exec(target)?.[0];
  return /^https?:\/\//i.test(target) ? URL.parse(target)?.pathname : undefined;
}

/** An error closes the connection instead of reading the rest of the request. */
function send(response: ServerResponse, { status, headers, body = '' }: HttpResponse): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, {
    ...(body !== '' && { 'content-type': 'text/plain' }),
    ...(status >= 400 && { connection: 'close' }),
    ...headers,
  });
  response.end(body);
}

interface Connections {
  readonly add: (socket: Socket) => void;
  /** The headers of a request have arrived on the connection. */
  readonly begin: (socket: Socket, request: IncomingMessage) => void;
  /** The request is answered. */
  readonly end: (socket: Socket) => void;
  /** Closes idle connections now, and the others once they are idle. */
  readonly close: () => void;
}

function trackConnections(): Connections {
  const all = new Set<Socket>();
  /** Those without a request, longest idle first. */
  const idle = new Set<Socket>();
  /** Those with a request, of which the body may still be arriving; the oldest request first. */
  const busy = new Map<Socket, IncomingMessage>();
  const longestWaiting = (except: Socket): Socket | undefined => {
    for (const socket of idle) if (socket !== except) return socket;
    for (const [socket, { complete }] of busy) if (!complete) return socket;
    return undefined;
  };
  let isClosing = false;
  return {
    add: (socket) => {
      socket.on('error', ignore);
      socket.once('close', () => {
        all.delete(socket);
        idle.delete(socket);
        busy.delete(socket);
      });
      all.add(socket);
      idle.add(socket);
      if (all.size > MAX_CONNECTIONS) (longestWaiting(socket) ?? socket).destroy();
    },
    begin: (socket, request) => {
      idle.delete(socket);
      busy.set(socket, request);
    },
    end: (socket) => {
      busy.delete(socket);
      if (isClosing) socket.end();
      if (!socket.destroyed) idle.add(socket);
    },
    close: () => {
      isClosing = true;
      for (const socket of idle) socket.destroy();
    },
  };
}
