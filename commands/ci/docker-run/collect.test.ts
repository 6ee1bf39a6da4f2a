import { describe, expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { engineSource } from '../../shared/fixture-engines.ts';
import { pipelineSource } from '../../shared/fixture-pipelines.ts';
import { collect } from './collect.ts';

async function collectFrom(
  pipelines: readonly ports.Pipelines[],
  args: Parameters<typeof collect>[1] = {},
  {
    engines,
    isVerification,
  }: { readonly engines?: readonly ports.ContainerEngines[]; readonly isVerification?: true } = {},
) {
  const gaps: string[] = [];
  const locations: unknown[] = [];
  const seen: Record<string, number> = {};
  const gap: ReadContext['gap'] = (what, error, { location } = {}) => {
    gaps.push(`${what}: ${error.message}`);
    if (location) locations.push(location);
  };
  const context: ReadContext<'pipelines', 'engines'> = {
    read: { pipelines, ...(engines && { engines }) },
    ...(isVerification && { isVerification }),
    now: new Date('2026-11-26T12:00:00Z'),
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    gap,
    attempt: async (what, fallback, read) => {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        gap(what, error);
        return fallback;
      }
    },
    note: () => undefined,
    saw: (source, count = 1) => void (seen[source] = (seen[source] ?? 0) + count),
  };
  const { repositories, areAllRead, engines: read } = await collect(context, args);
  const places = repositories.flatMap(({ name, leaks }) =>
    leaks.map(({ path, line }) => `${name}:${path}:${line}`),
  );
  return { repositories, places, gaps, locations, seen, areAllRead, engines: read };
}

const file = (
  repository: string,
  path: string,
  content: string,
  known: Partial<ports.PipelineFile> = {},
): ports.PipelineFile => ({ repository, path, kind: 'shell', content, ...known });

const LEAKING = '#!/bin/sh\ndocker run app ./test\n';
const CLEAN = '#!/bin/sh\ndocker run --rm app ./test\n';

test('reads all repositories of all sources, and keeps only files with leaks', async () => {
  const { repositories, places, seen, gaps } = await collectFrom([
    pipelineSource({
      files: [
        file('a/api', 'test.sh', LEAKING),
        file('a/api', 'lint.sh', CLEAN),
        file('a/web', 'b.sh', CLEAN),
      ],
    }),
    pipelineSource({ name: 'gitlab', files: [file('b/api', 'x.sh', LEAKING)] }),
  ]);

  expect(places).toEqual(['a/api:test.sh:2', 'b/api:x.sh:2']);
  expect(repositories.map(({ starts }) => starts)).toEqual([2, 1, 1]);
  expect(repositories.flatMap(({ leakingFiles }) => [...leakingFiles.keys()])).toEqual(['test.sh', 'x.sh']);
  expect(seen).toEqual({ github: 3, gitlab: 1 });
  expect(gaps).toEqual([]);
});

test('repositories are chosen by name or a part of it; an unknown one gets a hint', async () => {
  const sources = [
    pipelineSource({
      files: [
        file('shop/api', 'a.sh', LEAKING),
        file('shop/web', 'a.sh', LEAKING),
        file('pay/core', 'a.sh', LEAKING),
      ],
    }),
  ];

  expect((await collectFrom(sources, { repository: 'Shop/' })).places).toHaveLength(2);
  expect((await collectFrom(sources, { repository: 'pay/core,web' })).places).toHaveLength(2);
  expect(await collectFrom(sources, { repository: 'shop/apu' })).toMatchObject({
    places: [],
    gaps: ['--repository shop/apu: not found; did you mean shop/api?'],
  });
});

test('two sources may have a repository of the same name', async () => {
  const { places } = await collectFrom(
    ['github', 'mirror'].map((name) => pipelineSource({ name, files: [file('shop/api', 'a.sh', LEAKING)] })),
  );

  expect(places).toEqual(['github:shop/api:a.sh:2', 'mirror:shop/api:a.sh:2']);
});

test('a file that is not asked for is neither reported nor counted', async () => {
  const sources = [
    pipelineSource({
      files: [file('shop/api', 'ci/test.sh', LEAKING), file('shop/api', 'bin/x.sh', LEAKING)],
    }),
  ];

  expect(await collectFrom(sources, { match: 'CI/' })).toMatchObject({
    places: ['shop/api:ci/test.sh:2'],
    seen: { github: 1 },
  });
  expect(await collectFrom(sources, { match: 'jenkins' })).toMatchObject({
    gaps: ['shop/api: has no pipeline file with jenkins in its path'],
    seen: {},
  });
});

test('what could not be read is a gap, and everything else is still reported', async () => {
  const broken: ports.Pipelines = {
    ...pipelineSource({ files: [] }),
    repositories: ['shop/api', 'shop/none'],
    files: async function* ({ repository }) {
      if (repository === 'shop/none') return;
      yield [
        file('shop/api', 'a.sh', LEAKING),
        { repository, path: 'big.sh', kind: 'shell', error: 'is larger than 2 MiB' },
        { repository, path: 'odd.sh', kind: 'shell' },
      ];
      throw new SourceError('github', 'unreachable', 'connection reset');
    },
  };
  const { places, gaps, seen } = await collectFrom([broken]);

  expect(places).toEqual(['shop/api:a.sh:2']);
  expect(gaps.toSorted()).toEqual([
    'shop/api: connection reset',
    'shop/api:big.sh: is larger than 2 MiB',
    'shop/api:odd.sh: has no content',
    'shop/none: has no pipeline files',
  ]);
  expect(seen).toEqual({ github: 1 });
});

test('a source without repositories is a gap', async () => {
  expect((await collectFrom([pipelineSource({ files: [] })])).gaps).toEqual([
    'github: no repositories are configured',
  ]);
});

test('a command that a variable decides about is unknown, at its place', async () => {
  const { places, gaps, locations, repositories } = await collectFrom([
    pipelineSource({ files: [file('shop/api', 'a.sh', '#!/bin/sh\n  docker run $OPTS app\n')] }),
  ]);

  expect(places).toEqual([]);
  expect(gaps).toEqual([
    expect.stringMatching(/^shop\/api:a\.sh:2: `docker run \$OPTS app` may leave its container behind: /),
  ]);
  expect(locations).toMatchObject([{ path: 'a.sh', line: 2, column: 3 }]);
  expect(repositories).toMatchObject([{ unknown: 1, starts: 1 }]);
});

test('open requests are read only where one could be created', async () => {
  const asked: string[] = [];
  const source = (known: Partial<ports.Pipelines>): ports.Pipelines => ({
    ...pipelineSource({
      files: [file('shop/api', 'a.sh', LEAKING), file('shop/web', 'a.sh', CLEAN)],
      proposing: { allowed: true },
    }),
    proposals: async ({ repository }) => {
      asked.push(repository);
      return [];
    },
    ...known,
  });

  await collectFrom([source({ proposing: { allowed: false, because: 'no' } })]);
  expect(asked).toEqual([]);
  const { repositories } = await collectFrom([source({})]);
  expect(asked).toEqual(['shop/api']);
  expect(repositories.map(({ proposals }) => proposals)).toEqual([[], undefined]);
});

describe('what commands have left on engines', () => {
  const leaking = pipelineSource({
    files: [
      file('shop/api', 'a.sh', LEAKING),
      file('shop/api', 'b.sh', LEAKING),
      file('shop/web', 'a.sh', CLEAN),
    ],
  });
  const builders = engineSource({ name: 'builders', engines: [{ name: 'build-1' }] });
  const engines = [builders];

  test('is read after the pipelines', async () => {
    expect(await collectFrom([leaking], {}, { engines })).toMatchObject({
      areAllRead: true,
      engines: [{ target: 'builders:build-1' }],
      seen: { github: 3 },
      gaps: [],
    });
  });

  test('is not read if no command leaves anything, while a fix is verified, or without engines', async () => {
    const clean = pipelineSource({ files: [file('shop/web', 'a.sh', CLEAN)] });

    expect((await collectFrom([clean], {}, { engines })).engines).toBeUndefined();
    expect((await collectFrom([leaking], {}, { engines, isVerification: true })).engines).toBeUndefined();
    expect((await collectFrom([leaking])).engines).toBeUndefined();
  });

  test('may be from other commands if not all were read', async () => {
    const unread = pipelineSource({
      files: [
        file('shop/api', 'a.sh', LEAKING),
        { repository: 'shop/api', path: 'x.sh', kind: 'shell', error: 'is not text' },
      ],
    });

    expect((await collectFrom([unread], {}, { engines })).areAllRead).toBe(false);
    expect((await collectFrom([leaking], { repository: 'shop/api' }, { engines })).areAllRead).toBe(false);
    expect((await collectFrom([leaking], { source: 'github' }, { engines })).areAllRead).toBe(false);
  });

  test('may be from files that were not asked for', async () => {
    const { repositories } = await collectFrom([leaking], { match: 'b.sh' }, { engines });

    expect(repositories.map(({ others }) => others.map(({ path }) => path))).toEqual([['a.sh'], []]);
  });
});
