import { describe, expect, test } from 'vitest';
import { type ports, SourceError } from '../../kit.ts';
import { engineSource, stoppedContainer } from '../../shared/fixture-engines.ts';
import { readEngines } from './engines.ts';

const now = new Date('2026-11-26T12:00:00Z');
const old = new Date('2026-11-20T12:00:00Z');

const builders = (...containers: readonly ports.EngineContainer[]) =>
  engineSource({ name: 'builders', engines: [{ name: 'build-1', node: 'node-1.example.com', containers }] });

async function read(
  engines: readonly ports.ContainerEngines[],
  { signal = new AbortController().signal, leftMs = 60_000 } = {},
) {
  const notes: string[] = [];
  const found = await readEngines({
    read: { pipelines: [], engines },
    now,
    signal,
    leftMs: () => leftMs,
    note: (text) => void notes.push(text),
  });
  return {
    containers: found.flatMap(({ target, containers }) => containers.map(({ name }) => `${target}/${name}`)),
    machines: found.map(({ machine }) => machine),
    notes,
  };
}

test('reads the stopped containers of all engines, and what their machines are called', async () => {
  const laptop = engineSource({
    name: 'laptop',
    engines: [{ name: 'laptop', containers: [stoppedContainer('b', old)] }],
  });

  expect(await read([builders(stoppedContainer('a', old)), laptop])).toEqual({
    containers: ['builders:build-1/a', 'laptop/b'],
    machines: [['build-1', 'node-1.example.com', 'node-1'], ['laptop']],
    notes: [],
  });
});

describe('leaves out', () => {
  test.each<[string, ports.EngineContainer]>([
    ['one that runs', stoppedContainer('a', old, { state: 'running' })],
    ['one that has never started', stoppedContainer('a', old, { state: 'created' })],
    ['one that has just finished', stoppedContainer('a', new Date(now.getTime() - 60_000))],
    ['one that finished in the future', stoppedContainer('a', new Date(now.getTime() + 86_400_000))],
    ['one that the engine removes', stoppedContainer('a', old, { details: { autoRemove: true } })],
    ['one with a restart policy', stoppedContainer('a', old, { details: { restartPolicy: 'always' } })],
    [
      'one that has an owner',
      stoppedContainer('a', old, {
        labels: { 'com.docker.compose.project': 'blog', 'com.docker.compose.service': 'db' },
      }),
    ],
    ['one of a pod', stoppedContainer('a', old, { labels: { 'io.kubernetes.pod.name': 'web-0' } })],
    ['one that someone keeps', stoppedContainer('a', old, { labels: { keep: 'true' } })],
  ])('%s', async (_, container) => {
    expect(await read([builders(container)])).toMatchObject({ containers: [], notes: [] });
  });
});

describe('what is unknown is a note', () => {
  test('an engine, with the batches before it failed', async () => {
    const failing: ports.ContainerEngines = {
      ...builders(),
      // oxlint-disable-next-line require-yield
      containers: async function* () {
        throw new SourceError('builders', 'unreachable', 'connection refused');
      },
    };
    const laptop = engineSource({
      name: 'laptop',
      engines: [{ name: 'laptop', containers: [stoppedContainer('b', old)] }],
    });

    expect(await read([failing, laptop])).toMatchObject({
      containers: ['laptop/b'],
      notes: [
        "Couldn't read all containers, so commands may have left more: builders:build-1 (connection refused)",
      ],
    });
  });

  test('a container that could not be inspected, or without the time when it finished', async () => {
    const { details: _, ...listed } = stoppedContainer('a', old);
    const { details, ...dated } = stoppedContainer('b', old);
    const { finishedAt: _finishedAt, ...undated } = details!;

    expect(
      await read([
        builders({ ...listed, error: 'timeout' }, { ...dated, details: undated }, stoppedContainer('c', old)),
      ]),
    ).toMatchObject({
      containers: ['builders:build-1/c'],
      notes: [
        "Couldn't read all containers, so commands may have left more: builders:build-1: a (timeout) and builders:build-1: b (the engine does not report when it finished)",
      ],
    });
  });

  test('an engine that never answers, and ignores its signal', async () => {
    const deaf: ports.ContainerEngines = {
      ...builders(),
      // oxlint-disable-next-line require-yield
      containers: async function* () {
        await new Promise(() => undefined);
      },
    };

    expect(await read([deaf], { leftMs: 2_200 })).toMatchObject({
      containers: [],
      notes: [
        "Couldn't read all containers, so commands may have left more: builders:build-1 (not read in time)",
      ],
    });
  });

  test('everything after the deadline', async () => {
    const signal = AbortSignal.abort(new SourceError('deadline', 'unreachable', 'late'));

    expect((await read([builders(stoppedContainer('a', old))], { signal })).notes).toHaveLength(1);
  });
});

test('a bug in a source is thrown', async () => {
  const broken: ports.ContainerEngines = {
    ...builders(),
    // oxlint-disable-next-line require-yield
    containers: async function* () {
      throw new TypeError('undefined is not a function');
    },
  };

  await expect(read([broken])).rejects.toThrow(TypeError);
});
