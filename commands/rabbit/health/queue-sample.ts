import { z } from 'zod';

/** What is remembered about a large queue between runs. */
export const queueSample = z.strictObject({
  source: z.string(),
  vhost: z.string(),
  queue: z.string(),
  messages: z.number(),
});

export type QueueSample = z.output<typeof queueSample>;

export function sampleTarget({ source, vhost, queue }: Omit<QueueSample, 'messages'>): string {
  return `${source}:${vhost}:${queue}`;
}
