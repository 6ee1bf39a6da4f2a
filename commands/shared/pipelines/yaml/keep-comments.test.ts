import { expect, test } from 'vitest';
import { makeScripts } from '../make-scripts.ts';
import { azureScripts } from './azure-scripts.ts';
import { droneScripts } from './drone-scripts.ts';
import { githubWorkflowScripts } from './github-workflow-scripts.ts';
import { gitlabScripts } from './gitlab-scripts.ts';

function gitlab(content: string): readonly string[] {
  return gitlabScripts(content, { path: 'x', others: new Map() }).scripts.map(({ text }) => text);
}

test.each([
  [
    'on the line before',
    'a:\n  script:\n    # wrench: keep-container\n    - docker run x\n    - docker run y\n',
  ],
  [
    'behind the command',
    'a:\n  script:\n    - docker run x # ops: keep-container until later\n    - docker run y\n',
  ],
  ['behind quotes', 'a:\n  script:\n    - "docker run x" # wrench: keep-container\r\n    - docker run y\n'],
])('a comment %s is a comment of this command', (_where, content) => {
  expect(gitlab(content)[0]).toMatch(/^# \w+: keep-container\ndocker run x\ndocker run y$/);
});

test('a comment in the header of a block is a comment of its first command', () => {
  expect(
    gitlab('a:\n  script:\n    - | # wrench: keep-container\n      docker run x\n      docker run y\n')[0],
  ).toMatch(/^# wrench: keep-container\ndocker run x/);
});

test.each([
  'a:\n  # wrench: keep-container\n  stage: x\n  script:\n    - docker run x\n',
  'a:\n  script:\n    - echo "# wrench: keep-container"\n    - docker run x\n',
  'a:\n  script:\n    - echo # wrench: keep-container\n    - echo\n    - docker run x\n',
])('a comment elsewhere is none of this command: %j', (content) => {
  expect(gitlab(content)[0]).not.toMatch(/# wrench: keep-container\n.*docker run/);
});

test('other pipelines have it too', () => {
  const step = (key: string) => `    - name: a\n      # wrench: keep-container\n      ${key}: docker run x\n`;
  const texts = [
    githubWorkflowScripts(`jobs:\n  a:\n    steps:\n${step('run')}`),
    azureScripts(`steps:\n${step('script')}`),
    droneScripts(`kind: pipeline\nsteps:\n${step('commands')}`),
    makeScripts('a:\n\t# wrench: keep-container\n\t@docker run x\n'),
  ].map(({ scripts }) => scripts.at(-1)?.text);
  expect(texts).toEqual(Array.from({ length: 4 }, () => '# wrench: keep-container\ndocker run x'));
});
