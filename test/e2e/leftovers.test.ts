import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { findRunningDemo } from '../../src/cli/shared/demo.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { type EngineAsker, makeEngineAsker } from '../world/docker/ask.ts';
import { runContainer } from '../world/docker/containers.ts';
import { openPage, startDemo } from './start-demo.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const ENV = { PATH: process.env['PATH'] ?? '' };
/** Only root can start an engine with its own disk. */
const IS_ROOT = process.getuid?.() === 0;

/** Always present on the node. */
const STAYING = [
  'k8s_wait-for-db_shop-5c7b4_default_0b5b1d0c-7f0e-4c8e-9c55-6a1e4c2f9d11_0',
  'npm-cache',
  'release-2026-10',
  'shop-db-1',
];

interface Listed {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
}

/** Queries the demo's engine directly. */
async function openEngineOf(folder: string): Promise<EngineAsker> {
  const demo = findRunningDemo(folder);
  const config = parse(await readFile(demo!.configPath, 'utf8')) as {
    readonly environments: {
      readonly demo: { readonly sources: readonly { readonly kind: string; readonly url: string }[] };
    };
  };
  const { url } = config.environments.demo.sources.find(({ kind }) => kind === 'docker')!;
  return makeEngineAsker(url.replace('unix://', ''));
}

/** As `docker ps --all`. */
async function listAll(engine: EngineAsker): Promise<readonly Listed[]> {
  return (await engine('GET', '/containers/json?all=1')).body as readonly Listed[];
}

function namesOf(containers: readonly Listed[]): readonly string[] {
  return containers.map(({ Names: [name = ''] }) => name.slice(1)).toSorted();
}

function bytesIn(text: string): number {
  return Number(text.replaceAll(',', ''));
}

/** Types a command, and waits for a new report with this verdict. */
async function ask(page: Page, command: string, verdict: RegExp): Promise<void> {
  const answers = page.getByRole('log', { name: 'Messages' }).getByRole('heading', { name: verdict });
  const earlier = await answers.count();
  const message = page.getByRole('textbox', { name: 'Message' });
  await message.fill(command);
  await message.press('Enter');
  await answers.nth(earlier).waitFor();
}

/** The last message in the channel with this verdict. */
function messageWith(page: Page, verdict: RegExp): Locator {
  return page
    .getByRole('log', { name: 'Messages' })
    .getByRole('article')
    .filter({ has: page.getByRole('heading', { name: verdict }) })
    .last();
}

async function openThread(page: Page, verdict: RegExp): Promise<Locator> {
  await messageWith(page, verdict)
    .getByRole('button', { name: /\d+ repl/ })
    .last()
    .click();
  return page.getByRole('complementary', { name: 'Thread' });
}

/** Breaks something, or restores it, and returns the page's message. */
async function breakSomething(page: Page, label: string): Promise<string> {
  await page.getByRole('button', { name: 'Break something' }).click();
  const dialog = page.getByRole('dialog', { name: 'Break something' });
  const row = dialog.getByRole('listitem').filter({ hasText: label });
  await row.getByRole('button').click();
  const result = row.locator('output.is-done, output.is-failed');
  await result.waitFor();
  const words = await result.innerText();
  await dialog.getByRole('button', { name: 'Close' }).click();
  return words;
}

const BUILDS = 'Run builds without --rm on build-1';
const BY_HAND = 'Clean up build-1 by hand';

describe.each(IS_ROOT ? ['root'] : [])('as %s', () => {
  test('two people find out what fills a build node, and remove exactly the stopped containers without an owner', async () => {
    const demo = await startDemo(ENV, { engine: true });
    expect(demo.said).toContain('type /node disk');
    const engine = await openEngineOf(demo.folder);
    const before = await listAll(engine);
    expect(namesOf(before)).toEqual(STAYING);
    const page = await openPage(demo.address);
    await page.locator('#channels').getByText('platform').click();
    await ask(page, '/node disk', /CLEAR · None of the 5 nodes is short of disk/);

    expect(await breakSomething(page, BUILDS)).toMatch(
      /containers have stopped, and \d+\.\d% of build-1's disk is free/,
    );
    const built = namesOf(await listAll(engine)).filter((name) => name.startsWith('shop-web-'));
    expect(built.length).toBeGreaterThan(4);
    const writtenBytes = built.length * 6 * 1_024 ** 2;

    const disk = /CRITICAL · 1 of 5 nodes is short of disk: ci:build-1/;
    await ask(page, '/node disk', disk);
    // A report with one finding is one message.
    const details = messageWith(page, disk);
    await details
      .getByText(/evicted/)
      .first()
      .waitFor();
    await details.getByRole('button', { name: 'Run /node leftovers --node build-1' }).click();
    const verdict = new RegExp(`builders: ${built.length} stopped containers use \\d+ MB`);
    await page.getByRole('heading', { name: verdict }).first().waitFor();
    const thread = await openThread(page, verdict);
    await thread.getByText(/1 with a keep label \(release-2026-10\)/).waitFor();
    // Each container has the name that a command in this repository gives it.
    await thread
      .getByText(/started by shop\/web:Jenkinsfile:\d+, stage unit tests/)
      .first()
      .waitFor();
    await thread.getByRole('button', { name: 'Run /ci docker-run --repository shop/web' }).waitFor();

    await thread
      .getByRole('button', { name: new RegExp(`^Request plan: Remove ${built.length} containers`) })
      .click();
    const approve = thread.getByRole('button', { name: 'Approve' });
    await approve.waitFor();
    // It is like the others, but no one has approved its removal.
    await runContainer(engine, 'base:209', { name: 'shop-web-late' });
    await thread.getByRole('button', { name: 'Act as @grace' }).click();
    await approve.click();
    await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();

    const fixed = thread.getByText(/FIXED · .*-> 0 B/).last();
    await fixed.waitFor();
    const proof = await thread
      .getByText(/Exactly: /)
      .last()
      .innerText();
    expect(proof).toContain(`${writtenBytes.toLocaleString('en-US')} -> 0 bytes`);
    const [, was = '', is = ''] = /available \(kubelet\): ([\d,]+) -> ([\d,]+) bytes/.exec(proof) ?? [];
    expect(bytesIn(is) - bytesIn(was)).toBeGreaterThanOrEqual(writtenBytes);
    await ask(page, '/node disk', /CLEAR · None of the 5 nodes is short of disk/);
    const after = await listAll(engine);
    expect(namesOf(after)).toEqual([...STAYING, 'shop-web-late'].toSorted());
    const stateOf = ({ Id, State }: Listed) => `${Id} ${State}`;
    expect(after.map(stateOf)).toEqual(expect.arrayContaining(before.map(stateOf)));

    expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
  });

  test('the node is filled again after a manual cleanup', async () => {
    const demo = await startDemo(ENV, { engine: true });
    const page = await openPage(demo.address);

    const first = await breakSomething(page, BUILDS);
    expect(await breakSomething(page, BUILDS)).toMatch(/^Already done: /);
    const [count = ''] = /^\d+/.exec(first) ?? [];
    expect(await breakSomething(page, BY_HAND)).toBe(`Removed ${count} containers.`);
    expect(await breakSomething(page, BUILDS)).toMatch(/^\d+ containers have stopped/);

    expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
  });

  test('if the engine does not start, the demo says why, shows the rest, and leaves nothing behind', async () => {
    const programs = await mkdtemp(join(tmpdir(), 'wrench-programs-'));
    onTestFinished(() => rm(programs, { recursive: true }));
    const script = '#!/bin/sh\necho "failed to start daemon: Devices cgroup is not mounted" >&2\nexit 1\n';
    await writeFile(join(programs, 'dockerd'), script, { mode: 0o755 });
    const demo = await startDemo({ PATH: `${programs}:${ENV.PATH}` }, { engine: true });

    expect(demo.said).toContain(
      'no build nodes: Devices cgroup is not mounted. In a container, run it with --privileged',
    );
    expect(demo.said).not.toContain('/node disk');
    expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
  });
});

test.each(IS_ROOT ? [] : ['an ordinary user'])('%s sees how to enable the build nodes', async () => {
  const demo = await startDemo(ENV, { engine: true });

  expect(demo.said).toMatch(/no build nodes: .*sudo npm run demo/);
  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});
