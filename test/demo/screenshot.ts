/** `npm run screenshot`: takes the pictures of the README from the running demo. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { BROWSER } from '../world/browser.ts';

const FOLDER = join(import.meta.dirname, '../../docs');
const READY_WITHIN_MS = 60_000;
const DESK = { width: 1_280, height: 860 };
const PHONE = { width: 390, height: 844 };

interface Shot {
  readonly name: string;
  readonly viewport: typeof DESK;
  readonly prepare: (page: Page) => Promise<void>;
}

const SHOTS: readonly Shot[] = [
  // Wide enough for the verdict in the channel next to one finding in the thread.
  { name: 'thread.png', viewport: DESK, prepare: (page) => openCertificates(page, 'finding') },
  { name: 'phone.png', viewport: PHONE, prepare: (page) => openCertificates(page, 'verdict') },
  { name: 'digest.png', viewport: DESK, prepare: openDigest },
  { name: 'digest-phone.png', viewport: PHONE, prepare: openChangedDigest },
  { name: 'fixed.png', viewport: DESK, prepare: fixDoppler },
];

async function main(): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const demo = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((done) => demo.once('exit', done));
  const browser = await chromium.launch(BROWSER);
  try {
    const address = await addressOf(demo);
    for (const shot of SHOTS) await shoot(browser, address, shot);
  } finally {
    await browser.close();
    demo.kill('SIGINT');
    await ended;
  }
}

/** The page's address, once the demo's first check has its report. */
async function addressOf({ stdout }: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const late = setTimeout(() => reject(new Error('the demo did not start')), READY_WITHIN_MS);
  let said = '';
  stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    const address = /http:\/\/127\.0\.0\.1:\d+\//.exec(said)?.[0];
    if (address !== undefined && said.includes('Ctrl-C stops everything')) resolve(address);
  });
  stdout?.once('end', () => reject(new Error('the demo ended')));
  return promise.finally(() => clearTimeout(late));
}

async function shoot(browser: Browser, address: string, shot: Shot): Promise<void> {
  const page = await browser.newPage({ viewport: shot.viewport, colorScheme: 'light' });
  page.setDefaultTimeout(READY_WITHIN_MS);
  await page.goto(address);
  await shot.prepare(page);
  // New messages fade in.
  await page.evaluate(
    'Promise.allSettled(document.getAnimations().map(({ finished }) => finished)).then(() => true)',
  );
  const path = join(FOLDER, shot.name);
  await page.screenshot({ path });
  await page.close();
  process.stdout.write(`written: docs/${shot.name}, ${Math.ceil((await stat(path)).size / 1_000)} kB\n`);
}

/** The message with this verdict: a digest may be posted at any time. */
async function openThread(page: Page, verdict: RegExp): Promise<Locator> {
  await page
    .getByRole('log', { name: 'Messages' })
    .getByRole('article')
    .filter({ has: page.getByRole('heading', { name: verdict }) })
    .getByRole('button', { name: /\d+ repl/ })
    .last()
    .click();
  return page.getByRole('complementary', { name: 'Thread' });
}

async function openCertificates(page: Page, from: 'finding' | 'verdict'): Promise<void> {
  const thread = await openThread(page, /certificates have expired/);
  const [verdict, finding] = [
    thread.getByRole('heading', { name: /certificates have expired/ }).first(),
    thread.getByText(/likely impact: cells/).last(),
  ];
  await finding.waitFor();
  // TypeScript has no DOM types here.
  await (from === 'finding' ? finding : verdict).evaluate((shown: unknown) =>
    (shown as { scrollIntoView: () => void }).scrollIntoView(),
  );
  // The line above is part of it.
  await thread.hover();
  await page.mouse.wheel(0, from === 'finding' ? -24 : -1_000);
  await page.mouse.move(0, 0);
}

/** Switches the channel, on a phone through its menu. */
async function openPlatform(page: Page): Promise<void> {
  const menu = page.getByRole('button', { name: /^Channels/ });
  if (await menu.isVisible()) await menu.click();
  await page.locator('#channels').getByText('platform').click();
}

/**
 * A certificate has expired: the digest in the channel reports it, and the thread next to it shows the
 * chart.
 */
async function openDigest(page: Page): Promise<void> {
  await openPlatform(page);
  await inject(page, /Let the certificate of shop.test expire/, /has expired/);
  await send(page, '/wrench digest run platform');
  const changed = page.getByRole('heading', { name: /1 new/ }).first();
  await changed.waitFor();
  const thread = await openThread(page, /1 new/);
  const chart = thread.getByRole('img', { name: 'Certificates by time left' });
  await chart.waitFor();
  await chart.scrollIntoViewIfNeeded();
  await changed.evaluate((shown: unknown) => (shown as { scrollIntoView: () => void }).scrollIntoView());
  await page.mouse.move(0, 0);
}

/** The certificate is renewed. */
async function openChangedDigest(page: Page): Promise<void> {
  await openPlatform(page);
  await inject(page, /Renew the certificate of shop.test/, /has been renewed/);
  await send(page, '/wrench digest run platform');
  const changed = page.getByRole('heading', { name: /1 gone/ }).first();
  await changed.waitFor();
  await changed.evaluate((shown: unknown) => (shown as { scrollIntoView: () => void }).scrollIntoView());
  await page.mouse.move(0, 0);
}

async function inject(page: Page, label: RegExp, result: RegExp): Promise<void> {
  await page.getByRole('button', { name: 'Break something' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: label }).click();
  await dialog.getByText(result).waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
}

async function send(page: Page, command: string): Promise<void> {
  const message = page.getByRole('textbox', { name: 'Message' });
  await message.fill(command);
  await message.press('Enter');
}

/** The outage from start to end: broken, found, requested by Ada, approved by Grace. */
async function fixDoppler(page: Page): Promise<void> {
  await openPlatform(page);
  await inject(page, /lose its key in etcd/, /has lost its key/);
  await send(page, '/etcd doppler');
  await page.getByRole('heading', { name: /running but not registered/ }).waitFor();
  const thread = await openThread(page, /running but not registered/);
  await thread.getByRole('button', { name: 'Restart doppler_z2/0' }).click();
  const approve = thread.getByRole('button', { name: 'Approve' });
  await approve.waitFor();
  await thread.getByRole('button', { name: 'Act as @grace' }).click();
  await approve.click();
  const fixed = thread.getByText(/FIXED · doppler_z2: 0 -> 1 registered/).last();
  await fixed.waitFor();
  await thread.getByRole('button', { name: 'Act as @ada' }).click();
  await fixed.scrollIntoViewIfNeeded();
  await page.mouse.move(0, 0);
}

await main();
