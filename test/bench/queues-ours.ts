import { rabbitmqConfig } from '../../src/sources/rabbitmq/config.ts';
import { openRabbitmq } from '../../src/sources/rabbitmq/open.ts';

/** Reads the list of queues through the source. Runs as a separate process; its arguments are the port of a server and how often to read the list. */
const [port, times] = process.argv.slice(2).map(Number);
const endpoint = `http://127.0.0.1:${port}`;
const user = { username: 'wrench', password: 'wrench-password' };
const source = openRabbitmq(rabbitmqConfig.parse({ kind: 'rabbitmq', urls: [endpoint], user }));
const { signal } = new AbortController();

async function readList(): Promise<number> {
  let queues = 0;
  for await (const page of source.reads.brokers!.queues({ endpoint, signal })) queues += page.length;
  return queues;
}

// The first lists also compile the client.
for (let time = 0; time < 10; time += 1) await readList();
const startedAt = performance.now();
let queues = 0;
for (let time = 0; time < times!; time += 1) queues += await readList();
const ms = performance.now() - startedAt;
await source.close();
process.send?.({ queues, ms });
process.disconnect();
