/** `npm run screenshot`: takes the pictures of the README anew, from the running demo. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { BROWSER } from '../world/browser.ts';

const FOLDER = join(import.meta.dirname, '../../docs');
const READY_WITHIN_MS = 60_000;
const SHOTS = [
  // Beside the verdict in the channel there is room for what the thread shows of one finding.
  { name: 'thread.png', viewport: { width: 1_280, height: 860 }, from: 'finding' },
  { name: 'phone.png', viewport: { width: 390, height: 844 }, from: 'verdict' },
] as const;

async function main(): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const demo = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const browser = await chromium.launch(BROWSER);
  try {
    const address = await addressOf(demo);
    for (const shot of SHOTS) await shoot(browser, address, shot);
  } finally {
    await browser.close();
    const ended = new Promise((done) => demo.once('exit', done));
    demo.kill('SIGINT');
    await ended;
  }
}

/** Where the page is, once the demo's first question is answered. */
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

async function shoot(browser: Browser, address: string, shot: (typeof SHOTS)[number]): Promise<void> {
  const page = await browser.newPage({ viewport: shot.viewport, colorScheme: 'light' });
  await page.goto(address);
  await openThread(page, shot.from);
  const path = join(FOLDER, shot.name);
  await page.screenshot({ path });
  await page.close();
  process.stdout.write(`written: docs/${shot.name}, ${Math.ceil((await stat(path)).size / 1_000)} kB\n`);
}

async function openThread(page: Page, from: 'finding' | 'verdict'): Promise<void> {
  await page
    .getByRole('button', { name: /\d+ repl/ })
    .first()
    .click();
  const thread = page.getByRole('complementary', { name: 'Thread' });
  const [verdict, finding] = [
    thread.getByRole('heading', { name: /certificates have expired/ }).first(),
    thread.getByText(/likely hit: cells cannot register/).last(),
  ];
  await finding.waitFor();
  // TypeScript knows no DOM here.
  await (from === 'finding' ? finding : verdict).evaluate((shown: unknown) =>
    (shown as { scrollIntoView: () => void }).scrollIntoView(),
  );
  // The line above it belongs to it.
  await thread.hover();
  await page.mouse.wheel(0, from === 'finding' ? -24 : -1_000);
  await page.mouse.move(0, 0);
}

await main();
