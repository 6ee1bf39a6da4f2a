import type { ModalView } from '@slack/types';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { MAX_WAIT_MS } from '../../timeouts.ts';
import { BROWSER } from '../../world/browser.ts';
import { openWithBolt } from '../open-with-bolt.ts';

const option = (value: string, text: string) => ({ text: { type: 'plain_text' as const, text }, value });
const LONGER = option('3d', '3 days');
const PLACE = { type: 'text' as const, text: `vault:secret/${'very_long_name/'.repeat(8)}tls:certificate` };
const VIEW: ModalView = {
  type: 'modal',
  callback_id: 'why',
  title: { type: 'plain_text', text: 'Silence <b>' },
  submit: { type: 'plain_text', text: 'Send' },
  close: { type: 'plain_text', text: 'Cancel' },
  blocks: [
    { type: 'section', text: { type: 'plain_text', text: 'disk of node-a' } },
    {
      type: 'rich_text',
      elements: [
        { type: 'rich_text_quote', elements: [PLACE] },
        {
          type: 'rich_text_list',
          style: 'bullet',
          elements: [{ type: 'rich_text_section', elements: [PLACE] }],
        },
      ],
    },
    {
      type: 'input',
      block_id: 'until',
      label: { type: 'plain_text', text: 'For how long?' },
      element: {
        type: 'static_select',
        action_id: 'choice',
        options: [option('1h', '1 hour'), option('1d', '1 day'), LONGER],
        initial_option: LONGER,
      },
    },
    {
      type: 'input',
      block_id: 'reason',
      label: { type: 'plain_text', text: 'Why?' },
      hint: { type: 'plain_text', text: 'Everyone sees it.' },
      element: { type: 'plain_text_input', action_id: 'text', multiline: true, min_length: 3 },
    },
  ],
};

/** TypeScript has no DOM types here. */
const HIDDEN_AT_THE_SIDE = (shown: unknown) => {
  const { scrollWidth, clientWidth } = shown as { scrollWidth: number; clientWidth: number };
  return scrollWidth - clientWidth;
};

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch(BROWSER);
});
afterAll(() => browser.close());

test.each([
  ['a desktop', 1280],
  ['a phone', 390],
])('a modal on %s shows errors and closes once it is accepted', async (_, width) => {
  const submitted: unknown[] = [];
  const { workspace } = await openWithBolt('http', (bolt) => {
    bolt.command(/.*/, async ({ ack, body, client }) => {
      await ack();
      await client.views.open({ trigger_id: body.trigger_id, view: VIEW });
    });
    bolt.view('why', async ({ ack, view }) => {
      const { until, reason } = view.state.values;
      const why = reason?.['text']?.value;
      submitted.push([until?.['choice']?.selected_option?.value, why]);
      await (why === 'because' ? ack({ response_action: 'errors', errors: { reason: 'Say more.' } }) : ack());
    });
  });
  const context = await browser.newContext({ viewport: { width, height: 800 } });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(MAX_WAIT_MS);
  const page = await context.newPage();
  await page.goto(workspace.pageUrl);
  await page.getByRole('textbox', { name: 'Message' }).fill('/why');
  await page.getByRole('textbox', { name: 'Message' }).press('Enter');
  const form = page.getByRole('dialog', { name: 'Silence <b>' });
  await form.getByText('disk of node-a').waitFor();
  await form.getByText('Everyone sees it.').waitFor();
  const { x = 0, width: shown = 0 } = (await form.boundingBox()) ?? {};
  expect([x >= 0, x + shown <= width]).toEqual([true, true]);
  expect(await page.locator('#form').evaluate(HIDDEN_AT_THE_SIDE)).toBe(0);

  // Too short: the browser does not send it.
  await form.getByRole('textbox', { name: 'Why?' }).fill('no');
  await form.getByRole('button', { name: 'Send' }).click();
  await form.getByRole('combobox', { name: 'For how long?' }).selectOption('1 day');
  await form.getByRole('textbox', { name: 'Why?' }).fill('because');
  await form.getByRole('button', { name: 'Send' }).click();
  await form.getByText('Say more.').waitFor();
  // Other people's messages do not remove the typed text.
  workspace.say('U0123KATE', 'C0123INCIDENT', 'What is going on?');
  await page.getByText('What is going on?').waitFor();
  expect(await form.getByRole('textbox', { name: 'Why?' }).inputValue()).toBe('because');
  await form.getByRole('textbox', { name: 'Why?' }).fill('because it is known');
  await form.getByRole('button', { name: 'Send' }).click();

  await form.waitFor({ state: 'hidden' });
  expect(submitted).toEqual([
    ['1d', 'because'],
    ['1d', 'because it is known'],
  ]);
  expect(workspace.views('U0123ADA')).toEqual([]);
});

const ALL_INPUTS: ModalView = {
  ...VIEW,
  blocks: [
    {
      type: 'input',
      block_id: 'within',
      label: { type: 'plain_text', text: 'Within' },
      optional: true,
      element: {
        type: 'plain_text_input',
        action_id: 'value',
        initial_value: '7d',
        placeholder: { type: 'plain_text', text: '30d' },
      },
    },
    {
      type: 'input',
      block_id: 'kind',
      label: { type: 'plain_text', text: 'Kind' },
      optional: true,
      element: { type: 'static_select', action_id: 'value', options: [option('disk', 'Disk')] },
    },
    {
      type: 'input',
      block_id: 'all',
      label: { type: 'plain_text', text: 'All' },
      optional: true,
      element: {
        type: 'checkboxes',
        action_id: 'value',
        options: [option('true', 'Healthy too'), option('old', 'Old too')],
        initial_options: [option('old', 'Old too')],
      },
    },
    {
      type: 'input',
      block_id: 'one',
      label: { type: 'plain_text', text: 'One of' },
      element: {
        type: 'radio_buttons',
        action_id: 'value',
        options: [option('a', 'First'), option('b', 'Second')],
        initial_option: option('a', 'First'),
      },
    },
  ],
};

test.each([
  ['a desktop', 1280],
  ['a phone', 390],
])('every kind of input on %s shows what the bot set, and sends what was chosen', async (_, width) => {
  const submitted: unknown[] = [];
  const { workspace } = await openWithBolt('http', (bolt) => {
    bolt.command(/.*/, async ({ ack, body, client }) => {
      await ack();
      await client.views.open({ trigger_id: body.trigger_id, view: ALL_INPUTS });
    });
    bolt.view('why', async ({ ack, view }) => {
      const { within, kind, all, one } = view.state.values;
      submitted.push([
        within?.['value']?.value,
        kind?.['value']?.selected_option?.value,
        all?.['value']?.selected_options?.map(({ value }) => value),
        one?.['value']?.selected_option?.value,
      ]);
      await ack(
        submitted.length === 1 ? { response_action: 'errors', errors: { all: 'Not all.' } } : undefined,
      );
    });
  });
  const context = await browser.newContext({ viewport: { width, height: 800 } });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(MAX_WAIT_MS);
  const page = await context.newPage();
  await page.goto(workspace.pageUrl);
  await page.getByRole('textbox', { name: 'Message' }).fill('/why');
  await page.getByRole('textbox', { name: 'Message' }).press('Enter');
  const form = page.getByRole('dialog', { name: 'Silence <b>' });
  await form.getByRole('checkbox', { name: 'Old too' }).waitFor();
  expect(await form.getByRole('checkbox', { name: 'Old too' }).isChecked()).toBe(true);
  await form.getByRole('button', { name: 'Send' }).click();
  await form.getByText('Not all.').waitFor();

  await form.getByRole('textbox', { name: 'Within' }).fill('');
  await form.getByRole('combobox', { name: 'Kind' }).selectOption('Disk');
  await form.getByRole('checkbox', { name: 'Healthy too' }).check();
  await form.getByRole('radio', { name: 'Second' }).check();
  await form.getByRole('button', { name: 'Send' }).click();

  await form.waitFor({ state: 'hidden' });
  expect(submitted).toEqual([
    ['7d', undefined, ['old'], 'a'],
    [null, 'disk', ['true', 'old'], 'b'],
  ]);
});

test.each(['Cancel', 'Escape'])('closing a modal with %s sends nothing', async (way) => {
  const { workspace } = await openWithBolt('http', (bolt) => {
    bolt.command(/.*/, async ({ ack, body, client }) => {
      await ack();
      await client.views.open({ trigger_id: body.trigger_id, view: VIEW });
    });
  });
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  page.setDefaultTimeout(MAX_WAIT_MS);
  await page.goto(workspace.pageUrl);
  await page.getByRole('textbox', { name: 'Message' }).fill('/why');
  await page.getByRole('textbox', { name: 'Message' }).press('Enter');
  const form = page.getByRole('dialog', { name: 'Silence <b>' });
  await form.waitFor();

  if (way === 'Escape') await page.keyboard.press('Escape');
  else await form.getByRole('button', { name: way }).click();

  await form.waitFor({ state: 'hidden' });
  expect(workspace.views('U0123ADA')).toEqual([]);
});
