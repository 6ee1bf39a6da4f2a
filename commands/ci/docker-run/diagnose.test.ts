import { describe, expect, test } from 'vitest';
import { factsOf, fixableLeak, leak, repositoryFacts } from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { Facts, PlacedLeak, RepositoryFacts } from './facts.ts';
import { abortedBuilds, alreadyProposed, fivePerRun, nodesFillUp } from './stories.ts';

const ALL = { severity: 'info' } as const;

function report(facts: Facts, args: Parameters<typeof diagnose>[1] = ALL) {
  const { verdict, findings } = diagnose(facts, args);
  return [verdict, ...findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`)];
}

test.each([
  [
    nodesFillUp,
    [
      '1 of 7 pipeline commands leaves its container behind: shop/orders Jenkinsfile:3',
      'warning container-left-behind shop/orders:Jenkinsfile',
    ],
  ],
  [
    abortedBuilds,
    [
      '1 of 3 pipeline commands leaves its container behind: external/test.sh:1',
      'warning container-left-after-failure adoptium/aqa-tests:external/test.sh',
    ],
  ],
  [
    fivePerRun,
    [
      '2 of 2 pipeline commands leave containers behind: Makefile:3 and 1 other',
      'warning container-left-behind /srv/checkouts/govuk-docker:Makefile',
    ],
  ],
  [
    alreadyProposed,
    [
      '1 of 12 pipeline commands leaves its container behind: .github/workflows/e2e.yml:5',
      'warning container-left-behind dhis2/dhis2-core:.github/workflows/e2e.yml',
      'info container-left-on-discarded-machine dhis2/dhis2-core:.github/workflows/lint.yml',
    ],
  ],
])('$title', ({ facts }, expected) => {
  expect(report(facts)).toEqual(expected);
});

const SCRIPT = 'docker run a\ndocker run b\ndocker run c\n';
const at = (line: number, known: Partial<PlacedLeak> = {}) =>
  fixableLeak(SCRIPT, { path: 'ci/test.sh', line, ...known });
const api = (leaks: readonly PlacedLeak[], known: Partial<RepositoryFacts> = {}) =>
  repositoryFacts({ leaks, contents: { 'ci/test.sh': SCRIPT }, ...known });

describe('what is found', () => {
  test('each file and reason is one finding with all its places', () => {
    const { findings } = diagnose(factsOf(api([at(1), at(3), at(2, { reason: 'running' })])), ALL);

    expect(findings).toMatchObject([
      { reason: 'container-left-running', targets: ['shop/api:ci/test.sh:2'] },
      {
        reason: 'container-left-behind',
        targets: ['shop/api:ci/test.sh:1', 'shop/api:ci/test.sh:3'],
        areTargetsReplaced: true,
        summary: 'shop/api:ci/test.sh starts 2 containers that nothing removes: add `--rm`',
      },
    ]);
  });

  test('two commands in one line are two places of one target', () => {
    const [finding] = diagnose(factsOf(api([at(1), at(1, { column: 20 })])), ALL).findings;

    expect(finding?.targets).toEqual(['shop/api:ci/test.sh:1']);
    expect(finding?.locations?.map(({ column }) => column)).toEqual([1, 20]);
  });

  test('a place has its correction, in the line where it belongs', () => {
    const [finding] = diagnose(factsOf(api([at(2)])), ALL).findings;

    expect(finding?.locations).toEqual([
      {
        target: 'shop/api:ci/test.sh:2',
        path: 'ci/test.sh',
        line: 2,
        column: 1,
        message: '`docker run b`: without `--rm`, the container stays after it exits',
        replacement: { line: 2, column: 11, deletes: 0, inserts: ' --rm', corrected: 'docker run --rm b' },
      },
    ]);
  });

  test.each([
    ['left', 'container-left-on-discarded-machine'],
    ['running', 'container-left-on-discarded-machine'],
    ['removed-on-success', 'container-may-be-left'],
    ['removed-sometimes', 'container-may-be-left'],
    ['removed', 'container-removed-elsewhere'],
    ['long-lived', 'container-meant-to-stay'],
  ] as const)('%s is only worth knowing where it does no harm: %s', (reason, expected) => {
    const facts = factsOf(api([leak({ path: 'a.sh', line: 1, reason, severity: 'info' })]));

    expect(diagnose(facts, ALL).findings).toMatchObject([{ reason: expected, severity: 'info' }]);
  });

  test.each([
    ['left', 'container-left-behind', 'starts a container that nothing removes'],
    ['running', 'container-left-running', 'starts a container that nothing stops or removes'],
    ['removed-on-success', 'container-left-after-failure', 'removes a container only if nothing fails'],
    ['removed-sometimes', 'container-removed-sometimes', 'removes a container only under a condition'],
  ] as const)('%s is a warning where the machine stays: %s', (reason, expected, words) => {
    const facts = factsOf(api([leak({ path: 'a.sh', line: 1, reason })]));

    expect(diagnose(facts, ALL).findings).toMatchObject([
      { reason: expected, severity: 'warning', summary: `shop/api:a.sh ${words}` },
    ]);
  });

  test('a warning and an info of one reason are two findings', () => {
    const { findings } = diagnose(factsOf(api([at(1), at(2, { severity: 'info' })])), ALL);

    expect(findings.map(({ severity }) => severity)).toEqual(['warning', 'info']);
    expect(new Set(findings.map(({ reason }) => reason)).size).toBe(2);
  });

  test('findings do not depend on the order of repositories of one severity, and warnings come first', () => {
    const info = repositoryFacts({
      repository: 'a/a',
      leaks: [leak({ path: 'x.sh', line: 1, severity: 'info' })],
    });

    expect(report(factsOf(info, api([at(1)])))[1]).toBe('warning container-left-behind shop/api:ci/test.sh');
  });

  test('a secret in a command is not shown anywhere', () => {
    const script = 'docker run -e DB_PASSWORD=canary-41 app\n';
    const facts = factsOf(
      api([fixableLeak(script, { path: 'ci/db.sh', line: 1 })], {
        leakingFiles: new Map([['ci/db.sh', { content: script }]]),
        proposing: { allowed: false, because: 'not allowed' },
      }),
    );

    expect(JSON.stringify(diagnose(facts, ALL))).not.toContain('canary-41');
  });
});

describe('the verdict', () => {
  test('counts files and commands if nothing is found', () => {
    expect(report(factsOf(api([])))).toEqual([
      'Found no command that leaves a container behind among 12 that start one, in 4 pipeline files',
    ]);
    expect(report(factsOf(api([], { starts: 0, files: 1 })))).toEqual([
      'No command starts a container in 1 pipeline file',
    ]);
  });

  test('does not count commands that it was not asked about', () => {
    const { starts: _, ...some } = api([at(1)]);

    expect(report(factsOf(some))[0]).toBe('1 command leaves its container behind: ci/test.sh:1');
  });

  test('says what is not listed', () => {
    const facts = factsOf(api([leak({ path: 'a.sh', line: 1, severity: 'info' })]));

    expect(report(facts, { severity: 'warning' })).toEqual([
      "No warnings in 4 pipeline files; 1 command of severity info isn't listed",
    ]);
  });

  test.each([
    ['removed', '1 of 12 pipeline commands relies on another one to remove its container: a.sh:1'],
    ['left', '1 of 12 pipeline commands leaves its container on a machine that is discarded: a.sh:1'],
    ['long-lived', '1 of 12 pipeline commands starts a container that stays: a.sh:1'],
  ] as const)('of what is only worth knowing, says that: %s', (reason, expected) => {
    const facts = factsOf(api([leak({ path: 'a.sh', line: 1, reason, severity: 'info' })]));

    expect(report(facts)[0]).toBe(expected);
  });

  test('stays one line for hundreds of files', () => {
    const leaks = Array.from({ length: 500 }, (_, index) => leak({ path: `ci/${index}.sh`, line: 7 }));

    expect(report(factsOf(api(leaks, { starts: 900 })))[0]).toBe(
      '500 of 900 pipeline commands leave containers behind: ci/0.sh:7 and 499 others',
    );
  });
});

describe('the fix', () => {
  const offersIn = (...repositories: readonly RepositoryFacts[]) =>
    diagnose(factsOf(...repositories), ALL).findings.map(({ offers = [] }) => offers);
  const noted = (repository: RepositoryFacts) =>
    diagnose(factsOf(repository), ALL)
      .findings.flatMap(({ evidence = [] }) => evidence)
      .filter((one) => one.kind === 'field')
      .map(({ value }) => value);
  const diffsIn = (repository: RepositoryFacts) =>
    diagnose(factsOf(repository), ALL)
      .findings.flatMap(({ evidence = [] }) => evidence)
      .flatMap((one) => (one.kind === 'log' ? [one.lines] : []));

  test('is offered once for each repository, with its first finding', () => {
    const web = repositoryFacts({ ...api([at(1)]), repository: 'shop/web', name: 'shop/web' });

    expect(offersIn(api([at(1, { reason: 'running' }), at(2)]), web)).toEqual([
      [
        {
          remediation: 'propose-fix',
          params: { source: 'github', repository: 'shop/api' },
          target: 'shop/api:ci/test.sh',
        },
      ],
      [],
      [expect.objectContaining({ params: { source: 'github', repository: 'shop/web' } })],
    ]);
  });

  test('is only for the files that were asked for', () => {
    const [finding] = diagnose(factsOf(api([at(1)])), { ...ALL, match: 'ci/' }).findings;

    expect(finding?.offers).toMatchObject([{ params: { match: 'ci/' } }]);
  });

  test('its plan has the diff, so the report has none', () => {
    expect(diffsIn(api([at(1)]))).toEqual([]);
  });

  test.each([
    ['not allowed here', { proposing: { allowed: false, because: 'not allowed here' } }],
    [
      'Wrench has already proposed changes: #12 https://git.example/12',
      { proposals: [{ id: '#12', url: 'https://git.example/12', branch: 'wrench/docker-run-1' }] },
    ],
    [
      "ci/test.sh has changes that aren't committed",
      {
        leakingFiles: new Map([
          ['ci/test.sh', { content: SCRIPT, commit: 'c', branch: 'b', isModified: true }],
        ]),
      },
    ],
    [
      "the commit and branch of shop/api aren't known",
      { leakingFiles: new Map([['ci/test.sh', { content: SCRIPT }]]) },
    ],
  ] satisfies (readonly [string, Partial<RepositoryFacts>])[])(
    'is not offered, and the report has the reason and the diff: %s',
    (because, known) => {
      const repository = api([at(2)], known);

      expect(offersIn(repository)).toEqual([[]]);
      expect(noted(repository)).toEqual([`not offered: ${because}`]);
      expect(diffsIn(repository)[0]?.slice(2)).toEqual([
        '@@ -1,3 +1,3 @@',
        ' docker run a',
        '-docker run b',
        '+docker run --rm b',
        ' docker run c',
      ]);
    },
  );

  test('is not offered if open requests could not be read', () => {
    const { proposals: _, ...repository } = api([at(2)]);

    expect(offersIn(repository)).toEqual([[]]);
    expect(noted(repository)).toEqual(["not offered: couldn't read whether a request is open"]);
  });

  test('is never offered where `--rm` is no cure, or does no good', () => {
    const info = at(1, { severity: 'info' });
    const { fix: _, ...advised } = at(2, { advice: 'Remove it in a trap' });

    expect(offersIn(api([info, advised])).flat()).toEqual([]);
    expect(noted(api([info, advised]))).toEqual([]);
  });

  test('open requests are a measure, which proves a new one', () => {
    expect(diagnose(factsOf(api([at(1)])), ALL).measures).toEqual([
      { label: 'requests by Wrench in github:shop/api', value: 0, unit: 'open' },
    ]);
  });
});
