import { describe, expect, test } from 'vitest';
import {
  barePod,
  clusterFacts,
  controllerPods,
  evictedPod,
  factsOf,
  mirrorPod,
  nodeState,
} from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { ClusterFacts, EvictedPod } from './facts.ts';
import { hellGotLoose, ownLimit, refusedForever, staticPodDown } from './stories.ts';

const now = new Date('2026-11-26T12:00:00Z');
const ago = (hours: number) => new Date(now.getTime() - hours * 3_600_000);
const allowed = { allowed: true } as const;

const LOW = 'The node was low on resource: ephemeral-storage. ';
const MEMORY =
  'The node was low on resource: memory. Threshold quantity: 100Mi, available: 84104Ki. Container cache was using 5120Mi, request is 1Gi, has larger consumption of memory. ';
const REFUSED = 'Pod The node had condition: [DiskPressure]. ';

const ask = (evicted: readonly EvictedPod[], known: Partial<ClusterFacts> = {}) =>
  diagnose(factsOf(clusterFacts(evicted, known)), {}, now);
const labelled = (finding: ReturnType<typeof ask>['findings'][number] | undefined, label: string) =>
  finding?.evidence?.flatMap((one) => (one.kind === 'field' && one.label === label ? [one.value] : []))[0];
const offered = ({ findings }: ReturnType<typeof ask>) =>
  findings.flatMap(({ offers = [] }) =>
    offers
      .slice(0, 1)
      .map((offer) => ('each' in offer ? offer.each.map(({ target }) => target) : [offer.target])),
  );

describe('the stories', () => {
  test('Jenkins: names the node that is short of disk, and suggests to check it', () => {
    const { verdict, findings } = diagnose(hellGotLoose.facts, {}, hellGotLoose.now);
    expect(verdict).toBe('1 pod of jenkins/jenkins was evicted because aks-nodepool1-xxx1 was low on disk');
    expect(findings).toMatchObject([
      {
        reason: 'node-low-on-disk',
        severity: 'warning',
        target: 'jenkins/jenkins',
        targets: ['jenkins/jenkins-6486d6b8b9-q2xwn'],
        next: [{ check: 'node/disk', args: { node: 'aks-nodepool1-xxx1' } }],
      },
    ]);
    expect(findings[0]?.summary).toBe(
      '1 pod of jenkins/jenkins was evicted because aks-nodepool1-xxx1 was low on disk; 1 is running now. aks-nodepool1-xxx1 still has DiskPressure',
    );
    expect(findings[0]?.offers).toBeUndefined();
  });

  test('own limit: blames no node, and keeps the newest', () => {
    const diagnosis = diagnose(ownLimit.facts, {}, ownLimit.now);
    expect(diagnosis.findings).toMatchObject([
      { reason: 'volume-limit-exceeded', severity: 'warning', target: 'media/transcode' },
    ]);
    expect(diagnosis.findings[0]?.summary).toMatch(
      /volume scratch \(1Gi\).*Raise the limit.*no node is at fault/,
    );
    expect(offered(diagnosis)).toEqual([
      ['media/transcode-66d9f7b5c8-zk2dq', 'media/transcode-66d9f7b5c8-x9k4m'],
    ]);
  });

  test('refused forever: says why it goes on, and that deleting only tidies up', () => {
    const { findings } = diagnose(refusedForever.facts, {}, refusedForever.now);
    expect(findings).toMatchObject([
      { reason: 'refused-by-node', severity: 'critical', target: 'ml/trainer' },
    ]);
    expect(findings[0]?.summary).toMatch(
      /gpu-1 refused 24 pods of ml\/trainer in 46 s because of DiskPressure; none is running now. The template pins them with `nodeName`, which bypasses the scheduler and taints: this goes on until gpu-1 has space or `nodeName` is removed$/,
    );
    expect(labelled(findings[0], 'Cleanup')).toBe(
      "deleting 23 replaced pods only tidies up; it doesn't end the refusals. The newest evicted pod is kept",
    );
    expect(findings[0]?.offers).toHaveLength(2);
  });

  test('static pod: comes first, and is never offered', () => {
    const { verdict, findings } = diagnose(staticPodDown.facts, {}, staticPodDown.now);
    expect(verdict).toBe('Static pod kube-system/kube-proxy is down on worker-7; 1 other pod was evicted');
    expect(findings.map(({ severity, target }) => `${severity} ${target}`)).toEqual([
      'critical kube-system/kube-proxy',
      'warning obs/log-agent',
    ]);
    expect(findings[0]?.summary).toMatch(
      /kubelets before 1\.16 \(here v1\.13\.12\) leave it down\. Restart the kubelet, or touch the pod's manifest$/,
    );
    expect(findings[0]?.offers).toBeUndefined();
  });
});

test('is clear if no pod was evicted', () => {
  expect(ask([])).toMatchObject({ verdict: 'No evicted pods among 40 pods', findings: [] });
});

describe('grouping', () => {
  test('one owner with two causes has two findings, and two owners with one cause too', () => {
    const { findings, verdict } = ask([
      evictedPod('shop/api-59fd-aaaaa', LOW, ago(3)),
      evictedPod('shop/api-59fd-bbbbb', MEMORY, ago(2), { node: 'node-b' }),
      evictedPod('shop/web-6c5d-ccccc', LOW, ago(1)),
    ]);
    expect(findings.map(({ reason, target }) => `${target} ${reason}`).toSorted()).toEqual([
      'shop/api node-low-on-disk',
      'shop/api node-low-on-memory',
      'shop/web node-low-on-disk',
    ]);
    expect(verdict).toBe(
      '3 pods of 2 owners were evicted: 2 because node-a was low on disk and 1 because node-b was low on memory',
    );
  });

  test('lists all nodes if there are several', () => {
    const { findings } = ask([
      evictedPod('shop/api-59fd-aaaaa', LOW, ago(3)),
      evictedPod('shop/api-59fd-bbbbb', LOW, ago(2), { node: 'node-b' }),
    ]);
    expect(findings[0]?.summary).toMatch(/because node-a and node-b were low on disk/);
  });

  test('says what the containers used, and what the node had left', () => {
    const { findings } = ask([evictedPod('shop/cache-5c4b-aaaaa', MEMORY, ago(1))]);
    expect(labelled(findings[0], 'Used')).toBe('cache was using 5120Mi, request 1Gi');
    expect(labelled(findings[0], 'Available then')).toBe('82.1 MiB available, threshold 100 MiB');
  });

  test('names several volumes of one owner in one finding', () => {
    const limit = (volume: string) => `Usage of EmptyDir volume "${volume}" exceeds the limit "1Gi". `;
    const { findings } = ask([
      evictedPod('shop/api-59fd-aaaaa', limit('tmp'), ago(3)),
      evictedPod('shop/api-59fd-bbbbb', limit('cache'), ago(2)),
    ]);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.summary).toMatch(/emptyDir volume tmp \(1Gi\) and emptyDir volume cache \(1Gi\)/);
  });

  test('a Deployment and a StatefulSet with one name have different targets', () => {
    const { findings } = ask([
      evictedPod('shop/web-6c5d-aaaaa', LOW, ago(3)),
      evictedPod('shop/web-0', LOW, ago(2), {
        owner: { kind: 'StatefulSet', name: 'web' },
        controller: { kind: 'StatefulSet', name: 'web' },
      }),
    ]);
    expect(findings.map(({ target }) => target).toSorted()).toEqual([
      'shop/web (Deployment)',
      'shop/web (StatefulSet)',
    ]);
  });

  test('targets have the name of their cluster if there are several', () => {
    const { findings } = ask([evictedPod('shop/api-59fd-aaaaa', LOW, ago(3))], { isOnly: false });
    expect(findings[0]).toMatchObject({
      target: 'lab:shop/api',
      targets: ['lab:shop/api-59fd-aaaaa'],
      next: [{ check: 'node/disk', args: { node: 'node-a', source: 'lab' } }],
    });
  });

  test('a message that no kubelet is known to write is a finding with its text', () => {
    const { findings } = ask([evictedPod('shop/api-59fd-aaaaa', 'Evicted by an operator', ago(3))]);
    expect(findings[0]).toMatchObject({ reason: 'evicted-for-unknown-reason', severity: 'warning' });
    expect(labelled(findings[0], 'Message')).toBe('Evicted by an operator');
    expect(labelled(ask([evictedPod('a/b-c-d', '', ago(3))]).findings[0], 'Message')).toBe('none');
  });
});

describe('what could be broken', () => {
  test('says nothing about what is running if not all pods could be read', () => {
    const { findings } = ask([evictedPod('shop/api-59fd-aaaaa', LOW, ago(3))], { arePodsComplete: false });
    expect(findings[0]?.summary).not.toMatch(/running/);
    expect(labelled(findings[0], 'Replaced')).toMatch(/not all pods could be read/);
  });

  test('counts the pods of another ReplicaSet of the Deployment as running', () => {
    const pod = evictedPod('shop/api-59fd-aaaaa', LOW, ago(3));
    const { findings } = ask([pod], {
      controllers: [
        controllerPods(pod, ago(3)),
        controllerPods({ ...pod, controller: { kind: 'ReplicaSet', name: 'api-77cc' } }, ago(1), {
          running: 2,
          newestLiveAt: ago(1),
        }),
      ],
    });
    expect(findings[0]?.summary).toMatch(/; 2 are running now/);
    expect(labelled(findings[0], 'Replaced')).toBe('yes; the newest pod was created 2026-11-26 11:00 UTC');
  });

  test('a newer pod of a StatefulSet has another identity, so it replaces nothing', () => {
    const controller = { kind: 'StatefulSet', name: 'db' };
    const pod = evictedPod('shop/db-0', LOW, ago(90), { controller, owner: controller });
    const { findings } = ask([pod], {
      controllers: [controllerPods(pod, ago(50), { running: 2, newestLiveAt: ago(50) })],
    });
    expect(findings[0]).toMatchObject({ severity: 'warning' });
    expect(labelled(findings[0], 'Replaced')).toBeUndefined();
  });

  test('a pod whose node is unknown is reported all the same', () => {
    const { node: _, ...pod } = evictedPod('shop/api-59fd-aaaaa', LOW, ago(3));
    const { verdict, findings } = ask([pod]);
    expect(verdict).toBe('1 pod of shop/api was evicted because an unknown node was low on disk');
    expect(findings).toHaveLength(1);
  });

  test('a bare pod is never recreated, and never offered', () => {
    const { findings } = ask([barePod('default/debug-shell', LOW, ago(3))], {
      removal: { default: allowed },
    });
    expect(findings[0]).toMatchObject({ severity: 'warning', target: 'default/debug-shell' });
    expect(findings[0]?.summary).toMatch(/no controller, so nothing recreates it/);
    expect(findings[0]?.offers).toBeUndefined();
  });

  test('two replaced pods of a static pod on two nodes are one finding that names both nodes', () => {
    const { findings } = ask([
      mirrorPod('kube-system/kube-proxy', 'worker-7', LOW, ago(90)),
      mirrorPod('kube-system/kube-proxy', 'worker-8', LOW, ago(80)),
    ]);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.summary).toMatch(/down on worker-7 and worker-8/);
    // Their kubelets are new, so it is unknown why they did not start it.
    expect(findings[0]?.summary).not.toMatch(/before 1\.16/);
  });

  test('a static pod is critical if the nodes could not be read, but not if its node is gone', () => {
    const pods = [mirrorPod('kube-system/kube-proxy', 'worker-7', LOW, ago(90))];
    const severity = (known: Partial<ClusterFacts>) => ask(pods, known).findings[0]?.severity;
    expect(severity({ nodes: [], areNodesComplete: false })).toBe('critical');
    expect(severity({ nodes: [] })).toBe('warning');
    expect(ask(pods, { nodes: [] }).findings[0]?.summary).toMatch(/worker-7 is no longer in the cluster/);
  });

  test('a static pod whose node is unknown is down all the same', () => {
    const { node: _, ...pod } = mirrorPod('kube-system/etcd', 'node-a', LOW, ago(90));
    const { findings, verdict } = ask([pod]);
    expect(verdict).toBe('Static pod kube-system/etcd is down on an unknown node');
    expect(findings[0]).toMatchObject({ severity: 'critical' });
  });

  test('a node that does not report its conditions is named as unknown', () => {
    const { findings } = ask([evictedPod('shop/api-59fd-aaaaa', LOW, ago(3))], {
      nodes: [
        nodeState('node-a', {
          ready: 'Unknown',
          pressure: { DiskPressure: 'Unknown', MemoryPressure: 'Unknown', PIDPressure: 'Unknown' },
        }),
      ],
    });
    expect(labelled(findings[0], 'Node now')).toBe(
      'node-a: DiskPressure unknown, not known whether it is ready',
    );
  });
});

describe('a status that is inconsistent', () => {
  const mirror = mirrorPod('kube-system/etcd', 'node-a', LOW, ago(90));

  test.each<readonly [string, Partial<EvictedPod>, string]>([
    ['has no reason', { isGuess: true }, 'the status has no reason, but its message is that of an eviction'],
    ['is of a running pod', { phase: 'Running' }, 'evicted by the status, but the phase is Running'],
  ])('of a static pod that %s is a warning, and is not called down', (_, known, doubt) => {
    const { findings, verdict } = ask([{ ...mirror, ...known }]);
    expect(verdict).toBe('1 pod of kube-system/etcd was evicted with an inconsistent status');
    expect(findings[0]).toMatchObject({ severity: 'warning', reason: 'static-pod-down' });
    expect(findings[0]?.summary).toBe(
      'Static pod kube-system/etcd may be down on node-a: its kubelet evicted it because the node was low on disk, but its status is inconsistent',
    );
    expect(labelled(findings[0], 'Uncertain')).toBe(doubt);
  });

  test('of one of several pods is mentioned', () => {
    const pods = [3, 2].map((hours) => evictedPod(`shop/api-59fd-aaaa${hours}`, LOW, ago(hours)));
    const [first, ...others] = pods;
    const { findings } = ask([...(first ? [{ ...first, isGuess: true as const }] : []), ...others]);
    expect(labelled(findings[0], 'Uncertain')).toMatch(/^1 of 2: the status has no reason/);
  });

  test('of a pod that was refused again and again is not critical', () => {
    const pods = [6, 4, 2].map((seconds) =>
      evictedPod(`ml/trainer-84f7-aaaa${seconds}`, REFUSED, new Date(now.getTime() - seconds * 1_000), {
        isGuess: true,
      }),
    );
    const replicaSets = [{ namespace: 'ml', name: 'trainer-84f7', templateNode: 'node-a' }];
    expect(ask(pods, { replicaSets }).findings[0]?.severity).toBe('warning');
  });
});

test('a static pod that its node refused was not evicted', () => {
  const { findings } = ask([mirrorPod('kube-system/etcd', 'node-a', REFUSED, ago(90))]);
  expect(findings[0]).toMatchObject({ severity: 'critical' });
  expect(findings[0]?.summary).toMatch(
    /down on node-a: its kubelet refused it because of DiskPressure, and hasn't/,
  );
});

test('one pod exceeds its own limit', () => {
  const message = 'The node was low on resource: EmptyDir.';
  const { verdict, findings } = ask([evictedPod('shop/api-59fd-aaaaa', message, ago(3))]);
  expect(verdict).toBe('1 pod of shop/api was evicted for exceeding its own limit');
  expect(findings[0]?.summary).toMatch(/exceeded the size limit of an emptyDir volume;.*no node is at fault/);
  expect(findings[0]?.next).toBeUndefined();
});

test('a pod that used less than it requested needs no other request', () => {
  const summary = (message: string) => ask([evictedPod('a/b-c-d', message, ago(3))]).findings[0]?.summary;
  expect(summary('The node was low on resource: memory. ')).not.toMatch(/request/);
  expect(summary(MEMORY)).toMatch(/Raise its memory request/);
});

test('a Job whose other pod has succeeded needs none that runs', () => {
  const job = { kind: 'Job', name: 'backup' };
  const at = (hours: number) => {
    const pod = evictedPod('shop/backup-aaaaa', LOW, ago(hours), { controller: job, owner: job });
    const done = controllerPods(pod, ago(hours - 1), { succeeded: 1, newestLiveAt: ago(hours - 1) });
    return ask([pod], { controllers: [done] }).findings[0];
  };
  expect(at(3)?.summary).toMatch(/; another pod of it has succeeded$/);
  expect([at(3)?.severity, at(90)?.severity]).toEqual(['warning', 'info']);
});

describe('refusals', () => {
  const refused = (count: number, known: Partial<EvictedPod> = {}) =>
    Array.from({ length: count }, (_, at) =>
      evictedPod(`ml/trainer-84f7-aaaa${at}`, REFUSED, new Date(now.getTime() - (count - at) * 2_000), known),
    );

  test('of a single pod are no loop', () => {
    const { findings, verdict } = ask(refused(1));
    expect(verdict).toBe('1 pod of ml/trainer was refused by node-a');
    expect(findings[0]).toMatchObject({ severity: 'warning', reason: 'refused-by-node' });
    expect(findings[0]?.summary).toBe(
      'node-a refused 1 pod of ml/trainer because of DiskPressure; none is running now',
    );
  });

  test('on several nodes are no loop', () => {
    const [first, ...rest] = refused(4);
    const { findings } = ask([...(first ? [{ ...first, node: 'node-b' }] : []), ...rest]);
    expect(findings[0]?.summary).not.toMatch(/goes on until/);
  });

  test('of pods that the template pins to a node are a loop, whatever another node refused before', () => {
    const pods = refused(4);
    const earlier = evictedPod('ml/trainer-84f7-zzzzz', REFUSED, ago(90), { node: 'node-b' });
    const { findings, verdict } = ask([earlier, ...pods], {
      replicaSets: [{ namespace: 'ml', name: 'trainer-84f7', templateNode: 'node-a' }],
    });
    expect(verdict).toBe('node-a refused 4 pods of ml/trainer in 6 s because of DiskPressure');
    expect(findings[0]).toMatchObject({ severity: 'critical' });
    expect(findings[0]?.summary).toMatch(
      /; node-b refused others; none is running now\. The template pins them/,
    );
  });

  test('have ended if a newer pod is running', () => {
    const pods = refused(4);
    const running = (at: Date) => ({
      controllers: pods.slice(0, 1).map((pod) => controllerPods(pod, at, { running: 1, newestLiveAt: at })),
      replicaSets: [{ namespace: 'ml', name: 'trainer-84f7', templateNode: 'node-a' }],
      removal: { ml: allowed },
    });
    const ended = ask(pods, running(now));
    expect(ended.verdict).toBe('4 pods of ml/trainer were refused by node-a');
    expect(ended.findings[0]?.summary).toMatch(/; 1 is running now$/);
    expect(labelled(ended.findings[0], 'Cleanup')).toBe(
      'deleting 3 replaced pods only tidies up. The newest evicted pod is kept',
    );
    expect(ask(pods, running(ago(9))).findings[0]?.summary).toMatch(/goes on until/);
  });

  test('that stopped a while ago do not go on, but have the same cause while nothing runs', () => {
    const pods = refused(4).map((pod) => ({ ...pod, createdAt: ago(1), startedAt: ago(1) }));
    const replicaSets = [{ namespace: 'ml', name: 'trainer-84f7', templateNode: 'node-a' }];
    const [finding] = ask(pods, { replicaSets }).findings;
    expect(finding?.severity).toBe('warning');
    expect(finding?.summary).toMatch(/; none is running now\. The template pins them.*taints$/);
  });

  test('of replicas that were created at the same time are no loop', () => {
    const pods = refused(4).map((pod) => ({ ...pod, createdAt: ago(0.01), startedAt: ago(0.01) }));
    expect(ask(pods).findings[0]?.summary).not.toMatch(/goes on until/);
  });

  test('of a DaemonSet on one node go on although it runs on others, and its controller waits up to 15 minutes', () => {
    const daemon = { kind: 'DaemonSet', name: 'agent' };
    const pods = refused(4, { owner: daemon, controller: daemon }).map((pod) => {
      const createdAt = pod.createdAt && new Date(pod.createdAt.getTime() - 840_000);
      return createdAt ? { ...pod, createdAt, startedAt: createdAt } : pod;
    });
    const [pod] = pods;
    const on = (node: string) =>
      pod
        ? [
            controllerPods(pod, now, {
              running: 1,
              newestLiveAt: now,
              newestLiveByNode: new Map([[node, now]]),
            }),
          ]
        : [];
    expect(ask(pods, { controllers: on('node-b') }).findings[0]?.summary).toMatch(/goes on until/);
    expect(ask(pods, { controllers: on('node-a') }).findings[0]?.summary).not.toMatch(/goes on until/);
  });

  test('without a known template are a loop, but not critical', () => {
    const { findings } = ask(refused(4));
    expect(findings[0]?.severity).toBe('warning');
    expect(findings[0]?.summary).toMatch(
      /Something binds them to this node despite its taint.*goes on until node-a has space or that is removed/,
    );
  });

  test('of pods whose template names no node are said to tolerate its taint', () => {
    const replicaSets = [{ namespace: 'ml', name: 'trainer-84f7' }];
    const [finding] = ask(refused(4), { replicaSets }).findings;
    expect(finding?.severity).toBe('warning');
    expect(finding?.summary).toMatch(
      /seem to tolerate the taint.*goes on until node-a has space or the toleration is/,
    );
  });

  test('of a DaemonSet go on because its pods tolerate the taint', () => {
    const daemon = { kind: 'DaemonSet', name: 'agent' };
    const { findings } = ask(refused(4, { owner: daemon, controller: daemon }));
    expect(findings[0]?.summary).toMatch(
      /Pods of a DaemonSet tolerate the taint: this goes on until node-a has space$/,
    );
  });

  test('are not critical if a pod of the owner is running', () => {
    const pods = refused(4);
    const { findings } = ask(pods, {
      controllers: pods.slice(0, 1).map((pod) => controllerPods(pod, now, { running: 1, newestLiveAt: now })),
      replicaSets: [{ namespace: 'ml', name: 'trainer-84f7', templateNode: 'node-a' }],
    });
    expect(findings[0]?.severity).toBe('warning');
  });

  test('for lack of memory end when the node has memory again', () => {
    const pods = refused(4).map((pod) => ({
      ...pod,
      message: 'Pod was rejected: The node had condition: [MemoryPressure]. ',
    }));
    const { findings } = ask(pods);
    expect(findings[0]?.summary).toMatch(/until node-a no longer has MemoryPressure/);
    expect(findings[0]?.next).toBeUndefined();
  });
});

describe('old evictions', () => {
  const old = evictedPod('shop/api-59fd-aaaaa', LOW, ago(200));
  const replacedAt = (hours: number, known: Partial<ReturnType<typeof controllerPods>> = {}) => ({
    controllers: [controllerPods(old, ago(hours), { running: 1, newestLiveAt: ago(hours), ...known })],
  });
  const severity = (known: Partial<ClusterFacts>, pod = old) => ask([pod], known).findings[0]?.severity;

  test('are information if their replacement has been running for over a day', () => {
    expect(severity(replacedAt(150))).toBe('info');
    expect(ask([old], replacedAt(150)).verdict).toBe(
      '1 pod of shop/api was evicted more than a day ago, and has been replaced',
    );
  });

  test('are information if a later ReplicaSet replaced them', () => {
    const later = { ...old, controller: { kind: 'ReplicaSet', name: 'api-77cc' } };
    const controllers = [
      controllerPods(old, ago(200)),
      controllerPods(later, ago(150), { running: 1, newestLiveAt: ago(150) }),
    ];
    expect(severity({ controllers })).toBe('info');
    expect(labelled(ask([old], { controllers }).findings[0], 'Replaced')).toMatch(/^yes/);
  });

  test('are information while a rollout or a scaling starts other pods', () => {
    expect(severity(replacedAt(150, { pending: 1, oldestPendingAt: ago(0.1) }))).toBe('info');
  });

  test('of which is known when they ended are information, whatever was created since', () => {
    expect(severity(replacedAt(1), { ...old, endedAt: ago(100) })).toBe('info');
  });

  test.each<readonly [string, Partial<ClusterFacts>] | readonly [string, Partial<ClusterFacts>, EvictedPod]>([
    ['it was replaced an hour ago', replacedAt(1)],
    ['nothing replaced it', {}],
    ['nothing is running', replacedAt(150, { running: 0 })],
    ['its replacement is pending', replacedAt(150, { pending: 1 })],
    ['a pod has been pending for an hour', replacedAt(150, { pending: 2, oldestPendingAt: ago(1) })],
    [
      'its node has the same pressure now',
      {
        ...replacedAt(150),
        nodes: [
          nodeState('node-a', {
            pressure: { DiskPressure: 'True', MemoryPressure: 'False', PIDPressure: 'False' },
          }),
        ],
      },
    ],
    ['it ended an hour ago', replacedAt(150), { ...old, endedAt: ago(1) }],
  ])('stay a warning if %s', (_, known, pod = old) => {
    expect(severity(known, pod)).toBe('warning');
  });
});

test('of thousands of pods, the table has the newest, and the targets all', () => {
  const many = Array.from({ length: 600 }, (_, at) =>
    evictedPod(`shop/api-59fd-${at}`, LOW, new Date(ago(3).getTime() + at * 1_000)),
  );
  const [finding] = ask(many).findings;
  const [table] = finding?.evidence?.filter(({ kind }) => kind === 'table') ?? [];
  expect(table).toMatchObject({ rows: expect.objectContaining({ length: 500 }) as unknown });
  expect(labelled(finding, 'Not in the table')).toBe('100 older pods');
  expect(finding?.targets).toHaveLength(600);
});

describe('what is offered', () => {
  const pods = [3, 2, 1].map((hours) => evictedPod(`shop/api-59fd-aaaa${hours}`, LOW, ago(hours)));
  const [first] = pods;
  const replaced = first ? [controllerPods(first, ago(0.5), { running: 1, newestLiveAt: ago(0.5) })] : [];
  const known = { controllers: replaced, removal: { shop: allowed } };

  test('is to delete all but the newest of each owner, whatever its cause', () => {
    const other = evictedPod('shop/api-59fd-bbbbb', MEMORY, ago(2.5));
    expect(offered(ask(pods, known))).toEqual([['shop/api-59fd-aaaa3', 'shop/api-59fd-aaaa2']]);
    const sorted = [pods[0], other, pods[1], pods[2]].flatMap((pod) => pod ?? []);
    expect(offered(ask(sorted, known))).toEqual([
      ['shop/api-59fd-aaaa3', 'shop/api-59fd-aaaa2'],
      ['shop/api-59fd-bbbbb'],
    ]);
  });

  test.each<readonly [string, Partial<EvictedPod>]>([
    ['of a StatefulSet', { controller: { kind: 'StatefulSet', name: 'api-59fd' } }],
    ['of a Job', { controller: { kind: 'Job', name: 'api-59fd' } }],
    ['of a custom controller', { controller: { kind: 'Workflow', name: 'api-59fd' } }],
    ['of an object', { controller: { kind: 'constructor', name: 'api-59fd' } }],
    ['that are being deleted', { isBeingDeleted: true }],
    ['that did not fail', { phase: 'Running' }],
    ['without a reason in their status', { isGuess: true }],
    ['that are mirrors', { isMirror: true }],
    ['without a uid', { uid: '' }],
    ['whose age is unknown', { createdAt: undefined as unknown as Date }],
    [
      'of a DaemonSet without a pod on the same node',
      { controller: { kind: 'DaemonSet', name: 'api-59fd' } },
    ],
    [
      'of a ReplicationController without a running pod',
      { controller: { kind: 'ReplicationController', name: 'other' } },
    ],
  ])('never includes pods %s', (_, change) => {
    const changed = pods.map((pod) => ({ ...pod, ...change }));
    const controllers = changed.slice(0, 1).map((pod) => controllerPods(pod, ago(0.5)));
    expect(offered(ask(changed, { ...known, controllers }))).toEqual([]);
  });

  test('keeps the newest that is not already being deleted', () => {
    const leaving = pods.map((pod, at) => (at === 2 ? { ...pod, isBeingDeleted: true } : pod));
    expect(offered(ask(leaving, known))).toEqual([['shop/api-59fd-aaaa3']]);
  });

  test('includes pods of a DaemonSet that has a newer one running on the same node', () => {
    const changed = pods.map((pod) => ({ ...pod, controller: { kind: 'DaemonSet', name: 'api-59fd' } }));
    const on = (node: string) =>
      changed
        .slice(0, 1)
        .map((pod) =>
          controllerPods(pod, ago(0.5), { running: 1, newestLiveByNode: new Map([[node, ago(0.5)]]) }),
        );
    expect(offered(ask(changed, { ...known, controllers: on('node-a') }))).toEqual([
      ['shop/api-59fd-aaaa3', 'shop/api-59fd-aaaa2'],
    ]);
    expect(offered(ask(changed, { ...known, controllers: on('node-b') }))).toEqual([]);
  });

  test('is nothing where it is not allowed, and the report says why', () => {
    const because = '`allow.remove` is not configured';
    const diagnosis = ask(pods, { ...known, removal: { shop: { allowed: false, because } } });
    expect(offered(diagnosis)).toEqual([]);
    expect(labelled(diagnosis.findings[0], 'Cleanup')).toBe(`2 replaced pods, not offered: ${because}`);
  });
});
