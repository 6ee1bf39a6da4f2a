import { expect, test } from 'vitest';
import type { CheckJob, OutboxJob } from '../queue/jobs.ts';
import { enqueueAnswers } from './check-handler.ts';

const asked = { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab a', at: '2026-11-21T03:00:00.000Z' };
const job: CheckJob = { runId: 'r0000000000000001', check: 'lab/a', environment: 'prod', args: {}, asked };
const early = { runId: 'r0000000000000002', asked: { ...asked, channelId: 'C2' } };
const late = { runId: 'r0000000000000003', asked: { ...asked, channelId: 'C3' } };

test('who joins while the answer is handed over is answered as well, and each once', async () => {
  const waiting = [early];
  const told: string[] = [];
  const none = async () => undefined;
  const enqueueOutbox = async (id: string, { asked: { channelId } }: OutboxJob) => {
    told.push(`${id} ${channelId}`);
    // As where Redis was away so long that it has forgotten that the run is closed.
    if (told.length === 2) waiting.push(late);
  };

  const audiences = { join: none, read: async () => waiting, close: async () => [...waiting] };
  await enqueueAnswers({ audiences, enqueueOutbox }, job, async (about) => ({
    kind: 'lost',
    ...about,
    jobId: 'x',
  }));

  expect(told).toEqual([
    'report-r0000000000000001 C1',
    'report-r0000000000000002 C2',
    'report-r0000000000000003 C3',
  ]);
});
