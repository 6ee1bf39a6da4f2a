import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { workload } from '../../shared/fixture-clusters.ts';
import { probe, restarted } from './builders.ts';
import type { Cause } from './causes.ts';
import type { RestartedContainer } from './facts.ts';
import type { Loop } from './loops.ts';
import { offersToRaise } from './offers.ts';

/** A probe that runs a script that sometimes takes longer than its 10 s. */
const LIVENESS = probe({
  initialDelaySeconds: 10,
  periodSeconds: 30,
  timeoutSeconds: 10,
  failureThreshold: 5,
});
const TIMES_OUT: Cause = {
  kind: 'killed-by-probe',
  probe: 'liveness',
  how: 'times-out',
  by: 'events',
  windows: [],
  isExecBroken: false,
};
const TARGET = 'shop/web (app)';
const ALLOWED: ports.WorkloadPermission = { allowed: true, managed: false };

const web = (known: Partial<RestartedContainer> = {}) =>
  restarted({ liveness: LIVENESS, adjust: ALLOWED, ...known });

const offersOf = (
  known: Partial<RestartedContainer> = {},
  cause: Cause = TIMES_OUT,
  pace: Loop['pace'] = 'fast',
) => offersToRaise(web(known), { pace }, cause, { target: TARGET });

/** `liveness timeoutSeconds 10 -> 20` */
const changesIn = ({ offers = [] }: ReturnType<typeof offersToRaise>) =>
  offers.map(({ params: { probe: which, field, from, to } }) => `${which} ${field} ${from} -> ${to}`);

test('a probe that times out gets more time for each attempt, or more attempts', () => {
  expect(offersOf()).toEqual({
    offers: [
      {
        remediation: 'raise-limit',
        target: TARGET,
        params: {
          cluster: 'lab',
          namespace: 'shop',
          kind: 'Deployment',
          name: 'web',
          container: 'app',
          probe: 'liveness',
          field: 'timeoutSeconds',
          from: 10,
          to: 20,
        },
      },
      expect.objectContaining({
        params: expect.objectContaining({ field: 'failureThreshold', from: 5, to: 15 }) as unknown,
      }),
    ],
  });
});

test('a probe that may time out, or may fail at once, only gets more attempts', () => {
  expect(changesIn(offersOf({}, { ...TIMES_OUT, how: 'either' }))).toEqual([
    'liveness failureThreshold 5 -> 15',
  ]);
});

test('a startup probe gets more time, and the liveness probe is left alone', () => {
  const startup = probe({
    initialDelaySeconds: 0,
    periodSeconds: 10,
    timeoutSeconds: 1,
    failureThreshold: 30,
  });
  expect(changesIn(offersOf({ startup }, { ...TIMES_OUT, probe: 'startup' }))).toEqual([
    'startup timeoutSeconds 1 -> 2',
    'startup failureThreshold 30 -> 90',
  ]);
});

test('how long it lived is part of the offer, because it must run for longer to be proven', () => {
  const { offers = [] } = offersToRaise(web(), { pace: 'fast', lifeMs: 149_400 }, TIMES_OUT, {
    target: TARGET,
  });
  expect(offers.map(({ params }) => params.lifeSeconds)).toEqual([149, 149]);
});

describe('nothing is offered', () => {
  test.each<[string, Cause]>([
    ['the probe fails at once: more attempts only delay the kill', { ...TIMES_OUT, how: 'fails' }],
    ['the runtime cannot run the probe', { ...TIMES_OUT, isExecBroken: true }],
    ['memory ran out', { kind: 'out-of-memory' }],
    ['the leader lease was lost', { kind: 'leader-lease-lost' }],
    ['the process exits with success', { kind: 'exits-with-success' }],
    ['the process crashes', { kind: 'crash-loop' }],
    ['the container cannot start', { kind: 'cannot-start' }],
    ['it was stopped from outside', { kind: 'stopped-from-outside' }],
    ['the cause is unknown', { kind: 'restart-loop' }],
  ])('if %s', (_, cause) => {
    expect(offersOf({}, cause)).toEqual({});
  });

  test.each(['proving', 'ended'] as const)('while its pace is %s', (pace) => {
    expect(offersOf({}, TIMES_OUT, pace)).toEqual({});
  });

  test.each(['Static', 'Pod', 'Job', 'Rollout', 'Node', 'deployment'])('for a pod of a %s', (kind) => {
    expect(offersOf({ owner: { kind, name: 'etcd' } })).toEqual({});
  });

  test('if its probe is unknown', () => {
    const { liveness: _, ...unknown } = web();
    expect(offersToRaise(unknown, { pace: 'fast' }, TIMES_OUT, { target: TARGET })).toEqual({});
  });

  test('for a timeout that is high enough', () => {
    const slow = (timeoutSeconds: number) => offersOf({ liveness: { ...LIVENESS, timeoutSeconds } });
    expect(changesIn(slow(45))).toContain('liveness timeoutSeconds 45 -> 60');
    expect(changesIn(slow(60))).toEqual(['liveness failureThreshold 5 -> 15']);
  });

  test('that would take longer to prove than an unproven change is watched', () => {
    const patient = { ...LIVENESS, periodSeconds: 60, failureThreshold: 30 };
    expect(changesIn(offersOf({ liveness: patient }))).toEqual(['liveness timeoutSeconds 10 -> 20']);
  });
});

describe('known obstacles are named', () => {
  const of = (known: Partial<ports.Workload>) =>
    workload('web', { containers: [{ name: 'app', kind: 'main', liveness: LIVENESS }], ...known });

  test.each<[string, Partial<RestartedContainer>, string]>([
    [
      'a missing permission',
      { adjust: { allowed: false, because: 'it needs `patch deployments`' } },
      'patch deployments',
    ],
    [
      'a paused rollout',
      { workload: of({ isPaused: true }) },
      'kubectl rollout resume deployment/web -n shop',
    ],
    ['a GitOps tool', { workload: of({ managedBy: 'Flux' }) }, 'Flux manages Deployment shop/web'],
    ['an operator', { workload: of({ controller: { kind: 'Shop', name: 'eu' } }) }, 'belongs to Shop eu'],
    [
      'a template that was changed already',
      {
        workload: of({
          containers: [{ name: 'app', kind: 'main', liveness: { ...LIVENESS, failureThreshold: 9 } }],
        }),
      },
      'the template of its Deployment already has failureThreshold 9',
    ],
    [
      'a ReplicaSet without a Deployment',
      { owner: { kind: 'ReplicaSet', name: 'web-1' }, workload: of({ kind: 'ReplicaSet', name: 'web-1' }) },
      'belongs to no Deployment',
    ],
  ])('%s', (_, known, because) => {
    expect(offersOf(known)).toEqual({ because: expect.stringContaining(because) as string });
  });

  test('and nothing is in the way if the configuration allows what other tools manage', () => {
    const adjust = { allowed: true, managed: true } as const;
    expect(changesIn(offersOf({ adjust, workload: of({ managedBy: 'Flux' }) }))).toHaveLength(2);
  });
});

test('what could not be read is left to the plan', () => {
  const { adjust: _, ...unknown } = web({ owner: { kind: 'ReplicaSet', name: 'web-5d8f7c9b4' } });
  const { offers = [] } = offersToRaise(unknown, { pace: 'slow' }, TIMES_OUT, { target: TARGET });
  expect(offers.map(({ params: { kind, name } }) => `${kind} ${name}`)).toEqual([
    'ReplicaSet web-5d8f7c9b4',
    'ReplicaSet web-5d8f7c9b4',
  ]);
  const controller = { kind: 'Deployment', name: 'web' };
  const replicaSet = workload('web-5d8f7c9b4', { kind: 'ReplicaSet', controller });
  expect(
    offersOf({ owner: { kind: 'ReplicaSet', name: 'web-5d8f7c9b4' }, workload: replicaSet }),
  ).toHaveProperty('offers');
});

describe('a report about pods by name', () => {
  const selecting = (selected: readonly string[], owner = { kind: 'Deployment', name: 'web' }) =>
    offersToRaise(web({ owner }), { pace: 'fast' }, TIMES_OUT, { target: TARGET, selected });

  test('offers nothing, because it would not find the pods that replace them', () => {
    expect(selecting(['web-5d8f7c9b4-x2x4x'])).toEqual({
      because:
        'the fix replaces this pod by one with another name. Ask for its workload: `/pods restarts shop --pod web`',
    });
    expect(selecting(['agent-x2x4x'], { kind: 'DaemonSet', name: 'agent' })).toHaveProperty('because');
  });

  test('offers fixes if it names the workload too, or if the pods keep their names', () => {
    expect(selecting(['web'])).toHaveProperty('offers');
    expect(selecting(['other', 'shop/web'])).toHaveProperty('offers');
    expect(selecting(['db-0'], { kind: 'StatefulSet', name: 'db' })).toHaveProperty('offers');
  });
});
