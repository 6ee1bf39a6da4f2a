import { describe, expect, test } from 'vitest';
import type { Finding } from '../../kit.ts';
import { builds, engineFacts, factsOf, kept, leftover, unusedImage } from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { EngineFacts } from './facts.ts';
import type { OfferOfLeftovers } from './offers.ts';
import { cacheOfABuildHost, cleanedUp, hellGotLoose, stoppedClusters } from './stories.ts';

const now = new Date('2026-11-26T12:00:00Z');
const ARGS = { older: 3_600_000 };
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);

const diagnoseAll = (...engines: readonly EngineFacts[]) => diagnose(factsOf(...engines), ARGS, now);

const reasonsOf = (findings: readonly Finding<OfferOfLeftovers>[]) => findings.map(({ reason }) => reason);

const valueOf = ({ evidence = [] }: Finding<OfferOfLeftovers>, label: string) =>
  evidence.flatMap((one) => (one.kind === 'field' && one.label === label ? [one.value] : []))[0];

/** Only what is offered: the kernel adds the titles. */
const offered = ({ offers = [] }: Finding<OfferOfLeftovers>) =>
  offers.map((one) => ('each' in one ? one.each.map(({ target }) => target) : [one.target]));

describe('in the outage', () => {
  const { verdict, findings, examined } = diagnose(hellGotLoose.facts, ARGS, hellGotLoose.now);

  test('the verdict names the engines and the size of their leftovers', () => {
    expect(examined).toBe(3);
    expect(verdict).toBe(
      '2 of 3 container engines have leftovers. builders:aks-nodepool1-xxx1: 58 stopped containers use 11 GB and 2 dangling images use 1.3 GB; builders:aks-nodepool1-xxx2: 21 stopped containers use 2.9 GB',
    );
  });

  test('each engine has a finding, and the fullest comes first', () => {
    expect(findings.map(({ reason, severity, target }) => [reason, severity, target])).toEqual([
      ['stopped-containers', 'warning', 'builders:aks-nodepool1-xxx1'],
      ['stopped-containers', 'warning', 'builders:aks-nodepool1-xxx2'],
      ['dangling-images', 'warning', 'builders:aks-nodepool1-xxx1'],
    ]);
  });

  test('all of them are offered, and a smaller plan for the largest 20', () => {
    expect(offered(findings[0]!).map(({ length }) => length)).toEqual([58, 20]);
  });

  test('the finding shows their origin, and what is kept', () => {
    expect(findings[0]?.summary).toContain('all from base');
    expect(valueOf(findings[0]!, 'Kept')).toContain('9 owned by Kubernetes');
  });
});

test('after the cleanup the verdict is clear', () => {
  const { findings, verdict, measures } = diagnose(cleanedUp.facts, ARGS, cleanedUp.now);
  expect(findings).toEqual([]);
  expect(verdict).toBe('No leftovers on 3 container engines; stopped containers kept: 9 owned by Kubernetes');
  expect(measures).toContainEqual({
    label: 'builders:aks-nodepool1-xxx1, leftover layers',
    value: 0,
    unit: 'bytes',
  });
  expect(measures).toContainEqual({
    label: 'ci:aks-nodepool1-xxx1, available (kubelet)',
    value: 18_000_000_000,
    unit: 'bytes',
  });
});

describe('build cache', () => {
  const [cache, images] = diagnose(cacheOfABuildHost.facts, ARGS, cacheOfABuildHost.now).findings;

  test('is reported in exact bytes, with a command and no button', () => {
    expect(cache?.summary).toContain('29,490,000,000 bytes');
    expect(cache?.summary).toContain('27,290,000,000 bytes');
    expect(valueOf(cache!, 'To remove it')).toContain('docker builder prune --filter until=1h');
    expect(cache?.offers).toBeUndefined();
  });

  test('tagged images are shown, counting shared layers once, and not offered', () => {
    expect(images).toMatchObject({ reason: 'unused-images', severity: 'info' });
    expect(images?.summary).toContain('23,090,000,000 bytes');
    expect(images?.offers).toBeUndefined();
  });

  test('used within the hour is no finding', () => {
    const entry = { id: '1', bytes: 9_000_000_000, inUse: false, isShared: false, lastUsedAt: daysAgo(0.01) };
    expect(diagnoseAll(engineFacts('a', { usage: { buildCache: [entry] } })).findings).toEqual([]);
  });
});

test('stopped clusters are not leftovers', () => {
  const { findings, verdict } = diagnose(stoppedClusters.facts, ARGS, stoppedClusters.now);
  expect(findings).toEqual([]);
  expect(verdict).toContain('1 in minikube clusters');
});

describe('stopped containers', () => {
  const twoOn = (known: Parameters<typeof engineFacts>[1] = {}) =>
    engineFacts('build-2', {
      ...known,
      containers: {
        leftovers: [
          leftover('elastic_morse', daysAgo(9), { bytes: 812_345_678 }),
          leftover('quirky_hopper', daysAgo(1), { bytes: 0, volumes: ['5430eeed859c'] }),
        ],
        ...known.containers,
      },
    });

  test('are counted to the byte, and their volumes stay', () => {
    const { findings, verdict } = diagnoseAll(twoOn());
    expect(verdict).toBe('builders:build-2: 2 stopped containers use 812 MB');
    expect(findings[0]?.summary).toContain('812,345,678 bytes');
    expect(findings[0]?.targets).toEqual([
      'builders:build-2/elastic_morse',
      'builders:build-2/quirky_hopper',
    ]);
    expect(valueOf(findings[0]!, 'Volumes that stay')).toBe('5430eeed859c');
  });

  test('are not offered without allow.remove, and the finding says so', () => {
    const [finding] = diagnoseAll(twoOn({ removal: { allowed: false, because: 'not configured' } })).findings;
    expect(finding?.offers).toBeUndefined();
    expect(valueOf(finding!, 'Removal')).toBe('not offered: not configured');
  });

  test('of unknown size are a warning', () => {
    const [finding] = diagnoseAll(
      engineFacts('a', { containers: { leftovers: [leftover('x', daysAgo(2))] } }),
    ).findings;
    expect(finding?.severity).toBe('warning');
    expect(finding?.summary).toContain('an unknown number of bytes');
  });

  test('a single one is offered separately', () => {
    const [finding] = diagnoseAll(
      engineFacts('a', { containers: { leftovers: [leftover('x', daysAgo(2), { bytes: 5 })] } }),
    ).findings;
    expect(offered(finding!)).toEqual([['builders:a/x']]);
    expect(finding?.severity).toBe('info');
  });

  test('of ten thousand: one plan removes the largest 500, and all are targets', () => {
    const leftovers = builds('base', {
      count: 10_000,
      firstBuild: 1,
      bytes: 1_000,
      now,
      everyDays: 0.1,
    }).toReversed();
    const [finding] = diagnoseAll(engineFacts('a', { containers: { leftovers } })).findings;
    expect(finding?.targets).toHaveLength(10_000);
    expect(offered(finding!).map(({ length }) => length)).toEqual([500, 20]);
    expect(offered(finding!)[0]?.[0]).toBe(`builders:a/${leftovers[0]?.name}`);
    expect(valueOf(finding!, 'Removal')).toContain('9500 containers');
  });

  test('on a node with containerd: the finding says that the kubelet and crictl do not see them', () => {
    const node = { cluster: 'lab', name: 'build-2', by: 'name', containerRuntime: 'containerd://1.7.27' };
    const [finding] = diagnoseAll(twoOn({ node })).findings;
    expect(valueOf(finding!, 'Kubernetes')).toContain('k8s.io');
    const docker = { ...node, containerRuntime: 'docker://20.10.24' };
    expect(valueOf(diagnoseAll(twoOn({ node: docker })).findings[0]!, 'Kubernetes')).toBeUndefined();
  });

  test('are reported if the list was incomplete, and the engine is not counted as checked', () => {
    const { examined, findings } = diagnoseAll(
      engineFacts('a', { containers: { isComplete: false, leftovers: [leftover('x', daysAgo(2))] } }),
      engineFacts('b', { containers: { isComplete: false } }),
    );
    expect(reasonsOf(findings)).toEqual(['stopped-containers']);
    expect(examined).toBe(1);
  });
});

test('one-off runs of Compose are probable leftovers, with a button to include them and none to remove them', () => {
  const [finding] = diagnoseAll(
    engineFacts('a', {
      containers: { kept: [kept('compose-runs', ['ci682-tests-run']), kept('compose', ['db'])] },
    }),
  ).findings;
  expect(finding).toMatchObject({
    reason: 'probable-leftovers',
    severity: 'info',
    next: [{ check: 'node/leftovers', args: { node: 'builders:a', include: 'compose-runs' } }],
  });
  expect(finding?.summary).toContain('ci682-tests-run');
  expect(finding?.offers).toBeUndefined();
});

test('large containers that share volumes with one that stays are reported, and not offered', () => {
  const sharing = (bytes: number) =>
    diagnoseAll(
      engineFacts('a', {
        containers: { sharingVolumes: [leftover('x', daysAgo(2), { bytes, volumes: ['npm'] })] },
      }),
    ).findings;
  expect(sharing(5_000)).toEqual([]);
  expect(sharing(5_000_000_000)[0]).toMatchObject({ reason: 'containers-sharing-volumes', severity: 'info' });
  expect(sharing(5_000_000_000)[0]?.offers).toBeUndefined();
});

describe('volumes', () => {
  const volume = (name: string, bytes: number, known = {}) => ({
    name,
    labels: {},
    isAnonymous: false,
    bytes,
    containers: 0,
    ...known,
  });

  test('that are large runner caches are reported, and stay', () => {
    const labels = { 'com.gitlab.gitlab-runner.type': 'cache' };
    const { findings } = diagnoseAll(
      engineFacts('a', {
        usage: { volumes: [volume('runner-1', 306_000_000_000, { labels, containers: 1 })] },
      }),
    );
    expect(findings[0]).toMatchObject({ reason: 'large-volumes', severity: 'info' });
    expect(findings[0]?.summary).toContain('306 GB (306,000,000,000 bytes) in 1 GitLab Runner cache volume');
    expect(findings[0]?.offers).toBeUndefined();
  });

  test('in use are no finding, however large', () => {
    const usage = { volumes: [volume('db', 306_000_000_000, { containers: 1 })] };
    expect(diagnoseAll(engineFacts('a', { usage })).findings).toEqual([]);
  });

  test('that are anonymous and unused are reported, and never offered', () => {
    const usage = { volumes: [volume('5430eeed859c', 7_000, { isAnonymous: true })] };
    const [finding] = diagnoseAll(engineFacts('a', { usage })).findings;
    expect(finding).toMatchObject({ reason: 'unused-volumes', severity: 'info' });
    expect(finding?.offers).toBeUndefined();
  });
});

test('a few small tagged images are no finding', () => {
  const usage = { imageBytes: 200_000_000, images: [unusedImage('alpine:3')] };
  expect(diagnoseAll(engineFacts('a', { usage })).findings).toEqual([]);
});

test('unused images of a Kubernetes node are left to its kubelet', () => {
  const usage = { imageBytes: 9_000_000_000, images: [unusedImage('app:1', { bytes: 9_000_000_000 })] };
  expect(reasonsOf(diagnoseAll(engineFacts('a', { usage })).findings)).toEqual(['unused-images']);
  expect(diagnoseAll(engineFacts('a', { usage, containers: { hasKubelet: true } })).findings).toEqual([]);
});

test('the report does not depend on the order of the engines', () => {
  const engines = hellGotLoose.facts.engines;
  expect(diagnose({ engines: engines.toReversed() }, ARGS, now).findings).toEqual(
    diagnose({ engines }, ARGS, now).findings,
  );
});

const holding = (engine: string, bytes?: number) =>
  engineFacts(engine, {
    containers: { leftovers: [leftover('build', daysAgo(9), bytes === undefined ? {} : { bytes })] },
  });

test('the level of a finding is its size, unless a part of it is not known', () => {
  expect(diagnoseAll(holding('a', 5_000_000_000)).findings[0]?.level).toEqual({
    value: 5_000_000_000,
    unit: 'bytes',
  });
  expect(diagnoseAll(holding('a')).findings[0]).not.toHaveProperty('level');
});

test('a chart shows the size of leftovers per engine, the largest first', () => {
  const engines = [
    holding('a', 1_500_000_000),
    holding('b', 5_000_000_000),
    holding('c', 20_000_000),
    engineFacts('d'),
  ];

  expect(diagnoseAll(...engines).charts).toMatchObject([
    { unit: 'GB', labels: ['builders:b', 'builders:a', 'builders:c'], series: [{ values: [5, 1.5, 0.02] }] },
  ]);
  expect(diagnoseAll(...engines.slice(0, 2)).charts).toEqual([]);
});
