import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Balancer {
  readonly url: string;
  readonly port: number;
  /** Closes all connections; new ones are still forwarded. */
  readonly drop: () => void;
  readonly close: () => Promise<void>;
}

/** Forwards each connection to the next of these ports, like a TCP load balancer in front of a cluster. */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>();
  let next = 0;
  const server = createServer((client) => {
    const member = connect(ports[next++ % ports.length]!, '127.0.0.1');
    for (const socket of [client, member]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        client.destroy();
        member.destroy();
        sockets.delete(socket);
      });
    }
    client.pipe(member).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    drop,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        drop();
      }),
  };
}
