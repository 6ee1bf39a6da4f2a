import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { clusterPod, podContainer } from '../../shared/fixture-clusters.ts';
import { ago, counted, ended, NOW, restarted, runningFor } from './builders.ts';
import { NewPods } from './new-pods.ts';

const loop = { of: 'shop Deployment/web app', lifeSeconds: 900 };
const earlier = counted(restarted({ pod: 'web-old' }), [[{ hours: 1 }, 9]]).map((one) => ({ ...one, loop }));

function web(status: ports.ContainerStatus, known: Partial<ports.Pod> = {}): ports.Pod {
  return clusterPod('web-6b9d8-1', {
    namespace: 'shop',
    labels: { 'pod-template-hash': '6b9d8' },
    controller: { kind: 'ReplicaSet', name: 'web-6b9d8' },
    containers: [podContainer('app', { status })],
    ...known,
  });
}

function unprovenOf(pod: ports.Pod, samples: typeof earlier = earlier, isOnlyCluster = true) {
  const pods = new NewPods({ cluster: 'lab', isOnlyCluster, earlier: samples, now: NOW });
  pods.add(pod);
  return pods.unproven();
}

const waiting = { isReady: false, state: { kind: 'waiting', reason: 'ContainerCreating' } } as const;
const restartedOnce = runningFor(
  { minutes: 2 },
  { restarts: 1, last: ended({ minutes: 17 }, { minutes: 2 }) },
);

test.each([
  ['has just started', runningFor({ minutes: 1 }, { restarts: 0 })],
  ['has run for twice as long as those before at most', runningFor({ minutes: 30 }, { restarts: 0 })],
  ['has restarted once', restartedOnce],
  ['has not started', waiting],
])('a new pod of a workload that restarted proves nothing if it %s', (_, status) => {
  expect(unprovenOf(web(status))).toEqual(['shop/web (app)']);
  expect(unprovenOf(web(status), earlier, false)).toEqual(['lab:shop/web (app)']);
});

test('it does once it has run for longer than those before', () => {
  expect(unprovenOf(web(runningFor({ minutes: 31 }, { restarts: 0 })))).toEqual([]);
});

test.each([
  ['its own samples', earlier.map((one) => ({ ...one, uid: 'uid-of-web-6b9d8-1' }))],
  ['a loop that ended before', [...earlier, { ...earlier[0]!, at: ago({ minutes: 30 }), loop: undefined! }]],
  ['a loop of another cluster', earlier.map((one) => ({ ...one, source: 'prod' }))],
  [
    'a loop of another container',
    earlier.map((one) => ({ ...one, loop: { ...loop, of: 'shop Deployment/web x' } })),
  ],
])('%s says nothing about a pod', (_, samples) => {
  expect(unprovenOf(web(restartedOnce, { uid: 'uid-of-web-6b9d8-1' }), samples)).toEqual([]);
});

test('what has run for long enough since then proves that the loop has ended', () => {
  const pods = new NewPods({ cluster: 'lab', isOnlyCluster: true, earlier, now: NOW });
  pods.add(web(runningFor({ minutes: 1 }, { restarts: 0 })));
  pods.add(web(runningFor({ days: 9 }, { restarts: 0 }), { uid: 'uid-of-old' }));
  expect(pods.unproven()).toEqual(['shop/web (app)']);
  pods.add(web(runningFor({ minutes: 50 }, { restarts: 0 }), { uid: 'uid-of-other' }));
  expect(pods.unproven()).toEqual([]);
});

test('a pod that has ended, such as an evicted one, is not a new one', () => {
  expect(unprovenOf(web(waiting, { phase: 'Failed' }))).toEqual([]);
});

test('the proof of a fix judges what Wrench has changed', () => {
  expect(unprovenOf(web(restartedOnce, { adjusted: { by: 'r-1', at: NOW } }))).toEqual([]);
});
