import { Agent, request } from 'undici';
import { QUEUE_COLUMNS } from '../../src/sources/rabbitmq/to-queue.ts';

/**
 * The baseline: a loop over undici that requests the same pages one after the other, parses them, and counts the queues. Runs as a separate process; its
 * arguments are the port of a server and how often to read the list.
 */
const [port, times] = process.argv.slice(2).map(Number);
const dispatcher = new Agent();
const authorization = `Basic ${Buffer.from('wrench:wrench-password').toString('base64')}`;

async function readList(): Promise<number> {
  let queues = 0;
  for (let page = 1; ; page += 1) {
    const response = await request(
      `http://127.0.0.1:${port}/api/queues?page=${page}&page_size=500&sort=messages&sort_reverse=true&columns=${QUEUE_COLUMNS}`,
      { dispatcher, headers: { accept: 'application/json', authorization } },
    );
    const body = (await response.body.json()) as { items: unknown[]; page_count: number };
    queues += body.items.length;
    if (page >= body.page_count) return queues;
  }
}

// The first lists also compile the client.
for (let time = 0; time < 10; time += 1) await readList();
const startedAt = performance.now();
let queues = 0;
for (let time = 0; time < times!; time += 1) queues += await readList();
const ms = performance.now() - startedAt;
await dispatcher.close();
process.send?.({ queues, ms });
process.disconnect();
