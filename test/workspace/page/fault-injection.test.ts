/* oxlint-disable unicorn/require-post-message-target-origin -- Slack's chat.postMessage, not a window's */
import type { App, BlockAction } from '@slack/bolt';
import type { KnownBlock } from '@slack/types';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { MAX_WAIT_MS } from '../../timeouts.ts';
import { BROWSER } from '../../world/browser.ts';
import type { FaultInjection } from '../fault-injection.ts';
import { openWithBolt } from '../open-with-bolt.ts';

const at = { channel: 'C0123INCIDENT' };

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch(BROWSER);
});
afterAll(() => browser.close());

async function openPage(
  faultInjections: readonly FaultInjection[],
  register: (app: App) => void = () => {},
  viewport = { width: 1280, height: 800 },
) {
  const { workspace, app } = await openWithBolt('http', register, { faultInjections });
  const context = await browser.newContext({ viewport });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(MAX_WAIT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(workspace.pageUrl);
  await page.getByRole('heading', { name: '# incident' }).waitFor();
  return { page, app, complaints };
}

const width = (page: Page) => page.evaluate('document.documentElement.scrollWidth');

test('a person injects a fault once and reads what is broken now', async () => {
  const broken = Promise.withResolvers<string>();
  let times = 0;
  const { page, complaints } = await openPage([
    {
      label: "Lose a doppler's key",
      about: 'It runs on, and nobody finds it.',
      run: () => {
        times++;
        return broken.promise;
      },
    },
    {
      label: 'Fail',
      about: 'Cannot be broken.',
      run: () => Promise.reject(new Error('etcd does not respond')),
    },
    { label: 'Give it back', about: 'As it was.', restores: true, run: async () => 'All is well' },
  ]);

  await page.getByRole('button', { name: 'Break something' }).click();
  const dialog = page.getByRole('dialog', { name: 'Break something' });
  const breakIt = dialog.getByRole('button', { name: "Break: Lose a doppler's key" });
  await breakIt.click();
  expect(await breakIt.isDisabled()).toBe(true);
  broken.resolve('doppler_z2/0 lost its key: type /etcd doppler');
  await dialog.getByText('doppler_z2/0 lost its key: type /etcd doppler').waitFor();
  expect(await breakIt.isDisabled()).toBe(false);
  await dialog.getByRole('button', { name: 'Break: Fail' }).click();
  await dialog.getByText("Couldn't break it: etcd does not respond").waitFor();
  await dialog.getByRole('button', { name: 'Undo: Give it back' }).click();
  await dialog.getByText('All is well').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();

  expect(await dialog.isVisible()).toBe(false);
  expect(times).toBe(1);
  expect(complaints).toEqual([]);
});

test('a result that arrives after the dialog was closed is still shown', async () => {
  const broken = Promise.withResolvers<string>();
  const { page } = await openPage([{ label: 'Slow', about: 'Takes a while.', run: () => broken.promise }]);

  await page.getByRole('button', { name: 'Break something' }).click();
  await page.getByRole('button', { name: 'Break: Slow' }).click();
  await page.keyboard.press('Escape');
  broken.resolve('Now it is broken');

  await expect.poll(() => page.getByRole('status').innerText()).toBe('Now it is broken');
});

test('offers no faults if there are none', async () => {
  const { page } = await openPage([]);

  expect(await page.getByRole('button', { name: 'Break something' }).isVisible()).toBe(false);
});

test('fits on a phone and is found by its label', async () => {
  const faultInjections = [
    {
      label: 'Break it',
      about: 'A rather long word of what happens then. '.repeat(4),
      run: async () => 'Done',
    },
  ];
  const { page } = await openPage(faultInjections, () => {}, { width: 390, height: 780 });

  await page.getByRole('button', { name: 'Break something' }).click();
  await page.getByRole('button', { name: 'Break: Break it' }).click();
  await page.getByRole('dialog').getByText('Done', { exact: true }).waitFor();

  expect(await width(page)).toBe(390);
});

test.each([
  ['a desk', { width: 1280, height: 800 }],
  ['a phone', { width: 390, height: 780 }],
])(
  'at %s, Ada requests a fix in a thread, switches to Grace with one click, and approves',
  async (_, viewport) => {
    const clicked: string[] = [];
    const { page, app, complaints } = await openPage(
      [],
      (bolt) => {
        bolt.action<BlockAction>(/^wrench:/, async ({ ack, body, client, action }) => {
          await ack();
          clicked.push(`${body.user.id} ${'action_id' in action ? action.action_id : ''}`);
          const isRequest = clicked.length === 1;
          await client.chat.update({
            ...at,
            ts: String(body.message?.['ts']),
            text: isRequest ? 'PLAN' : 'APPROVED',
            blocks: isRequest ? card('wrench:approve', 'Approve') : [],
          });
        });
      },
      viewport,
    );
    const root = await app.client.chat.postMessage({ ...at, text: '1 of 3 dopplers' });
    const blocks = card('wrench:request', 'Restart doppler_z2/0');
    await app.client.chat.postMessage({ ...at, thread_ts: String(root.ts), text: 'Offers', blocks });

    await page.getByRole('button', { name: '1 reply' }).click();
    const thread = page.getByRole('complementary', { name: 'Thread' });
    await thread.getByRole('button', { name: 'Restart doppler_z2/0' }).click();
    await thread.getByRole('button', { name: 'Approve' }).waitFor();
    const grace = thread.getByRole('button', { name: 'Act as @grace' });
    await grace.click();
    await expect.poll(() => grace.getAttribute('aria-pressed')).toBe('true');
    await thread.getByRole('button', { name: 'Approve' }).click();
    await thread.getByText('APPROVED').waitFor();

    expect(clicked).toEqual(['U0123ADA wrench:request', 'U0123GRACE wrench:approve']);
    expect(await width(page)).toBe(viewport.width);
    expect(complaints).toEqual([]);
  },
);

function card(action: string, label: string): KnownBlock[] {
  const text = { type: 'plain_text', text: label } as const;
  return [{ type: 'actions', elements: [{ type: 'button', action_id: action, value: 'm1', text }] }];
}
