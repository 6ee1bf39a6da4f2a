import { expect, test } from 'vitest';
import { importsOf, strangers } from './floors.ts';
import { readTree } from './tree.ts';

test('every import goes down: never sideways, never up, and every file stands on a floor', () => {
  const tree = readTree(['src', 'commands']);

  expect(tree.size).toBeGreaterThan(20);
  expect(strangers(tree)).toEqual([]);
});

test.each([
  ['a port that knows the kernel', 'src/ports/x.ts', `import { a } from '../check/finding.ts'`],
  [
    'a check that reaches into the house',
    'commands/certs/expiring/collect.ts',
    `import { runCheck } from '../../../src/check/run-check.ts'`,
  ],
  [
    'a check that borrows from its neighbour',
    'commands/certs/show/diagnose.ts',
    `import type { Facts } from '../expiring/collect.ts'`,
  ],
  [
    'a check that borrows from another area',
    'commands/certs/show/diagnose.ts',
    `export * from '../../etcd/doppler/diagnose.ts'`,
  ],
  [
    'a helper of several checks that knows one of them',
    'commands/shared/instances.ts',
    `import { survey } from '../bosh/processes/survey.ts'`,
  ],
  [
    'a helper of several checks that reaches past the kit',
    'commands/shared/instances.ts',
    `import type { Instance } from '../../src/ports/processes.ts'`,
  ],
  ['a kit that knows a helper', 'commands/kit.ts', `export * from './shared/instances.ts'`],
  ['a check with an SDK', 'commands/certs/show/collect.ts', `import { Redis } from 'ioredis'`],
  [
    'a check that reads files by itself',
    'commands/certs/show/collect.ts',
    `const fs = await import('node:fs')`,
  ],
  ['a source that knows another', 'src/sources/vault/open.ts', `import { x } from '../tls/probe.ts'`],
  ['a source that knows Slack', 'src/sources/vault/open.ts', `import type { App } from '@slack/bolt'`],
  [
    'a configuration that loads a client',
    'src/sources/vault/config.ts',
    `import { openVault } from './open.ts'`,
  ],
  [
    'a configuration that reads another vendor',
    'src/sources/vault/config.ts',
    `import { STARTTLS } from '../tls/config.ts'`,
  ],
  [
    'Slack that knows the worker',
    'src/slack/commands/router.ts',
    `import { work } from '../../worker/run.ts'`,
  ],
  ['Slack that knows a source', 'src/slack/commands/router.ts', `import '../../sources/tls/open.ts'`],
  [
    'a renderer that is not pure',
    'src/slack/render/report/report.ts',
    `import { readFileSync } from 'node:fs'`,
  ],
  [
    'a renderer that asks the queue',
    'src/slack/render/report/report.ts',
    `import type { CheckJob } from '../../queue/contracts.ts'`,
  ],
  ['a worker that knows Slack', 'src/worker/checks.ts', `import { render } from '../slack/render/report.ts'`],
  [
    'a worker that posts',
    'src/worker/checks.ts',
    `import { WebClient } from '@slack/web-api/dist/WebClient.js'`,
  ],
  [
    'a type import on one line of many',
    'src/worker/checks.ts',
    `import type {\n  A,\n  B,\n} from\n  '../slack/x.ts'`,
  ],
  ['a type in the middle of code', 'src/worker/checks.ts', `let x: import('../slack/x.ts').X`],
  ['a require', 'src/worker/checks.ts', `createRequire(import.meta.url); require('@slack/bolt')`],
  ['a comment that hides it', 'src/worker/checks.ts', `await import(/* why not */ '../slack/x.ts')`],
  ['a template', 'src/worker/checks.ts', 'await import(`../slack/${name}.ts`)'],
  ['a name that is computed', 'src/worker/checks.ts', `await import(name)`],
  ['a bot that loads sources', 'src/app/bot.ts', `import { openEnvironments } from './environments.ts'`],
  ['a worker that loads Slack', 'src/app/worker.ts', `import { startSlackApp } from '../slack/app.ts'`],
  [
    'a common root that loads sources',
    'src/app/shared.ts',
    `import { openTls } from '../sources/tls/open.ts'`,
  ],
  ['the demo in production', 'src/main.ts', `import { startWorkspace } from '../test/workspace/start.ts'`],
  [
    'a world outside of a test',
    'src/sources/tls/open.ts',
    `import { makeAuthority } from '../../../test/world/ca.ts'`,
  ],
  [
    'a test of one source that opens another',
    'src/sources/vault/open.test.ts',
    `import { openTls } from '../tls/open.ts'`,
  ],
  [
    'a test of a check that opens a port',
    'commands/certs/show/diagnose.test.ts',
    `import { createServer } from 'node:net'`,
  ],
])('%s is a stranger', (_, path, text) => {
  expect(strangers(new Map([[path, text]]))).toHaveLength(1);
});

test.each([
  'src/helpers.ts',
  'src/utils/x.ts',
  'commands/x.ts',
  'commands/certs/shared.ts',
  'src/sources/x.ts',
])('%s stands on no floor', (path) => {
  expect(strangers(new Map([[path, '']]))).toEqual([`${path} stands on no floor`]);
});

test.each([
  [
    'commands/certs/show/diagnose.ts',
    `import type { Finding } from '../../kit.ts'; import type { Facts } from './collect.ts'; import { z } from 'zod'`,
  ],
  [
    'commands/certs/show/diagnose.test.ts',
    `import { expect } from 'vitest'; import fc from 'fast-check'; import { diagnose } from './diagnose.ts'`,
  ],
  ['commands/shared/instances.ts', `import type { ports } from '../kit.ts'`],
  ['commands/certs/show/diagnose.ts', `import { isShared } from '../../shared/instances.ts'`],
  [
    'src/sources/vault/open.ts',
    `import { vaultConfig } from './config.ts'; import { requestJson } from '../../wire/http.ts'`,
  ],
  ['src/sources/vault/open.test.ts', `import { startVault } from '../../../test/world/vault.ts'`],
  [
    'src/slack/delivery/outbox.ts',
    `import { render } from './render/report.ts'; import { App } from '@slack/bolt'`,
  ],
  [
    'src/config/read-config.ts',
    `import { sourceSchemas } from '../sources/schemas.ts'; import { parse } from 'yaml'`,
  ],
  ['src/main.ts', `const { openVault } = await import('./sources/vault/open.ts')`],
])('%s may import what lies below it', (path, text) => {
  expect(strangers(new Map([[path, text]]))).toEqual([]);
});

test('what is no import is not taken for one', () => {
  expect(
    importsOf(`const from = 'x'; Array.from('y'); import.meta.url; // it came from the Vault\n`),
  ).toEqual([]);
});
