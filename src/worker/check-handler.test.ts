import { expect, test } from 'vitest';
import type { CheckJob, OutboxJob } from '../queue/jobs.ts';
import { enqueueAnswers } from './check-handler.ts';

const asked = { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab a', at: '2026-11-21T03:00:00.000Z' };
const job: CheckJob = { runId: 'r0000000000000001', check: 'lab/a', environment: 'prod', args: {}, asked };
const early = { runId: 'r0000000000000002', asked: { ...asked, channelId: 'C2' } };
const late = { runId: 'r0000000000000003', asked: { ...asked, channelId: 'C3' } };

test('a channel that joins while the answer is queued is answered too, and each channel once', async () => {
  const waiting = [early];
  const enqueued: string[] = [];
  const none = async () => undefined;
  const enqueueOutbox = async (id: string, { asked: { channelId } }: OutboxJob) => {
    enqueued.push(`${id} ${channelId}`);
    // As if Redis was unreachable for so long that the mark of the closed run has expired.
    if (enqueued.length === 2) waiting.push(late);
  };

  const audiences = { join: none, read: async () => waiting, close: async () => [...waiting] };
  await enqueueAnswers({ audiences, enqueueOutbox }, job, async (about) => ({
    kind: 'lost',
    ...about,
    jobId: 'x',
  }));

  expect(enqueued).toEqual([
    'report-r0000000000000001 C1',
    'report-r0000000000000002 C2',
    'report-r0000000000000003 C3',
  ]);
});
