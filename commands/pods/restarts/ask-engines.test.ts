import { describe, expect, test } from 'vitest';
import { type ports, SourceError } from '../../kit.ts';
import { engineSource, stoppedContainer } from '../../shared/fixture-engines.ts';
import { askEngines } from './ask-engines.ts';
import type { Context } from './facts.ts';

const now = new Date('2018-12-04T22:49:37Z');
const UID = '9a8ab44e28b43ed1203b49f15201573e';
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1_000);

const down = (source: string) =>
  new SourceError(source, 'unreachable', 'connection refused', { code: 'ECONNREFUSED' });

function contextOf(read: Partial<Context['read']>) {
  const gaps: string[] = [];
  const notes: string[] = [];
  const seen: Record<string, number> = {};
  const gap: Context['gap'] = (what, { message }) => void gaps.push(`${what}: ${message}`);
  const context: Context = {
    read: { clusters: [], ...read },
    now,
    earlier: [],
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: async (what, fallback, work) => {
      try {
        return await work();
      } catch (error) {
        gap(what, error as Error);
        return fallback;
      }
    },
    gap,
    note: (text) => void notes.push(text),
    saw: (source, count = 1) => {
      seen[source] = (seen[source] ?? 0) + count;
    },
  };
  return { context, gaps, notes, seen };
}

const etcd = (attempt: number, startedAgo: number, finishedAgo?: number): ports.EngineContainer =>
  stoppedContainer(`k8s_etcd_etcd-cp-1_kube-system_${UID}_${attempt}`, ago(finishedAgo ?? 0), {
    createdAt: ago(startedAgo),
    state: finishedAgo === undefined ? 'running' : 'exited',
    details: { startedAt: ago(startedAgo), ...(finishedAgo === undefined && { exitCode: 0 }) },
  });

const pause = stoppedContainer(`k8s_POD_etcd-cp-1_kube-system_${UID}_0`, ago(0), { state: 'running' });
const build = stoppedContainer('elastic_morse', ago(0));

const nodes = (
  containers: readonly ports.EngineContainer[],
  known: Partial<ports.ContainerEngines> = {},
) => ({
  ...engineSource({ name: 'control-plane', engines: [{ name: 'cp-1', node: 'cp-1', containers }] }),
  ...known,
});

describe('engines', () => {
  test('returns the instances of each container of a pod, newest first, and nothing else', async () => {
    const { context, gaps, notes, seen } = contextOf({
      engines: [nodes([build, etcd(0, 142, 51), pause, etcd(1, 51)])],
    });

    const engines = await askEngines(context, ['lab']);

    expect(engines).toEqual([
      {
        target: 'control-plane:cp-1',
        source: 'control-plane',
        engine: 'cp-1',
        node: 'cp-1',
        clockBehindMs: 0,
        clusters: ['lab'],
        containers: [
          {
            namespace: 'kube-system',
            pod: 'etcd-cp-1',
            uid: UID,
            container: 'etcd',
            instances: [
              { id: etcd(1, 51).id, attempt: 1, state: 'running', startedAt: ago(51) },
              {
                id: etcd(0, 142, 51).id,
                attempt: 0,
                state: 'exited',
                exitCode: 0,
                startedAt: ago(142),
                finishedAt: ago(51),
              },
            ],
          },
        ],
      },
    ]);
    expect({ gaps, notes, seen }).toEqual({ gaps: [], notes: [], seen: { lab: 1 } });
  });

  test('asks none while all API servers respond', async () => {
    const { context } = contextOf({ engines: [nodes([etcd(0, 9)])] });
    expect(await askEngines(context, [])).toEqual([]);
  });

  test('an engine that fails is one gap, and the others are still read', async () => {
    const broken = nodes([], {
      name: 'broken',
      // oxlint-disable-next-line require-yield
      containers: async function* () {
        throw down('broken');
      },
    });
    const { context, gaps } = contextOf({ engines: [broken, nodes([etcd(0, 9)])] });

    const engines = await askEngines(context, ['lab']);

    expect(engines.map(({ target }) => target)).toEqual(['control-plane:cp-1']);
    expect(gaps).toEqual(['broken:cp-1: connection refused']);
  });

  test('what an engine listed before it failed is kept', async () => {
    const source = nodes([], {
      containers: async function* () {
        yield [etcd(0, 9)];
        throw down('control-plane');
      },
    });
    const { context, gaps } = contextOf({ engines: [source] });

    expect(await askEngines(context, ['lab'])).toMatchObject([{ containers: [{ container: 'etcd' }] }]);
    expect(gaps).toEqual(['control-plane:cp-1: connection refused']);
  });

  test('reads many engines, at most 8 at the same time', async () => {
    const names = Array.from({ length: 30 }, (_, at) => `n-${at}`);
    let running = 0;
    let most = 0;
    const source = engineSource({
      name: 'nodes',
      engines: names.map((name) => ({ name, containers: [etcd(0, 9)] })),
    });
    const counted: ports.ContainerEngines = {
      ...source,
      containers: async function* (query) {
        running += 1;
        most = Math.max(most, running);
        yield* source.containers(query);
        running -= 1;
      },
    };
    const engines = await askEngines(contextOf({ engines: [counted] }).context, ['lab']);
    expect(new Set(engines.map(({ engine }) => engine))).toEqual(new Set(names));
    expect(most).toBe(8);
  });

  test('a container that could not be inspected is a gap: its times are unknown', async () => {
    const { details: _, ...listed } = etcd(1, 51);
    const { context, gaps } = contextOf({
      engines: [nodes([{ ...listed, error: 'its state cannot be read' }, etcd(0, 142, 51)])],
    });

    const [engine] = await askEngines(context, ['lab']);

    expect(engine?.containers[0]?.instances[0]).toEqual({ id: listed.id, attempt: 1, state: 'running' });
    expect(gaps).toEqual([`control-plane:cp-1: ${listed.name}: its state cannot be read`]);
  });

  test.each([
    [600_000, 600_000],
    [2_000, 0],
  ])('a clock that is %i ms behind is used as %i', async (clockBehindMs, used) => {
    const source = engineSource({
      name: 'control-plane',
      engines: [{ name: 'cp-1', info: { clockBehindMs }, containers: [etcd(0, 9)] }],
    });
    expect(await askEngines(contextOf({ engines: [source] }).context, ['lab'])).toMatchObject([
      { clockBehindMs: used },
    ]);
  });

  test('an engine that refuses to describe itself is still read', async () => {
    const source = nodes([etcd(0, 9)], { info: () => Promise.reject(down('control-plane')) });
    const { context, gaps } = contextOf({ engines: [source] });
    expect(await askEngines(context, ['lab'])).toHaveLength(1);
    expect(gaps).toEqual([]);
  });

  test('an engine without containers of a kubelet is no gap: it may not be of a node', async () => {
    const { context, gaps, notes } = contextOf({ engines: [nodes([build])] });
    expect(await askEngines(context, ['lab'])).toEqual([]);
    expect(gaps).toEqual([]);
    expect(notes).toEqual([
      'control-plane:cp-1 runs no container of a kubelet. On nodes with containerd, run `crictl ps -a` instead',
    ]);
  });

  test('an API server that runs is a note: it is not down, but cannot be reached from here', async () => {
    const server = stoppedContainer(`k8s_kube-apiserver_kube-apiserver-cp-1_kube-system_${UID}_0`, now, {
      state: 'running',
      details: { startedAt: ago(3 * 3_600) },
    });
    const { context, notes } = contextOf({ engines: [nodes([server])] });
    await askEngines(context, ['lab']);
    expect(notes).toEqual([
      "kube-apiserver is running on control-plane:cp-1, for 3 hours, but can't be read from here",
    ]);
  });

  test('a bug in a source is no gap', async () => {
    const source = nodes([etcd(0, 9)], { info: () => Promise.reject(new TypeError('a bug')) });
    await expect(askEngines(contextOf({ engines: [source] }).context, ['lab'])).rejects.toThrow('a bug');
  });
});

describe('without sources', () => {
  test('says what could be configured, and what to run instead', async () => {
    const { context, gaps, notes } = contextOf({});
    expect(await askEngines(context, ['lab', 'west'])).toEqual([]);
    expect(gaps).toEqual([]);
    expect(notes).toHaveLength(1);
    for (const text of ['lab and west', '`docker` source', '`crictl ps -a`', '`/etcd health`'])
      expect(notes[0]).toContain(text);
  });
});

describe('key-value stores', () => {
  const store = (found: Partial<ports.StoreMembers>): ports.KeyValueStore => ({
    name: 'etcd',
    maintain: false,
    tree: () => Promise.reject(down('etcd')),
    members: async () => ({ members: [], endpoints: [], alarms: [], ...found }),
    diskCounters: async () => new Map(),
  });
  const member = (id: string, error?: SourceError): ports.StoreMember => ({
    id,
    name: id,
    clientUrls: [],
    isConfigured: true,
    ...(error && { error }),
  });
  const notesAbout = async (one: ports.KeyValueStore) => {
    const { context, gaps, notes } = contextOf({ engines: [nodes([etcd(0, 9)])], keyValue: [one] });
    await askEngines(context, ['lab']);
    expect(gaps).toEqual([]);
    return notes;
  };
  const OWNER = 'It may not be the etcd of lab; `/etcd health` has the details';

  test('one that responds is a note, and proves nothing about the cluster', async () => {
    expect(await notesAbout(store({ members: [member('a')], hasQuorum: true }))).toEqual([
      `etcd: its only member responds and has a quorum. ${OWNER}`,
    ]);
  });

  test('one without a quorum says so', async () => {
    const members = [member('a'), member('b', down('etcd')), member('c', down('etcd'))];
    expect(await notesAbout(store({ members, hasQuorum: false }))).toEqual([
      `etcd: 1 of 3 members responds and has no quorum. ${OWNER}`,
    ]);
  });

  test('one whose endpoints do not respond says that too', async () => {
    const endpoints = [{ address: '10.0.0.1:2379', error: down('etcd') }];
    expect(await notesAbout(store({ endpoints }))).toEqual([
      `etcd: its only endpoint does not respond. ${OWNER}`,
    ]);
  });

  test('one that cannot be read is a note too: the question is about restarts', async () => {
    expect(await notesAbout({ ...store({}), members: () => Promise.reject(down('etcd')) })).toEqual([
      `etcd couldn't be read: connection refused. ${OWNER}`,
    ]);
  });
});
