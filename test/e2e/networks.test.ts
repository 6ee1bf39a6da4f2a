import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { sshConfig } from '../../src/sources/ssh/config.ts';
import { syslogConfig } from '../../src/sources/syslog/config.ts';
import { channelMessages, typeCommand, waitForAnimations } from '../demo/walk.ts';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { BROWSER } from '../world/browser.ts';
import { startHypervisors } from '../world/hypervisors.ts';
import { setStage } from './harness.ts';
import { findOverflows } from './read-page.ts';

vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch(BROWSER);
});
afterAll(() => browser?.close());

/** A page with the workspace of a Wrench that reads the hypervisors of the demo. */
async function openWorkspace(viewport: { readonly width: number; readonly height: number }) {
  const hypervisors = await startHypervisors();
  onTestFinished(hypervisors.close);
  const [ssh, ...logs] = hypervisors.sources;
  const sources = [sshConfig.parse(ssh), ...logs.map((one) => syslogConfig.parse(one))];
  const stage = await setStage({
    delivery: 'socket',
    catalogue: await loadCatalogue(),
    config: { environments: { prod: { sources } } },
  });
  onTestFinished(() => stage.close());
  await Promise.all([stage.startWorker(), stage.startBot()]);
  const context = await browser.newContext({ viewport, reducedMotion: 'reduce' });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(MAX_WORLD_WAIT_MS);
  const page = await context.newPage();
  await page.goto(stage.workspace.pageUrl);
  await page.getByRole('heading', { name: '# incident' }).waitFor();
  return page;
}

test.each([
  ['a desktop', { width: 1280, height: 860 }],
  ['a phone', { width: 390, height: 844 }],
])('on %s, /net mtu shows the VLAN on a VLAN, and the line that caused it', async (_, viewport) => {
  const page = await openWorkspace(viewport);
  await typeCommand(page, '/net mtu');
  const report = channelMessages(page, /1 of 3 hosts/).last();
  await report.getByRole('button', { name: 'Run again' }).waitFor();
  // One finding is in the message itself.
  const text = await report.innerText();
  expect(text).toContain('cmp-12:tenant-881 (VLAN 881) is stacked on inet (VLAN 20)');
  expect(text).toContain('physnet1:inet');
  expect(text).toContain('physnet1:bond0');
  // No button changes a network.
  expect(await report.getByRole('button', { name: /fix|plan|approve|restart/i }).count()).toBe(0);
  await waitForAnimations(page);
  expect.soft(await findOverflows(page)).toEqual([]);
});

test('/net bonds names the bond that BPDU guard cut off, the sender, and what to do in which order', async () => {
  const page = await openWorkspace({ width: 1280, height: 860 });
  await typeCommand(page, '/net bonds');
  const report = channelMessages(page, /1 of 3 bonds is down/).last();
  await report.getByRole('button', { name: 'Run again' }).waitFor();
  const text = await report.innerText();
  expect(text).toContain('cmp-13:bond0');
  expect(text).toContain('fa:16:3e:24:e7:22');
  expect(text).toMatch(/Step 1[^]*ebtables[^]*Step 2[^]*re-enable Port-Channel13/);
});

test('/net dhcp names the client that does not receive replies, and shows what it sent', async () => {
  const page = await openWorkspace({ width: 390, height: 844 });
  await typeCommand(page, '/net dhcp');
  const report = channelMessages(page, /1 of 2 DHCP clients/).last();
  await report.getByRole('button', { name: 'Run again' }).waitFor();
  const text = await report.innerText();
  expect(text).toContain("10.61.0.14 fa:16:3e:5c:01:9a doesn't receive DHCP replies");
  expect(text).toContain('net-1');
  expect(text).not.toContain('fa:16:3e:77:b0:02');
  await waitForAnimations(page);
  expect.soft(await findOverflows(page)).toEqual([]);
});
