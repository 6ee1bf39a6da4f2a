import * as fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { WebAPIPlatformError } from '@slack/web-api';
import { makeLog } from '../../telemetry/log.ts';
import { makeMetrics } from '../../telemetry/metrics.ts';
import type { Message } from '../render/message.ts';
import { NO_TEXT, sendOrFallBackToText, type OutgoingMessage } from './send-or-fall-back-to-text.ts';
import { SlackApiError } from './slack-call.ts';

let log: string[];
let posting: Parameters<typeof sendOrFallBackToText>[0];
beforeEach(() => {
  log = [];
  posting = {
    metrics: makeMetrics(),
    log: makeLog({ level: 'debug', secrets: [], to: { write: (line) => log.push(line) } }),
  };
});

const MESSAGE: Message = { text: '3 of 41 certificates have expired', blocks: [{ type: 'divider' }] };
const bugs = async () => (await posting.metrics.bugs.get()).values.map(({ value }) => value);

/** Sends to a Slack that rejects a message for as long as `isWrong` says so. */
async function sendTo(isWrong: (form: OutgoingMessage) => boolean, refusal: Error, message = MESSAGE) {
  const sent: OutgoingMessage[] = [];
  const outcome = await sendOrFallBackToText(posting, { runId: 'r1' }, message, async (form) => {
    sent.push(form);
    if (isWrong(form)) throw refusal;
    return 'posted';
  }).catch((error: unknown) => error);
  return { sent, outcome, last: sent.at(-1) };
}

const hasBlocks = ({ blocks }: OutgoingMessage) => blocks.length > 0;

test.each([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_blocks_too_long',
  'block_mismatch',
  'invalid_attachments',
  'too_many_attachments',
  'attachment_payload_limit_exceeded',
  'only_one_table_allowed',
  'markdown_text_conflict',
])('%s: the text is sent without blocks, and counted and logged as a bug', async (code) => {
  const { outcome, last } = await sendTo(hasBlocks, new SlackApiError(code, ''));

  expect(outcome).toBe('posted');
  expect(last).toEqual({ text: MESSAGE.text, blocks: [] });
  await expect(bugs()).resolves.toEqual([1]);
  expect(log.join('')).toContain(code);
});

test('a chart that Slack rejects is left out, and the other blocks stay', async () => {
  const chart = {
    type: 'data_visualization',
    title: 'Disk',
    chart: { type: 'line', series: [], axis_config: { categories: [] } },
  };
  const message = { ...MESSAGE, blocks: [chart as Message['blocks'][number], ...MESSAGE.blocks] };
  const hasChart = ({ blocks }: OutgoingMessage) => blocks.some(({ type }) => type === 'data_visualization');
  const { outcome, sent, last } = await sendTo(hasChart, new SlackApiError('invalid_blocks', ''), message);

  expect(outcome).toBe('posted');
  expect(sent).toHaveLength(2);
  expect(last).toEqual(MESSAGE);
});

test.each([
  'invalid_metadata_format',
  'invalid_metadata_schema',
  'metadata_too_large',
  'metadata_must_be_sent_from_app',
])('%s: text and blocks are sent without metadata', async (code) => {
  const { outcome, last } = await sendTo((form) => !form.withoutMetadata, new SlackApiError(code, ''));

  expect(outcome).toBe('posted');
  expect(last).toEqual({ ...MESSAGE, withoutMetadata: true });
});

test('a text that is too long is shortened, and the blocks with their buttons stay', async () => {
  const long = { ...MESSAGE, text: `FIXED · ${'я'.repeat(1_500)}` };
  const tooLong = ({ text }: OutgoingMessage) => Buffer.byteLength(text) > 1_000;
  const { outcome, last } = await sendTo(tooLong, new SlackApiError('msg_too_long', ''), long);

  expect(outcome).toBe('posted');
  expect(last?.text).toMatch(/^FIXED · я+…$/);
  expect(last?.blocks).toEqual(MESSAGE.blocks);
});

test('a text that is too long only because of the blocks is sent without them', async () => {
  const { outcome, last } = await sendTo(hasBlocks, new SlackApiError('msg_too_long', ''));

  expect(outcome).toBe('posted');
  expect(last).toEqual({ text: MESSAGE.text, blocks: [] });
});

test.each(['invalid_arguments', 'invalid_arg_name', 'invalid_array_arg', 'invalid_form_data'])(
  '%s leaves out the part that its details name',
  async (code) => {
    const about = (detail: string, isWrong: (form: OutgoingMessage) => boolean) =>
      sendTo(isWrong, new SlackApiError(code, detail));

    const blocks = await about(' [ERROR] must be an array [json-pointer:/blocks/0]', hasBlocks);
    expect(blocks.last).toEqual({ text: MESSAGE.text, blocks: [] });
    const metadata = await about(
      ' [ERROR] invalid [json-pointer:/metadata]',
      (form) => !form.withoutMetadata,
    );
    expect(metadata.last).toEqual({ ...MESSAGE, withoutMetadata: true });
    const unsaid = await about('', (form) => hasBlocks(form) || !form.withoutMetadata);
    expect(unsaid.last).toEqual({ text: MESSAGE.text, blocks: [], withoutMetadata: true });
    const other = await about(' [ERROR] unknown channel [json-pointer:/channel]', () => true);
    expect(other.sent).toEqual([MESSAGE]);
    expect(other.outcome).toMatchObject({ code });
  },
);

test('several rejected parts of one message are left out one after another, and counted as one bug', async () => {
  const sent: OutgoingMessage[] = [];
  await sendOrFallBackToText(posting, { runId: 'r1' }, MESSAGE, async (form) => {
    sent.push(form);
    if (!form.withoutMetadata) throw new SlackApiError('metadata_too_large', '');
    if (hasBlocks(form)) throw new SlackApiError('invalid_blocks', '');
  });

  expect(sent).toHaveLength(3);
  await expect(bugs()).resolves.toEqual([1]);
});

test('an error of the client is handled the same way', async () => {
  const error = new WebAPIPlatformError({ ok: false, error: 'invalid_blocks' });

  await expect(sendTo(hasBlocks, error)).resolves.toMatchObject({ outcome: 'posted' });
});

test.each(['', ' \n\t'])('an empty text (%j) is never sent', async (text) => {
  const { last } = await sendTo(() => false, new Error('unused'), { ...MESSAGE, text });

  expect(last?.text).toBe(NO_TEXT);
});

test('a text without visible characters is replaced', async () => {
  const unseen = { ...MESSAGE, text: '\u200B' };
  const { outcome, last } = await sendTo(
    ({ text }) => text === '\u200B',
    new SlackApiError('no_text', ''),
    unseen,
  );

  expect(outcome).toBe('posted');
  expect(last?.text).toBe(NO_TEXT);
});

test.each(['channel_not_found', 'not_in_channel', 'message_not_found', 'restricted_action'])(
  '%s is not about the form, so nothing is sent again',
  async (code) => {
    const { sent, outcome } = await sendTo(() => true, new SlackApiError(code, ''));

    expect(sent).toEqual([MESSAGE]);
    expect(outcome).toMatchObject({ code });
    await expect(bugs()).resolves.toEqual([]);
  },
);

test('an error after which it is unknown what Slack did is rethrown', async () => {
  const lost = new Error('socket hang up');

  await expect(sendTo(() => true, lost)).resolves.toMatchObject({ outcome: lost, sent: [MESSAGE] });
});

test('for any rejection, only a few forms are tried, none of them empty or too long', async () => {
  const code = fc.constantFrom(
    'invalid_blocks',
    'metadata_too_large',
    'msg_too_long',
    'no_text',
    'invalid_arguments',
  );
  const detail = fc.constantFrom('', ' /blocks/0', ' /metadata', ' /text', ' /channel');
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary' }),
      fc.array(fc.tuple(code, detail)),
      async (text, refusals) => {
        const left = [...refusals];
        const sent: OutgoingMessage[] = [];
        await sendOrFallBackToText(
          posting,
          { runId: 'r1' },
          { ...MESSAGE, text: text.repeat(200) },
          async (form) => {
            sent.push(form);
            const [next, why = ''] = left.shift() ?? [];
            if (next !== undefined) throw new SlackApiError(next, why);
          },
        ).catch(() => undefined);

        expect(sent.length).toBeLessThanOrEqual(6);
        for (const form of sent) {
          expect(form.text.trim()).not.toBe('');
          expect(Buffer.byteLength(form.text)).toBeLessThanOrEqual(4_000);
        }
      },
    ),
    { numRuns: 200 },
  );
});
