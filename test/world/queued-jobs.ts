import { Queue } from 'bullmq';
import type { RedisConnection } from '../../src/queue/connection.ts';
import { type OUTBOX, PREFIX, type REMEDIATIONS } from '../../src/queue/queues.ts';

export interface QueuedJob {
  readonly id: string;
  readonly data: object;
}

type QueueName = typeof REMEDIATIONS | typeof OUTBOX;

/** The jobs waiting for a worker or the bot, oldest first. */
export function readQueued(connection: RedisConnection, name: QueueName): Promise<readonly QueuedJob[]> {
  return withQueue(connection, name, async (queue) => {
    const jobs = await queue.getJobs(['waiting', 'prioritized', 'delayed'], 0, -1, true);
    return jobs.map(({ id = '', data }) => ({ id, data }));
  });
}

/** Removes the waiting jobs, as if they had never reached their queue. */
export function dropQueued(connection: RedisConnection, name: QueueName): Promise<void> {
  return withQueue(connection, name, (queue) => queue.drain(true));
}

async function withQueue<T>(
  connection: RedisConnection,
  name: QueueName,
  work: (queue: Queue<object>) => Promise<T>,
): Promise<T> {
  const queue = new Queue<object>(name, { connection, prefix: PREFIX, skipVersionCheck: true });
  try {
    return await work(queue);
  } finally {
    await queue.close();
  }
}
