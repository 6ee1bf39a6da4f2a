import { array, assert, boolean, constantFrom, integer, option, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  deployment,
  digestOf,
  expecting,
  factsOf,
  kubernetes,
  podOf,
  replica,
  replicaSet,
  serviceFacts,
} from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { Facts, KubernetesFacts, Replica, ServiceFacts, WorkloadFacts } from './facts.ts';
import {
  allEquallyOld,
  deployed,
  digestsOfOneImage,
  missedHost,
  numberFromDisk,
  orphanedReplicaSet,
  rollingUpdate,
  sameVersion,
  staleLatest,
  stuckRollout,
  updatedOnDelete,
} from './stories.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000);

function resultOf(facts: Facts, now = NOW) {
  const { findings, verdict } = diagnose(facts, {}, now);
  return {
    verdict,
    found: findings.map(({ reason, severity }) => `${severity} ${reason}`),
    targets: findings.map(({ targets }) => targets),
    offers: findings.flatMap(({ offers = [] }) => offers.map(({ remediation }) => remediation)),
    summary: findings[0]?.summary ?? '',
    findings,
  };
}

const service = (replicas: readonly Replica[], known: Partial<ServiceFacts> = {}) =>
  resultOf(factsOf(serviceFacts('shop/api', replicas, known)));

/** Pods of one workload with its current template. */
const pods = (workload: WorkloadFacts, ...builds: readonly (number | undefined)[]) =>
  builds.map((build, at) => podOf(`api-${at + 1}`, build, { workload }));

const on = (workloads: readonly WorkloadFacts[], known: Partial<KubernetesFacts> = {}) => ({
  kubernetes: kubernetes(workloads, known),
});

describe('the stories', () => {
  test.each([
    [missedHost, ['warning different-builds'], []],
    [deployed, [], []],
    [stuckRollout, ['warning rollout-stuck'], []],
    [staleLatest, ['warning mutable-tag'], ['pin-image']],
    [orphanedReplicaSet, ['warning orphaned-replicas'], []],
    [allEquallyOld, ['warning not-expected'], ['restart-workload']],
    [numberFromDisk, ['warning process-older-than-build'], []],
    [sameVersion, ['warning different-builds'], []],
    [rollingUpdate, ['info rollout-in-progress'], []],
    [updatedOnDelete, ['info rollout-on-delete'], ['delete-stale-pod']],
    [digestsOfOneImage, [], []],
  ] as const)('$0.title', ({ facts, now }, found, offers) => {
    const result = resultOf(facts, now);
    expect([result.found, result.offers]).toEqual([found, offers]);
  });

  test('a stuck rollout leads with what is stuck and why', () => {
    expect(resultOf(stuckRollout.facts).summary).toBe(
      'shop/api: the rollout of its Deployment, revision 18, has been stuck for 80 minutes (ImagePullBackOff of registry.example/api:210); all 3 replicas run 209 (expected: 210). Push the image, or roll back: `kubectl -n shop rollout undo deployment/api`. A restart starts the same image again',
    );
  });

  test('a stale tag is pinned to the newest build', () => {
    const [finding] = resultOf(staleLatest.facts).findings;
    expect(finding?.targets).toEqual(['ledger-5f-b']);
    expect(finding?.offers).toEqual([
      expect.objectContaining({
        remediation: 'pin-image',
        target: 'led/ledger',
        params: expect.objectContaining({ to: `registry.example/ledger@${digestOf('new')}`, build: '412' }),
      }),
    ]);
  });

  test('an update in progress says for how long, and how far it is', () => {
    expect(resultOf(rollingUpdate.facts).verdict).toContain('in progress for 80 s, 2 of 3 updated');
  });
});

describe('a rollout', () => {
  const rolling = (known: Parameters<typeof deployment>[1] = {}) =>
    deployment('api', {
      status: { total: 4, updated: 1, ready: 4, available: 4 },
      conditions: [
        { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', updatedAt: minutesAgo(2) },
      ],
      newest: { name: 'api-7c', uid: 'uid-of-api-7c', createdAt: minutesAgo(2) },
      ...known,
    });
  const mixed = (workload: WorkloadFacts) => [
    podOf('old-1', 208, { workload, template: 'api-6d', isCurrent: false }),
    podOf('old-2', 208, { workload, template: 'api-6d', isCurrent: false }),
    podOf('new-1', 209, { workload }),
  ];
  const judged = (workload: WorkloadFacts, replicas = mixed(workload)) =>
    service(replicas, { ...expecting('209'), ...on([workload]) });

  test('that makes progress is no fault, and is not clear either', () => {
    expect(judged(rolling()).found).toEqual(['info rollout-in-progress']);
  });

  test('that has made none within its own deadline is stuck', () => {
    const slow = rolling({
      progressDeadlineSeconds: 60,
      conditions: [{ type: 'Progressing', status: 'True', updatedAt: minutesAgo(4) }],
    });
    expect(judged(slow).found).toEqual(['warning rollout-stuck']);
  });

  test('that waits for an image that cannot be pulled is stuck before its deadline', () => {
    const workload = rolling();
    const waiting = podOf('new-2', undefined, { workload }, { state: 'not-ready', waiting: 'ErrImagePull' });
    expect(judged(workload, [...mixed(workload), waiting]).found).toEqual(['warning rollout-stuck']);
  });

  test('is never helped by a restart', () => {
    const workload = rolling({
      image: 'registry.example/api:latest',
      pullPolicy: 'Always',
      conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }],
    });
    expect(judged(workload).offers).toEqual([]);
  });

  test('that is paused is what someone wants, until it is forgotten', () => {
    const paused = (at: Date) =>
      rolling({ isPaused: true, conditions: [{ type: 'Progressing', status: 'Unknown', since: at }] });
    expect(judged(paused(minutesAgo(10))).found).toEqual(['info rollout-paused']);
    expect(judged(paused(minutesAgo(3 * 24 * 60))).found).toEqual(['warning rollout-paused']);
  });

  test('of which the new pods run something unexpected is a fault of its own', () => {
    const workload = rolling();
    expect(service(mixed(workload), { ...expecting('215'), ...on([workload]) }).found).toEqual([
      'warning not-expected',
      'info rollout-in-progress',
    ]);
  });

  test('of a StatefulSet may keep pods below its partition', () => {
    const workload = deployment('db', {
      kind: 'StatefulSet',
      partition: 2,
      status: {
        total: 3,
        updated: 1,
        ready: 3,
        available: 3,
        currentRevision: 'db-1',
        updateRevision: 'db-2',
      },
      conditions: [],
    });
    expect(
      judged(workload, [
        podOf('db-0', 208, { workload, template: 'db-1', isCurrent: false }),
        podOf('db-1', 208, { workload, template: 'db-1', isCurrent: false }),
        podOf('db-2', 209, { workload }),
      ]).found,
    ).toEqual(['info rollout-partitioned']);
  });

  test('with OnDelete waits for someone, who may delete one pod at a time', () => {
    const workload = deployment('db', {
      kind: 'StatefulSet',
      isUpdatedOnDelete: true,
      status: {
        total: 3,
        updated: 1,
        ready: 3,
        available: 3,
        currentRevision: 'db-1',
        updateRevision: 'db-2',
      },
      conditions: [],
    });
    const result = judged(workload, [
      podOf('db-0', 208, { workload, template: 'db-1', isCurrent: false, isReplaceable: true }),
      podOf('db-1', 208, { workload, template: 'db-1', isCurrent: false, isReplaceable: true }),
      podOf('db-2', 209, { workload }),
    ]);
    expect([result.found, result.offers]).toEqual([['info rollout-on-delete'], ['delete-stale-pod']]);
  });

  test('of Argo with two templates is a canary, and one that was aborted is a fault', () => {
    const argo = (reason: string, status: 'True' | 'False' | 'Unknown') =>
      deployment('api', { kind: 'Rollout', conditions: [{ type: 'Progressing', status, reason }] });
    expect(judged(argo('RolloutPaused', 'Unknown')).found).toEqual(['info rollout-canary']);
    expect(judged(argo('RolloutAborted', 'False')).found).toEqual(['warning rollout-aborted']);
  });

  test('of a DaemonSet is complete although a new node has none of its pods yet', () => {
    const workload = deployment('agent', {
      kind: 'DaemonSet',
      conditions: [],
      status: { desired: 4, total: 3, updated: 3, ready: 3, available: 3 },
    });
    expect(service(pods(workload, 209, 209, 209), on([workload])).found).toEqual([]);
  });

  test('that its controller has not seen is not complete', () => {
    expect(judged(deployment('api', { isObserved: false })).found).not.toEqual([]);
  });

  test('is not what happens when pods are added or fail later', () => {
    const grown = deployment('api', {
      replicas: 5,
      status: { total: 4, updated: 4, ready: 3, available: 3 },
    });
    expect(service(pods(grown, 209, 209, 209), { ...expecting('209'), ...on([grown]) }).found).toEqual([]);
  });
});

describe('pods with an earlier template', () => {
  const workload = deployment('api');
  const old = (known: { readonly isReplaceable?: true } = {}) =>
    podOf('old-1', 208, { workload, template: 'api-6d', isCurrent: false, ...known });

  test('still serve although the rollout is complete', () => {
    const result = service([...pods(workload, 209, 209), old({ isReplaceable: true })], on([workload]));
    expect([result.found, result.targets, result.offers]).toEqual([
      ['warning old-replicas'],
      [['old-1']],
      ['delete-stale-pod'],
    ]);
  });

  test('are not deleted if they would come back, if nothing else serves, or if it is not allowed', () => {
    const offersWith = (replicas: readonly Replica[], known: Partial<KubernetesFacts> = {}) =>
      service(replicas, on([workload], known)).offers;
    expect(offersWith([...pods(workload, 209), old()])).toEqual([]);
    expect(offersWith([old({ isReplaceable: true })])).toEqual([]);
    expect(
      offersWith([...pods(workload, 209), old({ isReplaceable: true })], {
        remove: { allowed: true, running: false },
      }),
    ).toEqual([]);
  });
});

describe('replicas that nothing manages', () => {
  const workload = deployment('api');

  test('are a smaller matter if they run the same build', () => {
    const result = service(
      [...pods(workload, 209, 209), podOf('bare-1', 209, { replicaSet: 'api-1aa' })],
      on([workload, replicaSet('api-1aa')]),
    );
    expect(result.found).toEqual(['info orphaned-replicas']);
  });

  test('are not clear if they did not say what they run', () => {
    const result = service(
      [...pods(workload, 209, 209), podOf('bare-1', undefined, { replicaSet: 'api-1aa' })],
      on([workload, replicaSet('api-1aa')]),
    );
    expect(result.found).toEqual(['warning orphaned-replicas']);
  });

  test('are normal if there is nothing else, as with Spinnaker', () => {
    const bare = replicaSet('api-v001');
    const result = service(
      ['a', 'b'].map((name) => podOf(name, 209, { replicaSet: 'api-v001' })),
      on([bare]),
    );
    expect(result.found).toEqual([]);
  });

  test('of two sets with different builds are reported', () => {
    const result = service(
      [podOf('a', 209, { replicaSet: 'api-v001' }), podOf('b', 210, { replicaSet: 'api-v002' })],
      on([replicaSet('api-v001'), replicaSet('api-v002')]),
    );
    expect(result.found).toEqual(['warning several-workloads']);
  });

  test('include pods without any controller', () => {
    const debug = podOf('debug', 208, {}, {});
    const result = service([...pods(workload, 209, 209), debug], on([workload]));
    expect(result.found).toEqual(['warning orphaned-replicas']);
  });
});

describe('two workloads behind one Service', () => {
  const blue = deployment('api-blue');
  const behind = (other: WorkloadFacts, build: number) =>
    service(
      [podOf('blue-1', 209, { workload: blue }), podOf('other-1', build, { workload: other })],
      on([blue, other]),
    ).found;

  test('are reported if their builds differ, more quietly if one is a canary', () => {
    expect(behind(deployment('api-green'), 208)).toEqual(['warning several-workloads']);
    expect(behind(deployment('api-canary'), 210)).toEqual(['info several-workloads']);
    expect(behind(deployment('api-b', { templateLabels: { track: 'canary' } }), 210)).toEqual([
      'info several-workloads',
    ]);
    expect(behind(deployment('api-green'), 209)).toEqual([]);
  });
});

describe('different builds from one template', () => {
  const moved = (known: Parameters<typeof deployment>[1] = {}) =>
    deployment('api', { image: 'registry.example/api:latest', ...known });
  const image = (word: string, repository = 'registry.example/api@') => ({
    imageId: `${repository}${digestOf(word)}`,
  });
  const two = (workload: WorkloadFacts, more: readonly object[]) =>
    [412, 409].map((build, at) => podOf(`api-${at}`, build, { workload }, more[at] ?? {}));

  test('with Always are pulled again by a restart', () => {
    const workload = moved({ pullPolicy: 'Always' });
    const result = service(two(workload, [image('new'), image('old')]), on([workload]));
    expect([result.found, result.offers]).toEqual([
      ['warning mutable-tag'],
      ['pin-image', 'restart-workload'],
    ]);
  });

  test('lead with the share that is wrong if the expected build is known', () => {
    const workload = moved();
    const replicas = two(workload, [image('new'), image('old')]);
    const because = '; the tag of registry.example/api:latest has moved';
    expect(service(replicas, on([workload])).verdict).toBe(
      `shop/api runs 412 (1 replica) and 409 (1 replica)${because}`,
    );
    expect(service(replicas, { ...on([workload]), ...expecting('412') }).verdict).toBe(
      `shop/api: 1 of 2 replicas runs 409, not the expected 412${because}`,
    );
  });

  test.each(['IfNotPresent', 'Never', ''])('with the pull policy %j are not', (pullPolicy) => {
    const workload = moved({ pullPolicy });
    expect(service(two(workload, [image('new'), image('old')]), on([workload])).offers).toEqual([
      'pin-image',
    ]);
  });

  test('are not pinned to a digest of one architecture if there are several', () => {
    const workload = moved();
    const result = service(
      two(workload, [
        { ...image('new'), architecture: 'amd64' },
        { ...image('old'), architecture: 'arm64' },
      ]),
      on([workload]),
    );
    expect([result.found, result.offers]).toEqual([['warning different-builds'], []]);
  });

  test('are not pinned to the digest of a configuration, which no registry knows', () => {
    const workload = moved();
    expect(service(two(workload, [image('new', ''), image('old', '')]), on([workload])).offers).toEqual([]);
  });

  test.each<[string, Partial<WorkloadFacts>]>([
    ['paused', { isPaused: true }],
    ['managed by another tool', { managedBy: 'Argo CD (shop)' }],
    ['of an operator', { controller: { kind: 'Cluster', name: 'db' } }],
    ['with OnDelete', { isUpdatedOnDelete: true }],
  ])('are not changed in a workload %s', (_, known) => {
    const workload = { ...moved({ pullPolicy: 'Always' }), ...known };
    expect(service(two(workload, [image('new'), image('old')]), on([workload])).offers).toEqual([]);
  });

  test('are changed in a managed workload if the configuration allows it', () => {
    const workload = moved({ pullPolicy: 'Always', managedBy: 'Argo CD (shop)' });
    const allowed = { allowed: true, managed: true } as const;
    expect(
      service(two(workload, [image('new'), image('old')]), on([workload], { pin: allowed, restart: allowed }))
        .offers,
    ).toEqual(['pin-image', 'restart-workload']);
  });

  test('say which permission is missing', () => {
    const workload = moved();
    const { findings } = service(
      two(workload, [image('new'), image('old')]),
      on([workload], { pin: { allowed: false, because: 'the configuration does not allow it' } }),
    );
    expect(JSON.stringify(findings)).toContain('not offered: the configuration does not allow it');
  });

  test('are offered each if their order is unknown', () => {
    const workload = moved();
    const replicas = ['8f1c0de', '0a77b2c'].map((commit, at) =>
      podOf(`api-${at}`, { commit }, { workload }, image(commit)),
    );
    expect(service(replicas, on([workload])).offers).toEqual(['pin-image', 'pin-image']);
  });

  test('of one image come from its environment', () => {
    const workload = moved();
    const result = service(two(workload, [image('same'), image('same')]), on([workload]));
    expect([result.found, result.offers]).toEqual([['warning same-image-other-build'], ['restart-workload']]);
  });

  test('are found where the number is the same and only the image differs', () => {
    const workload = moved({ pullPolicy: 'IfNotPresent' });
    const known = { architecture: 'amd64', runtime: 'containerd' };
    const same = (word: string) => ({ ...image(word), ...known });
    const replicas = ['new', 'new', 'old'].map((word, at) =>
      podOf(`api-${at}`, 77, { workload }, same(word)),
    );
    expect(service(replicas, { ...expecting('77'), ...on([workload]) }).found).toEqual([
      'warning mutable-tag',
    ]);
  });

  test('are not suspected where it is unknown whether the digests can be compared', () => {
    const workload = moved();
    const replicas = ['new', 'old'].map((word, at) => podOf(`api-${at}`, 77, { workload }, image(word)));
    expect(service(replicas, { ...expecting('77'), ...on([workload]) }).found).toEqual([]);
  });
});

describe('what is expected', () => {
  test('is not the same as what all agree on', () => {
    const workload = deployment('api', { image: 'registry.example/api:212' });
    const result = service(pods(workload, 212, 212, 212), { ...expecting('215'), ...on([workload]) });
    // A restart would start 212 again.
    expect([result.found, result.offers]).toEqual([['warning not-expected'], []]);
    expect(result.summary).toContain('all 3 replicas run 212, not the expected 215');
  });

  test('may be in the tag of the image, which then has a number that was built in wrongly', () => {
    const workload = deployment('api', { image: 'registry.example/api:215' });
    const result = service(pods(workload, 212, 212), { ...expecting('215'), ...on([workload]) });
    expect(result.summary).toContain('check how the build number gets into it');
  });

  test('decides who is wrong, even if they are the majority', () => {
    const result = service([replica('a', 208), replica('b', 208), replica('c', 209)], expecting('209'));
    expect(result.targets).toEqual([['a', 'b']]);
  });

  test('without it, a majority is only a hint', () => {
    const { findings } = service([replica('a', 208), replica('b', 208), replica('c', 209)]);
    expect(JSON.stringify(findings)).toContain('which proves nothing');
  });

  test('may be a digest', () => {
    const right = replica('a', 209, { imageId: `registry.example/api@${digestOf('right')}` });
    const wrong = replica('b', 209, { imageId: `registry.example/api@${digestOf('wrong')}` });
    expect(service([right], expecting(digestOf('right'))).found).toEqual([]);
    expect(service([right, wrong], expecting(digestOf('right'))).found).toEqual(['warning not-expected']);
  });

  test('is of no concern to replicas that are being deleted or not ready', () => {
    const others = [replica('b', 208, { state: 'terminating' }), replica('c', 208, { state: 'not-ready' })];
    expect(service([replica('a', 209), ...others], expecting('209')).found).toEqual([]);
  });
});

describe('a process that is older than its build', () => {
  const built = new Date('2026-11-26T09:40:00Z');
  const started = (startedAt: Date, more: Partial<Replica> = {}) =>
    service([replica('a', { version: '1', builtAt: built, startedAt }, more as object)]).found;

  test('is found by what it says, or by the start of its container', () => {
    expect(started(new Date('2026-11-13T07:55:40Z'))).toEqual(['warning process-older-than-build']);
    expect(
      service([replica('a', { version: '1', builtAt: built }, { startedAt: minutesAgo(60 * 24) })]).found,
    ).toEqual(['warning process-older-than-build']);
  });

  test('is not one whose own start is later than that of its container, or whose clock is a little off', () => {
    expect(started(minutesAgo(30), { startedAt: minutesAgo(60 * 24) })).toEqual([]);
    expect(started(new Date('2026-11-26T09:37:00Z'))).toEqual([]);
  });

  test('is restarted if its workload may be', () => {
    const workload = deployment('api');
    const replicas = [
      podOf('a', { version: '1', builtAt: built }, { workload }, { startedAt: minutesAgo(60 * 24) }),
    ];
    expect(service(replicas, on([workload])).offers).toEqual(['restart-workload']);
  });
});

test('several services are named in the verdict', () => {
  const { verdict } = resultOf(
    factsOf(
      serviceFacts('a', [replica('1', 1), replica('2', 2)]),
      serviceFacts('b', [replica('1', 1), replica('2', 2)]),
      serviceFacts('c', [replica('1', 1)]),
    ),
  );
  expect(verdict).toBe('2 of 3 services run different builds, or not the expected one: a and b');
});

test('1,000 replicas make a longer report, within limits', () => {
  const many = Array.from({ length: 1_000 }, (_, at) => replica(`r-${at}`, at % 2));
  const { findings } = service(many);
  expect(JSON.stringify(findings).length).toBeLessThan(40_000);
  expect(findings[0]?.targets).toHaveLength(500);
});

describe('a digest', () => {
  const pinned = deployment('api', { image: `registry.example/api:209@${digestOf('index')}` });
  const on64 = (word: string, architecture?: string, runtime = 'containerd') => ({
    imageId: `registry.example/api@${digestOf(word)}`,
    runtime,
    ...(architecture !== undefined && { architecture }),
  });

  test('in the template can not have moved, whatever runtimes call the image', () => {
    const same = ['index', 'manifest'].map((word, at) =>
      podOf(`api-${at}`, 209, { workload: pinned }, on64(word, 'amd64')),
    );
    expect(service(same, on([pinned])).found).toEqual([]);
    const other = [same[0]!, podOf('api-2', 208, { workload: pinned }, on64('manifest', 'amd64'))];
    expect(service(other, on([pinned]))).toMatchObject({ found: ['warning same-image-other-build'] });
  });

  test('of an index may stand for manifests of different builds, which no restart changes', () => {
    const replicas = [
      podOf('api-0', 209, { workload: pinned }, on64('index', 'amd64')),
      podOf('api-1', 208, { workload: pinned }, on64('index', 'arm64')),
    ];
    const result = service(replicas, on([pinned]));
    expect([result.found, result.offers]).toEqual([['warning same-image-other-build'], []]);
    expect(result.verdict).toContain('amd64 and arm64');
  });

  test('that is expected is not compared with one for another architecture', () => {
    const replicas = [replica('a', 209, on64('right', 'amd64')), replica('b', 209, on64('arm', 'arm64'))];
    expect(service(replicas, expecting(digestOf('right'))).found).toEqual([]);
    expect(service(replicas, expecting(digestOf('gone'))).found).toEqual(['warning not-expected']);
  });

  test.each<[string, Partial<KubernetesFacts>, readonly (string | undefined)[]]>([
    ['the nodes could not be read', { areNodesUnread: true }, [undefined, undefined]],
    ['the architecture of one node is unknown', {}, ['amd64', undefined]],
    ['other nodes have another architecture', { architectures: ['amd64', 'arm64'] }, ['amd64', 'amd64']],
  ])('is not pinned if %s', (_, known, architectures) => {
    const workload = deployment('api', { image: 'registry.example/api:latest' });
    const replicas = architectures.map((architecture, at) =>
      podOf(`api-${at}`, 409 + at, { workload }, on64(`image-${at}`, architecture)),
    );
    const result = service(replicas, on([workload], known));
    expect([result.found, result.offers]).toEqual([['warning mutable-tag'], []]);
    expect(JSON.stringify(result.findings)).toMatch(/not offered: .*architectures/);
  });
});

describe('no replica runs the expected build', () => {
  test('although they differ: it is said once', () => {
    const result = service([replica('a', 208), replica('b', 209)], expecting('215'));
    expect(result.found).toEqual(['warning different-builds']);
    expect(result.verdict).toContain('none runs the expected 215');
    expect(service([replica('a', 208), replica('b', 215)], expecting('215')).verdict).not.toContain('none');
  });

  test('and one of two workloads is called a canary: that is a fault', () => {
    const [stable, canary] = [deployment('api'), deployment('api-canary')];
    const replicas = [podOf('a', 208, { workload: stable }), podOf('b', 209, { workload: canary })];
    expect(service(replicas, { ...on([stable, canary]), ...expecting('215') }).found).toEqual([
      'warning several-workloads',
    ]);
    expect(service(replicas, { ...on([stable, canary]), ...expecting('208') }).found).toEqual([
      'info several-workloads',
    ]);
  });
});

describe('a Deployment', () => {
  const progressing = (updatedAt: Date, reason = 'ReplicaSetUpdated') => [
    { type: 'Progressing', status: 'True', reason, updatedAt } as const,
  ];

  test('that goes back to a ReplicaSet of last month has only just begun', () => {
    const workload = deployment('api', {
      status: { total: 4, updated: 1, ready: 4, available: 4 },
      conditions: progressing(minutesAgo(1)),
      newest: { name: 'api-7c', uid: 'uid-of-api-7c', createdAt: minutesAgo(30 * 24 * 60) },
    });
    const current = podOf('new-1', 208, { workload });
    const replicas = [
      { ...current, pod: { ...current.pod!, createdAt: minutesAgo(1) } },
      podOf('old-1', 209, { workload, template: 'api-6d', isCurrent: false }),
    ];
    expect(service(replicas, on([workload]))).toMatchObject({ found: ['info rollout-in-progress'] });
    expect(service(replicas.slice(1), on([workload])).verdict).toContain('in progress for 60 s');
  });

  test('without a deadline has no condition, and may be scaled for days', () => {
    const workload = deployment('api', {
      replicas: 9,
      status: { total: 4, updated: 4, ready: 3, available: 3 },
      conditions: [{ type: 'Available', status: 'True' }],
    });
    expect(service(pods(workload, 209, 209, 209), on([workload])).found).toEqual([]);
    const started = { ...workload, status: { ...workload.status, available: 0, ready: 0 } };
    expect(service([], on([started])).found).toEqual(['warning rollout-stuck']);
  });

  test('that is paused while its new pods can not start is a fault', () => {
    const workload = deployment('api', {
      isPaused: true,
      status: { total: 4, updated: 1, ready: 3, available: 3 },
      conditions: [
        { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', since: minutesAgo(5) },
      ],
    });
    const waiting = podOf(
      'new',
      undefined,
      { workload },
      { state: 'not-ready', waiting: 'ImagePullBackOff' },
    );
    const old = podOf('old', 208, { workload, template: 'api-6d', isCurrent: false });
    const result = service([old, waiting], on([workload]));
    expect([result.found, result.offers]).toEqual([['warning rollout-paused'], []]);
    expect(result.verdict).toContain("its new pods don't start (ImagePullBackOff");
  });

  test('with Recreate that starts nothing is stuck, with no replica left', () => {
    const workload = deployment('api', {
      status: { total: 3, updated: 3, ready: 0, available: 0 },
      conditions: progressing(minutesAgo(2)),
    });
    const waiting = podOf('new', undefined, { workload }, { state: 'not-ready', waiting: 'ErrImagePull' });
    expect(service([waiting], on([workload])).found).toEqual(['warning rollout-stuck']);
  });
});

describe('a StatefulSet with a partition', () => {
  const workload = deployment('db', {
    kind: 'StatefulSet',
    partition: 2,
    replicas: 4,
    conditions: [],
    status: { total: 4, updated: 2, ready: 4, available: 4, currentRevision: 'db-1', updateRevision: 'db-2' },
  });
  const old = (name: string) => podOf(name, 208, { workload, template: 'db-1', isCurrent: false });

  test('keeps old pods below it only', () => {
    const replicas = [old('db-0'), old('db-1'), podOf('db-2', 209, { workload }), old('db-3')];
    expect(service(replicas, on([workload]))).toMatchObject({
      found: ['warning old-replicas', 'info rollout-partitioned'],
      targets: [['db-3'], ['db-0', 'db-1']],
    });
  });

  test('of ten pods or more compares ordinals as numbers', () => {
    const large = { ...workload, partition: 10, replicas: 12, status: { ...workload.status, total: 12 } };
    const replicas = [
      old('db-2'),
      old('db-9'),
      podOf('db-10', 209, { workload: large }),
      podOf('db-11', 209, { workload: large }),
    ];
    expect(service(replicas, on([large])).found).toEqual(['info rollout-partitioned']);
  });
});

describe('a Rollout of Argo', () => {
  const argo = (known: Parameters<typeof deployment>[1] = {}) =>
    deployment('api', { kind: 'Rollout', conditions: [{ type: 'Progressing', status: 'True' }], ...known });
  const old = (workload: WorkloadFacts) =>
    podOf('old', 208, { workload, template: 'api-6d', isCurrent: false });

  test('whose canary can not be pulled is stuck, and is undone with its own command', () => {
    const workload = argo();
    const waiting = podOf(
      'new',
      undefined,
      { workload },
      { state: 'not-ready', waiting: 'ImagePullBackOff' },
    );
    const result = service([old(workload), waiting], on([workload]));
    expect(result.found).toEqual(['warning rollout-stuck']);
    expect(result.summary).toContain('`kubectl argo rollouts -n shop undo api`');
  });

  test('of which the canary runs what nobody expects is a fault besides', () => {
    const workload = argo({ isPaused: true });
    const replicas = [old(workload), podOf('new', 209, { workload })];
    expect(service(replicas, { ...on([workload]), ...expecting('215') }).found).toEqual([
      'warning not-expected',
      'info rollout-canary',
    ]);
  });
});

describe('a ReplicaSet whose Deployment is gone', () => {
  const main = deployment('api');
  const gone = replicaSet('api-6d', {
    controller: { kind: 'Deployment', name: 'api', uid: 'uid-of-the-former' },
    createdAt: minutesAgo(24 * 60),
  });
  const replicas = [...pods(main, 209, 209), podOf('old', 208, { replicaSet: 'api-6d' })];

  test('still serves, although it names an owner', () => {
    expect(service(replicas, on([main, gone])).found).toEqual(['warning orphaned-replicas']);
  });

  test('may have one that was not read, is not listed at all, or is only just being created', () => {
    const found = (workload: WorkloadFacts, known: Partial<KubernetesFacts> = {}) =>
      service(replicas, on([main, workload], known)).found;
    expect(found(gone, { areWorkloadsUnread: true })).toEqual(['warning several-workloads']);
    expect(found({ ...gone, controller: { kind: 'App', name: 'api' } })).toEqual([
      'warning several-workloads',
    ]);
    expect(found({ ...gone, createdAt: minutesAgo(1) })).toEqual(['warning several-workloads']);
  });
});

describe('a Swarm service', () => {
  const [now, before] = ['registry.example/api:209@sha256:b', 'registry.example/api:208@sha256:a'];
  const judged = (
    state: string | undefined,
    builds: readonly number[],
    known: Partial<ServiceFacts> & { readonly startedAt?: Date } = {},
  ) => {
    const { startedAt = minutesAgo(5), ...more } = known;
    const replicas = builds.map((build, at) =>
      replica(`api.${at + 1}`, build, { image: build === 209 ? now : before }),
    );
    return service(replicas, {
      swarm: {
        name: 'api',
        image: now,
        replicas: builds.length,
        ...(state !== undefined && {
          update: { state, startedAt, message: 'update paused: task 4f failed' },
        }),
      },
      ...more,
    });
  };

  test.each<[string | undefined, readonly number[], readonly string[]]>([
    [undefined, [209, 209, 209], []],
    ['completed', [209, 209, 209], []],
    ['completed', [209, 209, 208], ['warning old-replicas']],
    ['updating', [209, 208, 208], ['info rollout-in-progress']],
    ['updating', [209, 209, 209], ['info rollout-in-progress']],
    ['paused', [209, 208, 208], ['warning rollout-stuck']],
    ['paused', [208, 208, 208], ['warning rollout-stuck']],
    ['rollback_started', [209, 208], ['info rollout-in-progress']],
    ['rollback_paused', [209, 208], ['warning rollout-stuck']],
    ['rollback_completed', [209, 209], ['info rollout-rolled-back']],
  ])('whose update is %s, with %j', (state, builds, found) => {
    expect(judged(state, builds).found).toEqual(found);
  });

  test('leads with the failed update, and says what runs', () => {
    expect(judged('paused', [208, 208, 208], expecting('209')).verdict).toBe(
      'shop/api: the update of the Swarm service api has been paused since it failed, 0 of 3 updated; all 3 replicas run 208 (expected: 209)',
    );
  });

  test('that was rolled back to what is expected is clear, and otherwise a fault', () => {
    expect(judged('rollback_completed', [209, 209], expecting('209')).found).toEqual([]);
    expect(judged('rollback_completed', [209, 209], expecting('210')).found).toEqual([
      'warning not-expected',
    ]);
  });

  test('whose update takes hours, or brings something else than expected, is a fault', () => {
    expect(judged('updating', [209, 208], { startedAt: minutesAgo(180) }).found).toEqual([
      'warning rollout-in-progress',
    ]);
    expect(judged('updating', [209, 208], expecting('210')).found).toEqual([
      'warning not-expected',
      'info rollout-in-progress',
    ]);
  });

  test('with two builds in one image is found during an update too', () => {
    const replicas = [208, 209].map((build, at) => replica(`api.${at}`, build, { image: now }));
    expect(
      service(replicas, { swarm: { name: 'api', image: now, update: { state: 'completed' } } }).found,
    ).toEqual(['warning different-builds']);
  });
});

test('two tasks with one name are judged each', () => {
  const replicas = [replica('api.1', 208), replica('api.1', 209)];
  expect(service(replicas, expecting('209')).found).toEqual(['warning different-builds']);
});

describe('whatever the state of workloads and pods is', () => {
  const numbers = integer({ min: 208, max: 210 });
  const worlds = record({
    pods: array(
      record({
        number: numbers,
        state: constantFrom('serving', 'serving', 'not-ready', 'terminating'),
        of: integer({ min: 0, max: 2 }),
        isCurrent: boolean(),
        image: constantFrom('a', 'b'),
        architecture: constantFrom('amd64', 'arm64', undefined),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    kinds: array(
      record({
        kind: constantFrom('Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Rollout'),
        isPaused: boolean(),
        isObserved: boolean(),
        partition: integer({ min: 0, max: 3 }),
        updated: integer({ min: 0, max: 3 }),
        total: integer({ min: 0, max: 4 }),
        available: integer({ min: 0, max: 3 }),
        image: constantFrom(
          'registry.example/api:latest',
          'registry.example/api:209',
          `registry.example/api@${digestOf('a')}`,
        ),
        reason: constantFrom(
          'NewReplicaSetAvailable',
          'ReplicaSetUpdated',
          'ProgressDeadlineExceeded',
          'RolloutAborted',
        ),
      }),
      { minLength: 2, maxLength: 2 },
    ),
    expected: option(numbers.map(String), { nil: undefined }),
  } as const);

  test('a difference that gets requests is never clear, and a fix is only offered where it helps', () => {
    assert(
      property(worlds, ({ pods: all, kinds, expected }) => {
        const workloads = kinds.map(({ kind, reason, updated, total, available, ...known }, at) =>
          deployment(`w-${at}`, {
            ...known,
            kind,
            status: { updated, total, available },
            conditions: [{ type: 'Progressing', status: 'True', reason, updatedAt: minutesAgo(1) }],
          }),
        );
        const replicas = all.map(({ number, of, isCurrent, image, state, architecture }, at) => {
          const workload = workloads[of];
          const known = {
            state,
            imageId: `registry.example/api@${digestOf(image)}`,
            ...(architecture !== undefined && { architecture }),
          } as const;
          return workload
            ? podOf(
                `p-${at}`,
                number,
                { workload, isCurrent, ...(isCurrent ? {} : { template: 'old' }) },
                known,
              )
            : replica(`p-${at}`, number, known);
        });
        const serving = replicas.filter(({ state }) => state === 'serving');
        const numbersOf = new Set(serving.map(({ build }) => build?.number));
        const isWrong = expected !== undefined && [...numbersOf].some((one) => one !== expected);
        const { findings } = service(replicas, {
          ...on(workloads),
          ...(expected !== undefined && expecting(expected)),
        });
        expect(findings.length > 0 || !(numbersOf.size > 1 || isWrong)).toBe(true);
        const offers = findings.flatMap((one) => one.offers ?? []);
        for (const { remediation, params } of offers) {
          if (remediation === 'delete-stale-pod') continue;
          const workload = workloads.find(({ name }) => name === params.name)!;
          expect(workload.isPaused).toBe(false);
          expect(['Rollout', 'ReplicaSet']).not.toContain(workload.kind);
        }
        for (const { remediation, params } of offers) {
          if (remediation !== 'pin-image') continue;
          const current = serving.filter(
            ({ pod }) => pod?.workload === `uid-of-${params.name}` && pod.isCurrent === true,
          );
          expect(current.map(({ imageId }) => imageId?.digest)).toContain(params.to.split('@')[1]);
          expect(new Set(current.map(({ architecture }) => architecture)).size).toBe(1);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
