import { describe, expect, test } from 'vitest';
import { askCase } from './ask-case.ts';
import { readCaseFile } from './case-file.ts';
import { askDisk, criticals, free, GIB } from './disk-nodes.ts';
import { type CaseNode, makeCase, refusal, withAnswer } from './make-case.ts';

/** Inputs rebuilt from public reports, and variations of them. */
describe('Windows', () => {
  /** https://github.com/kubernetes/kubernetes/issues/103032 */
  test('reports a full drive as critical, without inodes or an image file system', async () => {
    const verdict = await askCase('k08');
    expect(verdict.faults).toEqual(['critical win-0']);
    const text = verdict.about('win-0');
    expect(text).toMatch(/1\.0\s?%/);
    expect(text).toMatch(/1\.28 of 127\.5 GiB/);
    expect(text).toMatch(/no disk limit/i);
    expect(text).not.toMatch(/NaN|inode|imagefs|image file system/i);
    expect(verdict.text).not.toMatch(/lin-0/);
    expect(verdict.report.gaps).toEqual([]);
    expect(verdict.report.examined).toBe(2);
  });

  const windows = (availableBytes: number, evictionHard?: object): CaseNode => ({
    name: 'win-1',
    operatingSystem: 'windows',
    osImage: 'Windows Server 2022 Datacenter',
    kubelet: {
      '/stats/summary': {
        status: 200,
        body: {
          node: {
            fs: {
              time: '2026-11-26T11:59:40Z',
              availableBytes,
              capacityBytes: 100 * GIB,
              usedBytes: 100 * GIB - availableBytes,
            },
            runtime: { imageFs: {} },
          },
          pods: [],
        },
      },
      '/configz': { status: 200, body: { kubeletconfig: { ...(evictionHard && { evictionHard }) } } },
    },
  });

  test('is clear if the drive has space', async () => {
    const verdict = await askDisk([
      windows(60 * GIB, { 'nodefs.available': '10%', 'imagefs.available': '15%' }),
    ]);
    expect(verdict.report.findings).toEqual([]);
    expect(verdict.status).toBe('clear');
  });

  test('reports a drive below its limit as critical', async () => {
    const verdict = await askDisk([
      windows(8 * GIB, { 'nodefs.available': '10%', 'imagefs.available': '15%' }),
    ]);
    expect(verdict.faults).toEqual(['critical win-1']);
    expect(verdict.about('win-1')).toMatch(/10\s?%/);
  });
});

describe('unusual nodes', () => {
  /** https://github.com/k3s-io/k3s/issues/6997, https://github.com/cloudability/metrics-agent/issues/111 */
  test('leave a healthy cluster clear: a kubelet that just started, a cordoned and a virtual node', async () => {
    const verdict = await askCase('k09');
    expect(verdict.report.findings).toEqual([]);
    expect(verdict.status).toBe('clear');
    expect(verdict.report.examined).toBe(2);
    expect(verdict.report.gaps).toEqual([]);
    expect(verdict.text).toMatch(/virtual-node-aci-linux/);
  });

  const NOTHING = {
    '/stats/summary': { status: 404, body: '404 page not found\n' },
    '/configz': { status: 404, body: '404 page not found\n' },
  };

  test.each([
    ['KWOK', { kubeletVersion: 'fake', annotations: { 'kwok.x-k8s.io/node': 'fake' } }],
    ['a virtual kubelet', { labels: { type: 'virtual-kubelet' }, kubeletVersion: 'v1.31.4' }],
  ])('have no disk to check: %s', async (_what, node) => {
    const verdict = await askDisk([
      { name: 'node-a', stats: free(60) },
      { name: 'virtual', kubelet: NOTHING, ...node },
    ]);
    expect(verdict.status).toBe('clear');
    expect(verdict.report.examined).toBe(1);
  });

  test("are not healthy if a machine's kubelet has no stats", async () => {
    const verdict = await askDisk([
      { name: 'node-a', stats: free(60) },
      { name: 'odd', kubelet: NOTHING },
    ]);
    expect(verdict.status).toBe('unknown');
    expect(verdict.text).toMatch(/odd/);
  });

  test('are a gap if a Linux kubelet reports no image file system', async () => {
    const fs = {
      time: '2026-11-26T11:59:40Z',
      availableBytes: 60 * GIB,
      capacityBytes: 100 * GIB,
      usedBytes: 40 * GIB,
    };
    const kubelet = {
      '/stats/summary': { status: 200, body: { node: { fs, runtime: { imageFs: {} } }, pods: [] } },
      '/configz': { status: 200, body: { kubeletconfig: { evictionHard: { 'nodefs.available': '10%' } } } },
    };
    const verdict = await askDisk([{ name: 'blind', kubelet }]);
    expect(verdict.status).not.toBe('clear');
    expect(criticals(verdict)).toEqual([]);
  });

  test('are a gap if their measurements are a day old', async () => {
    const verdict = await askDisk([{ name: 'stale', stats: free(60, { time: '2026-11-25T11:00:00Z' }) }]);
    expect(verdict.status).toBe('unknown');
    expect(verdict.text).toMatch(/stale/);
  });
});

describe('missing permissions', () => {
  const WRENCH = 'system:serviceaccount:ops:wrench';
  const events = refusal(
    `events is forbidden: User "${WRENCH}" cannot list resource "events" in API group "" at the cluster scope`,
  );
  const proxy = (node: string) =>
    refusal(
      `nodes "${node}" is forbidden: User "${WRENCH}" cannot get resource "nodes/proxy" in API group "" at the cluster scope`,
    );

  /** https://github.com/kubernetes-sigs/kubespray/issues/9289 */
  test('for unmeasured nodes fall back to DiskPressure, and each missing verb is named once', async () => {
    const verdict = await askCase('k10');
    expect(verdict.status).toBe('found');
    expect(verdict.faults).toEqual(['critical m-2']);
    expect(verdict.about('m-2')).toMatch(/unknown/);
    const { gaps } = verdict.report;
    expect(gaps.filter(({ because }) => because.includes('get nodes/proxy'))).toHaveLength(1);
    expect(gaps.find(({ because }) => because.includes('get nodes/proxy'))?.places).toBe(3);
    expect(gaps.filter(({ because }) => because.includes('list events'))).toHaveLength(1);
    expect(gaps).toHaveLength(2);
    expect(verdict.text).not.toMatch(/system:serviceaccount|Failure|Forbidden/);
  });

  test('for an unmeasured node without pressure leave the result unknown', async () => {
    const nodes = ['m-1', 'm-3'].map((name) => ({
      name,
      kubelet: { '/stats/summary': proxy(name), '/configz': proxy(name) },
    }));
    const verdict = await askDisk(nodes, { answers: { 'GET /api/v1/events': events } });
    expect(verdict.status).toBe('unknown');
    expect(verdict.report.findings).toEqual([]);
    expect(verdict.report.examined).toBe(0);
  });

  test('for limits make plain numbers critical, but not assumed limits', async () => {
    const node = (name: string, percent: number): CaseNode => ({
      name,
      kubelet: {
        '/stats/summary': {
          status: 200,
          body: {
            node: {
              fs: { time: '2026-11-26T11:59:40Z', ...free(percent), usedBytes: (100 - percent) * GIB },
              runtime: { imageFs: { time: '2026-11-26T11:59:40Z', ...free(percent), usedBytes: 10 * GIB } },
            },
            pods: [],
          },
        },
        '/configz': proxy(name),
      },
    });
    const verdict = await askDisk([node('low', 2), node('guess', 12), node('fine', 60)]);
    expect(criticals(verdict)).toEqual(['critical low']);
    expect(verdict.about('low')).not.toMatch(/below its limit/);
    expect(verdict.about('fine')).toBe('');
    expect(verdict.report.gaps.filter(({ because }) => because.includes('get nodes/proxy'))).toHaveLength(1);
  });

  test('for events do not change the numbers', async () => {
    const verdict = await askDisk([{ name: 'node-a', stats: free(12) }], {
      answers: { 'GET /api/v1/events': events },
    });
    expect(verdict.faults).toEqual(['critical node-a']);
    expect(verdict.report.gaps.map(({ because }) => because)).toEqual([
      expect.stringContaining('list events'),
    ]);
  });
});

describe('an unusable response', () => {
  const healthy = makeCase({ check: 'node/disk', nodes: [{ name: 'node-a', stats: free(60) }] });

  test('is not the case in the clear base case', async () => {
    expect((await askCase(healthy)).status).toBe('clear');
  });

  test.each([
    ['a login page instead of the nodes', 'GET /api/v1/nodes', 200, '<html><title>Sign in</title></html>'],
    [
      'a token that has expired',
      'GET /api/v1/nodes',
      401,
      { kind: 'Status', code: 401, message: 'Unauthorized' },
    ],
    ['nodes that are no list', 'GET /api/v1/nodes', 200, { kind: 'NodeList', items: null }],
    ['a node without a name', 'GET /api/v1/nodes', 200, { kind: 'NodeList', items: [{ metadata: {} }] }],
    ['a list that is cut off', 'GET /api/v1/nodes', 200, '{"kind":"NodeList","items":[{"metadata":{"na'],
    [
      'stats without numbers',
      'GET /api/v1/nodes/node-a/proxy/stats/summary',
      200,
      { node: { nodeName: 'node-a' } },
    ],
    ['stats that are null', 'GET /api/v1/nodes/node-a/proxy/stats/summary', 200, null],
    ['limits that cannot be read', 'GET /api/v1/nodes/node-a/proxy/configz', 500, 'internal error'],
    [
      'an error of the API server for pods',
      'GET /api/v1/pods',
      500,
      { kind: 'Status', code: 500, message: 'etcdserver: request timed out' },
    ],
  ])('leaves the result unknown: %s', async (_what, request, status, body) => {
    const verdict = await askCase(withAnswer(healthy, request, status, body));
    expect(verdict.status).toBe('unknown');
    expect(verdict.report.findings).toEqual([]);
  });

  test.each([
    ['a limit that is no quantity', { config: { evictionHard: { 'nodefs.available': 'ten percent' } } }],
    ['less than nothing free', { stats: free(-5) }],
    ['more free than there is', { stats: free(160) }],
    ['a disk of 0 bytes', { stats: { capacityBytes: 0, availableBytes: 0, imageBytes: 0 } }],
  ])('with impossible numbers does not count as healthy: %s', async (_what, node) => {
    const verdict = await askDisk([{ name: 'node-a', stats: free(60), ...node }]);
    expect(verdict.status).toBe('unknown');
  });

  test('to a paged list that keeps expiring does not count as the whole list', async () => {
    const gone = {
      kind: 'Status',
      status: 'Failure',
      reason: 'Expired',
      code: 410,
      message:
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
    };
    const [node] = (healthy.answers[1]!.body as { items: unknown[] }).items;
    const page = { kind: 'NodeList', metadata: { resourceVersion: '1', continue: 'T1' }, items: [node] };
    const paged = withAnswer(healthy, 'GET /api/v1/nodes', 200, page);
    const file = {
      ...paged,
      answers: [
        ...paged.answers,
        { from: 'cluster:lab', request: 'GET /api/v1/nodes?continue=T1', status: 410, body: gone },
      ],
    };
    const verdict = await askCase(file);
    expect(verdict.status).toBe('unknown');
    const empty = withAnswer(file, 'GET /api/v1/nodes', 200, { ...page, items: [] });
    expect((await askCase(empty)).status).toBe('unknown');
  });

  test('of one cluster does not stop the check of the other', async () => {
    const lost = healthy.answers.map((one) => ({
      ...one,
      from: 'cluster:lost',
      status: 503,
      body: 'no endpoints',
    }));
    const verdict = await askCase({ ...healthy, answers: [...healthy.answers, ...lost] });
    expect(verdict.status).toBe('unknown');
    expect(verdict.report.examined).toBe(1);
    expect(verdict.text).toMatch(/lost/);
  });
});

test.each(['k01', 'k04', 'k09', 'k26'])(
  'a kubelet that is queried directly gives the same result: %s',
  async (name) => {
    const { pathname } = new URL(`kubernetes/${name}.json`, import.meta.url);
    const file = { ...(await readCaseFile(pathname)), check: 'node/disk' };
    const [direct, proxied] = [await askCase(file, { kubelets: 'direct' }), await askCase(file)];
    expect(direct.faults).toEqual(proxied.faults);
    expect(direct.status).toBe(proxied.status);
  },
);
