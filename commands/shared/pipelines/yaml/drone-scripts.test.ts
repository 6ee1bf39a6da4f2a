import { expect, test } from 'vitest';
import { numberedLines } from '../fixture-lines.ts';
import { droneScripts } from './drone-scripts.ts';

const PIPELINES = `---
kind: pipeline
type: docker
name: test
volumes:
  - name: socket
    host: { path: /var/run/docker.sock }
environment: { OPTS: --rm }
steps:
  - name: unit
    image: docker:27
    volumes: [{ name: socket, path: /var/run/docker.sock }]
    environment:
      TOKEN: { from_secret: token }
    commands:
      - docker run -d --name db-$\${DRONE_BUILD_NUMBER} db:1
      - docker run $OPTS unit:1
  - name: clean
    image: docker:27
    volumes: [{ name: socket, path: /var/run/docker.sock }]
    commands: [docker rm -f x]
    when: { status: [success, failure] }
---
kind: secret
name: token
---
kind: pipeline
type: exec
name: host
steps:
  - name: go
    commands:
      - docker run x
`;

test('the commands of a step are one script', () => {
  const found = droneScripts(PIPELINES);
  expect(found.problems).toEqual([]);
  expect(numberedLines(PIPELINES, found)).toEqual([
    '16 docker run -d --name db-${DRONE_BUILD_NUMBER} db:1',
    '17 docker run $OPTS unit:1',
    '21 docker rm -f x',
    '33 docker run x',
  ]);
  expect(found.scripts.map(({ job, stage, machine, phase }) => [job, stage, machine, phase])).toEqual([
    ['test', 'unit', 'kept', 'main'],
    ['test', 'clean', 'kept', 'always'],
    ['host', 'go', 'kept', 'main'],
  ]);
  const [unit, clean, host] = found.scripts;
  expect([unit?.scope === clean?.scope, unit?.scope === host?.scope]).toEqual([true, false]);
  expect([unit?.variables.get('OPTS')?.values, unit?.variables.get('TOKEN')?.values]).toEqual([
    ['--rm'],
    [undefined],
  ]);
});

test.each([
  ['services: [{ name: docker, image: docker:dind, privileged: true }]', 'discarded'],
  ['services: { docker: { image: docker:dind } }', 'discarded'],
  ['type: ssh', 'kept'],
  ['type: digitalocean', 'discarded'],
  ['type: docker', 'unknown'],
])('the daemon with %j is %s', (line, machine) => {
  const content = `kind: pipeline\n${line}\nsteps: [{ name: a, commands: [docker run x] }]\n`;
  expect(droneScripts(content).scripts.map((script) => script.machine)).toEqual([machine]);
});

test('steps of older files are a map, with the socket mounted by path', () => {
  const content = `pipeline:
  build:
    image: docker
    volumes: ['/var/run/docker.sock:/var/run/docker.sock']
    commands:
      - docker run x
`;
  expect(numberedLines(content, droneScripts(content))).toEqual(['6 docker run x']);
  expect(droneScripts(content).scripts[0]?.machine).toBe('kept');
});

test.each([
  ['[failure]', 'failure'],
  ['[success, failure]', 'always'],
  ['[success]', 'main'],
])('a step with the status %s runs in phase %s', (status, phase) => {
  const content = `kind: pipeline\nsteps: [{ name: a, commands: [docker rm x], when: { status: ${status} } }]\n`;
  expect(droneScripts(content).scripts.map((script) => script.phase)).toEqual([phase]);
});

test('a further condition may leave a step out after a failure', () => {
  const content =
    'kind: pipeline\nsteps: [{ name: a, commands: [docker rm x], when: { status: [success, failure], branch: main } }]\n';
  expect(droneScripts(content).scripts.map((script) => script.phase)).toEqual(['success']);
});
