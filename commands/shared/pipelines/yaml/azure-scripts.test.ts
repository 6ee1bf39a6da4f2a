import { expect, test } from 'vitest';
import { numberedLines } from '../fixture-lines.ts';
import { azureScripts } from './azure-scripts.ts';

// https://github.com/MicrosoftDocs/azure-devops-docs/issues/4423
const PIPELINE = `trigger: [main]
variables:
  opts: --rm
  Build.Tag: x
stages:
  - stage: test
    jobs:
      - job: unit
        pool: { name: own-agents }
        steps:
          - script: docker run $(opts) -v $(pwd):/w app:$(Build.BuildId)
          - bash: |
              docker run -d --name db db:1
          - task: Bash@3
            inputs:
              targetType: inline
              script: docker run tool:1
          - task: Docker@2
            inputs: { command: build }
          - \${{ if eq(parameters.x, true) }}:
              - script: docker run more:1
          - script: docker rm -f db
            condition: always()
          - pwsh: docker run --rm x
      - deployment: web
        pool: { vmImage: ubuntu-24.04 }
        strategy:
          runOnce:
            deploy:
              steps:
                - script: docker run deploy:1
            on:
              failure:
                steps:
                  - script: docker logs x
`;

test('steps are read wherever they stand, with their lines', () => {
  const found = azureScripts(PIPELINE);
  expect(found.problems).toEqual([]);
  expect(numberedLines(PIPELINE, found)).toEqual([
    '11 docker run ${__opts_1} -v $(pwd):/w app:${__Build_BuildId_2}',
    '13 docker run -d --name db db:1',
    '17 docker run tool:1',
    '21 docker run more:1',
    '22 docker rm -f db',
    '31 docker run deploy:1',
    '35 docker logs x',
  ]);
  expect(found.scripts.map(({ job, stage, machine, phase }) => [job, stage, machine, phase])).toEqual([
    ...Array.from({ length: 4 }, () => ['unit', 'test', 'kept', 'main']),
    ['unit', 'test', 'kept', 'always'],
    ['web', 'test', 'discarded', 'main'],
    ['web', 'test', 'discarded', 'main'],
  ]);
  const [first] = found.scripts;
  expect(first?.exitsOnError).toBe(false);
  expect(first?.variables.get('__opts_1')).toEqual({ values: ['--rm'], shown: '$(opts)' });
  expect(first?.variables.get('OPTS')).toEqual({ values: ['--rm'] });
  expect(first?.variables.get('BUILD_TAG')).toEqual({ values: ['x'] });
});

test.each([
  ['pool: default-agents\n', 'kept'],
  ['pool: { name: Azure Pipelines, vmImage: x }\n', 'discarded'],
  ['pool: { vmImage: $(image) }\n', 'discarded'],
  ['pool: { name: "${{ parameters.pool }}" }\n', 'unknown'],
  ['trigger: none\n', 'discarded'],
  ['parameters: []\n', 'unknown'],
])('the machine of %j is %s', (head, machine) => {
  const content = `${head}steps:\n  - bash: docker run x\n`;
  expect(azureScripts(content).scripts.map((script) => script.machine)).toEqual([machine]);
});

test('parameters have their allowed values, or a default that can be replaced', () => {
  const content = `parameters:
  - { name: opts, default: --rm }
  - { name: image, values: [a, b] }
steps:
  - script: docker run \${{ parameters.opts }} \${{ parameters.image }} \${{ variables.gone }}
`;
  const [script] = azureScripts(content).scripts;
  expect([...script!.variables.values()].map(({ values }) => values)).toEqual([
    ['--rm', undefined],
    ['a', 'b'],
    [undefined],
  ]);
});

test.each([
  ['pool: { vmImage: windows-2022 }\nsteps:\n  - script: docker run x\n'],
  ['steps:\n  - powershell: docker run x\n'],
  ['steps:\n  - task: PowerShell@2\n    inputs: { script: docker run x }\n'],
])('a start in another language is a problem: %j', (content) => {
  const { scripts, problems } = azureScripts(content);
  expect([scripts.length, problems.length]).toEqual([0, 1]);
});

test.each([
  ['succeededOrFailed()', 'success'],
  ['failed()', 'failure'],
  ["and(always(), eq(variables.x, 'y'))", 'success'],
  ['always()', 'always'],
  ["eq(variables.x, 'y')", 'main'],
])('a step with the condition %j runs in phase %s', (condition, phase) => {
  const content = `steps:\n  - script: docker rm x\n    condition: "${condition}"\n`;
  expect(azureScripts(content).scripts.map((script) => script.phase)).toEqual([phase]);
});

test('the jobs of a file have scopes of their own', () => {
  const content =
    'jobs:\n  - job: a\n    steps: [{ script: x }, { script: y }]\n  - job: b\n    steps: [{ script: z }]\n';
  const scopes = azureScripts(content).scripts.map(({ scope }) => scope);
  expect([scopes[0] === scopes[1], scopes[0] === scopes[2]]).toEqual([true, false]);
});
