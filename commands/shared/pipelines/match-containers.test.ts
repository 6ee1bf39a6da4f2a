import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Pattern } from './container-commands.ts';
import { matchContainers, type PipelineCommand, type StartedContainer } from './match-containers.ts';

/** `base:$TAG`, as the reader of a shell script returns it. */
function pattern(text: string): Pattern {
  return {
    parts: text
      .split(/(\$\w+|\$\{\w+\})/)
      .filter(Boolean)
      .map((part) => (part.startsWith('$') ? { variable: part } : { text: part })),
  };
}

interface Words {
  readonly image?: string;
  readonly name?: string;
  readonly labels?: readonly string[];
  readonly reason?: PipelineCommand['leak']['reason'];
  readonly remote?: string;
  readonly isOnDiscardedMachine?: true;
}

function command(place: string, { image, name, labels = [], ...known }: Words): PipelineCommand {
  return {
    repository: 'shop/api',
    place,
    leak: {
      reason: 'left',
      ...known,
      ...(image !== undefined && { image: pattern(image) }),
      ...(name !== undefined && { name: pattern(name) }),
      labels: labels.map(pattern),
    },
  };
}

function container(known: Partial<StartedContainer>): StartedContainer {
  return { name: 'elastic_morse', image: 'base:209', labels: {}, ...known };
}

/** `name 1`, `probably image 1 or 2`, or `none`: the first command is called 1. */
function match(
  commands: readonly Words[],
  started: Partial<StartedContainer>,
  { machine = ['build-1'], areAllKnown = true } = {},
): string {
  const matcher = matchContainers(
    commands.map((words, at) => command(String(at + 1), words)),
    { areAllKnown },
  );
  const found = matcher(container(started), machine);
  if (!found) return 'none';
  return `${found.isGuess ? 'probably ' : ''}${found.by} ${found.commands.map(({ place }) => place).join(' or ')}`;
}

describe('by name', () => {
  test.each<[string, Words, Partial<StartedContainer>]>([
    ['the whole name', { name: 'unit', image: 'base:$N' }, { name: 'unit' }],
    [
      'a number in it',
      { name: 'tests-$BUILD_TAG', image: 'aqa:latest' },
      { name: 'tests-jenkins-7', image: 'aqa:latest' },
    ],
    ['two variables', { name: 'shop-$N-unit-$X', image: 'base:$N' }, { name: 'shop-209-unit-tests' }],
    ['an empty variable', { name: 'unit$SUFFIX', image: 'base:$N' }, { name: 'unit' }],
    [
      'an image whose tag was moved',
      { name: 'unit-tests', image: 'base:1' },
      { name: 'unit-tests', image: 'f9cca7c80410' },
    ],
    [
      'a command that removes it in any case',
      { name: 'unit-$N', image: 'base:$N', reason: 'removed' },
      { name: 'unit-3' },
    ],
  ])('%s', (_, words, started) => {
    expect(match([words], started)).toBe('name 1');
  });

  test.each<[string, Words, Partial<StartedContainer>]>([
    ['another name', { name: 'unit', image: 'base:$N' }, { name: 'unit2' }],
    ['another beginning', { name: 'tests-$N', image: 'base:$N' }, { name: 'it-tests-3' }],
    ['another end', { name: '$N-tests', image: 'base:$N' }, { name: '3-tests-old' }],
    ['parts that overlap', { name: 'unit-$N-it', image: 'base:$N' }, { name: 'unit-it' }],
    ['upper case', { name: 'Unit', image: 'base:$N' }, { name: 'unit' }],
    [
      'another image under the same name',
      { name: 'tests-$N', image: 'aqa:$N' },
      { name: 'tests-3', image: 'nginx:1' },
    ],
    ['another tag', { name: 'tests-$N', image: 'aqa:1' }, { name: 'tests-3', image: 'aqa:2' }],
    ['labels that it lacks', { name: 'unit-$N', labels: ['ci=42'], image: 'base:$N' }, { name: 'unit-3' }],
    ['an image of a variable and a short name', { name: 'it-$N', image: '$IMAGE' }, { name: 'it-3' }],
    ['only variables', { name: '$NAME', image: '$IMAGE' }, { name: 'unit-tests' }],
  ])('is not: %s', (_, words, started) => {
    expect(match([words], started)).toBe('none');
  });

  test('a short name does not speak for a command, but its image does', () => {
    expect(match([{ name: 'it-$N', image: 'base:$N' }], { name: 'it-3' })).toBe('image 1');
    expect(match([{ name: 'db', image: 'base:$N' }], { name: 'db' })).toBe('image 1');
  });

  test('a name with a variable is a guess if nothing is known about the image', () => {
    expect(match([{ name: 'test-$N', image: '$IMAGE' }], { name: 'test-db' })).toBe('probably name 1');
    expect(match([{ name: 'test-$N', image: 'base:$N' }], { name: 'test-db', image: 'f9cca7c80410' })).toBe(
      'probably name 1',
    );
    expect(match([{ name: 'unit-tests', image: '$IMAGE' }], { name: 'unit-tests' })).toBe('name 1');
  });
});

describe('by labels', () => {
  test.each<[string, Words, StartedContainer['labels']]>([
    ['key and value', { labels: ['com.example.job=unit'] }, { 'com.example.job': 'unit', other: 'x' }],
    ['a variable as its value', { labels: ['com.example.build=$N'] }, { 'com.example.build': '209' }],
    ['without a value', { labels: ['disposable'] }, { disposable: '' }],
    ['two of them', { labels: ['ci=$N', 'stage=unit'] }, { ci: '1', stage: 'unit' }],
    ['one that is only a variable', { labels: ['stage=unit', '$LABEL'] }, { stage: 'unit' }],
  ])('%s', (_, words, labels) => {
    expect(match([{ ...words, image: 'base:$N' }], { labels })).toBe('labels 1');
  });

  test.each<[string, Words, StartedContainer['labels']]>([
    ['another value', { labels: ['com.example.job=unit'] }, { 'com.example.job': 'lint' }],
    ['only one of two', { labels: ['job=unit', 'stage=test'] }, { job: 'unit' }],
    ['a value where none is set', { labels: ['disposable'] }, { disposable: 'no' }],
    ['no label at all', { labels: ['com.example.build=$N'] }, {}],
  ])('is not: %s', (_, words, labels) => {
    expect(match([{ ...words, image: 'base:$N' }], { labels })).toBe('none');
  });

  test('a value that is only known when it runs is a guess without an image', () => {
    expect(match([{ labels: ['build-url=$URL'] }], { labels: { 'build-url': 'x' } })).toBe(
      'probably labels 1',
    );
    expect(match([{ labels: ['com.example.job=unit'] }], { labels: { 'com.example.job': 'unit' } })).toBe(
      'labels 1',
    );
  });

  test('a short label does not speak for a command, but its image does', () => {
    expect(match([{ labels: ['ci=$N'], image: 'base:$N' }], { labels: { ci: '4' } })).toBe('image 1');
  });
});

describe('by image', () => {
  test.each([
    ['base:$BUILD_NUMBER', 'base:209'],
    ['base', 'base:latest'],
    ['base:latest', 'base'],
    ['base:$N', 'localhost/base:209'],
    ['registry.example:5000/it/base:$N', 'registry.example:5000/it/base:209'],
    ['registry.example/base', 'registry.example/base'],
    ['$REGISTRY/shop/api:$TAG', 'registry.example/shop/api:1'],
    ['$REGISTRY/shop/api:$TAG', 'docker.io/shop/api:1'],
    ['shop/api:$TAG', 'docker.io/shop/api:1'],
    ['shop/api:2', 'shop/api:2'],
    ['registry.example/it@sha256:$DIGEST', `registry.example/it@sha256:${'a'.repeat(64)}`],
    ['registry.example/$IMAGE-tests:$N', 'registry.example/orders-tests:7'],
    ['base:ci-$N', 'base:ci-209'],
  ])('%s started %s', (image, actual) => {
    expect(match([{ image }], { image: actual })).toBe('image 1');
  });

  test.each([
    ['base:$N', 'base2:209'],
    ['base:$N', 'it/base:209'],
    ['base:$N', 'registry.example/base:209'],
    ['base', 'base:209'],
    ['base:1', 'base:2'],
    ['base:ci-$N', 'base:209'],
    ['base:$N', `base@sha256:${'a'.repeat(64)}`],
    [`base@sha256:${'b'.repeat(64)}`, `base@sha256:${'a'.repeat(64)}`],
    ['base:$N', 'sha256:f9cca7c80410'],
    ['base:$N', 'f9cca7c80410'],
    ['$IMAGE', 'base:209'],
    ['$IMAGE:$TAG', 'base:209'],
    ['shop/$APP', 'shop/api:1'],
    ['$REGISTRY/$APP:$TAG', 'registry.example/app:1'],
    ['$REGISTRY/app:$TAG', 'registry.example/app:1'],
    ['registry.example/shop', 'registry.example/shop/api'],
    ['', 'base:1'],
  ])('%s did not start %s', (image, actual) => {
    expect(match([{ image }], { image: actual })).toBe('none');
  });

  test.each([
    ['alpine', 'alpine:latest'],
    ['alpine', 'docker.io/library/alpine:latest'],
    ['postgres:$VERSION', 'postgres:16'],
    ['${PREFIX}node:8', 'node:8'],
    ['cypress/included:13', 'cypress/included:13'],
    ['mcr.microsoft.com/playwright:v1', 'mcr.microsoft.com/playwright:v1'],
    ['ghcr.io/other/lint:2', 'ghcr.io/other/lint:2'],
  ])('an image that anyone uses is a guess: %s', (image, actual) => {
    expect(match([{ image }], { image: actual })).toBe('probably image 1');
  });

  test('an image of the owner of the repository is none', () => {
    expect(match([{ image: 'ghcr.io/shop/lint:2' }], { image: 'ghcr.io/shop/lint:2' })).toBe('image 1');
  });

  test('the name of a public image is evidence', () => {
    expect(
      match([{ image: 'postgres:16', name: 'shop-it-$N' }], { image: 'postgres:16', name: 'shop-it-4' }),
    ).toBe('name 1');
  });

  test('a container with a name of its own does not come from a command that gives none', () => {
    expect(match([{ image: 'base:$N' }], { name: 'payments-db' })).toBe('none');
    expect(match([{ image: 'base:$N' }], { name: 'base_1' })).toBe('none');
    expect(match([{ image: 'base:$N' }], { name: 'k8s_app_web-0_shop_0b5b1d0c_0' })).toBe('none');
    expect(match([{ image: 'base:$N' }], { name: 'quirky_hopper7' })).toBe('image 1');
  });

  test('options in a variable may name it', () => {
    expect(match([{ image: 'base:$N', reason: 'depends-on-variable' }], { name: 'payments-db' })).toBe(
      'image 1',
    );
  });

  test('a command that removes its container in any case does not explain one by its image', () => {
    expect(match([{ image: 'base:$N', reason: 'removed' }, { image: 'base:$N' }], {})).toBe('image 2');
  });

  test('is a guess as long as other pipelines are unknown', () => {
    expect(match([{ image: 'base:$N' }], {}, { areAllKnown: false })).toBe('probably image 1');
    expect(match([{ image: 'base:$N', name: 'unit-$N' }], { name: 'unit-1' }, { areAllKnown: false })).toBe(
      'name 1',
    );
  });
});

describe('several commands', () => {
  test('the better evidence decides', () => {
    const commands = [
      { image: 'base:$N' },
      { image: 'base:$N', name: 'unit-$N' },
      { image: 'base:$N', labels: ['stage=unit'] },
    ];

    expect(match(commands, { name: 'unit-209' })).toBe('name 2');
    expect(match(commands, { labels: { stage: 'unit' } })).toBe('labels 3');
    expect(match(commands, {})).toBe('image 1');
  });

  test('a container that several may have started is one of theirs', () => {
    expect(match([{ image: 'base:$N' }, { image: 'base:$X' }, { image: 'it:$N' }], {})).toBe('image 1 or 2');
    expect(match([{ image: 'alpine' }, { image: 'alpine:$N' }], { image: 'alpine' })).toBe(
      'probably image 1 or 2',
    );
  });

  test('no command, no match', () => {
    expect(match([], {})).toBe('none');
  });
});

describe('machines', () => {
  test.each([
    ['deploy@build-1', ['build-1'], 'image 1'],
    ['build-1', ['BUILD-1.example.com'], 'image 1'],
    ['build-1.example.com', ['build-1'], 'image 1'],
    ['deploy@*', ['build-1'], 'image 1'],
    ['vagrant', ['build-1'], 'image 1'],
    ['edge-1', ['build-1'], 'none'],
    ['build-1', ['build-11'], 'none'],
    ['build-1', [], 'none'],
  ])('a command that is given to %s, on %s: %s', (remote, machine, expected) => {
    expect(match([{ image: 'base:$N', remote }], {}, { machine })).toBe(expected);
  });

  test('a container of a discarded machine is gone with it', () => {
    expect(
      match([{ image: 'base:$N', name: 'unit-$N', isOnDiscardedMachine: true }], { name: 'unit-1' }),
    ).toBe('none');
  });

  test('a restart policy keeps its container, so a stopped one is not from there', () => {
    expect(match([{ image: 'base:$N', reason: 'long-lived' }], {})).toBe('none');
  });
});

test('nothing makes it throw, and it never matches without a command', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const parts = fc.array(fc.oneof(fc.record({ text }), fc.record({ variable: text })), { maxLength: 6 });
  fc.assert(
    fc.property(
      fc.array(fc.record({ image: parts, name: fc.option(parts), label: parts, remote: fc.option(text) }), {
        maxLength: 4,
      }),
      fc.record({ name: text, image: text, labels: fc.dictionary(text, text, { maxKeys: 3 }) }),
      (commands, started) => {
        const matcher = matchContainers(
          commands.map(({ image, name, label, remote }, at) => ({
            repository: 'a/b',
            place: String(at),
            leak: {
              reason: 'left' as const,
              image: { parts: image },
              labels: [{ parts: label }],
              ...(name && { name: { parts: name } }),
              ...(remote !== null && { remote }),
            },
          })),
          { areAllKnown: true },
        );
        const found = matcher(started, ['build-1']);
        expect(found === undefined || found.commands.length <= commands.length).toBe(true);
      },
    ),
  );
});

test('a name with many variables takes linear time', () => {
  const name = Array.from({ length: 2_000 }, (_, at) => `a\${V${at}}`).join('');
  const many = 'a'.repeat(200_000);

  expect(match([{ name: `${name}b` }], { name: many })).toBe('none');
  expect(match([{ name }], { name: many })).toBe('probably name 1');
});
