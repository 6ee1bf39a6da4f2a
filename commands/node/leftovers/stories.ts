import type { Story } from '../../kit.ts';
import { builds, commandAt, engineFacts, factsOf, kept, unusedImage, withPipelines } from './builders.ts';
import type { Facts } from './facts.ts';

const HELL_GOT_LOOSE = 'http://qa4code.blogspot.com/2018/11/hell-got-loose-on-k8s-dind.html';

const dindNight = new Date('2018-11-22T08:10:00Z');

const AKS = { version: '1.13.1', removal: { allowed: true } } as const;

function aksNode(number: number, availableBytes: number) {
  return {
    cluster: 'ci',
    name: `aks-nodepool1-xxx${number}`,
    by: 'name',
    containerRuntime: 'docker://1.13.1',
    availableBytes,
  };
}

/** Builds run their tests with `docker run`, without `--rm`, on the Docker of the nodes. */
export const hellGotLoose: Story<Facts> = {
  title: 'Stopped containers of builds, the oldest from months ago, fill the nodes of a CI cluster',
  source: HELL_GOT_LOOSE,
  now: dindNight,
  facts: factsOf(
    engineFacts('aks-nodepool1-xxx1', {
      ...AKS,
      node: aksNode(1, 3_600_000_000),
      containers: {
        leftovers: builds('base', {
          count: 58,
          firstBuild: 152,
          bytes: 190_000_000,
          now: dindNight,
          everyDays: 1.9,
        }).toReversed(),
        kept: [
          kept('kubernetes', ['k8s_POD_jenkins-slave-6t97t_jenkins'], 9),
          kept('too-recent', ['brave_bell']),
        ],
        inUse: 14,
      },
      usage: {
        imageBytes: 9_800_000_000,
        images: [
          unusedImage('layer-1', { tags: [], bytes: 640_000_000, sharedBytes: 70_000_000 }),
          unusedImage('layer-2', { tags: [], bytes: 655_000_000, sharedBytes: 70_000_000 }),
        ],
      },
    }),
    engineFacts('aks-nodepool1-xxx2', {
      ...AKS,
      node: aksNode(2, 8_100_000_000),
      containers: {
        leftovers: builds('base', {
          count: 21,
          firstBuild: 171,
          bytes: 140_000_000,
          now: dindNight,
          everyDays: 1.7,
        }).toReversed(),
        inUse: 11,
      },
    }),
    engineFacts('aks-nodepool1-xxx3', { ...AKS, node: aksNode(3, 18_000_000_000) }),
  ),
};

/** `df` shows 41% used. */
export const cleanedUp: Story<Facts> = {
  title: 'The same nodes after the stopped containers and the dangling images were removed',
  source: `${HELL_GOT_LOOSE}, "41%"`,
  now: new Date('2018-11-22T08:40:00Z'),
  facts: factsOf(
    ...[1, 2, 3].map((number) =>
      engineFacts(`aks-nodepool1-xxx${number}`, {
        ...AKS,
        node: aksNode(number, 18_000_000_000),
        containers: { kept: [kept('kubernetes', ['k8s_POD_jenkins-slave-6t97t_jenkins'], 3)], inUse: 14 },
      }),
    ),
  ),
};

/** All containers have the same image, and one stage of one pipeline runs it. */
export const fromOnePipeline: Story<Facts> = {
  title: 'The same outage, in an environment whose pipelines are known: one stage forgot `--rm`',
  source: HELL_GOT_LOOSE,
  now: dindNight,
  facts: withPipelines(hellGotLoose.facts, [
    commandAt('shop/orders:Jenkinsfile:14', { image: ['base:', '$BUILD_NUMBER'], stage: 'unit' }),
    commandAt('shop/orders:Jenkinsfile:31', {
      image: ['Tests:', '$BUILD_NUMBER'],
      stage: 'validate staging',
    }),
  ]),
};

const buildHost = new Date('2026-11-26T12:00:00Z');

/** The build cache is larger than the images, and easily overlooked. */
export const cacheOfABuildHost: Story<Facts> = {
  title: 'A build host without containers: 29.49 GB of build cache, and 23.09 GB of images',
  source: 'https://github.com/moby/moby/issues/47089',
  now: buildHost,
  facts: factsOf(
    engineFacts('builder-1', {
      removal: { allowed: false, because: '`allow.remove` is not configured for the source builders' },
      containers: { inUse: 0 },
      usage: {
        imageBytes: 23_090_000_000,
        images: [
          unusedImage('registry.example/app:901', { bytes: 9_200_000_000, sharedBytes: 2_000_000_000 }),
          unusedImage('registry.example/app:902', { bytes: 9_300_000_000, sharedBytes: 2_000_000_000 }),
          unusedImage('registry.example/base:24', { bytes: 6_590_000_000 }),
        ],
        buildCache: [
          [27_290_000_000, '2026-11-20T12:00:00Z'],
          [2_200_000_000, '2026-11-26T11:50:00Z'],
        ].map(([bytes, at], index) => ({
          id: String(index),
          bytes: Number(bytes),
          inUse: false,
          isShared: false,
          lastUsedAt: new Date(String(at)),
        })),
      },
    }),
  ),
};

const agent = builds('aqa', {
  count: 30,
  firstBuild: 100,
  bytes: 90_000_000,
  now: buildHost,
  everyDays: 0.5,
}).toReversed();

/** Aborted builds never reach `docker rm`. What someone has started by hand has the same image as a pipeline. */
export const fromSeveralPipelines: Story<Facts> = {
  title: 'Containers of several pipelines, of a public image, and of none on a Jenkins agent',
  source: 'https://github.com/adoptium/aqa-tests/issues/915',
  now: buildHost,
  facts: withPipelines(
    factsOf(
      engineFacts('jenkins-agent-3', {
        containers: {
          leftovers: agent.map((one, at) => {
            if (at < 17) return { ...one, name: `tests-aqa-${180 - at}`, image: 'aqa:latest' };
            if (at < 24) return { ...one, image: 'postgres:16' };
            return at < 27 ? { ...one, image: 'registry.example/lint:3' } : { ...one, name: `debug-${at}` };
          }),
        },
      }),
    ),
    [
      commandAt('adoptium/aqa-tests:external/test.sh:61', {
        name: ['tests-', '$BUILD_TAG'],
        image: ['aqa:latest'],
        reason: 'removed-on-success',
      }),
      commandAt('shop/api:ci/Jenkinsfile:22', { image: ['postgres:', '$POSTGRES'], stage: 'integration' }),
      commandAt('shop/api:ci/Jenkinsfile:9', { image: ['registry.example/lint:3'], stage: 'lint' }),
      commandAt('shop/web:.gitlab-ci.yml:12', { image: ['registry.example/lint:3'], job: 'lint' }),
    ],
  ),
};

/** Stopped clusters are in use: someone will start them again. */
export const stoppedClusters: Story<Facts> = {
  title: 'The computer of a developer, with stopped clusters that `docker system prune` would delete',
  source: 'https://github.com/kubernetes/minikube/issues/10773',
  now: buildHost,
  facts: factsOf(
    engineFacts('dev-box', {
      source: 'dev-box',
      target: 'dev-box',
      containers: {
        kept: [
          kept('minikube', ['minikube']),
          kept('kind', ['kind-control-plane']),
          kept('compose', ['blog-db-1']),
          kept('keep', ['golden']),
        ],
        inUse: 0,
      },
    }),
  ),
};
