import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Replicas of a service, each with a port of its own; the argument is their number. Runs as a separate process, so that only the client is measured. Each
 * connection serves one request, because a check asks each replica once.
 */
const count = Number(process.argv[2]);
const ports = await Promise.all(Array.from({ length: count }, (_, at) => serve(at)));
process.send?.(ports);
process.once('disconnect', () => process.exit());

async function serve(at: number): Promise<number> {
  const body = JSON.stringify({
    status: 'ok',
    version: '1.77.4',
    buildNumber: at % 10 === 0 ? 208 : 209,
    started_at: '2026-11-26T10:01:12Z',
  });
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(body);
  });
  server.maxRequestsPerSocket = 1;
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}
