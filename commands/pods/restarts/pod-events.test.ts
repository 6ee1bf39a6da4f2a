import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { ago } from './builders.ts';
import { PodEventCollector } from './pod-events.ts';

const POD = {
  namespace: 'kube-system',
  name: 'etcd-cp-1',
  uid: 'uid-1',
  isMirror: false,
  onlyContainer: 'etcd',
};

type Written = Pick<ports.ClusterEvent, 'reason' | 'message'> &
  Partial<Omit<ports.ClusterEvent, 'about'>> & { readonly about?: Partial<ports.ClusterEvent['about']> };

function add(collector: PodEventCollector, events: readonly Written[]): PodEventCollector {
  for (const { about, ...event } of events)
    collector.add({
      about: {
        kind: 'Pod',
        namespace: 'kube-system',
        name: 'etcd-cp-1',
        uid: 'uid-1',
        container: 'etcd',
        ...about,
      },
      type: 'Warning',
      count: 1,
      ...event,
    });
  return collector;
}

const collected = (...events: readonly Written[]) => add(new PodEventCollector(), events);
const ofEtcd = (...events: readonly Written[]) => collected(...events).of(POD, 'etcd');
const unhealthy = (message: string, known: Partial<Written> = {}): Written => ({
  reason: 'Unhealthy',
  message,
  ...known,
});

test.each([
  ['Container etcd failed liveness probe, will be restarted', 'liveness'],
  ['Container etcd failed startup probe, will be restarted', 'startup'],
  [
    'Killing container with id docker://etcd:Container failed liveness probe.. Container will be killed and recreated.',
    'liveness',
  ],
  [
    'Killing container with id cri-o://etcd:Container failed liveness probe.. Container will be killed and recreated.',
    'liveness',
  ],
  [
    'Killing container with id docker://etcd:pod "etcd-cp-1_kube-system(9a8a)" container "etcd" is unhealthy, it will be killed and re-created.',
    'liveness',
  ],
  ['(combined from similar events): Container etcd failed liveness probe, will be restarted', 'liveness'],
])('%s', (message, probe) => {
  const kill = { reason: 'Killing', message, type: 'Normal', count: 7, lastAt: ago({ minutes: 1 }) };
  expect(ofEtcd(kill).kills).toEqual({ probe, count: 7, lastAt: ago({ minutes: 1 }) });
  expect(collected({ ...kill, about: {} }).of({ ...POD, onlyContainer: 'other' }, 'etcd').kills?.count).toBe(
    7,
  );
});

test('events about probes that name no container are about the only one with such a probe', () => {
  const all = collected(
    unhealthy('Liveness probe failed: HTTP probe failed with statuscode: 503', { about: { container: '' } }),
    { reason: 'BackOff', message: 'Back-off restarting failed container', about: { container: '' } },
  );
  const { onlyContainer: _, ...several } = POD;
  expect(all.of({ ...several, onlyProbed: 'etcd' }, 'etcd')).toMatchObject({ failures: [{ count: 1 }] });
  expect(all.of({ ...several, onlyProbed: 'etcd' }, 'etcd')).not.toHaveProperty('backOff');
  expect(all.of({ ...several, onlyProbed: 'other' }, 'etcd').failures).toEqual([]);
  expect(all.of(several, 'etcd').failures).toEqual([]);
});

test('a change of the sandbox is about all containers of the pod, and other events without a container are not', () => {
  const all = collected(
    {
      reason: 'SandboxChanged',
      message: 'Pod sandbox changed, it will be killed and re-created.',
      count: 12,
      about: { container: '' },
    },
    unhealthy('Liveness probe failed: ', { about: { container: '' } }),
  );
  const events = all.of({ ...POD, onlyContainer: 'other' }, 'etcd');
  expect(events).toEqual({ failures: [], errors: [], startFailures: [], sandboxChanges: { count: 12 } });
  expect(all.of({ ...POD, uid: 'uid-2' }, 'etcd')).toEqual({ failures: [], errors: [], startFailures: [] });
});

test.each(['Stopping container etcd', 'Container etcd definition changed, will be restarted'])(
  'is no kill by a probe: %s',
  (message) => {
    expect(ofEtcd({ reason: 'Killing', message })).toEqual({ failures: [], errors: [], startFailures: [] });
  },
);

test('separates failures, which count, from errors, which do not, in old and new words', () => {
  const { failures, errors } = ofEtcd(
    unhealthy('Liveness probe failed: ', { count: 9 }),
    unhealthy('Startup probe failed: HTTP probe failed with statuscode: 503'),
    unhealthy('Liveness probe errored: rpc error: code = Unknown desc = exec failed'),
    unhealthy('Liveness probe errored and resulted in unknown state: rpc error: code = NotFound', {
      count: 3,
    }),
    unhealthy('Readiness probe failed: HTTP probe failed with statuscode: 503'),
    unhealthy('Readiness probe errored: rpc error'),
    unhealthy('Liveness probe warning: probe terminated redirects'),
  );
  expect(failures.map(({ probe, message, count }) => [probe, message, count])).toEqual([
    ['liveness', '', 9],
    ['startup', 'HTTP probe failed with statuscode: 503', 1],
  ]);
  expect(errors.map(({ message, count }) => [message, count])).toEqual([
    ['rpc error: code = Unknown desc = exec failed', 1],
    ['rpc error: code = NotFound', 3],
  ]);
});

test('adds up what is said several times, over all of its time', () => {
  const message = 'Liveness probe failed: connection refused';
  const { failures } = ofEtcd(
    unhealthy(message, { count: 4, firstAt: ago({ minutes: 50 }), lastAt: ago({ minutes: 40 }) }),
    unhealthy(`(combined from similar events): ${message}`, {
      count: 6,
      firstAt: ago({ minutes: 30 }),
      lastAt: ago({ minutes: 2 }),
    }),
  );
  expect(failures).toEqual([
    {
      probe: 'liveness',
      message: 'connection refused',
      count: 10,
      firstAt: ago({ minutes: 50 }),
      lastAt: ago({ minutes: 2 }),
    },
  ]);
});

test('keeps the newest texts, each cut', () => {
  const many = Array.from({ length: 40 }, (_, at) =>
    unhealthy(`Liveness probe failed: ${at} ${'x'.repeat(9_000)}`),
  );
  const { failures } = ofEtcd(...many);
  expect(failures.map(({ message }) => message.split(' ')[0])).toEqual(['35', '36', '37', '38', '39']);
  expect(failures.every(({ message }) => message.length <= 500)).toBe(true);
});

test('knows back-offs of restarts and failures to start, not those of images', () => {
  const { backOff, startFailures } = ofEtcd(
    {
      reason: 'BackOff',
      message: 'Back-off restarting failed container etcd in pod etcd-cp-1_kube-system',
      count: 8,
    },
    { reason: 'BackOff', message: 'Back-off pulling image "etcd:9"', count: 90 },
    { reason: 'Failed', message: 'Error: failed to start container "etcd": exec format error', count: 2 },
    { reason: 'Failed', message: 'Error: secret "etcd" not found' },
    { reason: 'Failed', message: 'Error: ImagePullBackOff' },
    { reason: 'Failed', message: 'Error: ErrImagePull' },
    { reason: 'Failed', message: 'Failed to pull image "etcd:9"' },
  );
  expect(backOff).toEqual({ count: 8 });
  expect(startFailures.map(({ message }) => message)).toEqual([
    'failed to start container "etcd": exec format error',
    'secret "etcd" not found',
  ]);
});

test('attributes an event without a container only if there is one', () => {
  const about = { kind: 'Pod', namespace: 'kube-system', name: 'etcd-cp-1', uid: 'uid-1' };
  const collector = new PodEventCollector();
  collector.add({
    about,
    reason: 'BackOff',
    message: 'Back-off restarting failed container',
    type: 'Warning',
    count: 3,
  });
  expect(collector.of(POD, 'etcd').backOff?.count).toBe(3);
  const { onlyContainer: _, ...withTwo } = POD;
  expect(collector.of(withTwo, 'etcd').backOff).toBeUndefined();
});

test('does not take the events of an earlier pod of that name, but of a static pod those with another uid', () => {
  const old = collected(
    unhealthy('Liveness probe failed: timeout', { about: { uid: 'hash-of-the-manifest' } }),
  );
  expect(old.of(POD, 'etcd').failures).toEqual([]);
  expect(old.of({ ...POD, isMirror: true }, 'etcd').failures).toHaveLength(1);
});

test('keeps a limited number of containers, and says so', () => {
  const collector = new PodEventCollector();
  for (let at = 0; at < 5_001; at += 1)
    add(collector, [unhealthy('Liveness probe failed: ', { about: { name: `pod-${at}` } })]);
  expect(collector.isFull).toBe(true);
  expect(collector.of({ ...POD, name: 'pod-4999' }, 'etcd').failures).toHaveLength(1);
  expect(collector.of({ ...POD, name: 'pod-5000' }, 'etcd').failures).toEqual([]);
  const wanted = new PodEventCollector(({ about }) => about.name === 'pod-5000');
  for (let at = 0; at < 5_001; at += 1)
    add(wanted, [unhealthy('Liveness probe failed: ', { about: { name: `pod-${at}` } })]);
  expect(wanted.isFull).toBe(false);
  expect(wanted.of({ ...POD, name: 'pod-5000' }, 'etcd').failures).toHaveLength(1);
});
