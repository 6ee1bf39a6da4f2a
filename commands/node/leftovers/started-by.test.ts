import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { pipelineSource } from '../../shared/fixture-pipelines.ts';
import { readCommands } from '../../shared/pipelines/read-commands.ts';
import { commandAt, engineFacts, factsOf, leftover, withPipelines } from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { EngineFacts, Leftover } from './facts.ts';
import { cacheOfABuildHost, fromOnePipeline, fromSeveralPipelines, hellGotLoose } from './stories.ts';

const now = new Date('2026-11-26T12:00:00Z');
const ARGS = { older: 3_600_000 };
const old = new Date('2026-11-20T12:00:00Z');

const BASE = commandAt('shop/api:ci/Jenkinsfile:14', { image: ['base:', '$TAG'], stage: 'test' });
const ALPINE = commandAt('shop/web:ci/lint.sh:3', { image: ['alpine:3'] });

const generated = ['elastic_morse', 'quirky_hopper', 'sleepy_curie', 'fervent_tesla', 'admiring_turing'];

/** Containers with names that the engine made up. */
function some(count: number, image: string, known: Partial<Leftover> = {}): readonly Leftover[] {
  return generated.slice(0, count).map((name) => leftover(name, old, { image, bytes: 1_000, ...known }));
}

function report(
  leftovers: readonly (readonly Leftover[])[],
  commands: Parameters<typeof withPipelines>[1],
  { areAllKnown = true, engine = {} }: { areAllKnown?: boolean; engine?: Partial<EngineFacts> } = {},
) {
  const engines = leftovers.map((own, at) =>
    engineFacts(`build-${at + 1}`, { ...engine, containers: { leftovers: own } }),
  );
  const { verdict, findings } = diagnose(
    withPipelines(factsOf(...engines), commands, { areAllKnown }),
    ARGS,
    now,
  );
  return {
    verdict,
    summaries: findings.map(({ summary }) => summary),
    next: findings.map(({ next }) => next),
    evidence: findings.flatMap(({ evidence = [] }) => evidence),
    findings,
  };
}

describe('in the outage', () => {
  const { verdict, findings } = diagnose(fromOnePipeline.facts, ARGS, fromOnePipeline.now);

  test('the verdict names the command that all containers were started by', () => {
    expect(verdict).toMatch(
      /; all 79 stopped containers were started by shop\/orders:Jenkinsfile:14, stage unit$/,
    );
  });

  test('each engine names it, and suggests the check that shows its correction', () => {
    const stopped = findings.filter(({ reason }) => reason === 'stopped-containers');

    expect(stopped.map(({ summary }) => summary.slice(summary.indexOf(', all')))).toEqual(
      [58, 21].map(
        (count) => `, all from base; all ${count} were started by shop/orders:Jenkinsfile:14, stage unit`,
      ),
    );
    expect(stopped.map(({ next }) => next)).toEqual([
      [{ check: 'ci/docker-run', args: { repository: 'shop/orders' } }],
      [{ check: 'ci/docker-run', args: { repository: 'shop/orders' } }],
    ]);
  });

  test('what is found, offered and how bad it is does not depend on pipelines', () => {
    const without = diagnose(hellGotLoose.facts, ARGS, hellGotLoose.now);
    const comparable = (all: typeof findings) =>
      all.map(({ reason, severity, target, targets, level, offers }) => ({
        reason,
        severity,
        target,
        targets,
        level,
        offers,
      }));

    expect(comparable(findings)).toEqual(comparable(without.findings));
  });
});

test('containers of several commands are listed, and those of none', () => {
  const { findings } = diagnose(fromSeveralPipelines.facts, ARGS, fromSeveralPipelines.now);
  const [table] = (findings[0]?.evidence ?? []).filter((one) => one.kind === 'table');

  expect(table?.rows.map(([who, count]) => [who, count])).toEqual([
    ['adoptium/aqa-tests:external/test.sh:61', '17'],
    ['probably shop/api:ci/Jenkinsfile:22, stage integration', '7'],
    ['shop/api:ci/Jenkinsfile:9, stage lint or shop/web:.gitlab-ci.yml:12, job lint', '3'],
    ['no known command', '3'],
  ]);
});

describe('the summary', () => {
  test.each([
    [1, 'it was started by'],
    [2, 'all 2 were started by'],
  ])('of %i containers', (count, words) => {
    expect(report([some(count, 'base:7')], [BASE]).summaries[0]).toMatch(
      `; ${words} shop/api:ci/Jenkinsfile:14, stage test`,
    );
  });

  test('says what is only probable', () => {
    const { summaries, verdict } = report([some(3, 'alpine:3')], [ALPINE]);

    expect(summaries[0]).toMatch(/; all 3 were probably started by shop\/web:ci\/lint\.sh:3$/);
    expect(verdict).not.toMatch('started by');
  });

  test('is a guess as long as other pipelines are unknown', () => {
    const { summaries } = report([some(3, 'base:7')], [BASE], { areAllKnown: false });

    expect(summaries[0]).toMatch('; all 3 were probably started by');
  });

  test('does not name one command for containers that two may have started', () => {
    const other = commandAt('shop/web:ci/test.sh:2', { image: ['base:', '$N'] });
    const { summaries, verdict } = report([some(3, 'base:7')], [BASE, other]);

    expect(summaries[0]).toMatch(
      /; all 3 were started by shop\/api:ci\/Jenkinsfile:14, stage test or shop\/web:ci\/test\.sh:2$/,
    );
    expect(verdict).not.toMatch('started by');
  });

  test('of many commands that may have started them, names one', () => {
    const many = [1, 2, 3, 4].map((line) => commandAt(`shop/web:x.sh:${line}`, { image: ['base:', '$N'] }));

    expect(report([some(3, 'base:7')], many).summaries[0]).toMatch(
      /; all 3 were started by one of 4 commands, such as shop\/web:x\.sh:1$/,
    );
  });

  test('names no command for less than half of the containers, but the evidence does', () => {
    const { summaries, verdict, evidence, next } = report(
      [[...some(1, 'base:7'), leftover('debug-1', old), leftover('debug-2', old)]],
      [BASE],
    );

    expect(summaries[0]).not.toMatch('started by shop');
    expect(verdict).not.toMatch('started by shop');
    expect(evidence[1]).toMatchObject({
      rows: [
        ['shop/api:ci/Jenkinsfile:14, stage test', '1', '1,000', 'image'],
        ['no known command', '2', '', ''],
      ],
    });
    expect(next[0]).toEqual([{ check: 'ci/docker-run', args: { repository: 'shop/api' } }]);
  });

  test('cuts a long stage', () => {
    const long = commandAt('a/b:Jenkinsfile:1', { image: ['base:', '$N'], stage: 'x'.repeat(500) });

    expect(report([some(3, 'base:7')], [long]).verdict.length).toBeLessThan(250);
  });
});

describe('the verdict', () => {
  test.each([
    [[some(2, 'base:7')], '; all containers were started by shop/api:ci/Jenkinsfile:14, stage test'],
    [[some(1, 'base:7')], '; the container was started by shop/api:ci/Jenkinsfile:14, stage test'],
    [
      [some(2, 'base:7'), some(1, 'base:8')],
      '; all 3 stopped containers were started by shop/api:ci/Jenkinsfile:14, stage test',
    ],
    [
      [some(2, 'base:7'), some(1, 'other:8')],
      '; 2 of 3 stopped containers were started by shop/api:ci/Jenkinsfile:14, stage test',
    ],
  ])('names the command of most containers', (leftovers, words) => {
    expect(report(leftovers, [BASE]).verdict.slice(-words.length)).toBe(words);
  });
});

describe('without pipelines', () => {
  test('nothing is said about them', () => {
    const { findings, verdict } = diagnose(hellGotLoose.facts, ARGS, hellGotLoose.now);

    expect(JSON.stringify([verdict, findings])).not.toMatch(/started by|Matched by|ci\/docker-run/);
  });

  test.each([
    ['no command', []],
    ['a command with another image', [commandAt('a/b:x.sh:1', { image: ['other:', '$N'] })]],
    [
      'a command on another machine',
      [commandAt('a/b:x.sh:1', { image: ['base:', '$N'], remote: 'deploy@edge-1' })],
    ],
    [
      'a command on a discarded machine',
      [commandAt('a/b:x.sh:1', { image: ['base:', '$N'], isOnDiscardedMachine: true as const })],
    ],
  ])('that match, nothing is said: %s', (_, commands) => {
    const { verdict, summaries, next } = report([some(3, 'base:7')], commands);

    expect([verdict, ...summaries].join(' ')).not.toMatch('started by');
    expect(next).toEqual([undefined]);
  });

  test('what else is left over stays as it is', () => {
    const facts = withPipelines(cacheOfABuildHost.facts, [BASE]);

    expect(diagnose(facts, ARGS, now)).toEqual(diagnose(cacheOfABuildHost.facts, ARGS, now));
  });
});

test('a command that is given to ssh explains containers of its machine', () => {
  const remote = commandAt('a/b:x.sh:1', { image: ['base:', '$N'], remote: 'deploy@node-7.example.com' });
  const node = { cluster: 'ci', name: 'node-7.example.com', by: 'name' };

  expect(report([some(3, 'base:7')], [remote], { engine: { node } }).summaries[0]).toMatch(
    'all 3 were started by a/b:x.sh:1, on deploy@node-7.example.com',
  );
});

test('of many repositories, the next check is for all', () => {
  const commands = ['a/a', 'b/b', 'c/c'].map((repository) =>
    commandAt(`${repository}:x.sh:1`, { image: ['base:', '$N'] }),
  );

  expect(report([some(3, 'base:7')], commands).next).toEqual([[{ check: 'ci/docker-run', args: {} }]]);
});

test('a secret in a command is shown nowhere', async () => {
  const secret = 'canary-41';
  const files: readonly ports.PipelineFile[] = [
    {
      repository: 'shop/api',
      path: 'ci/test.sh',
      kind: 'shell',
      content: `#!/bin/sh\ndocker run -e DB_PASSWORD=${secret} --label token=${secret} base:$N ./test\n`,
    },
  ];
  const { commands } = await readCommands([pipelineSource({ files })], {
    signal: new AbortController().signal,
    withinMs: 60_000,
  });
  const { verdict, findings } = report([some(3, 'base:7', { labels: { token: secret } })], commands);

  expect(verdict).toMatch('all containers were started by shop/api:ci/test.sh:2');
  expect(JSON.stringify([verdict, findings])).not.toContain(secret);
});
