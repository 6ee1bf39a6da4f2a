import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { limitInboundBodies, type ReadResult, readRequest } from './read-request.ts';

const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of close.splice(0).toReversed()) await end();
});

/** A server whose requests may have 1 MiB of incomplete bodies in total. */
async function start(onRead: (read: ReadResult) => void) {
  const arriving = limitInboundBodies(1_024 * 1_024);
  const read = async (request: IncomingMessage, response: ServerResponse) => {
    response.on('error', () => undefined);
    onRead(await readRequest(request, 'secret', arriving));
    response.end();
  };
  const server = createServer((request, response) => void read(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  return async (bytes: number): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    close.push(() => socket.destroy());
    await once(socket, 'connect');
    socket.write(
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n\r\n`,
    );
    socket.write(Buffer.alloc(bytes, 'a'));
    return socket;
  };
}

test('incomplete bodies use limited memory: among equally large ones the oldest are cut off', async () => {
  const statuses: unknown[] = [];
  const send = await start((read) => statuses.push('response' in read && read.response.status));

  const sockets: Socket[] = [];
  for (let at = 0; at < 10; at++) sockets.push(await send(400_000));

  // Two of them are within the limit.
  await expect.poll(() => statuses.length).toBeGreaterThanOrEqual(8);
  expect(statuses).toEqual(statuses.map(() => 400));
  await expect.poll(() => sockets.slice(0, 8).every(({ destroyed }) => destroyed)).toBe(true);
  expect(sockets.at(-1)?.destroyed).toBe(false);
});

test('many large bodies do not cut off a small one that is slower', async () => {
  const send = await start(() => undefined);
  const small = await send(50_000);

  const large: Socket[] = [];
  for (let at = 0; at < 10; at++) large.push(await send(400_000));

  await expect.poll(() => large.filter(({ destroyed }) => destroyed).length).toBeGreaterThanOrEqual(8);
  expect(small.destroyed).toBe(false);
});
