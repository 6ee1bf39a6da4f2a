import { describe, expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { clusterNode, clusterSource, condition } from '../../shared/fixture-clusters.ts';
import { cluster, controlPlanePod, factsOf, node } from './builders.ts';
import type { ClusterState, NodeState } from './cluster-state.ts';
import { cordon } from './cordon.ts';
import { diagnose } from './diagnose.ts';
import { uncordon } from './uncordon.ts';

const ASKED = { cluster: 'lab', node: 'green-1', uid: 'uid-of-green-1' };
const NEWER = { kubeletVersion: 'v1.34.1-eks-59bf375' };
const allowed = { allowed: true } as const;

const lab = (known: Partial<ports.ClusterNode> = {}) => [
  clusterNode('blue-1'),
  clusterNode('blue-2'),
  clusterNode('green-1', { ...NEWER, ...known }),
];

function context(
  nodes: readonly ports.ClusterNode[],
  permission: ports.CordonPermission = allowed,
): ReadContext<'clusters'> {
  return {
    read: { clusters: [clusterSource({ name: 'lab', nodes, cordon: permission })] },
    now: new Date('2026-11-26T12:00:00Z'),
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

type Done = readonly [verb: string, source: string, ...call: unknown[]];

async function apply(remediation: typeof cordon, fails?: Error) {
  const read = context(lab());
  const done: Done[] = [];
  const steps: string[] = [];
  const doing = (verb: string, source: string) => (one: ports.NodeIdentity, by: unknown) => {
    if (fails) return Promise.reject(fails);
    done.push([verb, source, one, by]);
    return Promise.resolve();
  };
  const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: read.signal };
  const applying = remediation.apply(
    {
      ...read,
      write: {
        clusters: (source) => ({
          cordon: doing('cordon', source),
          uncordon: doing('uncordon', source),
          restartWorkload: () => Promise.reject(new Error('restarts nothing')),
          deletePod: () => Promise.reject(new Error('deletes no pod')),
          deleteRunningPod: () => Promise.reject(new Error('deletes no pod')),
          changeImage: () => Promise.reject(new Error('changes no image')),
          changeProbe: () => Promise.reject(new Error('changes no probe')),
        }),
      },
      applyContext,
      recordStep: async (line) => void steps.push(line),
    },
    ASKED,
    { lines: [], targets: [], precondition: {} },
  );
  return { applying, applyContext, done, steps };
}

describe('cordon', () => {
  test('the plan says what changes and what does not, and is bound to the current state of this node', async () => {
    const plan = await cordon.plan(context(lab()), ASKED);
    expect(plan).toEqual({
      lines: ['Set spec.unschedulable on green-1, and annotate it with the id of this fix'],
      targets: ['lab:green-1'],
      precondition: { uid: 'uid-of-green-1', kubelet: 'v1.34.1-eks-59bf375', schedulable: 'yes' },
      impact: 'No new pods on green-1; the pods on it keep running',
      safety: ['At least half of the ready nodes that could run the same pods stay schedulable'],
      afterwards: expect.any(Array) as unknown,
    });
    expect(await cordon.plan(context(lab()), ASKED)).toEqual(plan);
  });

  test('it is proven by the measure of the node, because it does not remove the finding', () => {
    expect(cordon.provenBy?.(ASKED)).toEqual({ label: 'green-1 in lab', value: 0 });
  });

  test('a plan for several nodes has one line per node, independent of the others', async () => {
    const plan = await cordon.plan(context(lab()), ASKED);
    expect(cordon.many?.title([ASKED, ASKED])).toBe('Cordon both');
    expect(cordon.many?.title([ASKED, ASKED, ASKED])).toBe('Cordon all 3');
    expect(cordon.many?.line(ASKED, plan)).toBe(plan.lines[0]);
    expect(cordon.many?.precondition(plan)).toEqual(plan.precondition);
  });

  test.each<[string, readonly ports.ClusterNode[], string, string]>([
    ['is gone', lab().slice(0, 2), 'missing', 'no longer exists'],
    ['was replaced', lab({ uid: 'another' }), 'missing', 'or was replaced'],
    ['is already cordoned', lab({ unschedulable: true }), 'missing', 'is already cordoned'],
    ['is the only one', [clusterNode('green-1')], 'refused', 'no other ready, schedulable node'],
    [
      'is the last ready and schedulable one',
      [
        clusterNode('blue-1', { unschedulable: true }),
        clusterNode('blue-2', { conditions: [condition('Ready', 'False')] }),
        clusterNode('green-1', NEWER),
      ],
      'refused',
      'no other ready, schedulable node',
    ],
    [
      'is the last on its platform',
      lab({ operatingSystem: 'windows' }),
      'refused',
      'no other ready, schedulable node',
    ],
    [
      'runs pods that tolerate the taints of no other node',
      lab().map((one) =>
        one.name === 'green-1'
          ? one
          : { ...one, taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] },
      ),
      'refused',
      'no other ready, schedulable node',
    ],
    [
      'would leave less than half of the nodes schedulable',
      [
        ...lab(),
        clusterNode('green-2', { ...NEWER, unschedulable: true }),
        clusterNode('green-3', { unschedulable: true }),
      ],
      'refused',
      'only 2 of 5 ready nodes',
    ],
    [
      'is reserved for the control plane',
      lab({ taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] }),
      'refused',
      'reserved for the control plane',
    ],
    [
      'is the last of the control plane',
      lab({ roles: ['control-plane'] }),
      'refused',
      'last schedulable node of the control plane',
    ],
  ])('a node that %s is refused, with the reason', async (_, nodes, kind, because) => {
    const planned = cordon.plan(context(nodes), ASKED);
    await expect(planned).rejects.toBeInstanceOf(SourceError);
    await expect(planned).rejects.toMatchObject({
      kind,
      message: expect.stringContaining(because) as string,
    });
  });

  test('all lines of a plan share one list of nodes, and each line reads it again when applied', async () => {
    let lists = 0;
    const counting = (more: object = {}) => {
      const [source] = context(lab()).read.clusters;
      const nodes: ports.Cluster['nodes'] = (options) => {
        lists += 1;
        return source!.nodes(options);
      };
      return { ...context(lab()), read: { clusters: [{ ...source!, nodes }] }, ...more };
    };
    const planning = counting();
    await cordon.plan(planning, ASKED);
    await cordon.plan(planning, ASKED);
    expect(lists).toBe(1);
    const applying = counting({ write: {} });
    await cordon.plan(applying, ASKED);
    await cordon.plan(applying, ASKED);
    expect(lists).toBe(3);
  });

  test('a source that does not allow it is refused with its reason', async () => {
    const because = '`allow.cordon` is not configured for the source lab';
    await expect(cordon.plan(context(lab(), { allowed: false, because }), ASKED)).rejects.toThrow(because);
  });

  test('applying cordons exactly that node, and records it', async () => {
    const { applying, applyContext, done, steps } = await apply(cordon);
    await applying;
    expect(done).toEqual([['cordon', 'lab', { name: 'green-1', uid: 'uid-of-green-1' }, applyContext]]);
    expect(steps).toEqual(['green-1 cordoned']);
  });

  test('if the cluster refuses it, it fails and nothing is recorded', async () => {
    const error = new SourceError('lab', 'refused', 'needs `patch nodes`');
    const { applying, steps } = await apply(cordon, error);
    await expect(applying).rejects.toBe(error);
    expect(steps).toEqual([]);
  });
});

describe('uncordon', () => {
  const ours = { unschedulable: true, cordonedBy: 'm0123456789abcdef', kubeletVersion: 'v1.33.4' };

  test('the plan is bound to the cordon that it removes', async () => {
    const plan = await uncordon.plan(context(lab(ours)), ASKED);
    expect(plan).toEqual({
      lines: ['Clear spec.unschedulable on green-1'],
      targets: ['lab:green-1'],
      precondition: { uid: 'uid-of-green-1', kubelet: 'v1.33.4', 'cordoned by': 'm0123456789abcdef' },
      impact: 'New pods may be scheduled to green-1 again',
    });
  });

  test.each([
    ['is not cordoned', { unschedulable: false }, 'missing', 'no longer cordoned'],
    ['someone else cordoned', { unschedulable: true }, 'missing', 'Wrench did not cordon it'],
    ['is NotReady', { ...ours, conditions: [condition('Ready', 'Unknown')] }, 'refused', 'it is NotReady'],
  ])('a node that %s is refused, with the reason', async (_, known, kind, because) => {
    await expect(uncordon.plan(context(lab(known)), ASKED)).rejects.toMatchObject({
      kind,
      message: expect.stringContaining(because) as string,
    });
  });

  test('applying uncordons exactly that node, and records it', async () => {
    const { applying, applyContext, done, steps } = await apply(uncordon);
    await applying;
    expect(done).toEqual([['uncordon', 'lab', { name: 'green-1', uid: 'uid-of-green-1' }, applyContext]]);
    expect(steps).toEqual(['green-1 uncordoned']);
  });
});

describe('what is offered', () => {
  const green = (name: string, known: Partial<NodeState> = {}) =>
    node(name, 'v1.34.1', { pool: 'green', ...known });
  const blue = ['blue-1', 'blue-2'].map((name) => node(name, 'v1.33.4', { pool: 'blue' }));
  const offersOf = (nodes: readonly NodeState[], known: Partial<ClusterState> = {}) =>
    diagnose(factsOf(cluster('v1.33.4', nodes, { cordon: allowed, ...known }))).findings.flatMap(
      ({ offers = [] }) =>
        offers.map((offer) =>
          'each' in offer
            ? `${offer.remediation} ${offer.each.map(({ params }) => params.node).join('+')}`
            : `${offer.remediation} ${offer.params.node}`,
        ),
    );
  const evidenceOf = (nodes: readonly NodeState[], known: Partial<ClusterState> = {}) =>
    JSON.stringify(
      diagnose(factsOf(cluster('v1.33.4', nodes, { cordon: allowed, ...known }))).findings[0]?.evidence,
    );

  test('all of the unsupported nodes together, and each alone', () => {
    expect(offersOf([...blue, green('g-1'), green('g-2')])).toEqual([
      'cordon g-1+g-2',
      'cordon g-1',
      'cordon g-2',
    ]);
    expect(offersOf([...blue, green('g-1')])).toEqual(['cordon g-1']);
  });

  test('not a node that is already cordoned', () => {
    const cordoned = green('g-2', { unschedulable: true });
    expect(offersOf([...blue, green('g-1'), cordoned])).toEqual(['cordon g-1']);
    expect(offersOf([...blue, cordoned])).toEqual([]);
  });

  test('nothing if all or most nodes are unsupported, with the reason', () => {
    expect(offersOf([green('g-1'), green('g-2')])).toEqual([]);
    expect(evidenceOf([green('g-1'), green('g-2')])).toContain(
      'not offered: no other ready, schedulable node',
    );
    expect(offersOf([...blue.slice(1), green('g-1'), green('g-2')])).toEqual([]);
    expect(evidenceOf([...blue.slice(1), green('g-1'), green('g-2')])).toContain('only 1 of 3 ready nodes');
  });

  test('nothing if it is not allowed, with the reason, or if the permission could not be read', () => {
    const nodes = [...blue, green('g-1')];
    const cordonRefused = { allowed: false, because: 'the credential lacks `patch nodes`' } as const;
    expect(offersOf(nodes, { cordon: cordonRefused })).toEqual([]);
    expect(evidenceOf(nodes, { cordon: cordonRefused })).toContain('not offered: the credential lacks');
    const { cordon: _, ...unknown } = cluster('v1.33.4', nodes, { cordon: allowed });
    expect(diagnose(factsOf(unknown)).findings[0]).not.toHaveProperty('offers');
  });

  test('no cordon for a warning, and no uncordon for a node that is still unsupported or that others cordoned', () => {
    const drift = [...blue, node('b-3', 'v1.32.1', { pool: 'blue' })];
    expect(offersOf(drift)).toEqual([]);
    const ours = { unschedulable: true, cordonedBy: 'm0123456789abcdef' };
    expect(offersOf([...blue, green('g-1', ours)])).toEqual([]);
    expect(offersOf([...blue, node('b-3', 'v1.33.4', { unschedulable: true })])).toEqual([]);
    expect(offersOf([...blue, node('b-3', 'v1.33.4', ours)])).toEqual(['uncordon b-3']);
    expect(offersOf([...blue, node('b-3', 'v1.33.4', { ...ours, ready: 'no' })])).toEqual([]);
  });

  test('no uncordon if the version of the API server is unknown, because the node may be unsupported', () => {
    const { version: _, ...unknown } = cluster(
      'v1.33.4',
      [...blue, node('b-3', 'v1.33.4', { unschedulable: true, cordonedBy: 'm0123456789abcdef' })],
      { cordon: allowed },
    );
    expect(diagnose(factsOf(unknown)).findings).toEqual([]);
  });

  test('no uncordon if an API server could not be read, because that one may not support the kubelet', () => {
    const ours = node('b-3', 'v1.33.4', { unschedulable: true, cordonedBy: 'm0123456789abcdef' });
    const server = controlPlanePod('kube-apiserver', 'cp-1', 'v1.33.4');
    const pods = [
      server,
      { ...server, name: 'kube-apiserver-cp-2', node: 'cp-2', image: 'kube-apiserver:old' },
    ];
    expect(offersOf([...blue, ours], { arePodsComplete: false })).toEqual([]);
    expect(offersOf([...blue, ours], { pods })).toEqual([]);
    expect(offersOf([...blue, ours], { pods: [server] })).toEqual(['uncordon b-3']);
  });

  test('a Fargate node is never cordoned, because it never gets another pod', async () => {
    const fargate = ['f-1', 'f-2', 'f-3'].map((name) => node(name, 'v1.33.4', { isServerless: true }));
    const old = node('f-4', 'v1.28.1', { isServerless: true });
    expect(offersOf([...blue, ...fargate, old])).toEqual([]);
    await expect(cordon.plan(context(lab({ isServerless: true })), ASKED)).rejects.toThrow('a Fargate node');
    // Nor can it take the pods of another node.
    expect(offersOf([...fargate, green('g-1')])).toEqual([]);
  });

  test('for very many nodes one offer for all, and a limited number of single ones', () => {
    const many = Array.from({ length: 2_000 }, (_, at) => green(`g-${at}`));
    const more = Array.from({ length: 3_000 }, (_, at) => node(`b-${at}`, 'v1.33.4', { pool: 'blue' }));
    expect(offersOf([...more, ...many])).toHaveLength(21);
  });
});
