import { expect, test } from 'vitest';
import { lineAt, numberedLines, linesOfScript } from '../fixture-lines.ts';
import { offsetInFile, pieceAt, type Script, type ScriptsInFile } from '../script.ts';
import { gitlabScripts } from './gitlab-scripts.ts';

function read(content: string, others: Readonly<Record<string, string>> = {}, path = '.gitlab-ci.yml') {
  return gitlabScripts(content, { path, others: new Map(Object.entries(others)) });
}

function scriptsOf({ scripts }: ScriptsInFile, job: string): readonly Script[] {
  return scripts.filter((script) => script.job === job);
}

// https://github.com/renovatebot/renovate/issues/9162 and https://github.com/SublimeText/YamlPipelines/issues/18 (parsers that stop at `!reference`),
// https://github.com/docker/cli/issues/5435 (`--rm=false`)
const SHARED = `stages: [test]
default:
  before_script:
    - docker info
.cleanup:
  after_script:
    - docker rm -f "db-$CI_JOB_ID" || true
.lint: &lint
  stage: test
  script:
    - docker run lint:1
first:
  <<: *lint
second:
  <<: *lint
  tags: [big]
both:
  stage: test
  script:
    - !reference [.lint, script]
    - - echo nested
      - docker run -d --name "db-$CI_JOB_ID" db:1
    - |
      for i in 1 2; do
        docker run probe:1
      done
  after_script:
    - !reference [.cleanup, after_script]
folded:
  script:
    - >
      docker run
      --rm=false
      tool:1
    - >-
      docker run
      --rm
      tool:2
`;

test('anchors, references, nested lists and folded text keep their lines', () => {
  const found = read(SHARED);
  expect(found.problems).toEqual([]);
  expect(scriptsOf(found, 'both').map((script) => linesOfScript(SHARED, script))).toEqual([
    [
      '4 docker info',
      '11 docker run lint:1',
      '21 echo nested',
      '22 docker run -d --name "db-$CI_JOB_ID" db:1',
      '24 for i in 1 2; do',
      '25 docker run probe:1',
      '26 done',
    ],
    ['7 docker rm -f "db-$CI_JOB_ID" || true'],
  ]);
  expect(numberedLines(SHARED, { scripts: scriptsOf(found, 'folded') })).toEqual([
    '4 docker info',
    '32 docker run --rm=false tool:1',
    '36 docker run --rm tool:2',
  ]);
  expect(scriptsOf(found, 'second').map(({ stage, machine, phase }) => [stage, machine, phase])).toEqual([
    ['test', 'kept', 'main'],
  ]);
});

test('the option in a folded command has its own line', () => {
  const [script] = scriptsOf(read(SHARED), 'folded');
  const at = offsetInFile(script!.pieces, script!.text.indexOf('--rm=false'));
  expect([lineAt(SHARED, at), SHARED.slice(at, at + 10)]).toEqual([33, '--rm=false']);
});

test('hidden jobs are read with the jobs that use them, and on their own if none does', () => {
  const found = read(SHARED);
  expect(found.scripts.map(({ scope }) => scope)).not.toContain('.lint');
  const unused = '.tool:\n  script: docker run tool:1\n';
  expect(numberedLines(unused, read(unused))).toEqual(['2 docker run tool:1']);
});

test('what runs after a job that extends a hidden one runs after its commands', () => {
  const content = `.start:
  before_script:
    - docker run -d --name db db:1
.most:
  extends: .start
  after_script: docker rm -f db
unit:
  extends: [.most]
  script: make test
`;
  expect(read(content).scripts.map((script) => [script.phase, ...linesOfScript(content, script)])).toEqual([
    ['main', '3 docker run -d --name db db:1', '9 make test'],
    ['always', '6 docker rm -f db'],
  ]);
});

test.each([
  ['a text', 'a:\n  script: docker run x\n', ['2 docker run x']],
  [
    'a list in brackets',
    "a:\n  script: [\"docker run x\", 'echo it''s']\n",
    ['2 docker run x', "2 echo it's"],
  ],
  ['an alias of a list', '.x: &x\n  - docker run x\na:\n  script: *x\n', ['2 docker run x']],
  [
    'an alias within a list',
    '.x: &x\n  - docker run x\na:\n  script:\n    - *x\n    - b\n',
    ['2 docker run x', '6 b'],
  ],
  [
    'a merged list of maps',
    '.x: &x { script: docker run x }\n.y: &y { stage: s }\na:\n  <<: [*x, *y]\n',
    ['1 docker run x'],
  ],
  [
    'Windows line breaks',
    'a:\r\n  script:\r\n    - |\r\n      echo 1\r\n      docker run x\r\n',
    ['4 echo 1', '5 docker run x'],
  ],
  ['an unknown tag', 'a:\n  script: !vault docker run x\n', ['2 docker run x']],
  ['the last of two equal keys', 'a:\n  script: echo\n  script: docker run x\n', ['3 docker run x']],
  ['a header of inputs', 'spec:\n  inputs:\n    x:\n---\na:\n  script: docker run x\n', ['6 docker run x']],
  ['steps', 'a:\n  run:\n    - name: s\n      script: docker run x\n', ['4 docker run x']],
  ['a hook', 'a:\n  hooks:\n    pre_get_sources_script: docker run x\n', ['3 docker run x']],
  [
    'no commands of others',
    'a:\n  variables: { X: docker run x }\n  artifacts: { paths: [docker run x] }\n  script: echo\n',
    ['4 echo'],
  ],
  [
    'an empty list instead of the default',
    'before_script: [docker run y]\na:\n  before_script: []\n  script: docker run x\n',
    ['4 docker run x'],
  ],
  [
    'defaults that are not inherited',
    'default: { before_script: [docker run y] }\na:\n  inherit: { default: false }\n  script: docker run x\n',
    ['4 docker run x'],
  ],
])('reads %s', (_what, content, lines) => {
  const found = read(content);
  expect(numberedLines(content, found)).toEqual(lines);
  expect(found.problems).toEqual([]);
});

test.each([
  ['services: [docker:dind]\na: { script: x }\n', 'discarded'],
  [
    'a:\n  services:\n    - name: $CI_REGISTRY/docker:27-dind\n      alias: docker\n  script: x\n',
    'discarded',
  ],
  ['default: { services: [docker:27.1-dind] }\na: { script: x }\n', 'discarded'],
  ['a: { script: x, tags: [saas-linux-small-amd64] }\n', 'discarded'],
  ['services: [postgres:16]\na: { script: x }\n', 'kept'],
  ['services: [docker:dind]\na: { script: x, services: [] }\n', 'kept'],
  ['a: { script: x, image: docker:27-cli }\n', 'kept'],
])('the daemon of %j is %s', (content, machine) => {
  expect(read(content).scripts.map((script) => script.machine)).toEqual([machine]);
});

test('variables come from the file, its rules and its matrix', () => {
  const [script] = read(`variables:
  OPTS: --rm
  IMAGE: { value: tool:1, description: which }
  ALL: $OPTS -v $CI_PROJECT_DIR:/src
  MORE: $OPTS $UNSET
a:
  variables: { IMAGE: tool:2 }
  rules:
    - variables: { OPTS: '' }
  parallel:
    matrix:
      - SUITE: [unit, e2e]
  script: docker run $OPTS $IMAGE
`).scripts;
  expect(Object.fromEntries([...script!.variables].map(([name, { values }]) => [name, values]))).toEqual({
    OPTS: ['--rm', ''],
    IMAGE: ['tool:2'],
    // Rules may replace what it consists of.
    ALL: [undefined],
    MORE: [undefined],
    SUITE: ['unit', 'e2e'],
  });
});

test('a value of known variables and of such within words is known', () => {
  const [script] = read(
    'variables: { A: --rm, B: $A -v $CI_PROJECT_DIR:/x $$, C: $C }\na: { script: x }\n',
  ).scripts;
  expect(script?.variables.get('B')?.values).toEqual(['--rm -v $CI_PROJECT_DIR:/x $']);
  expect(script?.variables.get('C')?.values).toEqual([undefined]);
});

test('inputs and templates are variables', () => {
  const content = `spec:
  inputs:
    opts: { default: --rm }
    image: { options: ['a:1', 'a:2'] }
---
a:
  script: docker run $[[ inputs.opts ]] $[[ inputs.image ]] {{ cookiecutter.args }} $[[ inputs.opts ]]
`;
  const [script] = read(content).scripts;
  expect(script?.text).toBe(
    'docker run ${__inputs_opts_1} ${__inputs_image_2} ${__cookiecutter_args_3} ${__inputs_opts_1}',
  );
  expect([...script!.variables.values()]).toEqual([
    { values: ['--rm', undefined], shown: '$[[ inputs.opts ]]' },
    { values: ['a:1', 'a:2'], shown: '$[[ inputs.image ]]' },
    { values: [undefined], shown: '{{ cookiecutter.args }}' },
  ]);
});

test("a format of Docker's own is no template", () => {
  const [script] = read("a:\n  script: docker ps --format '{{.ID}}'\n").scripts;
  expect(script?.text).toBe("docker ps --format '{{.ID}}'");
});

const INCLUDED = `.start:
  before_script:
    - docker run -d --name db db:1
.stop:
  after_script: [docker rm -f db]
`;
const INCLUDING = `include:
  - local: /ci/parts.yml
  - project: other/templates
    file: x.yml
variables: { OPTS: --rm }
unit:
  extends: .start
  script: docker run $OPTS unit:1
  after_script:
    - !reference [.stop, after_script]
`;

test('commands of an included file are inserted, and belong to that file', () => {
  const { scripts, problems } = read(INCLUDING, { 'ci/parts.yml': INCLUDED });
  expect(problems).toEqual([]);
  const [main, after] = scripts;
  expect(main?.text).toBe('docker run -d --name db db:1\ndocker run $OPTS unit:1');
  const paths = (script: Script, part: string) =>
    pieceAt(script.pieces, script.text.indexOf(part))?.inserted?.path;
  expect([
    paths(main!, 'docker run -d'),
    paths(main!, 'docker run $OPTS'),
    paths(after!, 'docker rm'),
  ]).toEqual(['ci/parts.yml', undefined, 'ci/parts.yml']);
  expect(linesOfScript(INCLUDING, main!).at(-1)).toBe('8 docker run $OPTS unit:1');
});

test('an included file is read with the jobs that its includer makes of it', () => {
  const { scripts, problems } = read(INCLUDED, { '.gitlab-ci.yml': INCLUDING }, 'ci/parts.yml');
  expect(problems).toEqual([]);
  expect(scripts.map(({ job, phase }) => [job, phase])).toEqual([
    ['unit', 'main'],
    ['unit', 'always'],
  ]);
  expect(linesOfScript(INCLUDED, scripts[0]!)[0]).toBe('3 docker run -d --name db db:1');
  expect(scripts[0]?.variables.get('OPTS')?.values).toEqual(['--rm']);
});

test.each(['/ci/*.yml', 'ci/**/*.yml', '**.yml', 'ci/parts.yml'])('includes %s', (path) => {
  const content = `include: '${path}'\na:\n  extends: .start\n  script: x\n`;
  expect(read(content, { 'ci/parts.yml': INCLUDED }).problems).toEqual([]);
  expect(read(content, { 'ci/parts.yml': INCLUDED }).scripts[0]?.text).toContain('docker run -d');
});

test.each([
  [
    'a job that extends another repository',
    'include: { project: x/y }\na:\n  extends: .far\n  script: x\n',
    3,
  ],
  ['a reference into another repository', 'a:\n  script:\n    - !reference [.far, script]\n', 3],
  ['a missing local file that a job needs', 'include: /gone.yml\na: { extends: .far, script: x }\n', 2],
  ['an anchor that does not exist', 'a:\n  script: *gone\n', 2],
  ['a template instead of a command', 'a:\n  script:\n    - {{ commands }}\n', 3],
  ['a template around lines', 'a:\n  script:\n{% if x %}\n    - docker run x\n{% endif %}\n', 3],
])('%s is a problem', (_what, content, line) => {
  const { problems } = read(content);
  expect(problems.map(({ at }) => lineAt(content, at))).toContain(line);
});

test.each([
  ['include: { project: x/y, file: z.yml }\na: { script: x }\n'],
  ['include: /gone.yml\na: { script: x }\n'],
  ['a: { trigger: { include: other.yml } }\n'],
  ['include: https://example.com/x.yml\na: { script: x }\n'],
  ['a: { trigger: group/project }\nb: { script: x }\n'],
])('what no command needs is no problem: %j', (content) => {
  expect(read(content).problems).toEqual([]);
});

test('jobs that extend one another in a circle are read', () => {
  const content =
    'a: { extends: b, script: x }\nb: { extends: a }\nc: { script: [!reference [c, script]] }\n';
  const { scripts, problems } = read(content);
  expect(scripts.map(({ job }) => job)).toContain('a');
  expect(problems).not.toEqual([]);
});

// https://github.com/inverse-inc/packetfence/issues/8766
test('a command over several lines is one command, and names are no commands', () => {
  const content = `image: docker:27-cli
stages: [docker run]
.run: &run
  - docker run --rm
    -v "$PWD:/w"
    $TOOL lint
lint:
  stage: docker run
  script: *run
next:
  script:
    - 'echo "next: docker run $TOOL"'   # docker run comes later
  artifacts: { paths: [docker run.log] }
`;
  expect(numberedLines(content, read(content))).toEqual([
    '4 docker run --rm -v "$PWD:/w" $TOOL lint',
    '12 echo "next: docker run $TOOL"',
  ]);
});
