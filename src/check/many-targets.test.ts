import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { SourceError } from '../ports/source-error.ts';
import { makeRedact } from '../text/redact.ts';
import { defineRemediation, type Plan } from './define-remediation.ts';
import { applyRemediation, planRemediation } from './run-remediation.ts';

/** Disks by name, with the version that each write bumps, and one counter that every write of any disk bumps. */
const disks = new Map<string, number>();
/** How many copies of a disk there are, if not one. */
const copies = new Map<string, number>();
let writes = 0;
let steps: string[] = [];
let done: { readonly disk: string; readonly idempotencyKey: string }[] = [];

const wipe = defineRemediation({
  about: 'Wipes a disk',
  title: ({ disk }) => `Wipe ${disk}`,
  risk: 'destructive',
  allow: 'restart',
  uses: [],
  params: z.strictObject({ disk: z.string() }),
  settlesWithinSeconds: 1,
  plan: async (_, { disk }) => {
    const version = disks.get(disk);
    if (version === undefined) throw new SourceError('rack', 'missing', `${disk} was removed`);
    if (version < 0) throw new SourceError('rack', 'unreachable', `${disk} does not respond`);
    return {
      lines: [`Wipe ${disk}`, `Take ticket ${writes}`],
      targets: ['rack', `rack/${disk}`, ...(version === 99 ? ['rack/mirror'] : [])],
      precondition: { version: String(version), ticket: String(writes) },
      bytes: 10,
      impact: `Wipes ${disk}`,
      irreversible: ['Its files are lost.'],
      safety: [`${disk} has ${copies.get(disk) ?? 1} copy`],
    };
  },
  apply: async ({ applyContext, recordStep }, { disk }, { precondition }) => {
    if (precondition['ticket'] !== String(writes)) throw new SourceError('rack', 'refused', 'stale ticket');
    writes += 1;
    done.push({ disk, idempotencyKey: applyContext.idempotencyKey });
    await recordStep(`${disk} wiped`);
  },
  many: {
    title: (all) => `Wipe all ${all.length}`,
    impact: (all, plans) =>
      `Wipes ${all.length} disks with ${plans.flatMap(({ targets }) => targets).length} targets`,
    line: ({ disk }) => `Wipe ${disk}`,
    precondition: ({ precondition }) => ({ version: precondition['version'] ?? '' }),
    afterwards: (all) => [`Replace ${all.length} labels.`],
  },
});

const each = ['a', 'b', 'c'].map((disk) => ({ target: `disk ${disk}`, params: { disk } }));
const everyTarget = new Set(each.map(({ target }) => target));
const signal = new AbortController().signal;
const redact = makeRedact();

const plan = () =>
  planRemediation(wipe, { each }, { read: {}, now: new Date(), signal, deadlineMs: 10_000, redact });

const apply = (
  approved: Plan,
  stillFound: ReadonlySet<string> = everyTarget,
  stop = signal,
  confirmMayContinue = async (): Promise<void> => undefined,
) =>
  applyRemediation(wipe, { each }, approved, {
    read: {},
    write: {},
    now: new Date(),
    applyContext: { idempotencyKey: 'm1', signal: stop },
    recordStep: async (line) => {
      steps.push(line);
    },
    stillFound,
    confirmMayContinue,
    redact,
  });

beforeEach(() => {
  disks.clear();
  for (const disk of ['a', 'b', 'c']) disks.set(disk, 1);
  copies.clear();
  writes = 0;
  steps = [];
  done = [];
});

test('a plan for several targets has one line each, locks each target once, and adds up their bytes', async () => {
  expect(await plan()).toEqual({
    lines: ['Wipe a', 'Wipe b', 'Wipe c'],
    targets: ['rack', 'rack/a', 'rack/b', 'rack/c'],
    precondition: {},
    impact: 'Wipes 3 disks with 6 targets',
    bytes: 30,
    irreversible: ['Its files are lost.'],
    safety: ['a has 1 copy', 'b has 1 copy', 'c has 1 copy'],
    afterwards: ['Replace 3 labels.'],
    parts: ['a', 'b', 'c'].map((disk) => ({
      target: `disk ${disk}`,
      line: `Wipe ${disk}`,
      precondition: { version: '1' },
      safety: [`${disk} has 1 copy`],
    })),
  });
});

test('a plan for several targets settles once the slowest of them has', async () => {
  const settlesWithin = (seconds: Readonly<Record<string, number>>) => ({
    ...wipe,
    settlesWithinSeconds: 30,
    plan: async (...[context, params]: Parameters<typeof wipe.plan>) => ({
      ...(await wipe.plan(context, params)),
      ...(seconds[params.disk] && {
        settlesWithinSeconds: seconds[params.disk],
        provenAfterSeconds: seconds[params.disk],
      }),
    }),
  });
  const settlingOf = async (seconds: Readonly<Record<string, number>>) => {
    const options = { read: {}, now: new Date(), signal, deadlineMs: 10_000, redact };
    const made = await planRemediation(settlesWithin(seconds), { each }, options);
    return [made.provenAfterSeconds, made.settlesWithinSeconds];
  };

  expect(await settlingOf({ a: 60, c: 265 })).toEqual([265, 265]);
  // The others settle within the time of the remediation.
  expect(await settlingOf({ a: 10 })).toEqual([10, 30]);
  expect(await settlingOf({})).toEqual([undefined, undefined]);
});

test('a target that cannot be planned is left out of the plan, which says why', async () => {
  disks.delete('b');

  const { lines, targets, leftOut } = await plan();

  expect(lines).toEqual(['Wipe a', 'Wipe c']);
  expect(targets).toEqual(['rack', 'rack/a', 'rack/c']);
  expect(leftOut).toEqual([{ target: 'disk b', because: 'b was removed' }]);
});

test('without any target that can be planned there is no plan', async () => {
  disks.clear();

  await expect(plan()).rejects.toThrow('a was removed');
});

test('parts are applied in order, each with what was planned right before it', async () => {
  await apply(await plan());

  expect(steps).toEqual(['a wiped', 'b wiped', 'c wiped']);
  expect(done).toEqual([
    { disk: 'a', idempotencyKey: 'm1-1' },
    { disk: 'b', idempotencyKey: 'm1-2' },
    { disk: 'c', idempotencyKey: 'm1-3' },
  ]);
});

test('a target that is gone, has changed, or that the check no longer finds is skipped with its reason', async () => {
  const approved = await plan();
  disks.set('a', 2);

  await apply(approved, new Set(['disk a', 'disk b']));
  disks.delete('b');
  await apply(approved, new Set(['disk b', 'disk c']));

  expect(done).toMatchObject([{ disk: 'b' }, { disk: 'c' }]);
  expect(steps).toEqual([
    'Skipped disk a: it has changed since the plan was approved (version: 1 -> 2)',
    'b wiped',
    'Skipped disk c: the check no longer finds it',
    'Skipped disk a: the check no longer finds it',
    'Skipped disk b: b was removed',
    'c wiped',
  ]);
});

test('a target is skipped if a fact that approvers relied on is no longer true', async () => {
  const approved = await plan();
  copies.set('b', 0);

  await apply(approved);

  expect(steps).toEqual(['a wiped', 'Skipped disk b: no longer true: b has 1 copy', 'c wiped']);
});

test('a plan fails if every line is skipped, because nothing was applied', async () => {
  const approved = await plan();
  for (const disk of ['a', 'b', 'c']) disks.set(disk, 2);

  await expect(apply(approved)).rejects.toThrow('nothing was applied: every line of the plan was skipped');
  expect(done).toEqual([]);
  expect(steps).toHaveLength(3);
});

test('a target that would now change more than was approved is skipped', async () => {
  disks.set('b', 99);
  const { targets, ...rest } = await plan();

  await apply({ ...rest, targets: targets.filter((target) => target !== 'rack/mirror') });

  expect(steps).toEqual(['a wiped', 'Skipped disk b: it would now change rack/mirror too', 'c wiped']);
});

test('a source that does not respond ends the plan: no further part starts', async () => {
  const approved = await plan();
  disks.set('b', -1);

  await expect(apply(approved)).rejects.toThrow('b does not respond');
  expect(steps).toEqual(['a wiped']);
});

test('a part starts only if that is confirmed after its target was planned again', async () => {
  const approved = await plan();
  disks.delete('b');
  let confirmed = 0;
  const confirm = async () => {
    confirmed += 1;
    if (confirmed === 2) throw new Error('frozen');
  };

  await expect(apply(approved, everyTarget, signal, confirm)).rejects.toThrow('frozen');

  expect(steps).toEqual(['a wiped', 'Skipped disk b: b was removed']);
});

test('nothing starts once the worker must stop', async () => {
  const approved = await plan();

  await expect(apply(approved, everyTarget, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  expect(steps).toEqual([]);
});

test('the lines of a plan are redacted in the same way when it is planned and when it is checked again', async () => {
  disks.set('password=hunter2-hunter2', 1);
  const secret = [{ target: 'disk x', params: { disk: 'password=hunter2-hunter2' } }];
  const options = { read: {}, now: new Date(), redact: () => '[redacted]' };
  const approved = await planRemediation(wipe, { each: secret }, { ...options, signal, deadlineMs: 10_000 });
  expect(approved.parts).toMatchObject([{ line: '[redacted]' }]);

  await applyRemediation(wipe, { each: secret }, approved, {
    ...options,
    write: {},
    applyContext: { idempotencyKey: 'm1', signal },
    recordStep: async (line) => void steps.push(line),
    stillFound: new Set(['disk x']),
    confirmMayContinue: async () => undefined,
  });

  expect(steps).toEqual(['password=hunter2-hunter2 wiped']);
});
