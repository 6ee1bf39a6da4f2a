import type { ports } from '../../kit.ts';
import { clusterNode, clusterSource, oneDisk } from '../../shared/fixture-clusters.ts';
import { engineSource, stoppedContainer } from '../../shared/fixture-engines.ts';
import { pipelineSource } from '../../shared/fixture-pipelines.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';

const now = new Date('2026-11-26T12:00:00Z');
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);

const image = (digit: string, known: Partial<ports.EngineImage> = {}): ports.EngineImage => ({
  id: `sha256:${digit.repeat(64)}`,
  tags: [`registry.example/app:${digit}`],
  digests: [],
  createdAt: daysAgo(40),
  bytes: 300_000_000,
  sharedBytes: 0,
  containers: 0,
  isParent: false,
  ...known,
});

function script(repository: string, command: string): ports.PipelineFile {
  return { repository, path: 'ci/test.sh', kind: 'shell', content: `#!/bin/sh\n${command}\n` };
}

/** Two build hosts, of which one is a node of a cluster, and the Docker of a developer. */
function environment({ hasLeftovers }: { readonly hasLeftovers: boolean }): Partial<ports.Readers> {
  const kept = stoppedContainer('golden', daysAgo(9), {
    labels: { keep: 'yes' },
    imageId: `sha256:${'a'.repeat(64)}`,
  });
  const web = stoppedContainer('web', daysAgo(9), { state: 'running', imageId: `sha256:${'b'.repeat(64)}` });
  const fresh = stoppedContainer('fresh', new Date(now.getTime() - 1_200_000));
  const forgotten = ['jenkins-it-411', 'jenkins-it-412'].map((name, at) =>
    stoppedContainer(name, daysAgo(4 + at), { image: `registry.example/it:${name.slice(-3)}` }),
  );
  return {
    engines: [
      engineSource({
        name: 'builders',
        engines: [
          {
            name: 'build-1',
            containers: [kept, web, fresh],
            usage: {
              imageBytes: 600_000_000,
              images: [image('a', { containers: 1 }), image('b', { containers: 1 })],
              volumes: [
                { name: 'registry', labels: {}, isAnonymous: false, bytes: 9_000_000_000, containers: 1 },
              ],
            },
          },
          {
            name: 'build-2',
            containers: hasLeftovers ? [web, ...forgotten] : [web],
            sizes: Object.fromEntries(forgotten.map(({ id }) => [id, 15_000_000_000])),
            usage: {
              imageBytes: 300_000_000,
              images: [image('b', { containers: 1 }), ...(hasLeftovers ? [image('c', { tags: [] })] : [])],
            },
          },
        ],
      }),
      engineSource({ name: 'laptop', engines: [{ name: 'laptop' }] }),
    ],
    pipelines: [
      pipelineSource({
        name: 'shop',
        files: [
          script('shop/api', 'docker run --name jenkins-it-$BUILD_NUMBER registry.example/it:$BUILD_NUMBER'),
          script('shop/web', 'docker run --rm shop/web:$BUILD_NUMBER'),
        ],
      }),
      pipelineSource({ name: 'pay', files: [script('pay/core', 'docker run registry.example/pay:$TAG')] }),
    ],
    clusters: [
      clusterSource({
        name: 'lab',
        nodes: [clusterNode('build-2.example.internal')],
        stats: { 'build-2.example.internal': oneDisk(0.13) },
      }),
      clusterSource({ name: 'spare', nodes: [clusterNode('other')], stats: { other: oneDisk(0.5) } }),
    ],
  };
}

const answeredOtherwise: NonNullable<Fixture['answeredOtherwise']> = [
  {
    answer: /when (golden|web) finished is unknown/,
    because: 'a running or kept container is no leftover, whenever it finished',
  },
  {
    answer: /who uses sha256:(a+|b+|c+) is unknown/,
    because: 'the list of containers has the same information',
  },
  {
    answer: /the bytes of all images are unknown/,
    because:
      'it is the upper limit of what images free together; whether they are used does not depend on it',
  },
];

/** Whether something is left over does not depend on the cluster; a report that is clear anyway has a gap that is unrelated. */
const cluster: NonNullable<Fixture['answeredOtherwise']> = [
  {
    answer: /(lab|spare)\.nodes/,
    because: 'nodes only show where an engine runs; the engine itself reports what is left over',
  },
  {
    answer: /lab\.kubeletStats/,
    because: 'the kubelet only reports the available space; the engine itself reports what is left over',
  },
  {
    answer: /the size of registry is unknown/,
    because: 'volumes are never removed, and one that a container mounts is no leftover',
  },
];

export const fixtures: readonly Fixture[] = [
  {
    title: 'nothing is left over',
    status: 'clear',
    now,
    read: () => environment({ hasLeftovers: false }),
    answeredOtherwise: [...answeredOtherwise, ...cluster],
  },
  {
    title: 'stopped containers and a dangling image are left over',
    status: 'found',
    now,
    read: () => environment({ hasLeftovers: true }),
    answeredOtherwise,
  },
];
