import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { boshConfig } from '../../src/sources/bosh/config.ts';
import { etcdConfig } from '../../src/sources/etcd/config.ts';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { BROWSER } from '../world/browser.ts';
import { type CloudFoundry, startCloudFoundry } from '../world/cloud-foundry.ts';
import { setStage, type Stage } from './harness.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const VMS = 6;

let cf: CloudFoundry;
let stage: Stage;
let browser: Browser;

beforeAll(async () => {
  [cf, browser] = await Promise.all([
    // Keys expire in six seconds instead of ten; every other interval is unchanged.
    startCloudFoundry({ vms: VMS, ttlSeconds: 6 }),
    chromium.launch(BROWSER),
  ]);
  const [etcd, bosh] = cf.sources;
  stage = await setStage({
    delivery: 'socket',
    catalogue: await loadCatalogue(),
    config: { environments: { prod: { sources: [etcdConfig.parse(etcd), boshConfig.parse(bosh)] } } },
  });
  await Promise.all([stage.startWorker(), stage.startBot(), cf.waitUntilHealthy()]);
});
afterAll(async () => {
  await browser?.close();
  await stage?.close();
  await cf?.close();
});

async function openChannel(): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(MAX_WORLD_WAIT_MS);
  await page.goto(stage.workspace.pageUrl);
  await page.getByRole('heading', { name: '# incident' }).waitFor();
  return page;
}

test('Ada finds a doppler without its key and requests its restart, Grace approves, and the same thread reports all VMs as healthy', async () => {
  await cf.breakDoppler();
  const page = await openChannel();
  const message = page.getByRole('textbox', { name: 'Message' });
  await message.fill('/etcd doppler');
  await message.press('Enter');

  const channel = page.getByRole('log', { name: 'Messages' });
  await channel
    .getByRole('heading', { name: 'doppler_z2/0 is running but not registered; the other 2 are' })
    .waitFor();
  await channel.getByRole('button', { name: /\d+ repl/ }).click();
  const thread = page.getByRole('complementary', { name: 'Thread' });
  await thread.getByText('panic: No dopplers listening on [udp]').waitFor();
  await thread.getByRole('button', { name: 'Restart doppler_z2/0' }).click();

  await thread.getByText(/^Restart doppler_z2\/0 of cf: 2 processes/).waitFor();
  expect(cf.director.restarts).toEqual([]);
  await thread.getByRole('button', { name: 'Act as @grace' }).click();
  await thread.getByRole('button', { name: 'Approve' }).click();

  const proof = /FIXED · doppler_z2: 0 -> 1 registered; metron_agent running on 6 of 6/;
  await thread.getByText(proof).last().waitFor();
  // Also visible to people who read only the channel.
  await channel.getByText(proof).first().waitFor();
  await thread.getByText(/Approved by @grace/).waitFor();
  expect(await thread.getByRole('button', { name: /Approve|Restart/ }).count()).toBe(0);
  expect(cf.director.restarts).toEqual([expect.objectContaining({ group: 'doppler_z2' })]);
  expect(await cf.loggregator.countMetrons()).toBe(VMS);
});
