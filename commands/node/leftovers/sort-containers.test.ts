import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { stoppedContainer } from '../../shared/fixture-engines.ts';
import { judge, sortContainers, type SortOptions } from './sort-containers.ts';

const now = new Date('2026-11-26T12:00:00Z');
const HOUR_MS = 3_600_000;
const ago = (hours: number) => new Date(now.getTime() - hours * HOUR_MS);
const OPTIONS: SortOptions = { now, olderMs: HOUR_MS, include: [] };

const volume = (name: string): ports.ContainerMount => ({ type: 'volume', volume: name, path: '/data' });

function sort(containers: readonly ports.EngineContainer[], isListed = true, options = OPTIONS) {
  const sorting = sortContainers(options);
  for (const one of containers) sorting.add(one);
  const { leftovers, sharingVolumes, kept, ...rest } = sorting.result(isListed);
  return {
    ...rest,
    leftovers: leftovers.map(({ name }) => name).toSorted(),
    sharing: sharingVolumes.map(({ name }) => name).toSorted(),
    kept: Object.fromEntries(kept.map(({ why, count }) => [why, count])),
  };
}

describe('a single container', () => {
  test.each(['exited', 'dead'])('is a leftover if it is %s, old and unowned', (state) => {
    expect(judge(stoppedContainer('a', ago(2), { state }), OPTIONS).kind).toBe('stopped');
  });

  test.each(['running', 'paused', 'restarting'])('is in use while it is %s', (state) => {
    expect(judge(stoppedContainer('a', ago(2), { state }), OPTIONS).kind).toBe('in-use');
  });

  test.each<readonly [string, Partial<ports.EngineContainer> | { details: Partial<ports.ContainerDetails> }]>(
    [
      ['never-started', { state: 'created' }],
      ['being-removed', { state: 'removing' }],
      ['restart-policy', { details: { restartPolicy: 'always' } }],
      ['restart-policy', { details: { restartPolicy: 'unless-stopped' } }],
      ['restart-policy', { details: { restartPolicy: 'on-failure' } }],
      ['auto-remove', { details: { autoRemove: true } }],
      ['keep', { labels: { keep: 'yes' } }],
      [
        'compose-runs',
        { labels: { 'com.docker.compose.project': 'ci', 'com.docker.compose.oneoff': 'True' } },
      ],
    ],
  )('is kept: %s', (why, known) => {
    expect(judge(stoppedContainer('a', ago(48), known), OPTIONS)).toEqual({ kind: 'kept', why });
  });

  test('that was never started is kept, although its FinishedAt is in the year 1', () => {
    const { details, ...listed } = stoppedContainer('a', ago(1), { state: 'created' });
    const { finishedAt: _, ...never } = { ...details!, finishedAtText: '0001-01-01T00:00:00Z' };
    expect(judge({ ...listed, details: never }, OPTIONS)).toEqual({ kind: 'kept', why: 'never-started' });
  });

  test('is as old as the time since it finished, not since it was created', () => {
    const container = stoppedContainer('a', ago(0.3), { createdAt: ago(72) });
    expect(judge(container, OPTIONS)).toEqual({ kind: 'kept', why: 'too-recent' });
    expect(judge(stoppedContainer('a', ago(1)), OPTIONS)).toEqual({ kind: 'kept', why: 'too-recent' });
    expect(judge(container, { ...OPTIONS, olderMs: 600_000 }).kind).toBe('stopped');
  });

  test('that finished slightly in the future is too recent; far in the future, it is undecided', () => {
    expect(judge(stoppedContainer('a', ago(-0.01)), OPTIONS)).toEqual({ kind: 'kept', why: 'too-recent' });
    expect(judge(stoppedContainer('a', ago(-24)), OPTIONS).kind).toBe('undecided');
  });

  test.each<readonly [string, ports.EngineContainer]>([
    ['of an unknown state', stoppedContainer('a', ago(48), { state: 'stopping' })],
    ['whose end is unknown', withoutTime(stoppedContainer('a', ago(48)))],
    [
      'whose end cannot be parsed',
      stoppedContainer('a', new Date(0), { details: { finishedAt: new Date(Number.NaN) } }),
    ],
    ['that was not inspected', notInspected(stoppedContainer('a', ago(48)))],
  ])('one %s is undecided', (_, container) => {
    expect(judge(container, OPTIONS).kind).toBe('undecided');
  });

  test('that is a one-off run is a leftover if included, unless it is too recent', () => {
    const run = (hours: number) =>
      stoppedContainer('a', ago(hours), {
        labels: { 'com.docker.compose.project': 'ci', 'com.docker.compose.oneoff': 'True' },
      });
    const options: SortOptions = { ...OPTIONS, include: ['compose-runs'] };
    expect(judge(run(48), options).kind).toBe('stopped');
    expect(judge(run(0.5), options)).toEqual({ kind: 'kept', why: 'too-recent' });
    expect(judge(run(0.5), OPTIONS)).toEqual({ kind: 'kept', why: 'too-recent' });
  });
});

function withoutTime(container: ports.EngineContainer): ports.EngineContainer {
  const { finishedAt: _, ...details } = container.details!;
  return { ...container, details };
}

function notInspected(inspected: ports.EngineContainer): ports.EngineContainer {
  const { details: _, ...container } = inspected;
  return { ...container, error: 'the request failed' };
}

describe('containers that depend on each other', () => {
  test('containers that a kept container needs to start are kept, and so are those that they need', () => {
    const dependsOn = (name: string, on: readonly string[], known: Partial<ports.EngineContainer> = {}) =>
      stoppedContainer(name, ago(2), { ...known, details: { dependsOn: on } });
    const vpn = dependsOn('vpn', ['proxy']);
    const all = [
      vpn,
      dependsOn('proxy', []),
      dependsOn('torrents', [vpn.id], { labels: { keep: '' } }),
      // Both of these are leftovers.
      dependsOn('test-db', []),
      dependsOn('test-app', ['test-db']),
    ];
    expect(sort(all)).toMatchObject({ leftovers: ['test-app', 'test-db'], kept: { keep: 1, needed: 2 } });
  });

  test('thousands of references by short id are resolved quickly', () => {
    const short = (at: number) => at.toString(16).padStart(12, 'f');
    const all = Array.from({ length: 20_000 }, (_, at) =>
      stoppedContainer(`c${at}`, ago(2), {
        id: short(at).padEnd(64, '0'),
        details: { volumesFrom: [short(at + 10_000)] },
      }),
    );
    expect(sort(all).kept).toEqual({ 'lends-volumes': 10_000 });
  });

  test('a volume that is bind-mounted by its path is shared', () => {
    const binds = (source: string): ports.ContainerMount => ({ type: 'bind', source, path: '/data' });
    const stays = (name: string, source: string) =>
      stoppedContainer(name, ago(2), { state: 'running', details: { mounts: [binds(source)] } });
    const left = ['data', 'data-2', 'other'].map((name) =>
      stoppedContainer(name, ago(2), { details: { mounts: [volume(name)] } }),
    );
    const all = [
      ...left,
      stays('a', '/var/lib/docker/volumes/data/_data'),
      stays('b', '/home/ada/.local/share/containers/storage/volumes/other/_data/sub'),
      // A mount of the machine's whole disk does not count: monitoring agents mount it.
      stays('c', '/'),
      stays('d', '/srv/volumes/data-2'),
    ];
    expect(sort(all)).toMatchObject({ leftovers: ['data-2'], sharing: ['data', 'other'] });
    expect(sort(all).volumes).toContain('data');
  });

  const data = stoppedContainer('web-data', ago(900), { details: { mounts: [volume('webdata')] } });

  test.each([
    ['its name', 'web-data'],
    ['its name, with a mode', 'web-data:ro'],
    ['its id', data.id],
    ['the beginning of its id', data.id.slice(0, 12)],
    ['the beginning of its id, with a mode', `${data.id.slice(0, 12)}:ro`],
  ])('one that --volumes-from names by %s is kept', (_, reference) => {
    const user = stoppedContainer('web', ago(900), {
      state: 'running',
      details: { volumesFrom: [reference] },
    });
    expect(sort([data, user])).toMatchObject({ leftovers: [], kept: { 'lends-volumes': 1 } });
    expect(sort([user, data])).toMatchObject({ leftovers: [], kept: { 'lends-volumes': 1 } });
  });

  test('using the volumes of another container does not keep it', () => {
    const user = stoppedContainer('web', ago(900), {
      state: 'running',
      details: { volumesFrom: ['db-data'] },
    });
    expect(sort([data, user]).leftovers).toEqual(['web-data']);
  });

  test.each(['running', 'created', 'paused'])('one whose volume a %s container mounts shares it', (state) => {
    const user = stoppedContainer('web', ago(900), { state, details: { mounts: [volume('webdata')] } });
    expect(sort([data, user])).toMatchObject({ leftovers: [], sharing: ['web-data'] });
  });

  test('leftovers that share a cache volume only with one another are leftovers', () => {
    const build = (name: string) => stoppedContainer(name, ago(48), { details: { mounts: [volume('npm')] } });
    expect(sort([build('a'), build('b')])).toMatchObject({ leftovers: ['a', 'b'], sharing: [] });
  });

  test('containers that share volumes with one that stays are kept, also indirectly', () => {
    const with2 = (name: string, ...names: string[]) =>
      stoppedContainer(name, ago(48), { details: { mounts: names.map(volume) } });
    const running = stoppedContainer('web', ago(48), {
      state: 'running',
      details: { mounts: [volume('one')] },
    });
    expect(
      sort([with2('b', 'two', 'three'), with2('a', 'one', 'two'), running, with2('c', 'four')]),
    ).toMatchObject({
      leftovers: ['c'],
      sharing: ['a', 'b'],
    });
  });

  const vpn = stoppedContainer('vpn', ago(48));

  test.each(['vpn', vpn.id, vpn.id.slice(0, 12)])(
    'one whose network a container that stays joins, or to which it links, is kept: %s',
    (reference) => {
      const details = { restartPolicy: 'unless-stopped', dependsOn: [reference] };
      const user = stoppedContainer('torrent', ago(48), { details });
      const kept = { needed: 1, 'restart-policy': 1 };
      expect(sort([vpn, user])).toMatchObject({ leftovers: [], kept });
      expect(sort([user, vpn])).toMatchObject({ leftovers: [], kept });
    },
  );

  test('one that only a leftover needs is a leftover too', () => {
    const build = stoppedContainer('build', ago(48), { details: { dependsOn: ['vpn'] } });
    expect(sort([build, vpn]).leftovers).toEqual(['build', 'vpn']);
  });

  test('what is needed by one that stays, stays, through several', () => {
    const proxy = stoppedContainer('proxy', ago(48), { details: { dependsOn: ['vpn'] } });
    const running = stoppedContainer('web', ago(48), {
      state: 'running',
      details: { dependsOn: ['proxy'] },
    });
    expect(sort([vpn, proxy, running])).toMatchObject({ leftovers: [], kept: { needed: 2 } });
  });

  test('what is needed by one that shares a volume with a container that stays, stays too', () => {
    const details = { dependsOn: ['vpn'], mounts: [volume('webdata')] };
    const proxy = stoppedContainer('proxy', ago(48), { details });
    const running = stoppedContainer('web', ago(48), {
      state: 'running',
      details: { mounts: [volume('webdata')] },
    });
    expect(sort([vpn, proxy, running])).toMatchObject({ leftovers: [], sharing: ['proxy'] });
  });

  test('one that shares a volume with a container that stays is counted as left alone', () => {
    const user = stoppedContainer('web', ago(900), {
      state: 'running',
      details: { mounts: [volume('webdata')] },
    });
    expect(sort([data, user]).kept).toEqual({ 'shares-volumes': 1 });
  });

  test('while another container could not be inspected, none with a volume is a leftover', () => {
    const unread = notInspected(stoppedContainer('web', ago(1), { state: 'running' }));
    expect(sort([data, stoppedContainer('plain', ago(48)), unread])).toMatchObject({
      leftovers: ['plain'],
      kept: { 'unknown-volume-users': 1 },
      isComplete: false,
      undecided: [{ count: 1, names: ['web'] }],
    });
  });

  test('while the list is incomplete, none with a volume is a leftover', () => {
    expect(sort([data, stoppedContainer('plain', ago(48))], false)).toMatchObject({
      leftovers: ['plain'],
      isComplete: false,
    });
  });

  test('the volumes of a cache of GitLab Runner are known as such', () => {
    const labels = { 'com.gitlab.gitlab-runner.type': 'cache' };
    const cache = stoppedContainer('cache', ago(48), { labels, details: { mounts: [volume('cache-1')] } });
    expect([...sort([cache, data]).runnerCacheVolumes]).toEqual(['cache-1']);
  });

  test('a running Kubernetes container means that a kubelet manages the images', () => {
    const labels = { 'io.kubernetes.pod.name': 'web-1' };
    expect(sort([stoppedContainer('web', ago(1), { state: 'running', labels })]).hasKubelet).toBe(true);
    expect(sort([stoppedContainer('web', ago(1), { state: 'running' })]).hasKubelet).toBe(false);
  });

  test('bind mounts and tmpfs keep nothing', () => {
    const bind = { type: 'bind', source: '/var/run/docker.sock', path: '/var/run/docker.sock' };
    const agent = stoppedContainer('agent', ago(48), { state: 'running', details: { mounts: [bind] } });
    expect(sort([agent, stoppedContainer('a', ago(48), { details: { mounts: [bind] } })]).leftovers).toEqual([
      'a',
    ]);
  });

  test('for ten thousand with owners, only counts and a few names are stored', () => {
    const sorting = sortContainers(OPTIONS);
    for (let at = 0; at < 10_000; at += 1)
      sorting.add(
        stoppedContainer(`pod-${at}`, ago(48), { labels: { 'io.kubernetes.pod.name': `pod-${at}` } }),
      );
    const { kept } = sorting.result(true);
    expect(kept).toEqual([
      {
        why: 'kubernetes',
        count: 10_000,
        byName: 0,
        examples: ['pod-0', 'pod-1', 'pod-2', 'pod-3', 'pod-4'],
      },
    ]);
  });
});
