import { expect, test } from 'vitest';
import { lineAt, numberedLines } from './fixture-lines.ts';
import { makeScripts } from './make-scripts.ts';
import { offsetInFile, offsetToEdit } from './script.ts';

// https://github.com/alphagov/govuk-docker/issues/1035 (a command in a variable), https://github.com/projectcontour/contour/issues/1887,
// https://github.com/docker/docker-py/issues/1266
const MAKEFILE = `DOCKER ?= docker
DOCKER_RUN = $(DOCKER) run --rm
COMPOSE := docker compose -f ci/compose.yml
IMAGE ?= site:dev

.PHONY: help test
help: ## docker run inside
\t@echo "make shell    docker run -it $(IMAGE) sh"

# docker run $(IMAGE) was here
test:
\t@$(DOCKER) run -v $$PWD:/w \\
\t  -w /w \\
\t  $(IMAGE) npm test
lint:
\t$(DOCKER_RUN) \${IMAGE} lint
shell:
\t-docker run -it $(IMAGE) sh
docs:
\t@set -e; for d in a b; do \\
\t  docker run -v $$PWD/$$d:/d $(IMAGE) build; \\
\tdone
up: ; $(COMPOSE) run web setup
\t$(COMPOSE) up -d

define SNIPPET
docker run $(IMAGE)
endef
export SNIPPET
`;

test('recipes are scripts with the variables of the file, at their lines', () => {
  const found = makeScripts(MAKEFILE);
  expect(found.problems).toEqual([]);
  expect(numberedLines(MAKEFILE, found)).toEqual([
    '8 echo "make shell    docker run -it site:dev sh"',
    '12 docker run -v $PWD:/w \\',
    '13 -w /w \\',
    '14 site:dev npm test',
    '16 docker run --rm site:dev lint',
    '18 docker run -it site:dev sh',
    '20 set -e; for d in a b; do \\',
    '21 docker run -v $PWD/$d:/d site:dev build; \\',
    '22 done',
    '23 docker compose -f ci/compose.yml run web setup',
    '24 docker compose -f ci/compose.yml up -d',
  ]);
  expect(found.scripts.map(({ job, isFailureIgnored }) => [job, isFailureIgnored === true])).toContainEqual([
    'shell',
    true,
  ]);
  expect(found.scripts[1]?.exitsOnError).toBe(false);
  expect(found.scripts[0]?.variables.get('SNIPPET')?.values).toEqual(['docker run site:dev']);
});

test('line breaks of Windows and another prefix change nothing', () => {
  const windows = MAKEFILE.replaceAll('\n', '\r\n');
  expect(numberedLines(windows, makeScripts(windows))).toEqual(
    numberedLines(MAKEFILE, makeScripts(MAKEFILE)),
  );
  const other = `.RECIPEPREFIX = >\na:\n>docker run x \\\n>  y\n`;
  expect(numberedLines(other, makeScripts(other))).toEqual(['3 docker run x \\', '4 y']);
});

test('a command from a variable is reported where it is used, and changed where it is written', () => {
  const content = 'D = docker\nRUN = $(D) run\na:\n\t$(RUN) x\n';
  const [script] = makeScripts(content).scripts;
  const { text, pieces } = script!;
  expect(text).toBe('docker run x');
  expect(content.slice(offsetInFile(pieces, text.indexOf('docker')))).toMatch(/^\$\(RUN\) x/);
  expect(content.slice(offsetToEdit(pieces, text.indexOf('run')))).toMatch(/^run\na:/);
  expect(content.slice(offsetToEdit(pieces, text.indexOf('docker')))).toMatch(/^docker\n/);
  expect(content.slice(offsetToEdit(pieces, text.indexOf('x')))).toBe('x\n');
});

function textsOf(content: string): readonly string[] {
  return makeScripts(content).scripts.map(({ text }) => text);
}

test.each([
  ['a value that is appended to', 'O = -i\nO += --rm\na:\n\tdocker run $(O) x\n', 'docker run -i --rm x'],
  ['a value with itself', 'O := -i\nO := $(O) --rm\na:\n\tdocker run $(O) x\n', 'docker run -i --rm x'],
  ['a value over lines', 'O = -i \\\n  --rm\na:\n\tdocker run $(O) x\n', 'docker run -i --rm x'],
  ['a value that is already set', 'O = --rm\nO ?= -i\na:\n\tdocker run $(O) x\n', 'docker run --rm x'],
  ['a later value', 'a:\n\tdocker run $(O) x\nO = --rm\n', 'docker run --rm x'],
  ['a comment behind a value', 'O = --rm# why\na:\n\tdocker run $(O) x\n', 'docker run --rm x'],
  [
    'an exported and overridden value',
    'export override O := --rm\na:\n\tdocker run $O x\n',
    'docker run --rm x',
  ],
  ['a quiet variable', 'Q := @\na:\n\t$(Q)docker run x\n', 'docker run x'],
  ['a quiet variable that the command line sets', 'a:\n\t@-$(Q)docker run x\n', 'docker run x'],
  [
    'a canned recipe with arguments',
    'define run\ndocker run $(1) $(2)\nendef\na:\n\t$(call run,--rm,x)\n',
    'docker run --rm x',
  ],
  ['a loop', 'a:\n\t$(foreach d,a b,docker run x $(d);)\n', 'docker run x ${__d_1};'],
  ['a rule in one line', 'a: b; docker run x\n', 'docker run x'],
  ['a rule with two colons', 'a:: b\n\tdocker run x\n', 'docker run x'],
  ['what make leaves alone', 'a:\n\tdocker run $$(pwd) $$$$ x\n', 'docker run $(pwd) $$ x'],
])('expands %s', (_what, content, text) => {
  expect(textsOf(content)).toEqual([text]);
});

test('a canned recipe of several lines is several scripts', () => {
  const content = 'define both\n@docker run a\n-docker run b\nendef\na:\n\t$(both)\n';
  expect(textsOf(content)).toEqual(['docker run a', 'docker run b']);
  expect(makeScripts(content).scripts.map(({ isFailureIgnored }) => isFailureIgnored)).toEqual([
    undefined,
    true,
  ]);
});

test.each([
  ['nothing sets it', '', [undefined]],
  ['one branch sets it', 'ifdef CI\nO = --rm\nendif\n', [undefined, '--rm']],
  ['each branch sets it', 'ifdef CI\nO = --rm\nelse\nO = -i\nendif\n', ['--rm', '-i']],
  ['a default follows', 'ifdef CI\nO = --rm\nendif\nO ?= -i\n', ['--rm', '-i']],
  ['a branch replaces it', 'O = -i\nifeq ($(CI),1)\n  O = --rm\nendif\n', ['-i', '--rm']],
  ['a target sets it', 'O = -i\nb: O = --rm\nb:\n', ['-i', '--rm']],
  ['a shell sets it', 'O != get\n', [undefined]],
])('a variable has its possible values if %s', (_what, head, values) => {
  const { scripts } = makeScripts(`${head}a:\n\tdocker run $(O) x\n`);
  const script = scripts.at(-1)!;
  expect(script.text).toBe('docker run ${__O_1} x');
  expect(script.variables.get('__O_1')).toEqual({ values, shown: '$(O)' });
});

test.each(['$(shell cat opts)', '$(if $(CI),--rm)', '$(O:a=b)', '$@', '$<', '$(or a,b)'])(
  'the value of %s is unknown',
  (reference) => {
    const { scripts, problems } = makeScripts(`a:\n\tdocker run ${reference} x\n`);
    expect(scripts.at(-1)?.text).toMatch(/^docker run \$\{__\w+\} x$/);
    expect([...scripts.at(-1)!.variables.values()]).toEqual([{ values: [undefined], shown: reference }]);
    expect(problems).toEqual([]);
  },
);

test('the commands that make runs itself are scripts', () => {
  const content = 'V := $(shell docker run alpine date)\nW = $(shell docker run unused)\na:\n\techo $(V)\n';
  expect(numberedLines(content, makeScripts(content))).toEqual([
    '1 docker run alpine date',
    '4 echo ${__shell_docker_run_1}',
  ]);
});

test('with .ONESHELL a recipe is one script', () => {
  const content = '.ONESHELL:\n.SHELLFLAGS = -ec\na:\n\t@docker run a\n\tdocker rm a\n';
  const { scripts } = makeScripts(content);
  expect(scripts.map(({ text, exitsOnError }) => [text, exitsOnError])).toEqual([
    ['docker run a\ndocker rm a', true],
  ]);
  expect(numberedLines(content, { scripts })).toEqual(['4 docker run a', '5 docker rm a']);
});

test.each([
  ['SHELL = /usr/bin/python3\na:\n\tdocker run x\n', 3],
  ['a:\n\t$(if $(CI),docker run x,true)\n', 2],
])('what is not evaluated and seems to start a container is a problem: %j', (content, line) => {
  expect(makeScripts(content).problems.map(({ at }) => lineAt(content, at))).toEqual([line]);
});

test.each(['SHELL := /bin/bash -e', 'SHELL = /usr/bin/env bash', 'SHELL := $(shell which bash)'])(
  '%j is a shell',
  (line) => {
    expect(makeScripts(`${line}\na:\n\tdocker run x\n`).scripts.at(-1)?.text).toBe('docker run x');
  },
);

test('text outside of recipes is no command', () => {
  const content =
    'TEXT = docker run x\n# docker run x \\\ndocker run y\ndefine D\ndocker run x\nendef\n$(info docker run x)\nall: docker\n';
  expect(textsOf(content)).toEqual([]);
});

test('variables that refer to one another stay unknown', () => {
  const content = 'A = $(B) $(B)\nB = $(A)\na:\n\tdocker run $(A) x\n';
  expect(makeScripts(content).scripts[0]?.text.length).toBeLessThan(3_000_000);
});
