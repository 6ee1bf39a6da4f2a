import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { defineCheck, type ReadContext, type Remembered } from '../../commands/kit.ts';
import type { AnyCheck } from '../../src/check/define-check.ts';
import { connectBlocking } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import { openHistory } from '../../src/store/history/history.ts';
import { makeFakeSystem, makeFixableCheck } from '../world/fake-system.ts';
import { makeCatalogue } from '../world/lab-checks.ts';
import { ADA, GRACE, INCIDENT, setStage, type Stage } from './harness.ts';

const sample = z.strictObject({ disk: z.string(), usedBytes: z.number() });
type Sample = z.output<typeof sample>;

/** The samples that each run received, in the order of the runs. */
let given: (readonly Remembered<Sample>[])[];
let stage: Stage;
beforeEach(() => {
  given = [];
});
afterEach(() => stage.close());

/** A disk whose usage grows by 10 bytes at each run. */
function makeDiskCheck(): AnyCheck {
  return defineCheck({
    title: 'A disk that fills',
    why: 'A test needs it.',
    uses: [],
    args: z.object({}),
    collect: async ({ earlier, saw }: ReadContext<never, never, Sample>) => {
      given.push(earlier);
      saw('lab');
      return { usedBytes: 10 * given.length, earlier };
    },
    remembers: {
      sample,
      target: ({ disk }) => disk,
      samples: ({ usedBytes }) => [{ disk: 'a', usedBytes }],
      everySeconds: 0,
    },
    diagnose: ({ usedBytes, earlier }) => ({
      examined: 1,
      verdict: `${usedBytes} bytes are used, before: ${earlier.map((one) => one.usedBytes).join(', ')}`,
      findings: [],
    }),
  });
}

async function start(checks: Readonly<Record<string, AnyCheck>>) {
  stage = await setStage({ delivery: 'http', catalogue: makeCatalogue(checks) });
  await stage.startWorker();
  await stage.startBot();
}

const ask = (check: string) =>
  stage.workspace.command({ userId: ADA, channelId: INCIDENT, command: '/lab', text: check });
const answer = (text: string) =>
  stage.workspace.waitFor(() => stage.workspace.messages(INCIDENT).find((one) => one.text.includes(text)));

test('a run gets the samples of earlier runs, even after a new worker has started', async () => {
  await start({ disk: makeDiskCheck() });
  await ask('disk');
  await answer('10 bytes are used');
  await ask('disk');
  await answer('20 bytes are used, before: 10');
  await stage.startWorker();
  await ask('disk');

  await answer('30 bytes are used, before: 10, 20');
  expect(given.map((samples) => samples.length)).toEqual([0, 1, 2]);
  expect(given[2]?.every(({ at }) => at instanceof Date)).toBe(true);
});

test('samples that cannot be read or written leave the report unchanged, with a note', async () => {
  await start({ disk: makeDiskCheck() });
  const redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  await redis.set(`${PREFIX}:history:lab/disk:prod`, 'no hash');
  redis.disconnect();

  await ask('disk');

  const root = await answer('10 bytes are used');
  expect(root.text).toContain('CLEAR');
  await stage.workspace.waitFor(() =>
    JSON.stringify(stage.workspace.thread(INCIDENT, root.ts)).includes(
      'No earlier samples: Redis could not be read',
    ),
  );
  expect(stage.log.filter((line) => line.includes('samples-not-loaded'))).toHaveLength(1);
  expect(stage.log.filter((line) => line.includes('samples-not-saved'))).toHaveLength(1);
});

test('planning and verifying a fix get the samples, and save none', async () => {
  const fixable = makeFixableCheck(makeFakeSystem(['pump']));
  const check: AnyCheck = {
    ...fixable,
    collect: (context, args) => {
      given.push(context.earlier);
      return fixable.collect(context, args);
    },
    remembers: {
      sample,
      target: ({ disk }: Sample) => disk,
      samples: () => [{ disk: 'a', usedBytes: given.length }],
      everySeconds: 0,
    },
  };
  await start({ things: check });
  const press = async (userId: string, actionId: string) => {
    const { ts } = await stage.workspace.waitFor(() => {
      const [root] = stage.workspace.messages(INCIDENT);
      const thread = root ? stage.workspace.thread(INCIDENT, root.ts) : [];
      return thread.find(({ blocks = [] }) => JSON.stringify(blocks).includes(`"${actionId}"`));
    });
    await stage.workspace.click({ userId, channelId: INCIDENT, messageTs: ts, actionId });
  };
  await ask('things');
  await press(ADA, 'wrench:request');
  await press(GRACE, 'wrench:approve');
  await answer('FIXED');

  expect(given.length).toBeGreaterThanOrEqual(4);
  expect(given.map((samples) => samples.map(({ usedBytes }) => usedBytes))).toEqual(
    given.map((_, at) => (at === 0 ? [] : [1])),
  );
  const redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  expect(await openHistory(redis, PREFIX)('lab/things', 'prod').load()).toHaveLength(1);
  redis.disconnect();
});
