import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer, type WebSocket } from 'ws';
import { ApiError } from './api-error.ts';
import { ACK_WITHIN_MS, type Ack } from './deliver.ts';
import { APP } from './model.ts';

/** https://docs.slack.dev/apis/events-api/using-socket-mode */
const CONNECTIONS_AN_APP = 10;
const PING_EVERY_MS = 5_000;
const GOODBYE_MS = 300;

export interface Envelope {
  /** `slash_commands`, `interactive` or `events_api`; a test may send other types. */
  readonly type: unknown;
  readonly payload: unknown;
  /** The same id twice is a second delivery of the same thing. */
  readonly envelopeId?: string;
}

export interface SocketMode {
  /**
   * The address that `apps.connections.open` returns; each works once. @throws ApiError above ten
   * connections.
   */
  readonly open: () => string;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** To any one of the connections; to another one if that one closes before it acknowledges. */
  readonly send: (envelope: Envelope) => Promise<Ack>;
  /** Any text, to each of the connections, without waiting for a response. */
  readonly sendText: (text: string) => void;
  readonly connections: () => number;
  /**
   * Refreshes connections like Slack: a warning, then the request to reconnect. Closes those that do not.
   */
  readonly refresh: (options?: { warnMs?: number }) => Promise<void>;
  /** Cuts every connection, like a network failure. */
  readonly cut: () => void;
  /** Sends a close frame and waits briefly for the response. */
  readonly close: () => Promise<void>;
}

type Pending = { readonly settle: (body: unknown) => void; readonly lost: () => void; connection: WebSocket };

export function createSocketMode(
  socketUrl: (ticket: string) => string,
  onChange: () => void,
  ackWithinMs = ACK_WITHIN_MS,
): SocketMode {
  const server = new WebSocketServer({ noServer: true });
  const tickets = new Set<string>();
  const pending = new Map<string, Set<Pending>>();
  let turn = 0;
  const alive = () => [...server.clients].filter((client) => client.readyState === client.OPEN);

  server.on('connection', (connection) => {
    connection.send(JSON.stringify(hello(alive().length)));
    const ping = setInterval(() => connection.ping('Ping from the workspace'), PING_EVERY_MS).unref();
    connection.on('message', (data) => settle(pending, (data as Buffer).toString('utf8')));
    connection.on('error', () => connection.terminate());
    connection.on('close', () => {
      clearInterval(ping);
      for (const waits of pending.values()) {
        for (const wait of waits) if (wait.connection === connection) wait.lost();
      }
      onChange();
    });
    onChange();
  });

  return {
    open: () => {
      if (alive().length >= CONNECTIONS_AN_APP) throw new ApiError('too_many_websockets');
      const ticket = randomUUID();
      tickets.add(ticket);
      return socketUrl(ticket);
    },
    upgrade: (request, socket, head) => {
      const ticket = new URL(request.url ?? '/', 'ws://loopback').searchParams.get('ticket') ?? '';
      if (!tickets.delete(ticket)) {
        socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
        return;
      }
      server.handleUpgrade(request, socket, head, (connection) => server.emit('connection', connection));
    },
    send: async ({ type, payload, envelopeId = randomUUID() }) => {
      const startedAt = performance.now();
      const took = () => Math.round(performance.now() - startedAt);
      const connections = alive();
      if (connections.length === 0) {
        return { status: 0, body: undefined, tookMs: took(), failure: 'dispatch_failed' };
      }
      turn += 1;
      const body = await new Promise<unknown>((resolve) => {
        const waits = pending.get(envelopeId) ?? new Set();
        pending.set(envelopeId, waits);
        const finish = (answer: unknown) => {
          clearTimeout(timer);
          waits.delete(wait);
          if (waits.size === 0) pending.delete(envelopeId);
          resolve(answer);
        };
        const timer = setTimeout(() => finish(TIMED_OUT), ackWithinMs);
        const deliver = (connection: WebSocket, retry: Record<string, unknown>) =>
          connection.send(
            JSON.stringify({
              envelope_id: envelopeId,
              type,
              accepts_response_payload: true,
              payload,
              ...retry,
            }),
          );
        const wait: Pending = {
          settle: finish,
          connection: connections[turn % connections.length] as WebSocket,
          lost: () => {
            const other = alive().find((connection) => connection !== wait.connection);
            if (!other) return;
            wait.connection = other;
            deliver(other, { retry_attempt: 1, retry_reason: 'connection_failed' });
          },
        };
        waits.add(wait);
        deliver(wait.connection, {});
      });
      return body === TIMED_OUT
        ? { status: 0, body: undefined, tookMs: took(), failure: 'operation_timeout' }
        : { status: 200, body, tookMs: took() };
    },
    sendText: (text) => {
      for (const connection of alive()) connection.send(text);
    },
    connections: () => alive().length,
    refresh: async ({ warnMs = 100 } = {}) => {
      const old = alive();
      for (const connection of old) connection.send(disconnect('warning'));
      await sleep(warnMs);
      for (const connection of old) connection.send(disconnect('refresh_requested'));
      const gone = old
        .filter((connection) => connection.readyState !== connection.CLOSED)
        .map((connection) => once(connection, 'close'));
      await Promise.race([Promise.all(gone), sleep(GOODBYE_MS, undefined, { ref: false })]);
      for (const connection of old) connection.terminate();
    },
    cut: () => {
      for (const connection of server.clients) connection.terminate();
    },
    close: async () => {
      const gone = [...server.clients].map((connection) => {
        connection.close(1001);
        return Promise.race([once(connection, 'close'), sleep(GOODBYE_MS, undefined, { ref: false })]);
      });
      await Promise.all(gone);
      for (const connection of server.clients) connection.terminate();
      server.close();
    },
  };
}

const TIMED_OUT = Symbol('timed out');

function settle(pending: Map<string, Set<Pending>>, text: string): void {
  const { envelope_id: id, payload } = JSON.parse(text) as { envelope_id?: string; payload?: object };
  const wait = [...(pending.get(id ?? '') ?? [])][0];
  // The official client sends `{}` for an empty acknowledgement, and `{text}` for a string.
  wait?.settle(payload && Object.keys(payload).length > 0 ? payload : undefined);
}

function hello(connections: number): Record<string, unknown> {
  return {
    type: 'hello',
    num_connections: connections,
    connection_info: { app_id: APP.id },
    debug_info: { host: 'loopback', build_number: 1, approximate_connection_time: 18_060 },
  };
}

function disconnect(reason: string): string {
  return JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'loopback' } });
}
