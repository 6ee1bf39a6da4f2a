import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { patternText } from '../container-commands.ts';
import { offsetInFile, type Script } from '../script.ts';
import { jenkinsScripts } from './jenkins-scripts.ts';

const textsOf = (content: string) => jenkinsScripts(content).scripts.map(({ text }) => text);
const problemsOf = (content: string) => jenkinsScripts(content).problems;

function scriptWith(content: string, part: string): Script {
  const found = jenkinsScripts(content).scripts.find(({ text }) => text.includes(part));
  if (!found) throw new Error(`no script has ${part}`);
  return found;
}

/** The lines of the file on which these words of scripts are. */
function numberedLines(content: string, word = 'docker'): readonly number[] {
  return jenkinsScripts(content).scripts.flatMap(({ text, pieces }) =>
    Array.from(
      text.matchAll(new RegExp(`\\b${word}\\b`, 'g')),
      ({ index }) => content.slice(0, offsetInFile(pieces, index)).split('\n').length,
    ),
  );
}

// Containers that pipelines with escaped line ends leave: https://github.com/runtimeverification/k/pull/272
const ESCAPED_LINES = String.raw`
pipeline {
  agent { label 'builder' }
  environment { IMAGE = 'quay.example/orders' }
  stages {
    stage('unit') {
      steps {
        sh(script: """
          docker run \\
            --env BUILD=$BUILD_NUMBER \\
            --volume \$PWD/out:/out \\
            ${'$'}{IMAGE}:$BUILD_NUMBER \\
            make check
        """)
      }
    }
    stage('style') {
      steps {
        sh label: 'style', script: """
          docker run \\
            --rm \\
            ${'$'}{IMAGE} make style
        """
      }
    }
  }
}
`;

describe('the arguments of sh', () => {
  test.each([
    [`sh 'a b'`, ['a b']],
    [`sh "a b"`, ['a b']],
    [`sh('a b')`, ['a b']],
    [`sh(script: 'a b', returnStdout: true)`, ['a b']],
    [`sh returnStdout: true, script: 'a b'`, ['a b']],
    [`sh label: 'x', script: 'a b'`, ['a b']],
    [`sh([script: 'a b', label: 'x'])`, ['a b']],
    [`sh(\n  returnStatus: true,\n  script: 'a b'\n)`, ['a b']],
    [`def x = sh(script: 'a b', returnStdout: true).trim()`, ['a b']],
    [`echo sh(script: 'a b', returnStdout: true)`, ['a b']],
    [`if (sh(script: 'a b', returnStatus: true) == 0) { sh 'c' }`, ['a b', 'c']],
    ['def x = "${sh(script: \'a b\', returnStdout: true)} c"', ['a b']],
    [`steps.sh 'a b'; script.sh("c")`, ['a b', 'c']],
    [`sh 'a ' + 'b'`, ['a b']],
    [`sh 'a ' +\n   'b ' +\n   1`, ['a b 1']],
    [`sh(['a', 'b'].join(' && '))`, ['a && b']],
    [`sh """\n    a\n      b\n  """.stripIndent()`, ['\na\n  b\n']],
    [`sh '''\n  a\n'''\n  .stripIndent()\n  .trim()`, ['a']],
    [`sh """a\n   |b""".stripMargin()`, ['a\nb']],
    [`sh(true ? 'a' : 'b')`, ['a', 'b']],
    [`sh '''a\n\nb'''; sh 'c'`, ['a\n\nb', 'c']],
    [`if (x) sh 'a'\nelse sh 'b'`, ['a', 'b']],
    [`sh /a\\/b/`, []],
    [`sh(/a\\/b/)`, ['a/b']],
    [`sh($/a "b" $$c/$)`, ['a "b" $c']],
    [`[1, 2].each { n -> sh 'a' }`, ['a']],
    [`parallel a: { sh 'a' }, b: { sh 'b' }`, ['a', 'b']],
    [`withCredentials([string(credentialsId: 'x', variable: 'Y')]) { sh 'a' }`, ['a']],
    [`sh ''`, ['']],
  ])('%s', (content, texts) => expect(textsOf(content)).toEqual(texts));

  test.each([
    `bat 'docker run a'`,
    `powershell 'docker run a'`,
    `pwsh script: 'docker run a'`,
    `echo 'docker run a'`,
    `error "docker run a failed"`,
    `// sh 'docker run a'`,
    `/* sh 'docker run a' */`,
    `def note = "docker run a"`,
    `def sh = 'docker run a'`,
    `[sh: 'docker run a']`,
    `junit 'a.xml'`,
    `def url = $/https://example.org/docker run a/$`,
    `def pattern = ~/docker run a/`,
    `println "sh 'docker run a'"`,
    `docker.image('a').inside('-v a:b') { echo 'x' }`,
  ])('nothing in %s', (content) => {
    expect(jenkinsScripts(content)).toEqual({ scripts: [], pluginRuns: [], problems: [] });
  });

  test('plugins that run commands on other hosts', () => {
    const { scripts } = jenkinsScripts(`node {
      sshCommand remote: edge, command: "docker run a"
      sshPublisher(publishers: [sshPublisherDesc(transfers: [sshTransfer(execCommand: 'docker run b')])])
      sh 'docker rm -f a b'
    }`);
    expect(scripts.map(({ text }) => text)).toEqual(['docker run a', 'docker run b', 'docker rm -f a b']);
    expect(new Set(scripts.map(({ scope }) => scope)).size).toBe(3);
  });
});

describe('line ends and escapes', () => {
  test('an escaped backslash continues the line in the shell', () => {
    const script = scriptWith(ESCAPED_LINES, 'make check');
    expect(script.text.trim()).toBe(
      [
        'docker run \\',
        '            --env BUILD=$BUILD_NUMBER \\',
        '            --volume $PWD/out:/out \\',
        '            ${IMAGE}:$BUILD_NUMBER \\',
        '            make check',
      ].join('\n'),
    );
    expect(script.stage).toBe('unit');
    expect(numberedLines(ESCAPED_LINES)).toEqual([9, 20]);
    expect(numberedLines(ESCAPED_LINES.replaceAll('\n', '\r\n'))).toEqual([9, 20]);
  });

  test('a single backslash continues the line in Groovy already', () => {
    const content = "node {\n  sh '''\n    docker run \\\n      --rm a\n    docker run b\n  '''\n}";
    expect(textsOf(content)).toEqual(['\n    docker run       --rm a\n    docker run b\n  ']);
    expect(numberedLines(content)).toEqual([3, 5]);
  });

  test('commands in a variable, in a list and in a concatenation are where they are written', () => {
    const content = `
def command = """docker run -t
  a"""
def start = 'docker run ' +
  '-t b'
sh command
sh start
sh "set -x; \${command}"
sh(['true',
  'docker run -t c'].join('; '))`;
    expect(numberedLines(content)).toEqual([2, 4, 2, 10]);
  });

  const INPUTS = [
    ESCAPED_LINES,
    `sh 'docker run a'`,
    `sh "docker run a:\${env.TAG} \\"b\\" \\$c"`,
    `sh """\n\tdocker run\\\n -t\\n x \\\\\n\ty; docker run\n"""`,
    `sh '''\n  if x; then\n    docker run\n  fi\n'''.stripIndent()`,
    `def a = 'docker run -e x'\nsh a + ' y'; sh "\${a}"`,
    `sh($/docker run $$x a/$); sh(/docker run a\\/b/)`,
    `sh 'docker ' + "run" + ' a'`,
    `sh "docker run$OPTIONS a"`,
    `sh "docker run \${x ? '--init' : ''} a"; sh 'podman run b'`,
    `sh(['docker run', opts, 'a'].join(' ').trim())`,
    `def f(image) { sh "docker run \${image}" }\nf('a')`,
    `sh "\\u0064ocker run\\ta"`,
  ];
  test.each(INPUTS.flatMap((content) => [content, content.replaceAll('\n', '\r\n')]))(
    'an option inserted after the word run is inserted there in the script: %j',
    (content) => {
      const before = jenkinsScripts(content).scripts;
      let count = 0;
      for (const [index, { text, pieces }] of before.entries()) {
        for (const match of text.matchAll(/\brun\b/g)) {
          const end = match.index + 'run'.length;
          const at = offsetInFile(pieces, end - 1) + 1;
          const after = jenkinsScripts(`${content.slice(0, at)} --rm${content.slice(at)}`).scripts[index];
          expect(after?.text.replaceAll('\r', '')).toBe(`${text.slice(0, end)} --rm${text.slice(end)}`);
          count += 1;
        }
      }
      expect(count).toBeGreaterThan(0);
    },
  );

  test('the end of an expression is where it ends in the file', () => {
    const content = 'sh "docker run ${some.long.expression(1)} $x"; def x = 1';
    const { text, pieces } = scriptWith(content, 'docker');
    const close = text.indexOf('}');
    expect(content.slice(0, offsetInFile(pieces, close) + 1)).toMatch(/\(1\)\}$/);
    expect(content.slice(0, offsetInFile(pieces, text.length - 1) + 1)).toMatch(/\$x$/);
  });
});

describe('variables', () => {
  const valuesIn = (content: string, shown: string) =>
    Array.from(scriptWith(content, 'docker').variables.values()).find((one) => one.shown === shown)?.values;

  test.each([
    [`def opts = '--rm'\nsh "docker run \${opts} a"`, ['--rm']],
    [`String opts = "--rm"\nsh "docker run $\{opts} a"`, ['--rm']],
    [`opts = '--rm'\nsh "docker run \${opts} a"`, ['--rm']],
    [`def opts = x ? '--rm' : ''\nsh "docker run \${opts} a"`, ['--rm', '']],
    [`def opts = ''\nif (x) { opts = '--rm' }\nsh "docker run \${opts} a"`, ['', '--rm']],
    [`def opts = '-t'\nopts += ' --rm'\nsh "docker run \${opts} a"`, ['-t', undefined]],
    [`def opts = load('x')\nsh "docker run \${opts} a"`, [undefined]],
    [`def opts\nopts = '--rm'\nsh "docker run \${opts} a"`, ['--rm']],
    [`def base = '-t'\ndef opts = "\${base} --rm"\nsh "docker run \${opts} a"`, ['-t --rm']],
    [`def opts = opts\nsh "docker run \${opts} a"`, [undefined]],
    [`def f(opts) { sh "docker run \${opts} a" }\nf('--rm')\nf('')`, ['--rm', '']],
    [`def f(opts) { sh "docker run \${opts} a" }`, [undefined]],
    [`def f(opts = '-t') { sh "docker run \${opts} a" }\nf()\nf '--rm'`, ['-t', '--rm']],
    [`for (opts in list) { sh "docker run \${opts} a" }`, [undefined]],
    [`list.each { opts -> sh "docker run \${opts} a" }`, [undefined]],
    [`def opts = '--rm'\nlist.each { opts -> sh "docker run \${opts} a" }`, [undefined]],
    [`def g() { def opts = '--rm' }\ndef f() { def opts = ''\nsh "docker run \${opts} a" }`, ['']],
  ])('%s', (content, values) => expect(valuesIn(content, '${opts}')).toEqual(values));

  test.each([
    [`environment { OPTS = '--rm' }\nstage('a') { sh 'docker run $OPTS a' }`, ['--rm']],
    [
      `pipeline { environment { OPTS = '--rm' }\nstages { stage('a') { sh 'docker run $OPTS a' } } }`,
      ['--rm'],
    ],
    [
      `pipeline { stages { stage('a') { environment { OPTS = '--rm' } }\nstage('b') { sh 'docker run $OPTS a' } } }`,
      undefined,
    ],
    [`withEnv(['OPTS=--rm']) { sh 'docker run $OPTS a' }`, ['--rm']],
    [`withEnv(['OPTS=--rm']) { sh 'true' }\nsh 'docker run $OPTS a'`, undefined],
    [`env.OPTS = '--rm'\nsh 'docker run $OPTS a'`, ['--rm']],
    [`env.OPTS = '--rm'\nsh "docker run \\$OPTS a"`, ['--rm']],
    [`environment { OPTS = credentials('x') }\nsh 'docker run $OPTS a'`, [undefined]],
    [`parameters { string(name: 'OPTS', defaultValue: '--rm') }\nsh 'docker run $OPTS a'`, undefined],
    [`environment { OPTS = '--rm' }\nsh "docker run \${env.OPTS} a"`, ['--rm']],
  ])('of the environment: %s', (content, values) => {
    const wrapped = `pipeline { ${content} }`;
    expect(scriptWith(wrapped, 'docker').variables.get('OPTS')?.values).toEqual(values);
  });

  test('a variable of the environment has one name, however it is written', () => {
    expect(textsOf('sh "a-${env.TAG}"; sh "a-$TAG"; sh "a-${TAG}"; sh "a-${params.TAG}"')).toEqual([
      'a-${TAG}',
      'a-$TAG',
      'a-${TAG}',
      'a-${TAG}',
    ]);
  });

  test('one of Groovy has a name that no shell variable has, and the same in all scripts', () => {
    const [first, second, third] = textsOf('def tag = f()\nsh "a-${tag}"; sh "b-$tag"; sh \'c-$tag $_1\'');
    expect(first!.slice(2)).toBe(second!.slice(2));
    expect(third).toBe('c-$tag $_1');
    expect(first).not.toBe('a-${_1}');
  });

  test('the same property is the same variable; a call may give another value each time', () => {
    const [a, b, c, d] = textsOf('sh "a ${x.y}"; sh "a ${ x.y }"; sh "a ${x.next()}"; sh "a ${x.next()}"');
    expect(a).toBe(b);
    expect(c).not.toBe(d);
  });

  test('the output of a step is in the variable that later scripts use', () => {
    const content = `def id = sh(script: 'docker run -d a', returnStdout: true).trim()\nsh "docker rm -f \${id}"`;
    const [start, removal] = jenkinsScripts(content).scripts;
    expect(removal?.text).toBe(`docker rm -f \${${start?.outputIn}}`);
    expect(
      jenkinsScripts(`env.ID = sh(script: 'docker run -d a', returnStdout: true)`).scripts[0]?.outputIn,
    ).toBe('ID');
    expect(
      jenkinsScripts(`def code = sh(script: 'docker run a', returnStatus: true)`).scripts[0],
    ).not.toHaveProperty('outputIn');
  });
});

describe('what is unknown', () => {
  test.each([
    ['sh command', "the script of `sh` is `${command}`, which the file doesn't set to a text"],
    ['sh "${env.COMMAND}"', "the script of `sh` is `${env.COMMAND}`, which the file doesn't set to a text"],
    ["sh(load('x'))", "the script of `sh` is `${load('x')}`, which the file doesn't set to a text"],
    ['def run(c) { sh c }', "the script of `sh` is `${c}`, which the file doesn't set to a text"],
    [
      "sh(libraryResource('a') as String)",
      "the script of `sh` is `${libraryResource('a') as String}`, which the file doesn't set to a text",
    ],
    [
      "sh '''#!/usr/bin/env python3\nos.system('docker run a')'''",
      'the script of `sh` is written in another language than shell',
    ],
    [
      "execute('docker run a')",
      "`execute`, which this file doesn't define, gets a command that starts a container",
    ],
    ["sh 'a\ndocker run b'", 'a string has no end'],
    ['sh """a\ndocker run b', 'a string has no end'],
    ["node { sh 'docker run b'", 'its brackets do not match'],
  ])('%s', (content, because) => expect(problemsOf(content)[0]).toMatchObject({ because }));

  test('a broken string hides nothing that is read before it', () => {
    expect(textsOf("sh 'docker run a'\nsh 'b\nsh 'docker run c'")).toEqual([
      'docker run a',
      'b',
      'docker run c',
    ]);
    expect(problemsOf("sh 'docker run a'\necho 'b")).toEqual([]);
  });

  test('a command that a method of the file runs is known where it is called', () => {
    const content = `def run(command) { sh command }\nrun 'docker run a'\nrun('docker run b')`;
    expect(textsOf(content)).toEqual(['docker run a', 'docker run b']);
    expect(numberedLines(content)).toEqual([2, 3]);
    expect(problemsOf(content)).toEqual([]);
  });

  test('a part of a command keeps what else it may be', () => {
    expect(textsOf(`def c = x ? 'docker run a' : 'podman run b'\nsh "set -e; \${c}"`)).toEqual([
      'set -e; docker run a',
      'set -e; podman run b',
    ]);
  });

  test.each(["sh '''#!/usr/bin/env python3\nprint(1)'''", 'env.sh = 1', 'sh()', 'sh(label: 1)'])(
    'no problem in %j',
    (content) => expect(problemsOf(content)).toEqual([]),
  );
});

describe('when and where a script runs', () => {
  // Only `always` and `cleanup` run after a failure and an abort: https://github.com/adoptium/aqa-tests/issues/915
  const POST = `pipeline {
  agent any
  post {
    always { sh 'a' }
    cleanup { script { if (x) { sh 'b' } } }
    success { sh 'c' }
    fixed { sh 'd' }
    failure { sh 'e' }
    aborted { sh 'f' }
    unstable { sh 'g' }
    changed { sh 'h' }
  }
  stages {
    stage('one') {
      post { always { sh 'j' } }
      steps { sh 'i' }
    }
  }
}`;

  test('post blocks run last, always or under their condition', () => {
    expect(jenkinsScripts(POST).scripts.map(({ text, phase }) => `${text} ${phase}`)).toEqual([
      'i main',
      'j always',
      'a always',
      'b always',
      'c success',
      'd success',
      'e failure',
      'f failure',
      'g failure',
      'h failure',
    ]);
    expect(scriptWith(POST, 'j').stage).toBe('one');
    expect(scriptWith(POST, 'a')).not.toHaveProperty('stage');
  });

  test('finally always runs, catch after a failure', () => {
    const content = `node { try { sh 'a' } catch (Exception e) { sh 'b'; try { sh 'c' } finally { sh 'd' } } finally { try { sh 'e' } catch (x) { sh 'f' } }\n sh 'g' }`;
    expect(jenkinsScripts(content).scripts.map(({ text, phase }) => `${text} ${phase}`)).toEqual([
      'a main',
      'b failure',
      'c failure',
      'd failure',
      'e always',
      'f failure',
      'g main',
    ]);
  });

  test('always is only a condition inside post', () => {
    expect(scriptWith(`always { sh 'a' }`, 'a').phase).toBe('main');
    expect(scriptWith(`def post = { sh 'a' }`, 'a').phase).toBe('main');
  });

  test('a method runs where it is called', () => {
    const content = `def clean() { sh 'a' }\npipeline { agent any\nstages { stage('x') { steps { sh 'b' } } }\npost { always { clean() }\nfailure { clean() } } }`;
    expect(jenkinsScripts(content).scripts.map(({ text, phase }) => `${text} ${phase}`)).toEqual([
      'b main',
      'a always',
      'a failure',
    ]);
    expect(scriptWith(`def unused() { sh 'a' }`, 'a').phase).toBe('main');
    expect(textsOf(`def f() { sh 'a'\nf() }\nf()`)).toEqual(['a']);
  });

  test('what may be skipped is in the same condition as what is around it', () => {
    const conditionsOf = (content: string) =>
      jenkinsScripts(content).scripts.map(({ conditions = [] }) => conditions.length);
    expect(conditionsOf(`if (x) { sh 'a' } else { sh 'b' }`)).toEqual([1, 1]);
    expect(conditionsOf(`if (x) sh 'a'\nsh 'b'`)).toEqual([1, 0]);
    expect(conditionsOf(`if (x)\n  sh 'a'\nelse\n  sh 'b'`)).toEqual([1, 1]);
    expect(conditionsOf(`stage('a') { when { branch 'main' }\nsteps { sh 'a'; sh 'b' } }`)).toEqual([1, 1]);
    expect(conditionsOf(`if (isUnix()) { sh 'a' }`)).toEqual([0]);
    const [a, b, c] = jenkinsScripts(`if (x) { sh 'a'; sh 'b' }\nif (x) { sh 'c' }`).scripts;
    expect(a?.conditions).toEqual(b?.conditions);
    expect(a?.conditions).not.toEqual(c?.conditions);
  });

  test('stages with an agent of their own may run on another machine', () => {
    const content = `pipeline {
      agent any
      stages {
        stage('a') { steps { sh 'a' } }
        stage('b') { agent { label 'x' }\nsteps { sh 'b' }\npost { always { sh 'c' } } }
        stage('d') { agent { docker { image 'y'\nreuseNode true } }\nsteps { sh 'd' } }
        stage('e') { agent any\nstages { stage('f') { steps { sh 'f' } } } }
      }
      post { always { sh 'g' } }
    }`;
    const scope = (part: string) => scriptWith(content, part).scope;
    expect(scope('d')).toBe(scope('a'));
    expect(scope('g')).toBe(scope('a'));
    expect(scope('c')).toBe(scope('b'));
    expect(new Set([scope('a'), scope('b'), scope('f')]).size).toBe(3);
    expect(scriptWith(content, 'f').stage).toBe('f');
  });

  test('each node block may be another machine', () => {
    const [a, b, c] = jenkinsScripts(`node('x') { sh 'a'; sh 'b' }\nnode('x') { sh 'c' }`).scripts;
    expect(a?.scope).toBe(b?.scope);
    expect(a?.scope).not.toBe(c?.scope);
  });

  const pod = (yaml: string) =>
    `pipeline { agent { kubernetes { yaml '''${yaml}''' } }\nstages { stage('a') { steps { sh 'a' } } } }`;
  test.each([
    ["pipeline { agent { label 'dind' }\nsh 'a' }", 'kept'],
    ["node('dind') { sh 'a' }", 'kept'],
    ["sh 'a'", 'kept'],
    [pod('spec:\n  containers:\n  - name: d\n    image: docker:24.0-dind\n'), 'discarded'],
    [pod('spec:\n  containers:\n  - name: d\n    image: docker:cli\n'), 'kept'],
    [pod('image: docker:dind\nvolumes:\n- hostPath:\n    path: /var/run/docker.sock\n'), 'kept'],
    [pod('image: docker:dind\nvolumes:\n- hostPath:\n    path: /sys/fs/cgroup\n'), 'discarded'],
    [
      pod('image: docker:dind\nmountPath: /var/lib/docker\npersistentVolumeClaim:\n  claimName: c\n'),
      'unknown',
    ],
    [
      `podTemplate(containers: [containerTemplate(name: 'd', image: 'docker:24-dind')]) { node(POD_LABEL) { sh 'a' } }`,
      'discarded',
    ],
    [
      `podTemplate(containers: [containerTemplate(name: 'd', image: 'docker')], volumes: [hostPathVolume(hostPath: '/var/run/docker.sock')]) { node(POD_LABEL) { sh 'a' } }`,
      'kept',
    ],
    [
      `def spec = '''image: docker:dind'''\npipeline { agent { kubernetes { yaml spec } }\nsh 'a' }`,
      'discarded',
    ],
    [
      `pipeline { agent { kubernetes { yaml 'image: docker:dind' } }\nstage('b') { agent { label 'vm' }\nsh 'a' } }`,
      'kept',
    ],
  ])('the machine of %s', (content, machine) => expect(scriptWith(content, 'a').machine).toBe(machine));

  test('Jenkins ends a script at the first failure, unless it has an interpreter of its own', () => {
    expect(scriptWith(`sh 'a'`, 'a').exitsOnError).toBe(true);
    expect(scriptWith(`sh '''#!/bin/bash\na'''`, 'a').exitsOnError).toBe(false);
    expect(scriptWith(`sh '''#!/bin/bash -xe\na'''`, 'a').exitsOnError).toBe(true);
    expect(scriptWith(`sh '''\n#!/bin/bash\na'''`, 'a').exitsOnError).toBe(true);
  });

  test('a step whose failure is ignored', () => {
    const ignored = (content: string) => scriptWith(content, 'a').isFailureIgnored ?? false;
    expect(ignored(`sh script: 'a', returnStatus: true`)).toBe(true);
    expect(ignored(`sh script: 'a', returnStatus: false`)).toBe(false);
    expect(ignored(`catchError { sh 'a' }`)).toBe(true);
    expect(ignored(`catchError(buildResult: 'SUCCESS') { sh 'a'; sh 'b' }`)).toBe(false);
    expect(ignored(`sh 'a'`)).toBe(false);
  });

  test('the nearest stage, also of the old syntax', () => {
    const content = `node { stage 'one'\nsh 'a'\nstage('two') { sh 'b'; stage("three $x") { sh 'c' } }\nsh 'd' }`;
    expect(jenkinsScripts(content).scripts.map(({ text, stage }) => `${text} ${stage}`)).toEqual([
      'a one',
      'b two',
      'c three $x',
      'd one',
    ]);
  });
});

describe('comments that keep a container', () => {
  test.each([
    [`// wrench: keep-container\nsh 'a'`, true],
    [`sh 'a' // wrench: keep-container`, true],
    [`/* other: keep-container */ sh 'a'`, true],
    [`// # wrench: keep-container\nsh 'a'`, true],
    [`// wrench: keep-container\ndef x = sh(script: 'a', returnStdout: true)`, true],
    [`sh '''\na''' // wrench: keep-container`, true],
    [`// wrench: keep-container\n\nsh 'a'`, false],
    [`sh 'b' // wrench: keep-container\nsh 'a'`, false],
    [`sh 'a'\n// wrench: keep-container\nsh 'b'`, false],
    [`// keep-container\nsh 'a'`, false],
    [`echo '// wrench: keep-container'\nsh 'a'`, false],
  ])('%j', (content, keeps) => expect(scriptWith(content, 'a').isMeantToStay ?? false).toBe(keeps));
});

describe('the Docker Pipeline plugin', () => {
  const runsOf = (content: string) => jenkinsScripts(content).pluginRuns ?? [];

  // https://github.com/jenkinsci/docker-workflow-plugin/pull/58
  test.each([
    `docker.image('a').inside('-v a:b') { sh 'x' }`,
    `docker.image('a').withRun('-e A=b') { c -> sh "docker exec \${c.id} x" }`,
    `docker.build('a').push()`,
    `docker.withRegistry('https://example.org') { docker.image('a').pull() }`,
    `def image = docker.build("a:\${env.TAG}")\nimage.inside { sh 'x' }`,
    `docker.image('a').run('--rm -p 80:80')`,
    `other.run('a')`,
    `def docker = load('x'); docker.run('a')`,
  ])('removes its container in %s', (content) => expect(runsOf(content)).toEqual([]));

  test.each([
    [`docker.image('a').run()`, 'no'],
    [`docker.image('a').run('-p 80:80', 'cmd')`, 'no'],
    [`def c = docker.image('a').run('-p 80:80')\nsh 'x'\nc.stop()`, 'on-success'],
    [`def c = docker.image('a').run()\ntry { sh 'x' } finally { c.stop() }`, 'always'],
    [`def c\ntry { c = docker.image('a').run() } finally { c.stop() }`, 'always'],
    [`def c = docker.image('a').run()\ntry { sh 'x'; c.stop() } catch (e) { c.stop(); throw e }`, 'always'],
    [`def c = docker.image('a').run()\ntry { sh 'x' } catch (e) { c.stop() }`, 'no'],
    [`c = docker.image('a').run()\nsh "docker rm -f \${c.id}"`, 'on-success'],
    [`c = docker.image('a').run()\nsh "docker stop \${c.id}"`, 'no'],
    [
      `pipeline { stages { stage('x') { steps { script { c = docker.image('a').run() } } } }\npost { always { script { c.stop() } } } }`,
      'always',
    ],
    [`c = docker.image('a').run()\nd = docker.image('a').inside { d.stop() }`, 'no'],
    [`def image = docker.image('a')\nimage.run()`, 'no'],
    [`image = docker.image "a"\ndef c = image.run('-d')\nc.stop()`, 'on-success'],
  ])('%s', (content, stops) => {
    const [run, ...more] = runsOf(content);
    expect(more).toEqual([]);
    expect(run?.stops).toBe(stops);
    expect(run?.image && patternText(run.image)).toBe('a');
    expect(content.slice(run?.at, run?.end)).toMatch(/^(?:docker\.image\('a'\)|image)\.run\(.*\)$/);
  });

  test('its stage, its image and a comment that keeps it', () => {
    const content = `stage('deploy') {\n  // wrench: keep-container\n  docker.build("a:\${env.TAG}").run()\n}`;
    expect(runsOf(content)[0]).toMatchObject({
      stage: 'deploy',
      isMeantToStay: true,
      image: { parts: [{ text: 'a:' }, { variable: '${env.TAG}' }] },
    });
  });
});

// https://gerg.dev/2021/03/the-groovy-syntax-for-calling-sh-in-jenkinsfiles/
test('commands that are only mentioned', () => {
  const content = String.raw`// sh 'docker run a'
/* sh """
   docker run a """ */
def image = 'a'
node('x') {
  echo "docker run ${'$'}{image} is forbidden"
  def url = $/https://example.org/docker run/$
  def pattern = ~/docker run .*/
  def half = total / 2; def quarter = half / 2
  docker.image('b').inside { sh 'make' }
  sh """
    docker run \\
      --name a-${'$'}{env.BUILD_NUMBER} \\
      --rm ${'$'}{image} x
  """
}`;
  expect(numberedLines(content)).toEqual([12]);
  expect(problemsOf(content)).toEqual([]);
});

describe('any input', () => {
  const PIECES = [
    'sh ',
    'sh(',
    'script: ',
    "'",
    '"',
    "'''",
    '"""',
    '${',
    '$x',
    '}',
    '{',
    '(',
    ')',
    '[',
    ']',
    ',',
    ':',
    ' + ',
    ' ? ',
    '\n',
    '\r\n',
    '\\',
    'docker run a',
    'def x = ',
    'x += ',
    'def f(a) {',
    'f(',
    'f ',
    'stage(',
    'post {',
    'always {',
    'try {',
    'finally {',
    'catch (e) {',
    'node {',
    'environment {',
    'withEnv([',
    'docker.image(',
    '.run()',
    '.stop()',
    'x',
    '.',
    'if (',
    'else ',
    '->',
    '/',
    '$/',
    '//',
    '/*',
    'agent {',
    'podTemplate(',
    '.join(',
    '.stripIndent()',
    '.trim()',
    '// w: keep-container',
    'env.X = ',
    ';',
    'é',
  ];
  const groovyLike = fc.array(fc.constantFrom(...PIECES), { maxLength: 80 }).map((all) => all.join(''));
  const mutated = fc
    .tuple(fc.constantFrom(ESCAPED_LINES), fc.nat(), fc.nat(40), fc.constantFrom(...PIECES, ''))
    .map(([content, at, length, piece]) => {
      const from = at % content.length;
      return content.slice(0, from) + piece + content.slice(from + length);
    });

  test('is read without an error, and all offsets are in the file', () => {
    fc.assert(
      fc.property(fc.oneof(groovyLike, mutated, fc.string({ unit: 'binary' })), (content) => {
        const { scripts, pluginRuns = [], problems } = jenkinsScripts(content);
        for (const { text, pieces } of scripts) {
          let last = -1;
          const isValid = pieces.every((piece, index) => {
            const isAscending = piece.text > last;
            last = piece.text;
            const end = pieces[index + 1]?.text ?? text.length;
            return isAscending && piece.file >= 0 && piece.file + (end - piece.text) <= content.length;
          });
          expect(isValid).toBe(true);
          expect(text === '' || pieces[0]?.text === 0).toBe(true);
        }
        for (const { at, end } of pluginRuns) expect(0 <= at && at < end && end <= content.length).toBe(true);
        for (const { at } of problems) expect(0 <= at && at <= content.length).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  function duration(content: string): number {
    const start = performance.now();
    jenkinsScripts(content);
    return performance.now() - start;
  }

  test.each([
    "'",
    '"',
    "'''a",
    '"""',
    '/',
    '= /a\n',
    '$/',
    '= $/a',
    '${',
    '"${',
    '"${x} ',
    '"${"',
    '{',
    '}',
    '(',
    ')',
    '[',
    '\n',
    '/*',
    '//\n',
    'a=',
    'a = b +\n',
    "sh 'docker run a'\n",
    "sh '$X'+",
    'sh ',
    "sh('a' + ",
    'sh("${',
    'sh([',
    'sh script: ',
    "sh a ? 'b' : ",
    "x = 'a' + x\n",
    'f(',
    'def f(a) { f(\n',
    'def f() {f()}\n',
    "if (x) sh 'a'\n",
    'stage("a") {',
    'post { always { ',
    'try {',
    'node {',
    'agent {',
    "def x = 'docker run a'; sh x;",
    'x = x + x;',
    'sh "$x$x";',
    '// wrench: keep-container\n',
    'c = docker.image("a").run(); c.stop();',
    "withEnv(['A=b']) {",
    'environment { A = "$A"',
    "sh '''\n  a\n'''.stripIndent();",
    '-> ',
    'def (',
    '.',
    ': ',
    '?: ',
    '\\',
    '\r',
  ])('takes linear time for repeated %j', (piece) => {
    const [short, long] = [20_000, 160_000].map((size) => piece.repeat(Math.ceil(size / piece.length)));
    // 8 times as much takes 64 times as long in quadratic time. Another process may slow one attempt down.
    const isLinear = Array.from({ length: 5 }).some(
      () => duration(long!) < 30 * Math.max(duration(short!), 2),
    );
    expect(isLinear).toBe(true);
  });

  test('a value that is doubled again and again stays small', () => {
    const lines = Array.from({ length: 60 }, (_, index) => `def v${index + 1} = v${index} + v${index}`);
    const content = ["def v0 = 'docker run a;'", ...lines, 'sh v60'].join('\n');
    const { scripts, problems } = jenkinsScripts(content);
    expect(scripts.length + problems.length).toBeGreaterThan(0);
    for (const { text } of scripts) expect(text.length).toBeLessThan(200_000);
  });
});
