import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { findRunningDemo } from '../../src/cli/shared/demo.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { issue, makeAuthority } from '../world/ca.ts';
import { openPage, startDemo } from './start-demo.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const DAY_MS = 86_400_000;
const WITHOUT_SILENCED = '7 findings persist (2 critical, 5 warning), 1 of them taken, 1 silenced';

/** Where the demo keeps a certificate that expires in two weeks. */
async function soonIn(folder: string): Promise<string> {
  const { configPath } = findRunningDemo(folder)!;
  const { environments } = parse(await readFile(configPath, 'utf8')) as {
    readonly environments: { readonly demo: { readonly sources: readonly { readonly paths?: string[] }[] } };
  };
  const paths = environments.demo.sources.flatMap((source) => source.paths ?? []);
  return paths.find((path) => path.endsWith('soon.pem'))!;
}

/** Replaces the certificate in a file atomically. */
async function replaceCertificate(path: string, leftDays: number): Promise<void> {
  const notAfter = new Date(Date.now() + leftDays * DAY_MS);
  const notBefore = new Date(notAfter.getTime() - 397 * DAY_MS);
  const authority = await makeAuthority({ name: 'Another CA' });
  const { certificatePem } = await issue(authority, { name: 'soon.test', notBefore, notAfter });
  const written = join(dirname(path), '.new');
  await writeFile(written, certificatePem);
  await rename(written, path);
}

async function type(page: Page, command: string): Promise<void> {
  const message = page.getByRole('textbox', { name: 'Message' });
  await message.fill(command);
  await message.press('Enter');
}

function messagesIn(page: Page, says: string | RegExp): Locator {
  return page.getByRole('log', { name: 'Messages' }).getByRole('article').filter({ hasText: says });
}

/** Runs the digest, and waits for its message: of this run, or of one that was due meanwhile. */
async function runDigest(page: Page, says: string | RegExp): Promise<Locator> {
  const digests = messagesIn(page, says);
  await type(page, '/wrench digest run platform');
  await digests.first().waitFor();
  return digests.first();
}

async function openThread(page: Page, root: Locator): Promise<Locator> {
  await root.getByRole('button', { name: /\d+ repl/ }).click();
  return page.getByRole('complementary', { name: 'Thread' });
}

/** The first button with this label after a text. */
function buttonAfter(place: Locator, text: string, label: string): Locator {
  return place.getByText(text).last().locator(`xpath=following::button[normalize-space()="${label}"][1]`);
}

async function inject(page: Page, label: string): Promise<void> {
  await page.getByRole('button', { name: 'Break something' }).click();
  const dialog = page.getByRole('dialog', { name: 'Break something' });
  const row = dialog.getByRole('listitem').filter({ hasText: label });
  await row.getByRole('button').click();
  await row.locator('output.is-done').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
}

test('people read a digest with its chart, silence a finding and take another, and see each later change once', async () => {
  const demo = await startDemo({ PATH: process.env['PATH'] ?? '' });
  expect(demo.said).toContain('/wrench digest run platform');
  const page = await openPage(demo.address);
  await page.locator('#channels').getByText('platform').click();

  const first = messagesIn(page, /CRITICAL · platform: 8 findings/).first();
  await first.waitFor();
  const thread = await openThread(page, first);
  await thread.getByRole('img', { name: 'Certificates by time left' }).waitFor();
  await thread.getByText(/expired: 15 certificates/).waitFor();

  await buttonAfter(thread, 'expired-leaf.world.test expired', 'Silence…').click();
  const form = page.getByRole('dialog', { name: 'Silence a finding' });
  await form.getByText(/expired-leaf\.world\.test expired .*\) in demo/).waitFor();
  await form.getByRole('combobox', { name: 'For how long?' }).selectOption('3 days');
  await form.getByRole('textbox', { name: 'Why?' }).fill('the site is switched off on Monday');
  await form.getByRole('button', { name: 'Silence' }).click();
  await thread.getByText(/Silenced by @ada until .*the site is switched off on Monday/).waitFor();
  await buttonAfter(thread, 'mysql.service.cf.internal expires', "I'm on it").click();
  await thread.getByText(/@ada has been on it/).waitFor();

  const equal = await runDigest(page, WITHOUT_SILENCED);
  expect(await equal.innerText()).toMatch(/CRITICAL\s+platform: nothing new since/);

  await inject(page, 'Let the certificate of shop.test expire');
  const appeared = await runDigest(page, /CRITICAL · platform: 1 new, 7 persist/);
  // People are named by an edit right after the post, so that no one is notified.
  await appeared.getByText(/@ada has been on it/).waitFor();
  const words = await appeared.innerText();
  expect(words).toMatch(/New \(1\)\s+CRITICAL\s+shop\.test expired/);
  expect(words).toMatch(/mysql\.service\.cf\.internal expires in 11 days · .*@ada has been on it/);
  expect(words).toMatch(/1 finding silenced/);
  expect(words).not.toContain('expired-leaf');

  await page.getByRole('button', { name: 'Act as @grace' }).last().click();
  await page.locator('#channels').getByText('incident').click();
  await type(page, '/certs expiring');
  const answer = messagesIn(page, /16 of \d+ certificates have expired/).last();
  await answer.getByText(/silenced by @ada until/).waitFor();
  await answer.getByText(/@ada has been on it/).waitFor();
  await page.locator('#channels').getByText('platform').click();

  const soon = await soonIn(demo.folder);
  await replaceCertificate(soon, -1);
  const worse = await runDigest(page, /CRITICAL · platform: 1 worse/);
  expect(await worse.innerText()).toMatch(/Worse \(1\)\s+CRITICAL\s+soon\.test expired .* · was WARNING/);

  await inject(page, 'Renew the certificate of shop.test');
  const gone = await runDigest(page, /CRITICAL · platform: 1 gone/);
  expect(await gone.innerText()).toMatch(
    /Gone \(1\)\s+shop\.test expired .* · renewed, now valid until .* · lasted/,
  );

  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});
