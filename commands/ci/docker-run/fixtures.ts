import type { ports } from '../../kit.ts';
import { engineSource, stoppedContainer } from '../../shared/fixture-engines.ts';
import { pipelineSource } from '../../shared/fixture-pipelines.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';

const now = new Date('2026-11-26T12:00:00Z');

function script(repository: string, path: string, content: string): ports.PipelineFile {
  return {
    repository,
    path,
    kind: 'shell',
    content: `#!/bin/sh\n${content}\n`,
    commit: '3f2a91c4d5e6f708192a3b4c5d6e7f8091a2b3c4',
    branch: 'main',
  };
}

/** Two sources, named after what is in them. One command of the first has these options. */
function environment(options: string): Partial<ports.Readers> {
  return {
    pipelines: [
      pipelineSource({
        name: 'shop',
        files: [
          script('shop/api', 'ci/lint.sh', 'docker run --rm shop/lint:2'),
          script('shop/api', 'ci/test.sh', `docker run ${options}shop/api:ci ./test`),
          script('shop/api', 'ci/push.sh', 'docker push shop/api:ci'),
          script('shop/web', 'ci/test.sh', 'docker run --rm shop/web:ci npm test'),
        ],
        proposing: { allowed: true },
      }),
      pipelineSource({
        name: 'pay',
        files: [script('pay/core', 'build.sh', 'docker run --rm pay/core:ci make')],
      }),
    ],
    engines: [
      engineSource({
        name: 'builders',
        engines: [
          {
            name: 'build-1',
            containers: ['elastic_morse', 'quirky_hopper'].map((name) =>
              stoppedContainer(name, new Date('2026-11-20T12:00:00Z'), { image: 'shop/api:ci' }),
            ),
          },
        ],
      }),
      engineSource({ name: 'laptop', engines: [{ name: 'laptop' }] }),
    ],
  };
}

export const fixtures: readonly Fixture[] = [
  { title: 'every command removes its container', status: 'clear', now, read: () => environment('--rm ') },
  { title: 'one command leaves its container', status: 'found', now, read: () => environment('') },
];
