import { serveGithub } from '../world/forge/served-github.ts';

/** A repository whose pipelines fill build-1. Its containers are those that the node has. */
export interface ShopRepository {
  /** As configured for one environment in `wrench.yaml`. Proposing changes is allowed. */
  readonly sources: readonly [object];
  /** Merges what Wrench has proposed. Returns the numbers of the pull requests. */
  readonly merge: () => readonly number[];
  /** Undoes what was merged. */
  readonly revert: () => void;
  readonly close: () => Promise<void>;
}

const REPOSITORY = 'shop/web';

/** In the style of https://qa4code.blogspot.com/2018/11/hell-got-loose-on-k8s-dind.html */
const JENKINSFILE = `node('docker') {
  checkout scm

  stage('build') {
    sh(script: """
      docker build . \\\\
        --file pipelines/Build.Dockerfile \\\\
        --label org.opencontainers.image.source=https://git.example/shop/web \\\\
        --tag shop-web:$BUILD_NUMBER
    """)
  }

  stage('unit tests') {
    sh(script: """
      docker run \\\\
        --name shop-web-$BUILD_NUMBER-unit-tests \\\\
        --label com.example.ci.job=shop-web-$BUILD_NUMBER-unit-tests \\\\
        shop-web:$BUILD_NUMBER \\\\
        npm test
    """)
  }

  stage('browser tests') {
    sh(script: """
      docker run \\\\
        --name shop-web-$BUILD_NUMBER-browser-tests \\\\
        --label com.example.ci.job=shop-web-$BUILD_NUMBER-browser-tests \\\\
        shop-web:$BUILD_NUMBER \\\\
        npm run test:browser
    """)
  }

  stage('lint') {
    sh 'ci/lint.sh'
  }
}
`;

const LINT = `#!/bin/sh
set -eu

docker run \\
  --name "shop-web-$BUILD_NUMBER-lint" \\
  --label "com.example.ci.job=shop-web-$BUILD_NUMBER-lint" \\
  "shop-web:$BUILD_NUMBER" \\
  npm run lint
`;

const FILES = {
  Jenkinsfile: JENKINSFILE,
  'ci/lint.sh': { mode: '100755', content: LINT },
  'package.json': '{ "name": "web" }\n',
} as const;

const TOKENS = { read: 'demo-not-a-real-reading-token', write: 'demo-not-a-real-writing-token' } as const;

export async function startShopRepository(): Promise<ShopRepository> {
  const github = await serveGithub({
    repositories: { [REPOSITORY]: FILES },
    readToken: TOKENS.read,
    writeToken: TOKENS.write,
    hasPages: true,
  });
  return {
    sources: [
      {
        kind: 'github',
        name: 'github',
        url: github.url,
        token: TOKENS.read,
        repositories: [REPOSITORY],
        allow: { propose: { token: TOKENS.write } },
      },
    ],
    merge: () => {
      const open = github.pulls(REPOSITORY).filter(({ state }) => state === 'open');
      const numbers = open.map(({ number }) => number);
      for (const number of numbers) github.merge(REPOSITORY, number);
      return numbers;
    },
    revert: () => {
      github.store(REPOSITORY).commit(FILES, { message: 'Keep containers of tests' });
    },
    close: github.close,
  };
}
