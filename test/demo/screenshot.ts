/** `npm run screenshot`: takes the pictures of the README from the running demo. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { BROWSER } from '../world/browser.ts';
import { actAs, injectFault, openChannel, openThread, typeCommand, waitForAnimations } from './walk.ts';

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
  await waitForAnimations(page);
  const path = join(FOLDER, shot.name);
  await page.screenshot({ path });
  await page.close();
  process.stdout.write(`written: docs/${shot.name}, ${Math.ceil((await stat(path)).size / 1_000)} kB\n`);
}

/** The message with this verdict: a digest may be posted at any time. */
function messageWith(page: Page, verdict: RegExp): Locator {
  return page
    .getByRole('log', { name: 'Messages' })
    .getByRole('article')
    .filter({ has: page.getByRole('heading', { name: verdict }) })
    .last();
}

async function openCertificates(page: Page, from: 'finding' | 'verdict'): Promise<void> {
  const thread = await openThread(page, messageWith(page, /certificates have expired/));
  const [verdict, finding] = [
    thread.getByRole('heading', { name: /certificates have expired/ }).first(),
    thread.getByText(/likely impact: cells/i).last(),
  ];
  await finding.waitFor();
  await scrollToTop(from === 'finding' ? finding : verdict);
  // The line above is part of it.
  await thread.hover();
  await page.mouse.wheel(0, from === 'finding' ? -24 : -1_000);
  await page.mouse.move(0, 0);
}

/**
 * A certificate has expired: the digest in the channel reports it, and the thread next to it shows the
 * chart.
 */
async function openDigest(page: Page): Promise<void> {
  await openChannel(page, 'platform');
  await injectFault(page, 'Let the certificate of shop.test expire');
  await typeCommand(page, '/wrench digest run platform');
  const changed = page.getByRole('heading', { name: /1 new/ }).first();
  await changed.waitFor();
  const thread = await openThread(page, messageWith(page, /1 new/));
  const chart = thread.getByRole('img', { name: 'Certificates by time left' });
  await chart.waitFor();
  await chart.scrollIntoViewIfNeeded();
  await scrollToTop(changed);
  await page.mouse.move(0, 0);
}

/** The certificate is renewed. */
async function openChangedDigest(page: Page): Promise<void> {
  await openChannel(page, 'platform');
  await injectFault(page, 'Renew the certificate of shop.test');
  await typeCommand(page, '/wrench digest run platform');
  const changed = page.getByRole('heading', { name: /1 gone/ }).first();
  await changed.waitFor();
  await scrollToTop(changed);
  await page.mouse.move(0, 0);
}

/** The outage from start to end: broken, found, requested by Ada, approved by Grace. */
async function fixDoppler(page: Page): Promise<void> {
  await openChannel(page, 'platform');
  await injectFault(page, 'lose its key in etcd');
  await typeCommand(page, '/etcd doppler');
  const report = messageWith(page, /not registered/);
  await report
    .getByRole('button', { name: /\d+ repl|Restart/ })
    .first()
    .waitFor();
  const thread = await openThread(page, report);
  await thread
    .getByRole('button', { name: /Restart doppler_z2\/0/ })
    .first()
    .click();
  const approve = thread.getByRole('button', { name: /^Approve/ });
  await approve.waitFor();
  await actAs(page, 'grace');
  await approve.click();
  const fixed = thread.getByText(/^\W*FIXED/i).last();
  await fixed.waitFor();
  await actAs(page, 'ada');
  await fixed.scrollIntoViewIfNeeded();
  await page.mouse.move(0, 0);
}

/** TypeScript has no DOM types here. */
async function scrollToTop(element: Locator): Promise<void> {
  await element.evaluate((shown: unknown) => (shown as { scrollIntoView: () => void }).scrollIntoView());
}

await main();
