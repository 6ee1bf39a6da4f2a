import type { Story } from '../../kit.ts';
import { COMMIT, factsOf, fixableLeak, leak, repositoryFacts, withEngines } from './builders.ts';
import type { Facts, LeftContainer } from './facts.ts';

const TEST_STAGE = `stage('unit') {
  sh(script: """
    docker run \\\\
      base:$BUILD_NUMBER \\\\
      ash -c pipelines/test.sh
  """)
}
`;

export const nodesFillUp: Story<Facts> = {
  title: 'Test stages of some pipelines forget `--rm`, and the nodes of a cluster fill up',
  source: '"Hell got loose on k8s DinD", 23 November 2018',
  now: new Date('2018-11-23T09:00:00Z'),
  facts: factsOf(
    repositoryFacts({
      repository: 'shop/orders',
      files: 2,
      starts: 5,
      contents: { Jenkinsfile: TEST_STAGE },
      leaks: [
        fixableLeak(TEST_STAGE, {
          path: 'Jenkinsfile',
          line: 3,
          command: 'docker run base:$BUILD_NUMBER ash -c pipelines/test.sh',
          stage: 'unit',
        }),
      ],
    }),
    repositoryFacts({ repository: 'shop/stock', files: 1, starts: 2, leaks: [] }),
  ),
};

/** Their containers have names that Docker makes up, and the image of the pipeline. */
function testsOf(image: string, builds: readonly number[]): readonly LeftContainer[] {
  const names = ['elastic_morse', 'quirky_hopper', 'sleepy_curie', 'fervent_tesla', 'admiring_turing'];
  return builds.map((build, at) => ({ name: names[at] ?? '', image: `${image}:${build}`, labels: {} }));
}

export const leftOnNodes: Story<Facts> = {
  title: 'The containers of these test stages are still on the nodes of the cluster',
  source: '"Hell got loose on k8s DinD", 23 November 2018',
  now: new Date('2018-11-23T09:00:00Z'),
  facts: withEngines(
    factsOf(
      repositoryFacts({
        repository: 'shop/orders',
        files: 2,
        starts: 5,
        contents: { Jenkinsfile: TEST_STAGE },
        leaks: [
          fixableLeak(TEST_STAGE, {
            path: 'Jenkinsfile',
            line: 3,
            command: 'docker run base:$BUILD_NUMBER ash -c pipelines/test.sh',
            stage: 'unit',
            image: { parts: [{ text: 'base:' }, { variable: '$BUILD_NUMBER' }] },
          }),
        ],
      }),
      repositoryFacts({
        repository: 'shop/stock',
        files: 1,
        starts: 2,
        contents: { 'test.sh': 'docker run node:8-alpine yarn test\n' },
        leaks: [
          fixableLeak('docker run node:8-alpine yarn test\n', {
            path: 'test.sh',
            line: 1,
            image: { parts: [{ text: 'node:8-alpine' }] },
          }),
        ],
      }),
    ),
    {
      'builders:aks-nodepool1-xxx1': testsOf('base', [207, 208, 209]),
      'builders:aks-nodepool1-xxx2': [
        ...testsOf('base', [206]),
        { name: 'sleepy_curie', image: 'node:8-alpine', labels: {} },
        { name: 'payments-db', image: 'postgres:10', labels: {} },
      ],
    },
  ),
};

/** The reports are copied out of the container, so `--rm` would lose them. */
const AQA = `docker run --name "tests-$BUILD_TAG" aqa:latest
docker cp "tests-$BUILD_TAG":/reports .
docker rm "tests-$BUILD_TAG"
`;

export const abortedBuilds: Story<Facts> = {
  title: 'Aborted builds leave their containers, and `--rm` would lose their reports',
  source: 'https://github.com/adoptium/aqa-tests/issues/915',
  now: new Date('2019-02-26T12:00:00Z'),
  facts: factsOf(
    repositoryFacts({
      repository: 'adoptium/aqa-tests',
      files: 3,
      starts: 3,
      contents: { 'external/test.sh': AQA },
      leaks: [
        leak({
          path: 'external/test.sh',
          line: 1,
          column: 1,
          command: 'docker run --name "tests-$BUILD_TAG" aqa:latest',
          reason: 'removed-on-success',
          because: '`rm` on line 3 removes it only if no earlier command fails',
          advice: "Remove it in any case: `trap 'docker rm -f tests-$BUILD_TAG' EXIT`",
        }),
      ],
    }),
  ),
};

const GOVUK = `DOCKER ?= docker
unit:
\t$(DOCKER) run govuk/base bundle exec rake
setup:
\tdocker compose run app bin/setup
`;

export const fivePerRun: Story<Facts> = {
  title: 'Every build leaves five containers, because the command itself is a variable',
  source: 'https://github.com/alphagov/govuk-docker/pull/1035',
  now: new Date('2026-01-20T12:00:00Z'),
  facts: factsOf(
    repositoryFacts({
      source: 'checkout',
      repository: '/srv/checkouts/govuk-docker',
      files: 1,
      starts: 2,
      proposing: { allowed: false, because: 'a folder has no pull requests' },
      hasRequests: false,
      contents: { Makefile: GOVUK },
      leaks: [
        fixableLeak(GOVUK, { path: 'Makefile', line: 3, begins: '$(DOCKER) run', job: 'unit' }),
        fixableLeak(GOVUK, { path: 'Makefile', line: 5, begins: 'docker compose run', job: 'setup' }),
      ],
    }),
  ),
};

const WORKFLOW = `jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - run: docker run my/lint
`;

export const alreadyProposed: Story<Facts> = {
  title: 'A self-hosted runner accumulates containers; hosted ones are discarded',
  source: 'https://github.com/dhis2/dhis2-core/pull/22826',
  now: new Date('2026-02-02T12:00:00Z'),
  facts: factsOf(
    repositoryFacts({
      repository: 'dhis2/dhis2-core',
      proposals: [
        {
          id: '#12',
          url: 'https://github.com/dhis2/dhis2-core/pull/12',
          branch: 'wrench/docker-run-m0123456789abcdef',
        },
      ],
      contents: { '.github/workflows/e2e.yml': WORKFLOW.replace('ubuntu-latest', 'self-hosted') },
      pages: `https://github.com/dhis2/dhis2-core/blob/${COMMIT}`,
      leaks: [
        fixableLeak(WORKFLOW.replace('ubuntu-latest', 'self-hosted'), {
          path: '.github/workflows/e2e.yml',
          line: 5,
          job: 'check',
        }),
        leak({
          path: '.github/workflows/lint.yml',
          line: 5,
          column: 14,
          command: 'docker run my/lint',
          severity: 'info',
          job: 'check',
          because: 'Without `--rm`, the container stays after it exits, until its machine is discarded',
        }),
      ],
    }),
  ),
};
