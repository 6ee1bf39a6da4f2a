import { afterEach, expect, test } from 'vitest';
import { type BoshUnderTest, startBosh } from '../../../test/world/bosh/under-test.ts';
import { makeMemoryVms, makeVm } from '../../../test/world/bosh/vms.ts';
import type { Deployment } from '../../ports/processes.ts';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';

let bosh: BoshUnderTest;
afterEach(() => bosh.close());

const PAGE = '<html><head><title>502 Bad Gateway</title></head></html>';

function read(source: Source, signal = new AbortController().signal): Promise<readonly Deployment[]> {
  return source.reads.processes!.deployments({ signal });
}

function gapsOf({ gaps = [] }: Deployment): readonly string[] {
  return gaps.map(({ what, error }) => `${what}: ${error.message.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')}`);
}

function askedFor(path: RegExp): number {
  return bosh.director.asked.filter((one) => path.test(one.path)).length;
}

test.each([
  ['its polls', '/tasks/1180', { status: 502, body: PAGE }, 3],
  ['its polls', '/tasks/1180', { status: 503 }, 3],
  ['its polls', '/tasks/1180', { status: 504, body: PAGE }, 3],
  ['its polls', '/tasks/1180', { status: 500 }, 3],
  ['its polls', '/tasks/1180', { lose: 'question' }, 3],
  ['its polls', '/tasks/1180', { lose: 'half' }, 3],
  ['its result', '/tasks/1180/output', { status: 502, body: PAGE }, 3],
  ['its result', '/tasks/1180/output', { status: 429, headers: { 'retry-after': '0' } }, 3],
  ['its result', '/tasks/1180/output', { lose: 'half' }, 3],
  ['the call that starts it', '/deployments/cf/instances', { status: 502, body: PAGE }, 3],
  ['the call that starts it', '/deployments/cf/instances', { lose: 'answer' }, 3],
] as const)('a task that reads survives when %s (%s) gets %o %i times', async (_, path, fault, times) => {
  bosh = await startBosh();
  bosh.director.fail({ path, ...fault }, times);
  const [cf] = await read(bosh.open());
  expect(gapsOf(cf!)).toEqual([]);
  expect(cf!.instances).toHaveLength(3);
});

test('survives a sequence of all faults', async () => {
  bosh = await startBosh();
  bosh.director.fail({ path: '/deployments/cf/instances', status: 503 }, 3);
  bosh.director.fail({ path: '/tasks/1180', status: 502, body: PAGE }, 3);
  bosh.director.fail({ path: '/tasks/1180', lose: 'question' }, 2);
  bosh.director.fail({ path: '/tasks/1180', status: 504 }, 3);
  const [cf] = await read(bosh.open());
  expect([cf!.instances.length, gapsOf(cf!)]).toEqual([3, []]);
  expect(bosh.director.tasks).toHaveLength(1);
});

test('replaces a token that is revoked between two polls once, also amid 502 responses', async () => {
  bosh = await startBosh();
  const polled = Promise.withResolvers<void>();
  bosh.director.fail({ path: '/tasks/1180', status: 502, body: PAGE }, 3);
  bosh.director.fail({ path: '/tasks/1180', until: polled.promise }, 1);
  bosh.director.fail({ path: '/tasks/1180', status: 502, body: PAGE }, 3);
  const reading = read(bosh.open());
  await expect.poll(() => askedFor(/^\/tasks\/1180$/)).toBe(3);
  bosh.director.revokeTokens();
  polled.resolve();
  const [cf] = await reading;
  expect([cf!.instances.length, gapsOf(cf!)]).toEqual([3, []]);
  expect(bosh.director.granted.get(bosh.director.reader.id)).toBe(2);
});

test('a persistent 502 becomes a gap when the time for the task is over', async () => {
  bosh = await startBosh();
  bosh.director.fail({ path: '/tasks/', status: 502, body: PAGE });
  const [cf] = await read(bosh.open({ taskSeconds: 0.5 }));
  expect(gapsOf(cf!)).toEqual(['cf: its instances: HOST returned 502']);
});

test('polls back off: a slow task is not polled in a tight loop', async () => {
  bosh = await startBosh();
  bosh.director.fail({ path: '/tasks/', status: 502, body: PAGE });
  await read(bosh.open({ taskSeconds: 2 }));
  expect(askedFor(/^\/tasks\//)).toBeLessThan(12);
});

test('sends a request that starts something only once, whatever a gateway returns', async () => {
  bosh = await startBosh();
  const source = bosh.open();
  const target = { deployment: 'cf', group: 'doppler_z2', id: makeVm('doppler_z2', 0).id };
  for (const status of [502, 503, 504]) {
    bosh.director.fail({ path: '/deployments/cf/instance_groups', status }, 1);
    const applyContext = { idempotencyKey: `m${status}`, signal: new AbortController().signal };
    await expect(source.writes!.processes!.restart(target, applyContext)).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/but the restart may have started$/) as string,
    });
  }
  expect(bosh.director.asked.filter(({ method }) => method === 'POST')).toHaveLength(3);
  expect(bosh.director.restarts).toEqual([]);
});

const DEADLINE = new SourceError('deadline', 'unreachable', 'not finished within 10 s');

/**
 * What is read of these deployments while the director doesn't respond for deployments called slow, nor for `path`. The deadline passes
 * when the last one is requested.
 */
async function readUntilDeadline(
  deployments: readonly string[],
  path = '/nothing',
): Promise<readonly Deployment[]> {
  const never = Promise.withResolvers<void>();
  const all = Promise.withResolvers<void>();
  const onWait = (asked: string): void => {
    if (asked.startsWith(`/deployments/${deployments.at(-1)}/`)) all.resolve();
  };
  bosh.director.fail({ path: '/deployments/slow', until: never.promise, onWait });
  bosh.director.fail({ path, until: never.promise });
  const deadline = new AbortController();
  const reading = read(bosh.open({ deployments }), deadline.signal);
  await all.promise;
  deadline.abort(DEADLINE);
  const found = await reading;
  never.resolve();
  return found;
}

/** Three are read at once, and two of these hang. Once the last one starts, all between them have been read. */
const ORDER = ['slow-1', 'slow-2', 'a', 'b', 'c', 'slow-3'];
const SIX = Object.fromEntries(
  ['a', 'b', 'c', 'slow-1', 'slow-2', 'slow-3'].map((name) => [name, makeMemoryVms([makeVm('router', 0)])]),
);

test('slow deployments do not affect the others, even at the deadline', async () => {
  bosh = await startBosh({ deployments: SIX });
  const found = await readUntilDeadline(ORDER);
  expect(found.map((one) => [one.name, one.instances.length, gapsOf(one)])).toEqual([
    ['a', 1, []],
    ['b', 1, []],
    ['c', 1, []],
    ['slow-1', 0, ['slow-1: its instances: not finished within 10 s']],
    ['slow-2', 0, ['slow-2: its instances: not finished within 10 s']],
    ['slow-3', 0, ['slow-3: its instances: not finished within 10 s']],
  ]);
});

test('reads the other deployments, however many are slow', async () => {
  bosh = await startBosh({ deployments: SIX });
  const found = await readUntilDeadline(['slow-1', 'slow-2', 'slow-3', 'a', 'slow-4', 'slow-5', 'slow-6']);
  expect(found.filter(({ instances }) => instances.length > 0).map(({ name }) => name)).toEqual(['a']);
  expect(found).toHaveLength(7);
});

test("if locks aren't listed in time, only the locks are unknown", async () => {
  bosh = await startBosh({ deployments: SIX });
  const [a] = await readUntilDeadline(ORDER, '/locks');
  expect(a!.instances).toHaveLength(1);
  expect(gapsOf(a!)).toEqual(['a: whether it is locked: not finished within 10 s']);
});

test("reports a lock even if the task that holds it can't be read in time", async () => {
  bosh = await startBosh({ deployments: SIX });
  const { taskId } = bosh.director.hold('a', 'create deployment');
  const [a] = await readUntilDeadline(ORDER, `/tasks/${taskId}`);
  expect([a!.instances.length, a!.lock, gapsOf(a!)]).toEqual([1, { taskId: String(taskId) }, []]);
});

test('a gap at the deadline says what caused the wait', async () => {
  bosh = await startBosh();
  bosh.director.fail({ path: '/tasks/', status: 502, body: PAGE });
  const deadline = new AbortController();
  const reading = read(bosh.open(), deadline.signal);
  await expect.poll(() => askedFor(/^\/tasks\//)).toBeGreaterThan(2);
  deadline.abort(DEADLINE);
  const [cf] = await reading;
  expect(gapsOf(cf!)).toEqual(['cf: its instances: not finished within 10 s: HOST returned 502']);
  expect(cf!.gaps![0]!.error.source).toBe('deadline');
});
