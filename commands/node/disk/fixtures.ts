import type { ports } from '../../kit.ts';
import { clusterNode, clusterSource, condition, oneDisk } from '../../shared/fixture-clusters.ts';
import { engineSource } from '../../shared/fixture-engines.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';

const now = new Date('2026-02-20T07:00:00Z');

/** Two clusters: nodes with one disk for everything, and a node with a separate disk for images. Two nodes have a container engine. */
function environment(freeShare: number): Partial<ports.Readers> {
  const full = freeShare < 0.15;
  const { nodeFs, imageFs } = oneDisk(0.6);
  return {
    engines: [
      engineSource({
        name: 'builders',
        engines: [{ name: 'eu-1' }, { name: 'eu-2', info: { stopped: 14 } }],
      }),
      engineSource({ name: 'edge', engines: [{ name: 'us-1' }] }),
    ],
    clusters: [
      clusterSource({
        name: 'prod-eu',
        nodes: [
          clusterNode('eu-1'),
          clusterNode('eu-2', {
            conditions: [condition('Ready', 'True'), condition('DiskPressure', full ? 'True' : 'False')],
          }),
          clusterNode('eu-virtual', { kind: 'virtual' }),
        ],
        stats: { 'eu-1': oneDisk(0.4), 'eu-2': oneDisk(freeShare) },
      }),
      clusterSource({
        name: 'prod-us',
        kubelets: 'direct',
        nodes: [clusterNode('us-1')],
        stats: {
          'us-1': {
            nodeFs: {
              ...nodeFs,
              capacityBytes: 20 * 1_024 ** 3,
              availableBytes: 16 * 1_024 ** 3,
              inodes: 1_310_720,
              inodesFree: 1_240_000,
            },
            imageFs: { ...imageFs },
            pods: [],
          },
        },
      }),
    ],
  };
}

const answeredOtherwise: Fixture['answeredOtherwise'] = [
  {
    answer: /DiskPressure of .* is unknown/,
    because: 'the measurements and limits of its kubelet give the same information',
  },
  {
    answer: /eu-\d measures no inodes(Free)? of its (nodeFs|imageFs)/,
    because: 'both file systems are on one disk, which has one number of inodes',
  },
];

export const fixtures: readonly Fixture[] = [
  {
    title: 'no node is short of disk',
    status: 'clear',
    now,
    read: () => environment(0.45),
    answeredOtherwise,
  },
  {
    title: 'one node is below its limit',
    status: 'found',
    now,
    read: () => environment(0.08),
    answeredOtherwise,
  },
];
