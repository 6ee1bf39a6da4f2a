import { expect, test } from 'vitest';
import { lineAt, numberedLines } from '../fixture-lines.ts';
import { githubActionScripts } from './github-action-scripts.ts';
import { githubWorkflowScripts } from './github-workflow-scripts.ts';

// https://github.com/dhis2/dhis2-core/issues/22826 (containers that stay on runners of one's own), https://github.com/apache/airflow/issues/14349
const MATRIX = `name: docker run everything
on: [push]
env:
  COMMON: --rm --network host
jobs:
  hosted:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - name: docker run the linter
        run: docker run -v \${{ github.workspace }}:/w lint:\${{ matrix.lint || 'v2' }} /w
  own:
    runs-on: [self-hosted, linux]
    strategy:
      matrix:
        image: ['node:20', 'node:22']
        include:
          - image: node:24
            opts: --rm
    container: docker:27-cli
    services:
      db: { image: 'postgres:16' }
    steps:
      - run: docker run \${{ env.COMMON }} \${{ matrix.image }} \${{ matrix.opts }}
      - run: |
          docker run -d --name stub-\${{ github.run_id }} stub:1
      - if: \${{ always() }}
        run: docker rm -f stub-\${{ github.run_id }}
      - shell: pwsh
        run: docker run --rm powershell
`;

test('only steps with a shell are scripts, at their lines', () => {
  const found = githubWorkflowScripts(MATRIX);
  expect(found.problems).toEqual([]);
  expect(numberedLines(MATRIX, found)).toEqual([
    '11 docker run -v ${__github_workspace_1}:/w lint:${__matrix_lint_v2_2} /w',
    '24 docker run ${__env_COMMON_3} ${__matrix_image_4} ${__matrix_opts_5}',
    '26 docker run -d --name stub-${__github_run_id_6} stub:1',
    '28 docker rm -f stub-${__github_run_id_6}',
  ]);
  expect(found.scripts.map(({ job, phase, machine }) => [job, phase, machine])).toEqual([
    ['hosted', 'main', 'discarded'],
    ['own', 'main', 'kept'],
    ['own', 'main', 'kept'],
    ['own', 'always', 'kept'],
  ]);
});

test('expressions have the values of the environment and of all rows of the matrix', () => {
  const [hosted, own] = githubWorkflowScripts(MATRIX).scripts;
  expect([...hosted!.variables.values()]).toEqual([
    { values: ['--rm --network host'] },
    { values: [undefined], shown: '${{ github.workspace }}' },
    { values: [undefined, 'v2'], shown: "${{ matrix.lint || 'v2' }}" },
  ]);
  expect([...own!.variables.values()]).toEqual([
    { values: ['--rm --network host'] },
    { values: ['--rm --network host'], shown: '${{ env.COMMON }}' },
    { values: ['node:20', 'node:22', 'node:24'], shown: '${{ matrix.image }}' },
    { values: [undefined, '--rm'], shown: '${{ matrix.opts }}' },
  ]);
});

function jobOf(lines: string): string {
  return `jobs:\n  a:\n    ${lines}\n    steps:\n      - run: docker run x\n`;
}

test.each([
  ['runs-on: ubuntu-latest', 'discarded'],
  ['runs-on: macos-15-xlarge', 'discarded'],
  ['runs-on: [windows-2022]\n    defaults: { run: { shell: bash } }', 'discarded'],
  [
    'runs-on: ${{ matrix.os }}\n    strategy: { matrix: { os: [ubuntu-22.04, ubuntu-24.04-arm] } }',
    'discarded',
  ],
  ['runs-on: ${{ matrix.os }}\n    strategy: { matrix: { os: [ubuntu-22.04, self-hosted] } }', 'kept'],
  ['runs-on: ${{ matrix.os }}\n    strategy: { matrix: { os: [[self-hosted, arm], ubuntu-22.04] } }', 'kept'],
  ['runs-on: ${{ matrix.os }}\n    strategy: { matrix: { include: [{ os: ubuntu-22.04 }] } }', 'discarded'],
  ['runs-on: self-hosted', 'kept'],
  ['runs-on: [self-hosted, ubuntu-latest]', 'kept'],
  ['runs-on: build-farm', 'kept'],
  ['runs-on: { group: big, labels: [gpu] }', 'kept'],
  ['runs-on: { group: big }', 'unknown'],
  ['runs-on: ubuntu-latest-16-cores', 'unknown'],
  ['runs-on: depot-ubuntu-24.04', 'unknown'],
  ['runs-on: ${{ inputs.runner }}', 'unknown'],
  ["runs-on: ${{ github.event_name == 'push' && 'self-hosted' || 'ubuntu-latest' }}", 'unknown'],
  ['runs-on: ${{ fromJSON(needs.a.outputs.x) }}', 'unknown'],
])('the machine of %j is %s', (lines, machine) => {
  expect(githubWorkflowScripts(jobOf(lines)).scripts.map((script) => script.machine)).toEqual([machine]);
});

test.each([
  ['shell: bash', true],
  ['shell: sh', true],
  ['shell: bash -l {0}', false],
  ['shell: bash -el {0}', true],
  ['shell: /usr/bin/bash --noprofile -eo pipefail {0}', true],
])('a script with %j exits at the first failure: %s', (shell, exits) => {
  const content = `jobs:\n  a:\n    runs-on: x\n    steps:\n      - ${shell}\n        run: docker run x\n`;
  expect(githubWorkflowScripts(content).scripts.map(({ exitsOnError }) => exitsOnError)).toEqual([exits]);
});

test.each([
  ['runs-on: windows-latest'],
  ['runs-on: ubuntu-latest\n    defaults: { run: { shell: pwsh } }'],
  ['runs-on: ubuntu-latest\n    defaults:\n      run:\n        shell: python'],
])('a start in another language is a problem: %j', (lines) => {
  const content = jobOf(lines);
  const { scripts, problems } = githubWorkflowScripts(content);
  expect(scripts).toEqual([]);
  expect(problems.map(({ at }) => content.slice(at, at + 12))).toEqual(['docker run x']);
});

test.each([
  ['always()', 'always'],
  ['${{ always() }}', 'always'],
  ['failure()', 'failure'],
  ['cancelled()', 'failure'],
  ['!cancelled()', 'success'],
  ['success() || failure()', 'success'],
  ["always() && github.ref == 'x'", 'success'],
  ["github.ref == 'x'", 'main'],
  ['success()', 'main'],
])('a step with %j runs in phase %s', (condition, phase) => {
  const content = `jobs:\n  a:\n    runs-on: x\n    steps:\n      - run: docker run -d --name x x\n      - if: "${condition}"\n        run: docker rm -f x\n`;
  expect(githubWorkflowScripts(content).scripts.map((script) => script.phase)).toEqual(['main', phase]);
});

test('a removal under the condition of what it removes runs in any case in which that does', () => {
  const content = `jobs:
  a:
    runs-on: self-hosted
    steps:
      - if: matrix.db == 'pg'
        run: docker run -d --name pg postgres
      - run: make test
      - if: always() && matrix.db == 'pg'
        run: docker rm -f pg
`;
  expect(githubWorkflowScripts(content).scripts.at(-1)?.phase).toBe('always');
});

test('a script that is a value of the matrix stands where it is written', () => {
  const content = `jobs:
  a:
    runs-on: self-hosted
    strategy:
      matrix:
        command:
          - docker run a
          - docker run --rm b
    steps:
      - run: \${{ matrix.command }}
`;
  expect(numberedLines(content, githubWorkflowScripts(content))).toEqual([
    '7 docker run a',
    '8 docker run --rm b',
  ]);
});

test('a variable that a step changes for later ones is not known', () => {
  const content = `env: { OPTS: --rm }
jobs:
  a:
    runs-on: x
    steps:
      - run: echo "OPTS=-d" >> "$GITHUB_ENV"
      - run: docker run $OPTS x
`;
  const [, second] = githubWorkflowScripts(content).scripts;
  expect(second?.variables.get('OPTS')?.values).toEqual(['--rm', undefined]);
});

test('the innermost variable applies', () => {
  const content = `env: { A: w, B: w }
jobs:
  a:
    runs-on: x
    env: { A: j, B: 'x \${{ env.A }} y' }
    steps:
      - env: { A: s }
        run: docker run x
`;
  const [script] = githubWorkflowScripts(content).scripts;
  expect([script?.variables.get('A')?.values, script?.variables.get('B')?.values]).toEqual([
    ['s'],
    ['x s y'],
  ]);
});

test('a step that may fail is known as such', () => {
  const content =
    'jobs:\n  a:\n    runs-on: x\n    steps:\n      - run: docker run x\n        continue-on-error: true\n';
  expect(githubWorkflowScripts(content).scripts[0]?.isFailureIgnored).toBe(true);
});

test.each(['on: push\n', 'jobs: []\n', 'jobs:\n  a:\n    uses: ./.github/workflows/x.yml\n', '', 'text\n'])(
  'nothing to run is no problem: %j',
  (content) => {
    expect(githubWorkflowScripts(content)).toEqual({ scripts: [], problems: [] });
  },
);

test('a composite action has scripts, of which the machine is unknown', () => {
  const content = `inputs:
  args: { default: '' }
  mode: { type: choice, options: [a, b] }
runs:
  using: composite
  steps:
    - shell: bash
      run: |
        docker run \${{ inputs.args }} \${{ inputs.mode }} x
    - shell: pwsh
      run: Get-Date
`;
  const found = githubActionScripts(content);
  expect(numberedLines(content, found)).toEqual(['9 docker run ${__inputs_args_1} ${__inputs_mode_2} x']);
  const [script] = found.scripts;
  expect([script?.machine, script?.job]).toEqual(['unknown', undefined]);
  expect([...script!.variables.values()].map(({ values }) => values)).toEqual([
    ['', undefined],
    ['a', 'b'],
  ]);
});

test('an action in JavaScript or of an image has no scripts', () => {
  expect(
    githubActionScripts('runs: { using: docker, image: Dockerfile, args: [docker run x] }\n').scripts,
  ).toEqual([]);
});

test('the place of an expression is its own', () => {
  const { scripts } = githubWorkflowScripts(MATRIX);
  const [{ text, pieces } = { text: '', pieces: [] }] = scripts;
  const piece = pieces.find((one) => one.text === text.indexOf('${__matrix_lint'));
  expect([piece?.inserted?.length, lineAt(MATRIX, piece?.file ?? 0)]).toEqual([26, 11]);
  expect(MATRIX.slice(piece?.file)).toMatch(/^\$\{\{ matrix\.lint/);
});
