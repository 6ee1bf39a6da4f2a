import { describe, expect, test } from 'vitest';
import { eventObject, podObject } from '../world/kubernetes/objects.ts';
import { askCase, problems } from './ask-case.ts';
import { askDisk, criticals, free, GIB } from './disk-nodes.ts';

/** Inputs rebuilt from public reports, and variations of them. */
describe('image garbage collection', () => {
  /** https://github.com/kubernetes/minikube/issues/6820 */
  test('reads several errors in one event separately, and counts each container once', async () => {
    const verdict = await askCase('k06');
    expect(verdict.faults).toEqual(['critical agent-4']);
    const text = verdict.about('agent-4');
    for (const id of ['5e26cfb0adca', 'f52ab9a48b8a', 'f92d2bb3cfc4', '23de10f5b330'])
      expect(text).toContain(id);
    expect(text).toMatch(/\b4 .*containers/);
    expect(text).toMatch(/\b5 images/);
    expect(text).toMatch(/at least 37/);
    expect(text).toMatch(/\/node leftovers agent-4/);
    expect(verdict.offers).toEqual([]);
  });

  /** https://github.com/kubernetes/kubernetes/issues/57006 */
  test('does not blame leftovers for the image of a running container', async () => {
    const message =
      'wanted to free 7408818585 bytes, but freed 0 bytes space with errors in image deletion: rpc error: code = Unknown desc = Error response from daemon: conflict: unable to delete 9709113ca29f (cannot be forced) - image is being used by running container 5e26cfb0adca';
    const events = [eventObject('node-a', { reason: 'ImageGCFailed', message, count: 9 })];
    const verdict = await askDisk([{ name: 'node-a', stats: free(12) }], { events });
    expect(verdict.faults).toEqual(['critical node-a']);
    expect(verdict.about('node-a')).not.toMatch(/containers? that (is|are) not running|stopped container/);
  });

  test('ignores events of another node', async () => {
    const message =
      'wanted to free 1 bytes, but freed 0 bytes space with errors in image deletion: rpc error: code = Unknown desc = Error response from daemon: conflict: unable to delete 9709113ca29f (must be forced) - image is being used by stopped container 5e26cfb0adca';
    const events = [eventObject('gone', { reason: 'ImageGCFailed', message })];
    const verdict = await askDisk([{ name: 'node-a', stats: free(60) }], { events });
    expect(verdict.report.findings).toEqual([]);
  });
});

describe('Docker next to Kubernetes', () => {
  /** https://github.com/warm-metal/container-image-csi-driver/issues/36 */
  test('reports unexplained space on a containerd node, and a pod that uses a second engine', async () => {
    const verdict = await askCase('k26', { check: 'node/disk' });
    expect(verdict.faults).toEqual(['critical build-2']);
    const text = verdict.about('build-2');
    expect(text).toMatch(/13\.0\s?%/);
    expect(text).toMatch(/15\s?% \(imagefs\.available/);
    expect(text).toMatch(/82(\.\d)? GiB/);
    expect(text).toMatch(/ci\/agent-x/);
    expect(text).toMatch(/\/node leftovers build-2/);
    expect(text).toMatch(/3 stopped containers, 1 running/);
    expect(verdict.report.findings.map(({ next }) => next)).toEqual([
      [{ check: 'node/leftovers', args: { node: 'build-2' } }],
    ]);
    expect(verdict.offers).toEqual([]);
  });

  const agent = (volume: object) =>
    podObject('agent-1', {
      namespace: 'ci',
      node: 'node-a',
      containers: [
        {
          name: 'agent',
          image: 'ci/agent:1',
          volumeMounts: [{ name: 'sock', mountPath: '/var/run/docker.sock' }],
        },
      ],
      volumes: [{ name: 'sock', ...volume }],
    });

  test('does not suspect a pod that mounts the socket while there is space', async () => {
    const pods = [agent({ hostPath: { path: '/var/run/docker.sock' } })];
    const verdict = await askDisk([{ name: 'node-a', stats: free(60) }], { pods });
    expect(verdict.report.findings).toEqual([]);
    expect(verdict.status).toBe('clear');
  });

  test('does not suspect a pod that mounts no path of the node', async () => {
    const verdict = await askDisk([{ name: 'node-a', stats: free(12) }], { pods: [agent({ emptyDir: {} })] });
    expect(verdict.faults).toEqual(['critical node-a']);
    expect(verdict.about('node-a')).not.toMatch(/agent-1/);
  });
});

describe('disk growth', () => {
  /** https://github.com/kubernetes/kubernetes/issues/68587 */
  test("forecasts when a disk that fills with one container's logs reaches its limit", async () => {
    const verdict = await askCase('k27');
    expect(verdict.faults).toEqual(['warning cp-old']);
    const text = verdict.about('cp-old');
    expect(text).toMatch(/17\.5\s?%/);
    expect(text).toMatch(/0\.5 GiB an hour/);
    expect(text).toMatch(/in about 3 hours/);
    expect(text).toMatch(/15\s?%/);
    expect(text).toMatch(/edge\/gateway-6c-x8/);
    expect(text).toMatch(/container gateway/);
    expect(text).toMatch(/13,980,514,458|13\.98|13 GiB/);
    expect(text).toMatch(/max-size/);
    expect(text).not.toMatch(/\/node leftovers/);
    expect(verdict.offers).toEqual([]);
  });

  const sample = (hoursAgo: number, percent: number) => ({
    at: new Date(Date.parse('2026-11-26T12:00:00Z') - hoursAgo * 3_600_000).toISOString(),
    node: 'node-a',
    fs: 'nodeFs',
    availableBytes: percent * GIB,
    capacityBytes: 100 * GIB,
  });

  test('is never critical by forecast', async () => {
    const earlier = [sample(6, 60), sample(4, 52), sample(2, 44)];
    const verdict = await askDisk([{ name: 'node-a', stats: free(36) }], { earlier });
    expect(criticals(verdict)).toEqual([]);
    expect(verdict.text).toMatch(/hour/);
  });

  test('is fine if the disk fills slowly and lasts for weeks', async () => {
    const earlier = [sample(24, 60.3), sample(12, 60.2), sample(6, 60.1)];
    expect(problems(await askDisk([{ name: 'node-a', stats: free(60) }], { earlier }))).toEqual([]);
  });

  test('is none after a disk was emptied', async () => {
    const earlier = [sample(6, 30), sample(4, 28), sample(2, 26)];
    expect(problems(await askDisk([{ name: 'node-a', stats: free(70) }], { earlier }))).toEqual([]);
  });

  test('ignores samples of another format', async () => {
    const earlier = [
      { at: '2026-11-26T11:00:00Z', containers: [{ uid: 'u-1', container: 'app', restartCount: 3 }] },
    ];
    const verdict = await askDisk([{ name: 'node-a', stats: free(60) }], { earlier });
    expect(verdict.status).toBe('clear');
  });
});
