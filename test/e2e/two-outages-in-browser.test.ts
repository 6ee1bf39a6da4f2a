import { X509Certificate } from 'node:crypto';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Config } from '../../src/config/read-config.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { boshConfig } from '../../src/sources/bosh/config.ts';
import { etcdConfig } from '../../src/sources/etcd/config.ts';
import { vaultConfig } from '../../src/sources/vault/config.ts';
import { fillWithExpired } from '../demo/downloading-failed.ts';
import { actAs, channelMessages, openThread, typeCommand, waitForAnimations } from '../demo/walk.ts';
import { findRepetitions } from '../golden/repeated-sentences.ts';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { BROWSER } from '../world/browser.ts';
import { type CloudFoundry, startCloudFoundry } from '../world/cloud-foundry.ts';
import { startVault } from '../world/vault.ts';
import { INCIDENT, PLATFORM_TEAM, setStage, type Stage } from './harness.ts';
import { findOverflows, readThread, screensBelowTop } from './read-page.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const VIEWPORTS = [
  ['a desktop', { width: 1280, height: 860 }],
  ['a phone', { width: 390, height: 844 }],
] as const;
const MAX_SCREENS = 1.5;
const MAX_TAPS = 4;

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch(BROWSER);
});
afterAll(() => browser.close());

/** Wrench with these sources, until the test has finished. */
async function startWrench(sources: Config['environments'][string]['sources']): Promise<Stage> {
  const stage = await setStage({
    delivery: 'socket',
    catalogue: await loadCatalogue(),
    config: { environments: { prod: { sources } } },
  });
  onTestFinished(() => stage.close());
  await Promise.all([stage.startWorker(), stage.startBot()]);
  return stage;
}

async function openWorkspace(stage: Stage, viewport: { readonly width: number; readonly height: number }) {
  const context = await browser.newContext({ viewport, reducedMotion: 'reduce' });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(MAX_WORLD_WAIT_MS);
  const page = await context.newPage();
  await page.goto(stage.workspace.pageUrl);
  await page.getByRole('heading', { name: '# incident' }).waitFor();
  return page;
}

/**
 * One person's way from a command to FIXED. Each click on something that Slack shows is a tap. Switching to the approver isn't: in Slack that is
 * another person at another phone.
 */
function startWalk(page: Page) {
  const taps: string[] = [];
  const tap = async (name: string, click: () => Promise<unknown>) => {
    await click();
    taps.push(name);
  };
  return {
    taps,
    openThread: async (message: Locator) => {
      let thread: Locator | undefined;
      await tap('thread', async () => {
        thread = await openThread(page, message);
      });
      return thread!;
    },
    /** Taps a button, and confirms if Slack asks. */
    tap: async (button: Locator) => {
      await tap((await button.innerText()).trim(), () => button.click());
      const confirm = page.locator('#confirm[open]');
      if ((await confirm.count()) === 0) return;
      const yes = confirm.getByRole('button').filter({ hasNotText: 'Cancel' });
      await tap(`${(await yes.innerText()).trim()} (confirmed)`, () => yes.click());
    },
  };
}

/** The report of the command, once its fixes can be requested. */
async function waitForReport(page: Page, says: RegExp): Promise<Locator> {
  const report = channelMessages(page, says).last();
  await report
    .getByRole('button', { name: /\d+ repl|Renew|Restart/ })
    .first()
    .waitFor();
  return report;
}

/** The first line of the message in the channel begins with the outcome, which is also the newest message in the thread. */
async function waitUntilFixed(page: Page, thread: Locator): Promise<void> {
  const body = page.locator('#messages article:not(.ephemeral)').last().locator('.body');
  const firstLine = async () => (await body.innerText()).trim().split('\n')[0] ?? '';
  await expect.poll(firstLine, { timeout: MAX_WORLD_WAIT_MS }).toMatch(/^\W*FIXED\b/i);
  await thread.getByRole('article').last().getByText(/FIXED/i).first().waitFor();
}

/** Nothing is there twice, and nothing needs to be scrolled sideways. */
async function expectReadable(page: Page): Promise<void> {
  await waitForAnimations(page);
  expect.soft(await findOverflows(page)).toEqual([]);
  expect.soft(findRepetitions(await readThread(page))).toEqual([]);
  // A command is all that anyone types.
  expect(await page.getByRole('dialog').getByRole('textbox').count()).toBe(0);
}

describe('thirteen certificates of one issuer have expired', () => {
  test.each(VIEWPORTS)(
    'on %s, the first fix is near the top, and renews all of them with a few taps',
    async (_, viewport) => {
      const vault = await startVault();
      onTestFinished(() => vault.close());
      const { token, renewToken } = await fillWithExpired(vault, new Date());
      const source = { kind: 'vault', name: 'vault', url: vault.address, paths: ['secret/cf'] };
      const allow = { renew: { auth: { token: renewToken } } };
      const stage = await startWrench([vaultConfig.parse({ ...source, auth: { token }, allow })]);
      const page = await openWorkspace(stage, viewport);
      const walk = startWalk(page);

      await typeCommand(page, '/certs expiring');
      const thread = await walk.openThread(await waitForReport(page, /13 .*certificates .*expired/));
      const renew = thread.getByRole('button', { name: /Renew all 13/ }).first();
      await renew.waitFor();
      expect.soft(await screensBelowTop(page, thread, renew)).toBeLessThanOrEqual(MAX_SCREENS);
      await expectReadable(page);

      await walk.tap(renew);
      await waitUntilFixed(page, thread);
      await expectReadable(page);
      expect.soft(walk.taps.length, walk.taps.join(', ')).toBeLessThanOrEqual(MAX_TAPS);
      const { values } = await vault.get('secret/cf/bbs/locket/tls');
      expect(new X509Certificate(String(values['certificate'])).validToDate > new Date()).toBe(true);
    },
  );
});

describe('a doppler has lost its key in etcd', () => {
  let cf: CloudFoundry;
  beforeAll(async () => {
    // Keys expire in six seconds instead of ten; every other interval is unchanged.
    cf = await startCloudFoundry({ vms: 6, ttlSeconds: 6 });
    await cf.waitUntilHealthy();
  });
  afterAll(() => cf?.close());

  test.each(VIEWPORTS)(
    'on %s, the first fix is near the top, its approver is notified, and a few taps restart it',
    async (_, viewport) => {
      await cf.waitUntilHealthy();
      await cf.breakDoppler();
      const restarts = cf.director.restarts.length;
      const [etcd, bosh] = cf.sources;
      const stage = await startWrench([etcdConfig.parse(etcd), boshConfig.parse(bosh)]);
      const page = await openWorkspace(stage, viewport);
      const walk = startWalk(page);

      await typeCommand(page, '/etcd doppler');
      const thread = await walk.openThread(await waitForReport(page, /doppler_z2\/0 .*not registered/));
      const restart = thread.getByRole('button', { name: /Restart doppler_z2\/0/ }).first();
      await restart.waitFor();
      expect.soft(await screensBelowTop(page, thread, restart)).toBeLessThanOrEqual(MAX_SCREENS);
      await expectReadable(page);

      await walk.tap(restart);
      const approve = thread.getByRole('button', { name: /^Approve/ });
      await approve.waitFor();
      await thread.getByText('@platform-leads').first().waitFor();
      await page
        .getByRole('button', { name: /^Act as @grace, \d+ new mention/ })
        .last()
        .waitFor();
      const root = stage.workspace.messages(INCIDENT).at(-1)?.ts ?? '';
      const notified = stage.workspace.thread(INCIDENT, root).flatMap((message) => message.notified);
      expect.soft(notified).toContain(PLATFORM_TEAM);
      await expectReadable(page);
      expect(cf.director.restarts).toHaveLength(restarts);

      await actAs(page, 'grace');
      await walk.tap(approve);
      await waitUntilFixed(page, thread);
      await expectReadable(page);
      expect.soft(walk.taps.length, walk.taps.join(', ')).toBeLessThanOrEqual(MAX_TAPS);
      expect(cf.director.restarts).toHaveLength(restarts + 1);
    },
  );
});
