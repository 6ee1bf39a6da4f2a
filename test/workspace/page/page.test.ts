/* oxlint-disable unicorn/require-post-message-target-origin -- Slack's chat.postMessage, not a window's */
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { MAX_WAIT_MS } from '../../timeouts.ts';
import { BROWSER } from '../../world/browser.ts';
import { openWithBolt } from '../open-with-bolt.ts';
import type { Workspace } from '../start-workspace.ts';

const HOSTILE = '<img src=x onerror=alert(1)> <!channel> *bold* &lt;b&gt;';
const escape = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const at = { channel: 'C0123INCIDENT' };

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch(BROWSER);
});
afterAll(() => browser.close());

/**
 * A small bot: a verdict in the channel, findings and a file below it, a button that asks for confirmation.
 */
async function openPage(
  viewport = { width: 1280, height: 800 },
): Promise<{ page: Page; workspace: Workspace; complaints: string[] }> {
  const { workspace } = await openWithBolt(
    'http',
    (app) => {
      app.command(/.*/, async ({ ack, client, command }) => {
        await ack('On it.');
        const root = await client.chat.postMessage({
          ...at,
          text: '3 of 41 certificates have expired',
          blocks: [
            {
              type: 'header',
              text: { type: 'plain_text', text: ':red_circle: 3 of 41 certificates have expired' },
            },
            {
              type: 'section',
              text: { type: 'mrkdwn', text: `Asked by <@${command.user_id}>: ${escape(HOSTILE)}` },
            },
            {
              type: 'table',
              rows: [
                ['Host', 'Left'],
                [HOSTILE, '-3 d'],
              ].map((row) => row.map((text) => ({ type: 'raw_text', text }))),
            },
            {
              type: 'actions',
              elements: [
                {
                  type: 'button',
                  action_id: 'renew',
                  value: 'bbs',
                  style: 'primary',
                  text: { type: 'plain_text', text: 'Renew certificate' },
                  confirm: {
                    title: { type: 'plain_text', text: 'Renew bbs?' },
                    text: { type: 'plain_text', text: 'Nothing is redeployed.' },
                    confirm: { type: 'plain_text', text: 'Renew' },
                    deny: { type: 'plain_text', text: 'Cancel' },
                  },
                },
              ],
            },
          ],
        });
        const place = { ...at, thread_ts: String(root.ts) };
        await client.chat.postMessage({
          ...place,
          text: 'bbs expired',
          blocks: [
            {
              type: 'rich_text',
              elements: [
                { type: 'rich_text_preformatted', elements: [{ type: 'text', text: HOSTILE }] },
                { type: 'rich_text_quote', elements: [{ type: 'text', text: 'f'.repeat(300) }] },
                {
                  type: 'rich_text_section',
                  elements: [{ type: 'text', text: 'f'.repeat(300), style: { code: true } }],
                },
              ],
            },
          ],
        });
        await client.files.uploadV2({
          channel_id: at.channel,
          thread_ts: place.thread_ts,
          filename: 'certs.csv',
          title: 'All 41',
          content: 'a,b\n',
        });
      });
      app.action('renew', async ({ ack, client, body }) => {
        await ack();
        const ts = body.type === 'block_actions' ? String(body.message?.['ts']) : '';
        await client.chat.update({ ...at, ts, text: `Approved by <@${body.user.id}>` });
      });
    },
    { commands: [{ command: '/certs', usage: 'expiring', description: 'Certificates' }] },
  );
  const context = await browser.newContext({ viewport });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(MAX_WAIT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(workspace.pageUrl);
  return { page, workspace, complaints };
}

async function ask(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill('/certs expiring');
  await page.keyboard.press('Enter');
}

test('a person types a command, reads the thread and gets the file', async () => {
  const { page, complaints } = await openPage();

  await page.getByRole('textbox', { name: 'Message' }).fill('/ce');
  await page.getByRole('option', { name: '/certs expiring Certificates' }).waitFor();
  await ask(page);
  await page.getByRole('heading', { name: '3 of 41 certificates have expired' }).waitFor();
  expect(await page.locator('.ephemeral').innerText()).toMatch(/Only visible to you[^]*On it\./);
  await page.getByRole('button', { name: '2 replies' }).click();
  const thread = page.getByRole('complementary', { name: 'Thread' });
  await thread.getByText('2 replies').waitFor();
  const download = page.waitForEvent('download');
  await thread.getByRole('link', { name: 'All 41' }).click();

  expect((await download).suggestedFilename()).toBe('certs.csv');
  expect(complaints).toEqual([]);
});

test('text typed right after choosing a channel goes to that channel, even if the page still shows the other one', async () => {
  const { page, workspace } = await openPage();
  await page.getByRole('heading', { name: '# incident' }).waitFor();
  const answered = Promise.withResolvers<void>();
  await page.route('**/page/state?*', async (route) => {
    await answered.promise;
    await route.continue();
  });

  await page.locator('#channels').getByText('platform').click();
  await ask(page);
  await workspace.waitFor(() =>
    ['C0123PLATFORM', 'C0123INCIDENT'].some(
      (channel) => workspace.ephemerals('U0123ADA', channel).length > 0,
    ),
  );
  answered.resolve();

  expect(workspace.ephemerals('U0123ADA', 'C0123PLATFORM')).toHaveLength(1);
  expect(workspace.ephemerals('U0123ADA', 'C0123INCIDENT')).toHaveLength(0);
});

test('a hostile name is shown as plain text', async () => {
  const { page, workspace, complaints } = await openPage();

  await ask(page);
  await page.getByRole('button', { name: '2 replies' }).click();
  const thread = page.locator('#thread-messages');

  await expect.poll(() => thread.locator('pre').innerText()).toBe(HOSTILE);
  expect(await page.locator('#messages td').first().innerText()).toBe(HOSTILE);
  // mrkdwn has no escape for its asterisks; everything else is unchanged.
  const said = HOSTILE.replace('*bold*', 'bold');
  expect(await page.locator('#messages .block-section').innerText()).toBe(`Asked by @ada: ${said}`);
  expect(await page.locator('.message img, .slack_broadcast').count()).toBe(0);
  expect(workspace.messages(at.channel)[0]).toMatchObject({ notifies: ['U0123ADA'], links: [] });
  expect(complaints).toEqual([]);
});

test('a button asks for confirmation, and its message changes for everyone', async () => {
  const { page, workspace, complaints } = await openPage();
  await ask(page);
  const renew = page.locator('#messages').getByRole('button', { name: 'Renew certificate' });

  await renew.click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  expect(workspace.requests.filter(({ method }) => method === 'chat.update')).toEqual([]);
  await page.getByLabel('acting as').selectOption('U0123GRACE');
  await renew.click();
  expect(await page.getByRole('dialog').innerText()).toContain('Nothing is redeployed.');
  await page.getByRole('button', { name: 'Renew', exact: true }).click();

  await page.getByText('Approved by @grace').waitFor();
  await page.getByText('(edited)').waitFor();
  expect(await renew.count()).toBe(0);
  expect(await page.locator('.ephemeral').count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('on a phone, the menu shows that another channel has new messages and opens it', async () => {
  const { page, workspace, complaints } = await openPage({ width: 390, height: 780 });
  await page.getByRole('button', { name: 'Channels', exact: true }).waitFor();
  workspace.say('U0123KATE', 'C0123PLATFORM', 'The digest is here');

  await page.getByRole('button', { name: 'Channels, unread messages' }).click();
  await page.locator('#channels').getByRole('button', { name: 'platform' }).click();

  await page.getByRole('heading', { name: '# platform' }).waitFor();
  await page.getByText('The digest is here').waitFor();
  await page.getByRole('button', { name: 'Channels', exact: true }).waitFor();
  expect(complaints).toEqual([]);
});

test('on a phone, the thread covers the channel and can be closed', async () => {
  const { page, complaints } = await openPage({ width: 390, height: 780 });
  await ask(page);

  await page.getByRole('button', { name: '2 replies' }).click();
  const thread = page.getByRole('complementary', { name: 'Thread' });
  await thread.waitFor();
  expect(await thread.boundingBox()).toMatchObject({ x: 0, width: 390 });
  expect(await page.evaluate("document.getElementById('thread-messages').scrollWidth")).toBe(390);
  await page.getByRole('textbox', { name: 'Reply' }).fill('/certs expiring');
  await page.keyboard.press('Enter');
  await page.getByText('/certs is not supported in threads. Sorry!').waitFor();
  await page.getByRole('button', { name: 'Close thread' }).click();

  expect(await thread.isVisible()).toBe(false);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  expect(complaints).toEqual([]);
});

test('another site cannot send commands through a browser that has this page open', async () => {
  const { workspace } = await openPage();
  const body = JSON.stringify({ user: 'U0123ADA', channel: at.channel, text: '/certs expiring' });
  const post = (headers: Record<string, string>) =>
    fetch(`${workspace.pageUrl}page/command`, { method: 'POST', headers, body }).then(({ status }) => status);

  expect(await post({ origin: 'https://evil.example' })).toBe(403);
  expect(await post({ origin: 'null' })).toBe(403);
  expect(workspace.messages(at.channel)).toEqual([]);
});

test("a person's face counts the posts that mention them or their group, until they have seen them", async () => {
  const { page, workspace, complaints } = await openPage();
  await ask(page);
  await page.getByRole('button', { name: '2 replies' }).waitFor();
  const root = workspace.messages(at.channel)[0]?.ts;
  const face = page.getByRole('button', { name: 'Act as @grace' }).last();
  expect(await face.getAttribute('aria-label')).toBe('Act as @grace');

  for (const text of ['<@U0123GRACE>, please approve', '<!subteam^S0123PLATFORM> may approve', 'No one'])
    workspace.say('U0123KATE', at.channel, text, root);
  await page.getByRole('button', { name: 'Act as @grace, 2 new mentions', exact: true }).waitFor();
  await face.click();
  await page.getByRole('button', { name: '5 replies' }).click();
  await page.getByText('please approve').waitFor();

  await expect.poll(() => face.getAttribute('aria-label')).toBe('Act as @grace');
  expect(await page.locator('#thread-messages .is-you').allInnerTexts()).toEqual([
    '@grace',
    '@platform-leads',
  ]);
  expect(complaints).toEqual([]);
});
