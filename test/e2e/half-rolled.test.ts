import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { fillWithExpired } from '../demo/downloading-failed.ts';
import { channelMessages, openThread, typeCommand } from '../demo/walk.ts';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { BROWSER } from '../world/browser.ts';
import { type HalfRolledDeploy, startHalfRolledDeploy } from '../world/half-rolled-deploy.ts';
import { startVault } from '../world/vault.ts';
import { setStage } from './harness.ts';
import { findOverflows } from './read-page.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch(BROWSER);
});
afterAll(() => browser?.close());

/** A page with the workspace of a Wrench that reads a Vault, and a Diego that serves certificates of it. */
async function openWorkspace(): Promise<{ readonly page: Page; readonly diego: HalfRolledDeploy }> {
  const vault = await startVault();
  onTestFinished(() => vault.close());
  const { token, renewToken } = await fillWithExpired(vault, new Date());
  const diego = await startHalfRolledDeploy(vault);
  onTestFinished(() => diego.close());
  const store = {
    kind: 'vault',
    name: 'vault',
    url: vault.address,
    paths: ['secret/cf'],
    auth: { token },
    allow: { renew: { auth: { token: renewToken } } },
  };
  const { environments } = configSchema.parse({
    environments: { prod: { sources: [store, ...diego.sources] } },
  });
  const stage = await setStage({
    delivery: 'socket',
    catalogue: await loadCatalogue(),
    config: { environments },
  });
  onTestFinished(() => stage.close());
  await Promise.all([stage.startWorker(), stage.startBot()]);
  const context = await browser.newContext({
    viewport: { width: 1280, height: 860 },
    reducedMotion: 'reduce',
  });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(MAX_WORLD_WAIT_MS);
  const page = await context.newPage();
  await page.goto(stage.workspace.pageUrl);
  await page.getByRole('heading', { name: '# incident' }).waitFor();
  return { page, diego };
}

async function askDrift(page: Page, says: RegExp): Promise<Locator> {
  await typeCommand(page, '/certs drift');
  const report = channelMessages(page, says).last();
  await report.getByRole('button', { name: 'Run again' }).waitFor();
  return report;
}

/** https://www.linkedin.com/pulse/cf-push-app-err-downloading-failed-xiujiao-gao */
test('thirteen certificates are renewed, the deploy hangs half-way, and the report says what to do until nothing differs', async () => {
  const { page, diego } = await openWorkspace();
  await typeCommand(page, '/certs expiring');
  const expired = channelMessages(page, /13 .*certificates .*expired/).last();
  await expired
    .getByRole('button', { name: /\d+ repl/ })
    .first()
    .waitFor();
  const thread = await openThread(page, expired);
  await thread
    .getByRole('button', { name: /Renew all 13/ })
    .first()
    .click();
  await page.locator('#confirm[open]').getByRole('button').filter({ hasNotText: 'Cancel' }).click();
  await thread.getByRole('article').last().getByText(/FIXED/i).first().waitFor();
  expect(await diego.isRenewed()).toBe(true);

  await diego.deploy();
  const halfRolled = await askDrift(page, /stopped half-way/);
  const text = await halfRolled.innerText();
  expect(text).toMatch(/diego-cell\/1 and diego-cell\/2 still serve a certificate that expired/);
  expect(text).toMatch(/diego-api\/0 and diego-cell\/0 already serve new ones/);
  expect(text).toMatch(/task \d+ \(create deployment, diego\) has been working on diego-cell\/1/);
  expect(text).toContain('monit restart');
  // A person works on the cells.
  expect(await halfRolled.getByRole('button', { name: /renew|restart|plan|approve/i }).count()).toBe(0);
  expect.soft(await findOverflows(page)).toEqual([]);

  await diego.replaceByHand();
  const clear = await askDrift(page, /No difference found/);
  expect(await clear.innerText()).not.toContain('diego-cell');
});
