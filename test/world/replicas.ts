import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A replica of a service on loopback. */
export interface TestReplica {
  readonly port: number;
  /** How many connections it has accepted. */
  readonly connections: () => number;
  /** The requests, in order: `GET /version`. */
  readonly requests: readonly string[];
}

/** Serves HTTP until the test has finished. */
export async function serveReplica(answer: RequestListener, address = '127.0.0.1'): Promise<TestReplica> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  return { ...(await listen(server, address)), requests };
}

/** Accepts connections; `onConnection` decides what is sent, which need not be HTTP. */
export async function serveSocket(
  onConnection: (socket: Socket, connection: number) => void,
): Promise<TestReplica> {
  let connections = 0;
  const server = createTcpServer((socket) => onConnection(socket, (connections += 1)));
  return { ...(await listen(server, '127.0.0.1')), requests: [] };
}

async function listen(server: Server, address: string): Promise<Omit<TestReplica, 'requests'>> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    // What a client does to its connection is not a fault of the server.
    sockets.add(socket.on('error', () => undefined));
  });
  await new Promise<void>((done) => void server.listen(0, address, done));
  onTestFinished(async () => {
    const closed = new Promise((done) => server.close(done));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}
