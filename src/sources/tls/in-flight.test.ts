import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { tlsConfig } from './config.ts';
import { openTls } from './open.ts';

/** Long enough for all workers to connect. */
const HELD_MS = 5;

let server: Server;

afterEach(() => void server.close());

test.each([
  { names: 2000, concurrency: 20, perAddress: 100, most: 20 },
  { names: 500, concurrency: 50, perAddress: 3, most: 3 },
  { names: 200, concurrency: 50, perAddress: 1, most: 1 },
])('requests at most $most of $names names at one address at once', async (limits) => {
  const { port, most } = await startCounting();
  const sites = Array.from({ length: limits.names }, (_, index) => `n${index}.example@127.0.0.1:${port}`);
  const { concurrency, perAddress } = limits;

  const places = await scan({ sites, concurrency, perAddress });

  expect(places.size).toBe(limits.names);
  expect(most()).toBe(limits.most);
});

test('concurrent scans share the limit of an address', async () => {
  const { port, most } = await startCounting();
  const sites = Array.from({ length: 60 }, (_, index) => `n${index}.example@127.0.0.1:${port}`);
  const { certificates } = openTls(tlsConfig.parse({ kind: 'tls', sites })).reads;
  const { signal } = new AbortController();

  await Promise.all([placesOf(certificates!.scan({ signal })), placesOf(certificates!.scan({ signal }))]);

  expect(most()).toBe(1);
});

async function scan(config: object): Promise<Set<string>> {
  const { certificates } = openTls(tlsConfig.parse({ kind: 'tls', ...config })).reads;
  return placesOf(certificates!.scan({ signal: new AbortController().signal }));
}

async function placesOf(results: AsyncIterable<{ readonly place: string }>): Promise<Set<string>> {
  const places = new Set<string>();
  for await (const { place } of results) places.add(place);
  return places;
}

/** Closes each connection after a moment. Counts down before the client can notice, so the maximum is exact. */
async function startCounting(): Promise<{ port: number; most: () => number }> {
  let open = 0;
  let most = 0;
  server = createServer((socket) => {
    most = Math.max(most, (open += 1));
    const hangUp = () => {
      open -= 1;
      socket.destroy();
    };
    socket.on('error', () => {}).once('data', () => setTimeout(hangUp, HELD_MS));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, most: () => most };
}
