import { describe, expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { cloudSource } from '../../shared/fixture-hosts.ts';
import { compute, controllers } from './builders.ts';
import { disableCompute } from './disable-compute.ts';
import { enableCompute } from './enable-compute.ts';

const FRESH = '2026-11-26T11:59:52Z';
const OLD = '2026-11-26T11:00:00Z';
const REASON = 'wrench m0123456789abcdef: nova-compute is down';
const ASKED = { cloud: 'lab', id: 'id-of-nova-compute-cmp-9', host: 'cmp-9' };
const BACK = { ...ASKED, reason: REASON };

const IN_DOWN_CELL = { binary: 'nova-compute', host: 'cmp-9', isForcedDown: false };

const lab = (known: Partial<ports.CloudService>, at = OLD) => [
  ...controllers(2, FRESH),
  ...[1, 2, 3].map((number) => compute(`cmp-${number}`, FRESH)),
  compute('cmp-9', at, known),
];

function context(
  services: readonly ports.CloudService[],
  serviceChanges: ports.ConfiguredPermission = { allowed: true },
): ReadContext<'cloud'> {
  return {
    read: { cloud: [cloudSource({ name: 'lab', services, serviceChanges })] },
    now: new Date('2026-11-26T12:00:00Z'),
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

const planToDisable = (services: readonly ports.CloudService[], allowed?: ports.ConfiguredPermission) =>
  disableCompute.plan(context(services, allowed), ASKED);
const planToEnable = (services: readonly ports.CloudService[]) => enableCompute.plan(context(services), BACK);

describe('the plan to disable', () => {
  test('is the same twice, and bound to a service that is down and enabled', async () => {
    const plan = await planToDisable(lab({ isUp: false }));

    expect(await planToDisable(lab({ isUp: false }, '2026-11-26T11:10:00Z'))).toEqual(plan);
    expect(plan).toMatchObject({
      targets: ['lab:nova-compute cmp-9'],
      precondition: { id: ASKED.id, state: 'down', status: 'enabled' },
    });
  });

  test.each<[string, readonly ports.CloudService[], string, string]>([
    ['it is up again', lab({}), 'missing', 'up again'],
    ['it is disabled already', lab({ isUp: false, isEnabled: false }), 'missing', 'already disabled'],
    ['it was replaced', lab({ isUp: false, id: 'another' }), 'missing', 'no longer exists'],
    [
      'its cell is down',
      lab({}).map((one) => (one.host === 'cmp-9' ? IN_DOWN_CELL : one)),
      'missing',
      'its cell is down',
    ],
    ['it was fenced', lab({ isUp: false, isForcedDown: true }), 'refused', 'it is not down'],
    [
      'no conductor is up',
      lab({ isUp: false }).map((one) =>
        one.binary === 'nova-conductor'
          ? { ...one, isUp: false, updatedAt: new Date('2026-11-26T11:58:00Z') }
          : one,
      ),
      'refused',
      'no conductor is up',
    ],
    [
      'the control plane is the cause',
      lab({}).map((one) =>
        one.binary === 'nova-compute' ? { ...one, isUp: false, updatedAt: new Date(OLD) } : one,
      ),
      'refused',
      'the control plane is the cause',
    ],
    [
      'a clock is the cause',
      lab({ isUp: false, updatedAt: new Date('2026-11-26T12:14:00Z') }),
      'refused',
      'a wrong clock may be the cause',
    ],
    [
      'too few others are up',
      lab({ isUp: false }).filter(({ host }) => !['cmp-2', 'cmp-3'].includes(host)),
      'refused',
      'only 1 is up',
    ],
  ])('is refused if %s', async (_, services, kind, message) => {
    await expect(planToDisable(services)).rejects.toMatchObject({
      kind,
      message: expect.stringContaining(message),
    });
  });

  test('is refused without permission', async () => {
    await expect(
      planToDisable(lab({ isUp: false }), { allowed: false, because: 'not configured' }),
    ).rejects.toMatchObject({ kind: 'refused', message: 'not configured' });
  });
});

describe('the plan to enable', () => {
  test('is bound to the reason of the fix', async () => {
    expect(await planToEnable(lab({ isEnabled: false, disabledReason: REASON }, FRESH))).toMatchObject({
      precondition: { status: 'disabled', reason: REASON },
    });
  });

  test.each<[string, readonly ports.CloudService[], string]>([
    ['it is enabled', lab({}, FRESH), 'missing'],
    ['someone else disabled it', lab({ isEnabled: false, disabledReason: 'ticket' }, FRESH), 'missing'],
    [
      'another fix disabled it',
      lab({ isEnabled: false, disabledReason: REASON.replace('0', '1') }, FRESH),
      'missing',
    ],
    ['it is down', lab({ isUp: false, isEnabled: false, disabledReason: REASON }), 'refused'],
  ])('is refused if %s', async (_, services, kind) => {
    await expect(planToEnable(services)).rejects.toMatchObject({ kind });
  });
});

async function applied(fix: 'disable' | 'enable', fails?: SourceError) {
  const steps: string[] = [];
  const calls: unknown[] = [];
  const change = (name: string) => async (service: ports.ServiceChange) => {
    if (fails) throw fails;
    calls.push([name, service]);
  };
  const read = context(lab({ isUp: false }));
  const writeContext = {
    ...read,
    write: { cloud: () => ({ disableService: change('disable'), enableService: change('enable') }) },
    applyContext: { idempotencyKey: 'm0123456789abcdef', signal: read.signal },
    recordStep: async (line: string) => void steps.push(line),
  };
  const plan = { lines: ['x'], targets: ['x'], precondition: {} };
  const applying =
    fix === 'disable'
      ? disableCompute.apply(writeContext, ASKED, plan)
      : enableCompute.apply(writeContext, BACK, plan);
  const error = await applying.catch((reason: unknown) => reason);
  return { steps, calls, error };
}

test('disables with the id of the fix, and enables only what has it', async () => {
  const service = { id: ASKED.id, binary: 'nova-compute', host: 'cmp-9', reason: REASON };

  expect(await applied('disable')).toEqual({
    steps: ['cmp-9 disabled'],
    calls: [['disable', service]],
    error: undefined,
  });
  expect(await applied('enable')).toMatchObject({ steps: ['cmp-9 enabled'], calls: [['enable', service]] });
});

test('a change that fails is no step', async () => {
  const error = new SourceError('lab', 'unreachable', 'down');

  expect(await applied('disable', error)).toEqual({ steps: [], calls: [], error });
});

test('is proven by the measure of the same compute', () => {
  expect(disableCompute.provenBy?.(ASKED)).toEqual({ label: 'cmp-9 in lab', value: 0 });
});
