import { describe, expect, test } from 'vitest';
import { factsOf, leak, repositoryFacts, withEngines } from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { Facts, LeftContainer, PlacedLeak } from './facts.ts';
import { leftOnNodes } from './stories.ts';

const ALL = { severity: 'info' } as const;

const base = { image: { parts: [{ text: 'base:' }, { variable: '$N' }] } };
const alpine = { image: { parts: [{ text: 'alpine:3' }] } };
const named = { name: { parts: [{ text: 'tests-' }, { variable: '$N' }] } };

const test1 = (known: Partial<PlacedLeak>) => leak({ path: 'ci/test.sh', line: 1, ...known });
const container = (known: Partial<LeftContainer> = {}): LeftContainer => ({
  name: 'elastic_morse',
  image: 'base:209',
  labels: {},
  ...known,
});

function report(facts: Facts) {
  const { verdict, findings } = diagnose(facts, ALL);
  return { verdict, findings, summaries: findings.map(({ summary }) => summary) };
}

const on = (leaks: readonly PlacedLeak[], engines: Readonly<Record<string, readonly LeftContainer[]>>) =>
  withEngines(factsOf(repositoryFacts({ leaks })), engines);

test('a finding says how many containers its commands have left, and where', () => {
  const { verdict, findings } = report(
    on([test1(base)], { 'build-1': [container(), container({ image: 'base:7' })], 'build-2': [container()] }),
  );

  expect(verdict).toBe(
    '1 of 12 pipeline commands leaves its container behind: ci/test.sh:1; 3 stopped containers on build-1 and build-2 come from it',
  );
  expect(findings).toMatchObject([
    {
      severity: 'warning',
      summary:
        'shop/api:ci/test.sh starts a container that nothing removes, and has left 3 stopped containers on build-1 and build-2',
      level: { value: 3, unit: 'containers' },
      next: [{ check: 'node/leftovers', args: { node: 'build-1,build-2' } }],
    },
  ]);
});

test('many engines are counted, and the next check is for all', () => {
  const engines = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, [container()]]));
  const { summaries, findings } = report(on([test1(base)], engines));

  expect(summaries[0]).toMatch(/has left 3 stopped containers on 3 container engines$/);
  expect(findings[0]?.next).toEqual([{ check: 'node/leftovers', args: {} }]);
});

test('those that have left the most come first', () => {
  const { findings } = report(
    on([leak({ path: 'a.sh', line: 1 }), leak({ path: 'b.sh', line: 1, ...base })], {
      'build-1': [container()],
    }),
  );

  expect(findings.map(({ target }) => target)).toEqual(['shop/api:b.sh', 'shop/api:a.sh']);
});

describe('what is not certain is a guess', () => {
  test('the image that everyone uses', () => {
    const { summaries, verdict } = report(
      on([test1(alpine)], { 'build-1': [container({ image: 'alpine:3' })] }),
    );

    expect(summaries[0]).toMatch('and has probably left 1 stopped container on build-1');
    expect(verdict).toMatch(/; 1 stopped container on build-1 probably comes from it$/);
  });

  test('an image, if other pipelines were not read', () => {
    const facts = { ...on([test1(base)], { 'build-1': [container()] }), areAllRead: false };

    expect(report(facts).summaries[0]).toMatch('has probably left');
  });

  test('the verdict counts only what is certain', () => {
    const { verdict } = report(
      on([leak({ path: 'a.sh', line: 1, ...alpine }), leak({ path: 'b.sh', line: 1, ...base })], {
        'build-1': [container(), container({ image: 'alpine:3' })],
      }),
    );

    expect(verdict).toMatch(/; 1 stopped container on build-1 comes from them$/);
  });
});

describe('a container counts for no command', () => {
  const said = (facts: Facts) => {
    const { summaries, findings, verdict } = report(facts);
    const levels = findings.flatMap(({ level, next }) => [level, next].filter(Boolean));
    return [verdict, ...summaries].some((text) => text.includes('stopped container')) || levels.length > 0;
  };

  const other = leak({ path: 'b.sh', line: 1, ...base, severity: 'unknown', reason: 'depends-on-machine' });

  test.each<[string, Facts]>([
    [
      'if two may have started it',
      on([test1(base), leak({ path: 'b.sh', line: 1, ...base })], { 'build-1': [container()] }),
    ],
    [
      'if one that is unknown, or that was not asked for, may have started it too',
      withEngines(factsOf(repositoryFacts({ leaks: [test1(base)], others: [other] })), {
        'build-1': [container()],
      }),
    ],
    [
      'if its machine is discarded after the job',
      on([test1({ ...base, severity: 'info', isOnDiscardedMachine: true })], { 'build-1': [container()] }),
    ],
    ['of another image', on([test1(base)], { 'build-1': [container({ image: 'it:1' })] })],
    ['with a name of its own', on([test1(base)], { 'build-1': [container({ name: 'payments-db' })] })],
    ['of another machine', on([test1({ ...base, remote: 'edge-1' })], { 'build-1': [container()] })],
  ])('%s', (_, facts) => {
    expect(said(facts)).toBe(false);
  });

  test('if there is none, or no engine', () => {
    expect(said(on([test1(base)], { 'build-1': [] }))).toBe(false);
    expect(said(factsOf(repositoryFacts({ leaks: [test1(base)] })))).toBe(false);
    expect(said(on([test1(base)], { 'build-1': [container()] }))).toBe(true);
  });
});

describe('the severity', () => {
  const created = { reason: 'removed-on-success', severity: 'info' } as const;
  const removed = { reason: 'removed', severity: 'info' } as const;

  test('rises to a warning if what may be left is left', () => {
    const { findings } = report(on([test1({ ...base, ...created })], { 'build-1': [container()] }));

    expect(findings).toMatchObject([{ reason: 'container-may-be-left', severity: 'warning' }]);
  });

  test('does not rise because of a guess', () => {
    const { findings } = report(
      on([test1({ ...alpine, ...created })], { 'build-1': [container({ image: 'alpine:3' })] }),
    );

    expect(findings).toMatchObject([{ reason: 'container-may-be-left', severity: 'info' }]);
  });

  test('of a command whose container is removed in any case stays: it may be from before that', () => {
    const { findings } = report(
      on([test1({ ...base, ...named, ...removed })], { 'build-1': [container({ name: 'tests-3' })] }),
    );

    expect(findings).toMatchObject([
      { reason: 'container-removed-elsewhere', severity: 'info', level: { value: 1, unit: 'containers' } },
    ]);
  });

  test('is never critical', () => {
    const many = Array.from({ length: 5_000 }, () => container());

    expect(report(on([test1(base)], { 'build-1': many })).findings).toMatchObject([{ severity: 'warning' }]);
  });
});

test('in the outage, each pipeline has what it has left on the nodes', () => {
  expect(report(leftOnNodes.facts).summaries).toEqual([
    expect.stringMatching(/^shop\/orders:Jenkinsfile .* and has left 4 stopped containers on /),
    expect.stringMatching(/^shop\/stock:test\.sh .* and has probably left 1 stopped container on /),
  ]);
});
