import { describe, expect, test } from 'vitest';
import type { Kubelet } from '../world/kubernetes/kubelets.ts';
import { eventObject, podObject } from '../world/kubernetes/objects.ts';
import { askCase, problems } from './ask-case.ts';
import { askDisk, criticals, free, GIB, twoDisks } from './disk-nodes.ts';
import type { CaseNode } from './make-case.ts';

/** Inputs rebuilt from public reports, and variations of them. */
describe('limits disabled by an override', () => {
  /** https://github.com/bottlerocket-os/bottlerocket/issues/3350 */
  test('make a node at 0.4 % critical: evictionHard has no disk limit', async () => {
    const verdict = await askCase('k01');
    expect(verdict.status).toBe('found');
    expect(verdict.faults).toEqual(['critical br-a1']);
    const text = verdict.about('br-a1');
    expect(text).toMatch(/0\.4\s?%/);
    expect(text).toMatch(/no disk limit/i);
    expect(text).toMatch(/neither evict.* nor report DiskPressure/);
    expect(text).toMatch(/images take 33 of 40 GiB/i);
    expect(text).toMatch(/in use/);
    expect(text).toMatch(/mergeDefaultEvictionSettings/);
    expect(text).toMatch(/nodefs\.available/);
    expect(verdict.text).not.toMatch(/evicts below 1[05]/);
    expect(verdict.offers).toEqual([]);
    expect(verdict.text).not.toMatch(/sys-b1/);
  });

  /** https://github.com/Azure/karpenter-provider-azure/issues/988 */
  test('make a node critical with the override of Karpenter on AKS', async () => {
    const config = { evictionHard: { 'memory.available': '750Mi' } };
    const verdict = await askDisk([{ name: 'aks-1', stats: free(3), config }]);
    expect(verdict.faults).toEqual(['critical aks-1']);
    expect(verdict.about('aks-1')).toMatch(/no disk limit/i);
  });

  test('are no problem on a node with space', async () => {
    const config = { evictionHard: { 'memory.available': '750Mi' } };
    expect(problems(await askDisk([{ name: 'aks-1', stats: free(55), config }]))).toEqual([]);
  });

  test('include those of kind, which are all 0 %', async () => {
    const config = {
      imageGCHighThresholdPercent: 100,
      evictionHard: { 'imagefs.available': '0%', 'nodefs.available': '0%', 'nodefs.inodesFree': '0%' },
    };
    expect(problems(await askDisk([{ name: 'kind-1', stats: free(40), config }]))).toEqual([]);
    const full = await askDisk([{ name: 'kind-1', stats: free(2), config }]);
    expect(full.faults).toEqual(['critical kind-1']);
  });
});

describe('inodes', () => {
  /** https://github.com/curie-eng/curie/issues/2870 */
  test('are critical on a k3s node without a free inode, although it has space and no inode limit', async () => {
    const verdict = await askCase('k02');
    expect(verdict.faults).toEqual(['critical edge-3']);
    const text = verdict.about('edge-3');
    expect(text).toMatch(/\b0\s?% of the inodes/);
    expect(text).toMatch(/32 GiB/);
    expect(text).toMatch(/not watched|no limit for inodes/);
    expect(text).toMatch(/data\/objects-0/);
    expect(text).toMatch(/volume data/);
    expect(text).toMatch(/11,904,333/);
    expect(verdict.offers).toEqual([]);
  });

  test('are critical below the limit and a warning near it', async () => {
    const inodes = (inodesFree: number) => free(60, { inodes: 1_000_000, inodesFree });
    const verdict = await askDisk([
      { name: 'below', stats: inodes(30_000) },
      { name: 'near', stats: inodes(80_000) },
      { name: 'fine', stats: inodes(700_000) },
    ]);
    expect(verdict.faults).toEqual(['critical below', 'warning near']);
  });

  test('do not count on a file system without a fixed number, such as Btrfs', async () => {
    const verdict = await askDisk([{ name: 'btrfs', stats: free(60, { inodes: 0, inodesFree: 0 }) }]);
    expect(verdict.report.findings).toEqual([]);
    expect(verdict.status).toBe('clear');
  });
});

describe('one disk for images and everything else', () => {
  /** https://github.com/kubernetes/kubernetes/issues/132578 */
  test('crosses the imagefs limit at 12 % free, and Docker inside a pod is the suspect', async () => {
    const verdict = await askCase('k03');
    expect(verdict.faults).toEqual(['critical ci-1']);
    const text = verdict.about('ci-1');
    expect(text).toMatch(/12\.0\s?%/);
    expect(text).toMatch(/15\s?% \(imagefs\.available/);
    expect(text).toMatch(/nodefs\.available.*10\s?%|10\s?%.*nodefs\.available/);
    expect(text).toMatch(/5\.2/);
    expect(text).toMatch(/16\.5 GiB/);
    expect(text).toMatch(/ci\/agent-7k2mx/);
    expect(text).not.toMatch(/stopped container|\/node leftovers/);
    expect(verdict.offers).toEqual([]);
  });

  test('without the condition yet, is critical at 13 %, a warning at 24 % and fine at 26 %', async () => {
    const verdict = await askDisk([
      { name: 'below', stats: free(13) },
      { name: 'near', stats: free(24) },
      { name: 'fine', stats: free(26) },
    ]);
    expect(verdict.faults).toEqual(['critical below', 'warning near']);
  });

  test('is not critical if images cannot be freed, in the words of 1.35, on a node with space', async () => {
    const message =
      "Insufficient free disk space on the node's image filesystem (86% of 100.0 GiB used). Failed to free sufficient space by deleting unused images (freed 0 bytes). Investigate disk usage, as it could be used by active images, logs, volumes, or other data.";
    const events = [
      eventObject('node-a', { reason: 'FreeDiskSpaceFailed', message, lastAt: '2026-11-26T11:10:00Z' }),
    ];
    const verdict = await askDisk([{ name: 'node-a', stats: free(60) }], { events });
    expect(criticals(verdict)).toEqual([]);
  });
});

describe('a separate disk for images', () => {
  /** https://github.com/kubernetes/kubernetes/issues/78416 */
  test("is judged by this node's limit, not the default", async () => {
    const verdict = await askCase('k04');
    expect(verdict.faults).toEqual(['critical batch-9']);
    const text = verdict.about('batch-9');
    expect(text).toMatch(/19\.7\s?%/);
    expect(text).toMatch(/imagefs/);
    expect(text).toMatch(/20\s?%/);
    expect(text).toMatch(/62(\.0)?\s?%/);
    expect(text).toMatch(/\b1 pod evicted/);
    expect(text).not.toMatch(/below its limit of 15/);
    expect(verdict.offers).toEqual([]);
  });

  test('is judged by a limit below the default', async () => {
    const config = { evictionHard: { 'imagefs.available': '5%', 'nodefs.available': '5%' } };
    const kubelet = twoDisks(
      { capacityBytes: 50 * GIB, availableBytes: 30 * GIB },
      { capacityBytes: 100 * GIB, availableBytes: 12 * GIB, usedBytes: 80 * GIB },
      config,
    );
    const verdict = await askDisk([{ name: 'node-a', kubelet }]);
    expect(verdict.faults).toEqual(['warning node-a']);
  });

  test('is judged by a limit in bytes', async () => {
    const config = { evictionHard: { 'imagefs.available': '20Gi', 'nodefs.available': '1Gi' } };
    const kubelet = (availableBytes: number) =>
      twoDisks(
        { capacityBytes: 50 * GIB, availableBytes: 30 * GIB },
        { capacityBytes: 100 * GIB, availableBytes, usedBytes: 60 * GIB },
        config,
      );
    const verdict = await askDisk([
      { name: 'below', kubelet: kubelet(18 * GIB) },
      { name: 'fine', kubelet: kubelet(45 * GIB) },
    ]);
    expect(verdict.faults).toEqual(['critical below']);
    expect(verdict.about('below')).toMatch(/20 GiB/);
  });

  /** https://github.com/kubernetes/kubernetes/issues/92925 */
  test('is reported as full next to a large empty disk, and the unexplained rest is layers and logs', async () => {
    const verdict = await askCase('k05');
    expect(verdict.faults).toEqual(['warning rke-w2']);
    const text = verdict.about('rke-w2');
    expect(text).toMatch(/17\.8\s?%/);
    expect(text).toMatch(/imagefs/);
    expect(text).toMatch(/15\s?%/);
    expect(text).toMatch(/85\s?%/);
    expect(text).toMatch(/9\.1/);
    expect(text).toMatch(/writable layers and logs/);
    expect(text).toMatch(/\/node leftovers rke-w2/);
    expect(text).not.toMatch(/38\.5/);
  });

  test("can leave the kubelet's small disk full", async () => {
    const config = { evictionHard: { 'imagefs.available': '15%', 'nodefs.available': '10%' } };
    const kubelet = twoDisks(
      { capacityBytes: 20 * GIB, availableBytes: 1.5 * GIB },
      { capacityBytes: 100 * GIB, availableBytes: 60 * GIB, usedBytes: 30 * GIB },
      config,
    );
    const verdict = await askDisk([{ name: 'node-a', kubelet }]);
    expect(verdict.faults).toEqual(['critical node-a']);
    expect(verdict.about('node-a')).toMatch(/7\.5\s?%/);
    expect(verdict.about('node-a')).toMatch(/nodefs/);
  });

  test('is a second disk even if both have the same size', async () => {
    const config = { evictionHard: { 'imagefs.available': '15%', 'nodefs.available': '10%' } };
    const kubelet = twoDisks(
      { capacityBytes: 100 * GIB, availableBytes: 12 * GIB },
      { capacityBytes: 100 * GIB, availableBytes: 60 * GIB, usedBytes: 30 * GIB },
      config,
    );
    const verdict = await askDisk([{ name: 'node-a', kubelet }]);
    // 12 % is above the nodefs limit, and the imagefs limit is about the other disk.
    expect(verdict.faults).toEqual(['warning node-a']);
  });
});

describe('a third disk for the writable layers of containers', () => {
  const kubelet = (availableBytes: number): Kubelet['answers'] => {
    const time = '2026-11-26T11:59:40Z';
    const disk = (capacityBytes: number, availableBytes: number, usedBytes: number) => ({
      time,
      capacityBytes,
      availableBytes,
      usedBytes,
    });
    const node = {
      fs: disk(100 * GIB, 60 * GIB, 40 * GIB),
      runtime: {
        imageFs: disk(80 * GIB, 50 * GIB, 20 * GIB),
        containerFs: disk(50 * GIB, availableBytes, 50 * GIB - availableBytes),
      },
    };
    return {
      '/stats/summary': { status: 200, body: { node, pods: [] } },
      '/configz': {
        status: 200,
        body: {
          kubeletconfig: {
            evictionHard: {
              'nodefs.available': '10%',
              'imagefs.available': '15%',
              'containerfs.available': '15%',
            },
          },
        },
      },
    };
  };

  test('can be the full one', async () => {
    const verdict = await askDisk([{ name: 'node-a', kubelet: kubelet(2 * GIB) }]);
    expect(verdict.faults).toEqual(['critical node-a']);
    expect(verdict.about('node-a')).toMatch(/containerfs/i);
  });

  test('is fine if all three have space', async () => {
    expect(problems(await askDisk([{ name: 'node-a', kubelet: kubelet(30 * GIB) }]))).toEqual([]);
  });
});

describe('the DiskPressure condition', () => {
  /** https://github.com/kubernetes/kubernetes/issues/115516 */
  test('is at most a hint for 15 minutes after the last breach', async () => {
    const verdict = await askCase('k07');
    expect(problems(verdict)).toEqual([]);
    expect(verdict.text).toMatch(/41(\.0)?\s?%/);
    expect(verdict.text).toMatch(/15 min/);
    expect(verdict.text).toMatch(/12:01/);
    expect(verdict.offers).toEqual([]);
  });

  const pressed = (stats: CaseNode['stats']): CaseNode => ({
    name: 'node-a',
    conditions: { DiskPressure: 'True' },
    taints: [{ key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' }],
    at: '2026-11-26T11:57:30Z',
    ...(stats && { stats }),
  });
  const breach = eventObject('node-a', {
    reason: 'EvictionThresholdMet',
    message: 'Attempting to reclaim ephemeral-storage',
    lastAt: '2026-11-26T11:58:00Z',
  });

  test('is within its default period two minutes after a breach', async () => {
    const verdict = await askDisk([pressed(free(41))], { events: [breach] });
    expect(problems(verdict)).toEqual([]);
    expect(verdict.text).toMatch(/5 min/);
  });

  test('is right below the limit', async () => {
    const verdict = await askDisk([pressed(free(11))], { events: [breach] });
    expect(verdict.faults).toEqual(['critical node-a']);
  });

  test('that is True for hours on a node with space is not a lack of space', async () => {
    const verdict = await askDisk([{ ...pressed(free(41)), at: '2026-11-26T09:00:00Z' }]);
    expect(criticals(verdict)).toEqual([]);
    expect(verdict.status).toBe('found');
    expect(verdict.text).toMatch(/41(\.0)?\s?%/);
  });

  test('is not MemoryPressure', async () => {
    const verdict = await askDisk([
      { name: 'node-a', stats: free(60), conditions: { MemoryPressure: 'True' } },
    ]);
    expect(verdict.status).toBe('clear');
  });

  test('is not affected by pods that broke their own limit', async () => {
    const message = 'Usage of EmptyDir volume "scratch" exceeds the limit "1Gi". ';
    const pods = [podObject('transcode', { node: 'node-a', phase: 'Failed', reason: 'Evicted', message })];
    const verdict = await askDisk([{ name: 'node-a', stats: free(60) }], { pods });
    expect(verdict.report.findings).toEqual([]);
    expect(verdict.status).toBe('clear');
  });

  test('does not hide a full node that is not ready', async () => {
    const verdict = await askDisk([{ name: 'node-a', stats: free(3), conditions: { Ready: 'False' } }]);
    expect(verdict.faults).toEqual(['critical node-a']);
    expect(verdict.about('node-a')).toMatch(/not ready/i);
  });

  test('without a recent heartbeat does not count as healthy', async () => {
    const silent: CaseNode = {
      name: 'silent',
      conditions: { Ready: 'Unknown', DiskPressure: 'Unknown' },
      kubelet: {
        '/stats/summary': {
          status: 503,
          body: 'error trying to reach service: dial tcp 10.0.0.1:10250: i/o timeout',
        },
        '/configz': {
          status: 503,
          body: 'error trying to reach service: dial tcp 10.0.0.1:10250: i/o timeout',
        },
      },
    };
    const verdict = await askDisk([silent, { name: 'node-a', stats: free(60) }]);
    expect(verdict.status).toBe('unknown');
    expect(verdict.text).toMatch(/silent/);
    expect(verdict.report.examined).toBe(1);
  });
});
