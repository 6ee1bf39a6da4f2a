import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { analyseInTurns, analyseRepository } from './analyse.ts';

/** `17 warning left`: line, severity and reason of each place. */
function placesIn(kind: ports.PipelineKind, content: string): readonly string[] {
  return leaksIn(kind, content).map(({ line, severity, reason }) => `${line} ${severity} ${reason}`);
}

function leaksIn(kind: ports.PipelineKind, content: string) {
  return analyseRepository([{ repository: 'shop/api', path: 'file', kind, content }]).leaks;
}

const shell = (...lines: readonly string[]): string => `#!/bin/sh\n${lines.join('\n')}\n`;

/** The files after their fixes. */
function fixed(kind: ports.PipelineKind, content: string): string {
  return leaksIn(kind, content)
    .flatMap(({ fix }) => fix ?? [])
    .toSorted((a, b) => b.at - a.at)
    .reduce((text, { at, end, inserts }) => text.slice(0, at) + inserts + text.slice(end), content);
}

describe('a container that nothing removes', () => {
  test('is a warning with a fix where its machine is kept', () => {
    const content = shell('docker run alpine:3 true');
    expect(placesIn('shell', content)).toEqual(['2 warning left']);
    expect(fixed('shell', content)).toBe(shell('docker run --rm alpine:3 true'));
  });

  // https://github.com/docker/cli/issues/5435
  test('stays too if the option is disabled, and the fix enables it', () => {
    expect(fixed('shell', shell('docker run --rm=false alpine:3 true'))).toBe(
      shell('docker run --rm alpine:3 true'),
    );
  });

  test('is only information on a machine that is discarded', () => {
    const workflow = `jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: docker run alpine:3 true
  b:
    runs-on: [self-hosted]
    steps:
      - run: docker run alpine:3 true
  c:
    runs-on: \${{ inputs.runner }}
    steps:
      - run: docker run alpine:3 true
`;
    expect(placesIn('github-workflow', workflow)).toEqual([
      '5 info left',
      '9 warning left',
      '13 unknown depends-on-machine',
    ]);
  });

  test('stays on the host that the command is given to with ssh, whatever happens to the machine of the job', () => {
    const workflow = `jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: ssh deploy@edge-1 docker run alpine:3 true
      - run: minikube ssh -- docker run alpine:3 true
      - run: docker run alpine:3 true
`;
    const leaks = leaksIn('github-workflow', workflow);

    expect(leaks.map(({ line, severity }) => `${line} ${severity}`)).toEqual([
      '5 warning',
      '6 info',
      '7 info',
    ]);
    expect(leaks.map(({ isOnDiscardedMachine }) => isOnDiscardedMachine)).toEqual([undefined, true, true]);
  });

  test('in the background has no fix, because --rm alone stops nothing', () => {
    const [leak] = leaksIn('shell', shell('docker run -d --name web nginx'));
    expect(leak).toMatchObject({ reason: 'running', severity: 'warning' });
    expect(leak?.fix).toBeUndefined();
    expect(leak?.advice).toBe("Remove it in any case: `trap 'docker rm -f web' EXIT`");
  });

  test('in the background has a fix if the script always stops it', () => {
    const content = shell("trap 'docker stop web' EXIT", 'docker run -d --name web nginx');
    expect(placesIn('shell', content)).toEqual(['3 warning left']);
    expect(fixed('shell', content)).toContain('docker run --rm -d');
  });

  test('with a restart policy is meant to run, and --rm is refused together with it', () => {
    const [leak] = leaksIn('shell', shell('docker run -d --restart always nginx'));
    expect(leak).toMatchObject({ reason: 'long-lived', severity: 'info' });
    expect(leak?.fix).toBeUndefined();
  });

  test('is not judged by variables that the file does not set', () => {
    expect(placesIn('shell', shell('docker run $OPTS alpine:3 true'))).toEqual([
      '2 unknown depends-on-variable',
    ]);
  });
});

describe('what reads a container after it has exited forbids --rm', () => {
  // https://github.com/adoptium/aqa-tests/pull/915
  test.each([
    'cp unit:/out .',
    'logs unit',
    'wait unit',
    'commit unit suite',
    'start -a unit',
    'export unit',
  ])('docker %s', (reading) => {
    const [leak] = leaksIn('shell', shell('docker run --name unit suite:5', `docker ${reading}`));
    expect(leak).toMatchObject({ severity: 'warning', reason: 'left' });
    expect(leak?.fix).toBeUndefined();
    expect(leak?.advice).toContain('docker rm unit');
  });

  test('but not of another container', () => {
    const content = shell('docker run --name unit suite:5', 'docker cp lint:/out .');
    expect(leaksIn('shell', content)[0]?.fix).toBeDefined();
  });
});

describe('a removal elsewhere', () => {
  test('counts in any case if nothing before it can end the script', () => {
    const content = shell('docker run --name a suite:5', 'docker rm a');
    expect(placesIn('shell', content)).toEqual(['2 info removed']);
  });

  test('counts only on success if the start itself may end the script', () => {
    const content = shell('set -e', 'docker run --name a suite:5', 'docker rm a');
    expect(placesIn('shell', content)).toEqual(['3 warning removed-on-success']);
  });

  test('counts in any case if the failure of the start is caught, and only its logs are read before', () => {
    const content = shell(
      'set -e',
      'docker run --name a suite:5 || rc=$?',
      'docker logs a > a.log',
      'docker rm a',
    );
    expect(placesIn('shell', content)).toEqual(['3 info removed']);
  });

  test('counts only on success if other commands may fail before', () => {
    const content = shell('set -e', 'docker run -d --name a db:5', './test', 'docker rm -f a');
    expect(placesIn('shell', content)).toEqual(['3 warning removed-on-success']);
  });

  test('does not count if it is of another container, or before the start', () => {
    expect(placesIn('shell', shell('docker run --name a suite:5', 'docker rm b'))).toEqual([
      '2 warning left',
    ]);
    expect(placesIn('shell', shell('docker rm -f a', 'docker run --name a suite:5'))).toEqual([
      '3 warning left',
    ]);
  });

  test('that is plain does not remove a container that is running', () => {
    expect(placesIn('shell', shell('docker run -d --name a db:5', 'docker rm a'))).toEqual([
      '2 warning running',
    ]);
    expect(placesIn('shell', shell('docker run -d --name a db:5', 'docker stop a', 'docker rm a'))).toEqual([
      '2 info removed',
    ]);
  });

  // https://github.com/canonical/ubuntu.com/pull/1478
  test('in an exit trap counts, also of what starts later, unless another trap replaces it', () => {
    expect(
      placesIn('shell', shell("trap 'docker rm -f a' EXIT", 'set -e', 'docker run --name a suite:5')),
    ).toEqual(['4 info removed']);
    expect(
      placesIn('shell', shell("trap 'docker rm -f a' EXIT", 'docker run --name a suite:5', 'trap true EXIT')),
    ).toEqual(['3 warning left']);
  });

  test('by an id, a file with the id, or a label counts', () => {
    expect(placesIn('shell', shell('id=$(docker run -d db:5)', 'docker rm -f "$id"'))).toEqual([
      '2 info removed',
    ]);
    expect(placesIn('shell', shell('docker run -d --cidfile id db:5', 'docker rm -f $(cat id)'))).toEqual([
      '2 info removed',
    ]);
    expect(
      placesIn(
        'shell',
        shell('docker run --label ci=7 db:5', 'docker rm -f $(docker ps -aq --filter label=ci=7)'),
      ),
    ).toEqual(['2 info removed']);
    expect(
      placesIn(
        'shell',
        shell('docker run --label ci=7 db:5', 'docker rm -f $(docker ps -aq --filter label=ci=8)'),
      ),
    ).toEqual(['2 warning left']);
  });

  test('by a list of running containers lacks those that have exited', () => {
    expect(placesIn('shell', shell('docker run db:5', 'docker rm -f $(docker ps -q)'))).toEqual([
      '2 warning left',
    ]);
  });

  test('on this machine does not remove a container on another one', () => {
    expect(placesIn('shell', shell("ssh ci@edge 'docker run --name a db:5'", 'docker rm -f a'))).toEqual([
      '2 warning left',
    ]);
  });
});

describe('in a pipeline', () => {
  const jenkinsfile = (post: string): string => `pipeline {
  agent { label 'linux' }
  stages {
    stage('test') {
      steps {
        sh 'docker run -d --name db-$BUILD_TAG postgres:16'
        sh './gradlew test'
      }
    }
  }
  post {
    ${post}
  }
}
`;

  test.each([
    ["always { sh 'docker rm -f db-$BUILD_TAG' }", '6 info removed'],
    ["cleanup { sh 'docker rm -f db-$BUILD_TAG' }", '6 info removed'],
    ["success { sh 'docker rm -f db-$BUILD_TAG' }", '6 warning removed-on-success'],
    ["failure { sh 'docker rm -f db-$BUILD_TAG' }", '6 warning removed-sometimes'],
    ["always { sh 'docker stop db-$BUILD_TAG' }", '6 warning left'],
    ["always { sh 'docker rm -f other-$BUILD_TAG' }", '6 warning running'],
  ])('of Jenkins, post { %s }', (post, place) => {
    expect(placesIn('jenkins', jenkinsfile(post))).toEqual([place]);
  });

  test('of GitHub, a step that runs always removes what an earlier one started', () => {
    const workflow = (condition: string): string => `jobs:
  a:
    runs-on: [self-hosted]
    steps:
      - run: docker run -d --name stub stub:1
      - run: npm test
      - if: ${condition}
        run: docker rm -f stub
`;
    expect(placesIn('github-workflow', workflow('always()'))).toEqual(['5 info removed']);
    expect(placesIn('github-workflow', workflow('success()'))).toEqual(['5 warning removed-on-success']);
  });

  test('of GitLab, after_script removes what the job started, and no other job does', () => {
    const jobs = `a:
  script: [docker run -d --name a-$CI_JOB_ID stub:1, npm test]
  after_script: [docker rm -f a-$CI_JOB_ID]
b:
  script: [docker run -d --name b-$CI_JOB_ID stub:1, npm test]
c:
  script: [docker rm -f b-$CI_JOB_ID]
`;
    expect(placesIn('gitlab', jobs)).toEqual(['2 info removed', '5 warning removed-sometimes']);
  });

  test('of GitLab, a command that several jobs run is reported once', () => {
    const jobs = `.lint: &lint
  script: [docker run lint:1]
a: { <<: *lint }
b: { <<: *lint, tags: [big] }
`;
    expect(placesIn('gitlab', jobs)).toEqual(['2 warning left']);
  });

  test('of GitLab, a script of an included file is reported there', () => {
    const analysis = analyseRepository([
      {
        repository: 'shop/api',
        path: '.gitlab-ci.yml',
        kind: 'gitlab',
        content: 'include: { local: /ci/base.yml }\nunit:\n  extends: .base\n',
      },
      {
        repository: 'shop/api',
        path: 'ci/base.yml',
        kind: 'gitlab',
        content: '.base:\n  script:\n    - docker run base:1\n',
      },
    ]);
    expect(analysis.leaks.map(({ path, line }) => `${path}:${line}`)).toEqual(['ci/base.yml:3']);
  });
});

// https://github.com/jenkinsci/docker-workflow-plugin/pull/286
test("a container of Jenkins' Docker plugin has no fix, because the plugin removes it itself", () => {
  const [leak] = leaksIn('jenkins', "node {\n  def db = docker.image('postgres:16').run('-d')\n}\n");
  expect(leak).toMatchObject({ line: 2, reason: 'running', severity: 'warning' });
  expect(leak?.fix).toBeUndefined();
});

test('a function that passes its arguments on is read for each call', () => {
  const content = shell('d() { docker "$@"; }', 'd ps', 'd run alpine:3', 'd run --rm alpine:3');
  expect(leaksIn('shell', content)).toMatchObject([{ line: 4, command: 'd run alpine:3' }]);
});

test('a file that could not be read is reported, and is no file that was read', () => {
  const { files, unread } = analyseRepository([
    { repository: 'shop/api', path: 'big.sh', kind: 'shell', error: 'is larger than 2 MiB' },
    { repository: 'shop/api', path: 'ok.sh', kind: 'shell', content: shell('make') },
  ]);
  expect(files).toBe(1);
  expect(unread).toEqual([{ path: 'big.sh', because: 'is larger than 2 MiB' }]);
});

test('lines end as in the file, and the fix keeps them', () => {
  const content = '#!/bin/sh\r\nset -e\r\ndocker run \\\r\n  alpine:3 true\r\n';
  expect(placesIn('shell', content)).toEqual(['3 warning left']);
  expect(fixed('shell', content)).toBe('#!/bin/sh\r\nset -e\r\ndocker run --rm \\\r\n  alpine:3 true\r\n');
});

describe('many files', () => {
  const files = Array.from({ length: 100 }, (_, index) => ({
    repository: 'shop/api',
    path: `step-${index}.sh`,
    kind: 'shell' as const,
    content: shell(...Array.from({ length: 200 }, () => 'docker run --rm alpine:3 true')),
  }));

  test('let other work run in between, and give the same answer', async () => {
    const stop = new AbortController();
    let turns = 0;
    setImmediate(() => {
      turns += 1;
    });
    const analysis = await analyseInTurns(files, stop.signal);
    expect(turns).toBe(1);
    expect(analysis).toEqual({ ...analyseRepository(files), left: 0 });
  });

  test('are analysed as far as there is time for after the deadline, and the others counted', async () => {
    const one = files.slice(0, 1);
    expect((await analyseInTurns(one, AbortSignal.abort())).files).toBe(1);
    const slow = Array.from({ length: 200_000 }, () => one[0]!);
    const { files: read, left } = await analyseInTurns(slow, AbortSignal.abort());
    expect(left).toBeGreaterThan(0);
    expect(read + left).toBe(slow.length);
  });
});
