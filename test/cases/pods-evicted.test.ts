import { describe, expect, test } from 'vitest';
import { podObject } from '../world/kubernetes/objects.ts';
import type { ApiObject } from '../world/kubernetes/resources.ts';
import { askCase, type CaseVerdict } from './ask-case.ts';
import { type CaseNode, type CaseRequest, CASE_NOW, makeCase, refusal } from './make-case.ts';

/** Inputs rebuilt from public reports, and variations of them. */

function askEvicted(
  pods: readonly ApiObject[],
  { nodes = [{ name: 'node-a' }, { name: 'node-b' }], ...more }: Partial<CaseRequest> = {},
): Promise<CaseVerdict> {
  return askCase(makeCase({ check: 'pods/evicted', nodes, pods, ...more }));
}

const minutesAgo = (minutes: number) => new Date(Date.parse(CASE_NOW) - minutes * 60_000).toISOString();
const web = { kind: 'ReplicaSet', name: 'web-6c5d' };
const pressed = (name: string, type: string): CaseNode => ({ name, conditions: { [type]: 'True' } });

function evictedObject(
  name: string,
  message: string,
  request: Parameters<typeof podObject>[1] = {},
): ApiObject {
  return podObject(name, {
    namespace: 'shop',
    node: 'node-a',
    owner: web,
    phase: 'Failed',
    reason: 'Evicted',
    message,
    createdAt: minutesAgo(60),
    ...request,
  });
}

function runningObject(name: string, request: Parameters<typeof podObject>[1] = {}): ApiObject {
  return podObject(name, {
    namespace: 'shop',
    node: 'node-b',
    owner: web,
    createdAt: minutesAgo(5),
    ...request,
  });
}

/** The pods that an offer would delete, without duplicates. */
function deletable({ report }: CaseVerdict): readonly string[] {
  const all = report.findings.flatMap(({ offers = [] }) =>
    offers.flatMap(({ each, target }) => each?.map((one) => one.target) ?? [target ?? '']),
  );
  return [...new Set(all)].toSorted();
}

describe('different causes of evictions', () => {
  /** https://github.com/kubernetes/kubernetes/issues/122160 */
  test('the own limits of pods blame no node, and pressure names the node and the resource', async () => {
    const verdict = await askCase('k11');
    expect(verdict.status).toBe('found');
    expect(
      verdict.report.findings.map(
        ({ severity, target, targets = [] }) => `${severity} ${target} ${targets.length}`,
      ),
    ).toEqual([
      'warning media/transcode-66d9 4',
      'warning shop/api-59fd 2',
      'warning repo/artifacts-7b8c 2',
      'warning shop/cache-5c4b 1',
      'warning bi/report-6d5f 1',
    ]);
    const about = (pod: string) => verdict.about(pod);
    expect(about('media/transcode-66d9-aaaaa')).toMatch(
      /volume scratch \(1Gi\).*Raise the limit.*no node is at fault/,
    );
    expect(about('repo/artifacts-7b8c-11111')).toMatch(
      /total limit of their containers \(1Gi\).*no node is at fault/,
    );
    expect(about('bi/report-6d5f-kkkkk')).toMatch(/container report \(2Gi\).*no node is at fault/);
    expect(about('shop/cache-5c4b-zzzzz')).toMatch(/because w-2 was low on memory/);
    expect(about('shop/cache-5c4b-zzzzz')).toMatch(/cache was using 5120Mi, request 1Gi/);
    expect(about('shop/api-59fd-xxxxx')).toMatch(/because w-3 was low on disk/);
    expect(verdict.text).not.toMatch(/OOM|out of memory|137/i);
    expect(deletable(verdict)).toEqual([
      'media/transcode-66d9-aaaaa',
      'media/transcode-66d9-bbbbb',
      'media/transcode-66d9-ccccc',
      'repo/artifacts-7b8c-11111',
      'shop/api-59fd-xxxxx',
    ]);
    for (const { params, each = [{ params }] } of verdict.report.findings.flatMap(
      ({ offers = [] }) => offers,
    ))
      for (const one of each)
        expect(one.params).toMatchObject({ uid: expect.stringMatching(/.+/) as unknown });
  });

  test('an owner that exceeds its limit on a node with pressure still blames no node', async () => {
    const message = 'Usage of EmptyDir volume "cache" exceeds the limit "500Mi". ';
    const verdict = await askEvicted([evictedObject('web-6c5d-a', message), runningObject('web-6c5d-b')], {
      nodes: [pressed('node-a', 'DiskPressure')],
    });
    expect(verdict.faults).toEqual(['warning shop/web-6c5d-a']);
    expect(verdict.about('shop/web-6c5d-a')).toMatch(/no node is at fault/);
    expect(verdict.report.findings[0]?.next).toBeUndefined();
    expect(verdict.offers).toEqual([]);
  });

  test.each([
    ['imagefs', 'low on disk', 'DiskPressure'],
    ['inodes', 'low on inodes', 'DiskPressure'],
    ['pids', 'low on process IDs', 'PIDPressure'],
    ['memory', 'low on memory', 'MemoryPressure'],
  ])('pressure by %s is named, and whether the node still has it', async (resource, words, condition) => {
    const pods = [evictedObject('web-6c5d-a', `The node was low on resource: ${resource}. `)];
    const verdict = await askEvicted(pods, { nodes: [pressed('node-a', condition)] });
    expect(verdict.faults).toEqual(['warning shop/web-6c5d-a']);
    expect(verdict.text).toContain(`node-a was ${words}`);
    expect(verdict.text).toContain(`node-a still has ${condition}`);
  });

  /** As kubelets from 1.5 to 1.36 write them. */
  test.each([
    ['The node was low on compute resources.', 'node-a was low on compute resources'],
    ['The node was low on resource: nodefsInodes.', 'node-a was low on inodes'],
    ['The node was low on resource: EmptyDir.', 'no node is at fault'],
    ['The node was low on resource: containerOverlay.', 'no node is at fault'],
    ['emptyDir usage exceeds the limit "1Gi".', 'no node is at fault'],
    ['pod ephemeral local storage usage exceeds the total limit of containers 1Gi', 'no node is at fault'],
    ['Pod ephemeral local storage usage exceeds the total limit of containers 3435973836800m. ', '3.2 GiB'],
    ['Pod The node was low on resource: [MemoryPressure].', 'node-a refused 1 pod'],
    ['Pod The node had condition: [MemoryPressure, DiskPressure]. ', 'MemoryPressure and DiskPressure'],
    [
      'The node was low on resource: memory. Threshold quantity: 1Gi, available: 900Mi. ',
      '900 MiB available',
    ],
    [
      'The node was low on resource: memory. Threshold quantity: 100Mi, available: 9Mi. Container app was using 2Gi, request is 0, has larger consumption of memory. ',
      'Raise its memory request',
    ],
  ])('each wording has its cause: %s', async (message, words) => {
    const verdict = await askEvicted([evictedObject('web-6c5d-a', message)]);
    expect(verdict.faults).toEqual(['warning shop/web-6c5d-a']);
    expect(verdict.text).toContain(words);
  });

  /** https://github.com/kubernetes/kubernetes/issues/113278 */
  test('pods that a shutdown, preemption or admission ended are not evicted', async () => {
    const reasons = [
      'Terminated',
      'NodeShutdown',
      'Shutdown',
      'NodeLost',
      'Preempting',
      'OutOfcpu',
      'NodeAffinity',
    ];
    const pods = reasons.map((reason, at) =>
      evictedObject(`web-6c5d-${at}`, 'Pod was terminated in response to imminent node shutdown.', {
        reason,
      }),
    );
    const verdict = await askEvicted([...pods, runningObject('web-6c5d-live')]);
    expect(verdict.status).toBe('clear');
    expect(verdict.text).toMatch(/1 NodeShutdown/);
  });

  test('a text of an unknown kubelet is a finding with the text', async () => {
    const verdict = await askEvicted([evictedObject('web-6c5d-a', 'Der Knoten hat zu wenig Platz')]);
    expect(verdict.faults).toEqual(['warning shop/web-6c5d-a']);
    expect(verdict.text).toMatch(/Der Knoten hat zu wenig Platz/);
  });
});

describe('a node that refuses pods', () => {
  /** https://github.com/kubernetes/kubernetes/issues/94245 */
  test('again and again: the template names it, so deleting the pods does not help', async () => {
    const verdict = await askCase('k12');
    expect(verdict.status).toBe('found');
    expect(verdict.report.findings).toHaveLength(1);
    const [finding] = verdict.report.findings;
    expect(finding).toMatchObject({ severity: 'critical', target: 'ml/trainer' });
    expect(finding?.summary).toMatch(/gpu-1 refused 8 pods of ml\/trainer in 14 s because of DiskPressure/);
    expect(finding?.summary).toMatch(
      /template pins them with `nodeName`, which bypasses the scheduler and taints.*until gpu-1 has space or `nodeName` is removed/,
    );
    expect(finding?.next).toEqual([{ check: 'node/disk', args: { node: 'gpu-1' } }]);
    expect(deletable(verdict)).toHaveLength(7);
    expect(deletable(verdict)).not.toContain('ml/trainer-84f7-w5g4b');
    expect(verdict.text).toMatch(/deleting 7 replaced pods only tidies up/);
  });

  const refused = (name: string, minutes: number, node = 'node-a') =>
    evictedObject(name, 'Pod was rejected: The node had condition: [MemoryPressure]. ', {
      createdAt: minutesAgo(minutes),
      node,
    });

  test('without a known template is a warning that does not claim to know why', async () => {
    const verdict = await askEvicted(
      [3, 2, 1].map((at) => refused(`web-6c5d-${at}`, at)),
      {
        nodes: [pressed('node-a', 'MemoryPressure')],
      },
    );
    expect(verdict.report.findings[0]).toMatchObject({ severity: 'warning', target: 'shop/web-6c5d' });
    expect(verdict.text).toMatch(/until node-a no longer has MemoryPressure/);
    expect(verdict.text).not.toMatch(/template pins them/);
  });

  test('if ReplicaSets cannot be listed, says so and still reports the refusals', async () => {
    const verdict = await askEvicted(
      [3, 2, 1].map((at) => refused(`web-6c5d-${at}`, at)),
      {
        answers: { 'GET /apis/apps/v1/replicasets': refusal('replicasets.apps is forbidden') },
      },
    );
    expect(verdict.status).toBe('found');
    expect(verdict.report.gaps.map(({ what }) => what)).toEqual(['lab: ReplicaSets']);
    expect(verdict.report.findings).toHaveLength(1);
  });

  test('again and again, while another node refused one long ago, is still critical', async () => {
    const replicaSet = {
      metadata: {
        name: 'web-6c5d',
        namespace: 'shop',
        uid: 'uid-of-web',
        creationTimestamp: minutesAgo(9_000),
      },
      spec: { template: { spec: { nodeName: 'node-a', containers: [] } } },
    };
    const body = { kind: 'ReplicaSetList', metadata: { resourceVersion: '1' }, items: [replicaSet] };
    const verdict = await askEvicted(
      [refused('web-6c5d-old', 8_000, 'node-b'), ...[3, 2, 1].map((at) => refused(`web-6c5d-${at}`, at))],
      {
        nodes: [pressed('node-a', 'MemoryPressure'), { name: 'node-b' }],
        answers: { 'GET /apis/apps/v1/replicasets': { status: 200, body } },
      },
    );
    expect(verdict.report.findings[0]).toMatchObject({ severity: 'critical', target: 'shop/web-6c5d' });
    expect(verdict.text).toMatch(
      /node-a refused 3 pods of shop\/web-6c5d in 2 minutes because of MemoryPressure/,
    );
  });

  test('of replicas that were created together is no loop while the next ones are pending', async () => {
    const pending = { phase: 'Pending', node: '' };
    const verdict = await askEvicted(
      [
        ...['a', 'b', 'c'].map((suffix) => refused(`web-6c5d-${suffix}`, 5)),
        ...['d', 'e', 'f'].map((suffix) => runningObject(`web-6c5d-${suffix}`, pending)),
      ],
      { nodes: [pressed('node-a', 'MemoryPressure')] },
    );
    expect(verdict.text).toMatch(/none is running now, 3 are pending/);
    expect(verdict.text).not.toMatch(/goes on until/);
  });

  test('once, whose pod then runs elsewhere, is no loop', async () => {
    const verdict = await askEvicted([refused('web-6c5d-a', 9), runningObject('web-6c5d-b')]);
    expect(verdict.text).toMatch(
      /node-a refused 1 pod of shop\/web-6c5d because of MemoryPressure; 1 is running now/,
    );
    expect(verdict.text).not.toMatch(/goes on until/);
  });
});

describe('pods that nothing recreates', () => {
  /** https://github.com/kubernetes/kubernetes/issues/76598 */
  test('a static pod that stays down is critical and comes first; it is never offered', async () => {
    const verdict = await askCase('k13');
    expect(verdict.status).toBe('found');
    const [first, ...others] = verdict.report.findings;
    expect(first).toMatchObject({
      severity: 'critical',
      target: 'kube-system/kube-proxy',
      targets: ['kube-system/kube-proxy-worker-7'],
    });
    expect(first?.summary).toMatch(
      /down on worker-7.*v1\.13\.12.*Restart the kubelet, or touch the pod's manifest/,
    );
    expect(others.map(({ severity }) => severity)).not.toContain('critical');
    expect(verdict.about('default/debug-shell')).toMatch(/no controller, so nothing recreates it/);
    expect(deletable(verdict)).toEqual(['shop/web-6c5d-11111']);
  });

  test('the mirror of a static pod without an owner is known by its annotation', async () => {
    const mirror = podObject('etcd-node-a', {
      namespace: 'kube-system',
      node: 'node-a',
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: nodefs.',
      annotations: { 'kubernetes.io/config.mirror': '9a1f0c' },
    });
    const verdict = await askEvicted([mirror]);
    expect(verdict.faults).toEqual(['critical kube-system/etcd-node-a']);
    expect(verdict.report.findings[0]?.target).toBe('kube-system/etcd');
    expect(verdict.offers).toEqual([]);
  });

  test('a static pod without a reason in its status may be down, which is not critical', async () => {
    const mirror = podObject('etcd-node-a', {
      namespace: 'kube-system',
      node: 'node-a',
      phase: 'Failed',
      message: 'The node was low on resource: memory. ',
      annotations: { 'kubernetes.io/config.mirror': '9a1f0c' },
    });
    const verdict = await askEvicted([mirror]);
    expect(verdict.faults).toEqual(['warning kube-system/etcd-node-a']);
    expect(verdict.text).toMatch(/may be down on node-a/);
  });

  test('the last evidence stays if someone is deleting the newest, or a pod has no uid', async () => {
    const low = 'The node was low on resource: memory. ';
    const [leaving, nameless] = ['web-6c5d-new', 'api-59fd-old'].map((name) =>
      evictedObject(
        name,
        low,
        name.startsWith('api') ? { owner: { kind: 'ReplicaSet', name: 'api-59fd' } } : {},
      ),
    );
    Object.assign(leaving?.metadata ?? {}, {
      deletionTimestamp: minutesAgo(1),
      deletionGracePeriodSeconds: 30,
    });
    Object.assign(nameless?.metadata ?? {}, { uid: undefined });
    const others = [
      evictedObject('web-6c5d-old', low, { createdAt: minutesAgo(90) }),
      runningObject('web-6c5d-live'),
      runningObject('api-59fd-live', { owner: { kind: 'ReplicaSet', name: 'api-59fd' } }),
      evictedObject('api-59fd-new', low, {
        owner: { kind: 'ReplicaSet', name: 'api-59fd' },
        createdAt: minutesAgo(30),
      }),
    ];
    const verdict = await askEvicted([leaving, nameless, ...others].flatMap((pod) => pod ?? []));
    expect(verdict.faults).toHaveLength(4);
    expect(verdict.offers).toEqual([]);
  });

  test('a Job whose next pod has succeeded is not said to be down', async () => {
    const owner = { kind: 'Job', name: 'backup' };
    const low = 'The node was low on resource: memory. ';
    const pods = [
      evictedObject('backup-a', low, { owner }),
      runningObject('backup-b', { owner, phase: 'Succeeded', createdAt: minutesAgo(50) }),
    ];
    expect((await askEvicted(pods)).text).toMatch(/another pod of it has succeeded/);
  });

  test('pods of a Job and of a custom controller are never offered', async () => {
    const low = 'The node was low on resource: ephemeral-storage. ';
    const pods = ['Job', 'Workflow', 'StatefulSet'].flatMap((kind) =>
      [9, 8].map((at) =>
        evictedObject(`${kind.toLowerCase()}-${at}`, low, {
          owner: { kind, name: kind.toLowerCase() },
          createdAt: minutesAgo(at),
        }),
      ),
    );
    const verdict = await askEvicted(pods);
    expect(verdict.report.findings).toHaveLength(3);
    expect(verdict.offers).toEqual([]);
  });
});

describe('what cannot be read', () => {
  test('without the list of pods, the report is unknown', async () => {
    const verdict = await askEvicted([], { answers: { 'GET /api/v1/pods': refusal('pods is forbidden') } });
    expect(verdict.status).toBe('unknown');
  });

  test('if the list of pods breaks off, evictions are reported, but not that nothing runs', async () => {
    const pods = [evictedObject('web-6c5d-a', 'The node was low on resource: memory. ')];
    const list = { kind: 'PodList', metadata: { resourceVersion: '1', continue: 'next' }, items: pods };
    const verdict = await askEvicted([], {
      answers: {
        'GET /api/v1/pods': { status: 200, body: list },
        'GET /api/v1/pods?continue=next': refusal('pods is forbidden'),
      },
    });
    expect(verdict.status).toBe('found');
    expect(verdict.report.gaps).toHaveLength(1);
    expect(verdict.text).not.toMatch(/running/);
  });

  test('without the list of nodes, evictions are reported all the same', async () => {
    const verdict = await askEvicted(
      [evictedObject('web-6c5d-a', 'The node was low on resource: memory. ')],
      {
        answers: { 'GET /api/v1/nodes': refusal('nodes is forbidden') },
      },
    );
    expect(verdict.status).toBe('found');
    expect(verdict.report.gaps.map(({ what }) => what)).toEqual(['lab: nodes']);
    expect(verdict.text).toMatch(/node-a was low on memory/);
  });

  test('a healthy cluster without evictions is clear', async () => {
    expect((await askEvicted([runningObject('web-6c5d-a')])).status).toBe('clear');
  });
});
