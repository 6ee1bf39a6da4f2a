import { assert, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { isAction, isShellScript, kindOfContent, kindOfPath } from './pipeline-kind.ts';

const SCRIPT = { mayBeScript: true };

test.each([
  ['Jenkinsfile', { kind: 'jenkins' }],
  ['ci/jenkinsfile', { kind: 'jenkins' }],
  ['ci/Jenkinsfile_nightly', { kind: 'jenkins' }],
  ['p01.Jenkinsfile', { kind: 'jenkins' }],
  ['Jenkinsfile.txt', undefined],
  ['Jenkinsfiles/readme.md', undefined],
  ['JenkinsfileTest.java', undefined],
  ['lib/vars/deploy.groovy', { kind: 'jenkins' }],
  ['vars/sub/deploy.groovy', undefined],
  ['x.gitlab-ci.yml', { kind: 'gitlab' }],
  ['.gitlab-ci.yaml', { kind: 'gitlab' }],
  ['gitlab-ci.yml', undefined],
  ['sub/.github/workflows/a.yml', { kind: 'github-workflow' }],
  ['.github/workflows/sub/a.yml', undefined],
  ['p04.github.yml', { kind: 'github-workflow' }],
  ['.github/actions/setup/action.yaml', { kind: 'github-action' }],
  ['transaction.yml', undefined],
  ['x-action.yml', { kind: 'github-action', needsContent: true }],
  ['azure-pipelines.yml', { kind: 'azure' }],
  ['azure-pipelines-pr.yaml', { kind: 'azure' }],
  ['.azure-pipelines/jobs/test.yml', { kind: 'azure' }],
  ['.drone.yml', { kind: 'drone' }],
  ['GNUmakefile', { kind: 'make' }],
  ['p11.Makefile', { kind: 'make' }],
  ['Makefile.docker', { kind: 'make' }],
  ['Makefile.am', undefined],
  ['a.bash', { kind: 'shell' }],
  ['a.sh.erb', undefined],
  ['bin/deploy', SCRIPT],
  ['.github', SCRIPT],
  ['.env', undefined],
  ['Dockerfile', undefined],
])('%s', (path, kind) => {
  expect(kindOfPath(path)).toEqual(kind);
});

test.each([
  ['#!/bin/sh', true],
  ['#!/usr/bin/env bash\n', true],
  ['#!/usr/bin/env -S bash -e\n', true],
  ['#! /bin/bash -eu\r\n', true],
  ['#!/bin/dash', true],
  ['#!/usr/bin/python3', false],
  ['#!/bin/fish', false],
  ['# /bin/sh', false],
  ['\n#!/bin/sh', false],
])('recognizes scripts by their first line: %j', (content, isScript) => {
  expect(isShellScript(content)).toBe(isScript);
});

test('recognizes an action by `runs`, not by other text', () => {
  expect(isAction('name: x\nruns:\n  using: composite\n')).toBe(true);
  expect(isAction('jobs:\n  runs: x\nwhat: "runs:"\n')).toBe(false);
});

test('reads any path and content', () => {
  assert(
    property(string({ unit: 'binary' }), string({ unit: 'binary' }), (path, content) => {
      expect(() => [kindOfPath(path), kindOfContent(content)]).not.toThrow();
    }),
  );
});
