import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { analyseRepository } from './analyse.ts';

function analyse(kind: ports.PipelineKind, content: string) {
  return analyseRepository([{ repository: 'shop/api', path: 'file', kind, content }]);
}

/** `17 warning left`: line, severity and reason of each place. */
function placesIn(kind: ports.PipelineKind, ...lines: readonly string[]): readonly string[] {
  return analyse(kind, `${lines.join('\n')}\n`).leaks.map(
    ({ line, severity, reason, fix }) => `${line} ${severity} ${reason}${fix ? ' +rm' : ''}`,
  );
}

describe('a container that the next run replaces', () => {
  test.each<readonly [string, ...string[]]>([
    ['docker rm -f web || true', 'docker run -d --name web nginx:1.27'],
    ['docker stop web || true', 'docker rm web || true', 'docker run -d --name web nginx:1.27'],
    ['docker stop web && docker rm web', 'docker run -d --name web nginx:1.27'],
    ['if docker inspect web >/dev/null; then docker rm -f web; fi', 'docker run -d --name web nginx:1.27'],
    ['docker rm -f "web-$ENV"', 'docker run -d --name "web-$ENV" nginx:1.27'],
    ['NAME=web', 'docker container rm --force $NAME', 'docker run -d --name $NAME nginx:1.27'],
    ['old() { docker rm -f web; }', 'old', 'docker run -d --name web nginx:1.27'],
  ])('is information: %s', (...lines) => {
    expect(placesIn('shell', ...lines)).toEqual([`${lines.length} info long-lived`]);
  });

  test.each<readonly [string, ...string[]]>([
    // Each build has another name.
    ['docker rm -f web-$BUILD_NUMBER || true', 'docker run -d --name web-$BUILD_NUMBER nginx:1.27'],
    ['docker rm -f web-$CI_JOB_ID', 'docker run -d --name web-$CI_JOB_ID nginx:1.27'],
    ['docker rm -f web-$$', 'docker run -d --name web-$$ nginx:1.27'],
    ['docker rm -f app', 'docker run -d --name web nginx:1.27'],
    ['if [ "$1" = clean ]; then docker rm -f web; fi', 'docker run -d --name web nginx:1.27'],
    ['ssh edge docker rm -f web', 'docker run -d --name web nginx:1.27'],
    ['docker container prune -f', 'docker run -d --name web nginx:1.27'],
    // It fails on a container that is running.
    ['docker rm web', 'docker run -d --name web nginx:1.27'],
    ['docker rm -f web || true', 'docker run -d nginx:1.27'],
  ])('is a warning if it is another one: %s', (...lines) => {
    expect(placesIn('shell', ...lines)).toEqual([`${lines.length} warning running`]);
  });

  test('is a warning if it has exited, because it needs no container in between', () => {
    expect(placesIn('shell', 'docker rm -f unit', 'docker run --name unit suite:5')).toEqual([
      '2 warning left +rm',
    ]);
  });

  test('is a warning if its own run removes it only on success', () => {
    expect(
      placesIn(
        'shell',
        'set -e',
        'docker rm -f db',
        'docker run -d --name db a',
        './test',
        'docker rm -f db',
      ),
    ).toEqual(['3 warning removed-on-success']);
  });

  test('may have the removal in an earlier script of the same agent', () => {
    const pipeline = (name: string) => [
      'node {',
      `  sh 'docker rm -f ${name} || true'`,
      `  sh 'docker run -d --name ${name} nginx:1.27'`,
      '}',
    ];
    expect(placesIn('jenkins', ...pipeline('web'))).toEqual(['3 info long-lived']);
    expect(placesIn('jenkins', ...pipeline('web-$BUILD_ID'))).toEqual(['3 warning running']);
  });
});

describe('a container that another part of the file removes', () => {
  test('is information in a Makefile: targets start and stop it', () => {
    expect(
      placesIn('make', 'run-db: stop-db', '\tdocker run -d --name db a', 'stop-db:', '\t-docker rm -f db'),
    ).toEqual(['2 info removed-sometimes']);
  });

  test('is a warning without its name, or if it has none', () => {
    expect(
      placesIn('make', 'run-db:', '\tdocker run -d --name db a', 'stop-db:', '\t-docker rm -f other'),
    ).toEqual(['2 warning running']);
  });

  test('still has a fix if it exits on its own', () => {
    expect(placesIn('make', 'test:', '\tdocker run --name t a', 'clean:', '\t-docker rm -f t')).toEqual([
      '2 warning left +rm',
    ]);
  });

  test('is a warning in another job, which may be on another machine', () => {
    const { leaks } = analyse(
      'github-workflow',
      `jobs:
  test:
    runs-on: self-hosted
    steps: [{ run: docker run -d --name stub a }]
  clean:
    runs-on: self-hosted
    needs: test
    if: always()
    steps: [{ run: docker rm -f stub }]
`,
    );
    expect(leaks).toEqual([
      expect.objectContaining({
        severity: 'warning',
        because: '`rm` on line 9 removes it in another job, which may run on another machine or not at all',
      }),
    ]);
  });
});

describe('a restart policy', () => {
  test('decides, whatever variables contain: --rm is refused beside it', () => {
    expect(placesIn('shell', 'docker run -d --restart always $OPTS a:1')).toEqual(['1 info long-lived']);
  });

  test('that a variable decides is unknown', () => {
    const { leaks } = analyse('shell', 'docker run -d --restart "$POLICY" a:1\n');
    expect(leaks).toEqual([
      expect.objectContaining({ severity: 'unknown', reason: 'depends-on-variable', line: 1 }),
    ]);
    expect(leaks[0]).not.toHaveProperty('fix');
  });
});

describe('a container in the background that is read', () => {
  test.each(['docker logs db', 'docker cp db:/a .', 'docker inspect db'])('while it runs: %s', (reads) => {
    expect(placesIn('shell', 'docker run -d --name db a:1', reads)).toEqual(['1 warning running']);
  });

  test('after it has ended can only be removed after that', () => {
    const { leaks } = analyse('shell', 'docker run -d --name db a:1\ndocker wait db\ndocker logs db\n');
    expect(leaks).toEqual([
      expect.objectContaining({
        reason: 'left',
        advice: 'Run `docker rm db` after that. `--rm` would remove it too early',
      }),
    ]);
  });
});

test('advice names the program that starts it, and a place where it works', () => {
  const adviceOf = (kind: ports.PipelineKind, content: string) => analyse(kind, content).leaks[0]?.advice;
  expect(adviceOf('shell', 'set -e\npodman run --name a x\n./test\npodman rm a\n')).toBe(
    "Remove it in any case: `trap 'podman rm -f a' EXIT`",
  );
  expect(adviceOf('shell', 'podman run --name a x\npodman cp a:/x .\n')).toContain('`podman rm a`');
  expect(adviceOf('make', 'a:\n\tdocker run -d --name a x\n')).toBe(
    'Remove it in any case: `docker rm -f a` in the same line of the recipe, after `;`',
  );
});

describe('a loop over names', () => {
  test.each([
    "trap 'for c in db cache; do docker rm -f $c; done' EXIT",
    'for c in db cache; do docker rm -f "$c" || true; done',
    'NAMES="db cache"; for c in $NAMES; do docker rm -f $c; done',
  ])('removes each of them: %s', (loop) => {
    expect(placesIn('shell', 'docker run -d --name db a', 'docker run -d --name cache a', loop)).toEqual([
      '1 info removed',
      '2 info removed',
    ]);
  });

  test('removes no other', () => {
    const loop = 'for c in db-1 cache; do docker rm -f $c; done';
    expect(placesIn('shell', 'docker run -d --name db a', loop)).toEqual(['1 warning running']);
  });

  test('may be a method of a Jenkinsfile that is called for each', () => {
    expect(
      placesIn(
        'jenkins',
        'def clean(n) { sh "docker rm -f ${n}" }',
        'node { try {',
        "sh 'docker run -d --name db a'",
        "} finally { clean('db'); clean('cache') } }",
      ),
    ).toEqual(['3 info removed']);
  });
});

describe('the option -h', () => {
  test('is the name of the host, not help', () => {
    expect(
      placesIn('shell', 'docker run -h web --rm a:1', 'docker run -h web a:1', 'podman run -h --rm a:1'),
    ).toEqual(['2 warning left +rm', '3 warning left +rm']);
  });
});

test('a command that a function of the script completes is shown as it is called', () => {
  const { leaks } = analyse('shell', 'd() { docker "$@"; }\nd run --name x a:1\n');
  expect(leaks).toEqual([expect.objectContaining({ line: 2, command: 'd run --name x a:1' })]);
});

test('commands in inputs of actions are not read, and said to be', () => {
  const { leaks, unread } = analyse(
    'github-workflow',
    `jobs:
  a:
    runs-on: self-hosted
    steps:
      - uses: appleboy/ssh-action@v1
        with: { host: edge, script: docker run -d a:1 }
      - uses: some/retry@v3
        with: { command: docker run --rm a:1 }
      - uses: docker/build-push-action@v6
        with: { tags: docker run }
`,
  );
  expect(leaks).toEqual([]);
  expect(unread.map(({ line }) => line)).toEqual([6]);
});

describe('template expressions between single quotes', () => {
  test.each([
    [`sh "docker run -d --name 'db-\${env.BUILD_TAG}' a"`, `sh "docker rm -f db-\${env.BUILD_TAG}"`],
    [`sh "docker run -d --name db-\${env.BUILD_TAG} a"`, `sh "docker rm -f 'db-\${env.BUILD_TAG}'"`],
    [`sh "docker run -d --name 'db-\${name()}' a"`, `sh "docker rm -f \\"db-\${name()}\\""`],
    [`sh "docker run -d --name 'db-\${params.X}' a"`, `sh "docker rm -f 'db-\${params.X}'"`],
    [`sh 'docker run -d --name db-$BUILD_TAG a'`, `sh "docker rm -f 'db-\${env.BUILD_TAG}'"`],
  ])('of Groovy are the same name: %s', (starts, removes) => {
    expect(
      placesIn(
        'jenkins',
        'node {',
        '  try {',
        `    ${starts}`,
        '  } finally {',
        `    ${removes}`,
        '  }',
        '}',
      ),
    ).toEqual(['3 info removed']);
  });

  test('that the shell expands itself are not', () => {
    expect(
      placesIn(
        'jenkins',
        'node { try {',
        `sh 'docker run -d --name db-$X a'`,
        '} finally {',
        `sh "docker rm -f 'db-\\$X'"`,
        '} }',
      ),
    ).toEqual(['2 warning running']);
  });

  test('of GitHub are the same name, also in a script of a script', () => {
    const steps = (starts: string) => `jobs:
  test:
    runs-on: self-hosted
    steps:
      - run: ${starts}
      - if: always()
        run: docker rm -f stub-\${{ github.run_id }}
`;
    for (const starts of [
      "docker run -d --name 'stub-${{ github.run_id }}' a",
      `bash -c "docker run -d --name stub-\${{ github.run_id }} a"`,
      `bash -c 'docker run -d --name stub-\${{ github.run_id }} a'`,
    ])
      expect(placesIn('github-workflow', steps(starts))).toEqual(['5 info removed']);
  });

  test('may be options of a command in a script of a script', () => {
    const workflow = `jobs:
  test:
    runs-on: self-hosted
    strategy: { matrix: { opts: ['--rm -i', '--rm'] } }
    steps:
      - run: bash -c 'docker run \${{ matrix.opts }} a:1 x'
      - run: bash -c "docker run \${{ matrix.opts }} a:1 x"
      - run: bash -c "docker run \${{ matrix.other }} a:1 x"
`;
    expect(placesIn('github-workflow', workflow)).toEqual(['8 unknown depends-on-variable']);
  });
});

describe("a container of Jenkins' Docker Pipeline plugin", () => {
  const pipeline = (...post: readonly string[]) => [
    'pipeline { agent any',
    'stages { stage("a") { steps { script {',
    `docker.image('postgres:16').run("--name db-\${env.BUILD_TAG} -e A=b")`,
    "sh './test'",
    '} } } }',
    'post {',
    ...post,
    '} }',
  ];

  test.each([
    ['always { sh "docker rm -f db-${env.BUILD_TAG}" }', '3 info removed'],
    ["cleanup { sh 'docker rm -fv db-$BUILD_TAG' }", '3 info removed'],
    ['success { sh "docker rm -f db-${env.BUILD_TAG}" }', '3 warning removed-on-success'],
    ['always { sh "docker rm -f other" }', '3 warning running'],
    ['always { sh "docker stop db-${env.BUILD_TAG}" }', '3 warning running'],
    ['', '3 warning running'],
  ])('may be removed by its name: %s', (post, place) => {
    expect(placesIn('jenkins', ...pipeline(post))).toEqual([place]);
  });

  test('is replaced by the next run, or has a restart policy', () => {
    expect(
      placesIn(
        'jenkins',
        'node {',
        "sh 'docker rm -f web || true'",
        "docker.image('a').run('--name web')",
        '}',
      ),
    ).toEqual(['3 info long-lived']);
    expect(placesIn('jenkins', 'node {', "docker.image('a').run('--restart always')", '}')).toEqual([
      '2 info long-lived',
    ]);
  });

  test("isn't removed by a command before it", () => {
    expect(
      placesIn(
        'jenkins',
        'node {',
        "sh 'docker rm -f web-$BUILD_ID'",
        'docker.image(\'a\').run("--name web-$BUILD_ID")',
        '}',
      ),
    ).toEqual(['3 warning running']);
  });
});

// https://man7.org/linux/man-pages/man1/sg.1.html
describe('a command with the rights of a group', () => {
  test.each([
    ['sg docker -c "docker run a:1 x"', ['1 warning left +rm']],
    ["sg docker 'docker run a:1 x'", ['1 warning left +rm']],
    ['sg docker -c "docker run --rm a:1 x"', []],
    ['sudo sg docker -c "docker run a:1 x"', ['1 warning left +rm']],
    ['newgrp docker <<EOF\ndocker run a:1 x\nEOF', ['2 warning left +rm']],
  ])('%s', (script, places) => expect(placesIn('shell', script)).toEqual(places));
});

describe("what is said of a part that can't be read", () => {
  const TOKEN = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz';

  test.each<readonly [ports.PipelineKind, string]>([
    ['gitlab', `a:\n  script:\n    - docker run a\n   ${TOKEN}\n  - "${TOKEN}\n`],
    ['github-workflow', `jobs: [docker, ${TOKEN}: {\n`],
    ['azure', `steps:\n- script: docker run a\n ]${TOKEN}\n`],
    ['shell', `docker run a )${TOKEN}\n( docker run a\n`],
    ['shell', `if ${TOKEN}; fi ${TOKEN}\ndocker run a ${TOKEN} (\n`],
    ['shell', `[[ a b ${TOKEN} ${TOKEN} ]]\n;; docker run a\n`],
  ])('has none of its text: %s %j', (kind, content) => {
    const { unread } = analyse(kind, content);
    for (const { because } of unread) {
      expect(because).not.toContain(TOKEN.slice(0, 8));
      expect(because).not.toContain('\n');
      expect(because.length).toBeLessThan(150);
    }
  });

  test('is said once, though several jobs have it', () => {
    const { unread } = analyse(
      'jenkins',
      `def run(c) { sh c }\nnode { run(load('docker')) }\nnode { run(load('docker')) }\n`,
    );
    expect(unread).toHaveLength(1);
  });
});

test('the time for starts and removals grows with their number, not with its square', () => {
  const content = (count: number) =>
    Array.from({ length: count }, (_, at) => `docker run -d --name c${at} a\ndocker rm -f c${at}\n`).join('');
  const duration = (text: string) => {
    const start = performance.now();
    analyse('shell', text);
    return performance.now() - start;
  };
  duration(content(500));
  const [short, long] = [content(500), content(8000)];
  // Other processes may disturb one of them.
  const isLinear = [1, 2, 3].some(() => duration(long) < 80 * Math.max(duration(short), 2));
  expect(isLinear).toBe(true);
});
