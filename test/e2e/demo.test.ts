import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { chromium } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { BROWSER } from '../world/browser.ts';

const START_WITHIN_MS = 60_000;

/** Starts the demo as a newcomer does, on a free port, with a folder for temporary things of its own. */
async function startDemo(env: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-e2e-'));
  const demo = execa(process.execPath, ['test/demo/main.ts', '--port', '0'], {
    all: true,
    reject: false,
    extendEnv: false,
    env: { ...env, TMPDIR: folder, WRENCH_DEMO_NOTE: join(folder, 'note.json') },
  });
  onTestFinished(async () => {
    demo.kill('SIGINT');
    await demo;
    await rm(folder, { recursive: true, force: true });
  });
  let said = '';
  demo.all.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await expect.poll(() => said, { timeout: START_WITHIN_MS }).toContain('Ctrl-C stops everything');
  return {
    said,
    address: /http:\/\/127\.0\.0\.1:\d+\//.exec(said)?.[0] ?? '',
    stop: async () => {
      demo.kill('SIGINT');
      const { exitCode } = await demo;
      return { exitCode, left: await readdir(folder) };
    },
  };
}

test('a newcomer starts the demo, types /certs expiring in a browser, and reads the verdict and the thread', async () => {
  const demo = await startDemo({ PATH: process.env['PATH'] ?? '' });
  expect(demo.said).toMatch(/CRITICAL: \d+ of \d+ certificates have expired/);
  const browser = await chromium.launch(BROWSER);
  onTestFinished(() => browser.close());
  const page = await browser.newPage();

  await page.goto(demo.address);
  await page.locator('#channels').getByText('platform').click();
  await page.getByRole('textbox', { name: 'Message' }).fill('/certs expiring --within 20d');
  await page.getByRole('textbox', { name: 'Message' }).press('Enter');

  const verdict = page.getByRole('heading', { name: /of \d+ certificates have expired/ });
  await verdict.first().waitFor();
  expect(await verdict.first().innerText()).toMatch(/CRITICAL/);
  await page
    .getByRole('button', { name: /\d+ repl/ })
    .first()
    .click();
  const thread = page.getByRole('complementary', { name: 'Thread' });
  await thread.getByText('vault:secret/cf/bbs/locket/tls:certificate').first().waitFor();
  await thread.getByText('nothing listens there').first().waitFor();

  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});

test('where no Redis is installed, the demo says so and answers all the same', async () => {
  const demo = await startDemo({ PATH: '/nonexistent' });

  expect(demo.said).toContain('No Redis is installed');
  expect(demo.said).toMatch(/CRITICAL: \d+ of \d+ certificates have expired/);
  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});
