import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Readers, Writers } from '../ports/readers.ts';
import { SourceError } from '../ports/source-error.ts';
import { defineRemediation, type NewPlan } from './define-remediation.ts';
import { makeRedact } from '../text/redact.ts';
import { applyRemediation, planRemediation } from './run-remediation.ts';

const plan: NewPlan = {
  lines: ['Restart doppler_z2/0'],
  targets: ['bosh:cf/doppler_z2/0'],
  precondition: {},
  impact: 'Stops 1 of 3 dopplers',
};
const restart = (changed: Partial<Parameters<typeof defineRemediation>[0]> = {}) =>
  defineRemediation({
    about: 'Restarts',
    title: () => 'Restart',
    risk: 'disruptive',
    allow: 'restart',
    uses: ['processes'],
    params: z.strictObject({ name: z.string() }),
    plan: async () => plan,
    apply: async () => undefined,
    settlesWithinSeconds: 1,
    ...(changed as object),
  });
const processes: Readers['processes'] = [];
const writer = { restart: async () => ({ summary: 'done' }) };
const planning = {
  read: { processes, certificates: [] } satisfies Partial<Readers>,
  now: new Date(),
  signal: new AbortController().signal,
  deadlineMs: 1_000,
  redact: makeRedact(['hunter2-hunter2']),
};

const applying = {
  read: planning.read,
  write: { processes: () => writer, certificates: () => ({}) } as unknown as Partial<Writers>,
  now: new Date(),
  applyContext: { idempotencyKey: 'm0123456789abcdef', signal: planning.signal },
  recordStep: async () => undefined,
  stillFound: new Set<string>(),
  confirmMayContinue: async () => undefined,
  redact: planning.redact,
};

test('planning gets the declared ports, and no writers', async () => {
  let seen: object = {};
  await planRemediation(
    restart({
      plan: async (context) => {
        seen = context;
        return plan;
      },
    }),
    { params: { name: 'x' } },
    planning,
  );

  expect(Object.keys((seen as { read: object }).read)).toEqual(['processes']);
  expect(seen).not.toHaveProperty('write');
});

test('planning also gets the ports that are only read, and applying has no writers for them', async () => {
  const seen: object[] = [];
  const reading = restart({
    reads: ['certificates'],
    plan: async ({ read }) => {
      seen.push(Object.keys(read));
      return plan;
    },
    apply: async ({ read, write }) => void seen.push(Object.keys(read), Object.keys(write)),
  });
  await planRemediation(reading, { params: { name: 'x' } }, planning);
  await applyRemediation(reading, { params: { name: 'x' } }, plan, applying);

  expect(seen).toEqual([['processes', 'certificates'], ['processes', 'certificates'], ['processes']]);
  await expect(
    planRemediation(reading, { params: { name: 'x' } }, { ...planning, read: { processes } }),
  ).rejects.toThrow('no source in this environment has certificates');
});

test('planning fails if something cannot be read, instead of planning with a part', async () => {
  const unreachable = new SourceError('bosh', 'unreachable', 'connect timeout');
  const made = planRemediation(
    restart({ plan: async ({ attempt }) => attempt('bosh', plan, () => Promise.reject(unreachable)) }),
    { params: { name: 'x' } },
    planning,
  );

  await expect(made).rejects.toBe(unreachable);
});

test('planning that takes too long fails', async () => {
  const made = planRemediation(
    restart({ plan: () => new Promise(() => undefined) }),
    { params: { name: 'x' } },
    {
      ...planning,
      deadlineMs: 20,
    },
  );

  await expect(made).rejects.toThrow('planning took longer than 0.02 s');
});

test('params that the remediation does not take are a bug', async () => {
  await expect(planRemediation(restart(), { params: { nome: 'x' } }, planning)).rejects.toThrow(
    'Unrecognized key',
  );
});

test('a secret in what people read of a plan is redacted', async () => {
  const secret = 'log in with hunter2-hunter2';
  const lists = { lines: [secret], irreversible: [secret], safety: [secret], untilVerified: [secret] };
  const planned = await planRemediation(
    restart({ plan: async () => ({ ...plan, ...lists, impact: secret }) }),
    { params: { name: 'x' } },
    planning,
  );

  expect(JSON.stringify(planned)).not.toContain('hunter2');
  expect(planned).toMatchObject({ lines: ['log in with [secret]'], impact: 'log in with [secret]' });
});

test('planning for a port without a source is refused with the reason', async () => {
  const made = planRemediation(restart(), { params: { name: 'x' } }, { ...planning, read: {} });

  await expect(made).rejects.toThrow(
    'no source in this environment allows it: `allow.restart` is not configured',
  );
});

test('applying gets only the writers of its ports, the apply context, and the approved plan', async () => {
  const seen: unknown[] = [];
  await applyRemediation(
    restart({
      apply: async ({ write, applyContext: given }, params, approved) => {
        seen.push(Object.keys(write), given, params, approved);
      },
    }),
    { params: { name: 'x' } },
    plan,
    applying,
  );

  expect(seen).toEqual([['processes'], applying.applyContext, { name: 'x' }, plan]);
});
