import { expect, test } from 'vitest';
import { check } from '../../commands/pods/evicted/check.ts';
import { clusterNode, clusterPod, clusterSource } from '../../commands/shared/fixture-clusters.ts';
import { type ports, SourceError } from '../../commands/kit.ts';
import { digestOver, newsOf } from './digest-days.ts';

/** Hourly digests over days of evicted pods. */

const HOUR_MS = 3_600_000;
const START_MS = Date.parse('2026-11-20T00:00:00Z');
const atHour = (hour: number) => new Date(START_MS + hour * HOUR_MS);

const WEB = {
  namespace: 'shop',
  node: 'node-a',
  labels: { 'pod-template-hash': '6b9d8' },
  controller: { kind: 'ReplicaSet', name: 'web-6b9d8' },
};

function evicted(name: string, hour: number, known: Partial<ports.Pod> = {}): ports.Pod {
  return clusterPod(name, {
    ...WEB,
    createdAt: atHour(hour - 1),
    startedAt: atHour(hour - 1),
    phase: 'Failed',
    reason: 'Evicted',
    message: 'The node was low on resource: ephemeral-storage. ',
    ...known,
  });
}

function live(name: string, hour: number, known: Partial<ports.Pod> = {}): ports.Pod {
  return clusterPod(name, { ...WEB, createdAt: atHour(hour), ...known });
}

/** What a digest reports about these pods. `undefined`: the API server does not respond. */
async function newsAbout(podsAt: (hour: number) => readonly ports.Pod[] | undefined) {
  const refused = (): AsyncGenerator<never> => {
    throw new SourceError('lab', 'unreachable', 'connection refused');
  };
  const runs = await digestOver({
    check,
    name: 'pods/evicted',
    at: Array.from({ length: 5 * 24 }, (_, hour) => atHour(hour)),
    read: (now) => {
      const pods = podsAt((now.getTime() - START_MS) / HOUR_MS);
      const lab = clusterSource({
        name: 'lab',
        nodes: [clusterNode('node-a')],
        pods: [clusterPod('calm'), ...(pods ?? [])],
      });
      return { clusters: [pods ? lab : { ...lab, pods: refused, nodes: refused }] };
    },
  });
  return newsOf(runs);
}

test('each eviction is reported once, then that it is old, and that its pods were deleted', async () => {
  const news = await newsAbout((hour) => [
    ...(hour >= 5 && hour < 100 ? [evicted('web-6b9d8-a', 5)] : []),
    ...(hour >= 20 && hour < 100 ? [evicted('web-6b9d8-b', 20)] : []),
    live('web-6b9d8-c', hour >= 20 ? 20 : hour >= 5 ? 5 : -9),
  ]);
  expect(news).toEqual([
    '20T05:00 appeared warning node-low-on-disk shop/web',
    '20T20:00 worse warning node-low-on-disk shop/web',
    '21T21:00 better info node-low-on-disk shop/web',
    '24T04:00 gone info node-low-on-disk shop/web: its evicted pods have been deleted',
  ]);
});

test('the daily Job of a CronJob is one finding', async () => {
  const news = await newsAbout((hour) => {
    const day = Math.floor((hour - 2) / 24);
    const job = `backup-${29_401_380 + day * 1_440}`;
    return hour < 2
      ? []
      : [evicted(`${job}-xyz`, day * 24 + 2, { labels: {}, controller: { kind: 'Job', name: job } })];
  });
  expect(news).toEqual([
    '20T02:00 appeared warning node-low-on-disk shop/backup',
    ...['21', '22', '23', '24'].map((day) => `${day}T02:00 worse warning node-low-on-disk shop/backup`),
  ]);
});

test('an old eviction is no news while pods are started, or the API server does not respond', async () => {
  const news = await newsAbout((hour) => {
    if (hour % 7 === 3) return undefined;
    const starting = live(`web-6b9d8-${hour}`, hour - 0.01, { phase: 'Pending' });
    return [evicted('web-6b9d8-a', -80), live('web-6b9d8-b', -70), ...(hour % 5 === 0 ? [starting] : [])];
  });
  expect(news).toEqual([]);
});
