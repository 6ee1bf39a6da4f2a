import { expect, test } from 'vitest';
import { outboxJobSchema } from './jobs.ts';

test('reads a job that version 0.4 left in the queue', () => {
  const asked = { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab a', at: '2026-11-21T03:00:00.000Z' };
  const about = { runId: 'r0123456789abcdef', check: 'lab/a', environment: 'prod', asked };

  expect(outboxJobSchema.parse({ kind: 'looking', ...about })).toEqual({ kind: 'checking', ...about });
});
