import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { chromium, type Page } from 'playwright-core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { reportSchema } from '../../src/check/finding.ts';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { BROWSER } from '../world/browser.ts';

// A whole world starts and stops here.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const WAIT = { timeout: MAX_WORLD_WAIT_MS };

/** Starts the demo as a newcomer does, on a free port, with a folder for temporary things of its own. */
async function startDemo(env: Record<string, string>, vms = 0) {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-e2e-'));
  const demo = execa(process.execPath, ['test/demo/main.ts', '--port', '0', '--vms', String(vms)], {
    all: true,
    reject: false,
    extendEnv: false,
    env: { ...env, TMPDIR: folder, WRENCH_DATA: folder },
  });
  onTestFinished(async () => {
    demo.kill('SIGINT');
    await demo;
    await rm(folder, { recursive: true, force: true });
  });
  let said = '';
  const ready = Promise.withResolvers<void>();
  demo.all.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes('Ctrl-C stops everything')) ready.resolve();
  });
  void demo.then(() => ready.reject(new Error(`the demo ended: ${said}`)));
  await ready.promise;
  return {
    folder,
    said,
    /** Asks the running demo from a terminal. */
    ask: () =>
      execa(process.execPath, ['src/main.ts', 'run', 'certs', 'expiring', '--env', 'demo', '--json'], {
        reject: false,
        extendEnv: false,
        env: { ...env, TMPDIR: folder, WRENCH_DATA: folder },
      }),
    address: /http:\/\/127\.0\.0\.1:\d+\//.exec(said)?.[0] ?? '',
    stop: async () => {
      demo.kill('SIGINT');
      const { exitCode } = await demo;
      return { exitCode, left: [...(await readdir(folder)), ...(await processesOf(folder))] };
    },
  };
}

/** The command lines that name the demo's folder: everything that it started has something in there. */
async function processesOf(folder: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(lines)).filter((line) => line.includes(folder));
}

async function openPage(address: string): Promise<Page> {
  const browser = await chromium.launch(BROWSER);
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(WAIT.timeout);
  await page.goto(address);
  return page;
}

/** Asks in a channel of its own, and renews what is offered there: the thread, as far as it says how that ended. */
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
  await thread.getByRole('button', { name: /^Renew/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Renew', exact: true }).click();
  await thread.getByText(ends).first().waitFor();
}

test('a newcomer starts the demo, types /certs expiring in a browser, and reads the verdict and the thread', async () => {
  const demo = await startDemo({ PATH: process.env['PATH'] ?? '' });
  expect(demo.said).toMatch(/CRITICAL: \d+ of \d+ certificates have expired/);
  const page = await openPage(demo.address);
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

test('a terminal asks the running demo, and is told to start it once it has ended', async () => {
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
    stderr: expect.stringContaining('run `npm run demo` first'),
  });
});

test('a certificate is renewed with one click, and one whose neighbour did not sign it is refused', async () => {
  const demo = await startDemo({ PATH: process.env['PATH'] ?? '' });
  const page = await openPage(demo.address);

  await renew(page, 'locket', /bbs\.service\.cf\.internal renewed in secret\/cf\/bbs\/locket\/tls/);
  await renew(page, 'adapter/', /REFUSED/);

  await page.getByText(/did not sign this certificate/).waitFor();
  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});

test('a newcomer breaks the Cloud Foundry of the demo, and is told what to type', async () => {
  const demo = await startDemo({ PATH: process.env['PATH'] ?? '' }, 6);
  expect(demo.said).toContain('type /etcd doppler');
  const page = await openPage(demo.address);

  await page.getByRole('button', { name: 'Break something' }).click();
  const dialog = page.getByRole('dialog', { name: 'Break something' });
  await dialog.getByRole('button', { name: 'Break: Let doppler_z2/0 lose its key in etcd' }).click();
  await dialog.getByText('metron_agent is down on 6 of 6 VMs. Type /etcd doppler').waitFor();

  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});

test('where neither Redis nor etcd nor monit is installed, the demo says so, answers all the same, and fixes nothing', async () => {
  const demo = await startDemo({ PATH: '/nonexistent' }, 6);

  expect(demo.said).toContain('No Redis is installed');
  expect(demo.said).toContain('apt-get install etcd-server monit');
  expect(demo.said).toMatch(/CRITICAL: \d+ of \d+ certificates have expired/);
  await renew(await openPage(demo.address), 'locket', /Redis may lose the record that it was started/);
  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});
