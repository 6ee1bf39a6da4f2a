import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pageOfQueues, queueObject } from '../world/rabbitmq/served-queues.ts';

/**
 * The management API of a RabbitMQ node, which returns responses of the recorded shape; its argument is the number of queues. Runs as a separate process,
 * so that only the client is measured. Pages are made once: a real server caches them for a while too.
 */
const count = Number(process.argv[2]);
const queues = Array.from({ length: count }, (_, at) =>
  queueObject(`queue-${String(at).padStart(5, '0')}.${at % 7}`, { messages: (at * 7_919) % count }),
);
const pages = new Map<string, Buffer>();
let requests = 0;

const server = createServer((request, response) => {
  const url = request.url ?? '/';
  if (url.startsWith('/api/queues?')) requests += 1;
  let body = pages.get(url);
  if (!body) {
    body = Buffer.from(JSON.stringify(answer(new URL(url, 'http://node'))));
    pages.set(url, body);
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(body);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('message', () => {
  process.send?.(requests);
  requests = 0;
});
process.once('disconnect', () => process.exit());

function answer({ pathname, searchParams }: URL): unknown {
  if (pathname === '/api/whoami') return { name: 'wrench', tags: ['monitoring'] };
  if (pathname === '/api/vhosts') return [{ name: '/' }];
  return pageOfQueues(queues, searchParams, undefined);
}
