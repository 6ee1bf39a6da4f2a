import { Queue } from 'bullmq';
import type { RedisConnection } from '../../src/queue/connection.ts';
import { type OUTBOX, PREFIX, type REMEDIATIONS } from '../../src/queue/queues.ts';

export interface QueuedJob {
  readonly id: string;
  readonly data: object;
}

/** The jobs that wait for a worker or the bot, oldest first. */
export async function readQueued(
  connection: RedisConnection,
  name: typeof REMEDIATIONS | typeof OUTBOX,
): Promise<readonly QueuedJob[]> {
  const queue = new Queue<object>(name, { connection, prefix: PREFIX, skipVersionCheck: true });
  try {
    const jobs = await queue.getJobs(['waiting', 'delayed'], 0, -1, true);
    return jobs.map(({ id = '', data }) => ({ id, data }));
  } finally {
    await queue.close();
  }
}
