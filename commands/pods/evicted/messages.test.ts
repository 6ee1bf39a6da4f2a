import { describe, expect, test } from 'vitest';
import { availableIn, causeIn, restOf, usageIn } from './messages.ts';

describe('the cause of an eviction', () => {
  test.each([
    [
      'The node was low on resource: memory. Threshold quantity: 100Mi, available: 84104Ki. ',
      'memory',
      'memory',
    ],
    [
      'The node was low on resource: ephemeral-storage. Container app was using 73712Ki, which exceeds its request of 0. ',
      'disk',
      'ephemeral-storage',
    ],
    ['The node was low on resource: ephemeral-storage.', 'disk', 'ephemeral-storage'],
    ['The node was low on resource: nodefs.', 'disk', 'nodefs'],
    ['The node was low on resource: imagefs. ', 'disk', 'imagefs'],
    ['The node was low on resource: inodes. ', 'inodes', 'inodes'],
    ['The node was low on resource: nodefsInodes.', 'inodes', 'nodefsInodes'],
    ['The node was low on resource: pids. ', 'pids', 'pids'],
    ['The node was low on resource: hugepages-2Mi. ', 'other', 'hugepages-2Mi'],
    ['The node was low on compute resources.', 'other', 'compute'],
    ['The node was low on resource: constructor.', 'other', 'constructor'],
  ])('is pressure on the node: %s', (message, short, resource) => {
    expect(causeIn(message)).toEqual({ kind: 'pressure', short, resource });
  });

  test.each([
    [
      'Usage of EmptyDir volume "scratch" exceeds the limit "1Gi". ',
      { of: 'volume', name: 'scratch', limit: '1Gi' },
    ],
    [
      'usage of EmptyDir volume "cache" exceeds the limit "500Mi".',
      { of: 'volume', name: 'cache', limit: '500Mi' },
    ],
    ['emptyDir usage exceeds the limit "1Gi".', { of: 'volume', limit: '1Gi' }],
    [
      'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ',
      { of: 'pod', limit: '1Gi' },
    ],
    [
      'Pod ephemeral local storage usage exceeds the total limit of containers 1.5G. ',
      { of: 'pod', limit: '1.5G' },
    ],
    [
      'Container report exceeded its local ephemeral storage limit "2Gi". ',
      { of: 'container', name: 'report', limit: '2Gi' },
    ],
    ['container\'s ephemeral local storage usage exceeds the limit "2Gi"', { of: 'container', limit: '2Gi' }],
    ['The node was low on resource: EmptyDir.', { of: 'volume' }],
    ['The node was low on resource: containerOverlay.', { of: 'container' }],
    [
      'Pod ephemeral local storage usage exceeds the total limit of containers 3435973836800m. ',
      { of: 'pod', limit: '3.2 GiB' },
    ],
  ])('is its own limit: %s', (message, limit) => {
    expect(causeIn(message)).toEqual({ kind: 'own-limit', ...limit });
  });

  test.each([
    ['Pod The node had condition: [DiskPressure]. ', ['DiskPressure']],
    ['Pod was rejected: The node had condition: [DiskPressure]. ', ['DiskPressure']],
    ['The node had condition: [MemoryPressure]. ', ['MemoryPressure']],
    ['Pod The node had condition: [MemoryPressure PIDPressure]. ', ['MemoryPressure', 'PIDPressure']],
    ['Pod The node was low on resource: [DiskPressure]. ', ['DiskPressure']],
    ['Pod The node was low on compute resources.', []],
  ])('is a refusal to start it: %s', (message, conditions) => {
    expect(causeIn(message)).toEqual({ kind: 'refused', conditions });
  });

  test.each([
    '',
    'Preempted in order to admit critical pod',
    'node is shutting down',
    'Evicted by the operator',
  ])('is unknown for other texts: %s', (message) => {
    expect(causeIn(message)).toEqual({ kind: 'unknown' });
  });
});

test('reads what each container used and requested, in both wordings', () => {
  expect(
    usageIn(
      'The node was low on resource: memory. Threshold quantity: 100Mi, available: 84104Ki. Container cache was using 5120Mi, request is 1Gi, has larger consumption of memory. Container log was using 3.5Mi, request is 0, has larger consumption of memory. ',
    ),
  ).toEqual(['cache was using 5120Mi, request 1Gi', 'log was using 3.5Mi, without a request']);
  expect(usageIn('Container app was using 73712Ki, which exceeds its request of 0. ')).toEqual([
    'app was using 73712Ki, without a request',
  ]);
});

test('reads what the node had left, in units that people read', () => {
  expect(availableIn('Threshold quantity: 4294967296, available: 3911428Ki. ')).toBe(
    '3.7 GiB available, threshold 4 GiB',
  );
  expect(availableIn('Threshold quantity: 100Mi, available: 84104Ki. ')).toBe(
    '82.1 MiB available, threshold 100 MiB',
  );
  expect(availableIn('Threshold quantity: 1Gi, available: 900Mi. ')).toBe(
    '900 MiB available, threshold 1 GiB',
  );
  expect(
    availableIn('The node was low on resource: inodes. Threshold quantity: 107374182, available: 93000000. '),
  ).toBe('93000000 available, threshold 107374182');
  expect(availableIn('Threshold quantity: 327680, available: 1200. ')).toBe(
    '1200 available, threshold 327680',
  );
  expect(availableIn('The node was low on resource: nodefs.')).toBeUndefined();
});

test.each([
  [
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 84104Ki. Container cache was using 5120Mi, request is 1Gi, has larger consumption of memory. Container log was using 3.5Mi, request is 0, has larger consumption of memory. ',
    'The node was low on resource: memory.',
  ],
  [
    'The node was low on resource: ephemeral-storage. Container app was using 73712Ki, which exceeds its request of 0. ',
    'The node was low on resource: ephemeral-storage.',
  ],
  [
    'Usage of EmptyDir volume "a"  exceeds the limit "1Gi". ',
    'Usage of EmptyDir volume "a" exceeds the limit "1Gi".',
  ],
  ['Threshold quantity reached', 'Threshold quantity reached'],
])('leaves out of a message what is shown as numbers: %s', (message, rest) => {
  expect(restOf(message)).toBe(rest);
});
