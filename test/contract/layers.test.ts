import { expect, test } from 'vitest';
import { importsOf, MODULES, violations } from './layers.ts';
import { readTree } from './tree.ts';

test('imports go down only, and every file belongs to a module', () => {
  const tree = readTree(['src', 'commands']);

  expect(tree.size).toBeGreaterThan(20);
  expect(violations(tree)).toEqual([]);
});

test('a module imports lower layers only; the parts of app and cli may also import each other as listed', () => {
  const layerOf = new Map(MODULES.map(({ name, layer }) => [name, layer]));
  const upward = MODULES.flatMap(({ name, layer, imports }) =>
    imports
      .map((imported) => ({ imported, its: layerOf.get(imported.replace(/^own /, '')) }))
      .filter(({ its }) => its === undefined || its > layer || (its === layer && layer < 7))
      .map(({ imported }) => `${name} imports ${imported}`),
  );

  expect(upward).toEqual([]);
});

test.each([
  ['a port imports the kernel', 'src/ports/x.ts', `import { a } from '../check/finding.ts'`],
  [
    'a check imports the kernel directly',
    'commands/certs/expiring/collect.ts',
    `import { runCheck } from '../../../src/check/run-check.ts'`,
  ],
  [
    'a check imports another check',
    'commands/certs/show/diagnose.ts',
    `import type { Facts } from '../expiring/collect.ts'`,
  ],
  [
    'a check imports a check of another command',
    'commands/certs/show/diagnose.ts',
    `export * from '../../etcd/doppler/diagnose.ts'`,
  ],
  [
    'a shared helper imports a check',
    'commands/shared/instances.ts',
    `import { survey } from '../bosh/processes/survey.ts'`,
  ],
  [
    'a shared helper imports a port directly',
    'commands/shared/instances.ts',
    `import type { Instance } from '../../src/ports/processes.ts'`,
  ],
  [
    'a check imports its builders',
    'commands/certs/show/diagnose.ts',
    `import { certificate } from './builders.ts'`,
  ],
  [
    'a check imports in-memory sources',
    'commands/certs/show/collect.ts',
    `import { certificateSource } from '../../shared/fixture-sources.ts'`,
  ],
  ['a shared helper imports builders', 'commands/shared/sources.ts', `import { x } from './builders.ts'`],
  ['the kit imports a shared helper', 'commands/kit.ts', `export * from './shared/instances.ts'`],
  ['a check imports an SDK', 'commands/certs/show/collect.ts', `import { Redis } from 'ioredis'`],
  ['a check reads files', 'commands/certs/show/collect.ts', `const fs = await import('node:fs')`],
  ['a source imports another vendor', 'src/sources/vault/open.ts', `import { x } from '../tls/probe.ts'`],
  ['a source imports Slack', 'src/sources/vault/open.ts', `import type { App } from '@slack/bolt'`],
  [
    'the configuration of a source imports its client',
    'src/sources/vault/config.ts',
    `import { openVault } from './open.ts'`,
  ],
  [
    'the configuration of a source imports another vendor',
    'src/sources/vault/config.ts',
    `import { STARTTLS } from '../tls/config.ts'`,
  ],
  ['slack imports the worker', 'src/slack/commands/router.ts', `import { work } from '../../worker/run.ts'`],
  ['slack imports a source', 'src/slack/commands/router.ts', `import '../../sources/tls/open.ts'`],
  ['a renderer reads files', 'src/slack/render/report/report.ts', `import { readFileSync } from 'node:fs'`],
  [
    'a renderer imports the queue',
    'src/slack/render/report/report.ts',
    `import type { CheckJob } from '../../queue/jobs.ts'`,
  ],
  ['the worker imports slack', 'src/worker/checks.ts', `import { render } from '../slack/render/report.ts'`],
  [
    'the worker imports an SDK of Slack',
    'src/worker/checks.ts',
    `import { WebClient } from '@slack/web-api/dist/WebClient.js'`,
  ],
  [
    'an import of types over several lines',
    'src/worker/checks.ts',
    `import type {\n  A,\n  B,\n} from\n  '../slack/x.ts'`,
  ],
  ['a type imported inline', 'src/worker/checks.ts', `let x: import('../slack/x.ts').X`],
  ['a require', 'src/worker/checks.ts', `createRequire(import.meta.url); require('@slack/bolt')`],
  ['an import with a comment inside', 'src/worker/checks.ts', `await import(/* why not */ '../slack/x.ts')`],
  ['an import of a template', 'src/worker/checks.ts', 'await import(`../slack/${name}.ts`)'],
  ['an import of a template in the own folder', 'src/worker/checks.ts', 'await import(`./${name}.ts`)'],
  ['an import of a template with quotes', 'src/worker/checks.ts', "await import(`./${'../slack/x.ts'}`)"],
  ['an import of a sum', 'src/worker/checks.ts', `await import('./' + '../slack/x.ts')`],
  ['a deferred import', 'src/worker/checks.ts', `await import.defer('../slack/x.ts')`],
  ['a require of a computed name', 'src/worker/checks.ts', `require(name)`],
  ['a path to resolve', 'src/worker/checks.ts', `import.meta.resolve('../slack/x.ts')`],
  ['a loader of modules', 'src/worker/checks.ts', `import { createRequire } from 'node:module'`],
  ['a thread', 'src/app/bot.ts', `new Worker(new URL('../sources/open.ts', import.meta.url))`],
  ['a reference', 'src/worker/checks.ts', `/// <reference path="../slack/x.ts" />`],
  ['an import of a computed name', 'src/worker/checks.ts', `await import(name)`],
  ['the bot imports sources', 'src/app/bot.ts', `import { openEnvironments } from './environments.ts'`],
  [
    'the worker process imports slack',
    'src/app/worker.ts',
    `import { startSlackApp } from '../slack/app.ts'`,
  ],
  [
    'what both processes share imports a source',
    'src/app/shared.ts',
    `import { openTls } from '../sources/tls/open.ts'`,
  ],
  ['main imports from test', 'src/main.ts', `import { startWorkspace } from '../test/workspace/start.ts'`],
  [
    'production code imports from test/world',
    'src/sources/tls/open.ts',
    `import { makeAuthority } from '../../../test/world/ca.ts'`,
  ],
  ['a verb imports another verb', 'src/cli/freeze.ts', `import { run } from './run.ts'`],
  [
    'config imports a vendor directly',
    'src/config/schema.ts',
    `import { x } from '../sources/tls/config.ts'`,
  ],
  ['the bot opens sources', 'src/app/bot.ts', `await import('../sources/open.ts')`],
  [
    'slack imports the configuration',
    'src/slack/app.ts',
    `import type { C } from '../config/read-config.ts'`,
  ],
  ['the store imports the worker', 'src/store/claim.ts', `import type { W } from '../worker/job-context.ts'`],
  [
    'a renderer imports how records are stored',
    'src/slack/render/blocks.ts',
    `import { x } from '../../store/claim.ts'`,
  ],
  [
    'the configuration imports how records are stored',
    'src/config/schema.ts',
    `import { x } from '../store/remediation/remediation-store.ts'`,
  ],
  ['telemetry imports the kernel', 'src/telemetry/log.ts', `import type { R } from '../check/finding.ts'`],
  [
    'a test of a source imports another vendor',
    'src/sources/vault/open.test.ts',
    `import { openTls } from '../tls/open.ts'`,
  ],
  [
    'a test of a check opens sockets',
    'commands/certs/show/diagnose.test.ts',
    `import { createServer } from 'node:net'`,
  ],
])('%s: reported', (_, path, text) => {
  expect(violations(new Map([[path, text]]))).toHaveLength(1);
});

test.each([
  'src/helpers.ts',
  'src/utils/x.ts',
  'commands/x.ts',
  'commands/certs/shared.ts',
  'src/sources/x.ts',
])('%s belongs to no module', (path) => {
  expect(violations(new Map([[path, '']]))).toEqual([`${path} belongs to no module`]);
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
  ['src/sources/open.ts', `const { openVault } = await import('./vault/open.ts')`],
  ['src/main.ts', `const { run } = await import('./cli/run.ts')`],
])('%s may import lower layers', (path, text) => {
  expect(violations(new Map([[path, text]]))).toEqual([]);
});

test('what is not an import is not reported as one', () => {
  expect(
    importsOf(`const from = 'x'; Array.from('y'); import.meta.url; // it came from the Vault\n`),
  ).toEqual([]);
});
