import { expect, test } from 'vitest';
import { containerStatus } from '../../../test/world/kubernetes/objects.ts';
import type { JsonObject } from '../../wire/json-object.ts';
import { statusFinder } from './to-container-status.ts';
import { toPod } from './to-pod.ts';

const status = (more: object) => statusFinder([containerStatus('app', more)])('app');
const ENDED = {
  exitCode: 0,
  reason: 'Completed',
  startedAt: '2018-12-04T22:45:43Z',
  finishedAt: '2018-12-04T22:47:14Z',
};

test('maps how a container runs and how its previous instance ended', () => {
  const more = {
    restartCount: 183,
    state: { running: { startedAt: '2018-12-04T22:47:14Z' } },
    lastState: { terminated: { ...ENDED, containerID: 'docker://aa0b', message: 'CANARY' } },
  };

  expect(status(more)).toEqual({
    restarts: 183,
    isReady: true,
    state: { kind: 'running', startedAt: new Date('2018-12-04T22:47:14Z') },
    last: {
      exitCode: 0,
      reason: 'Completed',
      startedAt: new Date('2018-12-04T22:45:43Z'),
      finishedAt: new Date('2018-12-04T22:47:14Z'),
    },
  });
});

test('a container that the runtime lost has an exit code, but no times', () => {
  const terminated = { exitCode: 137, reason: 'ContainerStatusUnknown', startedAt: null, finishedAt: null };

  expect(status({ lastState: { terminated } })?.last).toEqual({
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
  });
  expect(
    status({ lastState: { terminated: { ...terminated, startedAt: '0001-01-01T00:00:00Z', signal: 0 } } })
      ?.last,
  ).toEqual({ exitCode: 137, reason: 'ContainerStatusUnknown' });
});

test('the exit codes of Windows may be negative', () => {
  expect(status({ state: { terminated: { exitCode: -1_073_741_819 } } })?.state).toEqual({
    kind: 'terminated',
    exitCode: -1_073_741_819,
  });
});

test('only messages of the runtime are kept, in one line and not too long', () => {
  const started = {
    exitCode: 128,
    reason: 'StartError',
    message: `exec failed:\n\u001B[31m${'x'.repeat(5_000)}`,
  };
  const { message = '' } = status({ lastState: { terminated: started } })?.last ?? {};

  expect(message).toMatch(/^exec failed: x+$/);
  expect(message.length).toBeLessThanOrEqual(1_000);
  for (const reason of ['Error', 'OOMKilled', 'Completed', undefined])
    expect(status({ lastState: { terminated: { ...started, reason } } })?.last).not.toHaveProperty('message');
});

test.each(['7', -1, 1.5, 2 ** 64, 1e308, null, undefined, {}, [3]])(
  'a restart count of %j is unknown, not 0',
  (restartCount) => {
    expect(status({ restartCount })).not.toHaveProperty('restarts');
    expect(status({ restartCount })).toMatchObject({ state: { kind: 'running' } });
  },
);

test.each<readonly [string, unknown]>([
  ['no list', 'x'],
  ['an object', { app: 1 }],
  ['an entry without a name', [{ ...containerStatus('app'), name: undefined }]],
  ['an entry that is no object', [null]],
])('statuses that are %s are unreadable, not absent', (_, list) => {
  expect(statusFinder(list)('app')).toEqual({ isReady: false, state: { kind: 'unknown' } });
});

test('a container that was not reported yet has no status', () => {
  for (const list of [undefined, null, [], [containerStatus('other')]])
    expect(statusFinder(list)('app')).toBeUndefined();
});

test('two statuses for one container leave its restarts unknown', () => {
  const list = [containerStatus('app', { restartCount: 0 }), containerStatus('app', { restartCount: 50 })];

  expect(statusFinder(list)('app')).toMatchObject({ state: { kind: 'running' } });
  expect(statusFinder(list)('app')).not.toHaveProperty('restarts');
  expect(statusFinder([...list, ...Array(50).fill(null)])('app')).not.toHaveProperty('restarts');
});

test('a container that only has a status is listed after those of the spec', () => {
  const pod = {
    metadata: { name: 'etcd-a' },
    spec: { containers: [{ name: 'etcd', image: 'etcd:3.6' }] },
    status: {
      containerStatuses: [
        containerStatus('old', { restartCount: 9 }),
        containerStatus('etcd'),
        null,
        { name: '' },
      ],
    },
  } as JsonObject;

  expect(toPod(pod).containers).toMatchObject([
    { name: 'etcd', kind: 'main', image: 'etcd:3.6' },
    { name: 'old', kind: 'main', image: 'registry.example/old:1', command: [] },
  ]);
});

test('an init container and a main one with the same name have their own statuses', () => {
  const pod = {
    metadata: { name: 'x' },
    spec: { initContainers: [{ name: 'a' }], containers: [{ name: 'a' }] },
    status: {
      initContainerStatuses: [containerStatus('a', { restartCount: 1 })],
      containerStatuses: [containerStatus('a', { restartCount: 2 })],
    },
  } as JsonObject;

  expect(toPod(pod).containers.map((one) => [one.kind, one.status?.restarts])).toEqual([
    ['init', 1],
    ['main', 2],
  ]);
});

test('a huge list of statuses is mapped quickly', () => {
  const names = Array.from({ length: 50_000 }, (_, index) => `c${index}`);
  const pod = {
    metadata: { name: 'x' },
    spec: { containers: names.map((name) => ({ name })) },
    status: { containerStatuses: names.map((name) => containerStatus(name)) },
  } as JsonObject;

  expect(toPod(pod).containers.every(({ status: { restarts } = {} }) => restarts === 0)).toBe(true);
});
