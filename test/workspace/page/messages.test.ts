import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { MAX_WAIT_MS } from '../../timeouts.ts';
import { BROWSER } from '../../world/browser.ts';
import { openWithBolt } from '../open-with-bolt.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch(BROWSER);
});
afterAll(() => browser.close());

async function open(width: number) {
  const heard: string[] = [];
  const { workspace } = await openWithBolt('http', (bolt) => {
    bolt.event('app_mention', async ({ event, say }) => {
      heard.push(event.text);
      await say({ text: 'In the thread.', thread_ts: event.thread_ts ?? event.ts });
    });
    bolt.event('message', async ({ event, say }) => {
      heard.push('text' in event ? (event.text ?? '') : '');
      await say('In direct messages.');
    });
  });
  const context = await browser.newContext({ viewport: { width, height: 800 } });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(MAX_WAIT_MS);
  const page = await context.newPage();
  await page.goto(workspace.pageUrl);
  const type = async (text: string) => {
    await page.getByRole('textbox', { name: 'Message' }).fill(text);
    await page.getByRole('textbox', { name: 'Message' }).press('Enter');
  };
  return { page, type, heard, workspace };
}

test('a message with @wrench mentions the bot, which answers in a thread', async () => {
  const { page, type, heard } = await open(1280);

  await type('`@wrench` is how to mention it, @ada & <co>');
  await type('@wrench certs expiring');
  await page.getByRole('button', { name: /1 reply/ }).click();

  await page.getByRole('log', { name: 'Replies' }).getByText('In the thread.').waitFor();
  expect(heard).toEqual(['<@U0123WRENCH> certs expiring']);
});

test('a reply in a long thread scrolls to itself and to the answer', async () => {
  const { page, type, workspace } = await open(390);
  await type('@wrench certs expiring');
  await page.getByRole('button', { name: /1 reply/ }).click();
  const thread = page.getByRole('log', { name: 'Replies' });
  await thread.getByText('In the thread.').waitFor();
  const { ts = '' } = workspace.messages('C0123INCIDENT').at(-1) ?? {};
  workspace.say('U0123KATE', 'C0123INCIDENT', 'evidence\n'.repeat(100), ts);
  await thread.getByText('evidence').waitFor();
  // From its top, where a thread opens.
  await page.evaluate(`document.querySelector('#thread-messages').scrollTop = 0`);

  await page.getByRole('textbox', { name: 'Reply' }).fill('@wrench etcd health');
  await page.getByRole('textbox', { name: 'Reply' }).press('Enter');

  const answer = thread.getByText('In the thread.').nth(1);
  await answer.waitFor();
  const { y = Infinity, height = 0 } = (await answer.boundingBox()) ?? {};
  const { y: end = 0 } = (await page.getByRole('textbox', { name: 'Reply' }).boundingBox()) ?? {};
  expect(y + height).toBeLessThan(end);
});

test.each([
  ['a desktop', 1280],
  ['a phone', 390],
])('on %s the bot answers in the direct messages of each person', async (_, width) => {
  const { page, type, heard, workspace } = await open(width);
  const openDirect = async () => {
    if (width < 600) await page.getByRole('button', { name: /^Channels/ }).click();
    await page.getByRole('button', { name: 'Wrench', exact: true }).click();
  };

  await openDirect();
  await page.getByPlaceholder('Message Wrench').waitFor();
  await type('certs expiring');
  await page.getByRole('log', { name: 'Messages' }).getByText('In direct messages.').waitFor();
  await page.getByRole('button', { name: 'Act as @grace' }).first().click();

  await page.getByText('In direct messages.').waitFor({ state: 'hidden' });
  expect(heard).toEqual(['certs expiring']);
  expect(workspace.messages('D0123ADA').map(({ text }) => text)).toEqual([
    'certs expiring',
    'In direct messages.',
  ]);
});
