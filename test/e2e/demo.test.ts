import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { reportSchema } from '../../src/check/finding.ts';
import { actAs, channelMessages, openThread, typeCommand } from '../demo/walk.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { openPage, startDemo } from './start-demo.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

/**
 * Runs a check in its own channel and renews what is offered there. Returns the outcome shown in the
 * thread.
 */
async function renew(page: Page, match: string, ends: RegExp) {
  await page.locator('#channels').getByText('platform').click();
  await page.getByRole('textbox', { name: 'Message' }).fill(`/certs expiring --match ${match}`);
  await page.getByRole('textbox', { name: 'Message' }).press('Enter');
  const root = page.getByRole('article').filter({ hasText: `--match ${match}` });
  await root
    .getByRole('button', { name: /\d+ repl/ })
    .last()
    .click();
  const thread = page.getByRole('complementary', { name: 'Thread' });
  await thread.getByRole('button', { name: /^Renew:/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Renew', exact: true }).click();
  await thread.getByText(ends).first().waitFor();
}

test('someone new starts the demo, types /certs expiring in a browser, and reads the verdict and the thread', async () => {
  const demo = await startDemo({ PATH: process.env['PATH'] ?? '' });
  expect(demo.said).toMatch(/CRITICAL: \d+ of \d+ certificates have expired/);
  const page = await openPage(demo.address);
  await page.locator('#channels').getByText('platform').click();
  await page.getByRole('textbox', { name: 'Message' }).fill('/certs expiring --within 20d');
  await page.getByRole('textbox', { name: 'Message' }).press('Enter');

  const verdict = page.getByRole('heading', { name: /of \d+ certificates have expired/ });
  await verdict.first().waitFor();
  expect(await verdict.first().innerText()).toMatch(/CRITICAL/);
  // The channel also has a digest with a thread.
  await page
    .getByRole('article')
    .filter({ has: verdict })
    .getByRole('button', { name: /\d+ repl/ })
    .first()
    .click();
  const thread = page.getByRole('complementary', { name: 'Thread' });
  await thread.getByText('vault:secret/cf/bbs/locket/tls:certificate').first().waitFor();
  await thread.getByText('nothing listens there').first().waitFor();

  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});

test('the CLI runs a check in the running demo, and says how to start the demo once it has stopped', async () => {
  const demo = await startDemo({ PATH: process.env['PATH'] ?? '' });

  const { exitCode, stdout } = await demo.ask();
  expect(exitCode).toBe(1);
  expect(reportSchema.parse(JSON.parse(stdout)).environment).toBe('demo');
  // The certificates in files are in a folder of this demo.
  expect(stdout).toContain(demo.folder);
  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });

  expect(await demo.ask()).toMatchObject({
    exitCode: 78,
    stdout: '',
    stderr: expect.stringContaining('Run `npm run demo`'),
  });
});

test('a certificate is renewed with one click, and one not signed by its configured CA is refused', async () => {
  const demo = await startDemo({ PATH: process.env['PATH'] ?? '' });
  const page = await openPage(demo.address);

  await renew(page, 'locket', /bbs\.service\.cf\.internal renewed in secret\/cf\/bbs\/locket\/tls/);
  await renew(page, 'adapter/', /REFUSED/);

  // On the card, and in the message that notifies the requester.
  await page
    .getByText(/didn't sign this certificate/)
    .first()
    .waitFor();
  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});

test("someone new breaks the demo's Cloud Foundry and sees what to type", async () => {
  const demo = await startDemo({ PATH: process.env['PATH'] ?? '' }, { vms: 6 });
  expect(demo.said).toContain('type /etcd doppler');
  const page = await openPage(demo.address);

  await page.getByRole('button', { name: 'Break something' }).click();
  const dialog = page.getByRole('dialog', { name: 'Break something' });
  await dialog.getByRole('button', { name: 'Break: Let doppler_z2/0 lose its key in etcd' }).click();
  await dialog.getByText('metron_agent is down on 6 of 6 VMs. Type /etcd doppler').waitFor();

  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});

test("two people end the restart loop of the demo's shop, and it is fixed once it has run for long enough", async () => {
  const demo = await startDemo({ PATH: process.env['PATH'] ?? '' });
  expect(demo.said).toContain('type /pods restarts');
  const page = await openPage(demo.address);
  await typeCommand(page, '/pods restarts');
  const report = channelMessages(page, 'shop/checkout is killed by its liveness probe').last();
  await report.getByRole('button').first().waitFor();

  const thread = await openThread(page, report);
  await thread
    .getByRole('button', { name: /Raise timeoutSeconds of shop\/checkout to 4/ })
    .first()
    .click();
  const approve = thread.getByRole('button', { name: /^Approve/ });
  await approve.waitFor();
  await actAs(page, 'grace');
  await approve.click();
  await thread
    .getByText(/^\W*FIXED/i)
    .last()
    .waitFor();

  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});

test('without Redis, etcd, monit and Docker, the demo says so, still runs checks, and fixes nothing', async () => {
  const demo = await startDemo({ PATH: '/nonexistent' }, { vms: 6, engine: true });

  expect(demo.said).toContain('No Redis is installed');
  expect(demo.said).toContain('apt-get install etcd-server monit');
  expect(demo.said).toMatch(/No Docker Engine can run here, so no build nodes: apt-get install .*docker\.io/);
  expect(demo.said).toMatch(/CRITICAL: \d+ of \d+ certificates have expired/);
  const page = await openPage(demo.address);
  await renew(page, 'locket', /Redis may lose the record that it was started/);
  await typeCommand(page, '/net mtu');
  const report = channelMessages(page, '1 of 3 hosts has links whose frames').last();
  await report.getByText('physical_interface_mappings').first().waitFor();
  await typeCommand(page, '/rabbit health');
  await channelMessages(page, 'versioned_notifications.info has 1,893,322 messages').last().waitFor();
  await typeCommand(page, '/cloud services');
  await channelMessages(page, '1 of 3 computes is down').last().waitFor();
  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});
