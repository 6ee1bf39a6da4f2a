import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readQueued } from '../../../test/world/queued-jobs.ts';
import { anOffer } from '../../../test/world/remediation.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import { openQueues, OUTBOX, type Queues, REMEDIATIONS } from '../../queue/queues.ts';
import { type Announce, makeAnnounce } from './announce.ts';
import { REMEDIATION_STATES } from './record.ts';

const runId = 'r0123456789abcdef';
const record = anOffer({ runId });
const { id, check, environment, asked } = record;

const server = useRedis();
let redis: Redis;
let queues: Queues;
let warnings: object[];
let announce: Announce;
const log = { warn: (fields: object, message: string) => void warnings.push({ ...fields, message }) };
beforeEach(() => {
  redis = server.connect();
  queues = openQueues(redis, () => undefined);
  warnings = [];
  announce = makeAnnounce(queues, log);
});
afterEach(() => queues.close());

test.each(REMEDIATION_STATES)(
  'a change to %s queues its card and the job that the state needs',
  async (state) => {
    await announce({ ...record, state }, 3);

    const needed = { planning: ['plan'], approved: ['apply'] }[state as string] ?? [];
    expect(await readQueued(redis, REMEDIATIONS)).toEqual(
      needed.map((kind) => ({ id: `${kind}-${id}`, data: { kind, id } })),
    );
    expect(await readQueued(redis, OUTBOX)).toEqual([
      { id: `card-${id}-3`, data: { kind: 'card', runId, check, environment, asked, id, revision: 3 } },
    ]);
    expect(warnings).toEqual([]);
  },
);

test('a change that is announced again is queued once, and the next change has its own card', async () => {
  const approved = { ...record, state: 'approved' as const };
  await announce(approved, 3);
  await announce(approved, 3);
  await announce({ ...record, state: 'applying' }, 4);

  expect((await readQueued(redis, REMEDIATIONS)).map((job) => job.id)).toEqual([`apply-${id}`]);
  expect((await readQueued(redis, OUTBOX)).map((job) => job.id)).toEqual([`card-${id}-3`, `card-${id}-4`]);
});

test('if a queue does not accept a job, this is logged, and the change still counts', async () => {
  const error = new Error('Connection is closed.');
  const refuse = async () => {
    throw error;
  };

  await makeAnnounce({ ...queues, enqueueRemediation: refuse }, log)({ ...record, state: 'approved' }, 3);

  expect(warnings).toEqual([expect.objectContaining({ err: error, remediation: id, state: 'approved' })]);
});
