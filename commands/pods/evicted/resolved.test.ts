import { expect, test } from 'vitest';
import { clusterFacts, evictedPod, factsOf } from './builders.ts';
import { resolved } from './resolved.ts';

const finding = { reason: 'node-low-on-disk', target: 'media/transcode' };
const at = new Date('2026-11-26T12:00:00Z');
const left = evictedPod('media/other-6c5d-11111', 'The node was low on resource: nodefs.', at);

test('evicted pods that are no longer listed have been deleted', () => {
  expect(resolved(factsOf(clusterFacts([])), finding)).toBe('its evicted pods have been deleted');
  const clusters = ['lab', 'prod'].map((name) => clusterFacts([], { name, isOnly: false }));
  const inProd = { ...finding, target: 'prod:media/transcode' };
  expect(resolved(factsOf(...clusters), inProd)).toBe('its evicted pods have been deleted');
});

test.each([
  ['the pods of a cluster that were not all read', clusterFacts([], { arePodsComplete: false }), finding],
  ['a cluster that was not read', clusterFacts([], { name: 'prod', isOnly: false }), finding],
  [
    'a namespace with other evicted pods, whose owner may have another name now',
    clusterFacts([left]),
    finding,
  ],
  ['a static pod, which may be down', clusterFacts([]), { ...finding, reason: 'static-pod-down' }],
])('nothing is known of %s', (_, cluster, about) => {
  expect(resolved(factsOf(cluster), about)).toBeUndefined();
});
