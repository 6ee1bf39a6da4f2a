import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import {
  actAs,
  channelMessages,
  closeThread,
  injectFault,
  openChannel,
  openThread,
  typeCommand,
  waitForAnimations,
} from '../demo/walk.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { accessibilityProblems } from './check-accessibility.ts';
import { openPage, startDemo } from './start-demo.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const DESKTOP = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 844 };

/** Lets a doppler lose its key and requests its restart: a plan waits for approval. */
async function requestPlan(page: Page): Promise<void> {
  await injectFault(page, 'lose its key in etcd');
  await typeCommand(page, '/etcd doppler');
  const report = channelMessages(page, 'not registered').last();
  await report.getByRole('button').first().waitFor();
  const thread = await openThread(page, report);
  await thread
    .getByRole('button', { name: /Restart doppler_z2\/0/ })
    .first()
    .click();
  await thread.getByRole('button', { name: 'Approve' }).waitFor();
}

/** What axe-core finds in each part of the page, by the name of the part. */
async function problemsByPart(page: Page): Promise<Readonly<Record<string, readonly string[]>>> {
  const problems: Record<string, readonly string[]> = {};
  const check = async (part: string) => {
    problems[part] = await accessibilityProblems(page);
  };
  await check('channel');

  const menu = page.getByRole('button', { name: /^Channels/ });
  if (await menu.isVisible()) {
    await menu.click();
    await check('menu');
    await page.keyboard.press('Escape');
    await waitForAnimations(page);
  }

  await page.getByRole('button', { name: 'Break something' }).click();
  await check('faults');
  await page.keyboard.press('Escape');

  const report = channelMessages(page, /certificates have expired/).first();
  await openThread(page, report);
  await check('thread of a report');
  await closeThread(page);

  const plan = await openThread(page, channelMessages(page, 'not registered').last());
  await plan.getByRole('button', { name: 'Approve' }).waitFor();
  await check('plan');
  await closeThread(page);

  await openChannel(page, 'platform');
  const digest = channelMessages(page, /platform: \d+ findings/).first();
  const thread = await openThread(page, digest);
  await thread.getByRole('img', { name: 'Certificates by time left' }).waitFor();
  await check('digest with a chart');

  await thread
    .getByRole('button', { name: /^Silence/ })
    .first()
    .click();
  const form = page.getByRole('dialog', { name: 'Silence a finding' });
  await form.waitFor();
  await check('form');
  await form.getByRole('button', { name: 'Cancel' }).click();
  await form.waitFor({ state: 'hidden' });
  await closeThread(page);

  await openChannel(page, 'incident');
  await typeCommand(page, '/certs show --bad');
  await page.getByText('Only visible to you').last().waitFor();
  await check('private message');
  return problems;
}

test('axe-core finds nothing on the page of the demo, on a desktop and a phone, light and dark', async () => {
  const demo = await startDemo({ PATH: process.env['PATH'] ?? '' }, { vms: 6 });
  const page = await openPage(demo.address);
  await page.setViewportSize(DESKTOP);
  await requestPlan(page);
  await actAs(page, 'ada');

  for (const viewport of [DESKTOP, PHONE]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.goto(demo.address);
      await page.getByRole('heading', { name: '# incident' }).waitFor();

      const found = Object.entries(await problemsByPart(page)).filter(([, problems]) => problems.length > 0);
      expect({ viewport, colorScheme, found }).toEqual({ viewport, colorScheme, found: [] });
    }
  }
});
