import { describe, expect, test } from 'vitest';
import { type ports, SourceError } from '../../kit.ts';
import { pipelineSource } from '../../shared/fixture-pipelines.ts';
import { engineFacts, leftover } from './builders.ts';
import type { Context } from './facts.ts';
import { readPipelines } from './pipelines.ts';

const file = (
  repository: string,
  content: string,
  known: Partial<ports.PipelineFile> = {},
): ports.PipelineFile => ({
  repository,
  path: 'ci/test.sh',
  kind: 'shell',
  content: `#!/bin/sh\n${content}\n`,
  ...known,
});

const github = pipelineSource({
  files: [file('shop/api', 'docker run base:$N ./test'), file('shop/web', 'docker run --rm web:$N')],
});
const full = [
  engineFacts('build-1', {
    containers: { leftovers: [leftover('elastic_morse', new Date('2026-11-20T12:00:00Z'))] },
  }),
];

async function read(
  pipelines: readonly ports.Pipelines[] | undefined,
  {
    engines = full,
    leftMs = 60_000,
    signal = new AbortController().signal,
    ...known
  }: Partial<Pick<Context, 'signal' | 'isVerification'>> & {
    engines?: typeof full;
    leftMs?: number;
  } = {},
) {
  const notes: string[] = [];
  const never = () => {
    throw new Error('pipelines are neither gaps nor coverage');
  };
  const context: Context = {
    read: { engines: [], ...(pipelines && { pipelines }) },
    now: new Date('2026-11-26T12:00:00Z'),
    signal,
    leftMs: () => leftMs,
    attempt: never,
    gap: never,
    note: (text) => void notes.push(text),
    saw: never,
    ...known,
  };
  const found = await readPipelines(context, engines);
  return { places: found?.commands.map(({ place }) => place), areAllKnown: found?.areAllKnown, notes };
}

/** Counts how often it is asked. */
function counting(source: ports.Pipelines): {
  readonly source: ports.Pipelines;
  readonly asked: () => number;
} {
  let asked = 0;
  return {
    source: {
      ...source,
      files: (query) => {
        asked += 1;
        return source.files(query);
      },
    },
    asked: () => asked,
  };
}

test('reads the commands of all pipelines that leave containers behind', async () => {
  const gitlab = pipelineSource({ name: 'gitlab', files: [file('pay/core', 'docker run pay:$N')] });

  expect(await read([github, gitlab])).toEqual({
    places: ['shop/api:ci/test.sh:2', 'pay/core:ci/test.sh:2'],
    areAllKnown: true,
    notes: [],
  });
});

describe('reads nothing', () => {
  test('without a source', async () => {
    expect(await read(undefined)).toEqual({ places: undefined, notes: [] });
  });

  test.each([
    ['if nothing is left over', { engines: [engineFacts('build-1')] }],
    ['while a fix is verified', { isVerification: true as const }],
  ])('%s', async (_, known) => {
    const { source, asked } = counting(github);

    expect(await read([source], known)).toEqual({ places: undefined, notes: [] });
    expect(asked()).toBe(0);
  });
});

describe('what fails is a note, and everything else is still read', () => {
  test('a repository, with the pages before the failure', async () => {
    const failing: ports.Pipelines = {
      ...github,
      files: async function* ({ repository, signal }) {
        yield* github.files({ repository, signal });
        if (repository === 'shop/api') throw new SourceError('github', 'unreachable', 'connection reset');
      },
    };

    expect(await read([failing])).toEqual({
      places: ['shop/api:ci/test.sh:2'],
      areAllKnown: false,
      notes: [
        "Couldn't read all pipelines, so it may be unknown where containers come from: shop/api (connection reset)",
      ],
    });
  });

  test('a file, and a part of one', async () => {
    const source = pipelineSource({
      files: [
        { repository: 'shop/api', path: 'big.sh', kind: 'shell', error: 'is larger than 2 MiB' },
        { repository: 'shop/api', path: '.gitlab-ci.yml', kind: 'gitlab', content: 'test: [docker run\n' },
        file('shop/api', 'docker run base:$N'),
      ],
    });
    const { places, areAllKnown, notes } = await read([source]);

    expect({ places, areAllKnown }).toEqual({
      places: ['shop/api:ci/test.sh:2'],
      areAllKnown: false,
    });
    expect(notes).toEqual([
      expect.stringMatching(/: shop\/api:big\.sh \(is larger than 2 MiB\) and shop\/api:\.gitlab-ci\.yml \(/),
    ]);
  });

  test('a source without repositories', async () => {
    expect((await read([{ ...github, repositories: [] }])).notes).toEqual([
      "Couldn't read all pipelines, so it may be unknown where containers come from: github (no repositories are configured)",
    ]);
  });

  test('a hundred repositories are one line', async () => {
    const source: ports.Pipelines = {
      ...github,
      repositories: Array.from({ length: 100 }, (_, at) => `shop/${at}`),
      // oxlint-disable-next-line require-yield
      files: async function* () {
        throw new SourceError('github', 'refused', 'bad credentials');
      },
    };
    const { notes } = await read([source]);

    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/and 97 more$/);
  });
});

test('a source that never answers, and ignores its signal, is not waited for', async () => {
  const deaf: ports.Pipelines = {
    ...github,
    name: 'deaf',
    repositories: ['old/repo'],
    // oxlint-disable-next-line require-yield
    files: async function* () {
      await new Promise(() => undefined);
    },
  };

  expect(await read([github, deaf], { leftMs: 3_000 })).toEqual({
    places: ['shop/api:ci/test.sh:2'],
    areAllKnown: false,
    notes: [
      "Couldn't read all pipelines, so it may be unknown where containers come from: old/repo (not read in time)",
    ],
  });
});

test('after the deadline nothing is read, and nothing fails', async () => {
  expect(
    await read([github], { signal: AbortSignal.abort(new SourceError('deadline', 'unreachable', 'late')) }),
  ).toMatchObject({
    areAllKnown: false,
  });
});

test('a bug in a source is thrown', async () => {
  const broken: ports.Pipelines = {
    ...github,
    // oxlint-disable-next-line require-yield
    files: async function* () {
      throw new TypeError('undefined is not a function');
    },
  };

  await expect(read([broken])).rejects.toThrow(TypeError);
});
