import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisConnection } from '../../src/queue/connection.ts';
import { OUTBOX, PREFIX } from '../../src/queue/queues.ts';

export interface QueuedAnswers {
  /** Runs, in the order in which their answers were put into the outbox. */
  readonly inOrder: () => readonly string[];
  readonly stop: () => Promise<void>;
}

const LOOK_EVERY_MS = 100;
const ANSWERS = new Set(['report', 'bug', 'lost']);

/** Follows the outbox' own events, which Redis puts in order: BullMQ writes one where a job is added. */
export function watchQueuedAnswers(connection: RedisConnection): QueuedAnswers {
  const runIds = new Set<string>();
  const stopped = new AbortController();
  let after = '-';
  const look = async () => {
    for (;;) {
      const page = await connection.xrange(`${PREFIX}:${OUTBOX}:events`, after, '+', 'COUNT', 1_000);
      for (const [id, fields] of page) {
        after = `(${id}`;
        const { event, name = '', jobId = '' } = toObject(fields);
        const runId = /r[0-9a-f]{16}/.exec(jobId)?.[0];
        if (event === 'added' && ANSWERS.has(name) && runId !== undefined) runIds.add(runId);
      }
      if (page.length === 0) return;
    }
  };
  const working = (async () => {
    while (!stopped.signal.aborted) {
      await look();
      await sleep(LOOK_EVERY_MS);
    }
    await look();
  })();
  return {
    inOrder: () => [...runIds],
    stop: async () => {
      stopped.abort();
      await working;
    },
  };
}

function toObject(fields: readonly string[]): Readonly<Record<string, string>> {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) pairs.push([fields[at] ?? '', fields[at + 1] ?? '']);
  return Object.fromEntries(pairs);
}
